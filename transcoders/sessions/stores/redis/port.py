"""The store as a port: its verbs, and how a thread or an event loop waits and renews."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from transcoders.sessions.clock import Clock
from transcoders.sessions.driving import drive
from transcoders.sessions.renewal import LoopRenewal, Renewal
from transcoders.sessions.stores.redis.ear import LoopListener
from transcoders.sessions.stores.redis.lines import Lines
from transcoders.sessions.stores.redis.listener import ThreadListener
from transcoders.sessions.stores.redis.pool import Pool
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.verbs import Verbs

T = TypeVar("T")


class AsyncPort(Verbs):
    """A port for asyncio."""

    def __init__(self, target: Target, clock: Clock) -> None:
        super().__init__(target, Lines(target), LoopListener(target), clock)
        self._renewal = LoopRenewal(self.renew)
        self.keep, self.forget = self._renewal.keep, self._renewal.forget
        self._shielded: set[asyncio.Task[Any]] = set()

    async def shield(self, work: Coroutine[Any, Any, T], /) -> T:
        """The result of the work, which goes on to its end even when the caller is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._shielded.add(task)
        task.add_done_callback(self._shielded.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop renewing, let shielded work end, and close every connection."""
        await self._renewal.close()
        if self._shielded:
            await asyncio.wait(set(self._shielded))
        await super().close()


class BlockingPort(Verbs):
    """A port for threads: its coroutines never suspend."""

    def __init__(self, target: Target, clock: Clock) -> None:
        super().__init__(target, Pool(target), ThreadListener(target), clock)
        self._renewal = Renewal(self._renew)
        self.keep, self.forget = self._renewal.keep, self._renewal.forget

    def _renew(self, key: str, token: str, ttl: int) -> bool:
        return drive(self.renew(key, token, ttl))

    async def shield(self, work: Coroutine[Any, Any, T], /) -> T:
        """The result of the work; nobody cancels a thread."""
        return await work

    async def close(self) -> None:
        """Stop renewing, and close every connection."""
        self._renewal.close()
        await super().close()
