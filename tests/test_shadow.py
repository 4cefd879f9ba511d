"""A candidate transcoder that is tried on live traffic: what it fails is noted, and nothing it does harms a request."""

import json
from collections import UserDict
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings

from tests.plugin import ReprCodec
from tests.strategies import session_values
from tests.values import EXAMPLES, register_types
from transcoders import EncodeError, Limits, SpecError, transcoder
from transcoders.sessions import SessionManager
from transcoders.sessions import shadow as module
from transcoders.sessions.shadow import Shadow
from transcoders.sessions.wire import Wire

CODECS = ("json", "msgpack", "cbor", "pickle")
FILTERED = ("json+zlib", "msgpack+zstd:level=5", "cbor+lz4", "pickle+hmac")
CART = {"user": 42, "cart": [{"sku": f"A-{n}", "qty": n, "price": 1.5 * n} for n in range(20)], "theme": "dark"}
KEY = b"k" * 32


@pytest.fixture(scope="module", autouse=True)
def _types():
    register_types()


class Broken(ReprCodec):
    """A codec whose bytes no one reads."""

    def loads(self, form, body):
        raise ZeroDivisionError("no way back")


class Sour(ReprCodec):
    """A codec that writes nothing."""

    def dumps(self, value):
        raise OSError("disk full")


def made(spec):
    """The transcoder, with a key where it has a seal."""
    return transcoder(spec, keys=[KEY] if "hmac" in spec else ())


@pytest.mark.parametrize(("primary", "candidate"), [*product(CODECS, CODECS), *zip(CODECS, FILTERED, strict=True)])
def test_every_pair_carries_the_session_value_set(primary, candidate):
    """Whatever a session holds, each of our codecs carries it beside each other."""
    shadow = Shadow(primary, made(candidate))
    for name, value in EXAMPLES:
        shadow.observe({name: value, "number": 1})
    report = shadow.report()
    assert report.failures == ()
    assert (report.saves, report.values, report.failed) == (len(EXAMPLES), 2 * len(EXAMPLES), 0)
    assert all(ratio > 0 for ratio in report.ratios.values())
    assert f"carried all {2 * len(EXAMPLES):,} values" in report.verdict


@given(session_values())
@settings(max_examples=60, deadline=None)
def test_any_value_is_carried_or_left_alone(value):
    """Values that the primary carries, every other codec carries; those that it does not are not held against them."""
    for candidate in CODECS[1:]:
        shadow = Shadow("json", candidate)
        shadow.observe({"value": value})
        assert shadow.report().failures == ()


def test_a_candidate_that_loses_something():
    """A value that comes back as another one is a failure, with its path and its types, never its content."""
    shadow = Shadow("json", "tests.plugin:ReprCodec")
    shadow.observe(CART)
    shadow.observe(CART)
    report = shadow.report()
    (one,) = report.failures
    assert (one.path, one.step, one.text, one.times) == ("$.cart", "compare", "list came back as str", 2)
    assert (report.saves, report.values, report.failed) == (2, 6, 2)
    assert report.ratios == dict.fromkeys(("bytes", "encode", "decode", "time"))
    assert report.verdict == (
        "tests.plugin:ReprCodec failed on 2 of 6 values, stay with json: $.cart: list came back as str (2 times)."
    )


@pytest.mark.parametrize(
    ("candidate", "path", "step", "text"),
    [
        ("tests.test_shadow:Broken", "$.cart", "decode", "ZeroDivisionError: no way back"),
        ("tests.test_shadow:Sour", "$.cart", "encode", "OSError: disk full"),
    ],
)
def test_a_candidate_that_raises(candidate, path, step, text):
    """Whatever it raises is a failure, and nothing is raised; what it carries beside that is no failure."""
    shadow = Shadow("msgpack", candidate)
    shadow.observe(CART)
    (one,) = shadow.report().failures
    assert (one.path, one.step, one.text) == (path, step, text)


