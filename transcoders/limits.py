"""Limits: what a transcoder takes in, one object for every codec.

The defaults fit web sessions. They bound hostile bytes, and they bound our own writer by the same measure,
so that nothing is ever written that cannot be read back. What each protects from, and costs: docs/limits.md.
"""

import sys
from typing import NamedTuple, Self

from transcoders.errors import SpecError

ENGINE_DEPTH = 250
"""Containers inside containers that every engine encodes: orjson and ormsgpack stop at 254 and 255."""
_RANGES = {
    "size": (1, 1 << 40), "depth": (1, ENGINE_DEPTH), "items": (1, 1 << 40), "digits": (20, 4300),
    "exponent": (1, 999_999_999_999_999_999), "collisions": (1, 1 << 40),
}  # fmt: skip
"""Integers of 64 bits have up to 20 digits; Python itself writes 4,300 (`sys.int_info.default_max_str_digits`)."""


class _Fields(NamedTuple):
    size: int
    depth: int
    items: int
    digits: int
    exponent: int
    collisions: int
    strict: bool


class Limits(_Fields):
    """What is refused. All arguments are keywords.

    Attributes:
        size: bytes of a frame, and of its body after decompression. Default 1 MiB.
        depth: containers inside containers, 1 to 250. At the default of 250 the engines keep the limit at no
            cost (what others wrote may pass deeper: plain JSON and MessagePack up to their engine's 1,024, tagged
            values up to twice the limit); a lower value is kept exactly, by a look at every container.
        items: entries of all containers in a value together: of lists, tuples and sets, pairs of dicts, fields of
            records. Default 65,536. Arrays count as one; an empty one may have a shape of so many rows at most.
        digits: decimal digits of an integer, and of a Decimal's coefficient, 20 to 4,300. Default 1,233: such
            integers fit into 512 bytes.
        exponent: how far the exponent of a Decimal, written with one digit before the point, may lie from zero.
            Default 6,144, as in decimal128 (IEEE 754).
        collisions: keys of one dict, or members of one set, whose hash whoever writes them can choose (large
            integers, Decimals, UUIDs, tuples …), where no seal vouches for the bytes. Default 1,024.
        strict: whether to refuse, at the cost of a second look at every body, what decoders read over and no writer
            of ours writes: a key that stands twice in a map, of which the last counts (in CBOR it is refused in any
            case: RFC 8949, section 5.6), and an integer beyond 64 bits in plain JSON, which is read as a float.
            Default False.
    """

    __slots__ = ()

    def __new__(  # noqa: PLR0913 - one for each limit
        cls,
        *,
        size: int = 1 << 20,
        depth: int = ENGINE_DEPTH,
        items: int = 1 << 16,
        digits: int = 1233,
        exponent: int = 6144,
        collisions: int = 1024,
        strict: bool = False,
    ) -> Self:
        """The limits; raises SpecError on one that is out of its range or of another type."""
        made = super().__new__(cls, size, depth, items, digits, exponent, collisions, strict)
        for name, (low, high) in _RANGES.items():
            value = getattr(made, name)
            if type(value) is not int or not low <= value <= high:
                raise SpecError(f"Limits.{name} takes a whole number from {low} to {high}, not {value!r}")
        if type(strict) is not bool:
            raise SpecError(f"Limits.strict takes True or False, not {strict!r}")
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, object]]:
        """What copies and pickles are made from: keywords."""
        return (), self._asdict()

    @property
    def by_engine(self) -> bool:
        """Whether depth, and what decoders read over, are left to the engines, at no cost."""
        return self.depth == ENGINE_DEPTH and not self.strict

    @property
    def openings(self) -> int:
        """Containers and tags that a body may open: four at most for each item, and for the value."""
        return 4 * self.plain_openings

    @property
    def plain_openings(self) -> int:
        """The same for a body without tags: one for each item, and for the value."""
        return self.items + 1

    def behind(self, *, sealed: bool) -> "Limits":
        """The limits for bytes that a seal vouches for: no attacker wrote them, so keys are as they are."""
        return self._replace(collisions=sys.maxsize) if sealed else self
