"""What the explorer tells: requests on one session, and what must hold in the end, or all the time."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests import acts, holds
from tests.acts import App
from tests.holds import broken
from tests.model import CLAIM, Model
from tests.stepping import FAULTS, Port, Run
from transcoders.sessions.merge import counter
from transcoders.sessions.policy import Policy

COUNTED = {"n": counter}
Request = Callable[[App, str], Awaitable[object]]
LEAVES = {"late", "crash", "crash-after", "stall"}
"""Faults after which a lock may stay until its time is over; others leave none, unless they strike the release."""


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
        self.each, self.setup, self.age, self.together, self.expiry = (
            always,
            setup or acts.session,
            age,
            together,
            expiry,
        )
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


LOCKED: dict[str, Any] = {"locking_mode": "all", "on_lock_timeout": "error"}

STORIES = (
    Story("two increments, merged", acts.increment, acts.increment, check=holds.counted, merge=COUNTED),
    Story(
        "three increments, merged", acts.increment, acts.increment, acts.increment, check=holds.counted, merge=COUNTED
    ),
    Story("two increments, unmerged", acts.increment, acts.increment, check=holds.counted),
    Story(
        "increments in one process", acts.increment, acts.increment, check=holds.counted, merge=COUNTED, together=True
    ),
    Story("two saves in a request", acts.increment_twice, acts.increment, check=holds.counted, merge=COUNTED),
    Story("two increments, locked", acts.increment, acts.increment, check=holds.counted_without_conflict, **LOCKED),
    Story(
        "three increments, locked",
        acts.increment,
        acts.increment,
        acts.increment,
        check=holds.counted_without_conflict,
        **LOCKED,
    ),
    Story(
        "two slow increments, locked",
        acts.increment_slowly,
        acts.increment_slowly,
        check=holds.counted_without_conflict,
        **LOCKED,
    ),
    Story(
        "locked, else unlocked", acts.increment, acts.increment, check=holds.counted, locking_mode="all", merge=COUNTED
    ),
    Story(
        "locked, else read-only",
        acts.increment,
        acts.increment,
        check=holds.counted,
        locking_mode="all",
        on_lock_timeout="read-only",
    ),
    Story(
        "anonymous when the store fails",
        acts.increment,
        acts.increment,
        check=holds.counted,
        on_store_failure="anonymous",
        locking_mode="all",
        merge=COUNTED,
    ),
    Story(
        "locked in one process",
        acts.increment,
        acts.increment,
        acts.increment,
        check=holds.counted,
        together=True,
        **LOCKED,
    ),
    Story(
        "a wrong guess of auto",
        acts.increment_by_get,
        acts.increment_by_get,
        acts.increment,
        check=holds.counted,
        merge=COUNTED,
        locking_mode="auto",
        known=("GET /n",),
    ),
    Story("appending, conflicts raised", acts.append, acts.append, check=holds.appended),
    Story("appending, locked", acts.append, acts.append, check=holds.appended, **LOCKED),
    Story("appending, theirs", acts.append, acts.append, check=holds.last_word, on_conflict="theirs"),
    Story("appending, mine", acts.append, acts.append, check=holds.last_word, on_conflict="mine"),
    Story("different attributes", acts.write_a, acts.write_b, check=holds.both_written),
    Story(
        "different attributes, and a counter",
        acts.write_a,
        acts.write_b,
        acts.increment,
        check=holds.both_written,
        merge=COUNTED,
    ),
    Story("logout and a writer", acts.logout, acts.write_a, check=holds.ended_for_good),
    Story("logout and a reader", acts.logout, acts.read, check=holds.ended_for_good, age=1000.0),
    Story(
        "logout, a reader and a writer",
        acts.logout_after_reading,
        acts.read,
        acts.write_a,
        check=holds.ended_for_good,
        age=1000.0,
    ),
    Story(
        "logout, a reader and a writer, locked",
        acts.logout_after_reading,
        acts.read,
        acts.write_a,
        check=holds.ended_for_good,
        age=1000.0,
        **LOCKED,
    ),
    Story(
        "logout in a session that ends",
        acts.logout_after_reading,
        acts.write_a,
        check=holds.ended_for_good,
        age=1900.0,
        expiry=True,
    ),
    Story("login and a writer", acts.login, acts.write_b, check=holds.rotated),
    Story("login and a reader", acts.login, acts.read, check=holds.rotated, age=1000.0),
    Story("login, a counter and a reader", acts.login, acts.increment, acts.read, check=holds.rotated, age=1000.0),
    Story("login and a writer, locked", acts.login, acts.write_b, check=holds.rotated, **LOCKED),
    Story("login and a logout", acts.login, acts.logout, check=holds.ended_for_good),
    Story("login and a late logout", acts.login, acts.logout_after_reading, check=holds.ended_for_good),
    Story("login at the end, and a counter", acts.login_at_the_end, acts.increment, check=holds.rotated),
    Story("login at the end, and a logout", acts.login_at_the_end, acts.logout_at_the_end, check=holds.ended_for_good),
    Story(
        "logout at the end, and others",
        acts.logout_at_the_end,
        acts.read,
        acts.write_a,
        check=holds.ended_for_good,
        age=1000.0,
    ),
    Story("logout at the end, locked", acts.logout_at_the_end, acts.write_a, check=holds.ended_for_good, **LOCKED),
    Story("login with grace and a reader", acts.login, acts.read, check=holds.rotated, age=1000.0, rotation_grace=2.0),
    Story("login with grace and a writer", acts.login, acts.write_b, check=holds.rotated, rotation_grace=2.0),
    Story("login with grace and a logout", acts.login, acts.logout, check=holds.ended_for_good, rotation_grace=2.0),
    Story(
        "login with grace and a late logout",
        acts.login,
        acts.logout_after_reading,
        check=holds.ended_for_good,
        rotation_grace=2.0,
    ),
    Story("two principals", acts.become_v, acts.become_w, check=holds.noted, always=holds.noted),
    Story(
        "two principals, mine", acts.become_v, acts.become_w, check=holds.noted, always=holds.noted, on_conflict="mine"
    ),
    Story(
        "three principals, mine",
        acts.become_v,
        acts.become_w,
        acts.become_v,
        check=holds.noted,
        always=holds.noted,
        setup=acts.session_of_u,
        on_conflict="mine",
    ),
    Story("one principal twice", acts.become_v, acts.become_v, check=holds.noted, always=holds.noted),
    Story(
        "a principal and nobody",
        acts.become_v,
        acts.become_nobody,
        check=holds.noted,
        always=holds.noted,
        on_conflict="mine",
    ),
    Story("a principal and a login", acts.become_v, acts.login, check=holds.noted, always=holds.noted),
    Story(
        "all of a principal and a login",
        acts.end_all,
        acts.login,
        check=holds.all_ended,
        always=holds.noted,
        setup=acts.session_of_u,
    ),
    Story(
        "all of a principal and two logins",
        acts.end_all,
        acts.login,
        acts.login,
        check=holds.all_ended,
        always=holds.noted,
        setup=acts.session_of_u,
    ),
    Story(
        "all of a principal and a reader",
        acts.end_all,
        acts.read,
        check=holds.all_ended,
        always=holds.noted,
        setup=acts.session_of_u,
        age=1000.0,
    ),
    Story("a forged id", acts.begin_forged, acts.begin_forged, check=holds.not_adopted, always=holds.not_adopted),
)
