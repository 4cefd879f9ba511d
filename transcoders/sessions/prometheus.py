"""Statistics for Prometheus: a collector that reads them when it is scraped, so that requests pay nothing for it.

Counters keep their names; distributions become histograms with a bucket for each octave, which can be added up over
processes. A process that serves several managers gives each a namespace. The multi-process mode of
prometheus_client, which shares files, knows no collectors: let each worker be scraped, or push.
"""

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING, Any, Final

from transcoders.errors import MissingExtra
from transcoders.sessions.events import COUNTERS, DISTRIBUTIONS
from transcoders.sessions.stats import Statistics

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import CollectorRegistry

NAMESPACE: Final = "transcoders_session"
_SECONDS, _BYTES = (2**-17, 16), (16, 2**24)
"""The outermost bounds that are worth a time series of their own."""


class StatisticsCollector:
    """A collector, for any registry of prometheus_client.

    Args:
        statistics: of a manager.
        namespace: what the names begin with.
    """

    def __init__(self, statistics: Statistics, namespace: str = NAMESPACE) -> None:
        self._statistics, self._namespace = statistics, namespace

    def collect(self) -> "Iterator[Metric]":
        """The numbers now."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily  # noqa: PLC0415
        from prometheus_client.utils import floatToGoString  # noqa: PLC0415

        for name, count in self._statistics.counters.items():
            yield CounterMetricFamily(f"{self._namespace}_{name}", COUNTERS.get(name, name), count)
        for name, one in self._statistics.distributions.items():
            low, high = _BYTES if name.endswith("_bytes") else _SECONDS
            octaves = [pair for pair in one.octaves() if low <= pair[0] <= high]
            buckets = [(floatToGoString(bound), float(upto)) for bound, upto in (*octaves, (inf, one.count))]  # type: ignore[no-untyped-call]
            yield HistogramMetricFamily(f"{self._namespace}_{name}", DISTRIBUTIONS.get(name, name), buckets, one.total)


def export(
    statistics: Statistics, registry: "CollectorRegistry | None" = None, *, namespace: str = NAMESPACE
) -> StatisticsCollector:
    """Have Prometheus scrape the statistics; the collector, to be unregistered when the manager is closed.

    Args:
        statistics: of a manager.
        registry: where; the client's own registry when None.
        namespace: what the names begin with; each manager of a process needs its own.

    Raises:
        MissingExtra: prometheus_client is not installed.
        ValueError: the registry has these names already.
    """
    try:
        from prometheus_client import REGISTRY  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("prometheus.export", "prometheus") from error
    collector: Any = StatisticsCollector(statistics, namespace)
    (registry or REGISTRY).register(collector)
    return collector  # type: ignore[no-any-return]
