"""A race: encoders and decoders in one process, in short slices that take turns in a shuffled order.

What slows the machine for a moment slows the slices of one turn alike, so a ratio is taken within a turn and its median
over the turns is reported. Ratios hold on other machines; microseconds do not.
"""

import gc
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes], Any]
Run = Callable[[int], tuple[float, ...]]
"""Runs so many loops; the seconds that its parts took."""
Trip = Callable[[int], tuple[float, float]]
"""Runs so many passes; the seconds of encoding and of decoding."""

SLICE = 0.002
"""Seconds that a slice lasts: long against the clock, short against what disturbs a machine."""
_WARM = 5


@dataclass(frozen=True, slots=True)
class Laps:
    """Seconds a pass, turn by turn."""

    encode: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)

    @property
    def both(self) -> list[float]:
        """The round trip."""
        return [wrote + read for wrote, read in zip(self.encode, self.decode, strict=True)]


def trip(encode: Encode, decode: Decode, variants: Sequence[object]) -> Trip:
    """A timer of so many passes: in each every variant is encoded, then every frame decoded."""
    frames = [encode(value) for value in variants]

    def run(loops: int) -> tuple[float, float]:
        encoding = decoding = 0.0
        for _ in range(loops):
            start = perf_counter()
            for value in variants:
                encode(value)
            middle = perf_counter()
            for frame in frames:
                decode(frame)
            encoding += middle - start
            decoding += perf_counter() - middle
        return encoding, decoding

    return run


def race(trips: Mapping[str, Trip], turns: int) -> dict[str, Laps]:
    """The laps of each, in a new order each turn; the order is the same in every run."""
    return {label: Laps(*map(list, zip(*laps, strict=True))) for label, laps in take_turns(trips, turns).items()}


def take_turns(runs: Mapping[str, Run], turns: int) -> dict[str, list[tuple[float, ...]]]:
    """The seconds of a loop of each, turn by turn, in a new order each turn; the order is the same in every run."""
    loops = {label: max(1, round(SLICE / min(sum(run(1)) for _ in range(_WARM)))) for label, run in runs.items()}
    laps: dict[str, list[tuple[float, ...]]] = {label: [] for label in runs}
    dice, order = random.Random(1), list(runs)  # noqa: S311 - an order, not a secret
    gc.freeze()
    for _ in range(turns):
        dice.shuffle(order)
        for label in order:
            laps[label].append(tuple(seconds / loops[label] for seconds in runs[label](loops[label])))
    gc.unfreeze()
    return laps
