"""The one door to hiredis: commands to bytes, bytes to replies."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from transcoders.errors import MissingExtra
from transcoders.sessions.stores.redis.wire import Refusal, Reply

Argument = str | bytes | int
Command = tuple[Argument, ...]
PENDING: Final = object()
"""What a reader answers while a reply is not complete."""
_COPIED = 4096
"""Bytes of a value up to which packing it whole is quicker."""


class Reader(Protocol):
    """Replies out of a stream of bytes."""

    def feed(self, data: bytes, /) -> None:
        """Take bytes as they came."""
        ...

    def has_data(self) -> bool:
        """Whether there are bytes behind the last reply."""
        ...

    def gets(self) -> Reply:
        """The next reply, or PENDING. Raises Refusal on bytes that are no RESP."""
        ...


def packer() -> Callable[[tuple[Command, ...]], bytes]:
    """The function that packs commands into a request; raises MissingExtra."""
    try:
        from hiredis import pack_command  # noqa: PLC0415 - at use
    except ImportError:
        raise MissingExtra("a Redis or Valkey store", "redis") from None
    pack: Callable[[Command], bytes] = pack_command  # type: ignore[assignment] # its stub wants tuples of one item

    def packed(commands: tuple[Command, ...]) -> bytes:
        if len(commands) == 1 and commands[0][0] != "SET":
            return pack(commands[0])
        parts: list[bytes] = []
        for command in commands:
            if command[0] == "SET" and isinstance(command[2], bytes) and len(command[2]) > _COPIED:
                parts += _spread(command)
            else:
                parts.append(pack(command))
        return b"".join(parts)

    return packed


def _spread(command: Command) -> Iterator[bytes]:
    """The pieces of a packed command, its arguments as they are: hiredis copies a large one more than once."""
    yield b"*%d\r\n" % len(command)
    for argument in command:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        yield b"$%d\r\n" % len(data)
        yield data
        yield b"\r\n"


def reader() -> Reader:
    """A new reader; bytes stay bytes, error replies become Refusals."""
    from hiredis import Reader  # noqa: PLC0415 - at use

    return Reader(protocolError=Refusal, replyError=Refusal, notEnoughData=PENDING)
