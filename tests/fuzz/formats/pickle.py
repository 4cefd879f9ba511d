"""Pickles as no pickler writes them: every opcode there is, each with an argument, in any order."""

import pickle
import pickletools
import struct
from random import Random
from typing import Any

from tests.fuzz.trees import Pairs, Tag, treed
from transcoders import opcodes

_Views = list[memoryview] | None
_START = b"\x80\x05"
_ARGUMENTS = {
    None: (b"",), "uint1": (b"\0", b"\xff"), "uint2": (b"\1\0",), "int4": (b"\0\0\0\x80", b"\1\0\0\0"),
    "uint4": (b"\0\0\0\0", b"\0\0\0\x10", b"\xff" * 4), "uint8": (bytes(8), b"\xff" * 8, b"\0\0\0\0\1\0\0\0"),
}  # fmt: skip
_LINES = (b"1\n", b"I01\n", b"'a'\n", b"os\ngetpid\n", b"builtins\nbytearray\n", b"1L\n", b"1e5\n", b"nan\n", b"\n")
_RUNS = (
    *(b"\0", b"\1a", b"\xff", b"\4\0\0\0abcd", b"\2\0\0\0\xed\xa0", b"\1\0\0\0\0\0\0\0a", b"\xff\xff\xff\x7f"),
    b"\xff" * 8,
)
SCRAPS = (
    *(op.code.encode("latin-1") + argument for op in pickletools.opcodes
      for argument in (_ARGUMENTS.get(op.arg.name if op.arg else None) or (*_LINES, *_RUNS))),
    b"\x8cbuiltins\x93", b"\x8c\x02os\x8c\x06getpid\x93", b"\x8c\x02os\x8c\x06getpid\x93)R", b"]\x94h\0a", b"]2a",
    b"}s", b"(((", b"]e", b"}u", b"(]", b"\x8a\xff" + b"\xff" * 255, b"G\x7f\xf8\0\0\0\0\0\1", b"\x8c\x03\xed\xa0\x80",
)  # fmt: skip
"""Each opcode with every kind of argument, and short programs that name, share, repeat and underflow."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(module)


def read(body: bytes) -> Any:
    """The tree of a pickle of data; tuples of two are tags."""
    import io

    opcodes.check(body)
    return treed(_Unpickler(io.BytesIO(body), buffers=()).load())


def write(node: Any, rng: Random, views: list[memoryview] | None = None) -> bytes:
    """The pickle of the tree; runs of bytes go into `views` at random, if there is such a list."""
    body = _start(rng) + _item(node, rng, views) + b"."
    if rng.random() < 0.1:
        body = _START + b"\x95" + struct.pack("<Q", len(body) - 2) + body[2:]
    return body


def _start(rng: Random) -> bytes:
    return _START if rng.random() < 0.99 else b"\x80" + bytes((rng.randrange(8),))


def _item(node: Any, rng: Random, views: _Views) -> bytes:  # noqa: PLR0911 - a return for each kind of node
    luck = rng.random()
    if luck < 0.004:
        return rng.choice(SCRAPS)
    if isinstance(node, Tag):
        parts = [node.kind, node.payload]
        if luck < 0.01:
            parts += [None] * rng.choice((1, 2))
        items = [_item(part, rng, views) for part in parts]
        return b"".join(items) + b"\x86" if len(items) == 2 and luck < 0.95 else b"(" + b"".join(items) + b"t"
    if isinstance(node, Pairs):
        items = [_item(part, rng, views) for part in node]
        return b"}(" + b"".join(items) + b"u" if luck < 0.9 else b"(" + b"".join(items) + b"d"
    if isinstance(node, list):
        items = [_item(item, rng, views) for item in node]
        if luck < 0.1:
            return b"]" + b"".join(item + b"a" for item in items)
        closing = b"l" if luck > 0.99 else b"t" if luck > 0.98 else b"\x91" if luck > 0.97 else None
        return b"(" + b"".join(items) + closing if closing else b"](" + b"".join(items) + b"e"
    if isinstance(node, str):
        data = node.encode("utf-8", "surrogatepass")
        return _run(data, b"\x8cX\x8d", rng)
    if isinstance(node, bytes | bytearray):
        if views is not None and luck < 0.6:
            views.append(memoryview(node))
            return b"\x97" if luck < 0.3 else b"\x97\x98"
        return (
            b"\x96" + struct.pack("<Q", len(node)) + node
            if luck > 0.9 or isinstance(node, bytearray)
            else _run(node, b"CB\x8e", rng)
        )
    return _number(node, rng)


def _number(node: Any, rng: Random) -> bytes:
    if node is None or isinstance(node, bool):
        return {None: b"N", False: b"\x89", True: b"\x88"}[node]
    if isinstance(node, float):
        return b"G" + struct.pack(">d", node)
    if 0 <= node < 256 and rng.random() < 0.9:
        return b"K" + bytes((node,))
    if -(2**31) <= node < 2**31 and rng.random() < 0.9:
        return b"J" + struct.pack("<i", node)
    data = pickle.encode_long(node)
    return b"\x8a" + bytes((len(data),)) + data if len(data) < 256 else b"\x8b" + struct.pack("<i", len(data)) + data


def _run(data: bytes, codes: bytes, rng: Random) -> bytes:
    size, luck = len(data), rng.random()
    if luck < 0.004:
        size = rng.choice((size + 1, max(size - 1, 0), 2**31, 2**32 - 1))
    short = size < 256 and luck < 0.95
    index = 0 if short else 1 if luck < 0.98 else 2
    return codes[index : index + 1] + size.to_bytes((1, 4, 8)[index], "little") + data
