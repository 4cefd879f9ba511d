"""JSON (RFC 8259) over orjson, with the session value set kept.

orjson writes tuples as arrays, UUIDs as text and NaN as null without a word, so a strict packer is asked first: a
plain value (nearly every session) goes to orjson as it is and comes back as orjson reads it. Anything else is
written with tag objects, `{"$decimal": "1.10"}`, and the frame says so; only then are they read, and a user's own
object of that shape is written as tagged pairs.
"""

import json
import math
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from gc import is_tracked
from types import NoneType
from typing import Any, ClassVar

from transcoders import fidelity, frame, outlines, packer, raising
from transcoders.codecs import TYPED, Context, Decode, Encode, Traits, nothing, tagging
from transcoders.errors import DecodeError, EncodeError, Malformed, TooLarge
from transcoders.options import Option, Options
from transcoders.tree import crowded, deeper

_NUMBERS = frozenset((int, float))
_EXPONENT = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]").search
"""A float of MessagePack whose exponent bits are all set: infinity or NaN; or other bytes that look like it."""
_WHOLE = frozenset((list, NoneType, bool))
"""Types beside dict that a plain body may be of: their text shows where it ends."""
_BYTES = frozenset((bytes, bytearray, memoryview))
_NAMES = {kind: f"${name}" for kind, name in fidelity.NAMES.items()}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_ZEROS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
"""The table that makes every digit a zero."""
_RUN = b"0" * 19
"""As many digits as the least integer beyond 64 bits has: orjson reads that as a float."""


class _Notation:
    """JSON's part of the fidelity table."""

    holds: frozenset[type] = frozenset((NoneType, bool, str))
    keys: frozenset[type] = frozenset((str,))

    def __init__(self, text: Callable[[object], bytes]) -> None:
        self.order = text

    @staticmethod
    def tag(kind: int, payload: object) -> dict[str, object]:
        return {_NAMES[kind]: payload}

    @staticmethod
    def run(data: bytes | bytearray | memoryview) -> str:
        return b64encode(data).decode("ascii")


