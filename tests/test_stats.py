"""Statistics: what is counted and measured, in bounded memory, and told to Prometheus and OpenTelemetry."""

import json
import math
import pickle
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from transcoders import MissingExtra
from transcoders.sessions import otel, prometheus, stats
from transcoders.sessions.distribution import BYTES, SECONDS, SMALL, STEPS, Distribution, pair
from transcoders.sessions.events import COUNTERS, DISTRIBUTIONS
from transcoders.sessions.stats import RATES, Silent, Statistics

ERROR = 2 ** (1 / (2 * STEPS)) - 1
"""How far a quantile may be off: half a bucket."""


def of(*values, bounds=SECONDS):
    """The distribution of these values."""
    made = Distribution(bounds)
    for value in values:
        made.add(value)
    return made


# Distributions.


def test_a_distribution_of_nothing():
    """Count and total are 0, and there is nothing else to tell."""
    assert of().summary() == {
        "count": 0, "total": 0, "min": None, "mean": None, "max": None, "p50": None, "p90": None, "p99": None,
    }  # fmt: skip


def test_one_value_is_every_quantile():
    """What can be told exactly is."""
    assert of(0.125).summary() == {"count": 1, "total": 0.125} | dict.fromkeys(
        ("min", "mean", "max", "p50", "p90", "p99"), 0.125
    )


@pytest.mark.parametrize("bounds", [SECONDS, BYTES])
def test_bounds_are_an_eighth_of_an_octave_apart(bounds):
    """Neighbours differ by no more, and every power of two in the range is one of them."""
    assert all(a < b for a, b in pairwise(bounds))
    assert all(b / a <= 2 ** (1 / STEPS) + 1 / a for a, b in pairwise(bounds[32:]))
    low, high = (round(math.log2(end)) for end in (bounds[0], bounds[-1]))
    assert {2**exponent for exponent in range(low, high + 1)} <= set(bounds)


NUMBERS = st.floats(2**-20, 2**10) | st.sampled_from([2.0**n for n in range(-20, 10)])


@given(values=st.lists(NUMBERS, min_size=1), share=st.sampled_from([0, 0.1, 0.5, 0.9, 0.99, 1]))
def test_quantiles_of_times(values, share):
    """A quantile is off by half a bucket at most, and lies between the least and the greatest value."""
    exact = sorted(values)[max(math.ceil(len(values) * share), 1) - 1]
    found = of(*values).quantile(share)
    assert exact / (1 + ERROR) * 0.999 <= found <= exact * (1 + ERROR) * 1.001
    assert min(values) <= found <= max(values)


@given(values=st.lists(st.integers(64, 2**32), min_size=1), share=st.sampled_from([0, 0.5, 0.99, 1]))
def test_quantiles_of_sizes(values, share):
    """The same of bytes, whose bounds are integers."""
    exact = sorted(values)[max(math.ceil(len(values) * share), 1) - 1]
    found = of(*values, bounds=BYTES).quantile(share)
    assert exact / (1 + ERROR) * 0.98 <= found <= exact * (1 + ERROR) * 1.02


@given(st.lists(st.floats(-1, 2**20) | st.integers(-1, 2**40)), st.sampled_from([SECONDS, BYTES]))
def test_values_out_of_range_are_counted(values, bounds):
    """Whatever is added, 0, less and more than the last bound: count, sum and extremes hold."""
    made = of(*values, bounds=bounds)
    assert made.count == len(values)
    assert made.total == pytest.approx(sum(values))
    if values:
        assert (made.low, made.high) == (min(values), max(values))
        assert made.low <= made.quantile(0.5) <= made.high


SIZES = st.integers(0, 2**40) | st.sampled_from([*BYTES, *(bound + 1 for bound in BYTES), SMALL - 1, SMALL])


