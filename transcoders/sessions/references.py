"""References: where in the tail of a record a segment stands, and the digest by which the seal covers it.

A reference is a byte of zero, which no codec has as its tag, then offset and length in four bytes each, and behind a
seal 16 bytes of the segment's SHA-256.
"""

from collections.abc import Iterable
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from transcoders.errors import Malformed, Tampered, Truncated

MARK: Final = b"\0"
SHORT: Final = 9
"""Bytes of a reference without a digest."""
DIGEST: Final = 16
NOWHERE: Final = MARK + b"\xff" * (SHORT - 1)
"""A reference behind the end of any tail: what is left of one that led there already."""


def refers(value: object) -> bool:
    """Whether a value of the index is a reference."""
    return type(value) is bytes and value[:1] == MARK


def reference(offset: int, stowed: bytes, *, sealed: bool) -> bytes:
    """The reference to what will stand at the offset."""
    start = b"%c%b%b" % (0, offset.to_bytes(4, "big"), len(stowed).to_bytes(4, "big"))
    return start + sha256(stowed).digest()[:DIGEST] if sealed else start


def follow(ref: bytes, tail: bytes, *, sealed: bool) -> bytes:
    """What stands where the reference leads.

    Raises:
        Malformed: the reference is not as long as it has to be.
        Truncated: it leads behind the end of the tail.
        Tampered: something else stands there.
    """
    if len(ref) != (SHORT + DIGEST if sealed else SHORT):
        raise Malformed(f"expected a reference of {SHORT + DIGEST if sealed else SHORT} bytes, found {len(ref)}")
    stowed = cut(ref, tail)
    if stowed is None:
        raise Truncated("expected a segment in the tail of the record, found the end of the tail")
    if sealed and not compare_digest(sha256(stowed).digest()[:DIGEST], ref[SHORT:]):
        raise Tampered("the segment in the tail is not the one whose digest is in the index: it was changed")
    return stowed


def cut(ref: bytes, tail: bytes) -> bytes | None:
    """The bytes that the reference means; None when the tail does not have them."""
    offset, size = int.from_bytes(ref[1:5], "big"), int.from_bytes(ref[5:SHORT], "big")
    stowed = tail[offset : offset + size]
    return stowed if stowed and len(stowed) == size else None


def compacted(index: dict[str, object], tail: bytes) -> bytes:
    """The tail without what no reference leads to; the references in the index are moved.

    Neighbours are copied together. What lies one over the other, in records that nobody of ours wrote, is copied twice.
    """
    places = []
    for name, value in index.items():
        if type(value) is bytes and value[:1] == MARK and len(value) >= SHORT:
            places.append((int.from_bytes(value[1:5], "big"), int.from_bytes(value[5:SHORT], "big"), name, value))
    places.sort()
    return _copied(places, index, tail)


def _copied(places: Iterable[tuple[int, int, str, bytes]], index: dict[str, object], tail: bytes) -> bytes:
    runs: list[bytes] = []
    start = end = done = 0
    for offset, size, name, ref in places:
        if not size or offset + size > len(tail):
            index[name] = NOWHERE + ref[SHORT:]
            continue
        if offset != end:
            runs.append(tail[start:end])
            start = offset
        end = offset + size
        if offset != done:
            index[name] = MARK + done.to_bytes(4, "big") + ref[5:]
        done += size
    runs.append(tail[start:end])
    return b"".join(runs)
