"""Our round trip against the bare library, as ratios, for plain sessions of 0.2 kB and 2 kB.

`python -m bench.floor` (or `make floor`). Everything runs in one process in short slices that take turns in a shuffled
order; a ratio is taken within a turn and the median over turns is reported with its bootstrap interval. The bare
library runs twice, and what lies between the two is the noise. Ratios hold on other machines; microseconds do not.
"""

import argparse
import gc
import json
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import cbor2
import msgpack
import orjson

from bench.payloads import families
from transcoders import transcoder
from transcoders.measure.stats import estimate, ratios

BARE: dict[str, tuple[Callable[[object], bytes], Callable[[bytes], object]]] = {
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
SLICE = 0.002
"""Seconds that a slice lasts: long against the clock, short against what disturbs a machine."""


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
    trips = {}
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


def trip(
    encode: Callable[[object], bytes], decode: Callable[[bytes], object], variants: tuple[object, ...]
) -> Callable[[int], float]:
    """A timer of so many passes over the variants: each encoded, then each decoded; seconds."""
    frames = [encode(value) for value in variants]

    def run(loops: int) -> float:
        start = perf_counter()
        for _ in range(loops):
            for value in variants:
                encode(value)
            for frame in frames:
                decode(frame)
        return perf_counter() - start

    return run


def race(trips: dict[str, Callable[[int], float]], turns: int) -> dict[str, list[float]]:
    """Seconds a pass of each, turn by turn, in a new order each turn."""
    loops = {label: max(1, round(SLICE / min(run(1) for _ in range(5)))) for label, run in trips.items()}
    times: dict[str, list[float]] = {label: [] for label in trips}
    dice, order = random.Random(1), list(trips)  # noqa: S311 - an order, not a secret
    gc.freeze()
    for _ in range(turns):
        dice.shuffle(order)
        for label in order:
            times[label].append(trips[label](loops[label]) / loops[label])
    return times


def summary(ours: list[float], bare: list[float]) -> dict[str, float]:
    """The median ratio over turns with its interval."""
    found = estimate(ratios(ours, bare))
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
