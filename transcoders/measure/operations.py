"""Operations: what a session costs, each as a loop that can be timed.

Every loop rotates through the variants of a payload, so that no branch predictor learns a single value by heart, and
calls the transcoder as a user does: frame and filters included. Results are dropped at once, as a request drops them.
This file decides nothing about how often and in which order the loops run.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from time import perf_counter
from typing import Any

from transcoders import Transcoder, peek

Timed = Callable[[int], float]
"""Given a number of loops, the seconds that they took; one loop is one pass over the variants."""

OPERATIONS = {
    "decode": "bytes to value: the read of a request",
    "encode": "value to bytes: the write of a request",
    "recheck": "encode and compare with the loaded bytes: the unmodified request",
    "peek": "read the frame only: which codec, which filters, how large",
}


def timed(op: str, transcoder: Transcoder[Any], variants: Sequence[object], encoded: Sequence[bytes]) -> Timed:
    """The loop of an operation; `encoded` are the variants' bytes."""
    if op == "encode":
        return calls(transcoder.encode, variants)
    if op == "decode":
        return calls(transcoder.decode, encoded)
    if op == "recheck":
        return _rechecks(transcoder, encoded)
    return calls(peek, encoded)


def calibrated(loop: Timed, seconds: float) -> int:
    """The number of loops that take about that long, at least one."""
    loops = 1
    while (took := loop(loops)) < seconds / 2:
        loops *= 2
    return max(1, round(loops * seconds / took))


def calls(call: Callable[[Any], object], arguments: Sequence[Any]) -> Timed:
    """The loop that calls with each of the arguments in turn."""

    def loop(loops: int) -> float:
        started = perf_counter()
        for _ in repeat(None, loops):
            for argument in arguments:
                call(argument)
        return perf_counter() - started

    return loop


def _rechecks(transcoder: Transcoder[Any], encoded: Sequence[bytes]) -> Timed:
    """The values are those that a request has: freshly decoded, sharing nothing with what was once encoded."""
    encode = transcoder.encode
    loaded = [(transcoder.decode(data), data) for data in encoded]

    def loop(loops: int) -> float:
        started = perf_counter()
        for _ in repeat(None, loops):
            for value, data in loaded:
                encode(value) == data  # noqa: B015 - the comparison is what is timed
        return perf_counter() - started

    return loop
