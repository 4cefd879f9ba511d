"""The bytes of the record that comes after another: what changed is put in, everything else is copied as it stands.

While a record stays short, all of it is in the index. Once it does not, long segments go to the tail, and a record
that has a tail keeps it. Readers take any mixture, so the numbers may change.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Final

from transcoders.errors import DecodeError, EncodeError
from transcoders.sessions import layout
from transcoders.sessions.index import Index
from transcoders.sessions.layout import EXT, HIGHEST, PACKED, TAIL
from transcoders.sessions.references import MARK, NOWHERE, SHORT, compacted, cut, reference, refers
from transcoders.sessions.stored import ABSENT, NAMES, Stored, check_name

if TYPE_CHECKING:
    from transcoders.sessions.record import Record

LONG: Final = 4096
"""Bytes of a record that may have a tail."""
SEGMENT: Final = 256
"""Bytes of a segment that stays in the index, when there is a tail."""
PRINCIPAL: Final = 1
"""The key of the principal among the further fields of the header."""


class Keep(Enum):
    """The type of KEEP."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""The principal stays as it is."""


def build(  # noqa: PLR0913, PLR0917 - the whole header
    base: "Record",
    changes: Mapping[str, Stored],
    now: int,
    key: str,
    idle: int,
    absolute: int,
    principal: str | Keep | None,
) -> bytes:
    """The bytes of the next record; see Record.build."""
    head, wire = base.head, base.wire
    if head[1] >= HIGHEST:
        raise EncodeError(f"the session was written {HIGHEST} times, which is as far as its write counter goes")
    index, filtering = base.index.copy(), wire.filtering
    parts = _changed(base, index, changes)
    ext = base.ext if principal is KEEP else _ext(base, principal)
    body = _packed(base, index, parts, changes, LONG - layout.LONGEST - len(ext))
    flags = TAIL * bool(parts) | EXT * bool(ext)
    if filtering.plain:
        header = layout.following(base.data, head, flags, b"", now, (idle, absolute)) + ext
    else:
        body, tags, smaller = filtering.compressed(body)
        header = layout.following(base.data, head, flags | PACKED * smaller, tags, now, (idle, absolute)) + ext
        body = filtering.seal(body, header, key.encode())
    data = b"".join((header, len(body).to_bytes(4, "big"), body, *parts)) if parts else header + body
    if len(data) > wire.size:
        raise EncodeError(f"the session takes {len(data)} bytes, the limit is {wire.size}")
    return data


def _changed(base: "Record", index: Index, changes: Mapping[str, Stored]) -> list[bytes]:
    """Put the changes into the index; what is left of the tail, in parts."""
    holes = False
    for name, stored in changes.items():
        before = index.get(name, ABSENT)
        if before is ABSENT:
            check_name(name)
        elif type(before) is bytes and before[:1] == MARK:
            holes = True
        if stored is ABSENT:
            index.pop(name, None)
        else:
            index[name] = stored
    if len(index) > NAMES:
        raise EncodeError(f"the session has {len(index)} attributes, the limit is {NAMES}")
    if not base.native:
        return _translated(base, index, changes)
    tail = compacted(index, base.tail) if holes else base.tail
    return [tail] if tail else []


def _translated(base: "Record", index: Index, changes: Mapping[str, Stored]) -> list[bytes]:
    """Put segments from the tail of a record that other filters wrote into the index; the tail of what stays in one.

    A segment that cannot be read goes on as it stands, and cannot be read afterwards either.
    """
    parts: list[bytes] = []
    offset = 0
    for name, ref in base.index.items():
        if name in changes or not refers(ref):
            continue
        try:
            index[name] = base.stored(name)
        except DecodeError:
            stowed = cut(ref, base.tail)
            if stowed is None:
                index[name] = NOWHERE + ref[SHORT:]
                continue
            known = reference(offset, stowed, sealed=base.wire.filtering.sealed)
            index[name] = known[:SHORT] + (ref[SHORT:] or known[SHORT:]) * base.wire.filtering.sealed
            parts.append(stowed)
            offset += len(stowed)
    return parts


def _packed(base: "Record", index: Index, parts: list[bytes], changes: Mapping[str, Stored], room: int) -> bytes:
    """The packed index, from which long segments have gone to the tail where there is one, or no more room."""
    wire = base.wire
    if not parts:
        packed = wire.pack(index)
        if len(packed) < room or not (names := _long(index, index)):
            return packed
    else:
        names = _long(index, changes if base.native else index)
    offset = sum(map(len, parts))
    for name in names:
        stowed = wire.filtering.stow(index[name])
        index[name] = reference(offset, stowed, sealed=wire.filtering.sealed)
        parts.append(stowed)
        offset += len(stowed)
    return wire.pack(index)


def _long(index: Index, names: Iterable[str]) -> list[str]:
    """Which of the names have a segment in the index that is too long for it."""
    return [name for name in names if type(value := index.get(name)) is bytes and len(value) > SEGMENT]


def _ext(base: "Record", principal: str | Keep | None) -> bytes:
    """The further fields of the header behind their length; nothing where there are none."""
    if principal == base.principal:
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
