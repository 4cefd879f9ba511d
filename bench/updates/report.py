"""The report: the matrix as Markdown, what was lost and doubled first, and as plain data."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from bench.peers.table import table
from bench.rig import Occasion
from bench.updates.matrix import CUT, PROCESSES, Cell
from bench.updates.tally import Tally

Found = Sequence[tuple[Cell, Tally]]
_LEGEND = (
    f"{PROCESSES} processes share one session; each request reads its counter, waits for as long as the handler takes, "
    "and stores one more. The tasks are those of both processes. `acknowledged` are those whose save said so; `lost` "
    "and `doubled` compare them with the counter in the end. `unknown` are saves of which the manager said that it "
    "does not know whether they took effect, and how many had: the next request of the same task reads that. `errors` "
    "are requests that ended with another error and changed nothing. With locking mode `none` the counter has a merge "
    "function. Times are milliseconds of whole requests, waiting for locks included."
)


def wrong(found: Found) -> int:
    """Updates that were lost or doubled."""
    return sum(tally.lost + tally.doubled for _, tally in found)


def report(found: Found, occasion: Occasion) -> str:
    """All of it as Markdown."""
    tallies = [tally for _, tally in found]
    sums = {what: sum(getattr(one, what) for one in tallies) for what in ("acknowledged", "unknown", "lost", "doubled")}
    verdict = (
        f"**{sums['lost']} lost and {sums['doubled']} doubled, of {sums['acknowledged']:,} acknowledged increments; "
        f"the outcome of {sums['unknown']} was unknown, and said to be.**"
    )
    made = f"Made by `{occasion.command}`, {occasion.made}."
    lines = ["# Lost updates", "", made, "", verdict, "", _LEGEND, ""]
    for (store, cut), group in groupby(found, lambda one: (one[0].store, one[0].cut)):
        lines += [f"## {store}{f', {CUT:.0%} of the replies cut' if cut else ''}", "", *_rows(group), ""]
    return "\n".join(lines + occasion.lines()) + "\n"


def _rows(group: Iterable[tuple[Cell, Tally]]) -> list[str]:
    head = ["concurrency", "tasks", "handler", "locking", "acknowledged", "lost", "doubled", "unknown", "errors"]
    rows = [
        [
            *(cell.kind, str(cell.tasks), f"{cell.pause * 1000:g} ms", cell.mode),
            *(f"{tally.acknowledged:,}", str(tally.lost), str(tally.doubled), _unknown(tally), _errors(tally)),
            f"{tally.throughput:,.0f}",
            *(f"{tally.latency(share) * 1000:,.1f}" for share in (0.5, 0.99, 1.0)),
        ]
        for cell, tally in group
    ]
    return table([*head, "a second", "p50", "p99", "longest"], rows, text=4)


def _unknown(tally: Tally) -> str:
    return f"{tally.unknown}, {tally.applied} had" if tally.unknown else "0"


def _errors(tally: Tally) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(tally.errors.items())) or "0"


def record(found: Found, occasion: Occasion) -> dict[str, Any]:
    """All of it as plain data; times in milliseconds."""
    return {
        **occasion.record(),
        "processes": PROCESSES,
        "cells": [
            {
                **asdict(cell),
                **{what: getattr(tally, what) for what in ("acknowledged", "lost", "doubled", "unknown", "applied")},
                "errors": dict(tally.errors),
                "stored": tally.stored,
                "seconds": tally.seconds,
                "throughput": round(tally.throughput, 1),
                "milliseconds": {
                    name: round(tally.latency(share) * 1000, 3)
                    for name, share in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0))
                },
            }
            for cell, tally in found
        ],
    }
