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
from transcoders.sessions.index import Index
from transcoders.sessions.layout import EXT, NEW, PACKED, TAIL, Fixed
from transcoders.sessions.references import MARK, follow
from transcoders.sessions.stored import ABSENT, Stored, located

if TYPE_CHECKING:
    from transcoders.sessions.wire import Wire

__all__ = ["ABSENT", "KEEP", "Record", "Stored", "Trail"]

EXPANSION: Final = 16
"""Times the limit of bytes that all segments read of one record may expand to: one segment may be meant many times."""


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
        "_index",
        "_native",
        "_sealed",
        "_segments",
        "_spent",
        "_tail",
        "attributes",
        "data",
        "head",
        "key",
        "wire",
    )

    moved: str | None = None

    def __init__(
        self, wire: "Wire[Any]", data: bytes, key: str, head: Fixed, attributes: Mapping[str, Attribute]
    ) -> None:
        self.wire, self.data, self.key, self.head, self.attributes = wire, data, key, head, attributes

    @classmethod
    def of(cls, wire: "Wire[Any]", data: bytes, key: str, head: Fixed, index: Index) -> "Record":
        """A record that was never stored as such, with the index that its bytes would have."""
        made = cls(wire, data, key, head, wire.attributes)
        made._take(index, b"", sealed=False, native=True)
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
        try:
            return self._index
        except AttributeError:
            return self._load()

    @property
    def tail(self) -> bytes:
        """What stands behind the index."""
        _ = self.index
        return self._tail

    @property
    def native(self) -> bool:
        """Whether it was written through the filters that its wire writes through now."""
        _ = self.index
        return self._native

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
        data, head, wire = self.data, self.head, self.wire
        flags = head[0] & 0xFF
        tags, at = layout.places(head)
        if flags & EXT:
            at += 2 + int.from_bytes(data[at : at + 2], "big")
        end, tail = at, b""
        if flags & TAIL:
            at += 4
            size = int.from_bytes(data[end:at], "big")
            tail = data[at + size :]
            body = data[at : at + size]
            if len(body) != size:
                raise Truncated(f"expected an index of {size} bytes in the record, found {len(body)} bytes")
        else:
            body = data[at:]
        if not body:
            raise Truncated(f"expected an index behind the header of {at} bytes, found {len(data)} bytes")
        body, way = wire.filtering.open(data[layout.SIZE : tags], body, data[:end], self.key.encode())
        if way.packed != bool(flags & PACKED):
            raise Malformed("expected the flag of a compressed index where there is a compressor, and nowhere else")
        index = wire.packing.unpack(body)
        self._take(index, tail, sealed=way.sealed, native=way.own)
        return index

    def _take(self, index: Index, tail: bytes, *, sealed: bool, native: bool) -> None:
        self._segments: dict[str, bytes] = {}
        self._spent = 0
        self._tail, self._sealed, self._native = tail, sealed, native
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
            segment = self.wire.filtering.fetch(follow(ref, self._tail, sealed=self._sealed))
            self._spent += len(segment)
            if self._spent > EXPANSION * self.wire.size:
                raise TooLarge(
                    f"the segments of the record expand to more than {EXPANSION} times {self.wire.size} bytes"
                )
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
        return self.decode(name, stored)

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
        return building.build(
            self, changes, now, self.key if key is None else key, self.idle if idle is None else idle,
            self.absolute if absolute is None else absolute, principal,
        )  # fmt: skip

    def read(self, data: bytes, key: str) -> "Record":
        """Another record, whose attributes have the types that they have here. Raises DecodeError; see Wire.read."""
        return self.wire.read(data, key).declared(self.attributes)

    def declared(self, attributes: Mapping[str, Attribute]) -> "Record":
        """The same record, in which attributes have these declared types."""
        if attributes is self.attributes:
            return self
        made = Record(self.wire, self.data, self.key, self.head, attributes)
        if hasattr(self, "_index"):
            made._take(self._index, self._tail, sealed=self._sealed, native=self._native)
        return made

    def __repr__(self) -> str:
        """How many bytes and writes; no key, no values."""
        return f"<Record of {len(self.data)} bytes, version {self.version}>"


class Trail(Record):
    """What a rotation leaves under the old key for a while."""

    __slots__ = ("moved",)

    def __init__(self, wire: "Wire[Any]", data: bytes, key: str, moved: str) -> None:
        super().__init__(wire, data, key, BLANK, {})
        self._take({}, b"", sealed=False, native=True)
        self.moved = moved


BLANK: Final[Fixed] = (layout.START, 0, NEW, 0, 0, 0, 0, 0)
"""The header of what is no record."""
