"""Shares: where the time of a whole request goes, out of requests and parts of them that were timed side by side.

Each part holds the one before, so a share is a difference: the codec alone, then what the record adds, what the manager
adds, and what the store adds. A part that was measured no longer than the one it holds adds nothing.
"""

from dataclasses import dataclass
from statistics import fmean

from transcoders.measure.comparison import Comparison

LAYERS = ("codec", "record", "manager", "store")
"""From the inside out, in the order of the bars."""
_ENDS = ("codec", "record", "still", "")
"""The part with which each layer ends; the last is the request itself."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Seconds of one request by layer, the mean over the payloads."""

    codec: float
    record: float
    manager: float
    store: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.codec + self.record + self.manager + self.store

    def share(self, layer: str) -> float:
        """Of the whole, from 0 to 1."""
        seconds: float = getattr(self, layer)
        return seconds / self.total


def shares(comparison: Comparison, spec: str, request: str) -> Shares:
    """Where the time of that request goes with a transcoder that carries the whole mix."""
    layers: list[float] = []
    reached = 0.0
    for part in _ENDS:
        op = f"{request}:{part}" if part else request
        seconds = fmean(comparison.time(spec, name, (op,)).median for name in comparison.mix)
        layers.append(max(0.0, seconds - reached))
        reached = max(reached, seconds)
    return Shares(*layers)
