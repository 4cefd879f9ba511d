"""aiocache: the serializer of a cache, from code or from its configuration.

    Cache(Cache.REDIS, serializer=Serializer("msgpack+zstd"))
    {"cache": …, "serializer": {"class": "transcoders.embed.aiocache.Serializer", "spec": "msgpack+zstd"}}

Integers are stored as digits, so that `increment` works. What its JSON and MessagePack serializers wrote stays
readable; its pickles, as data, with `accept=["raw-pickle"]`. What cannot be read is a miss.
"""

from typing import Any

from aiocache.serializers import BaseSerializer

from transcoders.embed import MSGPACK, Embedded, Settings


class Serializer(BaseSerializer):  # type: ignore[misc]
    """What a cache takes as `serializer`."""

    DEFAULT_ENCODING = None  # bytes

    def __init__(self, given: Settings | None = None, **settings: Any) -> None:
        """Settings as one value, or as keywords, which is how aiocache's configuration gives them."""
        super().__init__()
        self._embedded = Embedded("aiocache", settings if given is None else given, MSGPACK)

    def dumps(self, value: object) -> bytes:
        """What is stored; raises EncodeError."""
        return self._embedded.cell(value)

    def loads(self, value: bytes | None) -> Any:
        """The value; None where there is none, or it cannot be read."""
        return self._embedded.value(value)
