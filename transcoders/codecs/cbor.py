"""CBOR (RFC 8949) over cbor2, with the session value set kept in tags.

A strict packer is asked whether the value is plain, because cbor2 by itself writes tuples as arrays and drops folds
and zones. UUIDs are written with their tag of the IANA registry, 37, other rich values with a block of our own;
integers of any size and NaN stand for themselves. Every other tag is refused. cbor2 reads over trailing bytes, so a
number that nobody else knows is put behind the body before it is read.
"""

import secrets
import sys
from collections.abc import Callable
from types import NoneType
from typing import Any, ClassVar
from uuid import UUID

from transcoders import fidelity, frame, packer
from transcoders.codecs import Context, Decode, Encode, Traits, nothing
from transcoders.errors import EncodeError, Malformed
from transcoders.options import Option, Options
from transcoders.tree import deeper

_BLOCK = 0x54430000
"""Kind n of the fidelity table is tag `_BLOCK + n`, in the first-come range of RFC 8949 section 9.2."""
_STANDARD = {fidelity.UUID_: 37}
_TAGS = {kind: _STANDARD.get(kind, _BLOCK + kind) for kind in fidelity.NAMES}
_KINDS = {tag: kind for kind, tag in _TAGS.items()}
_BUILT_IN = (*(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),)
"""The tags that cbor2 decodes by itself."""
_BIGNUMS = (2, 3)
_LEAVES = frozenset((NoneType, bool, int, float, str, bytes, UUID))
_PAIR = b"\x82"
"""The head of an array of two: the body, and the mark behind it."""
_MARK = secrets.randbits(64) | 1 << 63
_END = b"\x1b" + _MARK.to_bytes(8, "big")
_DEEPEST = 1000


class _Notation:
    """CBOR's part of the fidelity table."""

    holds: frozenset[type] = frozenset((NoneType, bool, int, float, str, bytes))
    keys: frozenset[type] = frozenset((str, int))

    def __init__(self, cbor2: Any) -> None:
        self.order, self._tag = cbor2.dumps, cbor2.CBORTag

    def tag(self, kind: int, payload: object) -> object:
        return self._tag(_TAGS[kind], payload)

    @staticmethod
    def run(data: bytes | bytearray | memoryview) -> bytes:
        return bytes(data)


