"""The frame around stored bytes: magic, version, codec tag, form, filter tags, body.

The layout is a public format, specified byte by byte in docs/format.md and pinned by tests/vectors. This file reads
and writes headers; it runs no codec and no filter, and knows no names: tags become names in `registry`.
"""

from typing import Final, NamedTuple

from transcoders.errors import Foreign, Refused, Truncated

Bytes = bytes | memoryview
"""What a body may be: bytes, or a view of the frame."""

NONE: Final = b""
"""No associated data; empty bytes are one object, so `is` tells it apart from an empty str or None."""

MAGIC: Final = b"\xc1T"
"""0xC1 is the byte MessagePack never uses; no JSON text and no pickle starts with it."""
VERSION: Final = 1
LONGEST: Final = 5 + 15 + 6
"""Bytes of the longest header."""
FIXED: Final = 5
"""Bytes of a header before its filter tags: magic, version, codec tag, shape."""

PLAIN: Final = 0
"""Form: the body holds only what the codec's format holds by itself."""
TAGGED: Final = 1
"""Form: the body holds values in the tagged notation of the fidelity table."""
BUFFERS: Final = 2
"""Form bit: out-of-band buffers (PEP 574) follow a table at the start of the body."""
OBJECTS: Final = BUFFERS
"""Form: that bit alone, a pickle of objects, behind a table of buffers if it has any."""
SCHEMA: Final = 0x04
"""Shape bit: version (2 bytes) and fingerprint (4 bytes) of a schema follow the filter tags."""
COMPACT: Final = 0x08
"""Shape bit: records of the schema are arrays."""
STAMP: Final = 6
"""Bytes of a schema's version and fingerprint."""
_FORM = 0x03


class Head(NamedTuple):
    """A header as it stands in the bytes."""

    codec: int
    form: int
    filters: tuple[int, ...]
    size: int
    schema: tuple[int, bytes] | None = None
    compact: bool = False


def header(codec: int, form: int, filters: tuple[int, ...], stamp: bytes = b"", *, compact: bool = False) -> bytes:
    """The header bytes: 5, one for each filter, and the stamp of a schema where there is one."""
    shape = form | (SCHEMA if stamp else 0) | (COMPACT if compact else 0) | len(filters) << 4
    return MAGIC + bytes((VERSION, codec, shape, *filters)) + stamp


def without(head: bytes, tag: int) -> bytes:
    """The header bytes without one filter tag."""
    end = FIXED + (head[4] >> 4)
    filters = bytes(other for other in head[FIXED:end] if other != tag)
    return head[:4] + bytes((head[4] & 0x0F | len(filters) << 4,)) + filters + head[end:]


def parse(data: bytes) -> Head:
    """The header at the start of the data.

    Raises:
        Foreign: the data does not start with the magic.
        Truncated: the header is cut.
        Refused: another version, or a layout without a schema: written by a newer release.
    """
    if data[:2] != MAGIC:
        if data == MAGIC[:1]:
            raise Truncated("expected a frame, found its first byte only")
        raise Foreign(f"expected a frame (it starts with c1 54), found {_start(data)}")
    if len(data) < FIXED:
        raise Truncated(f"expected a header of {FIXED} bytes or more, found {len(data)} bytes")
    version, codec, shape = data[2:FIXED]
    if version != VERSION or shape & (SCHEMA | COMPACT) == COMPACT:
        raise Refused(f"expected frame version {VERSION}, found {version} with shape {shape:#04x}: upgrade transcoders")
    end = FIXED + (shape >> 4)
    size = end + (STAMP if shape & SCHEMA else 0)
    if len(data) < size:
        raise Truncated(f"expected a header of {size} bytes, found {len(data)} bytes")
    schema = (int.from_bytes(data[end : end + 2], "big"), data[end + 2 : size]) if shape & SCHEMA else None
    return Head(codec, shape & _FORM, tuple(data[FIXED:end]), size, schema, bool(shape & COMPACT))


def _start(data: bytes) -> str:
    return f"{len(data)} bytes starting with {data[:4].hex(' ')}" if data else "no bytes"
