"""Django: sessions of the engines db, file and signed_cookies, signed values, and its own Redis cache.

    SESSION_SERIALIZER = "transcoders.embed.django.Serializer"
    TRANSCODERS = "msgpack+zstd"  # or a mapping; see `transcoders.embed`

Django's signature stands around what this serializer writes, so a seal of ours adds nothing. The engines cache and
cached_db store through a cache, whose serializer counts there: `CacheSerializer`, or `embed.django_redis`. Sessions
that were stored as JSON stay readable. What cannot be read is an empty session to Django, and `on_undecodable` cannot
change that.
"""

from functools import cache

from django.conf import settings
from django.core.signals import setting_changed

from transcoders.embed import JSON, Embedded, Settings


def configured() -> Settings:
    """The setting `TRANSCODERS`; without it, the defaults."""
    given: Settings = getattr(settings, "TRANSCODERS", {})
    return given


@cache
def _sessions() -> Embedded:
    return Embedded("django", configured(), JSON, plain=True, signed=True)


def _changed(*, setting: str, **_: object) -> None:
    if setting == "TRANSCODERS":
        _sessions.cache_clear()


setting_changed.connect(_changed)
_sessions()  # Django hides what goes wrong when a session is read, so wrong settings show up here, where it does not


class Serializer:
    """What `SESSION_SERIALIZER` names, and what `signing.dumps` and `signing.loads` take as `serializer`.

    Django makes one for each call, so what it is made of is made once.
    """

    __slots__ = ("dumps", "loads")

    def __init__(self) -> None:
        embedded = _sessions()
        self.dumps, self.loads = embedded.encode, embedded.decode


class CacheSerializer:
    """What `CACHES[…]["OPTIONS"]["serializer"]` of `django.core.cache.backends.redis.RedisCache` names, or is."""

    __slots__ = ("dumps", "loads")

    def __init__(self, given: Settings | None = None) -> None:
        """An instance of other settings than `TRANSCODERS` may stand in the options as well as the name."""
        embedded = Embedded("django", configured() if given is None else given)
        self.dumps, self.loads = embedded.cell, embedded.value
