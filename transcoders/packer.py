"""The strict packer: MessagePack bytes of a plain tree, and a refusal of everything else, in one pass of C speed.

Plain is what JSON, MessagePack and CBOR all hold by themselves: None, bool, int of 64 bits, float, str, bytes, list,
and dict with str keys, no subclasses, nested at most 255 deep. The MessagePack codec writes with it; the JSON and
CBOR codecs ask it whether a value is plain, because their own libraries turn tuples into lists, UUIDs into text and
NaN into null without a word. Bytearrays and memoryviews pass as bytes, so `writer` looks for them.

This is the only file that imports ormsgpack.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from transcoders.frame import NONE
from transcoders.tree import contains

_BUFFERS = frozenset((bytearray, memoryview))

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

    def writer(
        self,
        prefix: bytes,
        size: int,
        encode: Callable[..., bytes],
        dumps: Callable[[object], bytes] | None = None,
        error: type[Exception] = NotPlain,
    ) -> Callable[..., bytes]:
        """An encoder of plain values for formats that hold bytes: prefix and item, in one call of Python.

        Args:
            prefix: what stands before the item.
            size: the most bytes of both.
            encode: the encoder to pass to whatever is not plain, not encodable, too large or sealed.
            dumps: what makes the item; None if it is what the packer packs.
            error: what `dumps` raises beside TypeError.
        """
        pack, strict = self.pack, self.strict

        def express_encode(value: object, /, *, associated_data: bytes = b"") -> bytes:
            """The frame of the value; see Transcoder.encode."""
            try:
                packed = pack(value, refuse, strict)
                # These bytes stand before bytes and what passes for it, and in some letters and numbers.
                marked = 0xC4 in packed or 0xC5 in packed or 0xC6 in packed
                if associated_data is NONE and not (marked and contains(value, _BUFFERS)):
                    data = prefix + (packed if dumps is None else dumps(value))
                    if len(data) <= size:
                        return data
            except (NotPlain, TypeError, error):
                pass  # the walk of the slow way tells what it was
            return encode(value, associated_data=associated_data)

        return express_encode


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
