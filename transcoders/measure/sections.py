"""The sections of a report: what is said about a run, in the order in which a reader asks. Only words and tables.

Each function takes the comparison and returns one section; what no reader needs at first is in `appendix`.
"""

from collections.abc import Callable, Sequence
from statistics import geometric_mean

from transcoders.measure.advice import listed
from transcoders.measure.comparison import SMALLEST, Comparison
from transcoders.measure.document import (
    Block,
    Bullets,
    Cell,
    Figure,
    Section,
    Table,
    Text,
    cells,
    interval,
    microseconds,
    percent,
    ratio,
    whole,
)
from transcoders.measure.operations import OPERATIONS
from transcoders.measure.palette import colours
from transcoders.measure.sizes import Sizes
from transcoders.measure.stats import METHOD
from transcoders.measure.verdict import Verdict

TIE = "tie"


def verdict_section(comparison: Comparison, verdict: Verdict) -> Section:
    """Which one, how sure, and when another."""
    floor = verdict.floor
    noise = (
        f"Noise floor: {percent(floor.overall)} in this table, {percent(floor.cell)} in single numbers: measured in "
        f"this run, `{verdict.baseline}` against itself. A ratio closer to 1 than its floor or {SMALLEST * 100:g} % is "
        "a tie."
    )
    left_out = tuple(f"Not ranked: `{spec}` {reason}." for spec, reason in verdict.excluded.items())
    blocks: list[Block] = [
        Text(verdict.sentence, lead=True),
        *([Text(verdict.runner_up)] if verdict.runner_up else []),
        _ranking(comparison, verdict),
        Text(noise),
        *([Bullets(verdict.advice + left_out)] if verdict.advice + left_out else []),
        Text(f"The mix: {len(verdict.mix)} payloads, each counting once: {listed(verdict.mix)}."),
        Text(f"The rule. {verdict.rule}"),
        _facts(comparison),
    ]
    return Section("Verdict", tuple(blocks))


def _ranking(comparison: Comparison, verdict: Verdict) -> Table:
    colour = colours(comparison.results.specs)
    extra = [op for op in comparison.cost if len(comparison.cost) > 1]
    rows = []
    for row in verdict.rows:
        parts = (Cell(ratio(comparison.overall(row.spec, (op,)).median)) for op in extra)
        time = Cell(ratio(row.time.median), interval(row.time), strong=row.rank == 1)
        remarks = ", ".join(_remarks(comparison, row.spec))
        shared = TIE if row.tie else ""
        name = Cell(row.spec, colour=colour[row.spec])
        rows.append((Cell(str(row.rank), mark=shared), name, time, *parts, Cell(ratio(row.bytes)), Cell(remarks)))
    head = ("rank", "transcoder", " + ".join(comparison.cost), *extra, "bytes", "remarks")
    caption = f"Time and bytes as ratios to {verdict.baseline}, geometric mean over the payloads; less is better."
    return Table(cells(head), tuple(rows), caption=caption, text=(0, 1, len(head) - 1))


def _remarks(comparison: Comparison, spec: str) -> list[str]:
    found = comparison.results.candidate(spec)
    told = {
        "baseline": spec == comparison.results.baseline,
        "people can read it": found.readable,
        "Python only": not found.cross_language,
        "may run code": not found.data_only,
        "needs keys": found.keyed,
    }
    return [words for words, true in told.items() if true]


def _facts(comparison: Comparison) -> Table:
    results = comparison.results
    machine = results.machine
    pinned = "" if results.cpu is None else f", pinned to core {results.cpu}"
    cores = f"{machine.get('cpu_count', '?')} cores{pinned}"
    python = f"{machine.get('python_implementation', '')} {machine.get('python_version', '')}"
    facts = {
        "measured": f"{results.started[:16].replace('T', ' ')} UTC",
        "machine": f"{machine.get('cpu_model_name', 'unknown processor')}, {cores}",
        "system": machine.get("platform", "unknown"),
        "python": python.strip(),
        "versions": ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        "commit": results.commit or "none",
        **({"store": results.via} if results.via else {}),
        "evidence": f"{results.rounds} rounds, {results.values} values of {results.seconds * 1000:g} ms in each",
    }
    return Table(cells(("this run", "")), tuple(cells(fact) for fact in facts.items()), text=(0, 1))


