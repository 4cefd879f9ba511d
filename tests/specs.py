"""The config strings under test, and how they become transcoders.

A codec that is added to `CODECS` is held to the whole contract.
"""

from functools import cache
from itertools import product
from typing import Any

from transcoders import Limits, Transcoder, peek, transcoder

CODECS = ("pickle", "msgpack", "msgpack:engine=msgpack", "cbor", "json")
COMPRESSORS = ("", "+zlib", "+zstd", "+lz4")
SEALS = ("", "+aesgcm", "+hmac", "+blake2")
CHAINS = tuple(map("".join, product(CODECS, COMPRESSORS, SEALS)))
MIXED = (
    *CODECS, "json+zlib", "msgpack+zstd", "cbor+lz4", "pickle+hmac", "json+blake2", "cbor+aesgcm", "msgpack+zstd+hmac",
)  # fmt: skip
"""A few of each."""
KEYS = (bytes(range(32)),)


def make(spec: str, *accept: str, limits: Limits | None = None) -> Transcoder[Any]:
    """A new transcoder, with keys if any of the specs has a seal."""
    sealed = any(seal in text for seal in SEALS[1:] for text in (spec, *accept))
    return transcoder(spec, keys=KEYS if sealed else (), accept=accept, limits=limits)


made = cache(make)
"""The transcoder of the spec, made once."""


def body(frame: bytes) -> bytes:
    """What stands behind the header of the frame."""
    return frame[len(frame) - peek(frame).body_size :]
