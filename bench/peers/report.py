"""The report: a run as Markdown, the verdict first; the same text goes to the terminal and to `report.md`."""

from collections.abc import Iterable
from statistics import median

from bench.peers.contest import Contest, Row
from bench.peers.record import against
from bench.peers.run import Run
from bench.peers.table import table
from bench.peers.values import PAYLOADS
from bench.peers.verdict import Verdict
from transcoders.measure.stats import METHOD, Estimate

_GROUPS = (
    ("Dataclasses, frame excluded", "bare", ("dataclass", "slots")),
    ("Dataclasses, framed", "framed", ("dataclass", "slots")),
    ("Structs, frame excluded", "bare", ("struct",)),
    ("Structs, framed", "framed", ("struct",)),
    ("Signed", "sealed", ("dataclass", "slots", "struct")),
)
_CODECS = {"json": "JSON", "msgpack": "MessagePack", "cbor": "CBOR", "pickle": "pickle", "signed": "signed"}


def report(run: Run) -> str:
    """All of it."""
    lines = ["# Typed round trips against peers", "", f"Made by `{run.command}`, {run.made}, {run.turns} turns.", ""]
    lines += [*_verdict(run), "## Tables", "", *_legend(), ""]
    for contest in run.contests:
        lines += _contest(contest)
    return "\n".join(lines + _accepted(run.contests) + _missing(run) + _facts(run)) + "\n"


def _verdict(run: Run) -> list[str]:
    verdicts = run.verdicts
    judged = [one for one in verdicts if one.goal is not None]
    reached = sum(one.reached is True for one in judged)
    payloads = [payload.name for payload in PAYLOADS if any(one.payload == payload.name for one in verdicts)]
    lines = ["## Verdict", ""]
    if not judged:
        return [*lines, "None of ours could be timed: see what is missing, below.", ""]
    close = sum(one.close for one in judged)
    lines += [
        f"**{reached} of {len(judged)} goals reached; {close} were nearer to the goal than the noise.**",
        "",
        "Ours / the best validating peer, round trip, on the same kind of model (compact Structs: array_like ones).",
        "The goal is in brackets: `ok` reached, `NO` not reached; with `~` the noise of the contest could turn it.",
        "",
    ]
    for title, form, kinds in _GROUPS:
        group = [one for one in verdicts if one.form == form and one.kind in kinds]
        if group:
            lines += [f"### {title}", "", *_goals(group, payloads), ""]
    return [*lines, "### The peers to beat", "", *_rivals(verdicts, payloads), ""]


def _rivals(verdicts: list[Verdict], payloads: list[str]) -> list[str]:
    """Which peer each of ours was held against, by codec and the peer's kind of model."""
    found = {(one.codec, one.peer_kind, one.payload): one.peer for one in verdicts}
    rows = [
        [_CODECS[codec], kind, *(found.get((codec, kind, payload), "-") for payload in payloads)]
        for codec, kind in dict.fromkeys((one.codec, one.peer_kind) for one in verdicts)
    ]
    return table(["codec", "model", *payloads], rows, text=2 + len(payloads))


def _goals(group: list[Verdict], payloads: list[str]) -> list[str]:
    found = {(one.ours, one.kind, one.payload): one for one in group}
    rows = [
        [ours, kind, *(_cell(found.get((ours, kind, payload))) for payload in payloads)]
        for ours, kind in dict.fromkeys((one.ours, one.kind) for one in group)
    ]
    return table(["ours", "model", *payloads], rows, text=2)


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    ratio = f"{verdict.ratio.median:.2f}"
    if verdict.goal is None:
        return ratio
    mark = ("ok" if verdict.reached else "NO") + "~" * verdict.close
    if verdict.form == "sealed":
        return f"{ratio}, {verdict.microseconds:.2f} us (<= {verdict.goal:g}) {mark}"
    return f"{ratio} (<= {verdict.goal:g}) {mark}"


def _legend() -> list[str]:
    return [
        "Encode, decode and round trip in microseconds, bytes of one value: medians, the last over the variants.",
        "Ratio: the round trip to that of the best validating peer on the same kind of model, with half the width of",
        "its interval; `noise`: the first entry to itself. Ours are bold. To validate is to refuse all of the wrong",
        f"input that was tried; what each accepts stands below. {METHOD.replace('rounds', 'turns')}",
    ]


def _contest(contest: Contest) -> list[str]:
    ordered = sorted(contest.rows, key=lambda row: median(row.laps.both))
    head = ["pipeline", "model", "validates", "encode", "decode", "round trip", "bytes", "ratio"]
    rows = [_row(row, against(contest, row)) for row in ordered]
    rows.append(["noise", "", "", "", "", "", "", _ratio(contest.noise)])
    return [f"### {contest.payload}, {_CODECS[contest.codec]}", "", *table(head, rows, text=3), ""]


def _row(row: Row, ratio: Estimate | None) -> list[str]:
    name = f"**{row.pipeline.name}**" if row.pipeline.form else row.pipeline.name
    times = (row.laps.encode, row.laps.decode, row.laps.both)
    shown = [f"{median(seconds) * 1e6:,.2f}" for seconds in times]
    return [
        name,
        row.kind,
        "yes" if row.validates else "no",
        *shown,
        f"{row.size:,.0f}",
        (ratio and _ratio(ratio)) or "-",
    ]


def _ratio(found: Estimate) -> str:
    return f"{found.median:.2f} ±{(found.high - found.low) / 2:.2f}"


def _accepted(contests: Iterable[Contest]) -> list[str]:
    found: dict[tuple[str, str], set[str]] = {}
    for contest in contests:
        for row in contest.rows:
            if row.accepts:
                found.setdefault((row.pipeline.name, ", ".join(row.accepts)), set()).add(row.kind)
    rows = [[name, ", ".join(sorted(kinds)), accepts] for (name, accepts), kinds in found.items()]
    return ["## What is accepted without the model's types", "", *table(["pipeline", "model", "accepts"], rows, 3), ""]


def _missing(run: Run) -> list[str]:
    lost: dict[tuple[str, str, str], list[str]] = {(name, "all", why): [] for name, why in run.absent.items()}
    for contest in run.contests:
        for one in contest.missing:
            lost.setdefault((one.name, one.kind, one.why), []).append(contest.payload)
    if not lost:
        return []
    head = ["pipeline", "model", "payload", "why"]
    rows = [[name, kind, ", ".join(places) or "all", why] for (name, kind, why), places in lost.items()]
    return ["## Not timed", "", *table(head, rows, text=4), ""]


def _facts(run: Run) -> list[str]:
    facts = {
        **run.machine,
        "versions": ", ".join(f"{name} {number}" for name, number in run.versions.items()),
        "commit": run.commit or "unknown",
        "took": f"{run.seconds:.0f} s",
    }
    return ["## This run", "", *(f"- {name}: {value}" for name, value in facts.items())]
