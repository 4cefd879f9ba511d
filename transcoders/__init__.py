"""Session transcoders: one config string picks how a session becomes bytes.

from transcoders import transcoder

t = transcoder("msgpack+zstd")
t.decode(t.encode({"user": 42}))
"""

from typing import Any

from transcoders.errors import (
    DecodeError,
    EncodeError,
    Foreign,
    Malformed,
    MissingExtra,
    Refused,
    SpecError,
    Tampered,
    TooLarge,
    TranscoderError,
    Truncated,
)
from transcoders.header import Header, peek
from transcoders.limits import Limits
from transcoders.pipeline import Transcoder, TranscoderFactory, transcoder
from transcoders.registry import REGISTRY, Kind, Offer

__version__ = "0.1.0"

__all__ = [
    "DecodeError", "EncodeError", "Foreign", "Header", "Limits", "Malformed", "MissingExtra", "Offer", "Refused",
    "SpecError", "Tampered", "TooLarge", "Transcoder", "TranscoderError", "TranscoderFactory", "Truncated",
    "available", "peek", "register", "transcoder",
]  # fmt: skip


def register(kind: Kind, name: str, factory: Any, *, replace: bool = False) -> None:
    """Make a name known to config strings, `accept` or untyped sessions; see `Registry.register`.

    Raises:
        SpecError: an unknown kind, a name that is taken or malformed, or a factory that cannot be called.
    """
    REGISTRY.register(kind, name, factory, replace=replace)


def available() -> list[Offer]:
    """What can stand in a config string: codecs, then filters in encode order, then registered names."""
    return REGISTRY.offers()
