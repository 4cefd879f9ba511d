"""Session transcoders: one config string picks how a session becomes bytes.

    from transcoders import transcoder

    t = transcoder("msgpack+zstd")
    t.decode(t.encode({"user": 42}))

Names are loaded when they are first used (PEP 562), so that importing the package costs next to nothing.
"""

TYPE_CHECKING = False  # typing.TYPE_CHECKING without importing typing, which takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

    from transcoders.errors import (
        DecodeError,
        EncodeError,
        Foreign,
        Malformed,
        MissingExtra,
        Refused,
        Replayed,
        RetiredKey,
        SchemaMismatch,
        SpecError,
        Tampered,
        TooLarge,
        TranscoderError,
        Truncated,
        UnknownKey,
    )
    from transcoders.header import Header, peek
    from transcoders.limits import Limits
    from transcoders.pipeline import Transcoder, TranscoderFactory, transcoder
    from transcoders.registry import Kind, Offer

__version__ = "0.1.0"

__all__ = [
    "DecodeError", "EncodeError", "Foreign", "Header", "Limits", "Malformed", "MissingExtra", "Offer", "Refused",
    "Replayed", "RetiredKey", "SchemaMismatch", "SpecError", "Tampered", "TooLarge", "Transcoder",
    "TranscoderError", "TranscoderFactory", "Truncated", "UnknownKey", "available", "peek", "register", "transcoder",
]  # fmt: skip

_HOMES = {
    "header": ("Header", "peek"),
    "limits": ("Limits",),
    "pipeline": ("Transcoder", "TranscoderFactory", "transcoder"),
    "registry": ("Offer",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def register(kind: "Kind", name: str, factory: "Any", *, replace: bool = False) -> None:
    """Make a name known to config strings, `accept` or untyped sessions; see `Registry.register`.

    Raises:
        SpecError: an unknown kind, a name that is taken or malformed, or a factory that cannot be called.
    """
    from transcoders.registry import REGISTRY  # noqa: PLC0415

    REGISTRY.register(kind, name, factory, replace=replace)


def available() -> "list[Offer]":
    """What can stand in a config string: codecs, then filters in encode order, then registered names."""
    from transcoders.registry import REGISTRY  # noqa: PLC0415

    return REGISTRY.offers()


def __getattr__(name: str) -> "Any":
    """The public name, loaded from its home; errors live in `errors`."""
    if name not in __all__:
        raise AttributeError(f"module 'transcoders' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value = getattr(import_module(f"transcoders.{_HOME.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
