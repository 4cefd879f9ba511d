"""The appendix of a report: the control, every number, the order of the rounds, and what to type to see for oneself."""

import shlex

from transcoders.measure.comparison import Comparison
from transcoders.measure.document import (
    Cell,
    Listing,
    Section,
    Table,
    Text,
    cells,
    interval,
    microseconds,
    ratio,
)
from transcoders.measure.plan import BASELINE, CONTROLS
from transcoders.measure.results import Results


def control_section(comparison: Comparison) -> Section:
    """The same transcoder against itself."""
    ops = (*comparison.results.ops, *comparison.results.requests)
    rows = []
    for name in comparison.mix:
        estimates = [comparison.control(name, (op,)) for op in ops]
        rows.append((Cell(name), *(Cell(ratio(found.median), interval(found)) for found in estimates)))
    first, second = CONTROLS
    meaning = (
        f"`{first}` and `{second}` are both `{comparison.results.baseline}`, in two processes of each round. Without "
        "noise their ratio would be 1, and so would be that of the baseline in the other tables, where it is a third "
        "process against the mean of these two."
    )
    table = Table(cells(("payload", *ops)), tuple(rows), "The ratio of the controls", folded=True)
    return Section("A against A", (Text(meaning), table))


def numbers_section(comparison: Comparison) -> Section:
    """Every number."""
    results = comparison.results
    rows = []
    for spec in results.specs:
        for name in (name for name in comparison.mix if comparison.has(spec, name)):
            sizes = results.sizes[spec, name]
            for op in (*results.ops, *results.requests, *results.parts):
                time, against = comparison.time(spec, name, (op,)), comparison.ratio(spec, name, (op,))
                loops = f"{results.loops[spec][f'{name}/{op}']:,}"
                told = (microseconds(time.median), interval(time, 1e6), ratio(against.median), interval(against))
                rows.append(cells((spec, name, op, *told, loops, f"{sizes.raw:,.1f}")))
    head = ("transcoder", "payload", "operation", "µs", "interval", "ratio", "interval", "loops", "bytes")
    caption = "The other sizes are in `sizes.json`, the values behind the times in `time/`."
    table = Table(cells(head), tuple(rows), "Times and raw sizes", caption, text=(0, 1, 2), folded=True)
    return Section("All numbers", (table,))


def order_section(comparison: Comparison) -> Section:
    """When each round ran, and in which order its workers took their first turn."""
    rows = tuple(
        cells((str(entry["round"] + 1), entry["started"][11:23], entry["ended"][11:23], ", ".join(entry["workers"])))
        for entry in comparison.results.order
    )
    meaning = (
        "Each round has one process for each transcoder and control. They take turns: one value of one benchmark by "
        "each, then the next benchmark. The order rotates with every turn, and runs backwards in every other one."
    )
    head = cells(("round", "start, UTC", "end, UTC", "first turn"))
    table = Table(head, rows, "The rounds", text=(0, 1, 2, 3), folded=True)
    return Section("Order", (Text(meaning), table))


def commands_section(comparison: Comparison) -> Section:
    """What to type."""
    results = comparison.results
    base = f"time/{results.files[results.baseline]}.json"
    others = [f"time/{results.files[spec]}.json" for spec in results.specs if spec != results.baseline]
    lines = (
        _bench(results),
        shlex.join(["python", "-m", "pyperf", "compare_to", "--table", base, *others]),
        f"python -m pyperf hist {base}",
        f"python -m pyperf stats {base}",
        f"python -m pyperf check {base}",
    )
    meaning = "The files in `time/` are pyperf's, and stock pyperf reads them. The first line measures again."
    return Section("Commands", (Text(meaning), Listing(lines)))


def _bench(results: Results) -> str:
    words = ["python", "-m", "transcoders", "bench", *results.specs]
    for source in results.sources:
        words += ["--payload", source]
    words += ["--rounds", str(results.rounds)]
    if results.via:
        words += ["--via", results.via]
    if results.baseline != BASELINE:
        words += ["--baseline", results.baseline]
    return shlex.join(words)
