"""Statistics for OpenTelemetry: instruments that read them when metrics are collected, so that requests pay nothing.

Counters become observable counters. Of a distribution there are its `.count` and `.sum`, observable counters too, and
under its own name a gauge of quantiles, of what was measured since the last collection: a histogram instrument would
have to be called for each measurement, which takes longer than all else that is done for a session.
"""

from collections.abc import Callable, Iterator
from functools import partial
from operator import lt
from typing import TYPE_CHECKING, Final

from transcoders.errors import MissingExtra
from transcoders.sessions.distribution import Number
from transcoders.sessions.events import COUNTERS, DISTRIBUTIONS
from transcoders.sessions.stats import Statistics

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

PREFIX: Final = "transcoders.sessions"
QUANTILES: Final = (0.5, 0.9, 0.99)
"""The quantiles that are given, as the attribute `quantile`."""


def export(statistics: Statistics, meter: "Meter | None" = None, *, prefix: str = PREFIX) -> None:
    """Have a meter observe the statistics, for as long as it lives.

    Args:
        statistics: of a manager.
        meter: where; one of the global meter provider when None.
        prefix: what the names begin with; each manager of a process needs its own.

    Raises:
        MissingExtra: the metrics API is not installed.
    """
    try:
        from opentelemetry.metrics import get_meter  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("otel.export", "otel") from error
    meter = meter or get_meter(PREFIX)
    for name in statistics.counters:
        count = _one(partial(_count, statistics, name))
        unit = "By" if name.endswith("_bytes") else "1"
        meter.create_observable_counter(f"{prefix}.{name}", [count], unit, COUNTERS.get(name, name))
    for name in statistics.distributions:
        text, unit = DISTRIBUTIONS.get(name, name), "By" if name.endswith("_bytes") else "s"
        read = _Distribution(statistics, name)
        meter.create_observable_counter(f"{prefix}.{name}.count", [_one(read.count)], "1", text)
        meter.create_observable_counter(f"{prefix}.{name}.sum", [_one(read.total)], unit, text)
        meter.create_observable_gauge(f"{prefix}.{name}", [read.quantiles], unit, text)


def _count(statistics: Statistics, name: str) -> int:
    return statistics.counters[name]


def _one(read: Callable[[], Number]) -> "Callable[[CallbackOptions], Iterator[Observation]]":
    """A callback that observes one number."""
    from opentelemetry.metrics import Observation  # noqa: PLC0415

    def callback(_options: "CallbackOptions") -> "Iterator[Observation]":
        yield Observation(read())

    return callback


class _Distribution:
    """A distribution, and what of it was collected."""

    def __init__(self, statistics: Statistics, name: str) -> None:
        self._statistics, self._name = statistics, name
        self._seen: list[int] = []

    def count(self) -> Number:
        return self._statistics.distributions[self._name].count

    def total(self) -> Number:
        return self._statistics.distributions[self._name].total

    def quantiles(self, _options: "CallbackOptions") -> "Iterator[Observation]":
        from opentelemetry.metrics import Observation  # noqa: PLC0415

        one = self._statistics.distributions[self._name]
        seen, self._seen = self._seen, one.buckets.copy()
        since = () if any(map(lt, self._seen, seen)) else seen  # fewer than before: they were reset
        for share in QUANTILES:
            if (value := one.quantile(share, since)) is not None:
                yield Observation(value, {"quantile": share})
