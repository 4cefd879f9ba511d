"""Contests: sessions of one size in every stack. Batches take turns in a shuffled order, a size after another.

Overhead is a batch with sessions less a batch of the bare framework, turn by turn. The bare framework has a process of
its own: Flask's signals and Django's caches belong to a process, and would slow what is bare there. Afterwards every
session is looked at: a stack that has not stored each change is refused.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median
from typing import Any, Final

from bench.requests.counts import Counts, count
from bench.servers import Server
from bench.web.roster import FLOOR, Entry
from bench.web.site import ACTS, BARE, CHANGE
from bench.web.worker import WARM
from transcoders.errors import TranscoderError
from transcoders.measure.member import Member

CLOCKS: Final = ("wall", "cpu")
"""Until the answer, client and server; the processor's time of the client."""
Batch = tuple[float, ...]
"""Seconds of one request by each clock."""
Cell = tuple[str, Entry, str]
"""A size, a stack and a page."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of one stack with sessions of one size.

    Attributes:
        batches: by page and turn.
        bare: those of the bare framework, in the same turns; zeros for a floor.
        counts: commands by page.
        bytes: of a stored session, on average, keys aside.
    """

    entry: Entry
    batches: dict[str, list[Batch]]
    bare: list[Batch]
    counts: dict[str, Counts]
    bytes: float

    def overhead(self, act: str, clock: str) -> list[float]:
        """Seconds beyond the bare framework, turn by turn."""
        place = CLOCKS.index(clock)
        return [own[place] - bare[place] for own, bare in zip(self.batches[act], self.bare, strict=True)]

    def middle(self, act: str, clock: str) -> float:
        """Seconds beyond the bare framework: the median."""
        return median(self.overhead(act, clock))

    def under(self, clock: str) -> float:
        """Seconds of the bare framework: the median."""
        return median(batch[CLOCKS.index(clock)] for batch in self.bare)


@dataclass(frozen=True, slots=True)
class Contest:
    """One size."""

    size: str
    stacks: tuple[Measured, ...]


class Stable:
    """The worker of one stack, and its database.

    Attributes:
        entry: the stack.
        absent: why it could not be built; None when it was.
    """

    def __init__(self, entry: Entry, member: Member, server: Server, database: int) -> None:
        self.entry, self._member, self._server, self._database = entry, member, server, database
        self.absent: str | None = json.loads(member.answer())
        self._changes = self._total = 0

    def ask(self, what: str, *values: Any) -> Any:
        """What the worker answers."""
        self._member.tell(json.dumps([what, *values]).encode() + b"\n")
        return json.loads(self._member.answer())

    def fill(self, size: str) -> float:
        """New sessions of that size; the bytes of one, on average, keys aside. Every new key is a session's."""
        if self.entry.bare:
            self.ask("stay_bare", size)
            return 0.0
        with self._client() as client:
            before = set(client.keys("*"))
            self.ask("fill", size)
            return fmean(client.strlen(key) for key in set(client.keys("*")) - before)

    def settle(self) -> None:
        """Be ready, all sessions being there."""
        self._changes, self._total = 0, self._told()
        self.ask("settle")

    def batch(self, size: str, act: str, calls: int, warm: int = WARM) -> Batch:
        """A batch; `warm` more calls come before those that count."""
        self._changes += (calls + warm) * (act == CHANGE)
        return tuple(self.ask("batch", size, act, calls, warm))

    def counts(self, size: str) -> dict[str, Counts]:
        """The commands of each page."""
        return {act: count(self._server, partial(self.batch, size, act, 1, 0)) for act in ACTS}

    def check(self) -> None:
        """Raises TranscoderError when a change is not there."""
        if not self.entry.floor and (found := self._told() - self._total) != self._changes:
            raise TranscoderError(f"{self.entry} has stored {found} changes of {self._changes}")

    def _told(self) -> int:
        return 0 if self.entry.floor or self.entry.bare else int(self.ask("tell"))

    def _client(self) -> Any:
        import redis  # noqa: PLC0415 - like bench.servers

        return redis.Redis(port=self._server.port, db=self._database)


@contextmanager
def stables(entries: Sequence[Entry], server: Server, transcoder: str) -> Iterator[list[Stable]]:
    """The workers of those stacks, ready; they end with the block."""
    with ExitStack() as stack:
        members = []
        for database, entry in enumerate(entries):
            mode = "awaited" if entry.awaited else "threads"
            arguments = (entry.build, str(server.port), str(database), transcoder, mode)
            command = (sys.executable, "-m", "bench.web.worker", *arguments)
            members.append(stack.enter_context(Member(command, str(entry))))
        yield [
            Stable(entry, member, server, database)
            for database, (entry, member) in enumerate(zip(entries, members, strict=True))
        ]


def hold(workers: Sequence[Stable], sizes: Sequence[str], turns: int, calls: int) -> list[Contest]:
    """Measure sessions of those sizes; each page has so many turns of so many calls."""
    stored = {(size, stable.entry): stable.fill(size) for size in sizes for stable in workers}
    for stable in workers:
        stable.settle()
    laps = _take_turns(workers, sizes, turns, calls)
    contests = []
    for size in sizes:
        bare = {one.entry.framework: laps[size, one.entry, BARE] for one in workers if one.entry.bare}
        bare[FLOOR] = [(0.0, 0.0)] * turns
        found = [
            Measured(
                one.entry,
                {act: laps[size, one.entry, act] for act in ACTS},
                bare[one.entry.framework],
                one.counts(size),
                stored[size, one.entry],
            )
            for one in workers
            if not one.entry.bare
        ]
        contests.append(Contest(size, tuple(found)))
    for stable in workers:
        stable.check()
    return contests


def _take_turns(workers: Sequence[Stable], sizes: Sequence[str], turns: int, calls: int) -> dict[Cell, list[Batch]]:
    """The batches of every size, stack and page. All pages of a size follow each other, and all sizes have a part in
    every stretch of the run, whatever else the machine does then."""  # noqa: D205, D209 - one thought
    cells = [(stable, act) for stable in workers for act in ((BARE,) if stable.entry.bare else ACTS)]
    laps: dict[Cell, list[Batch]] = {(size, one.entry, act): [] for size in sizes for one, act in cells}
    dice, order = random.Random(1), list(sizes)  # noqa: S311 - an order, not a secret
    for _ in range(turns):
        dice.shuffle(order)
        for size in order:
            dice.shuffle(cells)
            for stable, act in cells:
                laps[size, stable.entry, act].append(stable.batch(size, act, calls))
    return laps
