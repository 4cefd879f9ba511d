"""The verdict: our requests against the floors, and their commands, each held to its goal.

Pure arithmetic on what a contest found. Goals are those of the design; a ratio no further from its goal than the lane's
own noise is marked as close: another run may say otherwise. Commands have no noise.
"""

from dataclasses import dataclass
from statistics import median

from bench.goals import Judged
from bench.requests.contest import Contest, Lane
from bench.requests.counts import Counts
from bench.requests.lanes import GET, GET_SET, WIRE_GET, WIRE_GET_SET
from transcoders.measure.stats import Estimate, reach

FLOORS = {
    "untouched": (GET, WIRE_GET),
    "read": (GET, WIRE_GET),
    "change": (GET_SET, WIRE_GET_SET),
    "locked": (GET_SET, WIRE_GET_SET),
}
"""What each request is held against: redis-py, and the wire."""
THREADS = {"read": 0.9, "change": 0.9, "locked": 0.85}
"""Largest ratios to redis-py for threads."""
CHANGE_SMALL = 0.75
"""The same for a change at 0.2 kB."""
LOOPS = {"read": 0.5, "change": 0.5}
"""Largest ratios to redis.asyncio."""
PART = "50k-part"
"""The size at which no goal is set: a GET decodes no list."""
MIDDLE = "2k"
"""The size that the goals for threads leave out."""
STAGED = 4096
"""Bytes of a record from which a write is two commands in one round trip: it does not go through a script."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One kind of request, on one server, at one size, in one lane.

    Attributes:
        judged: its ratio to redis-py's floor.
        wire: its ratio to that of the bare wire.
        counts: what one request sends.
        asked: the commands it may send; None where only round trips count.
        trips: the round trips it may take; None where they cannot be counted.
    """

    server: str
    size: str
    lane: str
    request: str
    microseconds: float
    judged: Judged
    wire: Estimate
    counts: Counts
    asked: int | None
    trips: int | None

    @property
    def counted(self) -> bool:
        """Whether it sends the commands, and takes the round trips, that it may."""
        sent, trips = round(self.counts.sent), round(self.counts.trips)
        return self.asked in {sent, None} and self.trips in {trips, None}


def judge(contest: Contest) -> list[Verdict]:
    """A verdict for each request of each lane."""
    return [_verdict(contest, lane, request) for lane in contest.lanes for request in FLOORS]


def goal(size: str, lane: str, request: str) -> float | None:
    """The largest ratio to redis-py that is to be reached."""
    if size == PART or (size == MIDDLE and lane == "threads"):
        return None
    if lane != "threads":
        return LOOPS.get(request)
    return CHANGE_SMALL if (size, request) == ("0.2k", "change") else THREADS.get(request)


def asked(size: float, lane: str, request: str) -> int | None:
    """The commands that a request may send: one to read, one to write, one more to stage what is large."""
    untouched = 0 if lane == "threads" else 1
    return {"untouched": untouched, "read": 1, "change": 2 + (size > STAGED)}.get(request)


def trips(size: float, lane: str, request: str) -> int | None:
    """The round trips that it may take; a server reads what is large in several pieces."""
    return None if size > STAGED else 2 if request == "locked" else asked(size, lane, request)


def _verdict(contest: Contest, lane: Lane, request: str) -> Verdict:
    floor, wire = FLOORS[request]
    return Verdict(
        contest.server,
        contest.size.name,
        lane.name,
        request,
        median(lane.seconds[request]) * 1e6,
        Judged(lane.ratio(request, floor), goal(contest.size.name, lane.name, request), reach(lane.noise)),
        lane.ratio(request, wire),
        lane.counts[request],
        asked(contest.bytes, lane.name, request),
        trips(contest.bytes, lane.name, request),
    )
