"""The header of a stored session: what a store compares, who wrote it, when, and how long it lives.

docs/format.md has the offsets. Write counter and id of the last write are at bytes 4 to 11, so that a store compares
without parsing; ids of earlier writes follow, so that whoever lost a reply can tell whether it had been saved.
"""

import os
from struct import Struct, error
from typing import Final

from transcoders.errors import EncodeError, Refused, Truncated
from transcoders.frame import MAGIC

RECORD: Final = 0x11
"""Kind: a session record, layout version 1."""
TRAIL: Final = 0x12
"""Kind: what a rotation leaves under an old key, the new key."""
TAIL: Final = 1
"""Flag: large segments stand behind the index, whose length stands before it."""
PACKED: Final = 2
"""Flag: the index is compressed."""
EXT: Final = 4
"""Flag: a map of more header fields stands before the index."""
START: Final = int.from_bytes(MAGIC) << 16 | RECORD << 8
"""The first four bytes of a record, as a number, without its flags."""
UNKNOWN: Final = 0xFFFFFFFF ^ (TAIL | PACKED | EXT)
"""What of these four bytes is the same in every record that this release reads."""
OPEN: Final = UNKNOWN | PACKED
"""What of them is the same in those without filters."""

FIXED: Final = Struct(">II4sBIIII")
"""Magic, kind and flags; version; id of the last write; counts; created, written, idle, absolute."""
SIZE: Final = FIXED.size
ID: Final = 4
"""Bytes of a write id."""
HIGHEST: Final = (1 << 32) - 1
"""Of versions, times and durations."""
NEW: Final = bytes(ID)
"""The write id of what was never written."""
RING: Final = 15
"""Earlier write ids in a record, at most."""
KEPT: Final = 60
"""Seconds after which earlier write ids are dropped: nobody waits for a reply for so long."""
LONGEST: Final = SIZE + 15 + RING * ID
"""Bytes within which all write ids stand."""

TAGS: Final = 13
"""Bytes of a trail before its filter tags."""
KEY: Final = 4096
"""Bytes of a store's key in a trail, at most."""

Fixed = tuple[int, int, bytes, int, int, int, int, int]
unpack: Final = FIXED.unpack_from
pack: Final = FIXED.pack
number: Final = Struct(">I").unpack_from


def fixed(data: bytes) -> Fixed:
    """The fields of the header; raises Truncated."""
    try:
        return unpack(data)
    except error:
        raise Truncated(f"expected a header of {SIZE} bytes, found {len(data)} bytes") from None


def places(head: Fixed) -> tuple[int, int]:
    """Where the filter tags end, and where the ring of write ids ends."""
    counts = head[3]
    tags = SIZE + (counts & 0x0F)
    return tags, tags + ID * (counts >> 4)


def ring(data: bytes, head: Fixed) -> list[bytes]:
    """The write ids in a record, newest first."""
    start, end = places(head)
    if len(data) < end:
        raise Truncated(f"expected a header of {end} bytes, found {len(data)} bytes")
    return [head[2], *(data[at : at + ID] for at in range(start, end, ID))]


def following(  # noqa: PLR0913, PLR0917 - the whole header
    data: bytes, head: Fixed, flags: int, tags: bytes, now: int, idle: int, absolute: int
) -> bytes:
    """The header of the record after this one, with a fresh write id.

    Args:
        data: the record.
        head: the fields of its header.
        flags: of the new one.
        tags: of its filters.
        now: seconds since 1970.
        idle: seconds without a request after which it ends.
        absolute: seconds after its creation at which it ends.

    Raises:
        EncodeError: the write counter is at its end.
    """
    _, version, ids, counts, created, written, _, _ = head
    if not version:
        ids = b""
    elif version >= HIGHEST:
        raise EncodeError(f"the session was written {HIGHEST} times, which is as far as its write counter goes")
    elif counts > 0x0F and now - written <= KEPT:
        start = SIZE + (counts & 0x0F)
        ids += data[start : start + ID * (counts >> 4 if counts < _FULL else RING - 1)]
    counts = len(ids) << 2 | len(tags)  # an id is four bytes, and its count the upper half of the byte
    fixed = pack(START | flags, version + 1, fresh(), counts, created or now, now, idle, absolute)
    return fixed + tags + ids if tags else fixed + ids


