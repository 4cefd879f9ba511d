"""The record: a run as plain data, for `results.json` and `--json`. Times are in microseconds."""

from statistics import median
from typing import Any

from bench.peers.contest import Contest, Row
from bench.peers.run import Run
from bench.peers.verdict import Verdict
from transcoders.measure.stats import Estimate, estimate, ratios

FORMAT = 1
"""Version of what the record holds."""


def record(run: Run) -> dict[str, Any]:
    """All of it, save the laps themselves."""
    return {
        "format": FORMAT,
        "command": run.command,
        "made": run.made,
        "turns": run.turns,
        "seconds": round(run.seconds, 1),
        "machine": run.machine,
        "versions": run.versions,
        "commit": run.commit,
        "absent": run.absent,
        "verdicts": [_verdict(verdict) for verdict in run.verdicts],
        "contests": [_contest(contest) for contest in run.contests],
    }


def against(contest: Contest, row: Row) -> Estimate | None:
    """The row's round trip to that of the best validating peer on the same kind of model."""
    peer = contest.rival(row.kind)
    return estimate(ratios(row.laps.both, peer.laps.both)) if peer else None


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "payload": verdict.payload,
        "codec": verdict.codec,
        "ours": verdict.ours,
        "form": verdict.form,
        "kind": verdict.kind,
        "peer": verdict.peer,
        "peer_kind": verdict.peer_kind,
        "ratio": _estimate(verdict.ratio),
        "microseconds": round(verdict.microseconds, 3),
        "goal": verdict.goal,
        "reached": verdict.reached,
        "close": verdict.close,
    }


def _contest(contest: Contest) -> dict[str, Any]:
    return {
        "payload": contest.payload,
        "codec": contest.codec,
        "noise": _estimate(contest.noise),
        "rows": [_row(contest, row) for row in contest.rows],
        "missing": [{"name": one.name, "kind": one.kind, "why": one.why} for one in contest.missing],
    }


def _row(contest: Contest, row: Row) -> dict[str, Any]:
    ratio = against(contest, row)
    return {
        "name": row.pipeline.name,
        "ours": bool(row.pipeline.form),
        "kind": row.kind,
        "encode": round(median(row.laps.encode) * 1e6, 3),
        "decode": round(median(row.laps.decode) * 1e6, 3),
        "round_trip": round(median(row.laps.both) * 1e6, 3),
        "bytes": row.size,
        "validates": row.validates,
        "accepts": list(row.accepts),
        "ratio": ratio and _estimate(ratio),
    }


def _estimate(found: Estimate) -> dict[str, float]:
    return {"ratio": round(found.median, 4), "low": round(found.low, 4), "high": round(found.high, 4)}
