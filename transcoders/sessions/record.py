"""One stored session: its header is read at once, its index when an attribute is asked for, a segment when it is.

A record never changes, so that threads and a near cache may share it; `build` gives the bytes of the next one. What is
handed out of index and tail is what is stored. Values are decoded anew each time: who keeps them is the session.
"""

import struct
from collections.abc import Collection, Mapping
from gc import is_tracked
from typing import TYPE_CHECKING, Any, Final, Self

from transcoders.errors import DecodeError, EncodeError, Malformed, TooLarge, Truncated
from transcoders.packer import END, PAIR
from transcoders.packer import MARK as END_MARK
from transcoders.sessions import building, layout
from transcoders.sessions.attribute import Attribute
from transcoders.sessions.building import KEEP
from transcoders.sessions.filtering import Way
from transcoders.sessions.index import FEW, MAP, Index, many
from transcoders.sessions.layout import EXT, ID, NEW, OPEN, PACKED, SIZE, START, TAIL, Fixed, number, unpack
from transcoders.sessions.references import MARK, follow
from transcoders.sessions.stored import ABSENT, Stored, located, scalar

if TYPE_CHECKING:
    from transcoders.sessions.wire import Wire

__all__ = ["ABSENT", "KEEP", "Record", "Stored", "Trail"]

EXPANSION: Final = 16
"""Times the limit of bytes that all segments read of one record may expand to: one segment may be meant many times."""
OWN: Final = Way((), sealed=False, packed=False, own=True)
"""How a record is read that was never stored."""
BLANK: Final[Fixed] = (START, 0, NEW, 0, 0, 0, 0, 0)
"""The header of what is no record."""