def followed(data: bytes, head: Fixed, now: int) -> bytes:
    """The same for a record without filters that was written before, when nothing but its writes changes.

    Args:
        data: the record.
        head: the fields of its header.
        now: seconds since 1970.

    Raises:
        EncodeError: the write counter is at its end.
    """
    kind, version, last, counts, created, written, idle, absolute = head
    kept = counts if now - written <= KEPT else 0
    if kept >= _FULL:
        kept -= _ONE
    ids = data[SIZE : SIZE + (kept >> 2)]  # an id is four bytes, and its count the upper half of the byte
    try:
        return _more(kind, version + 1, fresh(), kept + _ONE, created or now, now, idle, absolute, last) + ids
    except error:
        return following(data, head, kind & 0xFF, b"", now, idle, absolute)  # which says what is too large


_ONE: Final = 1 << 4
"""One earlier id, in the counts of a header."""
_FULL: Final = RING * _ONE
_more: Final = Struct(f"{FIXED.format}4s").pack
_FRESH: list[bytes] = []
_MANY: Final = 256
_drawn: Final = Struct(f"{ID}s" * _MANY).unpack
if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_FRESH.clear)  # or parent and child would write under the same ids


def fresh() -> bytes:
    """A random write id; they are drawn many at a time, because asking the system takes longer than all the header."""
    try:
        return _FRESH.pop()
    except IndexError:
        wid, *_FRESH[:] = _drawn(os.urandom(ID * _MANY))
        return wid  # type: ignore[no-any-return]


def written_by(head: bytes, wid: bytes, base_version: int) -> bool | None:
    """Whether the write of that id is in the record: True, False, or None where nobody can know.

    Args:
        head: the first bytes of what stands in the store now, LONGEST or more where there are as many.
        wid: bytes 8 to 11 of what was sent.
        base_version: the write counter of the record that it was built on.
    """
    try:
        fields = fixed(head)
        if fields[0] & UNKNOWN != START:
            return None
        ids = ring(head, fields)
    except Truncated:
        return None
    if wid in ids:
        return True
    since = fields[1] - base_version
    return False if 0 <= since <= len(ids) else None


def refusal(data: bytes) -> Refused:
    """What to say of a record that a newer release wrote."""
    return Refused(
        f"expected a session record of layout 1 with flags {TAIL | PACKED | EXT:#04x} at most, "
        f"found {data[2:4].hex(' ')}: upgrade transcoders"
    )


def trail(tags: bytes, key: bytes) -> bytes:
    """The header of a trail: 0 and a fresh id where a record has counter and id of its writes, tags, the key's size.

    Raises:
        EncodeError: the key is too long.
    """
    if not 0 < len(key) <= KEY:
        raise EncodeError(f"a key of a store takes 1 to {KEY} bytes, this one {len(key)}")
    start = MAGIC + bytes((TRAIL, 0)) + NEW + fresh() + bytes((len(tags),))
    return start + tags + len(key).to_bytes(2, "big")


def trailing(data: bytes) -> tuple[bytes, int, int]:
    """The filter tags of a trail, the bytes of its header, and those of the key; raises Truncated."""
    size = TAGS + (data[TAGS - 1] if len(data) >= TAGS else 0) + 2
    if len(data) < size:
        raise Truncated(f"expected the header of a trail, of {size} bytes, found {len(data)} bytes")
    return data[TAGS : size - 2], size, int.from_bytes(data[size - 2 : size], "big")
