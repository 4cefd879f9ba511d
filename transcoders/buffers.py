"""Out-of-band buffers (PEP 574) in one body: a table, the stream, then each buffer on a boundary of 16 bytes.

Layout, big-endian: count (4 bytes), the stream's length (8), each buffer's length (8 each), the stream, and every
buffer behind as many zero bytes as bring it to a multiple of 16 from the first byte of a frame without filters,
which is where allocators put frames. Splitting copies nothing.
"""

import struct

from transcoders.errors import Malformed, Truncated
from transcoders.frame import FIXED

_ALIGNMENT = 16
_MOST = 65_536


def join(stream: bytes, parts: list[memoryview]) -> bytes:
    """The body; this is the one copy of encoding."""
    pieces: list[bytes | memoryview] = [struct.pack(f">IQ{len(parts)}Q", len(parts), len(stream), *map(len, parts))]
    pieces.append(stream)
    position = FIXED + sum(map(len, pieces))
    for part in parts:
        gap = -position % _ALIGNMENT
        pieces += (bytes(gap), part)
        position += gap + len(part)
    return b"".join(pieces)


def split(body: memoryview) -> tuple[memoryview, list[memoryview]]:
    """The stream and the buffers, read-only views of the body.

    Raises:
        Truncated: the table or what it declares runs past the end.
        Malformed: bytes are left over, or there are more buffers than a session has.
    """
    body = body.toreadonly()
    if len(body) < 12:
        raise Truncated(f"expected a table of buffers, found {len(body)} bytes")
    count, size = struct.unpack_from(">IQ", body)
    if count > _MOST or 12 + 8 * count > len(body):
        raise Truncated(f"expected a table of {count} buffers, found {len(body)} bytes")
    position = 12 + 8 * count
    stream, position = _cut(body, position, size)
    parts = []
    for length in struct.unpack_from(f">{count}Q", body, 12):
        part, position = _cut(body, position + -(FIXED + position) % _ALIGNMENT, length)
        parts.append(part)
    if position != len(body):
        raise Malformed(f"expected nothing after the last buffer, found {len(body) - position} bytes")
    return stream, parts


def check_keys(tree: object) -> None:
    """Raise Malformed when a buffer is in a key of a dict: it has a hash only where what it looks at cannot change."""
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if type(item) is dict:
            kinds = set(map(type, item))
            if memoryview in kinds or (tuple in kinds and any(map(_buffered, item))):
                raise Malformed("expected a key of a dict, found a buffer")
            waiting += item.values()
        elif type(item) is list or type(item) is tuple:
            waiting += item


def _buffered(key: object) -> bool:
    """Whether a key is a buffer, or a tuple with one in it."""
    waiting = [key]
    while waiting:
        item = waiting.pop()
        if type(item) is memoryview:
            return True
        if type(item) is tuple:
            waiting += item
    return False


def _cut(body: memoryview, position: int, size: int) -> tuple[memoryview, int]:
    if position + size > len(body):
        raise Truncated(f"expected {size} bytes at byte {position}, found {max(0, len(body) - position)}")
    return body[position : position + size], position + size
