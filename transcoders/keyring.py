"""Keys: what is derived from a secret, which key a frame names, and why a frame is refused.

What a seal or a cipher writes starts with a lead of six bytes: the id of its key, a binding to the associated data and
the body's size. They pick the key and name the reason of a refusal; the digest covers them and decides alone. They
stand before the body so that a frame that was cut still names its key.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from transcoders.errors import DecodeError, Replayed, RetiredKey, SpecError, Tampered, Truncated, UnknownKey
from transcoders.frame import Bytes
from transcoders.options import Option

T = TypeVar("T")

SHORTEST: Final = 16
"""Bytes of a key: fewer are guessed, not forged."""
LEAD: Final = 6
"""Bytes of a lead: id, binding, and the size modulo 65,536; two each."""
UNBOUND: Final = b"\0\0"
"""The binding where there is no associated data."""
BOUND: Final = b"\0"
"""What a digest covers before associated data; without any, it starts with the 0xC1 of the header."""
OPTIONS: Final = (
    Option("env", "text", None, "environment variable with the keys, newest first, commas between"),
    Option("retired", "text", None, "environment variable with keys that are known and refused"),
)
"""What every filter with keys takes."""
_PADDING = 0xFF
"""Bytes too many up to which a body counts as changed, not as cut."""


def derive(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, so that one secret serves several filters.

    HMAC-SHA-256 of `transcoders/1/<purpose>` under the secret, the extract step of RFC 5869 turned around.
    """
    return hmac.digest(secret, f"transcoders/1/{purpose}".encode(), hashlib.sha256)


def framed(associated: bytes) -> bytes:
    """The associated data with its length before it; raises TypeError on what is no bytes."""
    if type(associated) is not bytes:
        raise TypeError("expected bytes")
    return len(associated).to_bytes(4, "big") + associated


def covered(associated: bytes, header: bytes, lead: bytes) -> bytes:
    """What a digest covers before the body: its first byte tells whether there is associated data."""
    return (BOUND + framed(associated) if associated else b"") + header + lead


class Key(Generic[T]):
    """One secret made ready for one filter; the secret itself is not kept.

    Attributes:
        id: two bytes that name the key in a frame; another key may have the same.
        tool: what the filter made of the derived key.
        retired: whether what it sealed is refused.
    """

    __slots__ = ("_binder", "id", "retired", "tool")

    def __init__(self, secret: bytes, purpose: str, make: Callable[[bytes], T], *, retired: bool) -> None:
        self.id, self.retired = derive(secret, f"{purpose}/id")[:2], retired
        self._binder = hashlib.blake2b(key=derive(secret, f"{purpose}/binding"), digest_size=len(UNBOUND))
        self.tool = make(derive(secret, purpose))

    def binding(self, associated: bytes) -> bytes:
        """Two bytes of keyed digest: they tell associated data apart and tell nobody what it is."""
        if not associated:
            return UNBOUND
        state = self._binder.copy()
        state.update(associated)
        return state.digest()

    def lead(self, associated: bytes, size: int) -> bytes:
        """What stands before a body of that size."""
        return self.id + self.binding(associated) + (size & 0xFFFF).to_bytes(2, "big")


class Keyring(Generic[T]):
    """The keys of one filter: the newest seals, all of them open, retired ones are known and refused.

    Attributes:
        active: the keys that open, newest first.
    """

    __slots__ = ("_retired", "active")

    def __init__(
        self, purpose: str, keys: tuple[bytes, ...], retired: tuple[bytes, ...], make: Callable[[bytes], T]
    ) -> None:
        """Keys for the filter of that name.

        Raises:
            SpecError: there is no key, one that is no bytes or too short, or one in both lists; the message shows none.
        """
        if not keys:
            raise SpecError(f"{purpose} needs a key: transcoder(..., keys=[secret]) or {purpose}:env=NAME")
        _check("keys", keys)
        _check("retired", retired)
        for index, secret in enumerate(retired):
            if secret in keys:
                raise SpecError(f"retired[{index}] is one of the keys as well: take it out of one of the two")
        self.active = [Key(secret, purpose, make, retired=False) for secret in keys]
        self._retired = [Key(secret, purpose, make, retired=True) for secret in retired]

    def open(
        self, body: Bytes, header: bytes, associated: bytes, tail: int, undo: Callable[[T, bytes, Bytes], Bytes | None]
    ) -> Bytes:
        """What one of the keys opens of a body that starts with a lead.

        Args:
            body: all that stands behind the header.
            header: the header of the frame.
            associated: the caller's associated data.
            tail: bytes that the filter adds beside the lead.
            undo: gets a key's tool, what is covered beside the body, and the body behind its lead; None if the
                digest does not match.

        Raises:
            Truncated: the body is cut.
            Tampered: no key opens it; of its kinds, the one that the lead tells.
        """
        if len(body) < LEAD + tail:
            raise Truncated(f"expected {LEAD + tail} bytes of seal, found {len(body)} bytes")
        lead, rest = bytes(body[:LEAD]), body[LEAD:]
        named = [key for key in (*self.active, *self._retired) if key.id == lead[:2]]
        start = covered(associated, header, lead)
        for key in named:
            data = undo(key.tool, start, rest)
            if data is not None:
                if key.retired:
                    raise RetiredKey(f"the seal was made with key {key.id.hex()}, which is retired")
                return data
        raise self._refusal(named, lead, len(rest) - tail, associated)

    def _refusal(self, named: list[Key[T]], lead: bytes, size: int, associated: bytes) -> DecodeError:
        name, binding = lead[:2].hex(), lead[2:4]
        if not named:
            known = ", ".join(key.id.hex() for key in self.active)
            return UnknownKey(f"the seal matches none of the keys: it names key {name}, there is {known}")
        if (size - int.from_bytes(lead[4:], "big")) & 0xFFFF > _PADDING:
            return Truncated(f"expected a longer body before the end of the seal, found {size} bytes: it was cut")
        if all(key.binding(associated) != binding for key in named):
            given = "other associated data was given" if associated else "no associated data was given"
            bound = "is bound to associated data" if binding != UNBOUND else "is bound to no associated data"
            return Replayed(f"the seal of key {name} {bound}, {given}: moved here from another session?")
        return Tampered(f"the bytes are not those that key {name} sealed: they were changed")


def _check(argument: str, secrets: tuple[bytes, ...]) -> None:
    for index, secret in enumerate(secrets):
        if type(secret) is not bytes or len(secret) < SHORTEST:
            found = f"{len(secret)} bytes" if type(secret) is bytes else type(secret).__name__
            raise SpecError(f"{argument}[{index}] takes bytes, at least {SHORTEST} of them, not {found}")
