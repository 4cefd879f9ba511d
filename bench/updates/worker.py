"""A worker: tasks or threads that count a counter up for a while, each request one increment.

Beside the counter a request sets an attribute of its task to the number of the request. When the outcome of a save is
unknown, the task's next request reads there whether it took effect: so what is stored can be compared with what was
acknowledged, exactly.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from transcoders.errors import SessionError, StoreError
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.merge import counter
from transcoders.sessions.session import Session

REQUEST = "POST /increment"
MERGE = {"n": counter}
"""How two changes of the counter become one, where no lock keeps them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process does.

    Attributes:
        url: the store.
        sid: the session.
        mode: the locking mode; with `none` the counter is merged.
        kind: `asyncio` or `threads`.
        tasks: requests at the same time.
        first: the number of the first task.
        pause: seconds that a handler takes between reading and writing.
        seconds: for how long.
    """

    url: str
    sid: str
    mode: str
    kind: str
    tasks: int
    first: int
    pause: float
    seconds: float

    def settings(self) -> dict[str, Any]:
        """Of the manager: patient, because who waits here waits for all the others."""
        settings = {"lock_timeout": 30.0, "max_lock_waiters": 1000, "operation_timeout": 5.0}
        return settings | {"locking_mode": self.mode} | ({"merge": MERGE} if self.mode == "none" else {})


@dataclass(slots=True)
class Task:
    """One task, and what became of its requests.

    Attributes:
        acknowledged: increments that were saved.
        applied: of those whose outcome was unknown, the ones that had taken effect.
        unknown: increments whose outcome was unknown.
        pending: the number of the last one of these that is not resolved; 0 for none.
        errors: what other requests ended with, by name.
        latencies: seconds of the acknowledged ones.
    """

    name: str
    acknowledged: int = 0
    applied: int = 0
    unknown: int = 0
    pending: int = 0
    number: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def increment(self, session: Session[Any], n: int) -> None:
        """What the handler leaves in the session."""
        session["n"] = n + 1
        session[self.name] = self.number

    def look(self, session: Session[Any]) -> int:
        """Read the counter; resolve what was unknown."""
        if self.pending:
            self.applied += session.get(self.name) == self.pending
            self.pending = 0
        self.number += 1
        n: int = session["n"]
        return n

    def saved(self, began: float) -> None:
        """The increment was acknowledged."""
        self.acknowledged += 1
        self.latencies.append(time.perf_counter() - began)

    def failed(self, error: SessionError, *, changed: bool) -> None:
        """The request ended with an error, after or before the handler had changed anything."""
        if changed and isinstance(error, StoreError) and error.unknown:
            self.unknown += 1
            self.pending = self.number
        else:
            name = type(error).__name__
            self.errors[name] = self.errors.get(name, 0) + 1


def work(given: Mapping[str, Any]) -> Iterator[Any]:
    """One process: ready when every task has its manager, then the tasks' records."""
    job = Job(**given)
    tasks = [Task(f"t{job.first + number}") for number in range(job.tasks)]
    if job.kind == "asyncio":
        with asyncio.Runner() as runner:
            manager = runner.run(_made(job))
            yield None
            runner.run(_all(job, manager, tasks))
            runner.run(manager.close())
    else:
        with SessionManager[Any](job.url, "json", **job.settings()) as blocking:
            with blocking.session(job.sid, request=REQUEST) as session:
                _ = session["n"]
            yield None
            threads = [threading.Thread(target=_thread, args=(job, blocking, task)) for task in tasks]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    yield [asdict(task) for task in tasks]


async def _made(job: Job) -> AsyncSessionManager[Any]:
    manager = AsyncSessionManager[Any](job.url, "json", **job.settings())
    async with manager.session(job.sid, request=REQUEST) as session:
        _ = session["n"]
    return manager


async def _all(job: Job, manager: AsyncSessionManager[Any], tasks: list[Task]) -> None:
    end = time.monotonic() + job.seconds
    await asyncio.gather(*(_task(job, manager, task, end) for task in tasks))


async def _task(job: Job, manager: AsyncSessionManager[Any], task: Task, end: float) -> None:
    while time.monotonic() < end:
        began, changed = time.perf_counter(), False
        try:
            async with manager.session(job.sid, request=REQUEST) as session:
                n = task.look(session)
                if job.pause:
                    await asyncio.sleep(job.pause)
                changed = True
                task.increment(session, n)
            task.saved(began)
        except SessionError as error:
            task.failed(error, changed=changed)


def _thread(job: Job, manager: SessionManager[Any], task: Task) -> None:
    end = time.monotonic() + job.seconds
    while time.monotonic() < end:
        began, changed = time.perf_counter(), False
        try:
            with manager.session(job.sid, request=REQUEST) as session:
                n = task.look(session)
                if job.pause:
                    time.sleep(job.pause)
                changed = True
                task.increment(session, n)
            task.saved(began)
        except SessionError as error:
            task.failed(error, changed=changed)
