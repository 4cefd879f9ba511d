"""MessagePack, with the session value set kept in extension types.

Plain values are packed in one pass by the strict packer; at the first tuple, datetime or other rich value its hook
lowers just that one. Extension types 1 to 18 are the kinds of the fidelity table, their data the packed payload, so
decoding pays for rich values only. `engine=msgpack` writes and reads through the `msgpack` package, the format's
reference for Python; the bytes are the same, and each engine reads the other's.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import NoneType
from typing import Any, ClassVar

from transcoders import fidelity, frame, outlines, packer, raising
from transcoders.codecs import TYPED, Context, Decode, Encode, Traits, nothing, tagging
from transcoders.errors import DecodeError, Malformed, TooLarge
from transcoders.options import Option, Options
from transcoders.packer import END, MARK, PAIR
from transcoders.tree import contains, deeper

_CONTAINERS = frozenset((fidelity.TUPLE, fidelity.SET, fidelity.FROZENSET, fidelity.PAIRS, fidelity.RECORD))
_BUFFERS = frozenset((bytearray, memoryview))
_TIMESTAMP = -1
"""The extension type that the format itself defines."""


class _Notation:
    """MessagePack's part of the fidelity table."""

    holds: frozenset[type] = frozenset((NoneType, bool, float, str, bytes))
    keys: frozenset[type] = frozenset((str, int))

    def __init__(self, strict: packer.Packer) -> None:
        self._pack, self._ext, self._keyed = strict.pack, strict.ext, strict.keyed

    def order(self, lowered: object) -> bytes:
        return self._pack(lowered, None, self._keyed)

    def tag(self, kind: int, payload: object) -> object:
        return self._ext(kind, self._pack(payload, None, self._keyed))

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
        *TYPED,
    )
    summary = "MessagePack, ext types for what it lacks"

    __slots__ = (
        *("_depth", "_dumps", "_exact", "_guarded", "_limits", "_loads", "_lower", "_packer", "_plain", "_raise"),
    )  # fmt: skip

    def __init__(self, options: Options, context: Context) -> None:
        self._packer = packer.load()
        self._dumps: Any = None
        self._loads: Any = self._packer.unpack
        if options["engine"] == "msgpack":
            self._dumps, self._loads = _reference(self._packer)
        self._limits = limits = context.limits.behind(sealed=context.sealed)
        self._depth, self._exact, self._guarded = limits.depth, not limits.by_engine, not context.sealed
        self._plain: Callable[[object], bytes | None] = self._writer(b"", sys.maxsize, nothing, nothing)
        self._lower = fidelity.Lowering(_Notation(self._packer), context.types, limits, self._packer.plain())
        self._raise = raising.Raising(context.types, _bytes, limits)

    @property
    def checked(self) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
        """How trees of declared types are packed and unpacked, whose every leaf is checked before and after.

        Datetimes in UTC are the format's own timestamps: the extension type -1 of the MessagePack specification.
        """
        return _stamped()

    @property
    def direct(self) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
        """The same for any tree; what is not plain raises TypeError."""
        strict, (stamped, unpack) = self._packer, _stamped()

        def pack(tree: object) -> bytes:
            strict.pack(tree, _moment, strict.strict)
            if contains(tree, _BUFFERS):
                raise TypeError("not plain")
            return stamped(tree)

        return pack, unpack

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way; see `codecs.Express`."""
        unpack, end, mark, none, least = self._loads, END, MARK, frame.NONE, min(size, self._limits.items)

        def express_decode(data: bytes, /, associated_data: bytes = b"") -> Any:
            """The value in the frame; see Transcoder.decode."""
            try:
                body = data.removeprefix(prefix)
                if len(body) < len(data) <= least and associated_data is none:
                    value, found = unpack(PAIR + body + end)
                    if found == mark:
                        return value
            except (AttributeError, TypeError, ValueError):
                pass
            return decode(data, associated_data)

        tagged = tagging(self._tagged, frame.header(self.tag, frame.TAGGED, ()), size, encode)
        return self._writer(prefix, size, encode, tagged), express_decode

    def _writer(self, prefix: bytes, size: int, encode: Encode, tagged: Encode) -> Encode:
        return self._packer.writer(prefix, size, self._limits.items, encode, tagged, self._dumps)

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the packed value."""
        body = self._plain(value)
        if body is None or (self._exact and deeper(value, self._depth)):
            return frame.TAGGED, self._tagged(value)
        return frame.PLAIN, body

    def _tagged(self, value: object) -> bytes:
        try:
            body = self._packer.pack(self._lower(value), None, self._packer.keyed)
        except TypeError as error:
            raise self._lower.explain(value, error) from error
        self._lower.bounded(value, len(body))
        return body

    def raw(self, data: bytes, /) -> object:
        """The value of MessagePack without a frame: keys of any scalar, none twice; of extension types, timestamps.

        Raises:
            Malformed: the data is not one MessagePack value.
        """
        return self._rich(data, _stamp_alone, _Outline(self._limits.plain_openings, strict=True))

    def loads(self, form: int, body: bytes, /) -> object:
        """The unpacked value."""
        outline = self._outline(form, body)
        if form:
            return self._rich(body, self._raise, outline)
        if outline:
            outline.check(body)
        try:
            value, found = self._loads(PAIR + body + END)
        except ValueError as error:
            raise Malformed(f"expected MessagePack: {str(error)[:100] or type(error).__name__}") from error
        if found != MARK:
            raise Malformed("expected one MessagePack value, found bytes after it")
        if self._exact and deeper(value, self._depth):
            raise TooLarge(f"nested deeper than {self._depth} containers")
        return self._lower.held(value, len(body), plain=True) if len(body) > self._limits.items else value

    def _outline(self, form: int, body: bytes) -> "_Outline | None":
        """What to look into the body with first, if that is needed."""
        limits, most = self._limits, self._limits.openings if form else self._limits.plain_openings
        vast = self._guarded and len(body) > limits.openings and outlines.msgpack_opens(body) > most
        return _Outline(most, strict=limits.strict) if vast or limits.strict else None

    def _rich(self, body: bytes, raise_: Callable[[int, object], object], outline: "_Outline | None") -> object:
        value = self._keyed(body, raise_, outline)
        if self._exact:
            self._lower.kept(value)
        return self._lower.held(value, len(body)) if len(body) > self._limits.items else value

    def _keyed(self, body: bytes, raise_: Callable[[int, object], object], outline: "_Outline | None") -> object:
        """The value; a long body is read with keys of text alone first, for the hash of other keys can be chosen."""
        if self._guarded and len(body) > 4 * self._limits.collisions and not outline:
            try:
                return _Unpacking(self._packer.unpack, 0, raise_, self._depth).value(body)
            except Malformed:
                outline = _Outline(self._limits.openings)
        return _Unpacking(self._packer.unpack, self._packer.keyed, raise_, self._depth, outline).value(body)


