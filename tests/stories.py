"""What the explorer tells: requests on one session, and what must hold whatever the order and whatever goes wrong."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.interleave import FAULTS, Port, Run, Task, Violation
from tests.model import CLAIM, Model
from transcoders import transcoder
from transcoders.sessions import ids
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.core import BURIED, Core
from transcoders.sessions.events import KINDS
from transcoders.sessions.merge import counter
from transcoders.sessions.policy import Policy
from transcoders.sessions.record import Record
from transcoders.sessions.wire import Wire
from transcoders.sessions.world import World

WIRE: Wire[Any] = Wire(transcoder("json"))
COUNTED = {"n": counter}
FORGED = "F" * ids.LENGTH
LEAVES = {"late", "crash", "crash-after", "stall"}
"""Faults after which a lock may stay until its time is over; others leave none, unless they strike the release."""
Request = Callable[["App", str], Awaitable[object]]


class Probe:
    """Counts, and measures nothing."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def adder(self, name, /):
        """See events.Probe."""
        return lambda value: None


class App(AsyncSessionManager[Any]):
    """A process with a manager over the explorer's port.

    Attributes:
        acked: increments that it was told are stored.
    """

    def __init__(self, port: Port, policy: Policy) -> None:
        self.policy, self._wire, self._shadow, self._port = policy, WIRE, None, port  # type: ignore[assignment]
        self.statistics = self.probe = Probe()  # type: ignore[assignment]
        self._listeners = {kind: [] for kind in KINDS}
        self._core = Core(World(port, WIRE, policy, self.probe, self._tell))  # type: ignore[arg-type]
        self.acked = 0


class Story:
    """Requests, each in a process of its own, and what must hold.

    Args:
        name: what it is about.
        requests: coroutine functions of an app and the id of the session.
        check: called with the run when all is over.
        always: called with the run after every step.
        setup: makes what is there before; gives the id that the requests get.
        age: seconds that pass after that.
        faults: what may go wrong in it.
        model: the class of the store.
        together: whether the requests are in one process.
        expiry: whether sessions may end while requests are under way.
        known: requests that `auto` has seen to only read.
        plant: puts a bug into an app, for tests of the explorer.
        settings: those of the policy.
    """

    def __init__(
        self,
        name: str,
        *requests: Request,
        check: "Callable[[Run], None]",
        always: "Callable[[Run], None] | None" = None,
        setup: "Callable[[App], Awaitable[str]] | None" = None,
        age: float = 0.0,
        faults: tuple[str, ...] = FAULTS,
        model: type[Model] = Model,
        together: bool = False,
        expiry: bool = False,
        known: tuple[str, ...] = (),
        plant: Callable[[App], None] | None = None,
        **settings: Any,
    ) -> None:
        self.name, self.requests, self.check, self.faults, self.model = name, requests, check, faults, model
        self.each, self.setup, self.age, self.together, self.expiry = always, setup or session, age, together, expiry
        self.known, self.policy, self.sid = known, Policy(**settings), ""
        self.plant = plant
        self.before: tuple[Any, ...] = ()

    def begin(self, run: Run) -> None:
        """Put what is there before into the store, and let every request come to its first verb."""
        if not self.before:
            self._prepare(run)
        records, links = self.before
        run.model.records, run.model.links = dict(records), {name: dict(keys) for name, keys in links.items()}
        run.clock.advance(self.age)
        run.apps = []
        for at, request in enumerate(self.requests):
            if not at or not self.together:
                run.apps.append(self._app(run))
            app = run.apps[-1]
            run.spawn(f"{'ABC'[at]}", request(app, self.sid), app._port)

    def _prepare(self, run: Run) -> None:
        self.sid = run.through(self.setup(self._app(run)), "setup")
        self.before = run.model.records, run.model.links

    def _app(self, run: Run) -> App:
        app = App(Port(run), self.policy)
        if self.plant is not None:
            self.plant(app)
        for request in self.known:
            for _ in range(3):
                app._core._opening._locks.learn(request, False, app._port.now())  # noqa: FBT003
        return app

    def shared_state(self, run: Run) -> int:
        """A hash of what requests of one process share beside the store."""
        parts = [(app._core._holding, app._core._saving, app.acked) for app in run.apps]
        return hash(tuple(
            (tuple(holding._waiting), tuple(saving._touched.items()), tuple(saving._busy.items()), acked)
            for holding, saving, acked in parts
        ))  # fmt: skip

    def always(self, run: Run) -> None:
        """What must hold after every step: who takes itself for the holder of a lock is."""
        for app in run.apps:
            for token, (key, _) in app._port.kept.items():
                if token not in run.seen and run.model.holder(key) != token:
                    broken(run, f"a request holds a lock that is another's: {token}, not {run.model.holder(key)!r}")
        if self.each is not None:
            self.each(run)

    def finally_(self, run: Run) -> None:
        """What must hold when all is over: every lock is free, or will be soon; and what the story is about."""
        for task in run.tasks:
            if task.port.kept:
                broken(run, f"{task.name} is over, and its lock is still renewed")
        now = run.clock.tick()
        held = {token: end for token, end in run.model.locks.values() if end > now}
        if any(end > now + max(self.policy.lock_expiration, CLAIM) for end in held.values()):
            broken(run, f"a lock is never free again: {held}")
        excused = {(kind, verb) for kind, verb in run.mishap if kind in LEAVES or (kind, verb) == ("refuse", "release")}
        if not excused and (held or run.model.queues):
            broken(run, f"locks are left: {held}, {run.model.queues}")
        self.check(run)


