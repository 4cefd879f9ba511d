"""AES-256-GCM (NIST SP 800-38D) over the cryptography package, newest key first.

Every message has a random nonce of 12 bytes, so equal sessions give different frames. Random nonces bound a key to
2^32 messages (SP 800-38D, section 8.3): with a thousand writes a second that is 49 days, so put a new key in front
before then. The tag authenticates all that a seal covers, and a frame that is encrypted counts as sealed.
"""

from os import urandom
from typing import Any, ClassVar

from transcoders.codecs import Context
from transcoders.errors import EncodeError, TooLarge
from transcoders.filters import Rank
from transcoders.frame import Bytes
from transcoders.keyring import LEAD, OPTIONS, Keyring, covered
from transcoders.options import Option, Options

_NONCE = 12
_TAG = 16
_MOST = (1 << 31) - 1 - _TAG
"""Bytes that the library takes at once; of more it panics, which is no Exception."""


class AesgcmFilter:
    """The filter named `aesgcm`."""

    tag = 8
    rank = Rank.ENCRYPT
    options: ClassVar[tuple[Option, ...]] = OPTIONS
    summary = "AES-256-GCM over cryptography"
    extra = "aesgcm"

    __slots__ = ("_invalid", "_ring")

    def __init__(self, _options: Options, context: Context) -> None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        self._invalid = InvalidTag
        self._ring: Keyring[Any] = Keyring("aesgcm", context.keys, context.retired, AESGCM)

    def apply(self, body: bytes, header: bytes, associated: bytes, /) -> bytes:
        """Lead, nonce, ciphertext and tag."""
        if len(body) > _MOST:
            raise EncodeError(f"takes {len(body)} bytes, aesgcm encrypts at most {_MOST}")
        key, nonce = self._ring.active[0], urandom(_NONCE)
        lead = key.lead(associated, len(body))
        return b"".join((lead, nonce, key.tool.encrypt(nonce, body, covered(associated, header, lead))))

    def undo(self, body: Bytes, header: bytes, associated: bytes, _limit: int, /) -> Bytes:
        """The body, if one of the keys encrypted it."""
        if len(body) > LEAD + _NONCE + _MOST + _TAG:
            raise TooLarge(f"expected at most {_MOST} encrypted bytes, found a body of {len(body)}")
        return self._ring.open(body, header, associated, _NONCE + _TAG, self._opened)

    def _opened(self, cipher: Any, start: bytes, rest: Bytes) -> Bytes | None:
        try:
            data: bytes = cipher.decrypt(rest[:_NONCE], rest[_NONCE:], start)
        except self._invalid:
            return None
        return data
