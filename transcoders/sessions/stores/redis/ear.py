"""Hints for tasks: the event loop reads what comes over the process's channel, while anybody waits.

See `listener`, which does the same for threads.
"""

import asyncio
import time
from contextlib import suppress

from transcoders.errors import StoreError
from transcoders.sessions import forks
from transcoders.sessions.stores.redis import connecting, resp
from transcoders.sessions.stores.redis.resp import PENDING
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.verbs import CAPABILITIES
from transcoders.sessions.stores.redis.waiters import LONGEST, PAUSE, Waiter, Waiters
from transcoders.sessions.stores.redis.wire import Lost, Refusal


class _Ear(asyncio.Protocol):
    """A connection that subscribes: `begun` when there is an answer to that, `over` when it has ended."""

    def __init__(self, opened: asyncio.StreamWriter, waiters: Waiters[asyncio.Event]) -> None:
        self.begun, self.over = asyncio.Event(), asyncio.Event()
        self._opened, self._waiters, self._reader = opened, waiters, resp.reader()
        opened.transport.set_protocol(self)
        opened.transport.write(resp.packer()((("SUBSCRIBE", waiters.channel),)))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (message := self._reader.gets()) is not PENDING:
                self._waiters.told(message)
                self.begun.set()
        except (Lost, Refusal):
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was, it has ended
        self.over.set()
        self.begun.set()

    def end(self) -> None:
        self._opened.transport.abort()


class LoopListener:
    """See `Listener`.

    Args:
        target: the server.
    """

    def __init__(self, target: Target) -> None:
        self._seconds = target.number("connect_timeout") / 1000
        self._open = connecting.asynchronous(target)
        self._closed = False
        self._inherited: list[object] = []
        self._task: asyncio.Task[None] | None = None
        self._begin(None)
        forks.watch(self)

    def after_fork(self) -> None:
        """Listen to a channel of its own, in a child; the parent's connection goes on there."""
        self._inherited.append(self._task)
        self._begin(None)

    def _begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop
        self._waiters: Waiters[asyncio.Event] = Waiters()
        self.channel, self.find, self.leave = self._waiters.channel, self._waiters.find, self._waiters.remove
        self._settled = asyncio.Event()
        self._listens = False
        self._task = None

    @property
    def refused(self) -> str:
        """See Listener.refused."""
        return self._waiters.refused

    async def join(self, token: str, deadline: float, /) -> Waiter[asyncio.Event]:
        """See Listener.join."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._begin(loop)
        waiter = self._waiters.add(token, asyncio.Event())
        if not self._listens:
            if self._task is None and not self._closed:
                self._settled.clear()
                self._task = loop.create_task(self._run())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), max(0.0, deadline - time.monotonic()))
        return waiter

    async def wait(self, token: str, seconds: float, /) -> None:
        """See Listener.wait."""
        waiter = self._waiters.find(token)
        if waiter is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(waiter.bell.wait(), min(seconds, CAPABILITIES.recheck))

    async def close(self) -> None:
        """See Listener.close."""
        self._closed = True
        if self._task is not None and self._loop is asyncio.get_running_loop():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        pause = PAUSE
        while self._waiters:
            with suppress(Lost, StoreError, TimeoutError):
                await self._listen()
            pause = PAUSE if self._listens else min(2 * pause, LONGEST)
            self._listens = False
            self._settled.set()
            self._waiters.wake()
            await asyncio.sleep(pause)
        self._task = None

    async def _listen(self) -> None:
        ear = _Ear(await self._open(self._seconds), self._waiters)
        try:
            async with asyncio.timeout(self._seconds):
                await ear.begun.wait()
            self._listens = not ear.over.is_set()
            self._settled.set()
            self._waiters.wake()
            await ear.over.wait()
        finally:
            ear.end()
            await ear.over.wait()
