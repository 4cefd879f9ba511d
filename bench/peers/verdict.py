"""The verdict: our round trips against the best validating peer's, each held to its goal.

Pure arithmetic on a contest's times. A ratio is taken within a turn; its median is compared with the goal, and a ratio
no further from the goal than the contest's own noise is marked as close: another run may say otherwise.
"""

from dataclasses import dataclass
from statistics import median

from bench.peers.contest import Contest, Row
from transcoders.measure.stats import Estimate, distance, estimate, ratios, reach

BARE = {"json": 1.0, "msgpack": 1.0, "cbor": 0.5, "pickle": 0.8}
"""Largest ratio on a dataclass, the frame excluded."""
FRAMED = (1.15, 1.05)
"""Largest ratio on a dataclass with the frame: for `small`, and for what is larger."""
STRUCT_BARE = 1.05
STRUCT_FRAMED_SMALL = 1.4
SIGNED_SMALL = 3.0
"""Microseconds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One of our round trips.

    Attributes:
        ours: the pipeline's name.
        form: bare, framed or sealed.
        kind: of the model.
        peer: the name of the peer, and `peer_kind` its kind of model.
        ratio: our round trip to the peer's.
        microseconds: ours.
        goal: largest ratio, for a seal largest number of microseconds; None where none is set.
    """

    payload: str
    codec: str
    ours: str
    form: str
    kind: str
    peer: str
    peer_kind: str
    ratio: Estimate
    microseconds: float
    goal: float | None
    noise: float

    @property
    def value(self) -> float:
        """What is compared with the goal."""
        return self.microseconds if self.form == "sealed" else self.ratio.median

    @property
    def reached(self) -> bool | None:
        """Whether the goal is; None where none is set."""
        return None if self.goal is None else self.value <= self.goal

    @property
    def close(self) -> bool:
        """Whether the noise could turn it."""
        return self.goal is not None and distance(self.value / self.goal) <= self.noise


def judge(contest: Contest) -> list[Verdict]:
    """A verdict for each of our rows that has a peer to be compared with."""
    ours = [row for row in contest.rows if row.pipeline.form]
    return [_verdict(contest, row, peer) for row in ours if (peer := _peer(contest, row))]


def goal(payload: str, codec: str, form: str, kind: str) -> float | None:
    """What is to be reached."""
    small = payload == "small"
    if form == "sealed":
        return SIGNED_SMALL if small else None
    if kind == "struct":
        return STRUCT_BARE if form == "bare" else STRUCT_FRAMED_SMALL if small else None
    return BARE[codec] if form == "bare" else FRAMED[not small]


def _peer(contest: Contest, row: Row) -> Row | None:
    """The best on the same kind of model; for a compact Struct the best without field names, where there is one."""
    nameless = contest.rival("array") if row.pipeline.compact and row.kind == "struct" else None
    return nameless or contest.rival(row.kind)


def _verdict(contest: Contest, row: Row, peer: Row) -> Verdict:
    return Verdict(
        contest.payload,
        contest.codec,
        row.pipeline.name,
        row.pipeline.form,
        row.kind,
        peer.pipeline.name,
        peer.kind,
        estimate(ratios(row.laps.both, peer.laps.both)),
        median(row.laps.both) * 1e6,
        goal(contest.payload, contest.codec, row.pipeline.form, row.kind),
        reach(contest.noise),
    )
