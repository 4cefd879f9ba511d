"""Pickle, protocol 5 (PEP 574), data only: no stream holds a name that could be imported.

Values are lowered to builtins and those are pickled in fast mode, without a memo: nothing is shared, equal values give
equal bytes. An unpickler that knows no global reads them; without a seal the opcode guard goes first. In the tagged
form every tuple is a tag `(kind, payload)`. Arrays, and with `views=N` also bytes and bytearrays of N bytes or more,
lie outside the stream as PEP 574 buffers and are decoded as views of the frame, without a copy.

With `objects=yes` it writes object graphs instead (`graphs`), under a seal only, and reads both.
"""

import pickle
import re
import sys
from collections.abc import Callable
from functools import partial
from types import NoneType
from typing import Any, ClassVar

from transcoders import buffers, fidelity, frame, opcodes, packer, picklers, raising, stack
from transcoders.codecs import TYPED, Context, Decode, Encode, Traits
from transcoders.errors import DecodeError, Malformed, SpecError, TooLarge
from transcoders.options import Option, Options
from transcoders.picklers import joined
from transcoders.seal import Sealing
from transcoders.tree import contains, crowded, deeper, halved, pairs

_SETS = frozenset((set, frozenset))
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
"""Half a surrogate pair; or other bytes that look like it."""
_ARRAY_VIEW = 1024
"""Arrays of fewer bytes are cheaper inside the stream."""
_RAW = frozenset((fidelity.BYTES, fidelity.BYTEARRAY))


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
        dump, parts = picklers.writer(None)
        dump(lowered)
        return joined(parts)

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
    forms: tuple[int, ...] = (frame.PLAIN, frame.TAGGED, frame.TAGGED | frame.BUFFERS)
    traits = Traits(self_describing=True, cross_language=False, zero_copy=True)
    options: ClassVar[tuple[Option, ...]] = (
        Option("views", "int", 0, "bytes of this size or more come back as memoryviews (0: none do)", 0, 1 << 40),
        Option("objects", "flag", default=False, help="object graphs of registered classes; needs a seal"),
        *TYPED,
    )
    summary = "protocol 5, data only; zero-copy buffers"

    __slots__ = (
        *("_decoded", "_dense", "_depth", "_exact", "_guarded", "_items", "_least", "_limits", "_lower", "_outline"),
        *("_pack", "_raise", "_readers", "_strict", "_views", "_wary", "_writers"),
    )  # fmt: skip

    def __new__(cls, options: Options, _context: Context) -> "PickleCodec":  # noqa: PYI034 - or of the class below
        """The codec that the options ask for."""
        return super().__new__(_ObjectCodec if options["objects"] else cls)

    def __init__(self, options: Options, context: Context) -> None:
        limits = context.limits.behind(sealed=context.sealed)
        self._views, self._depth, self._items = int(options["views"]), limits.depth, limits.items
        self._limits = limits
        self._guarded, self._exact = not context.sealed, not limits.by_engine
        self._wary = self._guarded or self._exact
        self._outline = stack.Outline(limits, guarded=self._guarded)
        self._dense, self._least = self._outline.dense, min(limits.depth, self._outline.short)
        notation = _Notation(self._views)
        self._lower = fidelity.Lowering(notation, context.types, limits)
        decoded = _Notation(self._views)
        decoded.holds |= {memoryview}  # what views come back as: read, though not written
        self._decoded = fidelity.Lowering(decoded, context.types, limits)
        self._raise = raising.Raising(context.types, _bytes, limits)
        packer_ = packer.load()
        self._pack, self._strict = packer_.pack, packer_.strict
        self._writers: list[picklers.Writer] = []
        self._readers: list[picklers.Reader] = []

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the pickle, behind a table of buffers if it has any."""
        if self._views:
            return self._tagged(value)
        writers = self._writers
        dump, parts = writer = writers.pop() if writers else picklers.writer()
        try:
            dump(value)
        except picklers.UNFIT:  # the walk says where
            return self._tagged(value)
        data = parts.pop() if len(parts) == 1 else joined(parts)
        writers.append(writer)
        return (frame.PLAIN, data) if self._fit(value, data) else self._tagged(value)

    def _fit(self, value: object, data: bytes) -> bool:
        """Whether the pickled value is plain and within the limits; raises EncodeError on what no pickle may hold."""
        if (0x8F in data or 0x91 in data) and self._sets(value):
            return False
        # Below the first size there is nothing that a limit refuses; below the second a byte tells.
        size = len(data)
        if size > self._least and (self._wary or 0x8B in data or size > self._dense) and self._excessive(value, data):
            return False
        if 0xED in data and _SURROGATE.search(data):
            self._lower.check(value)
        return True

    def express_sealed(self, seal: Sealing, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way under a seal; see `Seal.express`."""
        if self._views or self._wary:
            return encode, decode
        plain = picklers.Plain(self._writers, self._readers, self._least, self._dense, self._fit, self.loads)
        return picklers.sealed(plain, seal, encode, decode)

    def _sets(self, value: object) -> bool:
        """Whether there may be sets in a value that was pickled; the packer, which refuses them, is twice as quick."""
        try:
            self._pack(value, None, self._strict)
        except TypeError:
            return contains(value, _SETS)
        return False

    def _excessive(self, value: object, data: bytes) -> bool:
        """Whether the value of a longer pickle is beyond a limit, or may be: the walk tells which."""
        size = len(data)
        if self._wary and size > self._depth and deeper(value, self._depth):
            return True
        if (0x8B in data or not self._dense) and self._outline.large(data):
            self._lower.check(value)
        return size > self._dense and self._crowds(value, data)

    def _crowds(self, value: object, data: bytes) -> bool:
        try:
            self._outline.keys(frame.PLAIN, data)
        except TooLarge:
            return True
        return len(data) > self._items and crowded(value, self._items)

    def _tagged(self, value: object) -> tuple[int, bytes]:
        stream, views = self._pickled(self._lower(value))
        self._lower.bounded(value, len(stream))
        if (0xED in stream and _SURROGATE.search(stream)) or self._outline.large(stream):
            self._lower.check(value)
        if not views:
            return frame.TAGGED, stream
        return frame.TAGGED | frame.BUFFERS, buffers.join(stream, [view.raw() for view in views])

    def _pickled(self, value: object) -> tuple[bytes, list[pickle.PickleBuffer]]:
        views: list[pickle.PickleBuffer] = []
        dump, parts = picklers.writer(views.append)
        dump(value)
        return joined(parts), views

    @property
    def checked(self) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
        """How trees of declared types are pickled and read, whose every leaf is checked before and after."""
        writers, readers, items = self._writers, self._readers, self._items

        def pack(tree: Any) -> bytes:
            try:
                dump, parts = kept = writers.pop()
            except IndexError:
                dump, parts = kept = picklers.writer()
            dump(tree)
            data = parts.pop() if len(parts) == 1 else joined(parts)
            writers.append(kept)
            if len(data) > items and crowded(tree, items):
                raise ValueError(f"containers hold more than {items} entries")
            if 0xED in data:
                _check_pairs(data, tree)
            return data

        def unpack(body: bytes) -> Any:
            try:
                source, load = kept = readers.pop()
            except IndexError:
                source, load = kept = picklers.reader()
            source.data = body
            tree = load()
            readers.append(kept)
            if source.used != len(body):
                raise Malformed("expected one pickle")
            if 0xED in body:
                _check_pairs(body, tree)
            return tree

        return pack, partial(self.loads, frame.PLAIN) if self._guarded or picklers.EXTENSIONS else unpack

    def raw(self, data: bytes, /) -> object:
        """The value of a pickle without a frame, memo and all, of which nothing but session values is made.

        Raises:
            DecodeError: the data is not one pickle of protocol 4 or 5, names a class of somebody's, or is too large.
        """
        from transcoders.graphs import Graphs  # noqa: PLC0415 - only those who move in pay for it

        if data[:2] not in _RAW_STARTS:
            raise Malformed(f"expected a pickle of protocol 4 or 5, found bytes starting with {data[:2].hex(' ')}")
        value = Graphs({}, self._limits).loads(opcodes.START + data[2:])  # protocol 5 has all opcodes of 4
        self._decoded.held(value, sys.maxsize)  # before anything walks it: what stands in many places is many times it
        return self._decoded.kept(value, wary=True)

    def loads(self, form: int, body: bytes, /) -> object:
        """The value of the pickle."""
        readers = self._readers
        if form & frame.BUFFERS:
            stream, views = buffers.split(memoryview(body))
            body, reader, readers = bytes(stream), picklers.reader(views), []
        else:
            reader = readers.pop() if readers else picklers.reader()
        if self._guarded or form or picklers.EXTENSIONS:  # what other forms hold is walked, and may not hold itself
            opcodes.check(body)
        keys = self._outline.keys(form, body) if len(body) > self._dense else None
        source, load = reader
        source.data = body
        try:
            value = load()
        except DecodeError:
            raise
        except Exception as error:  # the unpickler raises nearly anything on a broken stream
            raise Malformed(f"expected a pickle of data: {type(error).__name__}: {str(error)[:100]}") from error
        if source.used != len(body):
            raise Malformed(f"expected one pickle, found {len(body) - source.used} bytes after it")
        readers.append(reader)  # not after an error: its state is unknown
        if form or len(body) > self._least:
            value = self._checked(form, body, value, keys)
        if 0xED in body and _SURROGATE.search(body):  # the unpickler takes half a surrogate pair
            self._decoded.kept(value, wary=True)
        return value

    def _checked(self, form: int, body: bytes, value: object, keys: int | None) -> object:
        size = len(body)
        if self._outline.strict and keys != pairs(value):
            raise Malformed("expected a key of a dict once, found it twice")
        levels = 3 * self._depth if form else self._depth  # a tag is a tuple and a list more
        if self._wary and size > levels and deeper(value, levels):
            raise TooLarge(f"nested deeper than {self._depth} containers")
        if form & frame.BUFFERS:
            buffers.check_keys(value)
        if form:
            value = self._lift(value, 0)
        if (form and self._exact) or ((0x8B in body or not self._dense) and self._outline.large(body)):
            self._decoded.kept(value, wary=True)
        return self._decoded.held(value, size, plain=not form) if size > self._dense else value

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


