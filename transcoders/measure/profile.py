"""Profile: what a payload is made of, in numbers, so that no reader guesses and no payload drifts unseen.

Sizes are those of the compact JSON text: UTF-8, no spaces, nothing escaped that need not be. What JSON does
not know counts as the plainest text it could be: bytes as base64, tuples and sets as arrays, NaN as `NaN`,
and a datetime, a Decimal, any other object and any key that is no string as its `str()` in quotes. No codec
is used: a profile is the same whichever transcoder is measured.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from statistics import median_low

from transcoders.errors import SpecError
from transcoders.measure.payload import Payload

_DEEPEST = 10_000
_JSON = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """The numbers of one payload.

    Attributes:
        name: the payload's.
        variants: how many values it rotates through.
        smallest: bytes of the smallest variant.
        typical: bytes of the typical variant: the lower median, so that one of them has this size.
        largest: bytes of the largest variant.
        types: how often each type occurs in the typical variant, commonest first; keys if they are no str.
        depth: containers inside containers over all variants; a scalar has 0, an empty list 1.
        longest: characters of the longest string over all variants, keys included.
        key_share: part of the typical variant's bytes that keys take, quotes included.
        repeated: how many strings of the typical variant, keys included, occurred in it before.
        aliased: how often a container of the typical variant is reached again; empty tuples are all one.
    """

    name: str
    variants: int
    smallest: int
    typical: int
    largest: int
    types: tuple[tuple[str, int], ...]
    depth: int
    longest: int
    key_share: float
    repeated: int
    aliased: int

    def row(self) -> dict[str, str]:
        """Columns of a table and their cells, in order."""
        return {
            "payload": self.name,
            "variants": str(self.variants),
            "bytes": str(self.typical),
            "min": str(self.smallest),
            "max": str(self.largest),
            "depth": str(self.depth),
            "longest": str(self.longest),
            "keys": f"{self.key_share:.0%}",
            "repeated": str(self.repeated),
            "aliased": str(self.aliased),
            "types": ", ".join(f"{count} {kind}" for kind, count in self.types),
        }

    def lines(self) -> list[str]:
        """The same as one aligned `column: cell` line each."""
        row = self.row()
        width = max(map(len, row)) + 1
        return [f"{column + ':':<{width}} {cell}" for column, cell in row.items()]


def profile(payload: Payload) -> Profile:
    """The profile of a payload.

    Raises:
        SpecError: a variant contains itself.
    """
    walks = [_Walk(variant, payload.name) for variant in payload.variants]
    sizes = [walk.size for walk in walks]
    typical = walks[sizes.index(median_low(sizes))]
    return Profile(
        name=payload.name,
        variants=len(walks),
        smallest=min(sizes),
        typical=typical.size,
        largest=max(sizes),
        types=tuple(sorted(typical.types.items(), key=lambda item: (-item[1], item[0]))),
        depth=max(walk.depth for walk in walks),
        longest=max(walk.longest for walk in walks),
        key_share=typical.key_bytes / typical.size,
        repeated=typical.repeated,
        aliased=typical.aliased,
    )


class _Walk:
    """One pass over one value, with a list in place of recursion: deep values are part of the study."""

    def __init__(self, value: object, name: str) -> None:
        self.size = self.key_bytes = self.depth = self.longest = self.repeated = self.aliased = 0
        self.types: Counter[str] = Counter()
        self._strings: set[str] = set()
        self._reached: set[int] = set()
        pending = [(value, 1)]
        while pending:
            item, depth = pending.pop()
            if depth > _DEEPEST:
                raise SpecError(f"payload {name}: expected a tree, found a value that contains itself; break the cycle")
            self.types[type(item).__name__] += 1
            if isinstance(item, dict | list | tuple | set | frozenset):
                self._container(item, depth)
                pending += [(child, depth + 1) for child in (item.values() if isinstance(item, dict) else item)]
            else:
                self._string(item)
                self.size += _text_size(item)

    def _container(self, item: Collection[object], depth: int) -> None:
        self.depth = max(self.depth, depth)
        self.size += 2 + max(0, len(item) - 1)  # brackets and commas
        if item or isinstance(item, list | dict | set):
            self.aliased += id(item) in self._reached
            self._reached.add(id(item))
        if isinstance(item, dict):
            for key in item:
                self._key(key)

    def _key(self, key: object) -> None:
        if not isinstance(key, str):
            self.types[f"{type(key).__name__} key"] += 1
        self._string(key)
        text = _text_size(key if isinstance(key, str) else str(key))
        self.key_bytes += text
        self.size += text + 1  # the colon

    def _string(self, item: object) -> None:
        if isinstance(item, str):
            self.longest = max(self.longest, len(item))
            self.repeated += item in self._strings
            self._strings.add(item)


def _text_size(leaf: object) -> int:
    if isinstance(leaf, bytes | bytearray):
        return 2 + 4 * -(-len(leaf) // 3)
    text = leaf if leaf is None or isinstance(leaf, str | int | float) else str(leaf)
    return len(_JSON.encode(text).encode("utf-8", "surrogatepass"))
