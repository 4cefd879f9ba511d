"""A run: records and requests in memory first, then servers and sizes one after another."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import records
from bench.requests.contest import Contest, hold
from bench.requests.sessions import size
from bench.requests.verdict import Verdict, judge
from bench.servers import cores, pinned, server


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be measured.

    Attributes:
        servers: kinds, such as `valkey`.
        apart: whether the server gets another core than the client: that shows latency, not work.
    """

    servers: tuple[str, ...]
    sizes: tuple[str, ...]
    lanes: tuple[str, ...]
    transcoder: str
    turns: int
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured.

    Attributes:
        rows: records and requests without a server.
    """

    wish: Wish
    rows: tuple[records.Row, ...]
    contests: tuple[Contest, ...]

    @property
    def verdicts(self) -> list[Verdict]:
        """Of all contests."""
        return [verdict for contest in self.contests for verdict in judge(contest)]


def run(wish: Wish, say: Callable[[str], None]) -> Run:
    """Measure; `say` hears what is on."""
    own, other = cores()
    contests = []
    with pinned(own):
        say("records and requests in memory")
        rows = records.measure(wish.turns)
        for kind in wish.servers:
            with server(kind, other if wish.apart else own) as started:
                for name in wish.sizes:
                    say(f"{started.name} {name}")
                    contests.append(hold(started, size(name), wish.transcoder, wish.lanes, wish.turns))
    return Run(wish, tuple(rows), tuple(contests))
