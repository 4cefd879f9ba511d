"""Keyed BLAKE2b (RFC 7693), 16 bytes behind the body, newest key first.

One keyed state is made for each key and copied for each message: the cheapest seal of the standard library for
sessions below about 1 kB.
"""

import hashlib

from transcoders.codecs import Context
from transcoders.filters import Rank
from transcoders.keyring import Keyring
from transcoders.options import Options
from transcoders.seal import Begin, Digest, Seal

_SIZE = 16


class Blake2Filter(Seal):
    """The filter named `blake2`."""

    tag = 17
    rank = Rank.SIGN
    size = _SIZE
    summary = "keyed BLAKE2b, 16 bytes"

    __slots__ = ()

    def __init__(self, _options: Options, context: Context) -> None:
        super().__init__(Keyring("blake2", context.keys, context.retired, keyed))


def keyed(key: bytes) -> Begin:
    """BLAKE2b-128 under the key, of at most 64 bytes."""
    fresh = hashlib.blake2b(key=key, digest_size=_SIZE, person=b"transcoders/1")

    def begin(start: bytes, /) -> Digest:
        begun = fresh.copy()
        begun.update(start)
        return Digest(begun.copy)

    return begin
