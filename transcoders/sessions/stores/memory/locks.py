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


class Locks:
    """The locks of a store, by key: each a token and an end, and a queue beside it while somebody waits."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[str, float]] = {}
        self._queues: dict[str, dict[str, None]] = {}
        self._many = _FEW
        self._unclaimed: set[str] = set()
        self._wakes: dict[str, Callable[[], object]] = {}

    def acquire(self, key: str, token: str, end: float, now: float) -> int:
        """Take the lock until `end`: 0. Or stand in its queue: the milliseconds until its holder's time is over."""
        locks = self._locks
        if key in locks:
            return self._stand(key, token, end, now)
        if len(locks) >= self._many:
            self._sweep(now)
        locks[key] = token, end
        return 0

    def _stand(self, key: str, token: str, end: float, now: float) -> int:
        holder, until = self._locks[key]
        if holder != token or until <= now:
            self._queues.setdefault(key, {}).setdefault(token)
        if until <= now:
            self._hand(key, now)
            holder, until = self._locks[key]
        if holder == token:
            self._unclaimed.discard(token)
            self._locks[key] = token, end
            return 0
        return FOR_EVER if until == inf else ceil((until - now) * 1000)

    def renew(self, key: str, token: str, end: float, now: float) -> bool:
        """Hold the lock until `end`; False when it is not the token's any more."""
        lock = self._locks.get(key)
        if lock is None or lock[0] != token or lock[1] <= now:
            return False
        self._locks[key] = token, end
        return True

    def release(self, key: str, token: str, now: float) -> None:
        """Hand the lock on if it is the token's, else leave its queue."""
        lock = self._locks.get(key)
        if lock is None:
            return
        if lock[0] != token:
            self._leave(key, token)
        elif self._queues or self._unclaimed:
            self._hand(key, now)
        else:  # nobody waits for any lock
            del self._locks[key]

    def _leave(self, key: str, token: str) -> None:
        queue = self._queues.get(key, {})
        if token in queue:
            del queue[token]
            if not queue:
                del self._queues[key]

    def _hand(self, key: str, now: float) -> None:
        """Make the first of the queue the holder; without a queue there is no lock any more."""
        self._unclaimed.discard(self._locks[key][0])
        token = next(iter(self._queues.get(key, ())), None)
        if token is None:
            del self._locks[key]
            return
        self._leave(key, token)
        self._locks[key] = token, now + CLAIM
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
        for key, (token, end) in list(self._locks.items()):
            if end + (_ABANDONED if key in self._queues else 0.0) <= now:
                self._unclaimed.discard(token)
                self._queues.pop(key, None)
                del self._locks[key]
        self._many = max(_FEW, 2 * len(self._locks))
