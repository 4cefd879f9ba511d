"""zlib (RFC 1950) from the standard library: one stream, without a preset dictionary."""

import zlib
from typing import ClassVar

from transcoders.codecs import Context
from transcoders.errors import Malformed, TooLarge, Truncated
from transcoders.filters import Rank
from transcoders.frame import Bytes
from transcoders.options import Option, Options

_FDICT = 0x20


class ZlibFilter:
    """The filter named `zlib`."""

    tag = 1
    rank = Rank.COMPRESS
    options: ClassVar[tuple[Option, ...]] = (
        Option("level", "int", 6, "1 is fast, 9 is small", 1, 9),
        Option("min", "int", 500, "leave bodies of fewer bytes alone", 0, 1 << 40),
    )
    summary = "RFC 1950, everywhere"

    __slots__ = ("_least", "_level")

    def __init__(self, options: Options, _context: Context) -> None:
        self._level, self._least = int(options["level"]), int(options["min"])

    def apply(self, body: bytes, _header: bytes, _associated: bytes, /) -> bytes:
        """The zlib stream; a short body as it is."""
        return zlib.compress(body, self._level) if len(body) >= self._least else body

    def undo(self, body: Bytes, _header: bytes, _associated: bytes, limit: int, /) -> bytes:
        """The data of the stream, expanded no further than the limit."""
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(body, limit + 1)
        except zlib.error as error:
            preset = " without a preset dictionary" if len(body) > 1 and body[1] & _FDICT else ""
            raise Malformed(f"expected a zlib stream{preset}: {error}") from error
        if len(data) > limit:
            raise TooLarge(f"expected at most {limit} bytes, the zlib stream holds more")
        if not stream.eof:
            raise Truncated("expected the end of the zlib stream, found the end of the data")
        if stream.unused_data:
            raise Malformed(f"expected one zlib stream, found {len(stream.unused_data)} bytes after it")
        return data