def speed_section(comparison: Comparison) -> Section:
    """How long, by payload and operation."""
    results = comparison.results
    blocks: list[Block] = [
        Figure("cost", _cost_alt(comparison), f"{_figure(comparison, 1)}. Bars: mean over the payloads; whiskers: 95 % "
               "interval; the grey band around 1: what counts as a tie with the baseline."),
        Text(f"{METHOD} Ratios are sharper than times: what slows the machine for a while slows both sides. A tie is "
             f"one with `{results.baseline}`; the least ratio of a row is bold."),
    ]  # fmt: skip
    if len(comparison.codec) > 1:
        blocks.append(speed_table(comparison, comparison.codec, "a session is read, and written again"))
    blocks += [speed_table(comparison, (op,), OPERATIONS[op]) for op in results.ops]
    return Section("How fast", tuple(blocks))


def speed_table(comparison: Comparison, ops: Sequence[str], meaning: str) -> Table:
    """The times of the operations together, a row for each payload; folded where they are no part of the cost."""
    specs, baseline = comparison.results.specs, comparison.results.baseline
    rows = []
    for name in comparison.mix:
        ratios = {spec: comparison.ratio(spec, name, ops) for spec in specs if comparison.has(spec, name)}
        best = min(ratios, key=lambda spec: ratios[spec].median)
        row = [Cell(name)]
        for spec in specs:
            if spec not in ratios:
                row.append(Cell("failed"))
                continue
            tie = spec != baseline and not ratios[spec].differs(comparison.floor.cell_tie)
            time = microseconds(comparison.time(spec, name, ops).median)
            detail = f"{ratio(ratios[spec].median)} [{interval(ratios[spec])}]"
            row.append(Cell(time, detail, TIE if tie else "", strong=spec == best))
        rows.append(tuple(row))
    title = f"{' + '.join(ops)}: {meaning}"
    caption = f"Microseconds; under them the ratio to {baseline} with its interval."
    head, folded = _spec_head("payload", comparison), not set(ops) <= {*comparison.cost, *comparison.codec}
    return Table(head, tuple(rows), title, caption, folded=folded)


def _spec_head(first: str, comparison: Comparison) -> tuple[Cell, ...]:
    return (Cell(first), *(Cell(spec, colour=colour) for spec, colour in colours(comparison.results.specs).items()))


def _figure(comparison: Comparison, number: int) -> str:
    """The figure's number: that of whole requests, where there is one, comes before."""
    return f"Figure {number + bool(comparison.results.via)}"


def _cost_alt(comparison: Comparison) -> str:
    told = (f"{spec} {comparison.overall(spec, comparison.codec).median:.2f}" for spec in comparison.ranked)
    return f"Time of {' + '.join(comparison.codec)} as a ratio to {comparison.results.baseline}: {', '.join(told)}."


def size_section(comparison: Comparison) -> Section:
    """How many bytes, by payload; compressed, and as a cookie."""
    sizes = comparison.results.sizes
    rows = []
    for name in comparison.mix:
        raw = {spec: sizes[spec, name].raw for spec in comparison.results.specs if comparison.has(spec, name)}
        row = [Cell(name)]
        for spec in comparison.results.specs:
            same = raw.get(spec) == min(raw.values())
            row.append(Cell(whole(raw[spec]), strong=same) if spec in raw else Cell("failed"))
        rows.append(tuple(row))
    caption = "Bytes as stored, frame included; mean over the variants; the least in bold."
    table = Table(_spec_head("payload", comparison), tuple(rows), caption=caption)
    return Section("How big", (_size_summary(comparison), table))


