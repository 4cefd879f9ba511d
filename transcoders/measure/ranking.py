"""The ranking: transcoders by the cost of a request, with ties that are called ties.

Two transcoders tie when their ratio, taken round by round, is closer to 1 than the threshold of the run, or when its
interval holds 1. Ranks are given from the fastest down; who ties with the head of a rank shares it. Within a rank the
order is by what holds on every machine: data only, then no keys to keep, then read by other languages, then read by
people, then fewer bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transcoders.measure.comparison import Comparison
from transcoders.measure.stats import Estimate


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        rank: 1 is the least time; transcoders that tie with the head of a rank share it.
        tie: whether the rank is shared.
        time: the cost of a request as a ratio to the baseline.
        bytes: the same of the raw bytes.
    """

    rank: int
    tie: bool
    spec: str
    time: Estimate
    bytes: float


def ranking(comparison: Comparison) -> tuple[Row, ...]:
    """Every transcoder that carries the whole mix, the one to use first."""
    ranks = _ranks(comparison)
    return tuple(
        Row(1 + sum(map(len, ranks[:place])), len(rank) > 1, spec, comparison.overall(spec), comparison.bytes(spec))
        for place, rank in enumerate(ranks)
        for spec in rank
    )


def _ranks(comparison: Comparison) -> list[list[str]]:
    """The specs by rank; within a rank by preference."""
    ranks: list[list[str]] = []
    for spec in comparison.ranked:
        if ranks and not comparison.between(spec, ranks[-1][0]).differs(comparison.floor.overall_tie):
            ranks[-1].append(spec)
        else:
            ranks.append([spec])
    return [sorted(rank, key=lambda spec: [better(comparison, spec) for better, _ in _PREFERENCES]) for rank in ranks]


_PREFERENCES: Sequence[tuple[Callable[[Comparison, str], float], str]] = (
    (lambda comparison, spec: not comparison.results.candidate(spec).data_only, "it holds data only"),
    (lambda comparison, spec: comparison.results.candidate(spec).keyed, "it needs no keys"),
    (
        lambda comparison, spec: not comparison.results.candidate(spec).cross_language,
        "other languages read it",
    ),
    (lambda comparison, spec: not comparison.results.candidate(spec).readable, "people can read it"),
    (lambda comparison, spec: comparison.bytes(spec), "it takes fewer bytes"),
)
"""What decides among ties, least first, and in words."""


def reason(comparison: Comparison, winner: str, second: str) -> str:
    """Why the winner stands before the second, with which it ties: the first preference that tells them apart."""
    apart = (words for better, words in _PREFERENCES if better(comparison, winner) < better(comparison, second))
    return next(apart, "it was named first")
