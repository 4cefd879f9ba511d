"""What the core asks of the world: a store that keeps bytes under keys, and a port that waits and knows the time.

A store is written by hand for each database, in plain blocking methods (`Store`). The core speaks to a `Port`: the same
verbs as coroutines, plus time and waiting. `runtime` turns any Store into a Port for threads or for asyncio; a store
with a native asynchronous client is a Port itself.

Keys are texts without spaces; the hash of a session id behind a prefix, never the id. Data is what `record` builds.
The etag of a record is its bytes 4 to 11: the compare-and-set operand, which a store compares without parsing. All
times to live are milliseconds; 0 is for ever. Verbs may be repeated: whoever gets no answer may ask again.

Locks are handed over, not raced for: `acquire` puts the token into the queue of the key, `release` writes the next
token into the lock, and the process that waits with it is woken. The truth is in the store; waking is a hint.
"""

from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any, Final, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

ETAG: Final = slice(4, 12)
"""Where the compare-and-set operand stands in a record: its write counter (4 bytes), the id of its last write (4)."""


class Outcome(IntEnum):
    """What became of a write."""

    GONE = 0
    """There is no record under the key: a logout is final, nothing was written."""
    SAVED = 1
    """The record is the new one; also when an earlier try of the same write had saved it."""
    STALE = 2
    """Another record stands there than the one the write was based on; nothing was written."""


class Capabilities(NamedTuple):
    """What a store is like.

    Attributes:
        name: as in its URL, for messages and statistics.
        instant: its verbs never wait for anything, so that asyncio calls them in place.
        shared: whether other processes see the same sessions.
        wakes: whether it wakes waiters of other processes; where it does not, they ask again every `recheck`.
        recheck: seconds after which a waiter asks again without being woken.
    """

    name: str
    instant: bool = False
    shared: bool = True
    wakes: bool = True
    recheck: float = 0.5


class Acquired(NamedTuple):
    """The answer to `acquire`.

    Attributes:
        wait: 0 when the lock is held by the token now; else the milliseconds until its holder's time is over.
        data: the record, read after the lock was taken; None when there is none, or while the lock is not held.
    """

    wait: int
    data: bytes | None


class Store(Protocol):
    """A place for records, in blocking verbs that any number of threads may call.

    Every verb raises StoreError when the store cannot be reached or refuses, and nothing else.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the store is like."""
        ...

    def load(self, key: str, /) -> bytes | None:
        """The record; None when there is none, or its time is over."""
        ...

    def create(self, key: str, data: bytes, ttl: int, /) -> bool:
        """Store a record where there is none; False when there is another one. A repeated create is True."""
        ...

    def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """Replace the record whose etag is `base`; with a token, also release its lock, whatever the outcome."""
        ...

    def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """Give the record a new time to live; False when there is none. With a token, also release its lock."""
        ...

    def delete(self, key: str, token: str = "", /) -> bool:
        """Remove the record; False when there was none. With a token, also release its lock."""
        ...

    def move(  # noqa: PLR0913, PLR0917 - one step, so that no moment has both records or neither
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """Put the record under a new key and remove the old one, whose etag is `base`, in one step.

        Args:
            old: the key it stands under.
            new: the key it goes to, where nothing stands.
            data: the record, built anew.
            base: the etag of the record it was built from.
            ttl: of the new record.
            trail: what to leave under the old key; empty for nothing.
            grace: milliseconds for which the trail stays.
            token: of the lock on the old key, which is released, whatever the outcome.
        """
        ...

    def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """Take the lock of the key, or join the queue of those who wait for it, and read the record with it."""
        ...

    def renew(self, key: str, token: str, ttl: int, /) -> bool:
        """Hold the lock for so long from now; False when it is not the token's any more."""
        ...

    def release(self, key: str, token: str, /) -> None:
        """Hand the lock on if it is the token's, and leave the queue if it waits there."""
        ...

    def watch(self, token: str, wake: Callable[[], object], /) -> None:
        """Have `wake` called, by any thread, when the lock is handed to the token, or was already; until `unwatch`.

        It must not call the store: it may be called in the middle of a release.
        """
        ...

    def unwatch(self, token: str, /) -> None:
        """Forget the token."""
        ...

    def link(self, principal: str, key: str, ttl: int, /) -> None:
        """Note that the record under the key is a session of the principal, for so long."""
        ...

    def unlink(self, principal: str, key: str, /) -> None:
        """Forget that."""
        ...

    def linked(self, principal: str, /) -> list[str]:
        """The keys noted for a principal; those whose time is over are left out, ended ones may be among them."""
        ...

    def close(self) -> None:
        """Let go of connections and threads; a second close does nothing."""
        ...


class Port(Protocol):
    """The verbs of a Store as coroutines, and the time. See `Store` for what each does."""

    @property
    def capabilities(self) -> Capabilities:
        """What the store is like."""
        ...

    async def load(self, key: str, /) -> bytes | None:
        """See Store.load."""
        ...

    async def create(self, key: str, data: bytes, ttl: int, /) -> bool:
        """See Store.create."""
        ...

    async def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """See Store.save."""
        ...

    async def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """See Store.touch."""
        ...

    async def delete(self, key: str, token: str = "", /) -> bool:
        """See Store.delete."""
        ...

    async def move(  # noqa: PLR0913, PLR0917 - see Store.move
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """See Store.move."""
        ...

    async def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """See Store.acquire."""
        ...

    async def release(self, key: str, token: str, /) -> None:
        """See Store.release."""
        ...

    async def link(self, principal: str, key: str, ttl: int, /) -> None:
        """See Store.link."""
        ...

    async def unlink(self, principal: str, key: str, /) -> None:
        """See Store.unlink."""
        ...

    async def linked(self, principal: str, /) -> list[str]:
        """See Store.linked."""
        ...

    async def close(self) -> None:
        """See Store.close."""
        ...

    async def wait(self, key: str, token: str, seconds: float, /) -> None:
        """Return when the lock was handed to the token, or after so many seconds; it may return early."""
        ...

    async def shield(self, work: Coroutine[Any, Any, T], /) -> T:
        """The result of the work, which goes on to its end even when the caller is cancelled."""
        ...

    def keep(self, key: str, token: str, ttl: int, /) -> None:
        """Renew the lock every third of its time, from now until `forget`."""
        ...

    def forget(self, token: str, /) -> None:
        """Stop renewing it."""
        ...

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def tick(self) -> float:
        """Seconds of a clock that never goes back."""
        ...
