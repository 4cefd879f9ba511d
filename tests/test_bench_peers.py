"""The comparison with peers is fair: same models, values that come back, validation tried, sound arithmetic."""

import json
import sys
from dataclasses import replace
from datetime import UTC
from statistics import median

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import floor
from bench.peers import models, msgspec_cbor
from bench.peers.__main__ import main
from bench.peers.checks import WRONG, accepted, returned
from bench.peers.contest import Contest, Entry, Missing, Row, enter, hold
from bench.peers.kinds import KINDS, model, names, recast
from bench.peers.pipeline import CODECS, Pipeline
from bench.peers.roster import roster
from bench.peers.table import table
from bench.peers.values import PAYLOADS
from bench.peers.verdict import goal, judge
from bench.race import Laps, race, trip
from transcoders.errors import SpecError
from transcoders.measure.stats import Estimate

SMALL = PAYLOADS[0]
VALUE = SMALL.variants()[0]
ROSTER, ABSENT = roster()
ALL = [(pipeline, kind) for pipeline in ROSTER for kind in pipeline.kinds]
PEERS = [(pipeline, kind) for pipeline, kind in ALL if not pipeline.form]
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.replace(fold=0))
FEW = {payload.name: payload.variants()[:2] for payload in PAYLOADS}
COERCING = {"cattrs orjson", "cattrs msgpack", "cattrs cbor2", "mashumaro orjson", "mashumaro msgpack"}


def labels(entry):
    """A test's name for a pipeline, kind or payload."""
    return entry if isinstance(entry, str) else f"{entry.name} {getattr(entry, 'codec', '')}".strip()


def laid_open(value):
    """The value as dicts and lists, whatever the kinds of its records."""
    if isinstance(value, list):
        return [laid_open(item) for item in value]
    return {name: laid_open(getattr(value, name)) for name in names(type(value))} or value


def lax(made):
    """An encoder and decoder that coerce, whatever they claim."""
    read = msgspec.json.Decoder(made, strict=False).decode
    return msgspec.json.Encoder().encode, read


def entered(pipeline, kind, payload):
    """The pipeline after its checks."""
    return enter(pipeline, kind, payload, tuple(recast(value, kind) for value in FEW[payload.name]))


@pytest.mark.parametrize("payload", PAYLOADS, ids=labels)
def test_payloads_have_their_published_size(payload):
    """Each variant is as large as the measured payload it stands for, within three in a hundred."""
    sizes = [len(msgspec.json.encode(value)) for value in payload.variants()]
    assert median(sizes) == pytest.approx(payload.size, rel=0.005)
    assert (min(sizes), max(sizes)) == pytest.approx((payload.size, payload.size), rel=0.03)


@pytest.mark.parametrize("payload", PAYLOADS, ids=labels)
def test_variants_repeat_and_differ(payload):
    """The same seed gives the same values, and no two variants are equal."""
    variants = payload.variants()
    assert variants == payload.variants()
    assert len({msgspec.json.encode(value) for value in variants}) == len(variants) > 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("payload", PAYLOADS, ids=labels)
def test_every_kind_of_model_holds_the_same(payload, kind):
    """A value of any kind has the plain value's fields and contents, and the classes are made only once."""
    value = payload.variants()[0]
    cast = recast(value, kind)
    assert laid_open(cast) == laid_open(value)
    assert type(cast) is model(payload.model, kind)


def test_an_altered_model_differs_in_one_field():
    """The sibling of a model has the other type in that field only."""
    made = model(models.Small, "struct", ("mfa", int))
    hints = {field.name: field.type for field in msgspec.structs.fields(made)}
    plain = {field.name: field.type for field in msgspec.structs.fields(model(models.Small, "struct"))}
    assert {name for name in hints if hints[name] is not plain[name] and hints[name] != plain[name]} == {"mfa"}
    assert recast(VALUE, "struct", ("mfa", int, 7)).mfa == 7