class Record:
    """A session as it stands in the store. It is made by `of` or `opened`: an __init__ would take twice as long.

    Attributes:
        data: its bytes; empty for one that was never stored.
        key: the key of the store that it stands under.
        wire: what read it, and builds the next one.
        head: the fields of its header; see `layout`.
        attributes: the attributes that have a declared type, by name.
        moved: the key where the session is now, if this is no more than a trail that leads there.
    """

    __slots__ = (
        *("_index", "_principal", "_segments", "_start", "_way", "attributes", "data", "head", "key", "wire"),
    )  # fmt: skip

    wire: "Wire[Any]"
    data: bytes
    key: str
    head: Fixed
    attributes: Mapping[str, Attribute]
    moved: str | None = None
    _index: Index | None
    _principal: str | None
    _segments: dict[str, bytes]
    _start: int
    _way: Way

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - all that it consists of
        cls,
        wire: "Wire[Any]",
        data: bytes,
        key: str,
        head: Fixed,
        attributes: Mapping[str, Attribute],
        index: Index | None = None,
        start: int = 0,
        way: Way = OWN,
    ) -> Self:
        """The record in the bytes: with its index and what was learnt with it, or the index is read when asked for."""
        made = cls()
        made.wire, made.data, made.key, made.head = wire, data, key, head
        made.attributes, made._index, made._start, made._way = attributes, index, start, way
        return made

    @property
    def etag(self) -> bytes:
        """What a store compares."""
        return self.data[4:12]

    @property
    def version(self) -> int:
        """How many times the session was written; 0 when it was never stored as a record."""
        return self.head[1]

    @property
    def created(self) -> int:
        """When it was created, in seconds since 1970; 0 when nobody knows."""
        return self.head[4]

    @property
    def written(self) -> int:
        """When it was written, in seconds since 1970."""
        return self.head[5]

    @property
    def idle(self) -> int:
        """Seconds without a request after which it ends; 0 for never."""
        return self.head[6]

    @property
    def absolute(self) -> int:
        """Seconds after its creation at which it ends; 0 for never."""
        return self.head[7]

    @property
    def principal(self) -> str | None:
        """Whose session it is, where that was said. Raises DecodeError."""
        if not self.head[0] & EXT:
            return None
        try:
            return self._principal
        except AttributeError:
            principal = self.fields.get(building.PRINCIPAL)
        if principal is not None and type(principal) is not str:
            raise Malformed(f"expected the principal of the record as text, found {type(principal).__name__}")
        self._principal = principal
        return principal

    @property
    def index(self) -> Index:
        """Name to what stands in the index; shared, never to be changed. Raises DecodeError."""
        index = self._index
        return self._load() if index is None else index

    def contents(self) -> tuple[Index, int, bool]:
        """Its index, where its tail starts, and whether its filters are those that are written through now."""
        index = self._index
        if index is None:
            index = self._load()
        return index, self._start, self._way.own

    @property
    def ext(self) -> bytes:
        """The further fields of the header, behind their length."""
        if not self.head[0] & EXT:
            return b""
        _, start = layout.places(self.head)
        return self.data[start : start + 2 + int.from_bytes(self.data[start : start + 2], "big")]

    @property
    def fields(self) -> dict[int, Any]:
        """The further fields of the header, after the seal was checked. Raises DecodeError."""
        _ = self.index
        return self.wire.packing.unpack_fields(ext[2:]) if (ext := self.ext) else {}

    def _load(self) -> Index:
        data, wire, start = self.data, self.wire, self.head[0]
        counts, way = self.head[3], wire.bare
        if way is None or counts & 0x0F or start | TAIL != START | TAIL:
            body, end, way = self._opened()
        else:
            at = SIZE + ID * (counts >> 4)
            if start == START:
                body, end = data[at:], len(data)
            else:
                end = at + 4 + int.from_bytes(data[at : at + 4], "big")
                body = data[at + 4 : end]
                if not at + 4 < end <= len(data):
                    raise _truncated(at + 4, end, data)
        index = wire.unpack(body)
        self._start, self._way = end, way
        self._index = index  # the last, because it is what other threads look for
        return index

    def _opened(self) -> tuple[bytes, int, Way]:
        """The packed index, where the tail starts, and how the index was read."""
        data, head = self.data, self.head
        flags, counts = head[0] & 0xFF, head[3]
        end = SIZE + (counts & 0x0F) + ID * (counts >> 4)
        if flags & EXT:
            end += 2 + int.from_bytes(data[end : end + 2], "big")
        if flags & TAIL:
            start = end + 4
            stop = start + int.from_bytes(data[end:start], "big")
        else:
            start, stop = end, len(data)
        if not start < stop <= len(data):
            raise _truncated(start, stop, data)
        body, filtering = data[start:stop], self.wire.filtering
        tags = data[SIZE : SIZE + (counts & 0x0F)]
        body, way = filtering.open(tags, body, data[:end], self.key.encode())
        if way.packed != bool(flags & PACKED):
            raise Malformed("expected the flag of a compressed index where there is a compressor, and nowhere else")
        return body, stop, way

    def names(self) -> Collection[str]:
        """The names of its attributes, in their order. Raises DecodeError."""
        return self.index.keys()

    def __contains__(self, name: object) -> bool:
        """Whether it has an attribute of that name."""
        return name in self.index

    def stored(self, name: str) -> Stored:
        """What is stored of an attribute: a scalar, a segment, or ABSENT. Raises DecodeError."""
        index = self._index
        if index is None:
            index = self._load()
        value: Stored = index.get(name, ABSENT)
        return self._segment(name, value) if type(value) is bytes and value[:1] == MARK else value

    def _segment(self, name: str, ref: bytes) -> bytes:
        try:
            known = self._segments
        except AttributeError:
            known = self._segments = {}
        if name in known:
            return known[name]
        try:
            segment = self.wire.filtering.fetch(follow(ref, self.data, self._start, sealed=self._way.sealed))
            most = EXPANSION * self.wire.size
            if len(segment) + sum(map(len, known.values())) > most:
                raise TooLarge(f"expected segments of the record that expand to {most} bytes at most")
        except DecodeError as error:
            located(error, name)
            raise
        known[name] = segment
        return segment

    def value(self, name: str) -> object:
        """The value of an attribute, decoded anew.

        Raises:
            KeyError: there is no such attribute.
            DecodeError: it cannot be decoded; the others can.
        """
        index = self._index
        if index is None:
            index = self._load()
        value = index[name]
        return self.decode(name, self.stored(name)) if type(value) is bytes or self.attributes else value

    def attribute(self, name: str) -> Attribute:
        """How the values of an attribute of that name are stored."""
        return self.attributes.get(name, self.wire.untyped)

    def encode(self, name: str, value: object) -> Stored:
        """What would be stored of the value. Raises EncodeError."""
        try:
            if self.attributes:
                return self.attribute(name).encode(value)
            return value if scalar(value) else self.wire.untyped.segment(value)  # type: ignore[return-value]
        except EncodeError as error:
            located(error, name)
            raise

    def decode(self, name: str, stored: Stored) -> object:
        """The value of which this would be stored. Raises DecodeError."""
        try:
            return self.attribute(name).decode(stored)
        except DecodeError as error:
            located(error, name)
            raise

    build = building.build

    def read(self, data: bytes, key: str) -> "Record":
        """Another record, whose attributes have the types that they have here. Raises DecodeError; see Wire.read."""
        return self.wire.read(data, key).declared(self.attributes)

    def declared(self, attributes: Mapping[str, Attribute]) -> "Record":
        """The same record, in which attributes have these declared types."""
        if attributes is self.attributes or self.moved is not None:
            return self
        if self._index is None:
            return Record.of(self.wire, self.data, self.key, self.head, attributes)
        return Record.of(self.wire, self.data, self.key, self.head, attributes, self._index, self._start, self._way)

    def __repr__(self) -> str:
        """How many bytes and writes; no key, no values."""
        return f"<Record of {len(self.data)} bytes, version {self.version}>"