class _ObjectCodec(PickleCodec):
    """`pickle:objects=yes`: writes a form of its own, and reads the others as ever."""

    forms = (*PickleCodec.forms, frame.OBJECTS)
    traits = PickleCodec.traits._replace(data_only=False, deterministic=False)

    __slots__ = ("_graphs",)

    def __init__(self, options: Options, context: Context) -> None:
        if not context.sealed:
            raise SpecError("pickle:objects=yes loads objects, so it needs a seal: add +hmac, +blake2 or +aesgcm")
        if options["views"]:
            raise SpecError("pickle takes views or objects=yes, not both: bytes in an object stay bytes")
        from transcoders.graphs import Graphs  # noqa: PLC0415 - only those who store objects pay for it

        super().__init__(options, context)
        self._graphs = Graphs(context.objects, context.limits)

    def express_sealed(self, _seal: Sealing, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The same ways: the other codec's is for data."""
        return encode, decode

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form of objects, and the pickle."""
        return frame.OBJECTS, self._graphs.dumps(value)

    def loads(self, form: int, body: bytes, /) -> object:
        """The objects, or the data of another form."""
        return self._graphs.loads(body) if form == frame.OBJECTS else super().loads(form, body)


_CONTAINERS = frozenset((list, dict, tuple))
_RAW_STARTS = (b"\x80\x04", opcodes.START)


def _check_pairs(data: bytes, tree: object) -> None:
    """Raise Malformed where a text of the pickled tree holds half a surrogate pair, which pickle would take."""
    if _SURROGATE.search(data) and halved(tree):
        raise Malformed("expected Unicode text")


def _bytes(payload: object) -> bytes | memoryview:
    if type(payload) is not bytes and type(payload) is not memoryview:
        raise TypeError("expected bytes")
    return payload
