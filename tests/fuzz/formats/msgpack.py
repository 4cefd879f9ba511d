"""MessagePack as nobody's encoder writes it: wide heads, lengths that lie, every extension type."""

import contextlib
import struct
from random import Random
from typing import Any

import ormsgpack

from tests.fuzz.trees import Pairs, Tag, treed

_INTS = ((0xCC, ">B"), (0xD0, ">b"), (0xCD, ">H"), (0xD1, ">h"), (0xCE, ">I"), (0xD2, ">i"), (0xCF, ">Q"), (0xD3, ">q"))
_STR, _BIN, _EXT = (0xD9, 0xDA, 0xDB), (0xC4, 0xC5, 0xC6), (0xC7, 0xC8, 0xC9)
_LIST, _MAP = (None, 0xDC, 0xDD), (None, 0xDE, 0xDF)
_FIXED = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}
SCRAPS = (
    *(bytes((byte,)) for byte in range(256)), b"\xc6\xff\xff\xff\xff", b"\xdb\x7f\xff\xff\xff", b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\xd6\xff\0\0\0\0", b"\xd7\xff" + b"\xff" * 8,
    b"\xc7\x0c\xff" + b"\xff" * 12, b"\xcb\x7f\xf0\0\0\0\0\0\1", b"\xca\x7f\xc0\0\1", b"\xa2\xc3\x28",
    *(b"\xd4" + bytes((kind, 0x90)) for kind in (*range(21), 0x7F, 0x80, 0xFF)),
)  # fmt: skip
"""Every first byte, lengths beyond the data, timestamps, NaNs with a payload, each extension type around an array."""


def read(body: bytes) -> Any:
    """The tree of a packed value; extension types are tags."""
    return treed(ormsgpack.unpackb(body, ext_hook=_tag, option=ormsgpack.OPT_NON_STR_KEYS))


def _tag(kind: int, data: bytes) -> Tag:
    with contextlib.suppress(ValueError):
        return Tag(kind, read(data))
    return Tag(kind, data)


def write(node: Any, rng: Random) -> bytes:  # noqa: PLR0911 - a return for each kind of node
    """The packed tree."""
    if rng.random() < 0.004:
        return rng.choice(SCRAPS)
    if isinstance(node, Tag):
        data = write(node.payload, rng)
        kind = bytes((node.kind % 256 if isinstance(node.kind, int) else 99,))
        if len(data) in _FIXED and rng.random() < 0.9:
            return bytes((_FIXED[len(data)],)) + kind + data
        return _head(len(data), _EXT, rng) + kind + data
    if isinstance(node, Pairs):
        return _head(len(node) // 2, _MAP, rng, 0x80, 16) + b"".join(write(part, rng) for part in node)
    if isinstance(node, list):
        return _head(len(node), _LIST, rng, 0x90, 16) + b"".join(write(item, rng) for item in node)
    if isinstance(node, str):
        text = node.encode("utf-8", "surrogatepass")
        return _head(len(text), _STR, rng, 0xA0, 32) + text
    if isinstance(node, bytes):
        return _head(len(node), _BIN, rng) + node
    return _number(node, rng)


def _number(node: Any, rng: Random) -> bytes:
    if node is None or isinstance(node, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[node]
    if isinstance(node, float):
        return b"\xcb" + struct.pack(">d", node)
    if -32 <= node < 128 and rng.random() < 0.9:
        return bytes((node % 256,))
    codes = _INTS if rng.random() < 0.9 else rng.sample(_INTS, len(_INTS))
    for code, form in codes:
        with contextlib.suppress(struct.error):
            return bytes((code,)) + struct.pack(form, node)
    return write(Tag(7, f"{node:x}"), rng)


def _head(size: int, codes: tuple[int | None, ...], rng: Random, short: int = 0, below: int = 0) -> bytes:
    luck = rng.random()
    if luck < 0.004:
        size = rng.choice((size + 1, max(size - 1, 0), 2**16 - 1, 2**31, 2**32 - 1))
    if size < below and luck < 0.95:
        return bytes((short | size,))
    widths = [(code, form) for code, form, most in zip(codes, (">B", ">H", ">I"), (8, 16, 32), strict=True)
              if code is not None and size < 1 << most]  # fmt: skip
    code, form = widths[0] if luck < 0.95 else rng.choice(widths)
    return bytes((code,)) + struct.pack(form, size)
