"""Zstandard (RFC 8878) over the zstandard package, with dictionaries: one to write with, any number to read.

The size that a frame declares is checked before anything is decompressed, because the library takes memory for
whatever it says; a frame that declares none is refused. With a declared size the window needs no memory beyond it.
"""

from functools import partial
from typing import Any, ClassVar

from transcoders.codecs import Context
from transcoders.dictionary import Dictionary, by_id, gather, library, read
from transcoders.errors import DecodeError, Malformed, Refused, TooLarge
from transcoders.filters import Rank
from transcoders.frame import Bytes
from transcoders.options import Option, Options

LEVEL = 3
LEAST = 500
"""Bytes below which compression saves next to nothing."""
LEAST_KNOWN = 64
"""The same with a dictionary: the frame itself takes 8 to 10."""
_MAGIC = b"\x28\xb5\x2f\xfd"


class ZstdFilter:
    """The filter named `zstd`."""

    tag = 2
    rank = Rank.COMPRESS
    options: ClassVar[tuple[Option, ...]] = (
        Option("level", "int", LEVEL, "1 is fast, 19 is small", 1, 19),
        Option("dict", "path", None, "dictionary to write and read with, made by transcoders train"),
        Option("read", "path", None, "more dictionaries to read: files, or folders of *.dict; semicolons between"),
        Option("min", "int", None, f"leave shorter bodies alone: {LEAST}, with dict {LEAST_KNOWN}", 0, 1 << 40),
    )
    summary = "RFC 8878 over zstandard"
    extra = "zstd"

    __slots__ = ("_compressor", "_compressors", "_decompressors", "_dictionaries", "_least", "_zstd")

    def __init__(self, options: Options, _context: Context) -> None:
        zstd = self._zstd = library()
        level, own = int(options["level"]), _read(options)
        self._dictionaries = {0: None} | {number: one.digested() for number, one in by_id(own).items()}
        writing = self._dictionaries[own[0].id] if "dict" in options else None
        if writing:
            writing.precompute_compress(level=level)
        self._least = int(options.get("min", LEAST_KNOWN if writing else LEAST))
        self._compressor = partial(zstd.ZstdCompressor, level=level, dict_data=writing)
        # Contexts serve one thread at a time; popping from a list and appending to it are atomic.
        self._compressors: list[Any] = []
        self._decompressors: dict[int, list[Any]] = {number: [] for number in self._dictionaries}

    def apply(self, body: bytes, _header: bytes, _associated: bytes, /) -> bytes:
        """The zstd frame; a short body as it is."""
        if len(body) < self._least:
            return body
        free = self._compressors
        try:
            compressor = free.pop()
        except IndexError:
            compressor = self._compressor()
        data: bytes = compressor.compress(body)
        free.append(compressor)
        return data

    def undo(self, body: Bytes, _header: bytes, _associated: bytes, limit: int, /) -> bytes:
        """The data of the one frame, whose declared size is checked first."""
        zstd = self._zstd
        try:
            frame = zstd.get_frame_parameters(body)
        except zstd.ZstdError as error:
            raise Malformed(f"expected a zstd frame: {error}") from error
        if not 0 < frame.content_size <= limit:
            raise _beyond(frame.content_size, limit)
        free = self._decompressors.get(frame.dict_id)
        if free is None:
            raise self._unknown(body, frame.dict_id)
        try:
            decompressor = free.pop()
        except IndexError:
            decompressor = zstd.ZstdDecompressor(dict_data=self._dictionaries[frame.dict_id])
        try:
            # By position, for half the time: no limit but the declared size, one frame, nothing behind it.
            return decompressor.decompress(body, 0, False, False)  # type: ignore[no-any-return]  # noqa: FBT003
        except zstd.ZstdError as error:
            raise Malformed(f"expected a zstd frame: {error}") from error
        finally:
            free.append(decompressor)

    def _unknown(self, body: Bytes, number: int) -> DecodeError:
        if body[:4] != _MAGIC:
            return Malformed("expected a zstd frame, found a skippable one")
        known = ", ".join(str(one) for one in self._dictionaries if one) or "none"
        return Refused(f"the frame needs zstd dictionary {number}, this transcoder has {known}: add zstd:read=FILE")


def _read(options: Options) -> list[Dictionary]:
    own = [read(str(options["dict"]))] if "dict" in options else []
    return [*own, *gather(str(options["read"]))] if "read" in options else own


def _beyond(size: int, limit: int) -> DecodeError:
    if not size:
        return Malformed("expected a zstd frame with data, found an empty or a skippable one")
    if size == (1 << 64) - 1:
        return TooLarge("expected a zstd frame that declares its size, found one that could expand to any")
    return TooLarge(f"expected a zstd frame of at most {limit} bytes, found one of {size}")
