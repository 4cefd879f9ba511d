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
from types import NoneType
from typing import Any, ClassVar

from transcoders import fidelity, frame, packer
from transcoders.codecs import Context, Decode, Encode, Traits, nothing
from transcoders.errors import EncodeError, Malformed
from transcoders.options import Option, Options
from transcoders.tree import deeper

_NUMBERS = frozenset((int, float))
_EXPONENT = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]").search
"""A float of MessagePack whose exponent bits are all set: infinity or NaN; or other bytes that look like it."""
_KINDS = {f"${name}": kind for kind, name in fidelity.NAMES.items()}


class _Notation:
    """JSON's part of the fidelity table."""

    holds: frozenset[type] = frozenset((NoneType, bool, str))
    keys: frozenset[type] = frozenset((str,))

    def __init__(self, text: Callable[[object], bytes]) -> None:
        self.order = text

    @staticmethod
    def tag(kind: int, payload: object) -> dict[str, object]:
        return {f"${fidelity.NAMES[kind]}": payload}

    @staticmethod
    def run(data: bytes | bytearray | memoryview) -> str:
        return b64encode(data).decode("ascii")


class JsonCodec:
    """The codec named `json`."""

    tag = 4
    forms = (frame.PLAIN, frame.TAGGED)
    traits = Traits(readable=True)
    options: ClassVar[tuple[Option, ...]] = ()
    summary = "RFC 8259 text over orjson"

    __slots__ = ("_depth", "_dumps", "_exact", "_levels", "_loads", "_lower", "_pack", "_plain", "_raise", "_strict")

    def __init__(self, _options: Options, context: Context) -> None:
        import orjson  # noqa: PLC0415

        strict = packer.load()
        self._dumps, self._loads = orjson.dumps, orjson.loads
        self._pack, self._strict = strict.pack, strict.strict
        self._depth, self._exact = context.limits.depth, not context.limits.by_engine
        self._plain: Callable[[object], bytes | None] = self._writer(b"", sys.maxsize, nothing)
        self._levels = 2 * self._depth + 2  # a record is two containers of JSON
        self._lower = fidelity.Lowering(_Notation(self._text), context.types, self._depth)
        self._raise = fidelity.Raising(context.types, _bytes)

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way; see `codecs.Express`."""
        loads, head, none = self._loads, len(prefix), frame.NONE

        def express_decode(data: bytes, /, *, associated_data: bytes = b"") -> Any:
            """The value in the frame; see Transcoder.decode."""
            try:
                if data[:head] == prefix and data[-1] > 0x20 and len(data) <= size and associated_data is none:
                    return loads(data[head:])
            except (TypeError, ValueError):
                pass
            return decode(data, associated_data=associated_data)

        return self._writer(prefix, size, encode), express_decode

    def _writer(self, prefix: bytes, size: int, encode: Encode) -> Encode:
        pack, strict, dumps, refuse = self._pack, self._strict, self._dumps, packer.refuse
        none = frame.NONE

        def express_encode(value: object, /, *, associated_data: bytes = b"") -> bytes:
            """The frame of the value; see Transcoder.encode."""
            try:
                packed = pack(value, refuse, strict)
                # 0xCB marks a float; only one of all exponent bits, no number in JSON, starts with 0x7F or 0xFF.
                if 0xCB not in packed or (0x7F not in packed and 0xFF not in packed) or not _EXPONENT(packed):
                    data: bytes = prefix + dumps(value)
                    # A bare number ends in a digit and is not plain; neither, for that, are strings by themselves.
                    if data[-1] > 0x39 and len(data) <= size and associated_data is none:
                        return data
            except (packer.NotPlain, TypeError):
                pass  # not plain, or not encodable: the walk tells which
            return encode(value, associated_data=associated_data)

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
            return self._text(lowered)
        except EncodeError:
            raise
        except ValueError as error:
            raise self._lower.explain(value, error) from error

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
        try:
            value: object = json.loads(
                data.decode(), parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_once
            )
        except (ValueError, RecursionError) as error:
            raise Malformed(f"{str(error)[:100]}") from error
        if deeper(value, self._depth):
            raise Malformed(f"nested deeper than {self._depth} containers")
        try:
            self._lower.check(value)  # an escape may stand for half a surrogate pair
        except EncodeError as error:
            raise Malformed(f"{error}") from error
        return value

    def loads(self, form: int, body: bytes, /) -> object:
        """The value of the JSON text."""
        try:
            value = self._loads(body)
        except ValueError as error:
            raise Malformed(f"expected JSON text: {str(error)[:100]}") from error
        if body[-1] <= 0x20:
            raise Malformed("expected JSON text and nothing after it, found white space")
        return self._checked(form, value) if form or self._exact else value

    def _checked(self, form: int, value: object) -> object:
        if form:
            lifted = self._lift(value, 0)
            return self._lower.kept(lifted) if self._exact else lifted
        if deeper(value, self._depth):
            raise Malformed(f"nested deeper than {self._depth} containers")
        return value

    def _lift(self, tree: Any, depth: int) -> Any:
        # Loops, not comprehensions: a frame of Python less for each level.
        if depth > self._levels:
            raise Malformed(f"nested deeper than {self._depth} containers")
        if type(tree) is list:
            for index, item in enumerate(tree):
                if type(item) in _CONTAINERS:
                    tree[index] = self._lift(item, depth + 1)
            return tree
        if type(tree) is dict:
            if len(tree) == 1:
                ((key, payload),) = tree.items()
                if key[:1] == "$":
                    return self._raise(_KINDS.get(key, key), self._lift(payload, depth))
            for key, item in tree.items():
                if type(item) in _CONTAINERS:
                    tree[key] = self._lift(item, depth + 1)
        return tree


_CONTAINERS = frozenset((list, dict))


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
