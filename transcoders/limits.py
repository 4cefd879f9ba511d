"""Limits: what a transcoder takes in, one object for every codec.

The defaults fit web sessions. They bound hostile bytes, and they bound our own writer by the same measure,
so that nothing is ever written that cannot be read back.
"""

from dataclasses import dataclass

from transcoders.errors import SpecError

ENGINE_DEPTH = 250
"""Containers inside containers that every engine encodes: orjson and ormsgpack stop at 254 and 255."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused.

    Attributes:
        size: bytes of a frame, and of its body after decompression. Default 1 MiB.
        depth: containers inside containers, 1 to 250. At the default of 250 the engines keep the limit at no
            cost (plain JSON and MessagePack written by others pass up to their engine's 1,024); a lower value
            is kept exactly, by a look at every container.
    """

    size: int = 1 << 20
    depth: int = ENGINE_DEPTH

    def __post_init__(self) -> None:
        """Raise SpecError on a limit that is no whole number in its range."""
        for name, low, high in (("size", 1, 1 << 40), ("depth", 1, ENGINE_DEPTH)):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise SpecError(f"Limits.{name} takes a whole number from {low} to {high}, not {value!r}")

    @property
    def by_engine(self) -> bool:
        """Whether depth is left to the engines, at no cost, because it is theirs."""
        return self.depth == ENGINE_DEPTH
