"""Both managers as if they were one, so that a scenario runs on either: verbs are called, and awaited inside."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.clock import VirtualClock
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.events import KINDS, Event
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.runtime import Blocking, InPlace
from transcoders.sessions.session import Session
from transcoders.sessions.stores.memory import MemoryStore

KINDS_OF_MANAGER = ("sync", "async")


class Tap:
    """A store that notes what is asked of it, and goes wrong where it is told to.

    Attributes:
        calls: the verbs, in the order of the calls.
        wrong: verb to what is raised before its effect; or to a function of the arguments that is called before it.
        lost: verb to what is raised after its effect.
    """

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.calls: list[str] = []
        self.wrong: dict[str, Exception | Callable[..., object]] = {}
        self.lost: dict[str, Exception] = {}

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self.store, name)
        if not callable(verb):
            return verb

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            wrong = self.wrong.get(name)
            if isinstance(wrong, Exception):
                raise wrong
            if wrong is not None:
                wrong(*arguments)
            answer = verb(*arguments)
            if name in self.lost:
                raise self.lost[name]
            return answer

        return call

    def asked(self) -> list[str]:
        """The verbs since it was asked last, without those that wake, watch and renew."""
        calls = [name for name in self.calls if name not in {"watch", "unwatch", "renew"}]
        self.calls.clear()
        return calls


class _Patient:
    """A port that lets the time of the test's clock pass where it waits.

    Attributes:
        waits: the seconds that it was asked to wait for, each time.
        meanwhile: what happens while it waits the first time, instead of time passing; it calls no manager.
    """

    def __init__(self, store: Any, clock: VirtualClock) -> None:
        super().__init__(store, clock)  # type: ignore[call-arg]
        self.clock = clock
        self.waits: list[float] = []
        self.meanwhile: Callable[[], object] | None = None

    async def wait(self, key: str, token: str, seconds: float, /) -> None:
        """See Port.wait."""
        self.waits.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is None:
            self.clock.advance(seconds)
        else:
            meanwhile()


class PatientBlocking(_Patient, Blocking):
    """The same for threads."""


class PatientInPlace(_Patient, InPlace):
    """The same for asyncio."""


class Driver:
    """A manager of either kind over a tapped store in memory, on a clock that stands still until somebody waits.

    Args:
        kind: `sync` or `async`.
        tap: the store; a new one when there is none.
        clock: the time; a new one when there is none.
        settings: those of the manager.

    Attributes:
        manager: the manager.
        port: its port.
        events: what it told, in order.
    """

    def __init__(
        self, kind: str, *arguments: Any, tap: Tap | None = None, clock: VirtualClock | None = None, **settings: Any
    ) -> None:
        self.kind, self.clock = kind, clock or VirtualClock()
        self.tap = tap or Tap(MemoryStore(clock=self.clock))
        self.runner = asyncio.Runner()
        self.events: list[Event] = []
        self.port: Any = (PatientBlocking if kind == "sync" else PatientInPlace)(self.tap, self.clock)
        self._manage(self.port, *arguments, **settings)

    @classmethod
    def of(cls, kind: str, store: object, *arguments: Any, **settings: Any) -> "Driver":
        """A manager over another store, given as such or by its URL, on the clock of the machine."""
        driver = cls.__new__(cls)
        driver.kind, driver.runner, driver.events = kind, asyncio.Runner(), []
        driver._manage(store, *arguments, **settings)
        return driver

    def _manage(self, *arguments: Any, **settings: Any) -> None:
        manager: Any = SessionManager if self.kind == "sync" else AsyncSessionManager
        self.manager = self.run(lambda: manager(*arguments, **settings))
        for name in KINDS:
            self.manager.on(name, self.events.append)

    def run(self, call: Callable[[], Any]) -> Any:
        """What the call returns; in an event loop, and awaited where that is due, when the manager is for asyncio."""
        if self.kind == "sync":
            return call()

        async def inside() -> Any:
            found = call()
            return await found if inspect.isawaitable(found) else found

        return self.runner.run(inside())

    def __getattr__(self, name: str) -> Any:
        """Any verb of the manager."""
        verb = getattr(self.manager, name)
        return lambda *arguments, **named: self.run(lambda: verb(*arguments, **named))

    @contextmanager
    def session(self, sid: str | None = None, *, request: str = "") -> Iterator[Session[Any]]:
        """A request's session, saved at the end, discarded when the block raises."""
        context = self.manager.session(sid, request=request)
        if self.kind == "sync":
            with context as session:
                yield session
            return
        session = self.run(context.__aenter__)
        try:
            yield session
        except BaseException as error:
            raised = error
            self.run(lambda: context.__aexit__(type(raised), raised, None))
            raise
        self.run(lambda: context.__aexit__(None, None, None))

    def held(self, sid: str, *, request: str = "") -> Session[Any]:
        """A session that is read, with its lock where the request takes it; it is not closed."""
        session = self.open(sid, request=request)
        _ = session.record
        return session

    def begun(self, **attributes: Any) -> str:
        """The id of a new session with these attributes."""
        with self.session() as session:
            session.update(attributes)
        return str(session.sid)

    def read(self, sid: str | None) -> dict[str, Any] | None:
        """What is in the session now; None when there is none."""
        session = self.open(sid)
        found = None if not session and session.new else session.to_dict()
        self.discard(session)
        return found

    @property
    def counters(self) -> Counter[str]:
        """What the manager has counted, without zeros."""
        return +Counter(self.manager.statistics.counters)

    def told(self) -> list[str]:
        """The kinds of the events since it was asked last."""
        kinds = [event.kind for event in self.events]
        self.events.clear()
        return kinds

    def end(self) -> None:
        """Close the manager and its event loop."""
        self.close()
        self.runner.close()
