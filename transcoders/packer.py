"""The strict packer: MessagePack bytes of a plain tree, and a refusal of everything else, in one pass of C speed.

Plain is what JSON, MessagePack and CBOR all hold by themselves: None, bool, int of 64 bits, float, str, bytes, list,
and dict with str keys, no subclasses, nested at most 255 deep. The MessagePack codec writes with it; the JSON and
CBOR codecs ask it whether a value is plain, because their own libraries turn tuples into lists, UUIDs into text and
NaN into null without a word. Bytearrays and memoryviews pass as bytes; that is
left to its callers.

This is the only file that imports ormsgpack.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Hook = Callable[[Any], object]


class NotPlain(Exception):  # noqa: N818 - an answer, not a failure
    """The value is not plain; raised by the hook that refuses."""


def refuse(_value: object) -> object:
    """Raise NotPlain: the hook that makes the packer a probe."""
    raise NotPlain


class Packer(NamedTuple):
    """The functions of the engine and the options they are called with.

    Attributes:
        pack: `pack(value, hook, strict)` gives bytes; the hook gets every value that is not plain. What the hook
            cannot answer, keys that are not str, lone surrogates and depth raise a TypeError.
        unpack: `unpack(data)` gives the plain tree, `unpack(data, ext_hook=hook, option=keyed)` more.
        ext: makes an extension value of a type code and bytes.
        strict: the option that lets no type but the plain ones through.
        keyed: the option for keys beside str.
    """

    pack: Callable[..., bytes]
    unpack: Callable[..., Any]
    ext: Callable[[int, bytes], object]
    strict: int
    keyed: int


def load() -> Packer:
    """The packer; imports its engine."""
    import ormsgpack  # noqa: PLC0415

    strict = (
        ormsgpack.OPT_PASSTHROUGH_BIG_INT
        | ormsgpack.OPT_PASSTHROUGH_DATACLASS
        | ormsgpack.OPT_PASSTHROUGH_DATETIME
        | ormsgpack.OPT_PASSTHROUGH_ENUM
        | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
        | ormsgpack.OPT_PASSTHROUGH_TUPLE
        | ormsgpack.OPT_PASSTHROUGH_UUID
    )
    keyed = ormsgpack.OPT_NON_STR_KEYS
    return Packer(ormsgpack.packb, ormsgpack.unpackb, ormsgpack.Ext, strict, keyed)