def _size_summary(comparison: Comparison) -> Table:
    """Each way to store the bytes as a ratio to the baseline's raw ones, and how many payloads fit in a cookie."""
    colour = colours(comparison.results.specs)
    rows = []
    for spec in comparison.complete:
        found = [comparison.results.sizes[spec, name] for name in comparison.mix]
        fit = sum(size.fits_cookie for size in found)
        ways: tuple[Callable[[Sizes], float | None], ...] = (
            lambda size: size.raw, lambda size: size.zlib, lambda size: size.zstd, lambda size: size.cookie,
        )  # fmt: skip
        told = (_size_ratio(comparison, spec, way) for way in ways)
        rows.append((Cell(spec, colour=colour[spec]), *told, Cell(f"{fit} of {len(found)}")))
    head = ("transcoder", "raw", "then zlib 6", "then zstd 3", "as base64url", "fit a cookie")
    caption = (
        f"Ratios to the raw bytes of {comparison.results.baseline}, geometric mean over the payloads. "
        "A payload fits a cookie when each of its variants takes at most 4,093 characters of base64url."
    )
    return Table(cells(head), tuple(rows), caption=caption)


def _size_ratio(comparison: Comparison, spec: str, way: Callable[[Sizes], float | None]) -> Cell:
    sizes, baseline = comparison.results.sizes, comparison.results.baseline
    pairs = [(way(sizes[spec, name]), sizes[baseline, name].raw) for name in comparison.mix]
    known = [size / raw for size, raw in pairs if size is not None]
    return Cell(ratio(geometric_mean(known)) if known else "not installed")


def trade_section(comparison: Comparison) -> Section:
    """Bytes against time."""
    alt = f"Bytes against microseconds for each transcoder, on {len(comparison.mix)} payloads or a choice of them."
    caption = (
        f"{_figure(comparison, 2)}. Lower left is better; both axes are logarithmic. The solid line joins what nothing "
        "beats in both; a dashed one leaves hollow marks out, where that differs. Hollow: a format of Python alone, in "
        "which bytes written by others need a seal or a guard before they may be opened."
    )
    return Section("The trade", (Figure("trade", alt, caption),))


def check_section(comparison: Comparison) -> Section:
    """Whether the values come back the same."""
    results = comparison.results
    colour = colours(results.specs)
    rows, failures = [], []
    for spec in results.specs:
        checks = {payload.name: results.checks[spec, payload.name] for payload in results.payloads}
        same, stable = (sum(getattr(check, fact) for check in checks.values()) for fact in ("ok", "stable"))
        counts = (Cell(f"{count} of {len(checks)}") for count in (same, stable))
        rows.append((Cell(spec, colour=colour[spec]), *counts))
        failures += [
            f"`{spec}` on {name}, variant {check.variant}: {check.found}"
            for name, check in checks.items()
            if not check.ok
        ]
    meaning = (
        "Before anything was timed, every variant of every payload was encoded and decoded in each process, and had to "
        "come back equal and of identical types throughout. What fails gets no number. Same bytes: encoding what came "
        "back gives the bytes it came from, so that comparing bytes finds an unmodified session."
    )
    table = Table(cells(("transcoder", "same values", "same bytes")), tuple(rows))
    return Section("Round trips", (Text(meaning), table, *([Bullets(tuple(failures))] if failures else [])))


def payload_section(comparison: Comparison) -> Section:
    """What was measured on."""
    payloads = comparison.results.payloads
    notes = tuple((Cell(payload.name), Cell(payload.note), Cell(payload.fingerprint)) for payload in payloads)
    profiles = tuple(cells(tuple(payload.profile.values())) for payload in payloads)
    columns = cells(tuple(payloads[0].profile))
    return Section("Payloads", (
        Table(cells(("payload", "what it stands for", "fingerprint")), notes, text=(0, 1, 2)),
        Table(columns, profiles, caption="Bytes are those of the plainest JSON text.", text=(0, len(columns) - 1)),
    ))  # fmt: skip
