"""A run: workers on one store, through a proxy that cuts replies; killed at random, replaced at once, watched.

One worker is never killed, so that its memory can be seen over the whole time.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.fleet import member
from bench.servers import resident
from bench.soak.ledger import Ledger
from bench.soak.worker import SETTINGS, Job
from bench.stores import Place, store
from bench.updates.worker import REQUEST
from tests.proxy import Proxy
from transcoders.measure.member import Member
from transcoders.sessions.manager import SessionManager

MODES = ("none", "auto", "all", f"uriPattern:{REQUEST}")
KINDS = ("threads", "asyncio")
CUT = 0.04
"""The share of requests that fail: half of them are carried out, and their reply is cut."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done.

    Attributes:
        store: its kind.
        seconds: for how long.
        workers: processes at the same time.
        tasks: requests of each at the same time.
        sessions: that they share.
        kill_every: seconds between two kills, on average.
        look_every: seconds between two looks at memory.
        seed: of who is killed, and when.
    """

    store: str
    seconds: float
    workers: int = 4
    tasks: int = 4
    sessions: int = 3
    kill_every: float = 2.0
    look_every: float = 10.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment.

    Attributes:
        at: seconds from the beginning.
        acknowledged: increments until then.
        killed: workers until then.
        server: resident bytes of the server; 0 where there is none.
        oldest: resident bytes of the worker that is never killed.
    """

    at: float
    acknowledged: int
    killed: int
    server: int
    oldest: int


@dataclass(slots=True)
class Soak:
    """What came of it.

    Attributes:
        stored: the counters of the shared sessions in the end.
        cut: requests that the proxy failed.
    """

    wish: Wish
    store: str
    ledger: Ledger = field(default_factory=Ledger)
    looks: list[Look] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    killed: int = 0
    cut: int = 0

    @property
    def lost(self) -> int:
        """Acknowledged increments that are in no counter."""
        return sum(self.ledger.lost(index, stored) for index, stored in enumerate(self.stored))

    @property
    def surplus(self) -> int:
        """Increments in the counters that nobody can have made."""
        return sum(self.ledger.surplus(index, stored) for index, stored in enumerate(self.stored))

    @property
    def sound(self) -> bool:
        """Whether no promise was broken."""
        return not (self.lost or self.surplus or self.ledger.wrong)

    def growth(self, whose: str) -> float:
        """How much memory grew from the second quarter of the looks to the last, as a share; 0 when there are few."""
        sizes: list[int] = [getattr(look, whose) for look in self.looks]
        quarter = len(sizes) // 4
        if not quarter or not sizes[quarter]:
            return 0.0
        return median(sizes[-quarter:]) / median(sizes[quarter : 2 * quarter]) - 1


def run(wish: Wish, tell: Callable[[Look], None]) -> Soak:
    """Do it; `tell` hears of every look."""
    with store(wish.store) as place, _way(place, wish) as (url, proxy), tempfile.TemporaryDirectory() as folder:
        soak = Soak(wish, place.name)
        with SessionManager[Any](place.url, "json", **SETTINGS) as manager:
            sids = tuple(_begun(manager) for _ in range(wish.sessions))
            with ExitStack() as stack:
                _Watch(soak, place, _Crew(stack, wish, url, sids, Path(folder)), Path(folder), tell).keep()
            soak.ledger.read(Path(folder))
            for sid in sids:
                with manager.session(sid) as session:
                    soak.stored.append(session.get("n", 0))
        soak.cut = sum(proxy.faults.values()) if proxy else 0
    return soak


@contextmanager
def _way(place: Place, wish: Wish) -> Iterator[tuple[str, Proxy | None]]:
    """The URL for workers, and the proxy that it leads through where there is a server."""
    if place.server is None:
        yield place.url, None
        return
    with Proxy(place.server.port, seed=wish.seed) as proxy:
        proxy.chance(CUT, "lose", "drop")
        yield f"redis://127.0.0.1:{proxy.port}/0", proxy


def _begun(manager: SessionManager[Any]) -> str:
    with manager.session() as session:
        session["n"] = 0
    return str(session.sid)


class _Crew:
    """The workers, by slot; the first is never killed."""

    def __init__(self, stack: ExitStack, wish: Wish, url: str, sids: tuple[str, ...], folder: Path) -> None:
        self._stack, self._wish, self._url, self._sids, self._folder = stack, wish, url, sids, folder
        self._dice = random.Random(wish.seed)  # noqa: S311 - it is to repeat
        self._made = 0
        self._workers = [self._worker(slot) for slot in range(wish.workers)]
        for worker in self._workers:
            self._start(worker)

    @property
    def oldest(self) -> int:
        """Resident bytes of the first."""
        return resident(self._workers[0].process.pid)

    def pause(self) -> float:
        """Seconds until the next kill."""
        return self._dice.expovariate(1 / self._wish.kill_every)

    def kill(self) -> None:
        """Kill one, and put another in its place."""
        slot = self._dice.randrange(1, len(self._workers))
        self._workers[slot].process.kill()
        self._workers[slot].process.wait()
        self._workers[slot] = self._worker(slot)
        self._start(self._workers[slot])

    def check(self) -> None:
        """Raise TranscoderError when a worker ended that nobody killed."""
        for worker in self._workers:
            if worker.process.poll() is not None:
                worker.finish()

    def finish(self) -> None:
        """Let all come to their end."""
        for worker in self._workers:
            worker.finish()

    def _worker(self, slot: int) -> Member:
        self._made += 1
        name = f"{slot}-{self._made}"
        job = Job(
            url=self._url, sids=self._sids, mode=MODES[slot % len(MODES)], kind=KINDS[slot // 2 % len(KINDS)],
            tasks=self._wish.tasks, slot=slot, name=name, notes=str(self._folder / f"{name}.notes"),
        )  # fmt: skip
        return self._stack.enter_context(member("bench.soak.worker:work", asdict(job)))

    @staticmethod
    def _start(worker: Member) -> None:
        worker.answer()
        worker.tell(b"\n")


class _Watch:
    """Kills, looks, and ends."""

    def __init__(self, soak: Soak, place: Place, crew: _Crew, folder: Path, tell: Callable[[Look], None]) -> None:
        self._soak, self._place, self._crew, self._folder, self._tell = soak, place, crew, folder, tell
        self._began = time.monotonic()

    def keep(self) -> None:
        """Watch until the time is over, then let the workers end."""
        wish, crew = self._soak.wish, self._crew
        end, kill, look = self._began + wish.seconds, self._began + crew.pause(), self._began
        while (now := time.monotonic()) < end:
            if now >= look:
                crew.check()
                self._look(now)
                look += wish.look_every
            if now >= kill and wish.workers > 1:
                crew.kill()
                self._soak.killed += 1
                kill = time.monotonic() + crew.pause()
            time.sleep(max(0.0, min(end, kill, look) - time.monotonic()))
        self._look(time.monotonic())
        crew.finish()

    def _look(self, now: float) -> None:
        soak = self._soak
        soak.ledger.read(self._folder)
        acknowledged = soak.ledger.acknowledged.total()
        server = self._place.server.memory if self._place.server else 0
        soak.looks.append(Look(now - self._began, acknowledged, soak.killed, server, self._crew.oldest))
        self._tell(soak.looks[-1])