def test_where_in_a_value_a_candidate_fails():
    """An EncodeError brings the path inside of the attribute."""
    shadow = Shadow("json", transcoder("json", limits=Limits(depth=3)))
    shadow.observe({"a b": [{"deep": [[0]]}]})
    (one,) = shadow.report().failures
    assert one.path == "$['a b'][0].deep[0]"
    assert one.text == "Beyond: nested deeper than 3 containers (or in a cycle)"


def test_a_session_that_is_too_large_for_a_candidate():
    """What exceeds a limit as a whole is one failure of the session."""
    shadow = Shadow("json", transcoder("json", limits=Limits(size=400)))
    shadow.observe(dict.fromkeys("abcde", "x" * 100))
    (one,) = shadow.report().failures
    assert (one.path, one.step) == ("$", "encode")
    assert "400" in one.text


def test_what_the_primary_does_not_carry_says_nothing():
    """Another thread may have changed a value since it was saved: the candidate is not blamed, and the rest counts."""
    shadow = Shadow("json", "msgpack")
    shadow.observe({"odd": object(), "cart": [1]})
    report = shadow.report()
    assert (report.values, report.failed, report.ratios["bytes"]) == (1, 0, None)
    assert "was not tried yet" in report.verdict
    with pytest.raises(EncodeError):
        Wire(shadow.primary).blank("", 0, 0, 0).encode("odd", object())


def test_only_a_share_of_the_saves_is_looked_at():
    """A save is looked at when its number is below the share: none at 0, all at 1."""
    numbers = iter([0.0, 0.24, 0.25, 0.9, 0.1])
    shadow = Shadow("json", "msgpack", share=0.25, chance=lambda: next(numbers))
    for _ in range(5):
        shadow.observe(CART)
    assert shadow.report().saves == 3
    none, every = Shadow("json", "msgpack", share=0), Shadow("json", "msgpack", share=1)
    for _ in range(50):
        none.observe(CART)
        every.observe(CART)
    assert (none.report().saves, every.report().saves) == (0, 50)


class Untouchable(UserDict):
    """Values that nobody can get at."""

    def __iter__(self):
        raise ZeroDivisionError


def test_nothing_is_raised_whatever_the_values_are():
    """A save that is not looked at costs no look at the values; what raises there is noted and harms nobody."""
    Shadow("json", "msgpack", share=0).observe(Untouchable())
    shadow = Shadow("json", "msgpack")
    shadow.observe(Untouchable())
    assert shadow.report().failures[0].text == "ZeroDivisionError: "


@pytest.mark.parametrize("share", [-0.1, 1.1, "1", None, float("nan"), True])
def test_shares_are_from_0_to_1(share):
    """Another share is a SpecError."""
    with pytest.raises(SpecError, match="share takes a number from 0 to 1"):
        Shadow("json", "msgpack", share=share)


@pytest.mark.parametrize(("primary", "candidate"), [("jsn", "json"), ("json", "jsn"), ("json", "json+hmac")])
def test_both_are_checked_at_once(primary, candidate):
    """A wrong config string stops the start, not a request."""
    with pytest.raises(SpecError):
        Shadow(primary, candidate)


def test_the_primary_is_a_transcoder():
    """Config strings become transcoders; transcoders with keys, types or limits are taken as they are."""
    sealed = made("json+hmac")
    assert Shadow(sealed, "msgpack").primary is sealed
    assert str(Shadow("msgpack+zlib", "json").primary.spec) == "msgpack+zlib"


def test_failures_are_told_apart_up_to_a_limit(monkeypatch):
    """Further kinds of failure are counted, and not kept, so that a candidate that fails on all takes no memory."""
    monkeypatch.setattr(module, "MOST", 3)
    shadow = Shadow("json", "tests.plugin:ReprCodec")
    for number in range(10):
        shadow.observe({f"a{number}": [1]})
    shadow.observe({"a1": [1]})
    report = shadow.report()
    assert report.failed == 11
    assert [(one.path, one.times) for one in report.failures] == [("$.a1", 2), ("$.a0", 1), ("$.a2", 1)]


