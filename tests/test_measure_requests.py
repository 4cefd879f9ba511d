"""Whole requests in the instrument: what they do to a store, where their time goes, and what the report says."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given

from tests.measured import comparison, rounds
from tests.strategies import plain_values
from transcoders import SpecError, transcoder
from transcoders.cli.app import app
from transcoders.measure import results
from transcoders.measure.comparison import Comparison
from transcoders.measure.directory import RunDirectory, read, write
from transcoders.measure.plan import CONTROLS, Preset, plan
from transcoders.measure.report import render
from transcoders.measure.requests import PARTED, REQUESTS, WHOLE, Place, Requests, attributes
from transcoders.measure.shares import LAYERS, shares
from transcoders.measure.study import run
from transcoders.measure.timings import load
from transcoders.measure.variation import another
from transcoders.measure.via import via
from transcoders.sessions.stores.memory import MemoryStore

TINY = Preset(rounds=2, values=1, seconds=0.0002)
VALUES = ({"n": 1, "cart": [{"sku": "a", "qty": 1}], "csrf": "x" * 32}, {"n": 2, "cart": [], "csrf": "y" * 32})


class Colour(Enum):
    """Two members."""

    RED = 1
    GREEN = 2


@dataclass
class Point:
    """A record."""

    x: int
    y: str


class Item(msgspec.Struct):
    """A record of another kind."""

    name: str


def tiny(url="memory:", specs=("json", "msgpack"), payloads=("login",)):
    """The smallest study of whole requests."""
    return plan(specs, payloads, ["decode", "encode"], preset=TINY, via=via(url))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A finished run on a store in memory, with its report."""
    folder = tmp_path_factory.mktemp("runs") / "via"
    run(tiny(), folder)
    render(folder)
    return folder


@pytest.fixture
def place():
    """A place for requests, closed at the end."""
    made = Place("memory:", transcoder("json"))
    yield made
    made.close()


@given(plain_values())
def test_another_value_differs_and_has_the_same_shape(value):
    """A value and its other one are never equal, and are of the same type; the value itself stays as it is."""
    before = repr(value)
    other = another(value)
    assert type(other) is type(value)
    assert other != value
    assert repr(value) == before


@pytest.mark.parametrize("value", [
    Decimal("1.5"), b"abc", b"", bytearray(b"x"), (1, 2), (), {"a"}, set(), frozenset({1, 2}), Colour.RED,
    Point(1, "a"), Item("a"), datetime(2026, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), date.max,
    time(23, 59, 59), timedelta.max, timedelta.min, UUID(int=0), float("inf"), float("nan"), 1e300, 1 << 200, "", "a",
    {1: "a"}, {},
])  # fmt: skip
def test_another_value_of_every_type(value):
    """Each type of the session value set has another value of its own type."""
    other = another(value)
    assert type(other) is type(value)
    assert repr(other) != repr(value)


@pytest.mark.parametrize("value", [None, 1j, object(), range(3)])
def test_what_has_no_other_value_of_its_type_gets_one_of_another(value):
    """None, and what is not known, change all the same."""
    assert another(value) != value


@pytest.mark.parametrize(("value", "names"), [
    ({"a": 1, "b": 2}, ["a", "b"]),
    ({}, [WHOLE]),
    ({1: "a"}, [WHOLE]),
    ({"": 1}, [WHOLE]),
    ({"x" * 300: 1}, [WHOLE]),
    ([1, 2], [WHOLE]),
    (Point(1, "a"), [WHOLE]),
])  # fmt: skip
def test_attributes_of_a_payload(value, names):
    """A mapping of names gives its own; anything else is one attribute."""
    assert list(attributes(value)) == names


def test_every_attribute_is_wanted_as_often(place):
    """Each variant has a turn, and no attribute is left out or preferred."""
    requests = Requests(place, VALUES)
    wants = requests._wants[place.manager]
    assert requests.count == 3
    assert sorted(want.name for want in wants) == ["cart", "csrf", "n"]
    assert {want.sid for want in wants} == set(requests._sids[place.manager])
    many = Requests(place, [{f"a{number}": number for number in range(200)}])
    assert many.count == 64


def test_requests_call_the_store_as_designed(place):
    """Nothing for a session that is not touched, once to read, and twice to change."""
    assert Requests(place, VALUES).calls() == {"untouched": 0, "read": 1, "change": 2}


