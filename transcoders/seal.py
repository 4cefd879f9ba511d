"""Seals: their keys, what they cover, and the trial of each key in turn.

A seal stands behind the body and covers the associated data, the header and the body. Associated data goes in with
its length before it, so that no two triples give the same bytes: that length starts with 0x00, a header with 0xC1.
"""

import hashlib
import hmac
from abc import ABC, abstractmethod
from typing import ClassVar

from transcoders.errors import SpecError, Tampered, Truncated
from transcoders.options import Option

Bytes = bytes | memoryview

SHORTEST = 16
"""Bytes of a key: fewer are guessed, not forged."""


def derive(keys: tuple[bytes, ...], purpose: str) -> list[bytes]:
    """A 32-byte key for the purpose from each secret, so that one secret serves several filters.

    HMAC-SHA-256 of `transcoders/1/<purpose>` under the secret, the extract step of RFC 5869 turned around.

    Raises:
        SpecError: there is no key, or one that is no bytes or too short; the message shows none.
    """
    if not keys:
        raise SpecError(f"{purpose} needs a key: transcoder(..., keys=[secret]) or {purpose}:env=NAME")
    for index, key in enumerate(keys):
        if type(key) is not bytes or len(key) < SHORTEST:
            found = f"{len(key)} bytes" if type(key) is bytes else type(key).__name__
            raise SpecError(f"keys[{index}] takes bytes, at least {SHORTEST} of them, not {found}")
    return [hmac.digest(key, f"transcoders/1/{purpose}".encode(), hashlib.sha256) for key in keys]


def prefix(associated: bytes) -> bytes:
    """What goes into a seal before the header."""
    return len(associated).to_bytes(4, "big") + associated if associated else b""


class Seal(ABC):
    """What `hmac` and `blake2` share; they supply the digest of a prepared state.

    The first key, the newest, seals; every key opens.
    """

    size: ClassVar[int]
    options: ClassVar[tuple[Option, ...]] = (
        Option("env", "text", None, "environment variable with the keys, newest first, commas between"),
    )

    __slots__ = ("_count",)

    def __init__(self, count: int) -> None:
        self._count = count

    @abstractmethod
    def digest(self, index: int, head: bytes, body: Bytes) -> bytes:
        """The digest of head and body under the key of that index."""

    def apply(self, body: bytes, header: bytes, associated: bytes, /) -> bytes:
        """The body and its seal."""
        return body + self.digest(0, prefix(associated) + header if associated else header, body)

    def undo(self, body: Bytes, header: bytes, associated: bytes, _limit: int, /) -> Bytes:
        """The body, if one of the keys sealed it."""
        size = self.size
        if len(body) < size:
            raise Truncated(f"expected a seal of {size} bytes, found {len(body)} bytes")
        data, seal = body[:-size], body[-size:]
        head = prefix(associated) + header if associated else header
        for index in range(self._count):
            if hmac.compare_digest(self.digest(index, head, data), seal):
                return data
        raise Tampered("the seal matches none of the keys: changed bytes, another key or other associated data")