def test_ratios_are_those_of_records():
    """Sizes are what would stand in the store: a compressor shows, and a scalar weighs the same in all of them."""
    shadow = Shadow("json", "json+zlib")
    shadow.observe({"text": ["the same again"] * 200})
    report = shadow.report()
    blank = Wire(transcoder("json")).blank("", 0, 0, 0)
    size = len(blank.build({"text": blank.encode("text", ["the same again"] * 200)}, 0))
    assert report.numbers["primary_bytes"]["total"] == size
    assert report.numbers["candidate_bytes"]["total"] < size / 4
    assert report.ratios["bytes"] == report.numbers["candidate_bytes"]["total"] / size
    assert report.numbers["candidate_encode_seconds"]["count"] == 1
    plain = Shadow("json", "cbor")
    plain.observe({"number": 1, "text": "short", "flag": True})
    assert plain.report().ratios["bytes"] == 1


def test_a_report_is_json():
    """The record holds the verdict and all that it follows from."""
    shadow = Shadow("json", "tests.plugin:ReprCodec")
    shadow.observe(CART)
    record = json.loads(json.dumps(shadow.report().record()))
    assert record["verdict"] == shadow.report().verdict
    assert record["failures"][0]["path"] == "$.cart"
    assert record["numbers"].keys() == {
        f"{side}_{name}" for side in ("primary", "candidate") for name in ("bytes", "encode_seconds", "decode_seconds")
    }


def test_reset():
    """A trial begins anew, for a candidate that was mended perhaps."""
    shadow = Shadow("json", "tests.plugin:ReprCodec")
    shadow.observe(CART)
    shadow.reset()
    assert shadow.report() == Shadow("json", "tests.plugin:ReprCodec").report()
    assert "was not tried yet" in shadow.report().verdict


@dataclass
class Line:
    sku: str
    qty: int


@dataclass
class Basket:
    lines: list[Line]
    coupon: str | None = None


def test_declared_types():
    """Attributes of a declared type are tried as such, by both sides."""
    declared = Wire(transcoder("json"), Basket).attributes
    shadow = Shadow("json", "msgpack")
    values = {"lines": [Line("a", 1)], "coupon": None, "other": [1]}
    shadow.observe(values, declared)
    shadow.observe(values, declared)
    report = shadow.report()
    assert (report.values, report.failed) == (6, 0)
    assert report.ratios["bytes"] < 1
    shadow.observe({"lines": [Line("a", "no number")]}, declared)
    assert shadow.report().values == 6


def test_a_manager_shows_its_saves_to_the_shadow():
    """Requests that save something are looked at after they have; the sessions are those of the primary."""
    shadow = Shadow("json", "msgpack+zlib")
    with SessionManager("memory:", shadow) as manager:
        with manager.session() as session:
            session["cart"] = [{"sku": "A-7", "qty": 2}] * 20
        with manager.session(session.sid) as again:
            assert again["cart"][0]["qty"] == 2
        with manager.session(session.sid) as third:
            third["cart"].append({"sku": "B-1"})
    report = shadow.report()
    assert (report.saves, report.failed) == (2, 0)
    assert report.ratios["bytes"] < 0.8


class Forgetful(ReprCodec):
    """A codec that gives back a set less its members, whatever it was given."""

    def loads(self, form, body):
        return set()


def test_members_that_do_not_come_back():
    """What a set has lost is said without its value."""
    shadow = Shadow("msgpack", "tests.test_shadow:Forgetful")
    shadow.observe({"tags": {"S3CRET"}})
    (one,) = shadow.report().failures
    assert (one.path, one.text) == ("$.tags", "a member did not come back")
    shadow.observe({"cart": [1]})
    assert shadow.report().failures[1].text == "list came back as set"


def test_a_session_that_the_primary_does_not_carry():
    """Nothing was tried then, and nothing is said about the candidate."""
    shadow = Shadow(transcoder("json", limits=Limits(size=300)), "tests.test_shadow:Broken")
    shadow.observe(dict.fromkeys("abcde", "x" * 100))
    report = shadow.report()
    assert (report.saves, report.values, report.failures) == (1, 0, ())
    assert "was not tried yet" in report.verdict
