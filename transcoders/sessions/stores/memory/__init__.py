"""Sessions in this process: the reference for what a store does, and the fastest of them.

Records are kept as they come, without a copy, behind one mutex that is held for a microsecond; reading takes none.
What has expired is removed by those who add something, a few at a time, in the order in which it ended.

The store is bounded, by records and by bytes. When nothing has expired that could make room, a new record or one that
grows is refused: a session never vanishes without a word. `full=drop` chooses otherwise: those that would end soonest
go.

Other processes see nothing of it, and a child process keeps its own copy from the fork on.
"""

import threading
from collections.abc import Callable
from math import inf
from typing import Final

from transcoders.errors import SpecError
from transcoders.options import Option
from transcoders.sessions import forks
from transcoders.sessions.clock import Clock
from transcoders.sessions.ports import ETAG, Acquired, Capabilities, Outcome
from transcoders.sessions.stores import split, wrote
from transcoders.sessions.stores.memory.links import Links
from transcoders.sessions.stores.memory.locks import Locks
from transcoders.sessions.stores.memory.shelf import Shelf

MAX_RECORDS: Final = 1_000_000
MAX_BYTES: Final = 256 << 20
_GONE, _SAVED, _STALE = Outcome  # looking one up takes as long as comparing two etags
_answer = tuple.__new__  # of a NamedTuple, in half of the time


