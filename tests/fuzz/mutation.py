"""Mutations of one input: of its bytes, or of the tree that it holds, written anew.

An input is a header and a body. Headers are mostly left alone: what they refuse is soon known.
"""

import contextlib
from collections.abc import Iterable
from random import Random
from types import ModuleType
from typing import Any

from tests.fuzz.trees import LIES, edited
from transcoders import buffers, frame

LONGEST = 8192
"""Bytes of a mutated input; what must be longer stands in `bombs`."""
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 47, 1 << 63)


class Mutator:
    """Mutates inputs of one target; a pool of trees and inputs to take pieces from, made of the seeds."""

    def __init__(self, written: ModuleType | None, headers: tuple[bytes, ...], seeds: Iterable[bytes]) -> None:
        """`written` is the format behind these headers; None if the bytes are of no format."""
        self._format, self._headers = written, headers or (b"",)
        self._scraps: tuple[bytes, ...] = written.SCRAPS if written else (b"\xc1T\x01", *map(bytes, zip(range(256))))
        self._inputs = [seed for seed in seeds if len(seed) <= LONGEST] or [b""]
        self._trees = [tree for seed in self._inputs if (tree := self._tree(seed)) is not None] + LIES

    def __call__(self, data: bytes, rng: Random) -> bytes:
        """The mutated input."""
        if self._format and rng.random() < 0.5:
            with contextlib.suppress(RecursionError):  # a tree deeper than its writer goes
                data = self._regrown(data, rng)
                if rng.random() < 0.8:
                    return data[:LONGEST]
        for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
            data = self._bytes(data, rng)
        return data[:LONGEST]

    def _size(self, data: bytes) -> int:
        return next((len(head) for head in self._headers if data.startswith(head)), 0)

    def _tree(self, data: bytes) -> Any:
        if self._format:
            size = self._size(data)
            with contextlib.suppress(Exception):  # bytes that hold no tree
                if size and data[4] & frame.BUFFERS:
                    return self._format.read(bytes(buffers.split(memoryview(data[size:]))[0]))
                return self._format.read(data[size:])
        return None

    def _regrown(self, data: bytes, rng: Random) -> bytes:
        tree = self._tree(data) if rng.random() < 0.5 else None
        if tree is None:
            tree = rng.choice(self._trees)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
            tree = edited(tree, rng, self._trees)
        header = rng.choice(self._headers)
        assert self._format
        if header and header[4] & frame.BUFFERS:
            views: list[memoryview] = []
            return header + buffers.join(self._format.write(tree, rng, views), views)
        body: bytes = self._format.write(tree, rng)
        return header + body

    def _bytes(self, data: bytes, rng: Random) -> bytes:
        low = self._size(data) if rng.random() < 0.9 else 0
        start = rng.randint(low, max(low, len(data)))
        stop = min(len(data), start + rng.choice((0, 1, 2, 4, 8, 40)))
        piece = data[start:stop]
        match rng.randrange(10):
            case 0 if start < len(data):
                new = bytes((data[start] ^ 1 << rng.randrange(8), *data[start + 1 : stop]))
            case 1:
                new = b""
            case 2:
                new = piece * rng.choice((2, 3, 30))
            case 3 | 4:
                new = rng.choice(self._scraps)
            case 5:
                other = rng.choice(self._inputs)
                cut = rng.randrange(len(other) + 1)
                return data[:start] + other[cut:]
            case 6:
                other = rng.choice(self._inputs)
                cut = rng.randrange(len(other) + 1)
                new = other[cut : cut + rng.randrange(40)]
            case 7:
                width = rng.choice((1, 2, 4, 8))
                number = (rng.choice(_EDGES) + rng.randint(-2, 2)) % (1 << 8 * width)
                new, stop = number.to_bytes(width, rng.choice(("big", "little"))), start + width
            case 8:
                return data[:start]
            case _:
                new = rng.randbytes(max(1, stop - start))
        return data[:start] + new + data[stop:]
