"""One schedule under way: requests as coroutines over a port whose every verb suspends once before it takes effect.

The run decides nothing. It says what may happen next: which request goes on, whether its verb fails, before the effect
or after it, whether the process dies, and when time passes; and it lets happen what it is told.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from math import inf
from types import coroutine
from typing import Any, NamedTuple

from tests.clock import VirtualClock
from transcoders.errors import StoreError, TranscoderError
from transcoders.sessions import ids, layout

WRITES = {"create", "save", "touch", "delete", "move"}
"""Verbs of which a lost reply leaves the outcome unknown."""
FAULTS = ("refuse", "lose", "late", "crash", "crash-after", "cancel", "cancel-after", "stall")
"""What may go wrong: the verb fails, it takes effect and its reply is lost, it fails and takes effect later, the
process dies before or after the effect, the request is cancelled before or after it, a process stands still until its
lock is over."""
_INSTANT = 0.001

Choice = tuple[str, int]


class Violation(AssertionError):  # noqa: N818 - it names what was found
    """An invariant does not hold; the schedule that shows it is in the message."""


class Verb(NamedTuple):
    """A verb about to take effect."""

    name: str
    arguments: tuple[Any, ...]


class Wait(NamedTuple):
    """A request that waits for its turn."""

    key: str
    token: str
    deadline: float


class Join(NamedTuple):
    """A request that waits for shielded work."""

    child: "Task"


@coroutine
def _suspend(pending):
    return (yield pending)


class Port:
    """One process's way to the store; see `ports.Port`. Its verbs suspend before they take effect."""

    def __init__(self, run: "Run") -> None:
        self.run, self.kept, self.dead = run, {}, False
        self.capabilities, self.now, self.tick = run.model.capabilities, run.clock.now, run.clock.tick

    def __getattr__(self, name: str) -> Any:
        """Any verb of the model."""

        async def verb(*arguments):
            if self.dead:
                raise StoreError("the process is dead")
            return await _suspend(Verb(name, arguments))

        return verb

    async def wait(self, key, token, seconds, /):
        """See Port.wait."""
        await _suspend(Wait(key, token, self.tick() + seconds))

    async def shield(self, work, /):
        """See Port.shield: the work is a task of its own."""
        if self.dead:
            return await work
        child = self.run.spawn(f"{self.run.current.name}'", work, self)
        await _suspend(Join(child))
        if child.error is not None:
            raise child.error
        return child.result

    def keep(self, key, token, ttl, /):
        """See Port.keep."""
        self.kept[token] = key, ttl

    def forget(self, token, /):
        """See Port.forget."""
        self.kept.pop(token, None)


class Task:
    """A request, or shielded work of one.

    Attributes:
        pending: what it waits for; None when it is over.
        history: a hash of every answer it got, and when.
        result: what it returned.
        error: what it raised.
        crashed: whether its process died.
    """

    def __init__(self, name: str, work: Coroutine[Any, Any, Any], port: Port) -> None:
        self.name, self.work, self.port = name, work, port
        self.pending: Verb | Wait | Join | None = None
        self.history, self.drawn, self.error, self.result, self.crashed = 0, 0, None, None, False
        self.early = False

    @property
    def shielded(self) -> bool:
        """Whether it is work that goes on when its request is cancelled."""
        return self.name.endswith("'")

    @property
    def over(self) -> bool:
        """Whether it goes on no more."""
        return self.pending is None

    @property
    def outcome(self) -> str:
        """How it ended: `done`, `unknown` to whoever asked, or `failed`, so that it changed nothing."""
        if self.crashed or isinstance(self.error, asyncio.CancelledError):
            return "unknown"
        if isinstance(self.error, StoreError) and self.error.unknown:
            return "unknown"
        return "done" if self.error is None else "failed"


class Budget(NamedTuple):
    """What a schedule may hold beside steps.

    Attributes:
        faults: how many.
        kinds: of which kinds.
        ticks: how often time passes although somebody could go on.
    """

    faults: int = 0
    kinds: tuple[str, ...] = FAULTS
    ticks: int = 2


