"""Renewal: held locks are given new time every third of it, until they are forgotten.

A lock's time is short, because it is the price of a crash; a request that takes longer has it renewed. Few do, so
`keep` and `forget` cost next to nothing: a dictionary entry each. What renews sleeps until the earliest lock is due.
Where none is left, the thread sleeps until one that is kept now would be due, so that short locks one after the other
do not wake it each; it sleeps for good when there was none in all that time.

A renewal that fails is tried again soon. One that says "not yours any more" ends the matter: whoever holds that lock
learns it from the version when the session is saved.
"""

import asyncio
import math
import threading
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from transcoders.errors import StoreError
from transcoders.sessions import forks

SHARE: Final = 3000
"""Milliseconds of a lock's time to seconds until it is renewed: a third."""
AGAIN: Final = 4
"""A failed renewal is repeated after this part of the usual time."""


class _Held:
    """The locks that are kept, and when the next of them is due.

    Attributes:
        until: the moment up to which whatever renews sleeps; infinite while it is not known to wake by itself.
        lately: the time to live of the lock that was kept last; 0 when there was none since the last `pause`.
    """

    __slots__ = ("lately", "locks", "until")

    def __init__(self) -> None:
        self.locks: dict[str, tuple[str, int, float]] = {}
        self.until, self.lately = math.inf, 0

    def due(self, now: float) -> list[tuple[str, str, int]]:
        """Token, key and time to live of the locks to renew now."""
        return [(token, key, ttl) for token, (key, ttl, due) in list(self.locks.items()) if due <= now]

    def renewed(self, token: str, now: float, *, held: bool, failed: bool = False) -> None:
        """Note what became of a renewal; a token forgotten in the meantime stays forgotten."""
        kept = self.locks.get(token)
        if kept is None:
            return
        if not held and not failed:
            self.locks.pop(token, None)
            return
        key, ttl, _ = kept
        self.locks[token] = key, ttl, now + ttl / SHARE / (AGAIN if failed else 1)

    def earliest(self) -> float:
        """When the next lock is due; infinite when none is kept."""
        return min((due for _, _, due in list(self.locks.values())), default=math.inf)

    def pause(self, now: float) -> float:
        """As `earliest`; when one as long as the last lock would be due, if none is kept but one was a moment ago."""
        ttl, self.lately = self.lately, 0
        return self.earliest() if self.locks or not ttl else now + ttl / SHARE


class Renewal:
    """Renewal by a thread, which starts with the first lock kept and is the process's own after a fork.

    Args:
        renew: gives the lock of a key and token so many milliseconds; False when it is not the token's any more.
            May raise StoreError. Called by the thread, for one lock after the other.
    """

    def __init__(self, renew: Callable[[str, str, int], bool]) -> None:
        self._renew = renew
        self._begin()
        forks.watch(self)

    def _begin(self) -> None:
        self._held = _Held()
        self._bell = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def keep(self, key: str, token: str, ttl: int) -> None:
        """Renew the lock every third of its `ttl` milliseconds, from now until `forget`."""
        held, due = self._held, monotonic() + ttl / SHARE
        held.locks[token] = key, ttl, due
        held.lately = ttl
        if due < held.until:
            self._ring()

    def forget(self, token: str) -> None:
        """Stop renewing it; a token that is not kept is none either."""
        self._held.locks.pop(token, None)

    def close(self) -> None:
        """End the thread; what is still kept is renewed no more."""
        self._closed = True
        self._held.locks.clear()
        self._bell.set()
        if (thread := self._thread) is not None and thread is not threading.current_thread():
            thread.join()

    def _ring(self) -> None:
        self._bell.set()
        if self._thread is not None or self._closed:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="transcoders-renewal", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        held, bell = self._held, self._bell
        while not self._closed:
            held.until = math.inf  # whoever keeps a lock from here on rings
            bell.clear()
            for token, key, ttl in held.due(monotonic()):
                self._one(token, key, ttl)
            held.until = until = held.pause(monotonic())
            if not self._closed:  # else the bell that close rang may have been cleared
                bell.wait(None if until == math.inf else max(0.0, until - monotonic()))

    def _one(self, token: str, key: str, ttl: int) -> None:
        if token not in self._held.locks or self._closed:
            return
        try:
            held, failed = self._renew(key, token, ttl), False
        except StoreError:
            held, failed = False, True
        self._held.renewed(token, monotonic(), held=held, failed=failed)

    def after_fork(self) -> None:
        """In a child: the parent's locks are the parent's, and its thread is not here."""
        closed = self._closed
        self._begin()
        self._closed = closed


class LoopRenewal:
    """Renewal by the running event loop: one timer, whatever the number of locks.

    Args:
        renew: as for `Renewal`, but a coroutine function.
    """

    def __init__(self, renew: Callable[[str, str, int], Awaitable[bool]]) -> None:
        self._renew = renew
        self._held = _Held()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def keep(self, key: str, token: str, ttl: int) -> None:
        """Renew the lock every third of its `ttl` milliseconds, from now until `forget`; inside a running loop."""
        held, due = self._held, monotonic() + ttl / SHARE
        held.locks[token] = key, ttl, due
        if due < held.until or asyncio.get_running_loop() is not self._loop:  # a timer of a stopped loop is none
            self._arm(due)

    def forget(self, token: str) -> None:
        """Stop renewing it; a token that is not kept is none either."""
        self._held.locks.pop(token, None)

    async def close(self) -> None:
        """End the timer; what is still kept is renewed no more."""
        self._held.locks.clear()
        if self._timer is not None:
            self._timer.cancel()
        if (task := self._task) is not None and not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._held.until = when
        self._loop = loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, when - monotonic()), self._start, loop)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._task is None or self._task.done():  # else it sets the timer when it ends
            self._task = loop.create_task(self._round())

    async def _round(self) -> None:
        held = self._held
        for token, key, ttl in held.due(monotonic()):
            if token not in held.locks:
                continue
            try:
                kept, failed = await self._renew(key, token, ttl), False
            except StoreError:
                kept, failed = False, True
            held.renewed(token, monotonic(), held=kept, failed=failed)
        if held.locks:
            self._arm(held.earliest())
        else:
            held.until = math.inf
