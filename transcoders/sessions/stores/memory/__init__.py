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

from transcoders.errors import SpecError, StoreError
from transcoders.options import Option
from transcoders.sessions import forks
from transcoders.sessions.clock import Clock
from transcoders.sessions.ports import ETAG, Acquired, Capabilities, Outcome
from transcoders.sessions.stores import split, wrote
from transcoders.sessions.stores.memory.ends import Ends
from transcoders.sessions.stores.memory.locks import Locks

MAX_RECORDS: Final = 1_000_000
MAX_BYTES: Final = 256 << 20
OVERHEAD: Final = 300
"""Bytes that a record takes beside its data: key, entry, end."""
_A_FEW: Final = 8
"""Ended things removed by one writer."""


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
        self._max_records, self._max_bytes, self._drop = max_records, max_bytes, full == "drop"
        self._mutex = threading.Lock()
        self._records: dict[str, tuple[bytes, float]] = {}
        self._bytes = 0
        self._ends = Ends(self._end)
        self._links: dict[str, dict[str, float]] = {}
        self._link_count = 0
        self._link_ends = Ends(self._link_end)
        self._locks = Locks()
        forks.watch(self)

    def after_fork(self) -> None:
        """In a child: another thread may have held the mutex."""
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
            there = self._alive(key, now)
            if there is None:
                self._put(key, data, now, ttl)
        return there is None or there == data

    def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """Replace the record whose etag is `base`; with a token, also release its lock, whatever the outcome."""
        with self._mutex:
            now = self._tick()
            if token:
                self._locks.release(key, token, now)
            there = self._alive(key, now)
            if there is None:
                return Outcome.GONE
            if there[ETAG] != base:
                return Outcome.SAVED if wrote(there, data) else Outcome.STALE
            self._put(key, data, now, ttl)
            return Outcome.SAVED

    def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """Give the record a new time to live; False when there is none. With a token, also release its lock."""
        with self._mutex:
            now = self._tick()
            if token:
                self._locks.release(key, token, now)
            there = self._alive(key, now)
            if there is not None:
                self._put(key, there, now, ttl)
        return there is not None

    def delete(self, key: str, token: str = "", /) -> bool:
        """Remove the record; False when there was none. With a token, also release its lock."""
        with self._mutex:
            now = self._tick()
            if token:
                self._locks.release(key, token, now)
            there = self._alive(key, now)
            if there is not None:
                self._remove(key)
        return there is not None

    def move(  # noqa: PLR0913, PLR0917 - see Store.move
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """Put the record under a new key and remove the old one, whose etag is `base`, in one step. See Store.move."""
        with self._mutex:
            now = self._tick()
            if token:
                self._locks.release(old, token, now)
            if there := self._alive(new, now):
                return Outcome.SAVED if wrote(there, data) else Outcome.STALE
            there = self._alive(old, now)
            if there is None:
                return Outcome.GONE
            if there[ETAG] != base:
                return Outcome.STALE
            self._replace(old, trail, new, data, now, ttl=ttl, grace=grace)
            return Outcome.SAVED

    def _replace(  # noqa: PLR0913 - two records change at once
        self, old: str, trail: bytes, new: str, data: bytes, now: float, *, ttl: int, grace: int
    ) -> None:
        """Remove one record, or leave a trail in its place, and set another; nothing when there is no room."""
        before = self._records[old]
        self._remove(old)
        try:
            if trail:
                self._put(old, trail, now, grace)
            self._put(new, data, now, ttl)
        except StoreError:
            if old in self._records:
                self._remove(old)
            self._records[old] = before
            self._bytes += len(before[0]) + OVERHEAD
            self._ends.add(old, before[1])
            raise

    def _alive(self, key: str, now: float) -> bytes | None:
        """The record; one whose time is over is removed."""
        record = self._records.get(key)
        if record is None:
            return None
        if record[1] <= now:
            self._remove(key)
            return None
        return record[0]

    def _put(self, key: str, data: bytes, now: float, ttl: int) -> None:
        """Set the record, if there is room for it.

        Raises:
            StoreError: the store is full.
        """
        end = now + ttl / 1000 if ttl else inf
        there = self._records.get(key)
        if there is None:
            self._sweep(now)
            grown, noted = len(data) + OVERHEAD, inf
        else:
            grown, noted = len(data) - len(there[0]), there[1]
        if (grown > 0 and self._bytes + grown > self._max_bytes) or (there is None and self._full()):
            self._make_room(key, grown, now)
            noted = inf
        self._bytes += grown
        self._records[key] = data, end
        if end < noted:
            self._ends.add(key, end)

    def _full(self) -> bool:
        return len(self._records) >= self._max_records

    def _make_room(self, key: str, grown: int, now: float) -> None:
        """Remove what has ended, or, where the store drops, what ends first; but not the record that needs the room."""
        new = key not in self._records
        while self._bytes + grown > self._max_bytes or (new and self._full()):
            first = self._ends.first(inf if self._drop else now)
            if first is None:
                raise StoreError(
                    f"the memory store is full: {len(self._records)} sessions in {self._bytes} bytes, of at most "
                    f"{self._max_records} and {self._max_bytes} (max_records, max_bytes), and none of them has expired"
                )
            if first != key:
                self._remove(first)

    def _remove(self, key: str) -> None:
        self._bytes -= len(self._records.pop(key)[0]) + OVERHEAD

    def _end(self, key: str) -> float | None:
        record = self._records.get(key)
        return None if record is None else record[1]

    def _sweep(self, now: float) -> None:
        """Remove a few records that have ended, in the order in which they did."""
        if self._ends.crowded(len(self._records)):
            self._ends.renew(self._records)
        for _ in range(_A_FEW):
            key = self._ends.first(now)
            if key is None:
                return
            self._remove(key)

    # ------------------------------------------------------------------------------------------------ locks

    def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """Take the lock of the key, or join the queue of those who wait for it, and read the record with it."""
        with self._mutex:
            now = self._tick()
            wait = self._locks.acquire(key, token, now + ttl / 1000 if ttl else inf, now)
            return Acquired(wait, None if wait else self._alive(key, now))

    def renew(self, key: str, token: str, ttl: int, /) -> bool:
        """Hold the lock for so long from now; False when it is not the token's any more."""
        with self._mutex:
            now = self._tick()
            return self._locks.renew(key, token, now + ttl / 1000 if ttl else inf, now)

    def release(self, key: str, token: str, /) -> None:
        """Hand the lock on if it is the token's, and leave the queue if it waits there."""
        with self._mutex:
            self._locks.release(key, token, self._tick())

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
            self._sweep_links(now)
            end = now + ttl / 1000 if ttl else inf
            links = self._links.setdefault(principal, {})
            noted = links.get(key)
            links[key] = end
            if noted is None:
                self._link_count += 1
            if noted is None or end < noted:
                self._link_ends.add(f"{principal} {key}", end)

    def unlink(self, principal: str, key: str, /) -> None:
        """Forget that."""
        with self._mutex:
            self._unlink(principal, key)

    def linked(self, principal: str, /) -> list[str]:
        """The keys noted for a principal; those whose time is over are left out, ended ones may be among them."""
        with self._mutex:
            now = self._tick()
            return [key for key, end in self._links.get(principal, {}).items() if end > now]

    def _unlink(self, principal: str, key: str) -> None:
        links = self._links.get(principal, {})
        if links.pop(key, None) is not None:
            self._link_count -= 1
            if not links:
                del self._links[principal]

    def _link_end(self, name: str) -> float | None:
        principal, _, key = name.partition(" ")
        return self._links.get(principal, {}).get(key)

    def _sweep_links(self, now: float) -> None:
        """Forget a few links that have ended."""
        if self._link_ends.crowded(self._link_count):
            self._link_ends.renew(f"{principal} {key}" for principal, links in self._links.items() for key in links)
        for _ in range(_A_FEW):
            name = self._link_ends.first(now)
            if name is None:
                return
            principal, _, key = name.partition(" ")
            self._unlink(principal, key)

    def close(self) -> None:
        """The sessions stay, for those who share the store; they go with it."""


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
