"""MessagePack, with the session value set kept in extension types.

Plain values are packed in one pass by the strict packer; at the first tuple, datetime or other rich value its hook
lowers just that one. Extension types 1 to 18 are the kinds of the fidelity table, their data the packed payload, so
decoding pays for rich values only. `engine=msgpack` writes and reads through the `msgpack` package, the format's
reference for Python; the bytes are the same, and each engine reads the other's.
"""

import secrets
import sys
from collections.abc import Callable
from types import NoneType
from typing import Any, ClassVar

from transcoders import fidelity, frame, packer
from transcoders.codecs import Context, Decode, Encode, Traits, nothing
from transcoders.errors import DecodeError, Malformed
from transcoders.options import Option, Options
from transcoders.tree import deeper

_CONTAINERS = frozenset((fidelity.TUPLE, fidelity.SET, fidelity.FROZENSET, fidelity.PAIRS, fidelity.RECORD))
_PAIR = b"\x92"
"""The head of an array of two: the body, and the mark behind it."""
_MARK = secrets.randbits(64) | 1 << 63
"""A number that nobody else knows: ormsgpack reads over trailing bytes, which would be read in its place."""
_END = b"\xcf" + _MARK.to_bytes(8, "big")


class _Notation:
    """MessagePack's part of the fidelity table."""

    holds: frozenset[type] = frozenset((NoneType, bool, float, str, bytes))
    keys: frozenset[type] = frozenset((str, int))

    def __init__(self, strict: packer.Packer) -> None:
        self._pack, self._ext, self._keyed = strict.pack, strict.ext, strict.keyed

    def order(self, lowered: object) -> bytes:
        return self._pack(lowered, None, self._keyed)

    def tag(self, kind: int, payload: object) -> object:
        return self._ext(kind, self.order(payload))

    @staticmethod
    def run(data: bytes | bytearray | memoryview) -> bytes:
        return bytes(data)


class MsgpackCodec:
    """The codec named `msgpack`."""

    tag = 2
    forms = (frame.PLAIN, frame.TAGGED)
    traits = Traits()
    options: ClassVar[tuple[Option, ...]] = (
        Option("engine", "choice", "ormsgpack", "the library that packs", choices=("ormsgpack", "msgpack")),
    )
    summary = "MessagePack, ext types for what it lacks"

    __slots__ = ("_depth", "_dumps", "_exact", "_loads", "_lower", "_packer", "_plain", "_raise")

    def __init__(self, options: Options, context: Context) -> None:
        self._packer = packer.load()
        self._dumps: Any = None
        self._loads: Any = self._packer.unpack
        if options["engine"] == "msgpack":
            self._dumps, self._loads = _reference(self._packer)
        self._depth, self._exact = context.limits.depth, not context.limits.by_engine
        self._plain: Callable[[object], bytes | None] = self._writer(b"", sys.maxsize, nothing)
        self._lower = fidelity.Lowering(_Notation(self._packer), context.types, self._depth)
        self._raise = fidelity.Raising(context.types, _bytes)

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way; see `codecs.Express`."""
        unpack, head, end, mark, none = self._loads, len(prefix), _END, _MARK, frame.NONE

        def express_decode(data: bytes, /, *, associated_data: bytes = b"") -> Any:
            """The value in the frame; see Transcoder.decode."""
            try:
                if data[:head] == prefix and len(data) <= size and associated_data is none:
                    value, found = unpack(_PAIR + data[head:] + end)
                    if found == mark:
                        return value
            except (TypeError, ValueError):
                pass
            return decode(data, associated_data=associated_data)

        return self._writer(prefix, size, encode), express_decode

    def _writer(self, prefix: bytes, size: int, encode: Encode) -> Encode:
        return self._packer.writer(prefix, size, encode, self._dumps)

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the packed value."""
        body = self._plain(value)
        if body is None or (self._exact and deeper(value, self._depth)):
            return frame.TAGGED, self._tagged(value)
        return frame.PLAIN, body

    def _tagged(self, value: object) -> bytes:
        try:
            lowered = self._lower(value)
            return self._packer.pack(lowered, None, self._packer.keyed)
        except TypeError as error:
            raise self._lower.explain(value, error) from error

    def raw(self, data: bytes, /) -> object:
        """The value of MessagePack without a frame, keys of any scalar; extension types are refused.

        Raises:
            Malformed: the data is not one MessagePack value.
        """
        value = _Unpacking(self._packer, _no_ext, self._depth).value(data)
        return self._lower.kept(value) if self._exact else value

    def loads(self, form: int, body: bytes, /) -> object:
        """The unpacked value."""
        if form:
            value = _Unpacking(self._packer, self._raise, self._depth).value(body)
            return self._lower.kept(value) if self._exact else value
        try:
            value, found = self._loads(_PAIR + body + _END)
        except ValueError as error:
            raise Malformed(f"expected MessagePack: {str(error)[:100] or type(error).__name__}") from error
        if found != _MARK:
            raise Malformed("expected one MessagePack value, found bytes after it")
        if self._exact and deeper(value, self._depth):
            raise Malformed(f"nested deeper than {self._depth} containers")
        return value


class _Unpacking:
    """One decoding of a body with extension types: counts how deep they stand in each other."""

    __slots__ = ("_depth", "_keyed", "_raise", "_unpack")

    def __init__(self, strict: packer.Packer, raise_: Callable[[int, object], object], depth: int) -> None:
        self._unpack, self._keyed, self._raise, self._depth = strict.unpack, strict.keyed, raise_, depth

    def value(self, body: bytes) -> object:
        """The value of the body; raises Malformed."""
        try:
            value, found = self._unpack(_PAIR + body + _END, ext_hook=self._ext, option=self._keyed)
        except DecodeError:
            raise
        except (ValueError, TypeError) as error:
            raise Malformed(f"expected MessagePack: {str(error)[:100] or type(error).__name__}") from error
        if type(found) is not int or found != _MARK:
            raise Malformed("expected one MessagePack value, found bytes after it")
        return value

    def _ext(self, kind: int, data: bytes) -> object:
        inside = kind in _CONTAINERS
        self._depth -= inside
        if self._depth < 0:
            raise Malformed("extension types nested too deep")
        value = self._raise(kind, self.value(data))
        self._depth += inside
        return value


def _reference(strict: packer.Packer) -> tuple[Any, Any]:
    """Pack and unpack of the `msgpack` package; it is imported nowhere else."""
    import msgpack  # noqa: PLC0415

    def unpack(body: bytes) -> object:
        pair: list[object] = msgpack.unpackb(body, ext_hook=_no_ext)
        try:
            strict.pack(pair[0], packer.refuse, strict.strict)  # its timestamps do not ask the hook
        except (packer.NotPlain, TypeError):
            raise Malformed("expected a plain value") from None
        return pair

    return msgpack.packb, unpack


def _no_ext(kind: int, _data: object) -> object:
    raise Malformed(f"expected a plain value, found extension type {kind}")


def _bytes(payload: object) -> bytes:
    if type(payload) is not bytes:
        raise TypeError("expected bytes")
    return payload
