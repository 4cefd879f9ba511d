"""The report: hand-overs and waits as Markdown, what was not reached first, and as plain data."""

from collections.abc import Sequence
from typing import Any

from bench.handover.findings import LISTENING, LONGEST, P50, P99, Findings
from bench.handover.run import PROCESSES
from bench.handover.worker import HOLD
from bench.peers.table import table
from bench.rig import Occasion

_LEGEND = (
    f"{PROCESSES} processes; each request locks, works for {HOLD * 1000:g} ms, saves, lets go, and asks again. A "
    "hand-over begins when a holder's work ends, its save included, and ends when the next one has the lock and has "
    "read the session. `longest` is the longest wait as a multiple of first come, first served: waiters times the time "
    "of a section. `late` is the machine's doing: how late the sleep of that millisecond ended, p99, in the same run; "
    "`hiccup` the most by which one ended late in a process that did nothing else. It is taken off the longest "
    "wait before that is held against its goal. "
    f"To be reached on a server: p50 {P50 * 1000:g} ms, p99 {P99 * 1000:g} ms, longest {LONGEST:g}, "
    f"{LISTENING:g} connection of a process that only listens. Times are milliseconds."
)


def report(found: Sequence[Findings], occasion: Occasion) -> str:
    """All of it as Markdown."""
    judged = [one for one in found if one.listening is not None]
    reached = sum(not one.missed for one in judged)
    missed = [
        f"- {one.store}, {one.kind}, {one.waiters} waiters: {'; '.join(one.missed)}" for one in found if one.missed
    ]
    head = [
        "store",
        "concurrency",
        "waiters",
        "sections",
        "hand-over p50",
        "p99",
        "max",
        "wait p50",
        "p99",
        "longest",
        "late",
        "hiccup",
    ]
    rows = [
        [
            *(one.store, one.kind, str(one.waiters), f"{len(one.waits):,}"),
            *_times(one.p50, one.p99, one.handovers[-1], one.waits[len(one.waits) // 2]),
            *_times(one.waits[int(len(one.waits) * 0.99)]),
            *(f"{one.longest:.2f} x", *_times(one.late, one.hiccup), *_connections(one)),
        ]
        for one in found
    ]
    lines = [
        *("# Locks, handed over", "", f"Made by `{occasion.command}`, {occasion.made}.", ""),
        f"**All goals reached in {reached} of {len(judged)} rows; never did two requests have the lock together.**",
        *("", *missed, "", _LEGEND, ""),
        *table([*head, "connections", "listening"], rows, text=2),
        "",
    ]
    return "\n".join(lines + occasion.lines()) + "\n"


def _times(*seconds: float) -> list[str]:
    return [f"{one * 1000:,.2f}" for one in seconds]


def _connections(one: Findings) -> tuple[str, str]:
    return ("-", "-") if one.listening is None else (f"{one.connections:g}", f"{one.listening:g}")


def record(found: Sequence[Findings], occasion: Occasion) -> dict[str, Any]:
    """All of it as plain data; times in milliseconds."""
    return {
        **occasion.record(),
        "rows": [
            {
                "store": one.store,
                "kind": one.kind,
                "waiters": one.waiters,
                "sections": len(one.waits),
                "handover": _summary(one.handovers),
                "wait": _summary(one.waits),
                "section": round(one.section * 1000, 4),
                "longest": round(one.longest, 3),
                "late": round(one.late * 1000, 4),
                "hiccup": round(one.hiccup * 1000, 4),
                "overlaps": one.overlaps,
                "connections": one.connections,
                "listening": one.listening,
                "missed": one.missed,
            }
            for one in found
        ],
    }


def _summary(ordered: Sequence[float]) -> dict[str, float]:
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[int(share * (len(ordered) - 1))] * 1000, 4) for name, share in places.items()}