def broken(run: Run, what: str) -> None:
    """Raise a Violation that shows the schedule."""
    outcomes = ", ".join(f"{task.name} {task.outcome} ({task.error!r})" for task in run.tasks if task.over)
    raise Violation("\n  ".join([f"{run.story.name}: {what}", *run.trace, outcomes, f"path: {run.path}"]))


def stored(run: Run, sid: str) -> Record | None:
    """The record of the id, as it is in the store now."""
    data = run.model.load(key := ids.key(sid))
    return None if data is None else WIRE.read(data, key)


def requests(run: Run) -> list[Task]:
    """The tasks that are requests, not shielded work of one."""
    return [task for task in run.tasks if not task.shielded]


# ---------------------------------------------------------------------------------------------------- what is there


async def session(app: App) -> str:
    """One session with a counter and two texts."""
    async with app.session() as found:
        found.update(n=0, a="", b="", log=[])
    return str(found.sid)


async def session_of_u(app: App) -> str:
    """One session of the principal u, that is as old as the setup."""
    async with app.session() as found:
        found.principal = "u"
        found["old"] = True
    return str(found.sid)


# ---------------------------------------------------------------------------------------------------- requests


async def increment(app: App, sid: str) -> str:
    """Read the counter, and add one to it."""
    async with app.session(sid, request="POST /n") as found:
        if found.new:
            return "anonymous"
        found["n"] += 1
    app.acked += 1
    return "counted"


async def increment_slowly(app: App, sid: str) -> str:
    """The same, with something to wait for between reading and saving."""
    async with app.session(sid, request="POST /n") as found:
        if found.new:
            return "anonymous"
        await app._port.linked("whatever the application waits for")
        found["n"] += 1
    app.acked += 1
    return "counted"


async def increment_by_get(app: App, sid: str) -> str:
    """The same in a request that was taken for one that only reads."""
    async with app.session(sid, request="GET /n") as found:
        found["n"] += 1
    app.acked += 1
    return "counted"


async def increment_twice(app: App, sid: str) -> str:
    """Add one to the counter, save, and do it again in the same request."""
    found = await app.open(sid, request="POST /n")
    try:
        for _ in range(2):
            found["n"] += 1
            await app.save(found)
            app.acked += 1
    finally:
        await app.discard(found)
    return "counted"


async def append(app: App, sid: str) -> str:
    """Append to a list in place."""
    async with app.session(sid, request="POST /log") as found:
        found["log"].append(app._port.run.current.name)
    return "appended"


async def write_a(app: App, sid: str) -> str:
    """Set one attribute."""
    async with app.session(sid, request="POST /a") as found:
        if found.new:
            return "anonymous"
        found["a"] = "A"
    return "written"


async def write_b(app: App, sid: str) -> str:
    """Set another attribute."""
    async with app.session(sid, request="POST /b") as found:
        if found.new:
            return "anonymous"
        found["b"] = "B"
    return "written"


async def read(app: App, sid: str) -> str:
    """Read an attribute; what is put off at the end of the request is its end."""
    async with app.session(sid, request="GET /a") as found:
        return "anonymous" if found.new else "read"


async def logout(app: App, sid: str) -> str:
    """End the session by its id."""
    return "ended" if await app.destroy(sid) else "gone"


async def logout_after_reading(app: App, sid: str) -> str:
    """End the session that was read."""
    async with app.session(sid, request="POST /logout") as found:
        return "ended" if not found.new and await app.destroy(found) else "gone"


async def login(app: App, sid: str) -> str:
    """Give the session a new id, and note who it is."""
    async with app.session(sid, request="POST /login") as found:
        if found.new:
            return "anonymous"
        found["a"] = "in"
        return await app.rotate(found)


async def become_v(app: App, sid: str) -> str:
    """Make it the session of v."""
    async with app.session(sid, request="POST /v") as found:
        found.principal = "v"
    return "v"


