"""Findings: hand-overs and waits out of the times of sections. Pure arithmetic.

A hand-over is the time from the end of a holder's work, its save included, to the moment at which the next one has the
lock and the session; only of those who were waiting by then. A wait is the time from asking to having. First come,
first served, a request waits as long as all the others take: that many times the time from one section to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bench.handover.worker import HOLD, Section
from transcoders.measure.stats import quantile

P50, P99, LONGEST, LISTENING = 0.0005, 0.002, 1.5, 1.0
"""To be reached: seconds, seconds, times first come first served, connections of a process that only listen."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured with so many waiters.

    Attributes:
        handovers, waits: seconds, sorted.
        section: seconds from one request's having the lock to the next one's, the median.
        late: seconds by which a sleep of HOLD ended late, its 99th of a hundred: what the machine does to anybody.
        hiccup: the most by which one ended late in a process that did nothing else meanwhile.
        overlaps: requests that had the lock before another had ended its work.
        connections: of a process, while requests waited.
        listening: those of them that carry no commands; None where there is no server.
    """

    store: str
    kind: str
    waiters: int
    handovers: Sequence[float]
    waits: Sequence[float]
    section: float
    late: float
    hiccup: float
    overlaps: int
    connections: float
    listening: float | None

    @property
    def p50(self) -> float:
        """Of hand-overs, in seconds."""
        return quantile(self.handovers, 0.5)

    @property
    def p99(self) -> float:
        """Of hand-overs, in seconds."""
        return quantile(self.handovers, 0.99)

    @property
    def longest(self) -> float:
        """The longest wait, in waits of first come first served."""
        return self.waits[-1] / (self.waiters * self.section)

    @property
    def ours(self) -> float:
        """The same without the machine's hiccup, which may have fallen into it."""
        return (self.waits[-1] - self.hiccup) / (self.waiters * self.section)

    @property
    def missed(self) -> list[str]:
        """Which goals were not reached; those of time are for servers, which wake who waits."""
        found = [f"{self.overlaps} requests had the lock together"] if self.overlaps else []
        if self.listening is None:
            return found
        goals = (
            (self.p50 * 1000, P50 * 1000, "p50 in ms"),
            (self.p99 * 1000, P99 * 1000, "p99 in ms"),
            (self.ours, LONGEST, "longest wait, without the machine's hiccup,"),
            (self.listening, LISTENING, "listening connections of a process"),
        )
        return found + [f"{what} {value:.2f} > {goal:g}" for value, goal, what in goals if value > goal]


def findings(
    what: tuple[str, str, int],
    sections: Sequence[Section],
    connections: float,
    listening: float | None,
    hiccup: float = 0.0,
) -> Findings:
    """What the sections say; `what` is the store, the kind and the number of waiters."""
    ordered = sorted(sections, key=lambda section: section[1])
    followed = [(before[2], after) for before, after in pairwise(ordered)]
    return Findings(
        *what,
        handovers=sorted(had - ended for ended, (asked, had, _) in followed if asked < ended),
        waits=sorted(had - asked for asked, had, _ in ordered),
        section=median(after[1] - before[1] for before, after in pairwise(ordered)),
        late=quantile(sorted(ended - had - HOLD for _, had, ended in ordered), 0.99),
        hiccup=hiccup,
        overlaps=sum(had < ended for ended, (_, had, _) in followed),
        connections=connections,
        listening=listening,
    )