def test_the_roster_is_whole():
    """Every library is installed here, and every codec has a peer that claims to validate."""
    assert ABSENT == {}
    assert {pipeline.codec for pipeline, _ in PEERS if pipeline.claims} == set(CODECS)


def test_a_library_that_is_not_installed_is_absent(monkeypatch):
    """A peer whose import fails is named as absent, and the others stay."""
    monkeypatch.delitem(sys.modules, msgspec_cbor.__name__)
    monkeypatch.setitem(sys.modules, "msgspec_cbor", None)
    found, absent = roster()
    assert list(absent) == ["msgspec_cbor"]
    assert {pipeline.name for pipeline in ROSTER} - {pipeline.name for pipeline in found} == {"msgspec-cbor"}


@pytest.mark.parametrize("payload", PAYLOADS, ids=labels)
@pytest.mark.parametrize(("pipeline", "kind"), ALL, ids=labels)
def test_every_pipeline_carries_every_payload(pipeline, kind, payload):
    """What a peer or one of ours writes of any variant comes back equal and of the same types."""
    found = entered(pipeline, kind, payload)
    assert isinstance(found, Entry), found.why


@pytest.mark.parametrize(("pipeline", "kind"), ALL, ids=labels)
def test_who_validates_is_tried(pipeline, kind):
    """Whoever claims to validate refuses all wrong input, save those that are known to coerce."""
    found = accepted(pipeline, kind)
    coerces = pipeline.name in COERCING or (pipeline.name == "cattrs msgspec" and kind == "dataclass")
    if coerces or not pipeline.claims:
        assert "str for int" in found
    else:
        assert found == ()


@pytest.mark.parametrize("kind", ["dataclass", "slots", "struct", "array"])
def test_a_planted_coercing_peer_is_caught(kind):
    """A decoder that coerces does not validate, however it is entered."""
    pipeline = Pipeline("planted", "json", (kind,), lax)
    assert {"str for int", "int for bool"} <= set(accepted(pipeline, kind))
    assert not Row(pipeline, kind, accepted(pipeline, kind), 1.0, Laps()).validates


def test_what_cannot_be_tried_does_not_count_as_validating():
    """A peer that will not write wrong input is held to have accepted it."""

    def make(made):
        if made is not models.Small:
            raise TypeError("only the model itself")
        encoder, decode = msgspec.json.Encoder(), msgspec.json.Decoder(made).decode
        return lambda value: encoder.encode(msgspec.convert(msgspec.to_builtins(value), made)), decode

    assert accepted(Pipeline("shy", "json", ("dataclass",), make), "dataclass") == tuple(wrong[0] for wrong in WRONG)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda value: replace(value, mfa=1), "$.mfa"),
        (lambda value: replace(value, flags=tuple(value.flags)), "$.flags"),
        (lambda value: replace(value, last_seen=value.last_seen.replace(tzinfo=None)), "$.last_seen"),
        (lambda value: recast(value, "slots"), "$.class"),
    ],
)
def test_what_comes_back_changed_is_found(change, path):
    """A bool as int, a tuple for a list, a naive time and another class all differ from what was put in."""
    parted = returned(lambda _: b"", lambda _: change(replace(VALUE, mfa=True)), replace(VALUE, mfa=True))
    assert parted is not None
    assert parted.path == path


@given(
    st.builds(models.Small, user_id=st.integers(-(2**63), 2**63 - 1), last_seen=TIMES),
    st.sampled_from(["dataclass", "slots", "attrs", "struct", "array"]),
)
def test_any_value_returns_through_any_kind(value, kind):
    """Recasting loses nothing that msgspec, which takes every kind, then carries."""
    made = model(models.Small, kind)
    assert returned(msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(made).decode, recast(value, kind)) is None