async def become_w(app: App, sid: str) -> str:
    """Make it the session of w."""
    async with app.session(sid, request="POST /w") as found:
        found.principal = "w"
    return "w"


async def become_nobody(app: App, sid: str) -> str:
    """Make it nobody's session."""
    async with app.session(sid, request="POST /nobody") as found:
        found.principal = None
    return "nobody"


async def end_all(app: App, sid: str) -> int:
    """End the sessions of u."""
    return await app.end_all("u")


async def begin_forged(app: App, sid: str) -> str:
    """Store something under an id that nobody gave out."""
    async with app.session(FORGED, request="POST /a") as found:
        found["a"] = "A"
    return str(found.sid)


# ---------------------------------------------------------------------------------------------------- what must hold


def counted(run: Run) -> None:
    """No acknowledged increment is lost, and none is there that was refused."""
    record = stored(run, run.story.sid)
    least, unknown = sum(app.acked for app in run.apps), sum(task.outcome == "unknown" for task in requests(run))
    if record is None:
        broken(run, "the session is gone")
    elif not least <= record.value("n") <= least + unknown:
        broken(run, f"{least} increments are acknowledged, {unknown} unknown, and the counter is {record.value('n')}")


def counted_without_conflict(run: Run) -> None:
    """Nothing is lost, and where nothing went wrong no write found a newer record: each held the lock until then."""
    counted(run)
    if not run.mishap and not any(kind in {"tick", "early"} for kind, _ in run.path):
        for app in run.apps:
            if app.probe.counts["conflicts"]:
                broken(run, "a write under the lock found a newer record")


def appended(run: Run) -> None:
    """Every acknowledged entry is in the list, once; no refused one is."""
    log = stored(run, run.story.sid).value("log")
    for task in requests(run):
        least, most = {"done": (1, 1), "failed": (0, 0), "unknown": (0, 1)}[task.outcome]
        if not least <= log.count(task.name) <= most:
            broken(run, f"{task.name} is {task.outcome}, and the list is {log}")


def last_word(run: Run) -> None:
    """The list is what one of the requests made of it."""
    log = stored(run, run.story.sid).value("log")
    if not log and any(task.outcome == "done" for task in requests(run)):
        broken(run, "no entry of an acknowledged request is there")
    if any(task.name == log[-1] and task.outcome == "failed" for task in requests(run) if log):
        broken(run, f"a refused entry is there: {log}")


def both_written(run: Run) -> None:
    """Changes of different attributes are both there."""
    record = stored(run, run.story.sid)
    for task, name in zip(requests(run), "ab", strict=False):
        if task.outcome == "done" and record.value(name) != name.upper():
            broken(run, f"{task.name} was acknowledged, and {name} is {record.value(name)!r}")
        if task.outcome == "failed" and record.value(name):
            broken(run, f"{task.name} was refused, and {name} is {record.value(name)!r}")


def ended_for_good(run: Run) -> None:
    """After an acknowledged logout there is no such session, whatever else was under way."""
    if any(task.outcome == "done" and task.result == "ended" for task in requests(run)):
        run.clock.advance(BURIED / 1000)
        for key, (data, end) in run.model.records.items():
            if end > run.clock.tick() and WIRE.read(data, key).moved is None:
                broken(run, "the session was ended, and is there again")


def rotated(run: Run) -> None:
    """After a login the old id is dead, and the new one has all that was acknowledged."""
    task = next(one for one in requests(run) if one.name == "A")
    if task.outcome != "done" or task.result == "anonymous":
        return
    run.clock.advance(max(run.story.policy.rotation_grace, run.story.policy.lock_expiration) + 0.001)
    if not run.through(is_new(run.apps[0], run.story.sid), "later"):
        broken(run, "the old id is valid after the login")
    record = stored(run, str(task.result))
    if record is None:
        broken(run, "the session is gone")
    for other, name, value in ((one, *want) for one in requests(run) if (want := WANT.get(str(one.result)))):
        if other.outcome == "done" and record.value(name) != value:
            broken(run, f"{other.name} was acknowledged, and {name} is {record.value(name)!r}")


WANT = {"counted": ("n", 1), "written": ("b", "B")}


async def is_new(app: App, sid: str) -> bool:
    """Whether the id is of no session."""
    found = await app.open(sid)
    await app.discard(found)
    return bool(found.new)


def noted(run: Run) -> None:
    """Every live session of a principal is in its list."""
    now = run.clock.tick()
    for key, (data, end) in run.model.records.items():
        record = WIRE.read(data, key)
        principal = record.principal
        if end > now and principal is not None and key not in run.model.linked(ids.key(principal)):
            broken(run, f"a session of {principal} is not in its list")