@given(st.lists(st.tuples(NUMBERS | st.floats(-1, 2**20), SIZES)))
def test_pairs_are_what_two_calls_are(pairs):
    """A time and a size that are added at once lie where they lie when each is added by itself."""
    times, sizes = Distribution(SECONDS), Distribution(BYTES)
    add = pair(times, sizes)
    for seconds, size in pairs:
        add(seconds, size)
    for found, values in ((times, [seconds for seconds, _ in pairs]), (sizes, [size for _, size in pairs])):
        made = of(*values, bounds=found.bounds)
        assert [getattr(found, name) for name in Distribution.__slots__] == [
            getattr(made, name) for name in Distribution.__slots__
        ]


def test_every_small_size_lies_where_a_search_puts_it():
    """The sizes that are looked up, all of them."""
    times, sizes = Distribution(SECONDS), Distribution(BYTES)
    add = pair(times, sizes)
    for size in range(SMALL + 1):
        add(1.0, size)
    assert sizes.buckets == of(*range(SMALL + 1), bounds=BYTES).buckets


@given(st.lists(NUMBERS), st.lists(NUMBERS))
def test_merged_distributions(one, other):
    """Two that were merged are one of all values; the second stays as it was."""
    first, second = of(*one), of(*other)
    first.merge(second)
    whole = of(*one, *other)
    assert (first.buckets, first.low, first.high) == (whole.buckets, whole.low, whole.high)
    assert first.total == pytest.approx(whole.total)
    assert second.count == len(other)


def test_quantiles_of_what_came_since():
    """With the buckets of before, only what came after counts."""
    made = of(*[0.001] * 50)
    before = made.buckets.copy()
    assert made.quantile(0.5, before) is None
    made.add(4.0)
    assert made.quantile(0.5, before) == pytest.approx(4.0, rel=ERROR)
    assert made.quantile(0.5) == pytest.approx(0.001, rel=ERROR)


def test_octaves_are_cumulative():
    """Each power of two comes with the number of values that do not exceed it, itself included."""
    counts = dict(of(0.5, 0.5, 0.51, 2.0, 5000.0).octaves())
    assert (counts[0.25], counts[0.5], counts[1.0], counts[2.0], counts[1024.0]) == (0, 2, 3, 4, 4)
    assert list(counts) == [2.0**n for n in range(-20, 11)]
    sizes = dict(of(1, 2, 3, 1024, bounds=BYTES).octaves())
    assert (sizes[1], sizes[2], sizes[4], sizes[512], sizes[1024]) == (1, 2, 3, 3, 4)


# Statistics.


def test_every_name_is_there_from_the_start():
    """All counters are 0 and all distributions empty, so that nothing is missing before it happens."""
    snapshot = Statistics().snapshot()
    assert snapshot["counters"] == dict.fromkeys(COUNTERS, 0)
    assert snapshot["distributions"].keys() == DISTRIBUTIONS.keys()
    assert snapshot["rates"] == dict.fromkeys(RATES)
    assert json.loads(json.dumps(snapshot)) == snapshot


def test_every_name_is_told_by_some_code():
    """What is listed is counted or measured somewhere."""
    package = Path(stats.__file__).parent
    source = "".join(
        file.read_text("utf-8") for file in package.glob("*.py") if file.name not in {"events.py", "stats.py"}
    )
    assert [name for name in (*COUNTERS, *DISTRIBUTIONS) if f'"{name}"' not in source] == []


def test_counting_and_measuring():
    """Counters add up, by name or in `counts`; seconds and bytes go into their distributions, by name or adder."""
    statistics = Statistics()
    statistics.count("saves")
    statistics.count("saves", 4)
    statistics.counts["saves"] += 1
    statistics.measure("load_seconds", 0.5)
    statistics.adder("load_seconds")(1.5)
    statistics.measure("saved_bytes", 200)
    statistics.pair("lock_seconds", "loaded_bytes")(0.25, 300)
    snapshot = statistics.snapshot()
    assert snapshot["counters"]["saves"] == 6
    assert snapshot["distributions"]["load_seconds"]["mean"] == 1.0
    assert snapshot["distributions"]["saved_bytes"]["max"] == 200
    assert snapshot["distributions"]["lock_seconds"]["max"] == 0.25
    assert snapshot["distributions"]["loaded_bytes"]["max"] == 300
    assert statistics.distributions["saved_bytes"].bounds is BYTES


