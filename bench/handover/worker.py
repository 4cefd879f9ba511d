"""A worker: requests that lock a session, work for a millisecond, save and let go, and ask again at once.

Each leaves three times of a clock that all processes share.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager

HOLD = 0.001
"""Seconds of work under the lock."""
SETTINGS: dict[str, Any] = {"locking_mode": "all", "lock_timeout": 30.0, "max_lock_waiters": 1000}

Section = tuple[float, float, float]
"""When a request asked for the lock, had it, and began to save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process does: so many requests at a time, for so many seconds."""

    url: str
    sid: str
    kind: str
    tasks: int
    seconds: float
    sections: list[Section] = field(default_factory=list)


def work(given: Mapping[str, Any]) -> Iterator[Any]:
    """One process: ready when it is connected, then its sections."""
    job = Job(**given)
    if job.kind == "threads":
        with SessionManager[Any](job.url, "json", **SETTINGS) as manager:
            _blocking(manager, job)
            yield None
            end = time.monotonic() + job.seconds
            threads = [threading.Thread(target=_thread, args=(manager, job, end)) for _ in range(job.tasks)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    else:
        with asyncio.Runner() as runner:
            made = runner.run(_made(job))
            yield None
            runner.run(_all(made, job))
    yield job.sections


def _thread(manager: SessionManager[Any], job: Job, end: float) -> None:
    while time.monotonic() < end:
        _blocking(manager, job)


def _blocking(manager: SessionManager[Any], job: Job) -> None:
    asked = time.monotonic()
    with manager.session(job.sid) as session:
        n, had = session["n"], time.monotonic()
        time.sleep(HOLD)
        session["n"], ended = n + 1, time.monotonic()
    job.sections.append((asked, had, ended))


async def _made(job: Job) -> AsyncSessionManager[Any]:
    manager = AsyncSessionManager[Any](job.url, "json", **SETTINGS)
    await _awaited(manager, job)
    return manager


async def _all(manager: AsyncSessionManager[Any], job: Job) -> None:
    end = time.monotonic() + job.seconds

    async def task() -> None:
        while time.monotonic() < end:
            await _awaited(manager, job)

    await asyncio.gather(*(task() for _ in range(job.tasks)))
    await manager.close()


async def _awaited(manager: AsyncSessionManager[Any], job: Job) -> None:
    asked = time.monotonic()
    async with manager.session(job.sid) as session:
        n, had = session["n"], time.monotonic()
        await asyncio.sleep(HOLD)
        session["n"], ended = n + 1, time.monotonic()
    job.sections.append((asked, had, ended))
