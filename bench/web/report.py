"""The report: a run as Markdown, the verdict first, then a table a framework; and the same as plain data."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from bench.peers.table import table
from bench.requests.sessions import SIZES
from bench.rig import Occasion
from bench.web.contest import CLOCKS, Measured
from bench.web.roster import Entry
from bench.web.run import Run
from bench.web.site import ACTS, GOALS
from bench.web.verdict import Column, noises
from transcoders.measure.stats import METHOD, Estimate

_LEGEND = (
    "A request opens the session of its cookie, reads one attribute (`read`), changes one (`change`) or reads all of "
    "them (`all`), and is answered; the figure is what that takes beyond the same application without sessions. Each "
    "stack has a process and a database of its own, and is called as a server calls it, without HTTP. All take turns "
    "in short batches, on one core with the server. `wall` is the time until the answer, work of the server included; "
    "`cpu` what the client works. {method} A stack has the settings that its documentation begins with, and announces "
    "changes inside of values where it does not find them. Every change was looked for afterwards, and was there. The "
    "goal is to be first where one attribute is read or changed: `ok` reached, `NO` not; with `~`, the same stack in "
    "two processes differed as much."
)


def report(run: Run, occasion: Occasion) -> str:
    """All of it as Markdown."""
    wish = run.wish
    made = f"Made by `{occasion.command}`, {occasion.made}: {run.server}, ours with {wish.transcoder}, "
    lines = [
        *("# Sessions in web frameworks", ""),
        f"{made}each page in {wish.turns} turns of {wish.calls} requests.",
        *("", *_verdict(run), _LEGEND.format(method=METHOD.replace("rounds", "turns")), ""),
    ]
    for framework in dict.fromkeys(column.framework for column in run.columns):
        lines += _framework(run, framework)
    lines += [*_floors(run), *_stored(run)]
    sizes = [f"- {one.name}: {one.what}" for one in SIZES if one.name in wish.sizes]
    return "\n".join([*lines, "## The sessions", "", *sizes, "", *occasion.lines()]) + "\n"


def _verdict(run: Run) -> list[str]:
    lines = ["## Verdict", ""]
    for clock in CLOCKS:
        among = [one for one in run.columns if one.clock == clock and one.judged is not None]
        judged = [one.judged for one in among if one.act in GOALS and one.judged is not None]
        first, close = sum(one.reached is True for one in judged), sum(one.close for one in judged)
        lines += [f"**By {clock}, first in {first} of {len(judged)} columns; {close} were closer than the noise.**", ""]
        whole = [one.ours.rank == 1 for one in among if one.act not in GOALS]
        lines += [f"Where every attribute is read, which has no goal: first in {sum(whole)} of {len(whole)}.", ""]
    missed = [
        f"- {one.framework}, {one.size}, {one.act}, {one.clock}: {one.judged.ratio.median:.2f} of {one.peer}"
        for one in run.columns
        if one.judged is not None and one.ours.rank > 1
    ]
    absent = [f"- {name}: {why}" for name, why in run.absent.items()]
    lines += ["Not first:", "", *missed, ""] if missed else []
    return lines + (["Not here:", "", *absent, ""] if absent else [])


def _framework(run: Run, framework: str) -> list[str]:
    columns = [one for one in run.columns if one.framework == framework]
    head = ["sessions", "clock", "bare", *(f"{size} {act}" for size in run.wish.sizes for act in ACTS)]
    rows = []
    for clock in CLOCKS:
        among = [one for one in columns if one.clock == clock]
        entries = [one.entry for one in run.contests[0].stacks if one.entry.framework == framework]
        rows += [_row(run, among, entry, clock) for entry in entries if not entry.control]
        rows.append(["ours / best peer", clock, "", *(_against(one) for one in among)])
        rows.append(["ours / floor", clock, "", *(_ratio(one.ours.floor) for one in among)])
    title = f"## {framework}: microseconds beyond the bare framework, and rank"
    return [title, "", *table(head, rows, text=2), ""]


def _row(run: Run, columns: Iterable[Column], entry: Entry, clock: str) -> list[str]:
    bare = next(one for one in run.contests[0].stacks if one.entry == entry).under(clock)
    places = [column.of(entry) for column in columns]
    cells = [f"{_spread(place.microseconds)} #{place.rank}" for place in places]
    return [entry.sessions, clock, f"{bare * 1e6:.1f}", *(f"**{cell}**" if entry.ours else cell for cell in cells)]


def _against(column: Column) -> str:
    if column.judged is None:
        return ""
    ratio, goal = column.judged.cells()
    return f"{ratio} {goal.rpartition(' ')[2]}".rstrip()


def _floors(run: Run) -> list[str]:
    head = ["what", "clock", *(f"{size} {act}" for size in run.wish.sizes for act in ACTS)]
    cells = [(contest, act) for contest in run.contests for act in ACTS]
    rows = []
    for clock in CLOCKS:
        for entry in (one.entry for one in run.contests[0].stacks if one.entry.floor):
            found = [(next(one for one in contest.stacks if one.entry == entry), act) for contest, act in cells]
            rows.append([f"{entry}, us", clock, *(f"{stack.middle(act, clock) * 1e6:.1f}" for stack, act in found)])
        twins: dict[str, list[str]] = {}
        for contest, act in cells:
            for control, ratio in noises(contest, act, clock):
                twins.setdefault(str(control), []).append(_ratio(ratio))
        rows += [[f"{name} / first", clock, *ratios] for name, ratios in twins.items()]
    return ["## The floors, and the noise", "", *table(head, rows, text=2), ""]


def _stored(run: Run) -> list[str]:
    head = ["stack", "size", *ACTS, "bytes"]
    rows = [
        [str(stack.entry), contest.size, *(str(stack.counts[act]) for act in ACTS), f"{stack.bytes:,.0f}"]
        for stack, contest in _stacks(run)
    ]
    return ["## Commands of a request, and bytes of a session", "", *table(head, rows, text=4), ""]


def _stacks(run: Run) -> Iterator[tuple[Measured, Any]]:
    for place, stack in enumerate(run.contests[0].stacks):
        if not stack.entry.control:
            yield from ((contest.stacks[place], contest) for contest in run.contests)


def _spread(found: Estimate) -> str:
    return f"{found.median:,.1f} ±{(found.high - found.low) / 2:.1f}"


def _ratio(found: Estimate) -> str:
    return f"{found.median:.2f} ±{(found.high - found.low) / 2:.2f}"


def record(run: Run, occasion: Occasion) -> dict[str, Any]:
    """All of it as plain data, times in microseconds; of single turns, nothing."""
    return {
        **occasion.record(),
        "wish": asdict(run.wish),
        "server": run.server,
        "absent": run.absent,
        "columns": [_column(one) for one in run.columns],
        "stacks": [
            {
                **asdict(stack.entry),
                "size": contest.size,
                "bare": {clock: _us(stack.under(clock)) for clock in CLOCKS},
                "overhead": {act: {clock: _us(stack.middle(act, clock)) for clock in CLOCKS} for act in ACTS},
                "counts": {act: asdict(stack.counts[act]) for act in ACTS},
                "bytes": stack.bytes,
            }
            for contest in run.contests
            for stack in contest.stacks
        ],
    }


def _column(column: Column) -> dict[str, Any]:
    """A column, its stacks by rank."""
    judged = column.judged
    return {
        **{name: getattr(column, name) for name in ("framework", "size", "act", "clock", "peer")},
        "rank": column.ours.rank,
        "ratio": asdict(judged.ratio) if judged else None,
        "goal": judged.goal if judged else None,
        "noise": judged.noise if judged else None,
        "reached": judged.reached if judged else None,
        "places": [
            {"sessions": place.entry.sessions, "us": asdict(place.microseconds), "floor": asdict(place.floor)}
            for place in column.places
        ],
    }


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 2)