class _Unpacking:
    """One decoding of a body with extension types: counts how deep they stand in each other."""

    __slots__ = ("_depth", "_error", "_option", "_outline", "_raise", "_unpack")

    def __init__(
        self,
        unpack: Callable[..., Any],
        option: int,
        raise_: Callable[[int, object], object],
        depth: int,
        outline: "_Outline | None" = None,
    ) -> None:
        """`outline` looks into each body first."""
        self._unpack, self._option, self._raise, self._depth, self._outline = unpack, option, raise_, depth, outline
        self._error: DecodeError | None = None

    def value(self, body: bytes) -> object:
        """The value of the body; raises Malformed."""
        if self._outline:
            self._outline.check(body)
        try:
            value, found = self._unpack(PAIR + body + END, ext_hook=self._ext, option=self._option)
        except (ValueError, TypeError) as error:
            if self._error:  # the engine says no more than that its hook failed
                raise self._error from None
            raise Malformed(f"expected MessagePack: {str(error)[:100] or type(error).__name__}") from error
        if type(found) is not int or found != MARK:
            raise Malformed("expected one MessagePack value, found bytes after it")
        return value

    def _ext(self, kind: int, data: bytes) -> object:
        inside = kind in _CONTAINERS
        self._depth -= inside
        try:
            if self._depth < 0:
                raise TooLarge("extension types nested too deep")
            value = self._raise(kind, data if kind == _TIMESTAMP else self.value(data))
        except DecodeError as error:
            self._error = error
            raise
        self._depth += inside
        return value


