"""Statistics: medians over rounds with bootstrap intervals, geometric means, noise floors. Pure functions of numbers.

A round is the unit of replication: values inside one process share its luck (memory layout, hash seed, a neighbour on
the machine), so the interval resamples rounds and never single values (Kalibera and Jones, "Rigorous Benchmarking in
Reasonable Time", ISMM 2013). The interval is the percentile bootstrap of the median (Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993, chapter 13), with a fixed seed: the same rounds always give the same interval.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import geometric_mean, median

CONFIDENCE = 0.95
_RESAMPLES = 2000
_SEED = 20130620
METHOD = (
    "Times and ratios are medians over the rounds, intervals the "
    f"{CONFIDENCE * 100:g} % percentile bootstrap over the rounds ({_RESAMPLES:,} resamples, fixed seed)."
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median over rounds and its interval."""

    median: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether the interval leaves the value out."""
        return not self.low <= value <= self.high

    def differs(self, threshold: float) -> bool:
        """Whether this ratio is told apart from 1: its interval leaves 1 out, and its median the threshold."""
        return self.excludes(1.0) and abs(math.log(self.median)) >= math.log1p(threshold)


def estimate(rounds: Sequence[float]) -> Estimate:
    """The median over the rounds and its bootstrap interval."""
    ordered = sorted(rounds)
    medians = sorted((ordered[low] + ordered[high]) / 2 for low, high in _middles(len(ordered)))
    return Estimate(median(ordered), quantile(medians, (1 - CONFIDENCE) / 2), quantile(medians, (1 + CONFIDENCE) / 2))


@cache
def _middles(count: int) -> tuple[tuple[int, int], ...]:
    """The ranks whose mean is the median of each resample: they are the same for any numbers of this count."""
    dice = random.Random(_SEED)  # noqa: S311 - a seeded resampling is wanted, not a secret
    resamples = (sorted(dice.choices(range(count), k=count)) for _ in range(_RESAMPLES))
    return tuple((resample[(count - 1) // 2], resample[count // 2]) for resample in resamples)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of the sorted numbers lies, interpolated."""
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = math.ceil(position)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """The ratios turn by turn: what slowed the machine in a turn slowed both, and cancels."""
    return [value / reference for value, reference in zip(values, base, strict=True)]


def means_by_round(series: Sequence[Sequence[float]]) -> list[float]:
    """The geometric mean of several series in each round."""
    return [geometric_mean(values) for values in zip(*series, strict=True)]


def distance(ratio: float) -> float:
    """How far a ratio lies from 1, the same for a ratio and its inverse: 0.25 for 1.25 and for 0.8."""
    return math.expm1(abs(math.log(ratio)))


def reach(ratio: Estimate) -> float:
    """How far the interval of a ratio reaches from 1."""
    return max(distance(ratio.low), distance(ratio.high))
