"""Locks in this process: handed over in turn, never raced for.

Whoever asks for a lock that another holds stands in its queue. A release makes the first of the queue the holder, for
the time of a claim; one who does not claim the lock by asking again loses it to the next. A holder whose time is over
is no holder: whoever asks next hands the lock on.

Callers hold the store's mutex. What is woken must not call the store.
"""

from collections.abc import Callable
from math import ceil, inf
from typing import Final

CLAIM: Final = 1.0
"""Seconds in which a lock that was handed over is claimed, before the next in the queue gets it."""
FOR_EVER: Final = 1 << 31
"""Milliseconds said to those who wait for a lock that has no end."""
_ABANDONED: Final = 60.0
"""Seconds after the end of a lock when whoever stands in its queue has not asked for so long that nobody will."""
_FEW: Final = 1000
"""Locks that may be there before those are looked for that nobody let go."""


class _Lock:
    """A lock: whose it is, until when, and who waits for it."""

    __slots__ = ("end", "queue", "token")

    def __init__(self, token: str, end: float) -> None:
        self.token, self.end = token, end
        self.queue: dict[str, None] = {}


class Locks:
    """The locks of a store, by key."""

    def __init__(self) -> None:
        self._locks: dict[str, _Lock] = {}
        self._many = _FEW
        self._unclaimed: set[str] = set()
        self._wakes: dict[str, Callable[[], object]] = {}

    def acquire(self, key: str, token: str, end: float, now: float) -> int:
        """Take the lock until `end`: 0. Or stand in its queue: the milliseconds until its holder's time is over."""
        lock = self._locks.get(key)
        if lock is None:
            if len(self._locks) >= self._many:
                self._sweep(now)
            self._locks[key] = _Lock(token, end)
            return 0
        if lock.token != token or lock.end <= now:
            lock.queue.setdefault(token)
        if lock.end <= now:
            self._hand(key, lock, now)
        if lock.token == token:
            self._unclaimed.discard(token)
            lock.end = end
            return 0
        return FOR_EVER if lock.end == inf else ceil((lock.end - now) * 1000)

    def renew(self, key: str, token: str, end: float, now: float) -> bool:
        """Hold the lock until `end`; False when it is not the token's any more."""
        lock = self._locks.get(key)
        if lock is None or lock.token != token or lock.end <= now:
            return False
        lock.end = end
        return True

    def release(self, key: str, token: str, now: float) -> None:
        """Hand the lock on if it is the token's, else leave its queue."""
        lock = self._locks.get(key)
        if lock is None:
            return
        if lock.token == token:
            self._hand(key, lock, now)
        else:
            lock.queue.pop(token, None)

    def _hand(self, key: str, lock: _Lock, now: float) -> None:
        """Make the first of the queue the holder; without a queue there is no lock any more."""
        self._unclaimed.discard(lock.token)
        token = next(iter(lock.queue), None)
        if token is None:
            del self._locks[key]
            return
        del lock.queue[token]
        lock.token, lock.end = token, now + CLAIM
        self._unclaimed.add(token)
        if wake := self._wakes.get(token):
            wake()

    def watch(self, token: str, wake: Callable[[], object]) -> None:
        """Have it woken when a lock is handed to the token; at once when one was and is not claimed yet."""
        self._wakes[token] = wake
        if token in self._unclaimed:
            wake()

    def unwatch(self, token: str) -> None:
        """Forget the token."""
        self._wakes.pop(token, None)

    def _sweep(self, now: float) -> None:
        """Remove locks that nobody let go of and nobody waits for, so that their number stays near the living."""
        for key, lock in list(self._locks.items()):
            if lock.end + (_ABANDONED if lock.queue else 0.0) <= now:
                self._unclaimed.discard(lock.token)
                del self._locks[key]
        self._many = max(_FEW, 2 * len(self._locks))
