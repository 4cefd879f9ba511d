"""cachelib: its caches, and the sessions that Flask-Session keeps in one.

    from transcoders.embed.cachelib import Serializer

    cache = RedisCache("localhost")
    cache.serializer = Serializer("msgpack+zstd")

Integers are stored as digits, so that `inc` and `dec` work. What its JSON serializer wrote stays readable. Its default
are pickles: `{"accept": ["raw-pickle"]}` reads those, as data. What cannot be read is a miss.
"""

from typing import IO, Any

from cachelib.serializers import BaseSerializer

from transcoders.embed import JSON, Embedded, Settings

_PICKLED = b"!"
"""What cachelib puts before the pickles of a Redis cache, which store numbers as well."""


class Serializer(BaseSerializer):
    """What stands as `serializer` in a cache, or in a subclass of its class."""

    def __init__(self, given: Settings = "json") -> None:
        self._embedded = Embedded("cachelib", given, JSON)

    def dumps(self, value: object, *_: object) -> bytes:
        """What is stored; raises EncodeError."""
        return self._embedded.cell(value)

    def loads(self, bvalue: bytes | None) -> Any:
        """The value; None where there is none, or it cannot be read."""
        return self._embedded.value(bvalue.removeprefix(_PICKLED) if type(bvalue) is bytes else bvalue)

    def dump(self, value: object, f: IO[bytes], *_: object) -> None:
        """Write what is stored to a file; raises EncodeError, and has written nothing then."""
        f.write(self.dumps(value))

    def load(self, f: IO[bytes]) -> Any:
        """The value in the rest of a file; None where it cannot be read."""
        return self.loads(f.read())
