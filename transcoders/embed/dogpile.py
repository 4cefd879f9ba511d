"""dogpile.cache: the serializer and the deserializer of a region.

    from transcoders.embed.dogpile import coding

    region = make_region(**coding("msgpack+zstd")).configure("dogpile.cache.redis", …)

Its default are pickles: `{"accept": ["raw-pickle"]}` reads those, as data. What cannot be read is made anew.
"""

from collections.abc import Callable
from typing import Any, TypedDict

from dogpile.cache.api import CantDeserializeException

from transcoders.embed import JSON, Embedded, Settings
from transcoders.errors import DecodeError


class Coding(TypedDict):
    """Two keywords of `make_region`."""

    serializer: Callable[[Any], bytes]
    deserializer: Callable[[bytes], Any]


def coding(given: Settings = "json") -> Coding:
    """The keywords `serializer` and `deserializer` of a region.

    Raises:
        SpecError: a setting is wrong.
    """
    embedded = Embedded("dogpile", given, JSON)

    def deserializer(data: bytes) -> Any:
        try:
            return embedded.decode(data)
        except DecodeError as error:
            raise CantDeserializeException from error

    return {"serializer": embedded.encode, "deserializer": deserializer}