def opened(self: "Wire[Any]", data: bytes, key: str) -> Record:
    """The record in the bytes, its index read as well; a method of Wire.

    Every request starts here, so this is one step for the record that nearly all of them find: no filters,
    nothing wrong. Any other is read the careful way, which knows what is wrong with it.

    Raises:
        DecodeError: what `Wire.read` raises, or `index`.
    """
    way, end = self.bare, len(data)
    if way is None:
        return _carefully(self, data, key)
    try:
        head = unpack(data)
        kind, counts = head[0], head[3]
        if kind & OPEN == START and not counts & 0x0F and head[1] and end <= self.size:
            at = SIZE + (counts >> 2)  # an id is four bytes, and its count the upper half of the byte
            if kind != START:
                if kind & EXT:
                    at += 2 + int.from_bytes(data[at : at + 2], "big")
                if kind & TAIL:
                    (length,) = number(data, at)
                    at += 4
                    end = at + length
            index, mark = self.load(b"".join((PAIR, data[at:end], END)))
            size = data[at] ^ MAP
            size = size if size < FEW else many(data[at : at + 5])
            if mark == END_MARK and len(index) == size and not is_tracked(index) and end <= len(data):
                made = Record()
                made.wire = self
                made.data = data
                made.key = key
                made.head = head
                made.attributes = self.attributes
                made._start = end  # noqa: SLF001 - as an __init__ would
                made._way = way  # noqa: SLF001 - as an __init__ would
                made._index = index  # noqa: SLF001 - as an __init__ would
                return made
    except (ValueError, TypeError, IndexError, struct.error):
        pass  # it is said below what is wrong
    return _carefully(self, data, key)


def _carefully(wire: "Wire[Any]", data: bytes, key: str) -> Record:
    """Any record, its index read; raises DecodeError."""
    record = wire.read(data, key)
    _ = record.index
    return record


def _truncated(start: int, stop: int, data: bytes) -> Truncated:
    return Truncated(f"expected an index from byte {start} of the record to byte {stop}, found {len(data)} bytes")


class Trail(Record):
    """What a rotation leaves under the old key for a while."""

    __slots__ = ("moved",)

    @classmethod
    def to(cls, wire: "Wire[Any]", data: bytes, key: str, moved: str) -> Self:
        """The trail in the bytes."""
        made = cls.of(wire, data, key, BLANK, {}, {}, len(data))
        made.moved = moved
        return made