class Run:
    """One schedule under way.

    Args:
        story: what is told; see `tests.stories.Story`.
        budget: what may happen beside steps.

    Attributes:
        mishap: the faults that there were, and the verbs that they struck.
    """

    def __init__(self, story: Any, budget: Budget) -> None:
        self.clock, self.path, self.trace = VirtualClock(), [], []
        self.story, self.model = story, story.model(self.clock)
        self.faults, self.ticks, self.kinds = budget.faults, budget.ticks, set(budget.kinds) & set(story.faults)
        self.tasks: list[Task] = []
        self.ghosts: list[Verb] = []
        self.current: Task | None = None
        self.apps: list[Any] = []
        self.mishap: set[tuple[str, str]] = set()
        self.seen: set[str] = set()
        with self.entropy():
            story.begin(self)

    @contextmanager
    def entropy(self) -> Iterator[None]:
        """Ids, tokens and write ids are told by who draws them, not by chance."""
        real = ids.make, ids.token, layout.fresh
        ids.make, ids.token = lambda: self.draw(ids.LENGTH), lambda: self.draw(16)
        layout.fresh = lambda: self.draw(layout.ID).encode()
        try:
            yield
        finally:
            ids.make, ids.token, layout.fresh = real

    def draw(self, size: int) -> str:
        """A text that nobody else draws."""
        task = self.current
        task.drawn += 1
        return f"{task.name[0]}{task.drawn:03}".ljust(size, "-")[:size]

    def spawn(self, name: str, work: Coroutine[Any, Any, Any], port: Port) -> Task:
        """Begin a task, and let it come to its first verb."""
        task, before = Task(name, work, port), self.current
        self.tasks.append(task)
        self._resume(task, lambda: work.send(None))
        self.current = before
        return task

    def through(self, work: Coroutine[Any, Any, Any], name: str) -> Any:
        """What a coroutine returns that nothing comes in between of."""
        with self.entropy():
            task = self.spawn(name, work, Port(self))
            while not task.over:
                if not self._ready(task):
                    self._pass(renew=True)
                self._step("step", task)
        self.tasks.remove(task)
        return task.result

    def _resume(self, task: Task, go: Callable[[], Any]) -> None:
        """Let a task go on to its next verb."""
        self.current = task
        try:
            while True:
                task.pending = go()
                if not isinstance(task.pending, Join) or not task.pending.child.over:
                    break
                go = lambda: task.work.send(None)  # noqa: E731 - the shielded work is over already
        except StopIteration as stop:
            task.pending, task.result = None, stop.value
        except (TranscoderError, asyncio.CancelledError) as error:
            task.pending, task.error = None, error
        if task.over:
            for other in self.tasks:
                if isinstance(other.pending, Join) and other.pending.child is task:
                    self._resume(other, lambda other=other: other.work.send(None))

    # ------------------------------------------------------------------------------------------------ choices

    def choices(self) -> list[Choice]:
        """What may happen next, the ordinary first; empty when all is over."""
        steps = [("step", at) for at, task in enumerate(self.tasks) if self._ready(task)]
        steps += [("ghost", at) for at in range(len(self.ghosts))]
        if all(task.over for task in self.tasks):
            return steps
        passing = [("tick", 0)] if (self.ticks > 0 or not steps) and self._next() < inf else []
        early = [
            ("early", at) for at, task in enumerate(self.tasks) if isinstance(task.pending, Wait) and not task.early
        ]
        return steps + passing + early * (self.ticks > 0) + (self._mishaps() if self.faults > 0 else [])

    def _ready(self, task: Task) -> bool:
        pending = task.pending
        if isinstance(pending, Wait):
            return self.model.holder(pending.key) == pending.token or self.clock.tick() >= pending.deadline
        return isinstance(pending, Verb)

    def _mishaps(self) -> list[Choice]:
        found = []
        for at, task in enumerate(self.tasks):
            kinds: tuple[str, ...] = ()
            if isinstance(task.pending, Verb):
                kinds = self._kinds(task.pending)
            elif isinstance(task.pending, Wait | Join):
                kinds = ("crash", "cancel")
            found += [(kind, at) for kind in kinds if not (task.shielded and kind.startswith("cancel"))]
        if any(task.port.kept for task in self.tasks):
            found.append(("stall", 0))
        return [(kind, at) for kind, at in found if kind in self.kinds]

    def _kinds(self, verb: Verb) -> tuple[str, ...]:
        reads = verb.name in {"load", "linked"}
        return ("refuse", "crash", "cancel") if reads else FAULTS[:-1]

    def _next(self) -> float:
        """The next moment at which something ends: a wait, or a lock that nobody renews."""
        now, kept = self.clock.tick(), {token for task in self.tasks for token in task.port.kept}
        ends = [task.pending.deadline for task in self.tasks if isinstance(task.pending, Wait)]
        ends += [end for token, end in self.model.locks.values() if token not in kept]
        ends += [end for _, end in self.model.records.values() if self.story.expiry]
        return min((end for end in ends if end > now), default=inf)

    # ------------------------------------------------------------------------------------------------ steps

    def apply(self, choice: Choice) -> None:
        """Let it happen, and check what must hold after every step."""
        kind, at = choice
        self.path.append(choice)
        if kind in FAULTS:
            self.faults -= 1
            pending = self.tasks[at].pending
            self.mishap.add((kind, pending.name if isinstance(pending, Verb) else ""))
        with self.entropy():
            if kind in {"tick", "stall"}:
                self._pass(renew=kind == "tick")
            elif kind == "ghost":
                self._effect(self.ghosts.pop(at), "late")
            else:
                self._step(kind, self.tasks[at])
        self.story.always(self)

    def _pass(self, *, renew: bool) -> None:
        """Time passes until something ends; who holds locks renews them, or stands still until they are over."""
        model, clock = self.model, self.clock
        kept = {token: (key, ttl) for task in self.tasks for token, (key, ttl) in task.port.kept.items()}
        until = self._next() if renew else min(model.locks.get(key, ("", clock.tick()))[1] for key, _ in kept.values())
        clock.advance(max(0.0, until - clock.tick()) + _INSTANT)
        if renew:
            self.ticks -= 1
            for token, (key, ttl) in kept.items():
                if model.locks.get(key, ("", 0.0))[0] == token:
                    model.locks[key] = token, model.end(ttl)
        else:
            self.seen |= {token for token, (key, _) in kept.items() if model.holder(key) != token}
        self.trace.append(f"{clock.tick() - 1000:.3f} s have passed" + " without renewal" * (not renew))

    def _step(self, kind: str, task: Task) -> None:
        pending = task.pending
        if kind.startswith("crash"):
            if kind == "crash-after":
                self._effect(pending, task.name)
            self._crash(task)
        elif kind.startswith("cancel"):
            if kind == "cancel-after":
                self._effect(pending, task.name)
            self.trace.append(f"{task.name} is cancelled")
            self._note(task, kind)
            self._resume(task, lambda: task.work.throw(asyncio.CancelledError()))
        elif kind in {"refuse", "lose", "late"}:
            if kind == "lose":
                self._effect(pending, task.name)
            elif kind == "late":
                self.ghosts.append(pending)
            self.trace.append(f"{task.name}: {pending.name} fails ({kind})")
            self._note(task, kind)
            error = StoreError(f"{pending.name}: {kind}", unknown=kind != "refuse" and pending.name in WRITES)
            self._resume(task, lambda: task.work.throw(error))
        else:
            task.early = task.early or kind == "early"
            answer = self._effect(pending, task.name) if isinstance(pending, Verb) else None
            self._note(task, answer)
            self._resume(task, lambda: task.work.send(answer))

    def _effect(self, verb: Verb, who: str) -> Any:
        answer = getattr(self.model, verb.name)(*verb.arguments)
        shown = answer if not isinstance(answer, bytes) else f"{len(answer)} bytes"
        self.trace.append(f"{who}: {verb.name} -> {shown}")
        return answer

    def _note(self, task: Task, answer: Any) -> None:
        answer = tuple(answer) if isinstance(answer, list) else answer
        task.history = hash((task.history, answer, self.clock.tick()))

    def _crash(self, dead: Task) -> None:
        """The process of the task stops: whatever it was doing is never done."""
        self.trace.append(f"{dead.name}'s process dies")
        dead.port.kept.clear()
        for task in self.tasks:
            if task.port is dead.port and not task.over:
                task.pending, task.crashed = None, True

    def state(self) -> int:
        """A hash of all that what happens next depends on."""
        tasks = tuple((task.history, task.over, task.crashed, task.early) for task in self.tasks)
        return hash((
            self.story.name, self.model.state(), tasks, self.clock.tick(), tuple(self.ghosts), self.faults, self.ticks,
            tuple(sorted(self.seen)), self.story.shared_state(self),
        ))  # fmt: skip

    def finish(self) -> None:
        """Check what must hold when all is over."""
        self.story.finally_(self)

    def drop(self) -> None:
        """Throw away the coroutines that are under way, as a dying process does: the store hears nothing of them."""
        for task in self.tasks:
            task.port.dead = True
        for task in self.tasks:
            task.work.close()
