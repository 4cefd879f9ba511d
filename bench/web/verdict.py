"""The verdict: who is first in each column, by how much, and how far from the floor.

A column is a framework, a size, a page and a clock. Ratios are taken turn by turn. The goal is to be first where one
attribute is read or changed. A lead or a lag no larger than that of a stack against another process of itself is marked
as close.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.goals import Judged
from bench.web.contest import CLOCKS, Contest, Measured
from bench.web.roster import Entry
from bench.web.site import ACTS, GOALS
from transcoders.measure.stats import Estimate, estimate, ratios, reach

FIRST = 1.0
"""The largest ratio to the best peer."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stack in a column.

    Attributes:
        rank: from 1, by the overhead turn by turn.
        microseconds: of overhead.
        floor: the ratio to redis-py's bare GET, or GET and SET.
    """

    entry: Entry
    rank: int
    microseconds: Estimate
    floor: Estimate


@dataclass(frozen=True, slots=True)
class Column:
    """One framework, size, page and clock.

    Attributes:
        places: by rank.
        judged: ours against the best peer; None where no peer takes part.
        peer: the best one.
    """

    framework: str
    size: str
    act: str
    clock: str
    places: tuple[Place, ...]
    judged: Judged | None
    peer: str | None

    @property
    def ours(self) -> Place:
        """Our place."""
        return next(place for place in self.places if place.entry.ours)

    def of(self, entry: Entry) -> Place:
        """The place of a stack."""
        return next(place for place in self.places if place.entry == entry)


def judge(contest: Contest) -> list[Column]:
    """A column for each framework, page and clock."""
    groups: dict[str, list[Measured]] = {}
    for stack in contest.stacks:
        if not stack.entry.floor and not stack.entry.control:
            groups.setdefault(stack.entry.framework, []).append(stack)
    return [
        _column(contest, group, act, clock)
        for group in groups.values()
        if any(stack.entry.ours for stack in group)
        for clock in CLOCKS
        for act in ACTS
    ]


def noises(contest: Contest, act: str, clock: str) -> Iterator[tuple[Entry, Estimate]]:
    """Each control against its twin."""
    for stack in contest.stacks:
        if stack.entry.control:
            twin = next(one for one in contest.stacks if one.entry.ours and one.entry.build == stack.entry.build)
            yield stack.entry, _ratio(stack, twin, act, clock)


def floor(contest: Contest, entry: Entry) -> Measured | None:
    """The floor of a stack: the same kind of client."""
    found = (one for one in contest.stacks if one.entry.floor and one.entry.awaited == entry.awaited)
    return next(found, None)


def _column(contest: Contest, group: Sequence[Measured], act: str, clock: str) -> Column:
    mine = next(stack for stack in group if stack.entry.ours)
    ordered = sorted(group, key=lambda stack: median(ratios(stack.overhead(act, clock), mine.overhead(act, clock))))
    peer = next((stack for stack in ordered if stack is not mine), None)
    noise = max((reach(found) for _, found in noises(contest, act, clock)), default=0.0)
    places = [_place(contest, stack, rank, act, clock) for rank, stack in enumerate(ordered, 1)]
    return Column(
        mine.entry.framework,
        contest.size,
        act,
        clock,
        tuple(places),
        None if peer is None else Judged(_ratio(mine, peer, act, clock), FIRST if act in GOALS else None, noise),
        None if peer is None else peer.entry.sessions,
    )


def _place(contest: Contest, stack: Measured, rank: int, act: str, clock: str) -> Place:
    base = floor(contest, stack.entry)
    if base is None:
        raise ValueError(f"{stack.entry} has no floor")
    seconds = stack.overhead(act, clock)
    return Place(stack.entry, rank, estimate([each * 1e6 for each in seconds]), _ratio(stack, base, act, clock))


def _ratio(stack: Measured, base: Measured, act: str, clock: str) -> Estimate:
    return estimate(ratios(stack.overhead(act, clock), base.overhead(act, clock)))
