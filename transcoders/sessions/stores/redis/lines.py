"""The wire for asyncio: one connection for the process, and a second for what may be large.

All requests of a loop share the first. Loads, and saves above 16 kB, go over the second, so that a release is not kept
waiting behind a megabyte. Connections belong to the loop they were opened in; another loop gets its own once that one
has ended.
"""

import asyncio
import time
from collections.abc import Awaitable
from threading import get_ident

from transcoders.errors import StoreError
from transcoders.sessions import forks
from transcoders.sessions.stores.redis import connecting
from transcoders.sessions.stores.redis.line import Line
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.wire import LARGE, Lost, Reply

_Opening = asyncio.Task[Line]


class Lines:
    """Connections to one server. See `Wire`.

    Args:
        target: the server.
    """

    def __init__(self, target: Target) -> None:
        self._seconds = target.number("connect_timeout") / 1000
        self._opened = connecting.asynchronous(target)
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._inherited: list[list[Line | None]] = []
        self._lines: list[Line | None] = [None, None]
        self._opening: list[_Opening | None] = [None, None]
        forks.watch(self)

    def after_fork(self) -> None:
        """Begin without connections. A parent's are kept, unused: to close them is to tell its loop."""
        self._inherited.append(self._lines)
        self._begin(None)

    def _begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop, self._lines, self._opening = loop, [None, None], [None, None]

    def call(self, request: bytes, replies: int, deadline: float, /, *, bulk: bool = False) -> Awaitable[list[Reply]]:
        """See Wire.call."""
        lane = 1 if bulk or len(request) > LARGE else 0
        line = self._lines[lane]
        # asyncio.get_running_loop would do for the last two: before Python 3.12 it is a system call each time
        if line is None or not line.usable or line.thread != get_ident() or not line.loop.is_running():
            return self._call(lane, request, replies, deadline)
        return line.ask(request, replies, deadline)

    async def _call(self, lane: int, request: bytes, replies: int, deadline: float) -> list[Reply]:
        line = await self._connected(lane, deadline)
        return await line.ask(request, replies, deadline)

    async def _connected(self, lane: int, deadline: float) -> Line:
        """The line that all who need one wait for together."""
        loop = asyncio.get_running_loop()
        if self._closed:
            raise StoreError("the store was closed", retryable=False)
        if self._loop is not loop:
            if self._loop is not None and self._loop.is_running():
                raise StoreError("the store is in use by another event loop: open one in each", retryable=False)
            self._begin(loop)
        opening = self._opening[lane]
        if opening is None:
            opening = self._opening[lane] = loop.create_task(self._open(lane))
            opening.add_done_callback(_retrieved)
        await asyncio.wait({opening}, timeout=max(0.0, deadline - time.monotonic()))
        if not opening.done() or opening.cancelled():
            raise Lost("no connection in time", sent=False, late=True)
        line = opening.result()
        if line.over.is_set():
            raise Lost("it closed the connection", sent=False)
        return line

    async def _open(self, lane: int) -> Line:
        try:
            line = Line(await self._opened(self._seconds))
            self._lines[lane] = line
        finally:
            self._opening[lane] = None
        return line

    def renew(self, before: float) -> None:
        """See Wire.renew."""
        for lane, line in enumerate(self._lines):
            if line is not None and line.since < before:
                self._lines[lane] = None
                line.retire()

    async def pause(self, seconds: float, /) -> None:
        """See Wire.pause."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """See Wire.close."""
        self._closed = True
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            return
        opening = [task for task in self._opening if task is not None]
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        lines, self._lines = self._lines, [None, None]
        for line in lines:
            if line is not None:
                line.end("the store was closed")
                await line.over.wait()


def _retrieved(opening: _Opening) -> None:
    """Those who waited for it have the error, if any did."""
    if not opening.cancelled():
        opening.exception()
