"""References: where in the tail of a record a segment stands, and the digest by which the seal covers it.

A reference is a byte of zero, which no codec has as its tag, then offset and length in four bytes each, and behind a
seal 16 bytes of the segment's SHA-256.
"""

from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from transcoders.errors import Malformed, Tampered, Truncated
from transcoders.frame import Bytes

MARK: Final = b"\0"
SHORT: Final = 9
"""Bytes of a reference without a digest."""
DIGEST: Final = 16
NOWHERE: Final = MARK + b"\xff" * (SHORT - 1)
"""A reference behind the end of any tail: what is left of one that led there already."""


def reference(offset: int, stowed: bytes, *, sealed: bool) -> bytes:
    """The reference to what will stand at the offset."""
    start = b"%c%b%b" % (0, offset.to_bytes(4, "big"), len(stowed).to_bytes(4, "big"))
    return start + sha256(stowed).digest()[:DIGEST] if sealed else start


def follow(ref: bytes, data: bytes, start: int, *, sealed: bool) -> bytes:
    """What stands where the reference leads, in the tail of a record from byte `start`.

    Raises:
        Malformed: the reference is not as long as it has to be.
        Truncated: it leads behind the end of the tail.
        Tampered: something else stands there.
    """
    if len(ref) != (SHORT + DIGEST if sealed else SHORT):
        raise Malformed(f"expected a reference of {SHORT + DIGEST if sealed else SHORT} bytes, found {len(ref)}")
    stowed = cut(ref, data, start)
    if stowed is None:
        raise Truncated("expected a segment in the tail of the record, found the end of the tail")
    if sealed and not compare_digest(sha256(stowed).digest()[:DIGEST], ref[SHORT:]):
        raise Tampered("the segment in the tail is not the one whose digest is in the index: it was changed")
    return stowed


def cut(ref: bytes, data: bytes, start: int) -> bytes | None:
    """The bytes that the reference means; None when the tail does not have them."""
    start += int.from_bytes(ref[1:5], "big")
    size = int.from_bytes(ref[5:SHORT], "big")
    stowed = data[start : start + size]
    return stowed if stowed and len(stowed) == size else None


def compacted(index: dict[str, Any], holes: list[bytes], tail: Bytes) -> list[Bytes]:
    """The tail in parts, without what no reference leads to any more; the references in the index are moved.

    Args:
        index: what stays.
        holes: references that are not in it any more.
        tail: what they lead into.
    """
    if len(holes) == 1 and len(holes[0]) >= SHORT and (parts := _closed(index, holes[0], tail)) is not None:
        return parts
    places = [
        (int.from_bytes(value[1:5], "big"), int.from_bytes(value[5:SHORT], "big"), name, value)
        for name, value in index.items()
        if type(value) is bytes and value[:1] == MARK and len(value) >= SHORT
    ]
    return _gathered(sorted(places), index, tail)


def _closed(index: dict[str, Any], hole: bytes, tail: Bytes) -> list[Bytes] | None:
    """The tail without one piece; None when another reference leads into that."""
    at, size = int.from_bytes(hole[1:5], "big"), int.from_bytes(hole[5:SHORT], "big")
    end = at + size
    if end > len(tail):
        return None
    first, last = hole[1:5], end.to_bytes(4, "big")
    behind = []
    for name, value in index.items():
        if type(value) is bytes and value[:1] == MARK and (place := value[1:5]) >= first:
            if place < last:
                return None
            behind.append((name, value))
    for name, value in behind:
        index[name] = MARK + (int.from_bytes(value[1:5], "big") - size).to_bytes(4, "big") + value[5:]
    return [part for part in (tail[:at], tail[end:]) if part]


def _gathered(places: list[tuple[int, int, str, bytes]], index: dict[str, Any], tail: Bytes) -> list[Bytes]:
    """The pieces of the tail at these places, neighbours together; what lies one over the other is copied twice."""
    parts: list[Bytes] = []
    start = end = done = 0
    for offset, size, name, ref in places:
        if not size or offset + size > len(tail):
            index[name] = NOWHERE + ref[SHORT:]
            continue
        if offset != end:
            parts.append(tail[start:end])
            start = offset
        end = offset + size
        if offset != done:
            index[name] = MARK + done.to_bytes(4, "big") + ref[5:]
        done += size
    parts.append(tail[start:end])
    return [part for part in parts if part]