def test_a_change_changes_the_session_at_each_pass(place):
    """Every request of every pass writes: values alternate, and the last one stands in the store."""
    requests = Requests(place, VALUES)
    loop = requests.loop("change")
    saves = place.manager.statistics.counters["saves"]
    loop(3)
    assert place.manager.statistics.counters["saves"] == saves + 3 * requests.count
    assert "as a session: $" in requests.differing()
    loop(1)
    assert requests.differing() is None


@pytest.mark.parametrize("spec", ["json", "msgpack+zstd", "cbor", "pickle+blake2"])
def test_every_part_runs(spec):
    """Requests and their parts are loops for any transcoder, sealed ones too."""
    subject = transcoder(spec, keys=[bytes(32)] if "blake2" in spec else ())
    place = Place("memory:", subject)
    requests = Requests(place, VALUES)
    assert all(requests.loop(op)(2) > 0 for op in (*REQUESTS, *PARTED))
    place.close()


def test_sessions_are_ended(tmp_path):
    """A store that is measured holds afterwards what it held before."""
    url = f"sqlite:{tmp_path / 'sessions.db'}"
    place = Place(url, transcoder("json"))
    requests = Requests(place, VALUES)
    (sid, *_) = requests._sids[place.manager]
    place.close()
    again = Place(url, transcoder("json"))
    with again.manager.session(sid) as session:
        assert session.new or not session.to_dict()
    again.close()


def test_a_run_leaves_requests_and_parts_in_the_timing_files(finished):
    """Each has as many values as the rest, and as many inner loops as there are requests in a pass."""
    import pyperf

    ops = ("decode", "encode", *REQUESTS, *PARTED)
    for label in ("json", "msgpack", *CONTROLS):
        assert set(load(RunDirectory(finished).time(label))) == {f"login/{op}" for op in ops}
    suite = pyperf.BenchmarkSuite.load(str(RunDirectory(finished).time("json")))
    inner = {op: suite.get_benchmark(f"login/{op}").get_metadata()["inner_loops"] for op in ops}
    assert inner == dict.fromkeys(ops, 18) | {"decode": 16, "encode": 16}
    assert read(finished / "run.json")["calls"]["json"]["login"] == {"untouched": 0, "read": 1, "change": 2}


def test_the_report_says_where_the_time_goes(finished):
    """Its section stands behind the verdict, with the figure, in both renderings."""
    markdown, html = ((finished / name).read_text() for name in ("report.md", "report.html"))
    assert re.findall(r"^## (.+)$", markdown, re.MULTILINE)[:3] == ["Verdict", "Whole requests", "How fast"]
    assert "![Microseconds of a request that changes an attribute" in markdown
    assert html.count("<svg") == 3
    assert re.findall(r"Figure (\d)\.", markdown) == ["1", "2", "3"]
    assert "--via memory:" in markdown
    assert "| store | memory: |" in markdown
    svg = (finished / "figures" / "requests.svg").read_text()
    assert all(f">{layer}</text>" in svg for layer in LAYERS)


def test_the_verdict_goes_by_whole_requests(finished):
    """The cost is that of a request that reads and one that changes."""
    found = Comparison(results.load(finished))
    assert found.cost == ("read", "change")
    assert found.codec == ("decode", "encode")
    assert render(finished).verdict.rule.startswith("Cost of a request: read + change")


def test_runs_of_before_know_nothing_of_requests(finished, tmp_path):
    """A record without the newer fields is read, and goes by the codec."""
    record = read(finished / "run.json")
    for name in ("via", "requests"):
        del record["plan"][name]
    del record["calls"]
    for name in ("checks.json", "sizes.json"):
        write(tmp_path / name, read(finished / name))
    for label in record["plan"]["files"]:
        write(RunDirectory(tmp_path).time(label), RunDirectory(finished).time(label).read_text())
    write(tmp_path / "run.json", record)
    found = Comparison(results.load(tmp_path))
    assert found.cost == ("decode", "encode")
    assert "Whole requests" not in render(tmp_path).markdown


