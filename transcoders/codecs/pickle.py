"""Pickle, protocol 5 (PEP 574), data only: no stream holds a name that could be imported.

Values are lowered to builtins and those are pickled in fast mode, without a memo: nothing is shared, equal values give
equal bytes. An unpickler that knows no global reads them; without a seal the opcode guard goes first. In the tagged
form every tuple is a tag `(kind, payload)`. Arrays, and with `views=N` also bytes and bytearrays of N bytes or more,
lie outside the stream as PEP 574 buffers and are decoded as views of the frame, without a copy.
"""

import copyreg
import pickle
import re
from collections.abc import Callable, Iterable
from types import NoneType
from typing import Any, ClassVar

from transcoders import buffers, fidelity, frame, opcodes
from transcoders.codecs import Context, Traits
from transcoders.errors import DecodeError, Malformed, Refused, TooLarge
from transcoders.options import Option, Options
from transcoders.packer import NotPlain, refuse
from transcoders.tree import contains, deeper

_SETS = frozenset((set, frozenset))
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")
_ARRAY_VIEW = 1024
"""Arrays of fewer bytes are cheaper inside the stream."""
_RAW = frozenset((fidelity.BYTES, fidelity.BYTEARRAY))


class _DataPickler(pickle.Pickler):
    """A pickler of builtins: asks about everything else, and the answer is no."""

    def reducer_override(self, _value: object) -> Any:
        raise NotPlain


class _DataUnpickler(pickle.Unpickler):
    """An unpickler that knows no global at all."""

    __slots__ = ()

    def find_class(self, module: str, name: str) -> Any:
        raise Refused(f"the pickle names {module[:60]}.{name[:60]}; data-only pickles name nothing")


class _Writer:
    """A pickler with the list it writes to; reused, because making one costs as much as pickling a small session."""

    __slots__ = ("dump", "parts")

    def __init__(self, callback: Callable[[pickle.PickleBuffer], Any] | None = refuse) -> None:
        """`callback` gets the buffers that are to lie outside the stream; None lets them in."""
        self.parts: list[bytes] = []
        pickler = _DataPickler(_Sink(self.parts), 5, buffer_callback=callback)
        pickler.fast = True
        self.dump = pickler.dump


class _Sink:
    """A file whose write is list.append."""

    __slots__ = ("write",)

    def __init__(self, parts: list[bytes]) -> None:
        self.write = parts.append


class _Source:
    """A file that hands out its data in one piece and is told at the end how much of it was read."""

    __slots__ = ("data", "used")

    def __init__(self) -> None:
        self.data: bytes | memoryview = b""
        self.used = 0

    def peek(self, _size: int) -> bytes | memoryview:
        data, self.data = self.data, b""
        return data

    def read(self, size: int) -> bytes:
        self.used = size
        return b""

    def readline(self) -> bytes:
        return b""


class _Notation:
    """Pickle's part of the fidelity table."""

    keys: frozenset[type] = frozenset((str, int, float, bool, NoneType, bytes))

    def __init__(self, views: int) -> None:
        self._least = views or _ARRAY_VIEW
        self.holds: frozenset[type] = frozenset((NoneType, bool, int, float, str))
        if not views:
            self.holds |= {bytes, bytearray}

    @staticmethod
    def order(lowered: object) -> bytes:
        writer = _Writer(None)
        writer.dump(lowered)
        return _joined(writer.parts)

    @staticmethod
    def tag(kind: int, payload: object) -> object:
        if kind == fidelity.BYTES or (kind in _RAW and type(payload) is pickle.PickleBuffer):
            return payload
        return (kind, payload)

    def run(self, data: bytes | bytearray | memoryview) -> object:
        return pickle.PickleBuffer(memoryview(data).toreadonly()) if len(data) >= self._least else bytes(data)


