"""The stack of a pickle of data, followed without making anything: what it opens, and the keys that it sets in dicts.

Runs behind `opcodes`, which lets pass nothing but data: no name, no call, no memo. Where the unpickler would stop, so
does this. What it knows of a value is whether its hash can be chosen (see `collisions`), of a tuple how deep it is, and
of a dict how many such keys it has.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from transcoders.collisions import crowd
from transcoders.errors import TooLarge
from transcoders.limits import Limits
from transcoders.outlines import too_many

LEVELS: Final = 1024
"""Tuples inside tuples, which are hashed inside one another in C, where nothing looks at how much of the stack is left:
200,000 of them as a key end the process. Values of a session have three for a level at most.
"""
_START: Final = 2
"""Bytes of the PROTO opcode, which stands first."""
_ARGUMENTS: Final = dict.fromkeys(b"N)\x88\x89\x97", 0) | {ord("K"): 1, ord("M"): 2, ord("J"): 4, ord("G"): 8}
"""Opcodes that push what is neither container nor large, and the size of their argument."""
_SIZES: Final = dict.fromkeys(b"\x8cC\x8a", 1) | dict.fromkeys(b"XB\x8b", 4) | dict.fromkeys(b"\x8d\x8e\x96", 8)
"""Opcodes that push text, bytes or an integer behind a size of so many bytes."""
_INTEGERS: Final = frozenset(b"\x8a\x8b")
_SKIPPED: Final = {0x95: 8, 0x98: 0}
"""FRAME and READONLY_BUFFER."""
_LONG4: Final = re.compile(rb"\x8b(?=(.{3}[\0-\x7f]))", re.DOTALL)
"""The opcode of an integer of more than 255 bytes, and its size; or other bytes that look like it."""
_LONG1_DIGITS: Final = 614
"""Decimal digits that every integer of 255 bytes has at most, and some have."""
_OPENING: Final = b"]}\x85\x86\x87t"
_PRONE: Final = b"\x85\x86\x87\x8a\x8b"


class Outline:
    """What is looked for in pickles before they are loaded.

    Attributes:
        strict: whether keys are always counted.
        dense: a pickle of so many bytes need not be followed, nor looked into but for opcode 0x8B.
        short: one of so many need not be looked into at all.
    """

    __slots__ = ("_guarded", "_limits", "_narrow", "_prone", "dense", "short", "strict")

    def __init__(self, limits: Limits, *, guarded: bool) -> None:
        self._limits, self._guarded, self.strict = limits, guarded, limits.strict
        self._prone, self._narrow = min(limits.collisions, LEVELS), limits.digits < _LONG1_DIGITS
        self.dense = 0 if limits.strict or self._narrow else min(limits.items, 4 * self._prone)
        self.short = min(255, self.dense)

    def keys(self, form: int, stream: bytes) -> int | None:
        """How many keys a pickle sets, where it is followed; raises TooLarge, see `follow`."""
        limits, size, prone = self._limits, len(stream), self._prone
        most = limits.openings if form else limits.plain_openings
        doubtful = self._guarded and (
            (size > limits.openings and _opens(stream) > most) or (size > 4 * prone and _prone(stream) > prone)
        )
        return follow(stream, most, limits.collisions) if doubtful or self.strict else None

    def large(self, stream: bytes) -> bool:
        """Whether there may be an integer of too many digits."""
        if 0x8B not in stream:
            return self._narrow and 0x8A in stream
        sizes = (int.from_bytes(found[1], "little") for found in _LONG4.finditer(stream))
        return self._narrow or any(size < len(stream) for size in sizes)


def _opens(stream: bytes) -> int:
    """How many lists, dicts and tuples there can be at most: bytes that may be their opcodes."""
    return sum(map(stream.count, _OPENING))


def _prone(stream: bytes) -> int:
    """How many tuples and large integers there can be at most; a tuple of four or more takes two opcodes."""
    return sum(map(stream.count, _PRONE)) + min(stream.count(b"t"), stream.count(b"("))


def follow(stream: bytes, openings: int, collisions: int) -> int:
    """How many keys the pickle sets in dicts.

    Raises:
        TooLarge: it opens more lists, dicts and tuples than that, puts tuples into one another deeper than LEVELS, or
            sets more keys of one dict whose hash its writer can choose.
    """
    try:
        return _Stack(openings, collisions).follow(stream)
    except IndexError:  # it takes what is not there
        return 0


class _Stack:
    """The values, each as what is known of it.

    False stands for a value, True for an integer whose hash can be chosen, a number for a tuple, whose hash can be
    chosen as well: how many lie inside one another; a list for a dict, with the number of keys of either kind.
    """

    __slots__ = ("_acts", "_collisions", "_keys", "_marks", "_opened", "_openings", "_values")

    def __init__(self, openings: int, collisions: int) -> None:
        self._openings, self._collisions, self._opened, self._keys = openings, collisions, 0, 0
        self._values: list[Any] = []
        self._marks: list[list[Any]] = []
        self._acts: dict[int, Callable[[], object]] = {
            ord("("): self._mark, ord("]"): self._list, ord("}"): self._dict, ord("a"): self._append,
            ord("e"): self._unmark, ord("t"): lambda: self._tuple(self._unmark()), ord("s"): self._item,
            ord("u"): lambda: self._set(self._unmark()[::2]), 0x85: lambda: self._tuple(self._top(1)),
            0x86: lambda: self._tuple(self._top(2)), 0x87: lambda: self._tuple(self._top(3)),
        }  # fmt: skip

    def follow(self, stream: bytes) -> int:
        """The number of keys set; raises IndexError where the unpickler would stop."""
        position, acts = _START, self._acts
        while True:
            code = stream[position]
            position += 1
            if act := acts.get(code):
                act()
            elif (size := _ARGUMENTS.get(code)) is not None:
                self._values.append(False)
                position += size
            elif size := _SIZES.get(code):
                start = position + size
                size = int.from_bytes(stream[position:start], "little")
                position = start + size
                self._values.append(code in _INTEGERS and (size > 9 or (size == 9 and stream[position - 1] != 0)))
            elif (size := _SKIPPED.get(code)) is not None:
                position += size
            else:
                return self._keys

    def _opening(self) -> None:
        self._opened += 1
        if self._opened > self._openings:
            raise too_many(self._openings)

    def _mark(self) -> None:
        self._marks.append(self._values)
        self._values = []

    def _unmark(self) -> list[Any]:
        inside, self._values = self._values, self._marks.pop()
        return inside

    def _append(self) -> None:
        self._values.pop()

    def _list(self) -> None:
        self._opening()
        self._values.append(False)

    def _dict(self) -> None:
        self._opening()
        self._values.append([0])

    def _top(self, size: int) -> list[Any]:
        return [self._values.pop() for _ in range(size)]

    def _tuple(self, inside: list[Any]) -> None:
        self._opening()
        levels = 1 + max((one for one in inside if type(one) is int), default=0)
        if levels > LEVELS:
            raise TooLarge(f"expected at most {LEVELS} tuples inside one another, found more")
        self._values.append(levels)

    def _item(self) -> None:
        self._values.pop()
        self._set([self._values.pop()])

    def _set(self, keys: list[Any]) -> None:
        self._keys += len(keys)
        target = self._values[-1]
        if type(target) is list:  # else a list, whose items can be set by number
            target[0] += sum(1 for key in keys if key is True or type(key) is int)
            if target[0] > self._collisions:
                raise TooLarge(crowd(self._collisions))