def requested(microseconds, parts):
    """A comparison in which a request takes so long, and its parts these."""
    found = comparison({"json": 10})
    names = ("a", "b")
    times = {
        (label, name, op): rounds(taken)
        for label in ("json", *CONTROLS)
        for name in names
        for op, taken in {"read": microseconds, **{f"read:{part}": took for part, took in parts.items()}}.items()
    }
    more = {"via": "memory:", "requests": tuple(REQUESTS), "times": {**found.results.times, **times}}
    return Comparison(replace(found.results, **more))


def test_shares_are_differences():
    """Each layer is what its part takes beyond the one inside it, and together they are the request."""
    found = shares(requested(100, {"codec": 5, "record": 20, "still": 50}), "json", "read")
    assert [round(getattr(found, layer) * 1e6) for layer in LAYERS] == [5, 15, 30, 50]
    assert found.share("store") == pytest.approx(0.5)


def test_a_part_within_the_noise_adds_nothing():
    """No layer is negative, and the sum is that of the longest part."""
    found = shares(requested(40, {"codec": 5, "record": 4, "still": 41}), "json", "read")
    assert [round(getattr(found, layer) * 1e6) for layer in LAYERS] == [5, 0, 36, 0]


def test_a_payload_that_is_no_session_gets_no_number(tmp_path):
    """A session holds fewer attributes than a dict may: the check says so, and the rest is measured."""
    file = tmp_path / "many.json"
    file.write_text(json.dumps({f"a{number}": 1 for number in range(2000)}))
    planned = plan(["json"], [str(file), "login"], ["decode", "encode"], preset=TINY, via=via("memory:"))
    run(planned, tmp_path / "run")
    checks = read(tmp_path / "run" / "checks.json")["json"]
    assert checks["many"]["found"].startswith("as a session: EncodeError")
    assert checks["login"]["ok"]
    assert render(tmp_path / "run").verdict.mix == ("login",)


def test_the_plan_counts_requests_in():
    """They take their time, more of it on a store that is far away."""
    without = plan(["json"], ["login"], ["decode"], preset=TINY)
    near = plan(["json"], ["login"], ["decode"], preset=TINY, via=via("memory:"))
    far = replace(near, via=replace(near.via, trip=0.1))
    assert without.duration < near.duration < far.duration
    assert near.benchmarks == ("login/decode", *(f"login/{op}" for op in (*REQUESTS, *PARTED)))


def test_a_url_is_neither_shown_nor_recorded(tmp_path):
    """There may be a password in it, and a path says nothing to others."""
    url = f"sqlite:{tmp_path / 'secret.db'}"
    found = via(url)
    assert "secret" not in f"{found} {found.shown}"
    run(tiny(url, ["json"]), tmp_path / "run")
    render(tmp_path / "run")
    for file in (tmp_path / "run").rglob("*.*"):
        assert "secret" not in file.read_text("utf-8")


@pytest.mark.parametrize("url", ["nothing:", "redis://127.0.0.1:1/0?timeout=50", "memory"])
def test_a_store_that_is_not_there_is_told_in_a_line(url):
    """Before anything is measured, with exit code 2."""
    done = CliRunner().invoke(app, ["bench", "json", "--via", url])
    assert done.exit_code == 2
    assert done.output.startswith("error: ")
    with pytest.raises(SpecError):
        via(url)


def test_the_command_measures_requests(tmp_path):
    """It prints the verdict on whole requests, and as JSON each layer of each request."""
    words = ["bench", "json", "msgpack", "--via", "memory:", "-p", "login", "--rounds", "2", "--fast", "--json"]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    record = json.loads(done.output)
    assert record["cost"] == ["read", "change"]
    assert record["via"] == "memory:"
    assert {(one["spec"], one["request"]) for one in record["requests"]} == {
        (spec, request) for spec in ("json", "msgpack") for request in ("read", "change")
    }
    assert all(one["manager"] > 0 for one in record["requests"])
    assert record["requests"][0]["calls"] == {"login": 1.0}


def test_the_store_that_does_nothing_is_a_store():
    """It keeps what it is given without looking at it."""
    from transcoders.measure.still import Still
    from transcoders.sessions.ports import Outcome

    still = Still()
    assert isinstance(still, MemoryStore)
    assert still.create("k", b"a", 0)
    assert still.save("k", b"b", b"whatever", 0) is Outcome.SAVED
    assert (still.load("k"), still.load("other")) == (b"b", None)
