"""A worker: threads or tasks that use sessions in every way there is, until they are killed or told to end.

Mostly they count the counter of a shared session up. The rest is reading, changing a list in place, and the whole life
of a session of their own: begun, given to a principal, rotated, found, ended, and not to come back.
"""

import asyncio
import random
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.soak.ledger import ACKNOWLEDGED, BEGUN, DONE, FAILED, REFUSED, UNKNOWN, WRONG, Notes
from transcoders.errors import SessionError, SessionGone, StoreError
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.merge import counter
from transcoders.sessions.session import Session

IDLE = 60
"""Seconds after which a session ends whose worker was killed in the middle of its life."""
RECENT = 20
"""Entries that a worker's list keeps."""
SETTINGS: dict[str, Any] = {
    "merge": {"n": counter},
    "lock_timeout": 10.0,
    "lock_expiration": 1.0,
    "max_lock_waiters": 1000,
    "operation_timeout": 3.0,
}


INCREMENT, READ, APPEND, LIFE = "increment", "read", "append", "life"
SHARES = {INCREMENT: 70, READ: 12, APPEND: 12, LIFE: 6}
"""How often a worker does what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process does.

    Attributes:
        url: the store.
        sids: the shared sessions.
        mode: its locking mode.
        kind: `asyncio` or `threads`; tasks have no session of their own.
        tasks: requests at the same time.
        slot: its place among the workers, which another one takes when it is killed.
        name: of the worker; nobody had it before.
        notes: its file.
    """

    url: str
    sids: tuple[str, ...]
    mode: str
    kind: str
    tasks: int
    slot: int
    name: str
    notes: str


def work(given: Mapping[str, Any]) -> Iterator[Any]:
    """One process; it ends when its stdin does."""
    job = Job(**given)
    notes, ending = Notes(job.notes), threading.Event()
    settings = SETTINGS | {"locking_mode": job.mode}
    if job.kind == "threads":
        with (
            SessionManager[Any](job.url, "json", **settings) as manager,
            SessionManager[Any](job.url, "json", **SETTINGS) as loose,
        ):
            yield None
            threading.Thread(target=_listen, args=(ending,), daemon=True).start()
            users = [User(job, notes, number) for number in range(job.tasks)]
            threads = [threading.Thread(target=_thread, args=(user, manager, loose, ending)) for user in users]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    else:
        yield None
        threading.Thread(target=_listen, args=(ending,), daemon=True).start()
        asyncio.run(_tasks(job, notes, settings, ending))
    yield None


def _listen(ending: threading.Event) -> None:
    """Wait for the end of stdin."""
    sys.stdin.buffer.read()
    ending.set()


class User:
    """One task or thread: what it does next, and what it notes of it."""

    def __init__(self, job: Job, notes: Notes, number: int) -> None:
        self.job, self.note = job, notes.note
        self._dice = random.Random(f"{job.name}/{number}")  # noqa: S311 - it is to repeat
        self._list = f"list_{job.slot}_{number}"
        self._seen = [0] * len(job.sids)
        self._own = {name: share for name, share in SHARES.items() if name != LIFE or job.kind == "threads"}

    def next(self) -> tuple[str, int]:
        """What to do, and in which of the shared sessions."""
        (what,) = self._dice.choices([*self._own], [*self._own.values()])
        return what, self._dice.randrange(len(self.job.sids))

    def use(self, session: Session[Any], what: str, index: int) -> None:
        """Do it in the session, which is open."""
        n = session.get("n", -1)
        if n < self._seen[index]:
            self.note(WRONG, f"the counter went from {self._seen[index]} to {n}")
        self._seen[index] = n
        if what == INCREMENT:
            session["n"] = n + 1
        elif what == APPEND:
            entries = session.setdefault(self._list, [])
            entries.append(n)
            del entries[:-RECENT]

    def began(self, what: str, index: int) -> None:
        """It is about to be done."""
        if what == INCREMENT:
            self.note(BEGUN, index)

    def ended(self, what: str, index: int, error: SessionError | None, *, used: bool) -> None:
        """It was done, or not, after the session was used or before."""
        unknown = used and isinstance(error, StoreError) and error.unknown
        if what == INCREMENT and not unknown:
            self.note(ACKNOWLEDGED if error is None else REFUSED, index)
        if unknown:
            self.note(UNKNOWN)
        elif error is not None:
            self.note(FAILED, f"{what}: {type(error).__name__}")
        elif what != INCREMENT:
            self.note(DONE, what)


def _thread(user: User, manager: SessionManager[Any], loose: SessionManager[Any], ending: threading.Event) -> None:
    while not ending.is_set():
        what, index = user.next()
        used, error = False, None
        user.began(what, index)
        try:
            if what == LIFE:
                _life(user, manager, loose)
            else:
                with manager.session(user.job.sids[index], request=f"POST /{what}") as session:
                    user.use(session, what, index)
                    used = True
        except SessionError as raised:
            error = raised
        user.ended(what, index, error, used=used)


async def _tasks(job: Job, notes: Notes, settings: dict[str, Any], ending: threading.Event) -> None:
    async with AsyncSessionManager[Any](job.url, "json", **settings) as manager:
        users = [User(job, notes, number) for number in range(job.tasks)]
        await asyncio.gather(*(_task(user, manager, ending) for user in users))


async def _task(user: User, manager: AsyncSessionManager[Any], ending: threading.Event) -> None:
    while not ending.is_set():
        what, index = user.next()
        used, error = False, None
        user.began(what, index)
        try:
            async with manager.session(user.job.sids[index], request=f"POST /{what}") as session:
                user.use(session, what, index)
                used = True
        except SessionError as raised:
            error = raised
        user.ended(what, index, error, used=used)


def _life(user: User, manager: SessionManager[Any], loose: SessionManager[Any]) -> None:
    """The whole life of a session: an id that was rotated, and a session that was ended, are never had again.

    The request that is still under way at its end holds no lock, or the end would have to wait for it.
    """
    principal = f"worker:{user.job.name}"
    with manager.session(request="POST /login") as session:
        session["user"], session.principal = principal, principal
        session.set_timeout(idle=IDLE)
    first = session.sid
    with manager.session(first, request="POST /login") as session:
        second = manager.rotate(session)
    with manager.session(first, request="GET /page") as session:
        if "user" in session:
            user.note(WRONG, "an id was good after its rotation")
    if not manager.sessions_of(principal):
        user.note(WRONG, "a session was not found by its principal")
    late = loose.open(second, request="GET /page")
    try:
        _ = late["user"]
        leaving = manager.open(second, request="POST /logout")
        _ = leaving.get("user")
        manager.destroy(leaving)
        late["user"] = "again"
        loose.save(late)
    except SessionGone:
        pass
    else:
        user.note(WRONG, "a session was saved after its end")
    with manager.session(second, request="GET /page") as session:
        if "user" in session:
            user.note(WRONG, "a session came back after its end")
