"""Outlines: what a body would make, found before any decoder makes it.

A byte opens a container of a hundred, and a few more make a key whose hash the writer chose (see `collisions`); the
libraries that decode ask nobody. So what no seal vouches for is first counted, byte by byte at the speed of C, and
only where that count is too high followed from head to head. What is broken is not told here: the decoder, which runs
next, reads in the same order and comes no further. Pickles have `stack`.
"""

import re
from typing import Final

from transcoders.errors import Malformed, TooLarge

_JSON_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_MSGPACK_OPENS: Final = frozenset((*range(0x80, 0xA0), *range(0xDC, 0xE0), *range(0xC7, 0xCA), *range(0xD4, 0xD9)))
"""First bytes of arrays, maps and extension types."""
_CBOR_OPENS: Final = frozenset(range(0x80, 0xDC))
"""First bytes of arrays, maps and tags."""
_MSGPACK_REST: Final = bytes({*range(256)} - _MSGPACK_OPENS)
_CBOR_REST: Final = bytes({*range(256)} - _CBOR_OPENS)

_TEXT, _ARRAY, _MAP, _TAG = 3, 4, 5, 6
"""Major types of CBOR that hold something."""
_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
"""Low bits of a head, and the bytes of the argument that they announce."""
_LEAVES: Final = dict.fromkeys((*range(0x18), *range(0x20, 0x38), *range(0xE0, 0xF8)), 0)
_LEAVES.update((major << 5 | low, width) for major in (0, 1, 7) for low, width in _WIDTHS.items())
_LEAVES.update((major << 5 | size, size) for major in (2, _TEXT) for size in range(24))
"""Heads of CBOR that open nothing and do not say how long they are, and how many bytes follow them."""
_BREAK: Final = 0xFF
_KEYS: Final = frozenset((*range(0x40), *range(0x60, 0x80), _BREAK))
"""Heads of integers and text, and the end of a map that declares no length."""
_ENDLESS: Final = -2
"""Items left in such a map, an even number where a key stands; in whatever else declares no length too."""


def too_many(openings: int) -> TooLarge:
    """The error for a body that opens more than that."""
    return TooLarge(f"expected at most {openings} containers and tags in the body, found more")


def json(body: bytes, openings: int) -> None:
    """Raise TooLarge when the text opens more arrays and objects than that."""
    if body.count(b"[") + body.count(b"{") > openings:
        bare = _JSON_TEXT.sub(b"", body)
        if bare.count(b"[") + bare.count(b"{") > openings:
            raise too_many(openings)


def msgpack_opens(body: bytes) -> int:
    """How many arrays, maps and extension types there can be at most, at any depth."""
    return len(body.translate(None, _MSGPACK_REST))


def cbor_opens(body: bytes) -> int:
    """How many arrays, maps and tags there can be at most."""
    return len(body.translate(None, _CBOR_REST))


def cbor(body: bytes, openings: int) -> None:
    """Follow an item of CBOR (RFC 8949, section 3).

    Raises:
        TooLarge: it opens more arrays, maps and tags than that.
        Malformed: a key is neither text nor an integer.
    """
    outer: list[tuple[int, bool]] = []
    left, keyed, position, opened = 1, False, 0, 0
    while left and position < len(body):
        head = body[position]
        position += 1
        if keyed and not left & 1 and head not in _KEYS:
            raise Malformed("expected keys of text or integers in CBOR, found another")
        following = _LEAVES.get(head)
        if following is not None:
            left -= 1
            position += following
        elif head == _BREAK:
            left = 0
        else:
            major, size, position = _head(body, head, position)
            opened += major > _TEXT
            left -= major != _TAG  # a tag and what it is put on are one item
            if major in {_ARRAY, _MAP} or size == _ENDLESS:
                outer.append((left, keyed))
                left, keyed = size if major != _MAP or size < 0 else 2 * size, major == _MAP
            elif major != _TAG:
                position += size
        if opened > openings:
            raise too_many(openings)
        while not left and outer:
            left, keyed = outer.pop()


def _head(body: bytes, head: int, position: int) -> tuple[int, int, int]:
    """Major type and argument of a head that ends behind the position, and where its argument ends."""
    major, argument = head >> 5, head & 0x1F
    if argument < 24:
        return major, argument, position
    if argument not in _WIDTHS:
        return major, _ENDLESS, position
    end = position + _WIDTHS[argument]
    return major, int.from_bytes(body[position:end], "big"), end
