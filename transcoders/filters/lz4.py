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
    options: ClassVar[tuple[Option, ...]] = ()
    summary = "LZ4 block, fastest"
    extra = "lz4"

    __slots__ = ("_block",)

    def __init__(self, _options: Options, _context: Context) -> None:
        import lz4.block  # noqa: PLC0415

        self._block = lz4.block

    def apply(self, body: bytes, _header: bytes, _associated: bytes, /) -> bytes:
        """The size and the LZ4 block."""
        return self._block.compress(body, store_size=True)  # type: ignore[no-any-return]

    def undo(self, body: Bytes, _header: bytes, _associated: bytes, limit: int, /) -> bytes:
        """The data of the block."""
        if len(body) < 5:
            raise Truncated(f"expected a size and an LZ4 block, found {len(body)} bytes")
        size = int.from_bytes(body[:4], "little")
        if size > limit:
            raise TooLarge(f"expected an LZ4 block of at most {limit} bytes, found one of {size}")
        try:
            data: bytes = self._block.decompress(bytes(body))
        except (self._block.LZ4BlockError, ValueError) as error:
            raise Malformed(f"expected an LZ4 block: {error}") from error
        if len(data) != size:
            raise Malformed(f"expected {size} bytes from the LZ4 block, found {len(data)}")
        return data
