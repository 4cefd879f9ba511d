"""LZ4 block format over the lz4 package; the uncompressed size stands first, 4 bytes, little-endian.

That size is checked before anything is decompressed, because the library takes memory for whatever it says.
"""

from typing import ClassVar

from transcoders.codecs import Context
from transcoders.errors import Malformed, TooLarge, Truncated
from transcoders.filters import Rank
from transcoders.frame import Bytes
from transcoders.options import Option, Options


class Lz4Filter:
    """The filter named `lz4`."""

    tag = 3
    rank = Rank.COMPRESS
    options: ClassVar[tuple[Option, ...]] = (
        Option("min", "int", 500, "leave bodies of fewer bytes alone", 0, 1 << 40),
    )
    summary = "LZ4 block, fastest"
    extra = "lz4"

    __slots__ = ("_block", "_least")

    def __init__(self, options: Options, _context: Context) -> None:
        import lz4.block  # noqa: PLC0415

        self._block, self._least = lz4.block, int(options["min"])

    def apply(self, body: bytes, _header: bytes, _associated: bytes, /) -> bytes:
        """The size and the LZ4 block; a short body as it is."""
        return self._block.compress(body) if len(body) >= self._least else body

    def undo(self, body: Bytes, _header: bytes, _associated: bytes, limit: int, /) -> bytes:
        """The data of the block."""
        if len(body) < 5:
            raise Truncated(f"expected a size and an LZ4 block, found {len(body)} bytes")
        size = int.from_bytes(body[:4], "little")
        if size > limit:
            raise TooLarge(f"expected an LZ4 block of at most {limit} bytes, found one of {size}")
        try:
            return self._block.decompress(body)  # type: ignore[no-any-return]  # it checks the size, too
        except (self._block.LZ4BlockError, ValueError) as error:
            raise Malformed(f"expected an LZ4 block: {error}") from error
