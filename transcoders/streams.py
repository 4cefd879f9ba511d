"""What picklers and encoders take for files: one that keeps what is written, one that hands out bytes at once."""


class Sink:
    """A file whose write is list.append."""

    __slots__ = ("write",)

    def __init__(self, parts: list[bytes]) -> None:
        self.write = parts.append


class Source:
    """A file that hands out its data in one piece and is told at the end how much of it was read.

    Attributes:
        data: what is handed out next.
        used: bytes that were read of it, once the reader is done.
    """

    __slots__ = ("data", "used")

    def __init__(self) -> None:
        self.data = b""
        self.used = 0

    def peek(self, _size: int) -> bytes:
        """All of the data, whatever the size."""
        data, self.data = self.data, b""
        return data

    def read(self, size: int) -> bytes:
        """Nothing; an unpickler calls it with the bytes of `peek` that it has used."""
        self.used = size
        return b""

    def readline(self) -> bytes:
        """Nothing: there are no lines."""
        return b""
