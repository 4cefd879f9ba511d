"""The report: whether the books agree and memory stayed flat, as Markdown and as plain data."""

from dataclasses import asdict
from typing import Any

from bench.peers.table import table
from bench.rig import Occasion
from bench.soak.run import CUT, Look, Soak

_MIB = 1 << 20


def told(look: Look) -> str:
    """A look as one line of progress."""
    server = f", server {look.server / _MIB:.1f} MiB" if look.server else ""
    return (
        f"{look.at:6.0f} s: {look.acknowledged:,} acknowledged, {look.killed} killed{server}, "
        f"oldest worker {look.oldest / _MIB:.1f} MiB"
    )


def report(soak: Soak, occasion: Occasion) -> str:
    """All of it as Markdown."""
    wish, ledger = soak.wish, soak.ledger
    rows = [
        [str(index), *(f"{number:,}" for number in numbers)]
        for index, numbers in enumerate(
            (ledger.acknowledged[index], ledger.open(index), stored, ledger.lost(index, stored),
             ledger.surplus(index, stored))
            for index, stored in enumerate(soak.stored)
        )
    ]  # fmt: skip
    looks = [
        [
            f"{look.at:.0f}",
            f"{look.acknowledged:,}",
            str(look.killed),
            f"{look.server / _MIB:.1f}",
            f"{look.oldest / _MIB:.1f}",
        ]
        for look in soak.looks
    ]
    others = [*ledger.done.items(), *((f"error of {name}", count) for name, count in ledger.errors.items())]
    cut = (
        f", {CUT:.0%} of requests failed, half of them after they were carried out ({soak.cut:,} in all)"
        if soak.cut
        else ""
    )
    verdict = (
        f"**{soak.lost} acknowledged updates lost, {soak.surplus} that nobody made, of {ledger.acknowledged.total():,} "
        f"acknowledged; {len(ledger.wrong)} other promises broken. {soak.killed} workers killed.**"
    )
    story = (
        f"{soak.store}: {wish.workers} workers with {wish.tasks} requests at a time for {wish.seconds:,.0f} s, in "
        f"{wish.sessions} shared sessions{cut}. Workers lock in different ways; those that do not lock merge. `open` "
        "are increments of killed workers and of unknown outcome, which may be in the counter or not. Of unknown "
        f"outcome were {ledger.unknown:,} saves."
    )
    memory = (
        "MiB resident. From the second quarter of the looks to the last the server grew by "
        f"{soak.growth('server'):+.1%}, the worker that is never killed by {soak.growth('oldest'):+.1%}."
    )
    lines = [
        *("# Soak", "", f"Made by `{occasion.command}`, {occasion.made}.", "", verdict, "", story, ""),
        *table(["session", "acknowledged", "open", "counter", "lost", "surplus"], rows, text=1),
        *("", *(f"- broken: {words}" for words in ledger.wrong[:20]), "## What else they did", ""),
        *table(["what", "times"], [[name, f"{count:,}"] for name, count in others], text=1),
        *("", "## Memory", "", memory, ""),
        *table(["seconds", "acknowledged", "killed", "server", "oldest worker"], looks, text=0),
        "",
    ]
    return "\n".join(lines + occasion.lines()) + "\n"


def record(soak: Soak, occasion: Occasion) -> dict[str, Any]:
    """All of it as plain data; memory in bytes."""
    ledger = soak.ledger
    return {
        **occasion.record(),
        "wish": asdict(soak.wish),
        "store": soak.store,
        "sound": soak.sound,
        "lost": soak.lost,
        "surplus": soak.surplus,
        "acknowledged": ledger.acknowledged.total(),
        "unknown": ledger.unknown,
        "killed": soak.killed,
        "cut": soak.cut,
        "done": dict(ledger.done),
        "errors": dict(ledger.errors),
        "wrong": ledger.wrong,
        "growth": {whose: round(soak.growth(whose), 4) for whose in ("server", "oldest")},
        "sessions": [
            {"acknowledged": ledger.acknowledged[index], "open": ledger.open(index), "stored": stored}
            for index, stored in enumerate(soak.stored)
        ],
        "looks": [asdict(look) for look in soak.looks],
    }