def test_a_pipeline_that_fails_is_missing_and_not_a_crash():
    """A spec error and a changed value are told, the first line of each, and the rest is timed."""

    def absent(_):
        raise SpecError("no such spec\nand more")

    def lossy(_):
        return lambda _: b"", lambda _: None

    sound = next(pipeline for pipeline, _ in PEERS if pipeline.name == "msgspec")
    broken = [Pipeline("absent", "json", ("slots",), absent), Pipeline("lossy", "json", ("slots",), lossy)]
    contest = hold(SMALL, "json", [*broken, replace(sound, kinds=("struct",))], turns=2)
    assert contest is not None
    assert contest.missing[0] == Missing("absent", "slots", "SpecError: no such spec")
    assert contest.missing[1].why.startswith("comes back changed")
    assert [(row.pipeline.name, row.kind, len(row.laps.both)) for row in contest.rows] == [("msgspec", "struct", 2)]
    assert hold(SMALL, "json", broken, turns=2) is None


def test_a_race_divides_by_its_loops():
    """Laps are seconds a pass, whatever number of passes fits a slice."""
    laps = race({"quick": lambda loops: (loops * 1e-5, loops * 3e-5), "slow": lambda loops: (loops, loops)}, turns=3)
    assert laps["quick"].encode == pytest.approx([1e-5] * 3)
    assert laps["quick"].both == pytest.approx([4e-5] * 3)
    assert laps["slow"].decode == [1, 1, 1]


def test_a_trip_encodes_and_decodes_each_variant_in_each_pass():
    """Nothing of a pass is left out, and the frames that are read are those of the variants."""
    wrote, read = [], []

    def encode(value):
        wrote.append(value)
        return bytes([value])

    run = trip(encode, read.append, (1, 2))
    wrote.clear()
    run(2)
    assert (wrote, read) == ([1, 2, 1, 2], [b"\x01", b"\x02", b"\x01", b"\x02"])


def test_the_floor_still_measures():
    """`bench.floor` runs on the same race."""
    found = floor.measure("plain-0.2k", turns=1)
    assert set(found) == {*floor.SPECS, "noise"}
    assert all(one["ratio"] > 0 for one in found.values())


def row(name, kind, microseconds, *, codec="json", accepts=(), **ours):
    """A row whose encode takes a fifth of those microseconds, turn by turn."""
    encode = [each * 0.2e-6 for each in microseconds]
    laps = Laps(encode, [each * 1e-6 - part for each, part in zip(microseconds, encode, strict=True)])
    return Row(Pipeline(name, codec, (kind,), lax, **ours), kind, accepts, 100.0, laps)


def contest(*rows, payload="small", codec="json", noise=0.02):
    """A contest with those rows whose control strays by that much."""
    return Contest(payload, codec, rows, (), Estimate(1.0, 1 / (1 + noise), 1 + noise))


PEER = row("peer", "dataclass", [10, 20, 10])
SLOWER = row("slower", "dataclass", [30, 30, 30])


def test_the_ratio_is_taken_within_a_turn():
    """A turn in which the machine was slow for both leaves the ratio as it is."""
    (found,) = judge(contest(PEER, SLOWER, row("ours", "dataclass", [9, 18, 9], form="bare")))
    assert (found.peer, found.ratio.median, found.goal) == ("peer", pytest.approx(0.9), 1.0)
    assert (found.reached, found.close) == (True, False)


@pytest.mark.parametrize(
    ("factor", "reached", "close"),
    [(0.9, True, False), (0.99, True, True), (1.0, True, True), (1.01, False, True), (1.1, False, False)],
)
def test_near_the_goal_the_noise_is_told(factor, reached, close):
    """A ratio within the noise of its goal is close, on either side of it."""
    times = [factor * each for each in (10, 20, 10)]
    (found,) = judge(contest(PEER, row("ours", "dataclass", times, form="bare")))
    assert (found.reached, found.close) == (reached, close)


def test_only_validating_peers_on_the_same_kind_compete():
    """A quicker peer that coerces, one that claims nothing, one on other models, and we ourselves are no rivals."""
    found = contest(
        row("coerces", "dataclass", [1, 1, 1], accepts=("str for int",)),
        row("claims nothing", "dataclass", [1, 1, 1], claims=False),
        row("other", "struct", [1, 1, 1]),
        row("ours", "dataclass", [1, 1, 1], form="bare"),
        SLOWER,
        PEER,
    )
    assert found.rival("dataclass") is PEER
    assert found.rival("attrs") is None
    assert [verdict.peer for verdict in judge(found)] == ["peer"]