class PickleCodec:
    """The codec named `pickle`."""

    tag = 1
    forms = (frame.PLAIN, frame.TAGGED, frame.TAGGED | frame.BUFFERS)
    traits = Traits(self_describing=True, cross_language=False, zero_copy=True)
    options: ClassVar[tuple[Option, ...]] = (
        Option("views", "int", 0, "bytes of this size or more come back as memoryviews (0: none do)", 0, 1 << 40),
    )
    summary = "protocol 5, data only; zero-copy buffers"

    __slots__ = ("_depth", "_exact", "_guarded", "_kept", "_lower", "_raise", "_readers", "_views", "_writers")

    def __init__(self, options: Options, context: Context) -> None:
        self._views, self._depth = int(options["views"]), context.limits.depth
        self._guarded, self._exact = not context.sealed, not context.limits.by_engine
        notation = _Notation(self._views)
        self._lower = fidelity.Lowering(notation, context.types, self._depth)
        decoded = _Notation(self._views)
        decoded.holds |= {memoryview}  # what views come back as: read, though not written
        self._kept = fidelity.Lowering(decoded, context.types, self._depth).kept
        self._raise = fidelity.Raising(context.types, _bytes)
        self._writers: list[_Writer] = []
        self._readers: list[tuple[_Source, Any]] = []

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the pickle, behind a table of buffers if it has any."""
        if self._views:
            return self._tagged(value)
        # Popping from a list and appending to it are atomic, so a writer is never in two hands.
        writers = self._writers
        writer = writers.pop() if writers else _Writer()
        try:
            writer.dump(value)
        except (NotPlain, ValueError, RecursionError):  # not plain, a cycle, or too deep: the walk says where
            return self._tagged(value)  # without that writer: its state is unknown
        parts = writer.parts
        data = parts.pop() if len(parts) == 1 else _joined(parts)
        writers.append(writer)
        if (0x8F in data or 0x91 in data) and contains(value, _SETS):
            return self._tagged(value)
        if (self._guarded or self._exact) and len(data) > self._depth and deeper(value, self._depth):
            return self._tagged(value)
        if 0xED in data and _SURROGATE.search(data):
            self._lower.check(value)
        return frame.PLAIN, data

    def _tagged(self, value: object) -> tuple[int, bytes]:
        stream, views = self._pickled(self._lower(value))
        if 0xED in stream and _SURROGATE.search(stream):
            self._lower.check(value)
        if not views:
            return frame.TAGGED, stream
        return frame.TAGGED | frame.BUFFERS, buffers.join(stream, [view.raw() for view in views])

    def _pickled(self, value: object) -> tuple[bytes, list[pickle.PickleBuffer]]:
        views: list[pickle.PickleBuffer] = []
        writer = _Writer(views.append)
        writer.dump(value)
        return _joined(writer.parts), views

    def loads(self, form: int, body: bytes, /) -> object:
        """The value of the pickle."""
        if form & frame.BUFFERS:
            stream, views = buffers.split(memoryview(body))
            value = self._lifted(self._value(form, stream, _reader(views)))
            return self._kept(value, wary=True) if _SURROGATE.search(stream) else value
        readers = self._readers
        reader = readers.pop() if readers else _reader()
        value = self._value(form, body, reader)
        readers.append(reader)  # not after an error: its state is unknown
        value = self._lifted(value) if form else value
        if 0xED in body and _SURROGATE.search(body):  # the unpickler takes half a surrogate pair
            self._kept(value, wary=True)
        return value

    def _value(self, form: int, stream: bytes | memoryview, reader: "_Reader") -> object:
        if self._guarded or _EXTENSIONS:
            opcodes.check(stream)
        source, load = reader
        source.data = stream
        try:
            value = load()
        except DecodeError:
            raise
        except Exception as error:  # the unpickler raises nearly anything on a broken stream
            raise Malformed(f"expected a pickle of data: {type(error).__name__}: {str(error)[:100]}") from error
        if source.used != len(stream):
            raise Malformed(f"expected one pickle, found {len(stream) - source.used} bytes after it")
        levels = 3 * self._depth if form else self._depth  # a tag is a tuple and a list more
        if (self._guarded or self._exact) and len(stream) > levels and deeper(value, levels):
            raise TooLarge(f"nested deeper than {self._depth} containers")
        return value

    def _lifted(self, value: object) -> object:
        lifted = self._lift(value, 0)
        return self._kept(lifted) if self._exact else lifted

    def _lift(self, tree: Any, depth: int) -> Any:
        kind = type(tree)
        if kind not in _CONTAINERS:
            return tree
        if depth > 2 * self._depth + 2:  # a record is two containers of the stream
            raise TooLarge(f"nested deeper than {self._depth} containers")
        if kind is tuple:
            if len(tree) != 2:
                raise Malformed(f"expected a tag of kind and payload, found {len(tree)} items")
            return self._raise(tree[0], self._lift(tree[1], depth))
        for key, item in enumerate(tree) if kind is list else tree.items():
            if type(item) in _CONTAINERS:
                tree[key] = self._lift(item, depth + 1)
        return tree


_CONTAINERS = frozenset((list, dict, tuple))
_EXTENSIONS: dict[int, object] = copyreg._extension_cache  # type: ignore[attr-defined]  # noqa: SLF001
"""Extension codes that somebody has loaded: these the unpickler builds without asking its find_class."""


def _joined(parts: list[bytes]) -> bytes:
    data = b"".join(parts)
    parts.clear()
    return data


_Reader = tuple[_Source, Any]


def _reader(views: Iterable[memoryview] | None = None) -> _Reader:
    source = _Source()
    return source, _DataUnpickler(source, buffers=views).load


def _bytes(payload: object) -> bytes | memoryview:
    if type(payload) is not bytes and type(payload) is not memoryview:
        raise TypeError("expected bytes")
    return payload
