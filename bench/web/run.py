"""A run: every stack in its worker on one Valkey, client and server on one core, sizes one after another."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.servers import cores, pinned, server
from bench.web.contest import Contest, hold, stables
from bench.web.roster import Entry, entries
from bench.web.verdict import Column, judge


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be measured.

    Attributes:
        transcoder: of our sessions.
        turns: batches of each page.
        calls: requests of a batch.
    """

    frameworks: tuple[str, ...]
    sizes: tuple[str, ...]
    transcoder: str
    turns: int
    calls: int


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured.

    Attributes:
        server: its name and version.
        absent: stacks that could not be built, and why.
    """

    wish: Wish
    server: str
    absent: dict[str, str]
    contests: tuple[Contest, ...]

    @property
    def columns(self) -> list[Column]:
        """Of all contests."""
        return [column for contest in self.contests for column in judge(contest)]


def run(wish: Wish, say: Callable[[str], None]) -> Run:
    """Measure; `say` hears what is on. Raises TranscoderError when a stack fails, or does not store what it is told."""
    chosen: tuple[Entry, ...] = entries(wish.frameworks)
    own, _ = cores()
    with (
        pinned(own),
        server("valkey", own, "--databases", str(len(chosen))) as started,
        stables(chosen, started, wish.transcoder) as workers,
    ):
        absent = {str(one.entry): one.absent for one in workers if one.absent is not None}
        ready = [one for one in workers if one.absent is None]
        say(f"{len(ready)} stacks on {started.name}, {wish.turns} turns")
        return Run(wish, started.name, absent, tuple(hold(ready, wish.sizes, wish.turns, wish.calls)))
