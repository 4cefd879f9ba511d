"""A contest: one server and one size of session; every request and both floors of every lane take turns in one process.

Seconds are those of one request, turn by turn.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from bench.race import take_turns
from bench.requests import floors, ours
from bench.requests.counts import Counts, count
from bench.requests.lanes import CONTROL, GET, Field, entrants
from bench.requests.sessions import Size
from bench.servers import Server
from transcoders.measure.stats import Estimate, estimate, ratios
from transcoders.sessions.manager import SessionManager


@dataclass(frozen=True, slots=True)
class Lane:
    """What was measured in one lane.

    Attributes:
        seconds: of one request, by label and turn.
        counts: by request.
    """

    name: str
    seconds: dict[str, list[float]]
    counts: dict[str, Counts]

    def ratio(self, label: str, floor: str) -> Estimate:
        """A request against a floor, turn by turn."""
        return estimate(ratios(self.seconds[label], self.seconds[floor]))

    @property
    def noise(self) -> Estimate:
        """redis-py's GET against itself."""
        return self.ratio(CONTROL, GET)


@dataclass(frozen=True, slots=True)
class Contest:
    """One server, one size.

    Attributes:
        server: its name and version.
        bytes: of a stored record, on average.
    """

    server: str
    size: Size
    bytes: float
    lanes: tuple[Lane, ...]


def hold(server: Server, size: Size, transcoder: str, lanes: Sequence[str], turns: int) -> Contest:
    """Measure that size on that server; what the server holds is thrown away before."""
    field = _field(server, size, transcoder)
    with ExitStack() as stack:
        entered = [stack.enter_context(entrants(lane, field)) for lane in lanes]
        laps = take_turns({f"{one.lane} {label}": run for one in entered for label, run in one.runs.items()}, turns)
        found = [
            Lane(
                one.lane,
                {label: [lap[0] / len(field.pairs) for lap in laps[f"{one.lane} {label}"]] for label in one.runs},
                {label: count(server, once) for label, once in one.once.items()},
            )
            for one in entered
        ]
    return Contest(server.name, size, fmean(len(data) for _, data in field.pairs), tuple(found))


def _field(server: Server, size: Size, transcoder: str) -> Field:
    """The sessions of that size in the server, and their bytes once more under keys of the floors."""
    with server.client() as client, SessionManager[Any](server.url, transcoder) as manager:
        client.flushall()
        sids = ours.stored(manager, size.variants())
        pairs = tuple((f"floor:{key.decode()}", client.get(key)) for key in sorted(client.keys("*")))
        for key, data in pairs:
            client.set(key, data, px=floors.TTL)
    return Field(server, size, transcoder, sids, pairs)
