"""Sizes: how many bytes a payload takes, raw, compressed, and as a cookie.

The numbers are exact, so pyperf never sees them: its test calls any difference between constants significant.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

COOKIE = 4093
"""Bytes that every browser keeps of one cookie, its name left out (RFC 6265, section 6.1, asks for 4096 with it)."""
_ZLIB_LEVEL = 6

Compress = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Mean bytes over the variants of a payload.

    Attributes:
        raw: as encoded, frame included.
        zlib: after zlib, level 6.
        zstd: after zstd, default level; None when no zstd is installed.
        cookie: characters of the base64url text, without padding.
        fits_cookie: whether every variant fits in 4093 of them.
    """

    raw: float
    zlib: float
    zstd: float | None
    cookie: float
    fits_cookie: bool


def sizes(encoded: Sequence[bytes], zstd: Compress | None = None) -> Sizes:
    """The sizes of the encoded variants of one payload."""
    cookies = [base64url_length(len(data)) for data in encoded]
    return Sizes(
        raw=fmean(map(len, encoded)),
        zlib=fmean(len(zlib.compress(data, _ZLIB_LEVEL)) for data in encoded),
        zstd=fmean(len(zstd(data)) for data in encoded) if zstd else None,
        cookie=fmean(cookies),
        fits_cookie=max(cookies) <= COOKIE,
    )


def base64url_length(size: int) -> int:
    """Characters of base64url (RFC 4648, section 5) without padding."""
    return -(-size * 4 // 3)
