"""A blocking store as a port: in the caller's thread, or under asyncio.

`Blocking` is for managers without an event loop: none of its coroutines suspends, so that one `send` runs them to their
end. `Threaded` is for asyncio: one hop to a thread for each verb, never for a whole request, because requests that wait
for a lock would then keep the threads from the one that holds it. Stores whose verbs never wait are called in place,
by `InPlace`.

Waiting for a lock is bounded by the store's `recheck`: being woken is a hint, and a hint may be lost.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from transcoders.sessions import forks
from transcoders.sessions.clock import Clock
from transcoders.sessions.ports import Acquired, Capabilities, Outcome, Store
from transcoders.sessions.renewal import LoopRenewal, Renewal

T = TypeVar("T")

THREADS: Final = 8
"""Verbs of one store that run at the same time under asyncio."""


class _Verbs:
    """The verbs of a store as coroutines that run in place."""

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self.store, clock = store, clock or Clock()
        self.now, self.tick = clock.now, clock.tick

    @property
    def capabilities(self) -> Capabilities:
        """What the store is like."""
        return self.store.capabilities

    async def load(self, key: str, /) -> bytes | None:
        """See Store.load."""
        return self.store.load(key)

    async def create(self, key: str, data: bytes, ttl: int, /) -> bool:
        """See Store.create."""
        return self.store.create(key, data, ttl)

    async def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """See Store.save."""
        return self.store.save(key, data, base, ttl, token)

    async def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """See Store.touch."""
        return self.store.touch(key, ttl, token)

    async def delete(self, key: str, token: str = "", /) -> bool:
        """See Store.delete."""
        return self.store.delete(key, token)

    async def move(  # noqa: PLR0913, PLR0917 - see Store.move
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """See Store.move."""
        return self.store.move(old, new, data, base, ttl, trail, grace, token)

    async def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """See Store.acquire."""
        return self.store.acquire(key, token, ttl)

    async def release(self, key: str, token: str, /) -> None:
        """See Store.release."""
        self.store.release(key, token)

    async def link(self, principal: str, key: str, ttl: int, /) -> None:
        """See Store.link."""
        self.store.link(principal, key, ttl)

    async def unlink(self, principal: str, key: str, /) -> None:
        """See Store.unlink."""
        self.store.unlink(principal, key)

    async def linked(self, principal: str, /) -> list[str]:
        """See Store.linked."""
        return self.store.linked(principal)


class Blocking(_Verbs):
    """A store for the caller's own thread; its coroutines never suspend.

    Args:
        store: the store.
        clock: the time; the machine's own when there is none.
    """

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        super().__init__(store, clock)
        self._renewal = Renewal(store.renew)
        self.keep, self.forget = self._renewal.keep, self._renewal.forget

    async def wait(self, key: str, token: str, seconds: float, /) -> None:  # noqa: ARG002 - a port may want the key
        """Return when the lock was handed to the token, or after so many seconds; it may return early."""
        woken = threading.Event()
        self.store.watch(token, woken.set)
        try:
            woken.wait(min(seconds, self.store.capabilities.recheck))
        finally:
            self.store.unwatch(token)

    async def shield(self, work: Coroutine[Any, Any, T], /) -> T:
        """The result of the work; nobody cancels a thread."""
        return await work

    async def close(self) -> None:
        """Stop renewing, and close the store."""
        self._renewal.close()
        self.store.close()


class InPlace(_Verbs):
    """A store under asyncio, called in place: for verbs that never wait.

    Args:
        store: the store.
        clock: the time; the machine's own when there is none.
    """

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        super().__init__(store, clock)
        self._renewal = LoopRenewal(self._renew)
        self.keep, self.forget = self._renewal.keep, self._renewal.forget
        self._shielded: set[asyncio.Task[Any]] = set()

    async def _renew(self, key: str, token: str, ttl: int) -> bool:
        return self.store.renew(key, token, ttl)

    async def wait(self, key: str, token: str, seconds: float, /) -> None:  # noqa: ARG002 - a port may want the key
        """Return when the lock was handed to the token, or after so many seconds; it may return early."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                loop.call_soon_threadsafe(woken.set)

        timer = loop.call_later(min(seconds, self.store.capabilities.recheck), woken.set)
        self.store.watch(token, wake)
        try:
            await woken.wait()
        finally:
            timer.cancel()
            self.store.unwatch(token)

    async def shield(self, work: Coroutine[Any, Any, T], /) -> T:
        """The result of the work, which goes on to its end even when the caller is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._shielded.add(task)
        task.add_done_callback(self._shielded.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop renewing, let shielded work end, and close the store."""
        await self._settle()
        self.store.close()

    async def _settle(self) -> None:
        await self._renewal.close()
        if self._shielded:
            await asyncio.wait(set(self._shielded))


class Threaded(InPlace):
    """A store under asyncio, one hop to a thread of its own for each verb.

    Args:
        store: the store.
        clock: the time; the machine's own when there is none.
        threads: verbs that run at the same time, at most.
    """

    def __init__(self, store: Store, clock: Clock | None = None, *, threads: int = THREADS) -> None:
        super().__init__(store, clock)
        self._begin = partial(ThreadPoolExecutor, threads, "transcoders-store")
        self._threads = self._begin()
        self._late: dict[str, Future[Acquired]] = {}
        forks.watch(self)

    def after_fork(self) -> None:
        """In a child: the threads are not here."""
        self._threads = self._begin()

    def _hop(self, verb: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._threads, verb, *arguments)

    async def _renew(self, key: str, token: str, ttl: int) -> bool:
        return await self._hop(self.store.renew, key, token, ttl)

    async def load(self, key: str, /) -> bytes | None:
        """See Store.load."""
        return await self._hop(self.store.load, key)

    async def create(self, key: str, data: bytes, ttl: int, /) -> bool:
        """See Store.create."""
        return await self._hop(self.store.create, key, data, ttl)

    async def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """See Store.save."""
        return await self._hop(self.store.save, key, data, base, ttl, token)

    async def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """See Store.touch."""
        return await self._hop(self.store.touch, key, ttl, token)

    async def delete(self, key: str, token: str = "", /) -> bool:
        """See Store.delete."""
        return await self._hop(self.store.delete, key, token)

    async def move(  # noqa: PLR0913, PLR0917 - see Store.move
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """See Store.move."""
        return await self._hop(self.store.move, old, new, data, base, ttl, trail, grace, token)

    async def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """See Store.acquire. Where the caller is cancelled, the thread goes on; `release` waits for it."""
        asked = self._threads.submit(self.store.acquire, key, token, ttl)
        try:
            return await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            self._late[token] = asked
            asked.add_done_callback(lambda _: self._late.pop(token, None))
            raise

    async def release(self, key: str, token: str, /) -> None:
        """See Store.release."""
        if (late := self._late.get(token)) is not None:
            await asyncio.gather(asyncio.wrap_future(late), return_exceptions=True)
        await self._hop(self.store.release, key, token)

    async def link(self, principal: str, key: str, ttl: int, /) -> None:
        """See Store.link."""
        await self._hop(self.store.link, principal, key, ttl)

    async def unlink(self, principal: str, key: str, /) -> None:
        """See Store.unlink."""
        await self._hop(self.store.unlink, principal, key)

    async def linked(self, principal: str, /) -> list[str]:
        """See Store.linked."""
        return await self._hop(self.store.linked, principal)

    async def close(self) -> None:
        """Stop renewing, let shielded work end, close the store and end the threads."""
        await self._settle()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self.store.close()
        self._threads.shutdown()