def test_other_names_are_taken_as_they_come():
    """A store may have numbers of its own."""
    statistics = Statistics()
    statistics.count("reconnects")
    statistics.count("reconnects", 2)
    statistics.measure("reconnect_seconds", 0.25)
    statistics.adder("reply_bytes")(8)
    assert statistics.counters["reconnects"] == 3
    assert statistics.distributions["reconnect_seconds"].count == 1
    assert statistics.distributions["reply_bytes"].bounds is BYTES


def test_reset():
    """Everything is as at the beginning, and whoever holds a part of it goes on counting in it."""
    statistics = Statistics()
    counts, add, both = (
        statistics.counts,
        statistics.adder("load_seconds"),
        statistics.pair("load_seconds", "saved_bytes"),
    )
    counts["saves"] += 1
    add(1.0)
    both(1.0, 10)
    statistics.reset()
    assert statistics.snapshot() == Statistics().snapshot()
    counts["saves"] += 1
    add(2.0)
    both(3.0, 20)
    assert statistics.counters["saves"] == 1
    assert statistics.distributions["load_seconds"].total == 5.0
    assert statistics.distributions["saved_bytes"].total == 20


def test_merging_processes():
    """Statistics travel between processes as pickles, and add up there, names of their own included."""
    whole, worker = Statistics(), Statistics()
    for one in (whole, worker):
        one.count("saves", 2)
        one.measure("load_seconds", 0.5)
    worker.count("reconnects")
    worker.measure("reconnect_seconds", 1.0)
    whole.merge(pickle.loads(pickle.dumps(worker)))
    assert whole.counters["saves"] == 4
    assert whole.counters["reconnects"] == 1
    assert whole.distributions["load_seconds"].total == 1.0
    assert whole.distributions["reconnect_seconds"].count == 1
    assert worker.counters["saves"] == 2


@pytest.mark.parametrize(
    ("rate", "counted", "expected"),
    [
        ("access", {"requests_without_access": 3, "requests_with_change": 1}, 0.25),
        ("change", {"requests_with_change": 1, "requests_without_change": 3}, 0.25),
        ("unknown", {"ids_unknown": 1, "loads": 9}, 0.1),
        ("locked", {"locks": 3, "lock_timeouts": 1}, 0.75),
        ("conflict", {"conflicts": 1, "saves": 4}, 0.2),
        ("decoded", {"decoded_bytes": 100, "loaded_bytes": 1000}, 0.1),
        ("encoded", {"encoded_bytes": 100, "saved_bytes": 400}, 0.25),
    ],
)
def test_rates(rate, counted, expected):
    """Shares of some numbers in a whole; None where there is nothing to be a share of."""
    statistics = Statistics()
    for name, by in counted.items():
        (statistics.measure if name in DISTRIBUTIONS else statistics.count)(name, by)
    rates = statistics.snapshot()["rates"]
    assert rates[rate] == pytest.approx(expected)
    assert all(value is None or 0 <= value <= 1 for value in rates.values())


def test_every_rate_is_tested_and_of_known_names():
    """Rates are made of names that are counted."""
    known = COUNTERS.keys() | DISTRIBUTIONS.keys()
    assert all({*rate.parts, *rate.whole} <= known and rate.text for rate in RATES.values())


def test_silence():
    """Nothing is told that was counted or measured."""
    silent = Silent()
    silent.count("saves")
    silent.counts["saves"] += 1
    silent.measure("load_seconds", 1.0)
    silent.adder("load_seconds")(1.0)
    silent.pair("load_seconds", "loaded_bytes")(1.0, 10)
    silent.count("reconnects")
    assert silent.snapshot() == Statistics().snapshot()


@pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="threads count exactly under a GIL")
def test_threads_lose_nothing():
    """Threads that count and measure the same at once add up to the whole."""
    statistics, start, each = Statistics(), threading.Barrier(4), 20_000
    interval = sys.getswitchinterval()

    def work() -> None:
        counts, add, both = (
            statistics.counts,
            statistics.adder("loaded_bytes"),
            statistics.pair("save_seconds", "saved_bytes"),
        )
        start.wait()
        for _ in range(each):
            counts["loads"] += 1
            add(100)
            both(0.25, 100)
            statistics.count("saves")
            statistics.measure("load_seconds", 0.25)

    threads = [threading.Thread(target=work) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    snapshot = statistics.snapshot()
    assert (snapshot["counters"]["loads"], snapshot["counters"]["saves"]) == (4 * each, 4 * each)
    assert snapshot["distributions"]["loaded_bytes"]["count"] == 4 * each
    assert snapshot["distributions"]["load_seconds"]["total"] == each
    for name, one in (("save_seconds", 0.25), ("saved_bytes", 100)):
        assert snapshot["distributions"][name]["count"] == 4 * each
        assert snapshot["distributions"][name]["total"] == 4 * each * one


# Prometheus.


@pytest.fixture
def busy():
    """Statistics with something in them."""
    statistics = Statistics()
    statistics.count("saves", 7)
    statistics.count("reconnects", 2)
    for seconds in (0.001, 0.3, 100.0):
        statistics.measure("load_seconds", seconds)
    statistics.measure("saved_bytes", 1024)
    return statistics


def scraped(registry):
    """The samples of a scrape, by name and labels."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(sample.name, *sorted(sample.labels.items())): sample.value for one in families for sample in one.samples}


def test_prometheus_scrapes_the_numbers(busy):
    """Counters end with `_total`; a distribution is a histogram, whose buckets add up to its count."""
    registry = CollectorRegistry()
    collector = prometheus.export(busy, registry)
    samples = scraped(registry)
    assert samples["transcoders_session_saves_total",] == 7
    assert samples["transcoders_session_reconnects_total",] == 2
    assert samples["transcoders_session_load_seconds_count",] == 3
    assert samples["transcoders_session_load_seconds_sum",] == pytest.approx(100.301)
    buckets = {
        float(dict(labels)["le"]): value
        for (name, *labels), value in samples.items()
        if name == "transcoders_session_load_seconds_bucket"
    }
    assert (buckets[2**-10], buckets[2**-9], buckets[0.25], buckets[0.5], buckets[16], buckets[math.inf]) == (
        0, 1, 1, 2, 2, 3,
    )  # fmt: skip
    assert list(buckets.values()) == sorted(buckets.values())
    assert samples["transcoders_session_saved_bytes_bucket", ("le", "1024.0")] == 1
    assert samples["transcoders_session_saved_bytes_bucket", ("le", "512.0")] == 0
    busy.count("saves")
    assert scraped(registry)["transcoders_session_saves_total",] == 8
    registry.unregister(collector)
    assert not scraped(registry)


def test_every_metric_says_what_it_is(busy):
    """The help of each is the line that the docs have."""
    registry = CollectorRegistry()
    prometheus.export(busy, registry)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    helps = {one.name.removeprefix("transcoders_session_"): one.documentation for one in families}
    assert helps == COUNTERS | DISTRIBUTIONS | {"reconnects": "reconnects"}


def test_prometheus_needs_a_namespace_for_each_manager(busy):
    """The client's own registry is the default; it takes a second manager under another name only."""
    first = prometheus.export(busy)
    try:
        with pytest.raises(ValueError, match="Duplicated"):
            prometheus.export(Statistics())
        second = prometheus.export(Statistics(), namespace="admin")
        REGISTRY.unregister(second)
        assert scraped(REGISTRY)["transcoders_session_saves_total",] == 7
    finally:
        REGISTRY.unregister(first)


# OpenTelemetry.


class Collected:
    """A meter of its own, and what it collects."""

    def __init__(self):
        self._reader = InMemoryMetricReader()
        self._provider = MeterProvider(metric_readers=[self._reader])
        self.meter = self._provider.get_meter("tests")

    def now(self):
        """The points of each metric, by name: value and attributes."""
        data = self._reader.get_metrics_data()
        return {
            metric.name.removeprefix("transcoders.sessions."): [
                (point.value, dict(point.attributes)) for point in metric.data.data_points
            ]
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def units(self):
        """The unit and the description of each metric."""
        (resource,) = self._reader.get_metrics_data().resource_metrics
        return {one.name: (one.unit, one.description) for one in resource.scope_metrics[0].metrics}

    def close(self):
        self._provider.shutdown()


@pytest.fixture
def collected():
    """A meter, closed at the end."""
    made = Collected()
    yield made
    made.close()


def test_opentelemetry_collects_the_numbers(busy, collected):
    """Counters, and of distributions count, sum and the quantiles since the last collection."""
    otel.export(busy, collected.meter)
    found = collected.now()
    assert found["saves"] == [(7, {})]
    assert found["reconnects"] == [(2, {})]
    assert found["load_seconds.count"] == [(3, {})]
    assert found["load_seconds.sum"] == [(pytest.approx(100.301), {})]
    quantiles = {point["quantile"]: value for value, point in found["load_seconds"]}
    assert quantiles == {0.5: pytest.approx(0.3, rel=ERROR), 0.9: 100.0, 0.99: 100.0}
    assert "save_seconds" not in found
    busy.measure("load_seconds", 0.01)
    quantiles = sorted(((point["quantile"], value) for value, point in collected.now()["load_seconds"]))
    assert quantiles == [(share, pytest.approx(0.01, rel=ERROR)) for share in otel.QUANTILES]
    assert "load_seconds" not in collected.now()


def test_opentelemetry_after_a_reset(busy, collected):
    """Quantiles are those of what was measured after it, not of fewer than nothing."""
    otel.export(busy, collected.meter)
    collected.now()
    busy.reset()
    busy.measure("load_seconds", 0.5)
    assert {value for value, _ in collected.now()["load_seconds"]} == {0.5}


def test_every_instrument_says_what_it_is(collected):
    """Units are those of UCUM, descriptions the lines that the docs have."""
    statistics = Statistics()
    for name in DISTRIBUTIONS:
        statistics.measure(name, 1)
    otel.export(statistics, collected.meter, prefix="shop")
    units = collected.units()
    assert units["shop.saves"] == ("1", COUNTERS["saves"])
    assert units["shop.decoded_bytes"] == ("By", COUNTERS["decoded_bytes"])
    assert units["shop.load_seconds"] == ("s", DISTRIBUTIONS["load_seconds"])
    assert units["shop.load_seconds.count"] == ("1", DISTRIBUTIONS["load_seconds"])
    assert units["shop.saved_bytes.sum"] == ("By", DISTRIBUTIONS["saved_bytes"])
    assert len(units) == len(COUNTERS) + 3 * len(DISTRIBUTIONS)


def test_opentelemetry_takes_the_global_meter(busy, collected, monkeypatch):
    """Without a meter it is one of the application's provider."""
    asked = []
    monkeypatch.setattr(metrics, "get_meter", lambda name: asked.append(name) or collected.meter)
    otel.export(busy)
    assert asked == ["transcoders.sessions"]
    assert collected.now()["saves"] == [(7, {})]


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [(prometheus, "prometheus_client", "prometheus"), (otel, "opentelemetry.metrics", "otel")],
)
def test_what_is_not_installed(module, package, extra, monkeypatch):
    """The error names the extra to install."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf'pip install "transcoders\[{extra}\]"'):
        module.export(Statistics())
