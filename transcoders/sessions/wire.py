"""How sessions are read and written: one for each manager, made of a transcoder and the type of the session.

Records of every chain that the transcoder reads are read, and written by its own. Bytes that are no record, but that
the transcoder decodes to a mapping, are a session as well: that is how a live system moves in.
"""

import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from transcoders import frame
from transcoders.errors import EncodeError, Malformed, SpecError, TooLarge, Truncated
from transcoders.pipeline import Transcoder
from transcoders.sessions import layout
from transcoders.sessions.attribute import Attribute
from transcoders.sessions.filtering import Filtering
from transcoders.sessions.index import Packing
from transcoders.sessions.layout import NEW, START, TRAIL, UNKNOWN
from transcoders.sessions.record import BLANK, Record, Trail, opened
from transcoders.sessions.stored import NAMES, check_name

if TYPE_CHECKING:
    from transcoders.sessions.view import Schema

T = TypeVar("T")


class Wire(Generic[T]):
    """Reads and writes records. Immutable; may be used by any number of threads at once.

    Attributes:
        spec: the canonical config string, parsed.
        size: the most bytes of a record.
        untyped: how attributes of no declared type are stored.
        schema: what is made of the declared type of the session; None where there is none.
        attributes: its fields, by the names that they are stored under.
        filtering: its filters.
        packing: what packs indexes.
        pack, unpack: its verbs.
        dump, load, strict: what its verbs are made of; see Packing.
        plain: whether there are no filters.
        tick: seconds of a clock that never goes back, for what it takes to decode and to encode attributes.
        bare: how records without filters are read; None when they are not.
    """

    __slots__ = (
        *("_schemas", "_transcoder", "attributes", "bare", "dump", "filtering", "load", "pack", "packing", "plain"),
        *("schema", "size", "spec", "strict", "tick", "unpack", "untyped"),
    )  # fmt: skip

    def __init__(
        self, transcoder: Transcoder[Any], schema: type[T] | None = None, tick: Callable[[], float] = float
    ) -> None:
        """Raises SpecError on a type that no session can have; by default it is that of the transcoder."""
        chains, limits = transcoder.chains, transcoder.limits
        own = chains[0].schema
        if own is not None and schema is not None and own is not schema:
            raise SpecError("the transcoder has another schema= than the session: give it to one of them")
        self._transcoder, self.spec, self.size, self.tick = transcoder, transcoder.spec, limits.size, tick
        self.filtering, self.packing = Filtering(chains, limits.size), Packing()
        self.bare, self.plain = self.filtering.bare, self.filtering.plain
        self.pack, self.unpack = self.packing.pack, self.packing.unpack
        self.dump, self.load, self.strict = self.packing.dump, self.packing.load, self.packing.strict
        self.untyped = Attribute(chains, limits)
        self._schemas: dict[Any, Schema] = {}
        cls = own if schema is None else schema
        self.schema = None if cls is None else self.declared(cls)
        self.attributes: Mapping[str, Attribute] = self.schema.attributes if self.schema else {}

    def declared(self, cls: Any) -> "Schema":
        """What is made of a declared type, for this session or a part of it; raises SpecError."""
        if cls not in self._schemas:
            from transcoders.sessions import view  # noqa: PLC0415 - only declared types pay for it

            self._schemas[cls] = view.schema(cls, self._transcoder.chains, self._transcoder.limits)
        return self._schemas[cls]

    def blank(self, key: str, now: int, idle: int, absolute: int) -> Record:
        """The record of a session that was never stored: no attributes, version 0, no bytes."""
        return Record.of(self, b"", key, (START, 0, NEW, 0, now, now, idle, absolute), self.attributes, {})

    def read(self, data: bytes, key: str) -> Record:
        """The record in the bytes that stand under the key; its attributes are read when they are asked for.

        Raises:
            Foreign: it is no record, and nothing that the transcoder reads.
            Truncated: it is cut.
            Refused: a newer release wrote it.
            TooLarge: it exceeds the limit.
            DecodeError: one of its other kinds, of bytes that are no record but read all the same.
        """
        if len(data) > self.size:
            raise TooLarge(f"expected a session of at most {self.size} bytes, found {len(data)}")
        try:
            head = layout.unpack(data)
        except struct.error:
            return self._other(data, key)
        if head[0] & UNKNOWN != START or not head[1]:
            return self._other(data, key)
        return Record.of(self, data, key, head, self.attributes)

    opened = opened

    def _other(self, data: bytes, key: str) -> Record:
        """The record of bytes that are none of this layout; raises DecodeError."""
        start = data[: len(frame.MAGIC) + 2]
        if len(start) < 4 or start[:2] != frame.MAGIC or start[2] < 0x10:
            return self._adopted(data, key)
        if start[2:] == bytes((TRAIL, 0)):
            return self._followed(data, key)
        if int.from_bytes(start, "big") & UNKNOWN != START:
            raise layout.refusal(data)
        if len(data) < layout.SIZE:
            raise Truncated(f"expected a header of {layout.SIZE} bytes, found {len(data)} bytes")
        raise Malformed("expected a write counter of 1 or more in the record, found 0")

    def _adopted(self, data: bytes, key: str) -> Record:
        value = self._transcoder.decode(data)
        attributes: Mapping[str, Attribute] = {}
        if self._transcoder.chains[0].typed and self.schema:
            value, attributes = self.schema.values(value), self.attributes
        if type(value) is not dict:
            raise Malformed(f"expected a session, a mapping of names to values, found {type(value).__name__}")
        try:
            for name in value:
                check_name(name)
            index = {name: attributes.get(name, self.untyped).encode(item) for name, item in value.items()}
        except EncodeError as error:
            raise Malformed(f"expected a session, found what none can hold: {error}") from error
        if len(index) > NAMES:
            raise Malformed(f"expected at most {NAMES} attributes in a session, found {len(index)}")
        return Record.of(self, data, key, BLANK, self.attributes, index, len(data))

    def trail(self, key: str, under: str) -> bytes:
        """What a rotation leaves for a while under the key `under`: the key where the session is now."""
        target = key.encode()
        header = layout.trail(self.filtering.tags, target)
        return header + self.filtering.seal(target, header, under.encode())

    def _followed(self, data: bytes, key: str) -> Record:
        tags, start, size = layout.trailing(data)
        target, _ = self.filtering.open(tags, data[start:], data[:start], key.encode())
        if len(target) < size:
            raise Truncated(f"expected a key of {size} bytes in the trail, found {len(target)} bytes")
        try:
            moved = target.decode()
        except UnicodeDecodeError as error:
            raise Malformed("expected the key of a store in the trail, found what is no text") from error
        if len(target) > size or not moved:
            raise Malformed(f"expected a key of {size} bytes in the trail, found {len(target)} bytes")
        return Trail.to(self, data, key, moved)

    def __repr__(self) -> str:
        """The spec; no keys."""
        return f"<Wire {self.spec}>"
