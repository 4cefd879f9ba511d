"""Zstandard (RFC 8878) over the zstandard package.

The size that the frame declares is checked before anything is decompressed, because the library ignores its own
output limit when the frame declares a size.
"""

from typing import Any, ClassVar

from transcoders.codecs import Context
from transcoders.errors import Malformed, TooLarge
from transcoders.filters import Rank
from transcoders.frame import Bytes
from transcoders.options import Option, Options


class ZstdFilter:
    """The filter named `zstd`."""

    tag = 2
    rank = Rank.COMPRESS
    options: ClassVar[tuple[Option, ...]] = (Option("level", "int", 3, "1 is fast, 19 is small", 1, 19),)
    summary = "RFC 8878 over zstandard"
    extra = "zstd"

    __slots__ = ("_compressors", "_decompressors", "_level", "_zstd")

    def __init__(self, options: Options, _context: Context) -> None:
        import zstandard  # noqa: PLC0415

        self._zstd, self._level = zstandard, int(options["level"])
        # Contexts serve one thread at a time; popping from a list and appending to it are atomic.
        self._compressors: list[Any] = []
        self._decompressors: list[Any] = []

    def apply(self, body: bytes, _header: bytes, _associated: bytes, /) -> bytes:
        """The zstd frame."""
        make, free = self._zstd.ZstdCompressor, self._compressors
        compressor = free.pop() if free else make(level=self._level)
        data: bytes = compressor.compress(body)
        free.append(compressor)
        return data

    def undo(self, body: Bytes, _header: bytes, _associated: bytes, limit: int, /) -> bytes:
        """The data of the frame, whose declared size is checked first."""
        free = self._decompressors
        try:
            size = self._zstd.frame_content_size(body)
            if not 0 <= size <= limit:
                raise TooLarge(f"expected a zstd frame of at most {limit} bytes, found one of {size}")
            decompressor = free.pop() if free else self._zstd.ZstdDecompressor()
            data: bytes = decompressor.decompress(body, max_output_size=limit, allow_extra_data=False)
        except self._zstd.ZstdError as error:
            raise Malformed(f"expected a zstd frame: {error}") from error
        free.append(decompressor)
        if len(data) != size:
            raise Malformed(f"expected {size} bytes from the zstd frame, found {len(data)}")
        return data
