"""Seals: their keys, what they cover, and the trial of each key in turn.

A seal stands behind the body and covers the associated data, the header and the body. Associated data goes in with
its length before it, so that no two triples give the same bytes: that length starts with 0x00, a header with 0xC1.
"""

import hashlib
import hmac
from hmac import compare_digest
from typing import ClassVar, Protocol

from transcoders.errors import SpecError, Tampered, Truncated
from transcoders.frame import Bytes
from transcoders.options import Option


class Hash(Protocol):
    """What seals use of a hashlib object."""

    def copy(self) -> "Hash":
        """The same state again."""
        ...

    def update(self, data: Bytes, /) -> None:
        """Take more data."""
        ...

    def digest(self) -> bytes:
        """The digest of what was taken."""
        ...


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


class Seal:
    """A keyed digest behind the body. The first key, the newest, seals; every key opens.

    Hash states that have taken the key, and then the header, are kept and copied for each message: below 1 kB making
    them costs more than the codec.
    """

    size: ClassVar[int]
    options: ClassVar[tuple[Option, ...]] = (
        Option("env", "text", None, "environment variable with the keys, newest first, commas between"),
    )

    __slots__ = ("_inner", "_outer", "_ready")

    def __init__(self, inner: list[Hash], outer: list[Hash] | None = None) -> None:
        """One keyed state for each key; with `outer`, the digest of the first goes into the second, as in HMAC."""
        self._inner, self._outer = inner, outer
        self._ready: list[dict[bytes, Hash]] = [{} for _ in inner]

    def apply(self, body: bytes, header: bytes, associated: bytes, /) -> bytes:
        """The body and its seal."""
        return body + self._digest(0, header, associated, body)

    def undo(self, body: Bytes, header: bytes, associated: bytes, _limit: int, /) -> Bytes:
        """The body, if one of the keys sealed it."""
        size = self.size
        if len(body) < size:
            raise Truncated(f"expected a seal of {size} bytes, found {len(body)} bytes")
        data, seal = body[:-size], body[-size:]
        if compare_digest(self._digest(0, header, associated, data), seal):
            return data
        for index in range(1, len(self._inner)):
            if compare_digest(self._digest(index, header, associated, data), seal):
                return data
        raise Tampered("the seal matches none of the keys: changed bytes, another key or other associated data")

    def _digest(self, index: int, header: bytes, associated: bytes, body: Bytes) -> bytes:
        ready = self._ready[index].get(header)
        if ready is None or associated:
            state = self._inner[index].copy()
            state.update(len(associated).to_bytes(4, "big") + associated + header if associated else header)
            if not associated:  # headers are few: only those that the transcoder reads get here
                self._ready[index][header] = state.copy()
        else:
            state = ready.copy()
        state.update(body)
        if self._outer is None:
            return state.digest()
        outer = self._outer[index].copy()
        outer.update(state.digest())
        return outer.digest()
