"""The report: a run as Markdown, the verdict first, and the same as plain data."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from bench import records
from bench.peers.table import table
from bench.requests.contest import Contest, Lane
from bench.requests.lanes import CONTROL, GET, GET_SET, WIRE_GET, WIRE_GET_SET
from bench.requests.run import Run
from bench.requests.sessions import SIZES
from bench.requests.verdict import FLOORS, Verdict
from bench.rig import Occasion
from transcoders.measure.stats import METHOD, Estimate

_LEGEND = (
    "A request opens a session by its id, reads one attribute, or changes one, or touches nothing, and saves; `locked` "
    "changes one under a lock. Each has a floor that only moves the bytes: GET for those that read, GET then SET for "
    "those that write, as redis-py does it (`redis-py`) and over a bare socket or protocol (`wire`). Everything takes "
    "turns in one process; {where}. {method} The goal is in the next column: `ok` reached, `NO` not; with `~` the "
    "noise of the lane, redis-py's GET against itself, could turn it."
)


def report(run: Run, occasion: Occasion) -> str:
    """All of it as Markdown."""
    wish = run.wish
    where = "client and server on two cores, so this is latency" if wish.apart else "client and server share one core"
    legend = _LEGEND.format(where=where, method=METHOD.replace("rounds", "turns"))
    lines = [
        *("# Whole requests", ""),
        *(f"Made by `{occasion.command}`, {occasion.made}: {wish.turns} turns, {wish.transcoder}.", ""),
        *_verdict(run),
        *("## Against redis-py", "", legend, ""),
    ]  # fmt: skip
    for server in dict.fromkeys(contest.server for contest in run.contests):
        lines += [f"### {server}", "", *_goals([one for one in run.verdicts if one.server == server]), ""]
    lines += ["## Records, and requests in memory", "", *records.lines(run.rows), ""]
    lines += [
        "## Every figure",
        "",
        "Microseconds of one request: medians. Commands and trips as the server counts them.",
        "",
    ]
    for contest in run.contests:
        lines += _contest(contest)
    sizes = [f"- {one.name}: {one.what}" for one in SIZES if one.name in wish.sizes]
    return "\n".join([*lines, "## The sessions", "", *sizes, "", *occasion.lines()]) + "\n"


def _verdict(run: Run) -> list[str]:
    verdicts, rows = run.verdicts, [row.judged for row in run.rows]
    judged = [one for one in [*(one.judged for one in verdicts), *rows] if one.goal is not None]
    reached, close = sum(one.reached is True for one in judged), sum(one.close for one in judged)
    lines = [
        *("## Verdict", ""),
        f"**{reached} of {len(judged)} goals of time reached; {close} were nearer to the goal than the noise.**",
    ]
    if verdicts:
        kept = sum(one.counted for one in verdicts)
        lines.append(f"**{kept} of {len(verdicts)} kinds of request send the commands that they may, and no more.**")
    missed = [
        f"- {_where(one)}: {one.judged.cells()[0]}, goal {one.judged.goal:g}"
        for one in verdicts
        if one.judged.reached is False
    ]
    missed += [
        f"- {row.what}: {row.judged.cells()[0]}, goal {row.judged.goal:.3g}"
        for row in run.rows
        if row.judged.reached is False
    ]
    missed += [
        f"- {_where(one)}: sends {one.counts} in {one.counts.trips:g} trips" for one in verdicts if not one.counted
    ]
    return [*lines, "", *(["Not reached:", "", *missed, ""] if missed else [])]


def _where(one: Verdict) -> str:
    return f"{one.server}, {one.size}, {one.lane}, {one.request}"


def _goals(verdicts: Sequence[Verdict]) -> list[str]:
    sizes = list(dict.fromkeys(one.size for one in verdicts))
    found = {(one.lane, one.request, one.size): " ".join(one.judged.cells()).strip() for one in verdicts}
    rows = [
        [lane, request, *(found.get((lane, request, size), "-") for size in sizes)]
        for lane, request in dict.fromkeys((one.lane, one.request) for one in verdicts)
    ]
    return table(["lane", "request", *sizes], rows, text=2)


def _contest(contest: Contest) -> list[str]:
    head = ["lane", "request", "us", "/ redis-py", "/ wire", "commands", "trips"]
    rows = [row for lane in contest.lanes for row in _lane(lane)]
    return [
        f"### {contest.server}, {contest.size.name}: records of {contest.bytes:,.0f} bytes",
        "",
        *table(head, rows, text=2),
        "",
    ]


def _lane(lane: Lane) -> Iterable[list[str]]:
    for label in (GET, WIRE_GET, GET_SET, WIRE_GET_SET):
        base = GET if label in {GET, WIRE_GET} else GET_SET
        client = "" if label.startswith("wire") else "redis-py "
        yield [lane.name, client + label, _us(lane, label), _ratio(lane.ratio(label, base)), "", "", ""]
    yield [lane.name, f"noise: {CONTROL}", _us(lane, CONTROL), _ratio(lane.noise), "", "", ""]
    for label, (floor, wire) in FLOORS.items():
        counts = lane.counts[label]
        ratios = [_ratio(lane.ratio(label, base)) for base in (floor, wire)]
        yield [lane.name, f"**{label}**", _us(lane, label), *ratios, str(counts), f"{counts.trips:.3g}"]


def _us(lane: Lane, label: str) -> str:
    return f"{median(lane.seconds[label]) * 1e6:,.1f}"


def _ratio(found: Estimate) -> str:
    return f"{found.median:.2f} ±{(found.high - found.low) / 2:.2f}"


def record(run: Run, occasion: Occasion) -> dict[str, Any]:
    """All of it as plain data, save the seconds of each turn; times in microseconds."""
    return {
        **occasion.record(),
        "wish": asdict(run.wish),
        "rows": [asdict(row) for row in run.rows],
        "verdicts": [asdict(one) | {"counted": one.counted, "reached": one.judged.reached} for one in run.verdicts],
        "floors": [
            {
                "server": contest.server,
                "size": contest.size.name,
                "lane": lane.name,
                "bytes": contest.bytes,
                "noise": asdict(lane.noise),
                "microseconds": {label: round(median(seconds) * 1e6, 2) for label, seconds in lane.seconds.items()},
            }
            for contest in run.contests
            for lane in contest.lanes
        ],
    }