class MemoryStore:
    """A store in this process; it never waits for anything.

    Args:
        max_records: records it holds at most.
        max_bytes: bytes it holds at most, counting 300 for each record beside its data.
        full: what to do when it is full of sessions that have not expired: `refuse` new ones and those that grow, with
            a StoreError, or `drop` those that would end soonest.
        clock: the time; the machine's own when there is none.
    """

    options: Final = (
        Option("max_records", "int", MAX_RECORDS, "records it holds at most", low=1, high=1 << 40),
        Option("max_bytes", "int", MAX_BYTES, "bytes it holds at most", low=1 << 10, high=1 << 50),
        Option("full", "choice", "refuse", "what to do when it is full", choices=("refuse", "drop")),
    )
    capabilities: Final = Capabilities("memory", instant=True, shared=False)

    def __init__(
        self,
        *,
        max_records: int = MAX_RECORDS,
        max_bytes: int = MAX_BYTES,
        full: str = "refuse",
        clock: Clock | None = None,
    ) -> None:
        self._tick = (clock or Clock()).tick
        self._shelf = Shelf(max_records, max_bytes, drop=full == "drop")
        self._records, self._put = self._shelf.records, self._shelf.put
        self._links = Links()
        self._locks = Locks()
        self._lock, self._let_go = self._locks.acquire, self._locks.release
        self._mutex = threading.Lock()
        forks.watch(self)

    def before_fork(self) -> None:
        """Let nobody be halfway when the process is copied."""
        self._mutex.acquire()

    def resume(self) -> None:
        """Go on, in the parent."""
        self._mutex.release()

    def after_fork(self) -> None:
        """Go on, in the child, with what there was."""
        self._mutex = threading.Lock()

    # ------------------------------------------------------------------------------------------------ records

    def load(self, key: str, /) -> bytes | None:
        """The record; None when there is none, or its time is over."""
        record = self._records.get(key)  # without the mutex: an entry is replaced whole
        return None if record is None or record[1] <= self._tick() else record[0]

    def create(self, key: str, data: bytes, ttl: int, /) -> bool:
        """Store a record where there is none; False when there is another one. A repeated create is True."""
        with self._mutex:
            now = self._tick()
            there = self._shelf.alive(key, now)
            if there is None:
                self._shelf.put(key, data, now + ttl / 1000 if ttl else inf, now)
        return there is None or there == data

    def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """Replace the record whose etag is `base`; with a token, also release its lock, whatever the outcome."""
        with self._mutex:
            now = self._tick()
            if token:
                self._let_go(key, token, now)
            record = self._records.get(key)
            if record is None or record[1] <= now:
                return _GONE
            if record[0][4:12] != base:  # ports.ETAG; a slice with a name takes longer than one without
                return _SAVED if wrote(record[0], data) else _STALE
            self._put(key, data, now + ttl / 1000 if ttl else inf, now)
            return _SAVED

    def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """Give the record a new time to live; False when there is none. With a token, also release its lock."""
        with self._mutex:
            now = self._tick()
            if token:
                self._let_go(key, token, now)
            there = self._shelf.alive(key, now)
            if there is not None:
                self._shelf.put(key, there, now + ttl / 1000 if ttl else inf, now)
        return there is not None

    def delete(self, key: str, token: str = "", /) -> bool:
        """Remove the record; False when there was none. With a token, also release its lock."""
        with self._mutex:
            now = self._tick()
            if token:
                self._let_go(key, token, now)
            there = self._shelf.alive(key, now)
            if there is not None:
                self._shelf.remove(key)
        return there is not None

    def move(  # noqa: PLR0913, PLR0917 - see Store.move
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """Put the record under a new key and remove the old one, whose etag is `base`, in one step. See Store.move."""
        shelf = self._shelf
        with self._mutex:
            now = self._tick()
            if token:
                self._let_go(old, token, now)
            if (there := shelf.alive(new, now)) is not None:
                return Outcome.SAVED if wrote(there, data) else Outcome.STALE
            if (there := shelf.alive(old, now)) is None:
                return Outcome.GONE
            if there[ETAG] != base:
                return Outcome.STALE
            end, grace_end = (now + each / 1000 if each else inf for each in (ttl, grace))
            shelf.replace(old, trail, grace_end, new, data, end, now)
            return Outcome.SAVED

    # ------------------------------------------------------------------------------------------------ locks

    def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """Take the lock of the key, or join the queue of those who wait for it, and read the record with it."""
        with self._mutex:
            now = self._tick()
            wait = self._lock(key, token, now + ttl / 1000 if ttl else inf, now)
            record = None if wait else self._records.get(key)
            data = None if record is None or record[1] <= now else record[0]
            return _answer(Acquired, (wait, data))

    def renew(self, key: str, token: str, ttl: int, /) -> bool:
        """Hold the lock for so long from now; False when it is not the token's any more."""
        with self._mutex:
            now = self._tick()
            return self._locks.renew(key, token, now + ttl / 1000 if ttl else inf, now)

    def release(self, key: str, token: str, /) -> None:
        """Hand the lock on if it is the token's, and leave the queue if it waits there."""
        with self._mutex:
            self._let_go(key, token, self._tick())

    def watch(self, token: str, wake: Callable[[], object], /) -> None:
        """Have `wake` called when the lock is handed to the token, or was already; it must not call the store."""
        with self._mutex:
            self._locks.watch(token, wake)

    def unwatch(self, token: str, /) -> None:
        """Forget the token."""
        with self._mutex:
            self._locks.unwatch(token)

    # ------------------------------------------------------------------------------------------------ principals

    def link(self, principal: str, key: str, ttl: int, /) -> None:
        """Note that the record under the key is a session of the principal, for so long."""
        with self._mutex:
            now = self._tick()
            self._links.add(principal, key, now + ttl / 1000 if ttl else inf, now)

    def unlink(self, principal: str, key: str, /) -> None:
        """Forget that."""
        with self._mutex:
            self._links.remove(principal, key)

    def linked(self, principal: str, /) -> list[str]:
        """The keys noted for a principal; those whose time is over are left out, ended ones may be among them."""
        with self._mutex:
            return self._links.of(principal, self._tick())

    def close(self) -> None:
        """Nothing: the sessions stay for others that were given the store, and go with the last of them."""


def connect(url: str, /, *, asynchronous: bool, clock: Clock, operation_timeout: float) -> MemoryStore:  # noqa: ARG001
    """The store that `memory:` names: a new one each time; pass a MemoryStore to those who shall share one.

    Raises:
        SpecError: something stands behind the colon that is no option.
    """
    place, given = split(url, MemoryStore.options)
    if place not in {"", "//"}:
        raise SpecError("expected memory: or memory:?max_records=1000; found something else behind the colon")
    records, most, full = int(given["max_records"]), int(given["max_bytes"]), str(given["full"])
    return MemoryStore(max_records=records, max_bytes=most, full=full, clock=clock)
