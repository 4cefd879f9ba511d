"""The strict packer: MessagePack bytes of a plain tree, and a refusal of everything else, in one pass of C speed.

Plain is what JSON, MessagePack and CBOR all hold by themselves: None, bool, int of 64 bits, float, str, bytes, list,
and dict with str keys, no subclasses, nested at most 255 deep. The MessagePack codec writes with it; the JSON and
CBOR codecs ask it whether a value is plain, because their own libraries turn tuples into lists, UUIDs into text and
NaN into null without a word. Bytearrays and memoryviews pass as bytes, so they are looked for.

This is the only file that imports ormsgpack.
"""

import re
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from transcoders.frame import NONE
from transcoders.tree import contains, crowded, deeper

_BUFFERS = frozenset((bytearray, memoryview))
_TAG = re.compile(rb"\x81(?:[\xa1-\xbf]|\xd9.|\xda..|\xdb....)\$", re.DOTALL).search
"""A map of one key that starts with `$`, which could be taken for a tag of JSON; or other bytes that look like it."""

PAIR: Final = b"\x92"
"""The head of an array of two: what is unpacked, and the mark behind it."""
MARK: Final = secrets.randbits(64) | 1 << 63
"""A number that nobody else knows: ormsgpack reads over trailing bytes, which would be read in its place."""
END: Final = b"\xcf" + MARK.to_bytes(8, "big")
"""The mark, packed."""

Hook = Callable[[Any], object]


class NotPlain(Exception):  # noqa: N818 - an answer, not a failure
    """The value is not plain; raised by the hook that refuses."""


def refuse(_value: object) -> object:
    """Raise NotPlain: a hook for whatever is not plain."""
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

    def plain(
        self, beside: frozenset[type] = _BUFFERS, odd: Callable[[bytes], object] | None = None
    ) -> Callable[[object, int], bool]:
        """A question about lists and dicts: does it stand for itself in a tagged body, in so many levels at most?

        Args:
            beside: the builtins that are packed, but do not stand for themselves there.
            odd: whether the packed bytes hold what does not stand for itself there.
        """
        pack, strict = self.pack, self.strict

        def plain(tree: object, levels: int) -> bool:
            rich: list[object] = []
            try:
                packed = pack(tree, rich.append, strict)  # in place of what is appended it packs the None of append
            except TypeError:
                return False
            if rich or (0x24 in packed and _TAG(packed)) or (odd is not None and odd(packed)):
                return False
            marked = 0xC4 in packed or 0xC5 in packed or (len(packed) > 65536 and 0xC6 in packed)
            return not (marked and contains(tree, beside)) and (len(packed) <= levels or not deeper(tree, levels))

        return plain

    def writer(  # noqa: PLR0913, PLR0917 - each codec gives its own
        self,
        prefix: bytes,
        size: int,
        items: int,
        encode: Callable[..., bytes],
        tagged: Callable[..., bytes],
        dumps: Callable[[object], bytes] | None = None,
        errors: tuple[type[Exception], ...] = (TypeError,),
    ) -> Callable[..., bytes]:
        """An encoder of plain values for formats that hold bytes: prefix and item, in one call of Python.

        Args:
            prefix: what stands before the item.
            size: the most bytes of both.
            items: the most entries of the containers in the value.
            encode: the encoder to pass to whatever is too large or sealed.
            tagged: the encoder to pass to whatever is not plain, or not encodable.
            dumps: what makes the item; None if it is what the packer packs.
            errors: what is raised for a value that is not plain: TypeError, and what `dumps` raises.
        """
        pack, strict, least = self.pack, self.strict, min(size, items)

        def express_encode(value: object, /, associated_data: bytes = b"") -> bytes:
            """The frame of the value; see Transcoder.encode."""
            try:
                packed = pack(value, None, strict)
                # These stand before bytes and what passes for it (C6 for 65,536 or more), and in letters and numbers.
                marked = 0xC4 in packed or 0xC5 in packed or (len(packed) > 65536 and 0xC6 in packed)
                if associated_data is NONE and not (marked and contains(value, _BUFFERS)):
                    data = prefix + (packed if dumps is None else dumps(value))
                    if len(data) <= least or (len(data) <= size and not crowded(value, items)):
                        return data
            except errors:
                return tagged(value, associated_data)
            return encode(value, associated_data)

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
