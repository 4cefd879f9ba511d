"""The tally: what the tasks were told, beside what is stored in the end. Pure arithmetic."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transcoders.measure.stats import quantile


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one run.

    Attributes:
        acknowledged: increments that were saved, and said so.
        unknown: increments of which the manager said that it does not know; `applied` of them had taken effect.
        errors: other requests that ended with an error, by its name: they changed nothing.
        stored: the counter in the end.
        seconds: that the run took.
        latencies: seconds of the acknowledged requests, sorted.
    """

    acknowledged: int
    unknown: int
    applied: int
    errors: Counter[str]
    stored: int
    seconds: float
    latencies: Sequence[float]

    @property
    def lost(self) -> int:
        """Increments that took effect, and are not in the counter."""
        return max(0, self.acknowledged + self.applied - self.stored)

    @property
    def doubled(self) -> int:
        """Increments in the counter that nobody made."""
        return max(0, self.stored - self.acknowledged - self.applied)

    @property
    def throughput(self) -> float:
        """Acknowledged increments a second."""
        return self.acknowledged / self.seconds

    def latency(self, share: float) -> float:
        """Seconds within which that share of the acknowledged requests was done; 0 when there was none."""
        return quantile(self.latencies, share) if self.latencies else 0.0


def tally(tasks: Iterable[Mapping[str, Any]], final: Mapping[str, Any], seconds: float) -> Tally:
    """The tally of these records of tasks, and of the session as it stands in the end."""
    tasks = list(tasks)
    applied = sum(task["applied"] for task in tasks)
    applied += sum(bool(task["pending"]) and final.get(task["name"]) == task["pending"] for task in tasks)
    return Tally(
        acknowledged=sum(task["acknowledged"] for task in tasks),
        unknown=sum(task["unknown"] for task in tasks),
        applied=applied,
        errors=sum((Counter(task["errors"]) for task in tasks), Counter()),
        stored=final["n"],
        seconds=seconds,
        latencies=sorted(second for task in tasks for second in task["latencies"]),
    )
