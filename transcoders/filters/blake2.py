"""Keyed BLAKE2b (RFC 7693), 16 bytes behind the body, newest key first.

One keyed state is made for each key and copied for each message: the cheapest seal of the standard library for
sessions below about 1 kB.
"""

import hashlib

from transcoders.codecs import Context
from transcoders.filters import Rank
from transcoders.options import Options
from transcoders.seal import Seal, derive


class Blake2Filter(Seal):
    """The filter named `blake2`."""

    tag = 17
    rank = Rank.SIGN
    size = 16
    summary = "keyed BLAKE2b, 16 bytes"

    __slots__ = ()

    def __init__(self, _options: Options, context: Context) -> None:
        keys = derive(context.keys, "blake2")
        super().__init__([hashlib.blake2b(key=key, digest_size=self.size, person=b"transcoders/1") for key in keys])
