"""Filters: bytes to bytes and back. One file a filter; siblings never import each other.

`apply` and `undo` also get the header of the frame and the caller's associated data; a seal covers both, a compressor
looks at neither. Ranks rise along a config string, so that bytes are authenticated before anything expands them.
"""

from enum import IntEnum
from typing import Protocol

from transcoders.frame import Bytes


class Rank(IntEnum):
    """Where a filter may stand: a spec's ranks rise from left to right."""

    COMPRESS = 1
    ENCRYPT = 2
    SIGN = 3


class Filter(Protocol):
    """What the pipeline asks of a filter."""

    @property
    def tag(self) -> int:
        """The filter's byte in the frame; 128 to 255 for registered ones."""
        ...

    @property
    def rank(self) -> Rank:
        """Where it may stand."""
        ...

    def apply(self, body: bytes, header: bytes, associated: bytes, /) -> bytes:
        """The filtered body."""
        ...

    def undo(self, body: Bytes, header: bytes, associated: bytes, limit: int, /) -> Bytes:
        """The body that `apply` was given, of at most `limit` bytes.

        Raises:
            DecodeError: the body is not what `apply` writes; a broken seal is Tampered, an excess TooLarge.
        """
        ...
