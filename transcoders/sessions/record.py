"""One stored session: its header is read at once, its index when an attribute is asked for, a segment when it is.

A record never changes, so that threads and a near cache may share it; `build` gives the bytes of the next one. What is
handed out of index and tail is what is stored. Values are decoded anew each time: who keeps them is the session.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from transcoders.errors import DecodeError, EncodeError, Malformed, TooLarge, Truncated
from transcoders.sessions import building, layout
from transcoders.sessions.attribute import Attribute
from transcoders.sessions.building import KEEP, Keep
from transcoders.sessions.filtering import Way
from transcoders.sessions.index import Index
from transcoders.sessions.layout import EXT, ID, NEW, PACKED, START, TAIL, Fixed
from transcoders.sessions.references import MARK, follow
from transcoders.sessions.stored import ABSENT, Stored, located

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
    """A session as it stands in the store.

    Attributes:
        data: its bytes; empty for one that was never stored.
        key: the key of the store that it stands under.
        wire: what read it, and builds the next one.
        head: the fields of its header; see `layout`.
        attributes: the attributes that have a declared type, by name.
        moved: the key where the session is now, if this is no more than a trail that leads there.
    """

    __slots__ = (
        *("_index", "_segments", "_spent", "_tail", "_way", "attributes", "data", "head", "key", "wire"),
    )  # fmt: skip

    moved: str | None = None

    def __init__(
        self, wire: "Wire[Any]", data: bytes, key: str, head: Fixed, attributes: Mapping[str, Attribute]
    ) -> None:
        self.wire, self.data, self.key, self.head, self.attributes = wire, data, key, head, attributes
        self._index: Index | None = None

    @classmethod
    def of(cls, wire: "Wire[Any]", data: bytes, key: str, head: Fixed, index: Index) -> "Record":
        """A record that was never stored as such, with the index that its bytes would have."""
        made = cls(wire, data, key, head, wire.attributes)
        made._take(index, b"", OWN)
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
        principal = self.fields.get(building.PRINCIPAL)
        if principal is not None and type(principal) is not str:
            raise Malformed(f"expected the principal of the record as text, found {type(principal).__name__}")
        return principal

    @property
    def index(self) -> Index:
        """Name to what stands in the index; shared, never to be changed. Raises DecodeError."""
        index = self._index
        return self._load() if index is None else index

    @property
    def tail(self) -> bytes:
        """What stands behind the index."""
        _ = self.index
        return self._tail

    @property
    def native(self) -> bool:
        """Whether it was written through the filters that its wire writes through now."""
        _ = self.index
        return self._way.own

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
        head, wire = self.head, self.wire
        counts = head[3]
        if head[0] == START and not counts & 0x0F and (way := wire.filtering.bare) is not None:
            body, tail = self.data[layout.SIZE + ID * (counts >> 4) :], b""
        else:
            body, tail, way = self._opened()
        index = wire.unpack(body)
        self._take(index, tail, way)
        return index

    def _opened(self) -> tuple[bytes, bytes, Way]:
        """The packed index, the tail, and how the index was read."""
        data, flags = self.data, self.head[0] & 0xFF
        tags, at = layout.places(self.head)
        if flags & EXT:
            at += 2 + int.from_bytes(data[at : at + 2], "big")
        end, stop = at, len(data)
        if flags & TAIL:
            at += 4
            stop = at + int.from_bytes(data[end:at], "big")
        if not at < stop <= len(data):
            raise Truncated(f"expected an index up to byte {max(stop, at + 1)} of the record, found {len(data)} bytes")
        body, tail = data[at:stop], data[stop:]
        filters = data[layout.SIZE : tags]
        if not filters and (bare := self.wire.filtering.bare) is not None:
            return body, tail, bare
        body, way = self.wire.filtering.open(filters, body, data[:end], self.key.encode())
        if way.packed != bool(flags & PACKED):
            raise Malformed("expected the flag of a compressed index where there is a compressor, and nowhere else")
        return body, tail, way

    def _take(self, index: Index, tail: bytes, way: Way) -> None:
        self._segments: dict[str, bytes] = {}
        self._tail, self._way, self._spent = tail, way, 0
        self._index = index  # the last, because it is what other threads look for

    def names(self) -> Collection[str]:
        """The names of its attributes, in their order. Raises DecodeError."""
        return self.index.keys()

    def __contains__(self, name: object) -> bool:
        """Whether it has an attribute of that name."""
        return name in self.index

    def stored(self, name: str) -> Stored:
        """What is stored of an attribute: a scalar, a segment, or ABSENT. Raises DecodeError."""
        value: Stored = self.index.get(name, ABSENT)
        return self._segment(name, value) if type(value) is bytes and value[:1] == MARK else value

    def _segment(self, name: str, ref: bytes) -> bytes:
        known = self._segments.get(name)
        if known is not None:
            return known
        try:
            segment = self.wire.filtering.fetch(follow(ref, self._tail, sealed=self._way.sealed))
            self._spent += len(segment)
            if self._spent > EXPANSION * self.wire.size:
                raise TooLarge(f"the segments of the record expand to more than {EXPANSION * self.wire.size} bytes")
        except DecodeError as error:
            located(error, name)
            raise
        self._segments[name] = segment
        return segment

    def value(self, name: str) -> object:
        """The value of an attribute, decoded anew.

        Raises:
            KeyError: there is no such attribute.
            DecodeError: it cannot be decoded; the others can.
        """
        stored = self.stored(name)
        if stored is ABSENT:
            raise KeyError(name)
        return self.decode(name, stored) if type(stored) is bytes or self.attributes else stored

    def attribute(self, name: str) -> Attribute:
        """How the values of an attribute of that name are stored."""
        return self.attributes.get(name, self.wire.untyped)

    def encode(self, name: str, value: object) -> Stored:
        """What would be stored of the value. Raises EncodeError."""
        try:
            return self.attribute(name).encode(value)
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

    def build(  # noqa: PLR0913 - the header's fields, by keyword
        self,
        changes: Mapping[str, Stored],
        now: int,
        *,
        key: str | None = None,
        idle: int | None = None,
        absolute: int | None = None,
        principal: str | Keep | None = KEEP,
    ) -> bytes:
        """The bytes of the next record.

        Args:
            changes: what is to be stored of attributes; ABSENT removes one.
            now: seconds since 1970.
            key: the key of the store that it is to stand under; the record's own when None.
            idle: seconds without a request after which the session ends; as they are when None.
            absolute: seconds after its creation at which it ends; as they are when None.
            principal: whose session it is; None for nobody's.

        Raises:
            EncodeError: a name cannot be one, or a limit is exceeded.
            DecodeError: this record cannot be read.
        """
        head = self.head
        return building.build(
            self, changes, now, self.key if key is None else key, head[6] if idle is None else idle,
            head[7] if absolute is None else absolute, principal,
        )  # fmt: skip

    def read(self, data: bytes, key: str) -> "Record":
        """Another record, whose attributes have the types that they have here. Raises DecodeError; see Wire.read."""
        return self.wire.read(data, key).declared(self.attributes)

    def declared(self, attributes: Mapping[str, Attribute]) -> "Record":
        """The same record, in which attributes have these declared types."""
        if attributes is self.attributes or self.moved is not None:
            return self
        made = Record(self.wire, self.data, self.key, self.head, attributes)
        if self._index is not None:
            made._take(self._index, self._tail, self._way)
        return made

    def __repr__(self) -> str:
        """How many bytes and writes; no key, no values."""
        return f"<Record of {len(self.data)} bytes, version {self.version}>"


class Trail(Record):
    """What a rotation leaves under the old key for a while."""

    __slots__ = ("moved",)

    def __init__(self, wire: "Wire[Any]", data: bytes, key: str, moved: str) -> None:
        super().__init__(wire, data, key, BLANK, {})
        self._take({}, b"", OWN)
        self.moved = moved
