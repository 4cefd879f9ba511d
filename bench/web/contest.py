"""A contest: sessions of one size in every stack, whose batches take turns in a shuffled order.

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

    def fill(self, size: str) -> None:
        """New sessions, in an empty database."""
        if self.entry.bare:
            self.ask("stay_bare")
        else:
            with self._client() as client:
                client.flushdb()
            self.ask("fill", size)
            self._changes, self._total = 0, 0 if self.entry.floor else self.ask("tell")
        self.ask("settle")

    def batch(self, act: str, calls: int, warm: int = WARM) -> Batch:
        """A batch; `warm` more calls come before those that count."""
        self._changes += (calls + warm) * (act == CHANGE)
        return tuple(self.ask("batch", act, calls, warm))

    def counts(self) -> dict[str, Counts]:
        """The commands of each page."""
        return {act: count(self._server, lambda act=act: self.batch(act, 1, 0)) for act in ACTS}  # type: ignore[misc]

    def check(self) -> None:
        """Raises TranscoderError when a change is not there."""
        if not self.entry.floor and (found := self.ask("tell") - self._total) != self._changes:
            raise TranscoderError(f"{self.entry} has stored {found} changes of {self._changes}")

    def bytes(self) -> float:
        """Of a stored session; every key of the database is a session's."""
        with self._client() as client:
            return fmean(client.strlen(key) for key in client.keys("*"))

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


def hold(workers: Sequence[Stable], size: str, turns: int, calls: int) -> Contest:
    """Measure sessions of that size; each page has so many turns of so many calls."""
    for stable in workers:
        stable.fill(size)
    cells = [(stable, act) for stable in workers for act in ((BARE,) if stable.entry.bare else ACTS)]
    laps: dict[tuple[Entry, str], list[Batch]] = {(stable.entry, act): [] for stable, act in cells}
    dice = random.Random(size)  # noqa: S311 - an order, not a secret
    for _ in range(turns):
        dice.shuffle(cells)
        for stable, act in cells:
            laps[stable.entry, act].append(stable.batch(act, calls))
    bare = {stable.entry.framework: laps[stable.entry, BARE] for stable in workers if stable.entry.bare}
    bare[FLOOR] = [(0.0, 0.0)] * turns
    return Contest(size, tuple(_measured(stable, laps, bare) for stable in workers if not stable.entry.bare))


def _measured(stable: Stable, laps: dict[tuple[Entry, str], list[Batch]], bare: dict[str, list[Batch]]) -> Measured:
    entry, batches = stable.entry, {act: laps[stable.entry, act] for act in ACTS}
    measured = Measured(entry, batches, bare[entry.framework], stable.counts(), stable.bytes())
    stable.check()
    return measured