class CborCodec:
    """The codec named `cbor`."""

    tag = 3
    forms = (frame.PLAIN, frame.TAGGED)
    traits = Traits()
    options: ClassVar[tuple[Option, ...]] = ()
    summary = "RFC 8949 over cbor2, tags for what it lacks"

    __slots__ = (
        *("_depth", "_dumps", "_error", "_exact", "_loads", "_lower", "_packer", "_plain", "_raise"),
        *("_rich", "_tag", "_tags"),
    )  # fmt: skip

    def __init__(self, _options: Options, context: Context) -> None:
        import cbor2  # noqa: PLC0415

        self._packer = packer.load()
        self._dumps, self._loads, self._tag, self._error = cbor2.dumps, cbor2.loads, cbor2.CBORTag, cbor2.CBORError
        self._depth, self._exact = context.limits.depth, not context.limits.by_engine
        self._lower = fidelity.Lowering(_Notation(cbor2), context.types, self._depth)
        self._raise = fidelity.Raising(context.types, _bytes)
        self._plain: Callable[[object], bytes | None] = self._writer(b"", sys.maxsize, nothing)
        self._tags = dict.fromkeys(_BUILT_IN, _refuse)
        self._rich = {tag: _refuse for tag in _BUILT_IN if tag not in {*_BIGNUMS, *_STANDARD.values()}}

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way; see `codecs.Express`."""
        loads, tags, head = self._loads, self._tags, len(prefix)
        end, mark, error, none = _END, _MARK, self._error, frame.NONE
        pack, strict, refuse = self._packer.pack, self._packer.strict, packer.refuse

        def express_decode(data: bytes, /, *, associated_data: bytes = b"") -> Any:
            """The value in the frame; see Transcoder.decode."""
            try:
                if data[:head] == prefix and len(data) <= size and associated_data is none:
                    value, found = loads(_PAIR + data[head:] + end, semantic_decoders=tags)
                    pack(value, refuse, strict)
                    if found == mark:
                        return value
            except (TypeError, ValueError, error, packer.NotPlain):
                pass
            return decode(data, associated_data=associated_data)

        return self._writer(prefix, size, encode), express_decode

    def _writer(self, prefix: bytes, size: int, encode: Encode) -> Encode:
        return self._packer.writer(prefix, size, encode, self._dumps, self._error)

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the CBOR item."""
        body = self._plain(value)
        if body is None or (self._exact and deeper(value, self._depth)):
            return frame.TAGGED, self._tagged(value)
        return frame.PLAIN, body

    def _tagged(self, value: object) -> bytes:
        try:
            return self._dumps(self._lower(value))
        except EncodeError:
            raise
        except (TypeError, ValueError, self._error) as error:
            raise self._lower.explain(value, error) from error

    def raw(self, data: bytes, /) -> object:
        """The value of CBOR without a frame; tags other than those of UUIDs and big integers are refused.

        Raises:
            Malformed: the data is not one CBOR item of session values.
        """
        return self._lifted(data)

    def loads(self, form: int, body: bytes, /) -> object:
        """The value of the CBOR item."""
        if form:
            return self._lifted(body)
        value = self._item(body, self._tags)
        try:
            # What a plain body holds passes where it passed on its way in: CBOR has values that are no session's.
            self._packer.pack(value, packer.refuse, self._packer.strict)
        except (packer.NotPlain, TypeError):
            raise Malformed("expected plain values in CBOR of the plain form") from None
        if self._exact and deeper(value, self._depth):
            raise Malformed(f"nested deeper than {self._depth} containers")
        return value

    def _lifted(self, body: bytes) -> object:
        value = self._lift(self._item(body, self._rich), 0)
        return self._lower.kept(value) if self._exact else value

    def _item(self, body: bytes, tags: dict[int, Any]) -> object:
        try:
            value, found = self._loads(_PAIR + body + _END, semantic_decoders=tags, max_depth=_DEEPEST)
        except (TypeError, ValueError, self._error) as error:
            raise Malformed(f"expected CBOR: {str(error)[:100]}") from error
        if type(found) is not int or found != _MARK:
            raise Malformed("expected one CBOR item, found bytes after it")
        return value

    def _lift(self, tree: Any, depth: int) -> Any:
        # cbor2 decodes arrays and maps inside a tag as immutable ones; user's tuples are tags, so these are lists.
        kind = type(tree)
        if kind in _LEAVES:
            return tree
        if depth > 2 * self._depth + 2:  # a record is two containers of CBOR
            raise Malformed(f"nested deeper than {self._depth} containers")
        if kind is self._tag:
            return self._raise(_KINDS.get(tree.tag, tree.tag), self._lift(tree.value, depth))
        lifted: Any
        if kind is list or kind is tuple:
            lifted = []
            for item in tree:
                lifted.append(item if type(item) in _LEAVES else self._lift(item, depth + 1))
        elif kind is dict or kind.__name__ == "frozendict":
            lifted = {}
            for key, item in tree.items():
                if type(key) is not str and type(key) is not int:
                    raise Malformed(f"expected keys of str or int, found {type(key).__name__}")
                lifted[key] = item if type(item) in _LEAVES else self._lift(item, depth + 1)
        else:
            raise Malformed(f"expected a session value, found {kind.__name__}")
        return lifted


def _refuse(*_: object) -> object:
    raise ValueError("tags are refused here")


def _bytes(payload: object) -> bytes:
    if type(payload) is not bytes:
        raise TypeError("expected bytes")
    return payload
