"""A distribution: how many values there were, their sum and extremes, and where they lie, in memory of a fixed size.

Buckets are an eighth of an octave wide, so that a quantile is off by 4.4 % at most, whatever the values. The bounds
are floats for seconds and integers for bytes, because comparing the two takes longer than all the rest.

Threads add without a lock: what changes the numbers makes no call, and the interpreter's lock is not handed over in
between. Without such a lock (free threading) a few of the values may be missing.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

Number = int | float
STEPS: Final = 8
"""Buckets in an octave."""
SECONDS: Final = tuple(2.0 ** (step / STEPS) for step in range(-20 * STEPS, 10 * STEPS + 1))
"""Upper bounds of buckets, from a microsecond to 1024 seconds."""
BYTES: Final = tuple(sorted({round(2 ** (step / STEPS)) for step in range(32 * STEPS + 1)}))
"""Upper bounds of buckets, from one byte to 4 GiB."""
SMALL: Final = 1 << 14
"""Bytes below which the bucket of a size is looked up by `pair`, which takes a third of a search."""
_SMALL: Final = b"".join(
    bytes((at,)) * (bound - below) for at, (below, bound) in enumerate(pairwise((-1, *BYTES))) if below < SMALL
)[:SMALL]
_QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Distribution:
    """Values of one kind.

    Args:
        bounds: the upper bounds of its buckets; what is above the last is counted too.

    Attributes:
        bounds: the upper bounds.
        buckets: how many values lie in each; one more than bounds.
        total: the sum of the values.
        low: the smallest of them; infinite when there is none.
        high: the greatest of them; minus infinity when there is none.
    """

    __slots__ = ("bounds", "buckets", "high", "low", "total")

    def __init__(self, bounds: Sequence[Number] = SECONDS) -> None:
        self.bounds = bounds
        self.reset()

    def reset(self) -> None:
        """Forget all values."""
        self.buckets = [0] * (len(self.bounds) + 1)
        self.total: Number = 0
        self.low, self.high = math.inf, -math.inf

    def add(self, value: Number, /) -> None:
        """Take one more value."""
        at = bisect_left(self.bounds, value)
        self.buckets[at] += 1
        self.total += value
        if not self.low <= value <= self.high:
            self.widen(value)

    def widen(self, value: Number) -> None:
        """Let the extremes reach to the value."""
        if value < self.low:  # noqa: PLR1730 - a call is where another thread may come in
            self.low = value
        if value > self.high:  # noqa: PLR1730
            self.high = value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.buckets)

    def quantile(self, share: float, since: Sequence[int] = ()) -> float | None:
        """The value that this share of the values does not exceed; None when there is none.

        Args:
            share: from 0 to 1.
            since: the buckets as they were before; only what came after counts.
        """
        buckets = [now - then for now, then in zip(self.buckets, since, strict=True)] if since else self.buckets
        left = math.ceil(sum(buckets) * share)
        for at, count in enumerate(buckets):
            left -= count
            if count and left <= 0:
                below, above = self.bounds[max(at - 1, 0)], self.bounds[min(at, len(self.bounds) - 1)]
                return min(max(math.sqrt(below * above), self.low), self.high)
        return None

    def merge(self, other: "Distribution") -> None:
        """Take the values of another one with the same bounds."""
        for at, count in enumerate(other.buckets):
            self.buckets[at] += count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def summary(self) -> dict[str, Number | None]:
        """Its `count total min mean max p50 p90 p99`; those of no values are None."""
        count = self.count
        low, mean, high = (self.low, self.total / count, self.high) if count else (None, None, None)
        numbers = {"count": count, "total": self.total, "min": low, "mean": mean, "max": high}
        return numbers | {name: self.quantile(share) for name, share in _QUANTILES.items()}

    def octaves(self) -> Iterator[tuple[Number, int]]:
        """Every power of two among the bounds, and how many values do not exceed it."""
        upto = 0
        for bound, count in zip(self.bounds, self.buckets, strict=False):
            upto += count
            if math.frexp(bound)[0] == 0.5:  # the mantissa of a power of two
                yield bound, upto


def pair(times: Distribution, sizes: Distribution) -> Callable[[float, int], None]:
    """What adds seconds to one distribution and a size to another, in two thirds of the time of two calls.

    Args:
        times: of any bounds.
        sizes: with the bounds BYTES; it takes whole numbers from 0.
    """
    bounds = times.bounds

    def add(seconds: float, size: int, /) -> None:
        at = bisect_left(bounds, seconds)
        times.buckets[at] += 1
        times.total += seconds
        if not times.low <= seconds <= times.high:
            times.widen(seconds)
        at = _SMALL[size] if size < SMALL else bisect_left(BYTES, size)
        sizes.buckets[at] += 1
        sizes.total += size
        if not sizes.low <= size <= sizes.high:
            sizes.widen(size)

    return add
