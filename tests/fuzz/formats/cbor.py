"""CBOR as nobody's encoder writes it: wide heads, indefinite lengths, lengths that lie, every tag and simple value."""

import struct
from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import UUID

import cbor2

from tests.fuzz.trees import Pairs, Tag

_BLOCK, _UUID = 0x54430000, 37
TAGS = (
    *(*range(6), *range(16, 19), *range(21, 39), 42, 52, 54, 61, 63, *range(64, 88), 100, 101, 103, 256, 258, 259, 260),
    *(261, 1004, 1040, 43000, 55799, 55800, 65535, 2**32 - 1, 2**64 - 1, *range(_BLOCK, _BLOCK + 21)),
)
"""The tags of the IANA registry that a library might know, those of ours, and their neighbours."""


def head(major: int, number: int, rng: Random | None = None) -> bytes:
    """The initial bytes of an item; wider than needed at random."""
    width = next(width for width, most in enumerate((24, 1 << 8, 1 << 16, 1 << 32, 1 << 64)) if number < most)
    if rng and rng.random() < 0.03:
        width = rng.randint(width, 4)
    return bytes((major << 5 | (23 + width if width else number),)) + (
        number.to_bytes(1 << width - 1) if width else b""
    )


SCRAPS = (
    *(bytes((byte,)) for byte in range(256)), *(b"\xf8" + bytes((byte,)) for byte in range(256)),
    *(head(6, tag) + item for tag in TAGS for item in (b"\x01", b"\x60", b"\x40", b"\x80", b"\xa0", b"\x82\x01\x02")),
    b"\x5a\xff\xff\xff\xff", b"\x5b\x7f" + b"\xff" * 7, b"\x7b\0\0\1\0\0\0\0\0", b"\x9b\x10" + bytes(7),
    b"\xbb" + b"\xff" * 8, b"\xfb\x7f\xf0\0\0\0\0\0\1", b"\x5f\x41a\xff", b"\x7f\x61a\x41b\xff", b"\x9f\xff",
    b"\xd8\x1c\x81\xd8\x1d\0", b"\xc2\x58\x28" + b"\xff" * 40, b"\xc3\x41\0", b"\xc2\x40", b"\x61\xff",
    b"\xbf\xff", b"\x63\xed\xa0\x80", b"\xf9\x7e\1",
)  # fmt: skip
"""Every initial byte, every simple value, each tag around several items, and what is worse."""


def read(body: bytes) -> Any:
    """The tree of an item; tags, those of UUIDs and big integers apart, are tags."""
    return _tree(cbor2.loads(body))


def _tree(item: Any) -> Any:
    if isinstance(item, cbor2.CBORTag):
        kind = item.tag - _BLOCK if _BLOCK < item.tag < _BLOCK + 99 else item.tag
        return Tag(kind, _tree(item.value))
    if isinstance(item, list | tuple):
        return [_tree(part) for part in item]
    if isinstance(item, Mapping):
        return Pairs(_tree(part) for pair in item.items() for part in pair)
    if isinstance(item, UUID):
        return Tag(_UUID, item.bytes)
    return item if item is None or isinstance(item, int | float | str | bytes) else str(item)


def write(node: Any, rng: Random) -> bytes:  # noqa: PLR0911 - a return for each kind of node
    """The item of the tree."""
    luck = rng.random()
    if luck < 0.004:
        return rng.choice(SCRAPS)
    if isinstance(node, Tag):
        tag = rng.choice(TAGS) if luck < 0.02 or not isinstance(node.kind, int) else _tag(node.kind)
        return head(6, tag, rng) + write(node.payload, rng)
    if isinstance(node, list):
        items = b"".join(write(item, rng) for item in node)
        return _run(5 if isinstance(node, Pairs) else 4, len(node) >> isinstance(node, Pairs), items, rng)
    if isinstance(node, str | bytes):
        data = node.encode("utf-8", "surrogatepass") if isinstance(node, str) else node
        major = 3 if isinstance(node, str) else 2
        if luck < 0.02:
            return bytes((major << 5 | 31,)) + head(major, len(data)) + data + b"\xff"
        return _run(major, len(data), data, rng)
    if isinstance(node, float):
        return b"\xfb" + struct.pack(">d", node)
    if node is None or isinstance(node, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[node]
    if isinstance(node, int) and -(2**64) <= node < 2**64:
        return head(1, -1 - node, rng) if node < 0 else head(0, node, rng)
    return cbor2.dumps(node)


def _tag(kind: int) -> int:
    return _UUID if kind in {14, _UUID} else _BLOCK + kind if 0 <= kind < 99 else kind % 2**64


def _run(major: int, size: int, data: bytes, rng: Random) -> bytes:
    luck = rng.random()
    if luck < 0.004:
        size = rng.choice((size + 1, max(size - 1, 0), 2**16, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1))
    if luck > 0.98 and major > 3:
        return bytes((major << 5 | 31,)) + data + b"\xff"
    return head(major, size, rng) + data
