"""Our round trip against the bare library, as ratios, for plain sessions of 0.2 kB and 2 kB.

`python -m bench.floor` (or `make floor`). Everything runs in one race, as `bench.race` has it; the median ratio over
the turns is reported with its bootstrap interval. The bare library runs twice, and what lies between is the noise.
"""

import argparse
import json
import pickle
import subprocess
import sys
from functools import partial
from statistics import median
from time import perf_counter

import cbor2
import msgpack
import orjson

from bench.payloads import families
from bench.race import Decode, Encode, Laps, Trip, race, trip
from transcoders import transcoder
from transcoders.measure.stats import estimate, ratios

BARE: dict[str, tuple[Encode, Decode]] = {
    "json": (orjson.dumps, orjson.loads),
    "msgpack": (msgpack.packb, msgpack.unpackb),
    "cbor": (cbor2.dumps, cbor2.loads),
    "pickle": (partial(pickle.dumps, protocol=5), pickle.loads),
}
ROWS = (
    ("json", "json", 2.0, 1.4),
    ("msgpack", "msgpack", 2.0, 1.0),
    ("cbor", "cbor", 2.0, 1.1),
    ("pickle", "pickle sealed (blake2)", 2.0, 1.5),
    ("pickle", "pickle sealed (hmac)", 2.0, 1.5),
    ("pickle", "pickle guarded", 4.0, 3.0),
)
SPECS = dict(
    zip((row[1] for row in ROWS), ("json", "msgpack", "cbor", "pickle+blake2", "pickle+hmac", "pickle"), strict=True)
)


def main() -> None:
    """Print the table, or with --json the numbers."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--turns", type=int, default=300, help="slices of each (default: 300)")
    options.add_argument("--json", action="store_true", help="print JSON")
    chosen = options.parse_args()
    found = [measure(name, chosen.turns) for name in ("plain-0.2k", "plain-2k")]
    imported, ready = start_up("import transcoders"), start_up("import transcoders; transcoders.transcoder('json')")
    if chosen.json:
        json.dump({"ratios": found, "import_ms": imported, "first_transcoder_ms": ready}, sys.stdout, indent=2)
        return
    print(f"{'round trip, ours / bare library':34}{'0.2 kB':>24}{'2 kB':>24}")
    for _, label, small, medium in ROWS:
        cells = [f"{show(one[label])} (<= {goal})" for one, goal in zip(found, (small, medium), strict=True)]
        print(f"{label:34}{cells[0]:>24}{cells[1]:>24}")
    print(f"{'noise: bare library / itself':34}{show(found[0]['noise']):>24}{show(found[1]['noise']):>24}")
    print(f"import transcoders: {imported:.0f} ms on top of Python's (goal: < 30); with a first json: {ready:.0f} ms")


def measure(family: str, turns: int) -> dict[str, dict[str, float]]:
    """Ratios of each row for one family, and the noise: the largest of the bare libraries against themselves."""
    trips: dict[str, Trip] = {}
    variants = families(family)[0].variants
    for codec, (dumps, loads) in BARE.items():
        trips[f"bare {codec}"] = trips[f"again {codec}"] = trip(dumps, loads, variants)
    for label, spec in SPECS.items():
        made = transcoder(spec, keys=[bytes(32)] if "+" in spec else ())
        trips[label] = trip(made.encode, made.decode, variants)
    times = race(trips, turns)
    found = {label: summary(times[label], times[f"bare {codec}"]) for codec, label, _, _ in ROWS}
    noises = [summary(times[f"again {codec}"], times[f"bare {codec}"]) for codec in BARE]
    found["noise"] = max(noises, key=lambda one: abs(one["ratio"] - 1))
    return found


def summary(ours: Laps, bare: Laps) -> dict[str, float]:
    """The median ratio over turns with its interval."""
    found = estimate(ratios(ours.both, bare.both))
    return {"ratio": found.median, "low": found.low, "high": found.high}


def show(found: dict[str, float]) -> str:
    """As text: ratio and half the width of its interval."""
    return f"{found['ratio']:.2f} ±{(found['high'] - found['low']) / 2:.2f}"


def start_up(code: str, starts: int = 15) -> float:
    """Milliseconds that the code adds to an interpreter's start: median of alternating starts."""
    added = []
    for _ in range(starts):
        seconds = []
        for one in ("pass", code):
            start = perf_counter()
            subprocess.run([sys.executable, "-c", one], check=True)  # noqa: S603
            seconds.append(perf_counter() - start)
        added.append(1000 * (seconds[1] - seconds[0]))
    return median(added)


if __name__ == "__main__":
    main()
