"""Verdicts on made-up runs: who wins, what is a tie, and what is said about it."""

import pytest

from tests.measured import FINE, candidate, comparison
from transcoders import SpecError
from transcoders.difference import Difference
from transcoders.measure.roundtrip import Check
from transcoders.measure.verdict import verdict

FAILED = Check(ok=False, stable=False, found=Difference("$.a", "tuple (1,)", "list [1]"), variant=3)


def test_the_fastest_wins():
    """A clear difference decides, and is told as a ratio to the baseline."""
    found = verdict(comparison({"json": 10, "msgpack": 5}, sizes={"json": 100, "msgpack": 80}))
    assert found.winner == "msgpack"
    assert found.sentence == (
        "Use msgpack: it is the fastest of 2; a request takes 0.50 of the time of json (0.50 to 0.50), "
        "and 0.80 of its bytes."
    )
    assert found.runner_up == "Runner-up: json, 2.00 times its time, 1.25 times its bytes."
    assert [(row.rank, row.tie) for row in found.rows] == [(1, False), (2, False)]


def test_a_difference_below_three_percent_is_a_tie():
    """Even on a silent machine."""
    found = verdict(comparison({"json": 10, "msgpack": 9.8}, candidate("json", readable=True)))
    assert found.winner == "json"
    assert "no measurable difference in time between any of them, and people can read it" in found.sentence
    assert [(row.rank, row.tie) for row in found.rows] == [(1, True), (1, True)]
    assert found.runner_up == "Runner-up: msgpack, tied in time."


def test_a_difference_below_the_noise_floor_is_a_tie():
    """What the controls differ by cannot be told from noise."""
    assert verdict(comparison({"json": 10, "msgpack": 8})).rows[1].rank == 2
    noisy = verdict(comparison({"json": 10, "msgpack": 8}, noise=0.2))
    assert noisy.floor.overall > 0.25
    assert {row.rank for row in noisy.rows} == {1}


@pytest.mark.parametrize(("better", "words"), [
    ({"data_only": True}, "it holds data only"),
    ({"keyed": False}, "it needs no keys"),
    ({"cross_language": True}, "other languages read it"),
    ({"readable": True}, "people can read it"),
])  # fmt: skip
def test_ties_are_decided_by_what_holds_everywhere(better, words):
    """Among ties the preferences decide, and the one that did is named."""
    worse = {trait: not value for trait, value in better.items()}
    found = verdict(comparison({"a": 10, "z": 10}, candidate("a", **worse), candidate("z", **better)))
    assert found.winner == "z"
    assert words in found.sentence


def test_the_preferences_have_an_order():
    """Data only comes before no keys, that before other languages, that before people, that before bytes."""
    last = {"data_only": False, "keyed": False, "cross_language": True, "readable": True}
    specs = {"d": last, "c": last | {"data_only": True, "keyed": True},
             "b": last | {"data_only": True, "cross_language": False}, "a": last | {"data_only": True}}  # fmt: skip
    found = verdict(
        comparison(dict.fromkeys(specs, 10), *(candidate(spec, **traits) for spec, traits in specs.items()))
    )
    assert [row.spec for row in found.rows] == ["a", "b", "c", "d"]


def test_fewer_bytes_decide_last():
    """Transcoders alike in every trait are ordered by their bytes."""
    found = verdict(comparison({"a": 10, "z": 10}, sizes={"a": 100, "z": 90}))
    assert found.winner == "z"
    assert "it takes fewer bytes" in found.sentence


def test_of_equals_the_first_named_wins():
    """There is always one answer."""
    assert "it was named first" in verdict(comparison({"b": 10, "a": 10})).sentence


def test_a_tie_further_down_shares_its_rank():
    """Ranks count the transcoders before them, and a tie is marked where it is."""
    found = verdict(comparison({"json": 10, "cbor": 20, "pickle": 20.1, "msgpack": 5}))
    assert [(row.rank, row.tie, row.spec) for row in found.rows] == [
        (1, False, "msgpack"), (2, False, "json"), (3, True, "cbor"), (3, True, "pickle"),
    ]  # fmt: skip


def test_what_fails_a_payload_is_left_out_and_named():
    """A transcoder without a number for each payload cannot be compared with those that have them."""
    found = verdict(comparison({"json": 10, "msgpack": 1}, checks={("msgpack", "b"): FAILED}))
    assert found.winner == "json"
    assert found.excluded == {"msgpack": "does not carry b"}
    assert "the only one measured" in found.sentence
    assert found.runner_up == ""


def test_a_payload_that_the_baseline_fails_is_out_of_the_mix():
    """Ratios need a baseline."""
    found = verdict(comparison({"json": 10, "msgpack": 5}, checks={("json", "b"): FAILED}))
    assert found.mix == ("a",)
    assert found.excluded == {}


def test_a_baseline_that_carries_nothing_is_an_error():
    """There is nothing to compare with."""
    checks = dict.fromkeys((("json", "a"), ("json", "b")), FAILED)
    with pytest.raises(SpecError, match="carries none"):
        verdict(comparison({"json": 10}, checks=checks))


def test_advice_for_other_wishes():
    """Who must read the store, read it elsewhere, or accept it from anyone, is told what that costs."""
    found = verdict(comparison(
        {"json": 10, "msgpack": 8, "pickle": 5},
        candidate("json", readable=True), candidate("pickle", data_only=False, cross_language=False),
    ))  # fmt: skip
    assert found.advice == (
        "If bytes may come from anyone: msgpack (1.60 times its time, 1.00 times its bytes).",
        "If people must read the store: json (2.00 times its time, 1.00 times its bytes).",
        "If other languages read the sessions: msgpack (1.60 times its time, 1.00 times its bytes).",
    )


def test_advice_on_bytes_names_the_bandwidth_where_they_pay():
    """Both ways, 2 x 8 x 800 bits in 2 x 16 microseconds: 400 Mbit/s."""
    found = verdict(comparison({"json": 4, "json+zlib": 20}, sizes={"json": 1000, "json+zlib": 200}))
    (advice,) = found.advice
    assert advice == (
        "If bytes cost more than time: json+zlib (5.00 times its time, 0.20 times its bytes); over a link slower than "
        "about 400 Mbit/s it is also faster (median of 2 of 2 payloads)."
    )


def test_of_transcoders_about_as_small_the_faster_is_the_advice():
    """Nobody pays five times the time for one byte in a hundred."""
    sizes = {"json": 1000, "json+zlib": 200, "msgpack+zstd": 205}
    found = verdict(comparison({"json": 4, "json+zlib": 20, "msgpack+zstd": 8}, sizes=sizes))
    assert found.advice[0].startswith("If bytes cost more than time: msgpack+zstd (")


def test_advice_on_small_bytes_that_cost_nothing():
    """A tie in time has no bandwidth at which it begins to pay."""
    found = verdict(comparison({"a": 10, "z": 10}, candidate("z", keyed=True), sizes={"a": 1000, "z": 500}))
    assert found.advice == (
        "If bytes cost more than time: z (no measurable difference in time, 0.50 times its bytes).",
    )


def test_unstable_bytes_are_warned_of():
    """Whoever compares bytes to find changes is told where that fails."""
    checks = {("json", "a"): Check(ok=True, stable=False), ("json", "b"): FINE}
    found = verdict(comparison({"json": 10, "msgpack": 5}, checks=checks))
    assert found.advice == ("Equal sessions may give different bytes in json: do not compare bytes to find changes.",)


def test_the_rule_is_told():
    """The verdict says by which rule it was found."""
    assert verdict(comparison({"json": 1})).rule.startswith("Cost of a request: decode + encode")
