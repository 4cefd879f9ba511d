"""The matrix: stores, locking modes, concurrency, tasks, handlers; each cell is one session and two processes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from bench.fleet import sail
from bench.stores import store
from bench.updates.tally import Tally, tally
from bench.updates.worker import REQUEST, Job
from tests.proxy import Proxy
from transcoders.sessions.manager import SessionManager

PROCESSES = 2
MODES = ("none", "all", "auto", f"uriPattern:{REQUEST}")
KINDS = ("asyncio", "threads")
CUT = 0.08
"""The share of replies that is cut: their requests were carried out."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run.

    Attributes:
        tasks: of both processes together.
        pause: seconds of a handler.
        cut: whether replies are cut.
    """

    store: str
    mode: str
    kind: str
    tasks: int
    pause: float
    cut: bool

    def __str__(self) -> str:
        """In words, for the progress."""
        cut = ", replies cut" if self.cut else ""
        return f"{self.store}{cut}, {self.kind}, {self.tasks} tasks, {self.pause * 1000:g} ms, {self.mode}"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which cells are run, and for how many seconds each."""

    stores: Sequence[str]
    modes: Sequence[str] = MODES
    kinds: Sequence[str] = KINDS
    tasks: Sequence[int] = (8, 64)
    pauses: Sequence[float] = (0.0, 0.002)
    seconds: float = 2.0

    def cells(self) -> Iterator[Cell]:
        """All of them; replies can be cut only where there is a server."""
        for place, cut in product(self.stores, (False, True)):
            if cut and place == "sqlite":
                continue
            for kind, tasks, pause, mode in product(self.kinds, self.tasks, self.pauses, self.modes):
                yield Cell(place, mode, kind, tasks, pause, cut)


def run(wish: Wish, say: Callable[[str], None]) -> list[tuple[Cell, Tally]]:
    """Run every cell; `say` hears which one is on."""
    found = []
    for kind in wish.stores:
        with _places(kind) as places:
            for cell in wish.cells():
                if cell.store == kind:
                    say(str(cell))
                    found.append((cell, measure(cell, places[cell.cut], wish.seconds)))
    return found


@contextmanager
def _places(kind: str) -> Iterator[dict[bool, str]]:
    """URLs of the store: straight, and through a proxy that cuts replies where there is a server."""
    with store(kind) as place:
        if place.server is None:
            yield {False: place.url}
            return
        with Proxy(place.server.port) as proxy:
            proxy.chance(CUT, "lose")
            yield {False: place.url, True: f"redis://127.0.0.1:{proxy.port}/0"}


def measure(cell: Cell, url: str, seconds: float) -> Tally:
    """One run of two processes on a new session."""
    with SessionManager[Any](url, "json", operation_timeout=10.0) as manager:
        with manager.session() as session:
            session["n"] = 0
        share = cell.tasks // PROCESSES
        jobs = [
            Job(url=url, sid=str(session.sid), mode=cell.mode, kind=cell.kind, tasks=share, first=number * share,
                pause=cell.pause, seconds=seconds)
            for number in range(PROCESSES)
        ]  # fmt: skip
        told = sail("bench.updates.worker:work", [asdict(job) for job in jobs])
        with manager.session(session.sid) as final:
            found = tally((task for tasks in told for task in tasks), final.to_dict(), seconds)
        manager.destroy(str(session.sid))
    return found
