"""Who waits for a lock in this process, and how a hint from the store finds them.

Each process has one channel with a name of its own. A waiter stands in the queue of its lock with that name, so that
whoever frees the lock can tell the process. The hint says "look", no more: it may come late, twice or never.
"""

import secrets
from typing import Any, Final, Generic, Protocol, TypeVar

from transcoders.sessions.stores.redis.wire import Lost, Refusal

PATIENCE: Final = 30_000
"""Milliseconds after which an entry in a queue counts for nothing, whatever became of its process."""
PAUSE: Final = 0.01
"""Seconds until a lost channel is connected again; twice as long at each further attempt."""
LONGEST: Final = 1.0
"""Seconds between two attempts at most."""


class Bell(Protocol):
    """An event of threads or of a loop."""

    def set(self) -> None:
        """Wake who waits."""
        ...

    def clear(self) -> None:
        """Be ready to wake again."""
        ...


B = TypeVar("B", bound=Bell)


class Waiter(Generic[B]):
    """One who waits for a lock.

    Attributes:
        bell: rung when it is time to look.
        handed: whether the store has said that the lock is the token's.
    """

    __slots__ = ("_entry", "_till", "bell", "handed")

    def __init__(self, bell: B) -> None:
        self.bell, self.handed, self._entry, self._till = bell, False, "", 0

    def entry(self, channel: str, token: str, now: int) -> str:
        """What stands in the queue for it, the same as before while that counts; `now` in milliseconds since 1970."""
        if now >= self._till:
            self._till = now + PATIENCE
            self._entry = f"{self._till}|{channel}|{token}"
        return self._entry

    @property
    def entered(self) -> str:
        """The entry it was last given; empty for none."""
        return self._entry


class Waiters(Generic[B]):
    """All who wait in this process, by token, and the channel they are told on.

    Attributes:
        channel: its name.
        refused: why nobody may listen to it; empty when that is not so.
    """

    def __init__(self) -> None:
        self.refused = ""
        self.channel = f"tc:w:{secrets.token_hex(8)}"
        self._waiters: dict[str, Waiter[B]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def find(self, token: str) -> Waiter[B] | None:
        """The waiter with the token, if it waits."""
        return self._waiters.get(token)

    def add(self, token: str, bell: B) -> Waiter[B]:
        """A new waiter."""
        waiter = self._waiters[token] = Waiter(bell)
        return waiter

    def remove(self, token: str) -> Waiter[B] | None:
        """The waiter, which waits no longer."""
        return self._waiters.pop(token, None)

    def told(self, message: object) -> None:
        """Take what came over the channel's connection: hints, and the answer to the subscription.

        Raises:
            Lost: the server does not let us listen.
        """
        if isinstance(message, Refusal):
            if message.code == "NOPERM":
                self.refused = "says that this user may not listen to the channels tc:w:*: see its ACL"
            raise Lost(f"it refuses: {message.code}", sent=False)
        self.refused = ""
        if isinstance(message, list) and len(message) == 3 and message[0] == b"message":
            token = message[2]
            if isinstance(token, bytes) and (waiter := self._waiters.get(token.decode("utf-8", "replace"))):
                waiter.handed = True
                waiter.bell.set()

    def wake(self) -> None:
        """Have everybody ask again: hints may have been lost."""
        for waiter in list(self._waiters.values()):
            waiter.bell.set()


class Listener(Protocol):
    """The connection on which the hints come, opened by the first who waits."""

    @property
    def channel(self) -> str:
        """The channel it listens to."""
        ...

    def find(self, token: str, /) -> Waiter[Any] | None:
        """The waiter with the token, if it waits."""
        ...

    @property
    def refused(self) -> str:
        """Why nobody may listen, as far as is known; empty when that is not so."""
        ...

    async def join(self, token: str, deadline: float, /) -> Waiter[Any]:
        """A new waiter. The channel is listened to when it returns, or could not be; that is tried again meanwhile."""
        ...

    def leave(self, token: str, /) -> Waiter[Any] | None:
        """The waiter, which waits no longer."""
        ...

    async def wait(self, token: str, seconds: float, /) -> None:
        """Return when its bell rings, or after so many seconds."""
        ...

    async def close(self) -> None:
        """Close the connection; a second close does nothing."""
        ...
