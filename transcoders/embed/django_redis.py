"""django-redis: caches, and through them the session engines cache and cached_db.

    CACHES = {"default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": "redis://…",
        "OPTIONS": {"SERIALIZER": "transcoders.embed.django_redis.Serializer", "TRANSCODERS": "msgpack+zstd"},
    }}

What its JSON and MessagePack serializers wrote stays readable. Its default are pickles: `"accept": ["raw-pickle"]`
reads those, as data. What cannot be read is a miss.
"""

from collections.abc import Mapping
from typing import Any

from django_redis.serializers.base import BaseSerializer

from transcoders.embed import MSGPACK, Embedded


class Serializer(BaseSerializer):  # type: ignore[misc]
    """What `OPTIONS["SERIALIZER"]` names; its settings stand beside it, as `OPTIONS["TRANSCODERS"]`.

    Integers never reach it: the client stores their digits.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._embedded = Embedded("django_redis", options.get("TRANSCODERS", {}), MSGPACK)

    def dumps(self, value: object) -> bytes:
        """The frame; raises EncodeError."""
        return self._embedded.encode(value)

    def loads(self, value: bytes) -> Any:
        """The value; None where it cannot be read."""
        return self._embedded.read(value)
