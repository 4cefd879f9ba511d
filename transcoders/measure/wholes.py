"""The section on whole requests: how long they take on the store that was measured, and where the time goes."""

from statistics import fmean

from transcoders.measure.comparison import Comparison
from transcoders.measure.document import (
    Block,
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
)
from transcoders.measure.palette import colours
from transcoders.measure.requests import REQUESTS
from transcoders.measure.sections import TIE, speed_table
from transcoders.measure.shares import LAYERS, shares

PARTED = ("read", "change")
"""The requests whose parts are known."""


def requests_section(comparison: Comparison) -> Section:
    """Whole requests."""
    name = (comparison.results.via or "").partition(":")[0]
    meaning = (
        f"Sessions of these payloads were kept in a store ({name}), an attribute for each name, and requests made "
        "through the session manager, one after the other. Every attribute is wanted as often as every other. "
        + "; ".join(f"`{request}`: {words}" for request, words in REQUESTS.items())
        + "."
    )
    caption = (
        "Figure 1. Microseconds of a request, the mean over the payloads. From the left: the codec; what the record "
        "adds, filters among it; what the manager adds; what the store adds."
    )
    blocks: list[Block] = [
        Text(meaning),
        Figure("requests", _alt(comparison), caption),
        _summary(comparison),
        *(speed_table(comparison, (request,), REQUESTS[request]) for request in comparison.results.requests),
    ]
    return Section("Whole requests", tuple(blocks))


def _summary(comparison: Comparison) -> Table:
    """Each transcoder's requests, their shares, and how often they call the store."""
    colour, baseline = colours(comparison.results.specs), comparison.results.baseline
    rows = []
    for spec in comparison.ranked:
        row = [Cell(spec, colour=colour[spec])]
        for request in comparison.results.requests:
            found = comparison.overall(spec, (request,))
            tie = spec != baseline and not found.differs(comparison.floor.cell_tie)
            seconds = fmean(comparison.time(spec, name, (request,)).median for name in comparison.mix)
            detail = f"{ratio(found.median)} [{interval(found)}], {_calls(comparison, spec, request)}"
            row.append(Cell(microseconds(seconds), detail, TIE if tie else ""))
        for request in PARTED:
            parts = shares(comparison, spec, request)
            row.append(Cell(", ".join(f"{layer} {percent(parts.share(layer))}" for layer in LAYERS)))
        rows.append(tuple(row))
    head = ("transcoder", *comparison.results.requests, *(f"where a {request} goes" for request in PARTED))
    caption = (
        f"Microseconds, the mean over the payloads; under them the ratio to {baseline}, a geometric mean, with its "
        "interval, and how often a request calls the store: on a server each call is one round trip."
    )
    return Table(cells(head), tuple(rows), caption=caption, text=(0, len(head) - 2, len(head) - 1))


def _calls(comparison: Comparison, spec: str, request: str) -> str:
    count = fmean(comparison.results.calls[spec][name][request] for name in comparison.mix)
    return f"{count:.2g} call{'' if count == 1 else 's'}"


def _alt(comparison: Comparison) -> str:
    told = []
    for spec in comparison.ranked:
        parts = shares(comparison, spec, "change")
        told.append(f"{spec} {parts.total * 1e6:.1f}, {percent(parts.share('store'))} of it the store")
    return f"Microseconds of a request that changes an attribute: {'; '.join(told)}."
