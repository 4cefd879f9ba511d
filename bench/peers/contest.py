"""A contest: everything that carries one payload in one codec, checked, then timed in one race.

One entry runs twice, as an A/A control: what lies between the two is the noise of this contest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.peers.checks import accepted, returned
from bench.peers.kinds import KINDS, model, recast
from bench.peers.pipeline import Pipeline
from bench.peers.values import Payload
from bench.race import Decode, Encode, Laps, race, trip
from transcoders.measure.stats import Estimate, estimate, ratios

_CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Missing:
    """A pipeline that was not timed for a kind of model, and why."""

    name: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A pipeline ready for one kind of model; its values have come back."""

    pipeline: Pipeline
    kind: str
    accepts: tuple[str, ...]
    encode: Encode
    decode: Decode
    values: tuple[Any, ...]

    @property
    def label(self) -> str:
        """Unique in a contest."""
        return f"{self.pipeline.name} / {self.kind}"


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of an entry.

    Attributes:
        accepts: the wrong input that it read.
        size: of an encoded value in bytes, median over the variants.
        laps: seconds for one value.
    """

    pipeline: Pipeline
    kind: str
    accepts: tuple[str, ...]
    size: float
    laps: Laps

    @property
    def validates(self) -> bool:
        """Whether it says so and was not found out."""
        return self.pipeline.claims and not self.accepts

    @property
    def competes(self) -> bool:
        """Whether it is a peer that validates, and may be the best of them."""
        return self.validates and self.pipeline.competes and not self.pipeline.form


@dataclass(frozen=True, slots=True)
class Contest:
    """One payload in one codec: the rows, who is missing, and the control's ratio to itself."""

    payload: str
    codec: str
    rows: tuple[Row, ...]
    missing: tuple[Missing, ...]
    noise: Estimate

    def rival(self, kind: str) -> Row | None:
        """The validating peer with the quickest round trip on that kind of model, by the median."""
        peers = [row for row in self.rows if row.kind == kind and row.competes]
        return min(peers, key=lambda row: median(row.laps.both), default=None)


def hold(payload: Payload, codec: str, pipelines: Iterable[Pipeline], turns: int) -> Contest | None:
    """Check and time every pipeline of that codec; None when none of them carries the payload."""
    variants = payload.variants()
    values = {kind: tuple(recast(value, kind) for value in variants) for kind in KINDS}
    found = [
        enter(pipeline, kind, payload, values[kind])
        for pipeline in pipelines
        if pipeline.codec == codec
        for kind in pipeline.kinds
    ]
    entries = [one for one in found if isinstance(one, Entry)]
    missing = tuple(one for one in found if isinstance(one, Missing))
    return _timed(payload, codec, entries, missing, turns) if entries else None


def enter(pipeline: Pipeline, kind: str, payload: Payload, values: tuple[Any, ...]) -> Entry | Missing:
    """The pipeline ready for the values, once each of them has come back the same."""
    try:
        encode, decode = pipeline.make(model(payload.model, kind))
        for value in values:
            if parted := returned(encode, decode, value):
                return Missing(pipeline.name, kind, f"comes back changed: {parted}")
        # What a server saves is what it read: and a look into an instance's __dict__ slows whoever reads it next.
        own = tuple(decode(encode(value)) for value in values)
        return Entry(pipeline, kind, accepted(pipeline, kind), encode, decode, own)
    except Exception as error:  # noqa: BLE001 - whatever a library raises, the others go on
        return Missing(pipeline.name, kind, f"{type(error).__name__}: {error}".partition("\n")[0])


def _timed(payload: Payload, codec: str, entries: Sequence[Entry], missing: tuple[Missing, ...], turns: int) -> Contest:
    trips = {entry.label: trip(entry.encode, entry.decode, entry.values) for entry in entries}
    first = entries[0]
    laps = race(trips | {_CONTROL: trip(first.encode, first.decode, first.values)}, turns)
    noise = estimate(ratios(laps[_CONTROL].both, laps[first.label].both))
    return Contest(payload.name, codec, tuple(_row(entry, laps[entry.label]) for entry in entries), missing, noise)


def _row(entry: Entry, laps: Laps) -> Row:
    count = len(entry.values)
    each = Laps([seconds / count for seconds in laps.encode], [seconds / count for seconds in laps.decode])
    size = median(len(entry.encode(value)) for value in entry.values)
    return Row(entry.pipeline, entry.kind, entry.accepts, size, each)
