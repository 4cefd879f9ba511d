"""The verdict: which transcoder to use for the payloads measured, by a rule that a reader can follow.

1. The cost of a request is decode + encode: a session is read, changed and written. Where whole requests were measured
   on a store, it is that of one that reads and one that changes. It is compared with the baseline's in each round; the
   mean over payloads is geometric, each payload counting once.
2. A transcoder that does not carry every payload of the mix is left out, and named.
3. Ties share a rank, and among those that share the first one preferences decide that hold on every machine: see
   `ranking`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transcoders.measure.advice import advice, cost, listed
from transcoders.measure.comparison import Comparison, Floor
from transcoders.measure.ranking import Row, ranking, reason

RULE = (
    "Cost of a request: {cost}, as a ratio to the baseline in the same round; geometric mean over the payloads, each "
    "counting once. A tie is a ratio closer to 1 than the noise floor or 3 %, whichever is more, or one whose interval "
    "holds 1. Among ties: data only, then no keys to keep, then read by other languages, then read by people, then "
    "fewer bytes."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says.

    Attributes:
        winner: the spec to use.
        sentence: that, with its reason, in one sentence.
        runner_up: the next best, in one sentence; empty when there is no other.
        rows: every complete transcoder, the winner first.
        excluded: why a transcoder is not in the table, by spec.
        advice: one sentence for each wish under which the answer is another.
        rule: how the verdict was found.
    """

    winner: str
    sentence: str
    runner_up: str
    rows: tuple[Row, ...]
    excluded: dict[str, str]
    advice: tuple[str, ...]
    rule: str
    baseline: str
    mix: tuple[str, ...]
    floor: Floor


def verdict(comparison: Comparison) -> Verdict:
    """The verdict on a run.

    Raises:
        SpecError: the baseline carries none of the payloads.
    """
    rows = ranking(comparison)
    return Verdict(
        winner=rows[0].spec,
        sentence=_sentence(comparison, rows),
        runner_up=_runner_up(comparison, rows),
        rows=rows,
        excluded=_excluded(comparison),
        advice=tuple(advice(comparison, rows)),
        rule=RULE.format(cost=" + ".join(comparison.cost)),
        baseline=comparison.results.baseline,
        mix=comparison.mix,
        floor=comparison.floor,
    )


def _sentence(comparison: Comparison, rows: Sequence[Row]) -> str:
    first = [row.spec for row in rows if row.rank == 1]
    winner, *others = first
    if not others:
        fastest = f"the fastest of {len(rows)}" if len(rows) > 1 else "the only one measured"
        return f"Use {winner}: it is {fastest}{_against(rows[0], comparison.results.baseline)}."
    why = reason(comparison, winner, others[0])
    whom = "any of them" if len(first) == len(rows) else f"it and {listed(others)}"
    against = _against(rows[0], comparison.results.baseline)
    return f"Use {winner}: no measurable difference in time between {whom}, and {why}{against}."


def _against(row: Row, baseline: str) -> str:
    if row.spec == baseline:
        return ""
    time, low, high = (f"{number:.2f}" for number in (row.time.median, row.time.low, row.time.high))
    return f"; a request takes {time} of the time of {baseline} ({low} to {high}), and {row.bytes:.2f} of its bytes"


def _runner_up(comparison: Comparison, rows: Sequence[Row]) -> str:
    if len(rows) < 2:
        return ""
    winner, second = rows[:2]
    if second.rank == winner.rank:
        return f"Runner-up: {second.spec}, tied in time."
    return f"Runner-up: {second.spec}, {cost(comparison, second, winner)}."


def _excluded(comparison: Comparison) -> dict[str, str]:
    results = comparison.results
    left_out = [spec for spec in results.specs if spec not in comparison.complete]
    failed = {spec: [name for name in comparison.mix if not comparison.has(spec, name)] for spec in left_out}
    return {spec: f"does not carry {listed(names)}" for spec, names in failed.items()}
