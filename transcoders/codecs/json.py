"""JSON (RFC 8259) over orjson, with the session value set kept.

orjson writes tuples as arrays, UUIDs as text and NaN as null without a word, so a strict packer is asked first: a
plain value (nearly every session) goes to orjson as it is and comes back as orjson reads it. Anything else is
written with tag objects, `{"$decimal": "1.10"}`, and the frame says so; only then are they read, and a user's own
object of that shape is written as tagged pairs.
"""

import json
import re
from base64 import b64decode, b64encode
from types import NoneType
from typing import Any, ClassVar

from transcoders import fidelity, frame, packer
from transcoders.codecs import Context, Traits
from transcoders.errors import Malformed
from transcoders.options import Option, Options
from transcoders.tree import deeper

_NUMBERS = frozenset((int, float))
_NOT_FINITE = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")  # a MessagePack float of all exponent bits
_KINDS = {f"${name}": kind for kind, name in fidelity.NAMES.items()}


class _Notation:
    """JSON's part of the fidelity table."""

    holds: frozenset[type] = frozenset((NoneType, bool, str))
    keys: frozenset[type] = frozenset((str,))

    def __init__(self, dumps: Any) -> None:
        self.order = dumps

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

    __slots__ = ("_depth", "_dumps", "_exact", "_levels", "_loads", "_lower", "_pack", "_raise", "_strict")

    def __init__(self, _options: Options, context: Context) -> None:
        import orjson  # noqa: PLC0415

        strict = packer.load()
        self._dumps, self._loads = orjson.dumps, orjson.loads
        self._pack, self._strict = strict.pack, strict.strict
        self._depth, self._exact = context.limits.depth, not context.limits.by_engine
        self._levels = 2 * self._depth + 2  # a record is two containers of JSON
        self._lower = fidelity.Lowering(_Notation(orjson.dumps), context.types, self._depth)
        self._raise = fidelity.Raising(context.types, _bytes)

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the JSON text."""
        try:
            packed = self._pack(value, packer.refuse, self._strict)
            if b"\xcb" not in packed or not _NOT_FINITE.search(packed):
                text = self._dumps(value)
                if type(value) not in _NUMBERS and not (self._exact and deeper(value, self._depth)):
                    return frame.PLAIN, text
        except (packer.NotPlain, TypeError):
            pass  # not plain, or not encodable: the walk tells which
        return frame.TAGGED, self._tagged(value)

    def _tagged(self, value: object) -> bytes:
        lowered = self._lower(value)
        if type(lowered) in _NUMBERS:  # a bare number cut short is another number: 123, 12
            lowered = _Notation.tag(fidelity.NUMBER, lowered)
        try:
            return self._dumps(lowered)
        except TypeError as error:
            raise self._lower.explain(value, error) from error

    def raw(self, data: bytes, /) -> object:
        """The value of JSON text without a frame: integers exact, no NaN, no key twice.

        Raises:
            Malformed: the data is not one JSON text in UTF-8.
        """
        try:
            return json.loads(data.decode(), parse_constant=_refuse, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"raw-json: {str(error)[:100]}") from error

    def loads(self, form: int, body: bytes, /) -> object:
        """The value of the JSON text."""
        try:
            value = self._loads(body)
        except ValueError as error:
            raise Malformed(f"expected JSON text: {str(error)[:100]}") from error
        if body[-1] <= 0x20 or body[0] <= 0x20:
            raise Malformed("expected JSON text and nothing else, found white space around it")
        if form:
            return self._lift(value, 0)
        if self._exact and deeper(value, self._depth):
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


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return value


def _bytes(payload: object) -> bytes:
    if type(payload) is not str:
        raise TypeError("expected base64 text")
    return b64decode(payload, validate=True)
