"""The one door to hiredis: commands to bytes, bytes to replies."""

from collections.abc import Callable
from typing import Final, Protocol

from transcoders.errors import MissingExtra
from transcoders.sessions.stores.redis.wire import Refusal, Reply

Argument = str | bytes | int
Command = tuple[Argument, ...]
PENDING: Final = object()
"""What a reader answers while a reply is not complete."""
_COPIED = 4096
"""Bytes of a value up to which packing it whole is quicker."""
_COUNT = len(b"*3\r\n")
"""Bytes before the arguments of a packed command, of which there are less than ten."""


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
            if command[0] == "SET" and type(command[2]) is bytes and len(command[2]) > _COPIED and len(command) > 3:
                parts += _spread(command, command[2], pack)
            else:
                parts.append(pack(command))
        return b"".join(parts)

    return packed


def _spread(command: Command, value: bytes, pack: Callable[[Command], bytes]) -> tuple[bytes, bytes, bytes]:
    """A packed command around its third argument, the value, as it is: hiredis copies a large one more than once."""
    key, rest = pack(command[:2])[_COUNT:], pack(command[3:])[_COUNT:]
    return b"*%d\r\n%b$%d\r\n" % (len(command), key, len(value)), value, b"\r\n" + rest


def get(name: str) -> bytes:
    """The packed command that nearly every request sends, which takes half the time here."""
    key = name.encode()
    return b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(key), key)


def reader() -> Reader:
    """A new reader; bytes stay bytes, error replies become Refusals."""
    from hiredis import Reader  # noqa: PLC0415 - at use

    return Reader(protocolError=Refusal, replyError=Refusal, notEnoughData=PENDING)