def all_ended(run: Run) -> None:
    """After all sessions of u were ended, none is left that was there before; one may have begun since."""
    if next(task for task in requests(run) if task.name == "A").outcome != "done":
        return
    for key, (data, end) in run.model.records.items():
        record = WIRE.read(data, key)
        if end > run.clock.tick() and record.moved is None and record.principal == "u":
            broken(run, "all sessions of u were ended, and one is there")


def not_adopted(run: Run) -> None:
    """No record stands under an id that a client made up."""
    if ids.key(FORGED) in run.model.records:
        broken(run, "a forged id was adopted")


LOCKED: dict[str, Any] = {"locking_mode": "all", "on_lock_timeout": "error"}

STORIES = (
    Story("two increments, merged", increment, increment, check=counted, merge=COUNTED),
    Story("three increments, merged", increment, increment, increment, check=counted, merge=COUNTED),
    Story("two increments, unmerged", increment, increment, check=counted),
    Story("increments in one process", increment, increment, check=counted, merge=COUNTED, together=True),
    Story("two saves in a request", increment_twice, increment, check=counted, merge=COUNTED),
    Story("two increments, locked", increment, increment, check=counted_without_conflict, **LOCKED),
    Story("three increments, locked", increment, increment, increment, check=counted_without_conflict, **LOCKED),
    Story("two slow increments, locked", increment_slowly, increment_slowly, check=counted_without_conflict, **LOCKED),
    Story("locked, else unlocked", increment, increment, check=counted, locking_mode="all", merge=COUNTED),
    Story(
        "locked, else read-only", increment, increment, check=counted, locking_mode="all", on_lock_timeout="read-only"
    ),
    Story("locked in one process", increment, increment, increment, check=counted, together=True, **LOCKED),
    Story(
        "a wrong guess of auto", increment_by_get, increment_by_get, increment, check=counted, merge=COUNTED,
        locking_mode="auto", known=("GET /n",),
    ),
    Story("appending, conflicts raised", append, append, check=appended),
    Story("appending, locked", append, append, check=appended, **LOCKED),
    Story("appending, theirs", append, append, check=last_word, on_conflict="theirs"),
    Story("appending, mine", append, append, check=last_word, on_conflict="mine"),
    Story("different attributes", write_a, write_b, check=both_written),
    Story("different attributes, and a counter", write_a, write_b, increment, check=both_written, merge=COUNTED),
    Story("logout and a writer", logout, write_a, check=ended_for_good),
    Story("logout and a reader", logout, read, check=ended_for_good, age=1000.0),
    Story("logout, a reader and a writer", logout_after_reading, read, write_a, check=ended_for_good, age=1000.0),
    Story(
        "logout, a reader and a writer, locked", logout_after_reading, read, write_a, check=ended_for_good, age=1000.0,
        **LOCKED,
    ),
    Story(
        "logout in a session that ends", logout_after_reading, write_a, check=ended_for_good, age=1900.0, expiry=True
    ),
    Story("login and a writer", login, write_b, check=rotated),
    Story("login and a reader", login, read, check=rotated, age=1000.0),
    Story("login, a counter and a reader", login, increment, read, check=rotated, age=1000.0),
    Story("login and a writer, locked", login, write_b, check=rotated, **LOCKED),
    Story("login with grace and a reader", login, read, check=rotated, age=1000.0, rotation_grace=2.0),
    Story("login with grace and a writer", login, write_b, check=rotated, rotation_grace=2.0),
    Story("login with grace and a logout", login, logout, check=ended_for_good, rotation_grace=2.0),
    Story("login with grace and a late logout", login, logout_after_reading, check=ended_for_good, rotation_grace=2.0),
    Story("two principals", become_v, become_w, check=noted, always=noted),
    Story("two principals, mine", become_v, become_w, check=noted, always=noted, on_conflict="mine"),
    Story("three principals, mine", become_v, become_w, become_v, check=noted, always=noted, setup=session_of_u,
          on_conflict="mine"),
    Story("one principal twice", become_v, become_v, check=noted, always=noted),
    Story("a principal and nobody", become_v, become_nobody, check=noted, always=noted, on_conflict="mine"),
    Story("a principal and a login", become_v, login, check=noted, always=noted),
    Story("all of a principal and a login", end_all, login, check=all_ended, always=noted, setup=session_of_u),
    Story(
        "all of a principal and two logins", end_all, login, login, check=all_ended, always=noted, setup=session_of_u
    ),
    Story(
        "all of a principal and a reader", end_all, read, check=all_ended, always=noted, setup=session_of_u, age=1000.0
    ),
    Story("a forged id", begin_forged, begin_forged, check=not_adopted, always=not_adopted),
)  # fmt: skip
