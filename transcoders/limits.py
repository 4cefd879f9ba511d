"""Limits: what a transcoder takes in, one object for every codec.

The defaults fit web sessions. They bound hostile bytes, and they bound our own writer by the same measure,
so that nothing is ever written that cannot be read back.
"""

from typing import NamedTuple, Self

from transcoders.errors import SpecError

ENGINE_DEPTH = 250
"""Containers inside containers that every engine encodes: orjson and ormsgpack stop at 254 and 255."""


class _Fields(NamedTuple):
    size: int
    depth: int


class Limits(_Fields):
    """What is refused.

    Attributes:
        size: bytes of a frame, and of its body after decompression. Default 1 MiB.
        depth: containers inside containers, 1 to 250. At the default of 250 the engines keep the limit at no
            cost (plain JSON and MessagePack written by others pass up to their engine's 1,024); a lower value
            is kept exactly, by a look at every container.
    """

    __slots__ = ()

    def __new__(cls, size: int = 1 << 20, depth: int = ENGINE_DEPTH) -> Self:
        """The limits; raises SpecError on one that is no whole number in its range."""
        for name, value, high in (("size", size, 1 << 40), ("depth", depth, ENGINE_DEPTH)):
            if type(value) is not int or not 1 <= value <= high:
                raise SpecError(f"Limits.{name} takes a whole number from 1 to {high}, not {value!r}")
        return super().__new__(cls, size, depth)

    @property
    def by_engine(self) -> bool:
        """Whether depth is left to the engines, at no cost, because it is theirs."""
        return self.depth == ENGINE_DEPTH