def test_compact_structs_are_held_against_the_peer_without_field_names():
    """On Structs the compact layout meets array_like Structs, and the map layout plain ones."""
    named, nameless = row("peer", "struct", [4, 4, 4]), row("peer", "array", [2, 2, 2])
    ours = [row(name, "struct", [3, 3, 3], form="bare", compact=name == "compact") for name in ("map", "compact")]
    found = judge(contest(named, nameless, *ours))
    assert [(one.ours, one.peer_kind) for one in found] == [("map", "struct"), ("compact", "array")]
    assert [one.ratio.median for one in found] == pytest.approx([0.75, 1.5])
    (alone,) = judge(contest(named, ours[1]))
    assert alone.ratio.median == pytest.approx(0.75)


def test_a_seal_is_held_to_microseconds():
    """For signed rows the goal at `small` is absolute; the ratio is told beside it."""
    rows = [
        row("peer", "slots", [12, 12, 12], codec="signed"),
        row("o", "slots", [3.2] * 3, codec="signed", form="sealed"),
    ]
    (found,) = judge(contest(*rows, codec="signed"))
    assert (found.goal, found.value, found.reached) == (3.0, pytest.approx(3.2), False)
    assert found.ratio.median == pytest.approx(3.2 / 12)


@pytest.mark.parametrize(
    ("payload", "codec", "form", "kind", "expected"),
    [
        ("small", "json", "bare", "dataclass", 1.0),
        ("large", "msgpack", "bare", "slots", 1.0),
        ("media", "cbor", "bare", "slots", 0.5),
        ("medium", "pickle", "bare", "dataclass", 0.8),
        ("small", "cbor", "framed", "dataclass", 1.15),
        ("media", "json", "framed", "slots", 1.05),
        ("large", "json", "bare", "struct", 1.05),
        ("small", "msgpack", "framed", "struct", 1.4),
        ("large", "msgpack", "framed", "struct", None),
        ("small", "signed", "sealed", "struct", 3.0),
        ("medium", "signed", "sealed", "dataclass", None),
    ],
)
def test_goals(payload, codec, form, kind, expected):
    """Each row of the design has its goal."""
    assert goal(payload, codec, form, kind) == expected


def test_the_command_keeps_what_it_found(tmp_path, capsys):
    """The report and the record are written, say the command that repeats them, and are never overwritten."""
    arguments = ["--payload", "small", "--codec", "pickle", "--turns", "2", "--output", str(tmp_path / "run")]
    main(arguments)
    text, record = (tmp_path / "run/report.md").read_text(), json.loads((tmp_path / "run/results.json").read_text())
    assert capsys.readouterr().out == text + "\n"
    assert record["command"] == " ".join(["python -m bench.peers", *arguments])
    assert f"`{record['command']}`" in text
    peers = [one for one in record["contests"][0]["rows"] if not one["ours"]]
    assert {one["name"] for one in peers if one["validates"]} == {"to_builtins + pickle, no names + convert"}
    assert all(one["round_trip"] > one["encode"] > 0 for one in peers)
    with pytest.raises(SystemExit):
        main(arguments)
    assert "not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--turns", "0"], ["--payload", "huge"], ["--codec", "xml"]])
def test_the_command_refuses_what_it_does_not_know(arguments, capsys):
    """A wrong argument ends with a usage error that names it."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_tables_are_aligned():
    """Every line of a table has the same width, text to the left and numbers to the right."""
    assert table(["name", "us"], [["a", "1.0"], ["longer", "10.0"]], text=1) == [
        "| name   |   us |",
        "| ------ | ---: |",
        "| a      |  1.0 |",
        "| longer | 10.0 |",
    ]
