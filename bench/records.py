"""Stored sessions against whole ones, and whole requests on the store in memory, as ratios. No server, no socket.

`python -m bench.records`. A record is opened and asked for one scalar, or changed in one and built anew, in 50 kB that
are one big attribute or forty; against decoding or encoding the whole value with the same transcoder. A request opens a
session of 2 kB by its id, reads or changes one attribute and saves; against one decode and one encode of these 2 kB
with msgspec, the fastest there is. Everything takes turns in one race; the median ratio over the turns is reported with
its interval.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import msgspec

from bench.goals import Judged
from bench.payloads import VARIANTS
from bench.peers.table import table
from bench.race import Run, take_turns
from bench.requests import ours
from bench.requests.lanes import LOCKING, PLAIN
from bench.requests.sessions import Size, size
from transcoders import transcoder
from transcoders.measure.operations import calls
from transcoders.measure.stats import estimate, ratios, reach
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.sessions.wire import Wire

SPECS = ("msgpack", "json", "cbor")
SHAPES = ("50k", "50k-40")
READ = {"50k": 0.01, "50k-40": 0.05}
"""Largest share of decoding the whole value, by shape."""
CHANGE = {"msgpack": 0.12, "json": 0.12, "cbor": 0.01}
"""Largest share of encoding it, by spec."""
REQUEST = {"read": 6 / 6.5, "change": 10 / 6.5}
"""Largest ratio of a request in memory to decoding and encoding 2 kB: the design has 6 and 10 us to 6.5."""
TURNS = 100
FEW = 4
"""Sessions of 50 kB that a pass goes through."""
_NOW = 1_800_000_000
_KEY = "k" * 22


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured, and what it is held against."""

    what: str
    against: str
    microseconds: float
    judged: Judged


def measure(turns: int, specs: Sequence[str] = SPECS, shapes: Sequence[str] = SHAPES) -> list[Row]:
    """Every row, out of two races: one of records, one of requests in memory."""
    fields = [(spec, shape) for spec in specs for shape in shapes]
    runs = {
        f"{spec} {shape} {label}": run
        for spec, shape in fields
        for label, run in _record_runs(spec, size(shape)).items()
    }
    records, requests = take_turns(runs, turns), take_turns(_request_runs(), turns)
    laps = {label: [lap[0] / FEW for lap in taken] for label, taken in records.items()}
    laps |= {label: [lap[0] / VARIANTS for lap in taken] for label, taken in requests.items()}
    rows = []
    for spec, shape in fields:
        where = f"{spec} {shape}"
        rows += [
            _row(laps, f"{where} read", f"{where} decode", f"record, {where}: open, read a scalar", READ[shape]),
            _row(laps, f"{where} change", f"{where} encode", f"record, {where}: change a scalar", CHANGE[spec]),
        ]
    return rows + [
        _row(laps, f"memory {request}", "whole", f"request in memory, 2k: {request}", REQUEST.get(request))
        for request in ours.REQUESTS
    ]


def _record_runs(spec: str, shape: Size) -> dict[str, Run]:
    """One pass over a few sessions of that shape, with one transcoder."""
    subject = transcoder(spec)
    wire, values = Wire[Any](subject), shape.variants(FEW)
    frames = [subject.encode(value) for value in values]
    blank = wire.blank(_KEY, _NOW, 1800, 0)
    stored = [blank.build({name: blank.encode(name, one[name]) for name in one}, _NOW, key=_KEY) for one in values]
    records = [wire.read(data, _KEY) for data in stored]
    name = "csrf" if "csrf" in values[0] else "csrf_token"
    for record in records:
        record.value(name)
    return {
        "decode": _run(subject.decode, frames),
        "decode again": _run(subject.decode, frames),
        "encode": _run(subject.encode, values),
        "encode again": _run(subject.encode, values),
        "read": _run(lambda data: wire.opened(data, _KEY).value(name), stored),
        "change": _run(lambda record: record.build({"hits": 1001}, _NOW), records),
    }


def _request_runs() -> dict[str, Run]:
    """One pass of whole requests in memory, and of decoding and encoding what they hold."""
    shape, store = size("2k"), MemoryStore()
    manager, locked = (SessionManager[Any](store, "msgpack", **given) for given in (PLAIN, LOCKING))
    values = shape.variants()
    sids, packed = ours.stored(manager, values), [msgspec.msgpack.encode(value) for value in values]
    pairs = list(zip(packed, values, strict=True))

    def whole(pair: tuple[bytes, object]) -> None:
        msgspec.msgpack.decode(pair[0])
        msgspec.msgpack.encode(pair[1])

    requests = {f"memory {label}": _run(call, sids) for label, call in ours.blocking(manager, locked, shape).items()}
    return requests | {"whole": _run(whole, pairs), "whole again": _run(whole, pairs)}


def _row(laps: Mapping[str, list[float]], label: str, base: str, what: str, goal: float | None) -> Row:
    ratio = estimate(ratios(laps[label], laps[base]))
    noise = reach(estimate(ratios(laps[f"{base} again"], laps[base])))
    return Row(what, base, median(laps[label]) * 1e6, Judged(ratio, goal, noise))


def _run(call: Callable[[Any], object], arguments: Sequence[Any]) -> Run:
    timed = calls(call, arguments)
    return lambda loops: (timed(loops),)


def lines(rows: Sequence[Row]) -> list[str]:
    """The rows as a table."""
    shown = [[row.what, row.against, f"{row.microseconds:.2f}", *row.judged.cells()] for row in rows]
    return table(["ours", "against", "us", "ratio", "goal"], shown, text=2)


def main() -> None:
    """Print the table, or with --json the numbers."""
    options = argparse.ArgumentParser("python -m bench.records", description=__doc__)
    options.add_argument("--turns", type=int, default=TURNS, help=f"slices of each (default: {TURNS})")
    options.add_argument("--json", action="store_true", help="print JSON")
    chosen = options.parse_args()
    rows = measure(chosen.turns)
    print(json.dumps([asdict(row) for row in rows], indent=1) if chosen.json else "\n".join(lines(rows)))


if __name__ == "__main__":
    main()
