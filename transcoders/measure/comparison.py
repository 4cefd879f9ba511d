"""Comparison: every transcoder against the baseline, round by round, and the noise floor that says what counts.

The baseline of a round is the mean of `control-a` and `control-b`, the same transcoder in two processes of that round.
What lies between these two is not a property of any transcoder: it is the noise floor. There are two, because a mean
over payloads is calmer than a single number:

* `cell`: of one number (a payload, an operation), the distance from 1 that 95 % of the control ratios stay within;
* `overall`: of the verdict, how far the interval of the controls' own overall ratio reaches from 1.

A difference smaller than its floor or than 3 %, or with 1 in its interval, is a tie.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import geometric_mean, median

from transcoders.errors import SpecError
from transcoders.measure.plan import CONTROLS
from transcoders.measure.results import Results
from transcoders.measure.stats import (
    CONFIDENCE,
    Estimate,
    distance,
    estimate,
    means_by_round,
    quantile,
    ratios,
    reach,
)

SMALLEST = 0.03
"""Below this a difference is a tie even on a silent machine: it would not survive a new release of the codec."""
_REQUEST = ("decode", "encode")
_WHOLE = ("read", "change")


@dataclass(frozen=True, slots=True)
class Floor:
    """How much the same transcoder differed from itself."""

    cell: float
    overall: float

    @property
    def cell_tie(self) -> float:
        """The threshold of a tie between single numbers."""
        return max(self.cell, SMALLEST)

    @property
    def overall_tie(self) -> float:
        """The threshold of a tie in the verdict."""
        return max(self.overall, SMALLEST)


class Comparison:
    """The estimates of one run."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.codec = tuple(op for op in _REQUEST if op in results.ops) or results.ops
        """The operations whose sum is the codec's part of a request: reading and writing a session, where both were
        timed."""
        self.cost = _WHOLE if results.via else self.codec
        """What the verdict goes by: whole requests that read and that change, where they were measured."""

    @cached_property
    def mix(self) -> tuple[str, ...]:
        """The payloads that the baseline carries: only these have ratios."""
        names = (payload.name for payload in self.results.payloads)
        carried = tuple(name for name in names if all(self.has(label, name) for label in CONTROLS))
        if not carried:
            raise SpecError(f"the baseline {self.results.baseline} carries none of the payloads: choose another")
        return carried

    @cached_property
    def complete(self) -> tuple[str, ...]:
        """The specs that carry the whole mix: only these can be compared overall."""
        return tuple(spec for spec in self.results.specs if all(self.has(spec, name) for name in self.mix))

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """The complete specs, the least time first."""
        return tuple(sorted(self.complete, key=lambda spec: self.overall(spec).median))

    def has(self, label: str, payload: str) -> bool:
        """Whether the transcoder has numbers for the payload."""
        return (label, payload, self.cost[0]) in self.results.times

    def bytes(self, spec: str) -> float:
        """The raw bytes as a ratio to the baseline, geometric mean over the mix."""
        sizes, baseline = self.results.sizes, self.results.baseline
        return geometric_mean(sizes[spec, name].raw / sizes[baseline, name].raw for name in self.mix)

    def time(self, spec: str, payload: str, ops: Sequence[str]) -> Estimate:
        """Seconds that the operations take together."""
        return estimate([median(values) for values in self._values(spec, payload, ops)])

    def ratio(self, spec: str, payload: str, ops: Sequence[str]) -> Estimate:
        """The same as a ratio to the baseline."""
        return estimate(self._ratios(spec, payload, ops))

    def overall(self, spec: str, ops: Sequence[str] | None = None) -> Estimate:
        """The ratio to the baseline, geometric mean over the mix; of the cost if nothing else is named."""
        return estimate(self._overall(spec, ops or self.cost))

    def between(self, spec: str, other: str) -> Estimate:
        """The overall ratio of the cost of two transcoders, round by round: sharper than two intervals."""
        return estimate(ratios(self._overall(spec, self.cost), self._overall(other, self.cost)))

    @cached_property
    def floor(self) -> Floor:
        """The noise floor of the run."""
        singles = [(op,) for op in (*self.results.ops, *self.results.requests)]
        cells = [estimate(self._control(name, ops)) for name in self.mix for ops in [*singles, self.cost]]
        distances = sorted(distance(cell.median) for cell in cells)
        overall = estimate(means_by_round([self._control(name, self.cost) for name in self.mix]))
        return Floor(cell=quantile(distances, CONFIDENCE), overall=reach(overall))

    def control(self, payload: str, ops: Sequence[str]) -> Estimate:
        """The ratio of the two controls: 1 but for noise."""
        return estimate(self._control(payload, ops))

    def _control(self, payload: str, ops: Sequence[str]) -> list[float]:
        first, second = (self._values(label, payload, ops) for label in CONTROLS)
        return [median(ratios(left, right)) for left, right in zip(first, second, strict=True)]

    def _overall(self, spec: str, ops: Sequence[str]) -> list[float]:
        return means_by_round([self._ratios(spec, name, ops) for name in self.mix])

    def _ratios(self, spec: str, payload: str, ops: Sequence[str]) -> list[float]:
        """The ratio to the mean of the controls in each round: the median of those of its turns."""
        rounds = zip(*(self._values(label, payload, ops) for label in (spec, *CONTROLS)), strict=True)
        return [
            median(ratios(taken, [(left + right) / 2 for left, right in zip(first, second, strict=True)]))
            for taken, first, second in rounds
        ]

    def _values(self, label: str, payload: str, ops: Sequence[str]) -> list[list[float]]:
        """Seconds of the operations together: by round and turn."""
        rounds = zip(*(self.results.times[label, payload, op] for op in ops), strict=True)
        return [[sum(turn) for turn in zip(*values, strict=True)] for values in rounds]