class _Outline:
    """Counts what bodies open and looks at their keys: the `msgpack` package asks about each container."""

    __slots__ = ("_left", "_most", "_options", "_unpack")

    def __init__(self, openings: int, *, strict: bool = False) -> None:
        """A strict one refuses keys that stand twice."""
        import msgpack  # noqa: PLC0415

        self._unpack, self._left, self._most = msgpack.unpackb, openings, openings
        self._options = {"object_pairs_hook": self._once} if strict else {"object_hook": self._opened}

    def check(self, body: bytes) -> None:
        """Return when the body opens no more than is left, and has no key that is a container; raises a DecodeError."""
        try:
            self._unpack(body, list_hook=self._opened, ext_hook=self._opened, strict_map_key=False, **self._options)
        except DecodeError:
            raise
        except TypeError:
            raise Malformed("expected keys of text and numbers in MessagePack, found a container") from None
        except Exception as error:  # the unpacker raises nearly anything on broken bytes
            raise Malformed(f"expected MessagePack: {str(error)[:100] or type(error).__name__}") from error

    def _opened(self, *_: object) -> list[object]:
        self._left -= 1
        if self._left < 0:
            raise outlines.too_many(self._most)
        return _NOTHING

    def _once(self, pairs: list[tuple[Any, object]]) -> list[object]:
        if len(dict(pairs)) != len(pairs):
            raise Malformed("expected a key of a map once, found it twice")
        return self._opened()


_NOTHING: list[object] = []
"""What a container leaves behind in an outline; it cannot be a key."""


def _reference(strict: packer.Packer) -> tuple[Any, Any]:
    """Pack and unpack of the `msgpack` package; it is imported nowhere else."""
    import msgpack  # noqa: PLC0415

    def unpack(body: bytes) -> object:
        pair: list[object] = msgpack.unpackb(body, ext_hook=_no_ext)
        try:
            strict.pack(pair[0], None, strict.strict)  # its timestamps do not ask the hook
        except TypeError:
            raise Malformed("expected a plain value") from None
        return pair

    return msgpack.packb, unpack


def _stamped() -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    import msgpack  # noqa: PLC0415

    def stamp(value: object) -> object:
        if type(value) is datetime and value.tzinfo is UTC and not value.fold:
            return msgpack.Timestamp.from_datetime(value)
        raise TypeError("not plain")

    def unpack(body: bytes) -> object:
        try:
            return msgpack.unpackb(body, ext_hook=_no_ext, timestamp=3)
        except DecodeError:
            raise
        except Exception as error:  # the unpacker raises nearly anything on broken bytes
            raise Malformed(f"expected MessagePack: {type(error).__name__}") from error

    return partial(msgpack.packb, default=stamp, strict_types=True), unpack


def _moment(value: object) -> None:
    if type(value) is not datetime or value.tzinfo is not UTC or value.fold:
        raise TypeError("not plain")


def _stamp_alone(kind: int, data: Any) -> object:
    """The aware datetime of a timestamp, to the microsecond, as others write them; of ours, in UTC, too."""
    import msgpack  # noqa: PLC0415

    if kind != _TIMESTAMP:
        return _no_ext(kind, data)
    try:
        return msgpack.Timestamp.from_bytes(data).to_datetime().replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(f"expected a timestamp: {str(error)[:100]}") from error


def _no_ext(kind: int, _data: object) -> object:
    raise Malformed(f"expected a plain value, found extension type {kind}")


def _bytes(payload: object) -> bytes:
    if type(payload) is not bytes:
        raise TypeError("expected bytes")
    return payload
