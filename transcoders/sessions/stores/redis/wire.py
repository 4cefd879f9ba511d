"""What the verbs need of a connection: bytes out, replies in, and how it fails.

There are two wires: `pool` never suspends, `lines` is awaited. Neither repeats anything: whether bytes may be sent
again is the verbs' decision, and `Lost` tells them what they must know for it.
"""

from collections.abc import Awaitable
from os import strerror
from typing import Final, Protocol

Reply = object
"""What a server answers: bytes, int, None, a list of these, or a Refusal."""
LARGE: Final = 16 << 10
"""Bytes of a request that others should not have to wait behind."""


class Refusal(Exception):  # noqa: N818 - a reply like any other, until somebody raises it
    """An error reply. Its text may repeat what was sent, so it is never shown; its code may.

    Attributes:
        behind: whether a command before it, in the same request, was carried out.
    """

    behind = False

    @property
    def code(self) -> str:
        """The first word of the reply, as NOSCRIPT or READONLY."""
        return str(self).partition(" ")[0]


class Lost(Exception):  # noqa: N818 - an answer that will not come
    """The connection failed.

    Attributes:
        sent: whether the server may have got the request, and may still carry it out.
        why: what happened, in words that hold nothing secret.
        late: whether there was only too little time; says less than what had happened before.
    """

    def __init__(self, why: str, *, sent: bool, late: bool = False) -> None:
        super().__init__(why)
        self.why, self.sent, self.late = why, sent, late


def reason(error: OSError) -> str:
    """What the system says of a failure, in its own words: libraries put addresses into them."""
    return (strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or "connection lost").lower()


class Wire(Protocol):
    """Requests to one server."""

    def call(
        self, request: bytes, replies: int, deadline: float, /, *, bulk: bool = False
    ) -> list[Reply] | Awaitable[list[Reply]]:
        """The replies to packed commands, in their order, refusals among them; or what is awaited for them.

        Args:
            request: the commands, packed.
            replies: how many there are.
            deadline: the moment on the monotonic clock at which to give up.
            bulk: whether the replies may be large.

        Raises:
            Lost: there was no connection, or it failed before the last reply; raised here, or when it is awaited.
            StoreError: the server will never let us in.
        """
        ...

    def renew(self, before: float, /) -> None:
        """Use no connection any more that was opened before that moment: another server may be there now."""
        ...

    async def pause(self, seconds: float, /) -> None:
        """Wait."""
        ...

    async def close(self) -> None:
        """Close every connection; a second close does nothing."""
        ...
