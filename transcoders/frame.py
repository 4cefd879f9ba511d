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
FIXED: Final = 5
"""Bytes of a header before its filter tags: magic, version, codec tag, shape."""

PLAIN: Final = 0
"""Form: the body holds only what the codec's format holds by itself."""
TAGGED: Final = 1
"""Form: the body holds values in the tagged notation of the fidelity table."""
BUFFERS: Final = 2
"""Form bit: out-of-band buffers (PEP 574) follow a table at the start of the body."""
_FORM = 0x03
_RESERVED = 0x0C


class Head(NamedTuple):
    """A header as it stands in the bytes."""

    codec: int
    form: int
    filters: tuple[int, ...]
    size: int


def header(codec: int, form: int, filters: tuple[int, ...]) -> bytes:
    """The header bytes: 5, and one for each filter."""
    return MAGIC + bytes((VERSION, codec, form | len(filters) << 4, *filters))


def without(head: bytes, tag: int) -> bytes:
    """The header bytes without one filter tag."""
    filters = tuple(other for other in head[FIXED:] if other != tag)
    return header(head[3], head[4] & _FORM, filters)


def parse(data: bytes) -> Head:
    """The header at the start of the data.

    Raises:
        Foreign: the data does not start with the magic.
        Truncated: the header is cut.
        Refused: another version, or reserved bits: written by a newer release.
    """
    if data[:2] != MAGIC:
        if data == MAGIC[:1]:
            raise Truncated("expected a frame, found its first byte only")
        raise Foreign(f"expected a frame (it starts with c1 54), found {_start(data)}")
    if len(data) < FIXED:
        raise Truncated(f"expected a header of {FIXED} bytes or more, found {len(data)} bytes")
    version, codec, shape = data[2:FIXED]
    if version != VERSION or shape & _RESERVED:
        raise Refused(f"expected frame version {VERSION}, found {version} with shape {shape:#04x}: upgrade transcoders")
    size = FIXED + (shape >> 4)
    if len(data) < size:
        raise Truncated(f"expected a header of {size} bytes, found {len(data)} bytes")
    return Head(codec, shape & _FORM, tuple(data[FIXED:size]), size)


def _start(data: bytes) -> str:
    return f"{len(data)} bytes starting with {data[:4].hex(' ')}" if data else "no bytes"
