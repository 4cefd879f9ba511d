"""The bytes of the record that comes after another: what changed is put in, everything else is copied as it stands.

While a record stays short, all of it is in the index. Once it does not, long segments go to the tail, and a record
that has a tail keeps it. Readers take any mixture, so the numbers may change.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final

from transcoders.errors import DecodeError, EncodeError
from transcoders.frame import Bytes
from transcoders.sessions.index import Index
from transcoders.sessions.layout import EXT, LONGEST, PACKED, START, TAIL, followed, following
from transcoders.sessions.references import MARK, NOWHERE, SHORT, compacted, cut, reference
from transcoders.sessions.stored import ABSENT, NAMES, Stored, check_name

if TYPE_CHECKING:
    from transcoders.sessions.record import Record

LONG: Final = 4096
"""Bytes of a record that may have a tail."""
SEGMENT: Final = 256
"""Bytes of a segment that stays in the index, when there is a tail."""
PRINCIPAL: Final = 1
"""The key of the principal among the further fields of the header."""
_VIEW: Final = 10_000
"""Bytes of a tail that is copied faster through a view."""
_ROOM: Final = LONG - LONGEST


class Keep(Enum):
    """The type of KEEP."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""The principal stays as it is."""


def build(  # noqa: PLR0913, PLR0917 - the header's fields; keyword-only ones take time in each call
    self: "Record",
    changes: Mapping[str, Stored],
    now: int,
    key: str | None = None,
    idle: int | None = None,
    absolute: int | None = None,
    principal: str | Keep | None = KEEP,
) -> bytes:
    """The bytes of the next record; a method of Record.

    Most requests change attributes alone, in a record without filters. That is one step here, and all else goes the
    long way.

    Args:
        self: the record before it.
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
    head, wire, before = self.head, self.wire, self._index
    kept = idle is None and absolute is None and principal is KEEP
    if kept and before is not None and head[1] and not head[3] & 0x0F and wire.plain:
        data = b""
        if head[0] != START:
            data = _around(self, before, changes, now)
        else:
            index = {**before, **changes}
            if len(index) != len(before) or ABSENT in changes.values():  # names come or go
                index = before.copy()
                _changed(index, changes)
            body = wire.dump(index, None, wire.strict)
            if len(body) <= _ROOM or not _long(index, index):
                data = followed(self.data, head, now) + body
        if 0 < len(data) <= wire.size:
            return data
    return _built(self, changes, now, key, idle, absolute, principal)


def _around(self: "Record", before: Index, changes: Mapping[str, Stored], now: int) -> bytes:
    """The same between further fields and a tail, where names and tail stay as they are; no bytes where they do not."""
    data, head, wire, start = self.data, self.head, self.wire, self._start
    tailed = start < len(data)
    for name, stored in changes.items():
        was = before.get(name, ABSENT)
        if was is ABSENT or stored is ABSENT:
            return b""
        if tailed and ((type(was) is bytes and was[:1] == MARK) or (type(stored) is bytes and len(stored) > SEGMENT)):
            return b""
    index = {**before, **changes}
    body = wire.dump(index, None, wire.strict)
    ext = self.ext if head[0] & EXT else b""
    if tailed:
        size = len(body).to_bytes(4, "big")
        return b"".join((followed(data, head, now), ext, size, body, memoryview(data)[start:]))
    fits = not head[0] & TAIL and (len(body) <= _ROOM - len(ext) or not _long(index, index))
    return b"".join((followed(data, head, now), ext, body)) if fits else b""


def _built(  # noqa: PLR0913, PLR0917 - as above
    self: "Record",
    changes: Mapping[str, Stored],
    now: int,
    key: str | None,
    idle: int | None,
    absolute: int | None,
    principal: str | Keep | None,
) -> bytes:
    """The bytes of any next record."""
    index, start, native = self.contents()
    head, wire, index = self.head, self.wire, index.copy()
    holes = _changed(index, changes)
    ext = b"" if principal is KEEP and not head[0] & EXT else _ext(self, principal)
    parts: list[Bytes] = []
    if start < len(self.data) or not native:
        body = _with_tail(self, index, parts, changes, holes)
    else:
        body = wire.pack(index)
        if len(body) > _ROOM - len(ext) and (names := _long(index, index)):
            body = _stowed(self, index, parts, names)
    flags = (TAIL if parts else 0) | (EXT if ext else 0)
    idle, absolute = head[6] if idle is None else idle, head[7] if absolute is None else absolute
    tags, filtering = b"", wire.filtering
    if not filtering.plain:
        body, tags, smaller = filtering.compressed(body)
        flags |= PACKED * smaller
    header = following(self.data, head, flags, tags, now, idle, absolute) + ext
    if tags:
        body = filtering.seal(body, header, (self.key if key is None else key).encode())
    data = b"".join((header, len(body).to_bytes(4, "big"), body, *parts)) if parts else header + body
    if len(data) > wire.size:
        raise EncodeError(f"the session takes {len(data)} bytes, the limit is {wire.size}")
    return data


def _changed(index: Index, changes: Mapping[str, Stored]) -> list[bytes]:
    """Put the changes into the index; the references that are gone from it."""
    holes: list[bytes] = []
    for name, stored in changes.items():
        before = index.get(name, ABSENT)
        if before is ABSENT:
            check_name(name)
        elif type(before) is bytes and before[:1] == MARK:
            holes.append(before)
        if stored is ABSENT:
            index.pop(name, None)
        else:
            index[name] = stored
    if len(index) > NAMES:
        raise EncodeError(f"the session has {len(index)} attributes, the limit is {NAMES}")
    return holes


def _with_tail(
    base: "Record", index: Index, parts: list[Bytes], changes: Mapping[str, Stored], holes: list[bytes]
) -> bytes:
    """The packed index of a record that has a tail, which goes into the parts with what is new in it."""
    _, start, native = base.contents()
    if native:
        tail = memoryview(base.data)[start:] if len(base.data) - start > _VIEW else base.data[start:]
        parts += compacted(index, holes, tail) if holes else [tail]
        names = _long(index, changes)
    else:
        parts += _translated(base, index, changes)
        names = _long(index, index)
    if parts:
        return _stowed(base, index, parts, names)
    body = base.wire.pack(index)
    return _stowed(base, index, parts, names) if names and len(body) > _ROOM else body


def _translated(base: "Record", index: Index, changes: Mapping[str, Stored]) -> list[bytes]:
    """Put segments from the tail of a record that other filters wrote into the index; the tail of what stays in one.

    A segment that cannot be read goes on as it stands, and cannot be read afterwards either.
    """
    before, start, _ = base.contents()
    parts: list[bytes] = []
    offset, sealed = 0, base.wire.filtering.sealed
    for name, ref in before.items():
        if name in changes or type(ref) is not bytes or ref[:1] != MARK:
            continue
        try:
            index[name] = base.stored(name)
        except DecodeError:
            stowed = cut(ref, base.data, start)
            known = NOWHERE if stowed is None else reference(offset, stowed, sealed=sealed)
            index[name] = known[:SHORT] + (ref[SHORT:] or known[SHORT:]) * sealed
            if stowed is not None:
                parts.append(stowed)
                offset += len(stowed)
    return parts


def _stowed(base: "Record", index: Index, parts: list[Bytes], names: Iterable[str]) -> bytes:
    """The packed index, when the segments of these names have gone to the tail."""
    offset, filtering = sum(map(len, parts)), base.wire.filtering
    for name in names:
        stowed = filtering.stow(index[name])
        index[name] = reference(offset, stowed, sealed=filtering.sealed)
        parts.append(stowed)
        offset += len(stowed)
    return base.wire.pack(index)


def _long(index: Index, names: Iterable[str]) -> list[str]:
    """Which of the names have a segment in the index that is too long for it."""
    return [name for name in names if type(value := index.get(name)) is bytes and len(value) > SEGMENT]


def _ext(base: "Record", principal: str | Keep | None) -> bytes:
    """The further fields of the header behind their length; nothing where there are none."""
    if principal is KEEP or principal == base.principal:
        return base.ext
    fields = base.fields.copy()
    if principal is None:
        del fields[PRINCIPAL]
    elif type(principal) is str and principal:
        fields[PRINCIPAL] = principal
    else:
        raise EncodeError(f"the principal of a session is a str that says something, not {type(principal).__name__}")
    packed = base.wire.packing.pack_fields(fields) if fields else b""
    if len(packed) > 0xFFFF:
        raise EncodeError(f"the principal of the session takes {len(packed)} bytes, the limit is {0xFFFF}")
    return len(packed).to_bytes(2, "big") + packed if packed else b""
