"""The one door to hiredis: commands to bytes, bytes to replies."""

from collections.abc import Callable
from typing import Final, Protocol

from transcoders.errors import MissingExtra
from transcoders.sessions.stores.redis.wire import Refusal, Reply

Argument = str | bytes | int
Command = tuple[Argument, ...]
PENDING: Final = object()
"""What a reader answers while a reply is not complete."""


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

    return lambda commands: b"".join(map(pack, commands))


def unpacked(request: bytes) -> tuple[Command, ...]:
    """The commands of a packed request, their arguments in bytes."""
    commands, source = [], reader()
    source.feed(request)
    while isinstance(command := source.gets(), list):
        commands.append(tuple(command))
    return tuple(commands)


def reader() -> Reader:
    """A new reader; bytes stay bytes, error replies become Refusals."""
    from hiredis import Reader  # noqa: PLC0415 - at use

    return Reader(protocolError=Refusal, replyError=Refusal, notEnoughData=PENDING)
