"""Advice: which transcoder to use under another wish than speed. Silent about wishes that the winner meets."""

from collections.abc import Callable, Sequence
from statistics import median

from transcoders.measure.comparison import Comparison
from transcoders.measure.ranking import Row

_WORTH_SAYING = 0.9
"""Of the winner's bytes: what saves less is no advice."""
_AS_SMALL = 1.05
"""Of the fewest bytes: among those, the fastest is the advice."""


def advice(comparison: Comparison, rows: Sequence[Row]) -> list[str]:
    """One sentence for each wish under which the answer is another than the first row."""
    winner, candidate = rows[0], comparison.results.candidate
    wishes: tuple[tuple[str, Callable[[Row], bool]], ...] = (
        ("If bytes may come from anyone", lambda row: candidate(row.spec).data_only),
        ("If people must read the store", lambda row: candidate(row.spec).readable),
        ("If other languages read the sessions", lambda row: candidate(row.spec).cross_language),
    )
    found = [
        f"{wish}: {other.spec} ({cost(comparison, other, winner)})."
        for wish, meets in wishes
        if not meets(winner)
        for other in [next(filter(meets, rows), None)]
        if other
    ]
    return found + _smaller(comparison, rows) + _unstable(comparison, rows)


def _smaller(comparison: Comparison, rows: Sequence[Row]) -> list[str]:
    winner, least = rows[0], min(row.bytes for row in rows)
    smallest = min((row for row in rows if row.bytes <= _AS_SMALL * least), key=lambda row: row.time.median)
    if smallest.bytes > _WORTH_SAYING * winner.bytes:
        return []
    said = f"If bytes cost more than time: {smallest.spec} ({cost(comparison, smallest, winner)})"
    # Whole requests have the way to their store in them already.
    speeds = [] if comparison.results.via else _break_even(comparison, winner.spec, smallest.spec)
    if not speeds:
        return [said + "."]
    count = f"{len(speeds)} of {len(comparison.mix)} payloads"
    return [
        f"{said}; over a link slower than about {median(speeds):,.0f} Mbit/s it is also faster (median of {count})."
    ]


def _break_even(comparison: Comparison, fast: str, small: str) -> list[float]:
    """The bandwidth in Mbit/s at which both cost the same, by payload, bytes travelling once each way."""
    speeds = []
    for name in comparison.mix:
        saved = comparison.results.sizes[fast, name].raw - comparison.results.sizes[small, name].raw
        slower, faster = (comparison.time(spec, name, comparison.cost).median for spec in (small, fast))
        if saved > 0 and slower > faster:
            speeds.append(2 * 8 * saved / (slower - faster) / 1e6)
    return speeds


def _unstable(comparison: Comparison, rows: Sequence[Row]) -> list[str]:
    checks = comparison.results.checks
    unstable = [row.spec for row in rows if not all(checks[row.spec, name].stable for name in comparison.mix)]
    if not unstable:
        return []
    return [f"Equal sessions may give different bytes in {listed(unstable)}: do not compare bytes to find changes."]


def cost(comparison: Comparison, row: Row, winner: Row) -> str:
    """Time and bytes of a row beside the winner's."""
    between = comparison.between(row.spec, winner.spec)
    tie = not between.differs(comparison.floor.overall_tie)
    time = "no measurable difference in time" if tie else f"{between.median:.2f} times its time"
    return f"{time}, {row.bytes / winner.bytes:.2f} times its bytes"


def listed(names: Sequence[str]) -> str:
    """The names as a sentence has them."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