class JsonCodec:
    """The codec named `json`."""

    tag = 4
    forms = (frame.PLAIN, frame.TAGGED)
    traits = Traits(readable=True)
    options: ClassVar[tuple[Option, ...]] = TYPED
    summary = "RFC 8259 text over orjson"

    __slots__ = (
        *("_depth", "_dumps", "_exact", "_levels", "_limits", "_loads", "_lower", "_pack", "_plain", "_raise"),
        *("_strict", "_vast"),
    )  # fmt: skip

    def __init__(self, _options: Options, context: Context) -> None:
        import orjson  # noqa: PLC0415

        strict = packer.load()
        self._dumps, self._loads = orjson.dumps, orjson.loads
        self._pack, self._strict = strict.pack, strict.strict
        self._limits = limits = context.limits.behind(sealed=context.sealed)
        self._depth, self._exact = limits.depth, not limits.by_engine
        self._vast = sys.maxsize if context.sealed else limits.openings
        self._plain: Callable[[object], bytes | None] = self._writer(b"", sys.maxsize, nothing, nothing)
        self._levels = 2 * self._depth + 2  # a record is two containers of JSON
        self._lower = fidelity.Lowering(_Notation(self._text), context.types, limits, strict.plain(_BYTES, _boundless))
        self._raise = raising.Raising(context.types, _bytes, limits)

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way; see `codecs.Express`."""
        loads, none, least = self._loads, frame.NONE, min(size, self._limits.items)

        def express_decode(data: bytes, /, associated_data: bytes = b"") -> Any:
            """The value in the frame; see Transcoder.decode."""
            try:
                body = data.removeprefix(prefix)
                if len(body) < len(data) <= least and data[-1] > 0x20 and associated_data is none:
                    return loads(body)
            except (AttributeError, TypeError, ValueError):
                pass
            return decode(data, associated_data)

        tagged = tagging(self._tagged, frame.header(self.tag, frame.TAGGED, ()), size, encode)
        return self._writer(prefix, size, encode, tagged), express_decode

    def _writer(self, prefix: bytes, size: int, encode: Encode, tagged: Encode) -> Encode:
        pack, strict, dumps, none = self._pack, self._strict, self._dumps, frame.NONE
        items = self._limits.items
        least = min(size, items)

        def express_encode(value: object, /, associated_data: bytes = b"") -> bytes:
            """The frame of the value; see Transcoder.encode."""
            try:
                # A bare number cut short is another number, so it is not plain; neither, for that, is a bare str.
                if type(value) is dict or type(value) in _WHOLE:
                    packed = pack(value, None, strict)
                    # 0xCB marks a float; only one of all exponent bits, no number in JSON, starts with 0x7F or 0xFF.
                    if 0xCB not in packed or (0x7F not in packed and 0xFF not in packed) or not _EXPONENT(packed):
                        data: bytes = prefix + dumps(value)
                        if associated_data is none and (
                            len(data) <= least or (len(data) <= size and not crowded(value, items))
                        ):
                            return data
            except TypeError:  # not plain, or not encodable: the walk tells which
                return tagged(value, associated_data)
            return encode(value, associated_data)

        return express_encode

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the JSON text."""
        text = self._plain(value)
        if text is None or (self._exact and deeper(value, self._depth)):
            return frame.TAGGED, self._tagged(value)
        return frame.PLAIN, text

    def _tagged(self, value: object) -> bytes:
        try:
            lowered = self._lower(value)
            if type(lowered) in _NUMBERS:  # a bare number cut short is another number: 123, 12
                lowered = _Notation.tag(fidelity.NUMBER, lowered)
            text = self._text(lowered)
        except EncodeError:
            raise
        except ValueError as error:
            raise self._lower.explain(value, error) from error
        self._lower.bounded(value, len(text))
        return text

    def _text(self, lowered: object) -> bytes:
        try:
            return self._dumps(lowered)
        except TypeError:  # more levels than orjson goes down, for a tag takes two; or half a surrogate pair
            return json.dumps(lowered, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()

    def raw(self, data: bytes, /) -> object:
        """The value of JSON text without a frame: integers exact, no NaN, no key twice.

        Raises:
            Malformed: the data is not one JSON text in UTF-8.
        """
        outlines.json(data, self._limits.plain_openings)
        try:
            value: object = json.loads(
                data.decode(), parse_constant=_refuse, parse_float=_finite, parse_int=self._integer,
                object_pairs_hook=_once,
            )  # fmt: skip
        except DecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise Malformed(f"{str(error)[:100]}") from error
        if deeper(value, self._depth):
            raise TooLarge(f"nested deeper than {self._depth} containers")
        self._lower.held(value, len(data), plain=True)
        return self._lower.kept(value, wary=True)  # an escape may stand for half a surrogate pair

    def _integer(self, text: str) -> int:
        if len(text) > self._limits.digits + 1:
            raise TooLarge(f"an integer has at most {self._limits.digits} digits")
        return self._raise.numerals.within(int(text))

    def loads(self, form: int, body: bytes, /) -> object:
        """The value of the JSON text."""
        if len(body) > self._vast:
            outlines.json(body, self._limits.openings if form else self._limits.plain_openings)
        try:
            value = self._loads(body)
        except ValueError as error:
            raise Malformed(f"expected JSON text: {str(error)[:100]}") from error
        if body[-1] <= 0x20:
            raise Malformed("expected JSON text and nothing after it, found white space")
        if (self._limits.strict and not self._canonical(value, body)) or (form and _RUN in body.translate(_ZEROS)):
            self._reread(body)
        if form:
            value = self._lift(value, 0)
            if self._exact:
                self._lower.kept(value)
        elif self._exact and deeper(value, self._depth):
            raise TooLarge(f"nested deeper than {self._depth} containers")
        return self._lower.held(value, len(body), plain=not form) if len(body) > self._limits.items else value

    def _canonical(self, value: object, body: bytes) -> bool:
        """Whether the value is written as it was read, so that nothing was read over."""
        try:
            return self._dumps(value) == body
        except TypeError:  # deeper than orjson writes
            return False

    def _reread(self, body: bytes) -> None:
        """Look for what orjson reads over: integers that become floats, and keys that stand twice."""
        once = _once if self._limits.strict else None
        try:
            json.loads(body, parse_int=_within, object_pairs_hook=once)
        except ValueError as error:
            raise Malformed(f"expected plain JSON: {str(error)[:100]}") from error

    def _lift(self, tree: Any, depth: int) -> Any:
        # Loops, not comprehensions: a frame of Python less for each level. A dict that the collector of garbage does
        # not track holds no containers, so it is either a tag by itself or has none inside.
        if depth > self._levels:
            raise TooLarge(f"nested deeper than {self._depth} containers")
        if type(tree) is list:
            for index, item in enumerate(tree):
                if type(item) in _CONTAINERS and (is_tracked(item) or len(item) == 1):
                    tree[index] = self._lift(item, depth + 1)
            return tree
        if type(tree) is dict:
            if len(tree) == 1:
                ((key, payload),) = tree.items()
                if key[:1] == "$":
                    return self._raise(_KINDS.get(key, key), self._lift(payload, depth))
            for key, item in tree.items():
                if type(item) in _CONTAINERS and (is_tracked(item) or len(item) == 1):
                    tree[key] = self._lift(item, depth + 1)
        return tree


_CONTAINERS = frozenset((list, dict))


def _within(text: str) -> int:
    if len(text) > 20 or not -(1 << 63) <= int(text) < 1 << 64:
        raise ValueError("an integer beyond 64 bits, which plain JSON does not hold")
    return 0


def _boundless(packed: bytes) -> bool:
    """Whether a float in the packed value may be infinite, or NaN."""
    # 0xCB marks a float; only one of all exponent bits, no number in JSON, starts with 0x7F or 0xFF.
    return 0xCB in packed and (0x7F in packed or 0xFF in packed) and _EXPONENT(packed) is not None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is beyond the range of float")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return value


def _bytes(payload: object) -> bytes:
    if type(payload) is not str:
        raise TypeError("expected base64 text")
    return b64decode(payload, validate=True)
