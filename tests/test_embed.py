"""What every embedding shares: one setting, former bytes that stay readable, a defined end for bytes that are not."""

import json
import logging
import pickle
import sys
from collections import Counter, OrderedDict, UserString, defaultdict, namedtuple
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from types import ModuleType
from typing import TypedDict

import msgpack
import pytest
from hypothesis import given

from tests import guide
from tests.golden import Tier
from tests.strategies import plain_values
from tests.values import same
from transcoders import EncodeError, Foreign, Limits, Malformed, SpecError, TooLarge, transcoder
from transcoders.embed import JSON, MSGPACK, NAMES, Embedded
from transcoders.subclasses import Plain

KEY = b"a key of more than sixteen bytes"
BROKEN = b"\xff no session"


class Cart(TypedDict):
    items: list[str]


# Settings.


@pytest.mark.parametrize("settings", ["msgpack+zlib", {"spec": "msgpack+zlib"}, transcoder("msgpack+zlib")])
def test_one_setting_is_enough(settings):
    """A config string, a mapping and a Transcoder say the same."""
    embedded = Embedded("shop", settings)
    assert str(embedded.transcoder.spec) == "msgpack+zlib"
    assert embedded.decode(embedded.encode({"price": Decimal("1.10")})) == {"price": Decimal("1.10")}
    assert repr(embedded) == "<shop over msgpack+zlib>"


def test_the_default_is_json():
    """No settings at all are a transcoder, too."""
    assert str(Embedded("shop", {}).transcoder.spec) == "json"


def test_keys_come_from_the_environment(monkeypatch):
    """A spec names the variable, and no secret stands in the settings."""
    monkeypatch.setenv("SHOP_KEYS", "the newest key of the shop,an older key of the shop")
    embedded = Embedded("shop", "json+hmac:env=SHOP_KEYS")
    older = transcoder("json+hmac", keys=[b"an older key of the shop"])
    assert embedded.decode(older.encode([1])) == [1]


def test_settings_reach_the_transcoder():
    """Keys, retired keys, other specs, limits and a type are those of `transcoder()`."""
    embedded = Embedded(
        "shop",
        {"spec": "json+hmac", "keys": [KEY], "retired": [KEY + b"!"], "accept": "json", "limits": {"items": 2}},
    )
    assert embedded.decode(transcoder("json").encode([1])) == [1]
    with pytest.raises(TooLarge):
        embedded.decode(transcoder("json").encode([1, 2, 3]))
    assert Embedded("shop", {"limits": Limits(items=2)}).transcoder.limits.items == 2


@pytest.mark.parametrize("schema", [Cart, f"{__name__}:Cart"])
def test_a_type_may_be_named(schema):
    """Settings files that cannot import the application name its type instead."""
    embedded = Embedded("shop", {"schema": schema})
    assert embedded.decode(embedded.encode({"items": ["a"]})) == {"items": ["a"]}
    with pytest.raises(EncodeError, match=r"\$\.items"):
        embedded.encode({"items": 5})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (None, "the settings of shop are a config string, a mapping or a Transcoder, not NoneType"),
        (["json"], "a mapping or a Transcoder, not list"),
        ("jsn", "did you mean 'json'"),
        ({"spek": "json"}, "the settings of shop have no 'spek'; did you mean 'spec'?"),
        ({5: "json"}, "have no 5; there is accept"),
        ({"on_undecodable": "ignore"}, "'on_undecodable' of shop takes 'new' or 'raise', not 'ignore'"),
        ({"plain": "yes"}, "'plain' of shop takes True or False, not 'yes'"),
        ({"legacy": 1}, "'legacy' of shop takes True or False, not 1"),
        ({"schema": "no.such.module:Cart"}, "schema 'no.such.module:Cart' is not there"),
        ({"schema": f"{__name__}:Basket"}, "is not there"),
        ({"limits": {"itms": 5}}, "limits takes the fields of Limits: "),
        ({"spec": transcoder("json"), "keys": [KEY]}, "shop was given a whole Transcoder: 'keys' belongs into it"),
        ({"spec": 5}, "a config string is a str"),
    ],
)
def test_bad_settings_are_told(settings, told):
    """A setting that is wrong is a SpecError at start-up, in the backend's name."""
    with pytest.raises(SpecError) as caught:
        Embedded("shop", settings, JSON)
    assert told in str(caught.value)


# Moving in.


@given(value=plain_values())
def test_former_json_is_read(value):
    """What was stored as JSON is read as it was, and written in the new spec."""
    former = json.dumps({"v": value}).encode()
    embedded = Embedded("shop", "msgpack", MSGPACK)
    read = embedded.decode(former)
    assert same(read, json.loads(former))
    assert embedded.encode(read)[:2] == b"\xc1T"


@given(value=plain_values())
def test_former_messagepack_is_read(value):
    """What was stored as MessagePack is read as it was."""
    assert same(Embedded("shop", "json", MSGPACK).decode(msgpack.dumps({"v": value})), {"v": value})


def test_former_bytes_can_be_refused():
    """Once the last former session has ended, the readers go."""
    with pytest.raises(Foreign):
        Embedded("shop", {"legacy": False}, JSON).decode(b"{}")
    assert Embedded("shop", {"legacy": False, "accept": ["raw-json"]}, JSON).decode(b"{}") == {}
    assert Embedded("shop", {"accept": "msgpack"}, JSON).decode(b"{}") == {}


def test_a_seal_asks_for_a_decision():
    """A seal protects nothing while bytes without one are read, so that has to be said; a signed backend vouches."""
    settings = {"spec": "json+hmac", "keys": [KEY]}
    with pytest.raises(SpecError, match=r"has a seal, which protects nothing .* set 'legacy' to True until"):
        Embedded("shop", settings, JSON)
    assert Embedded("shop", settings | {"legacy": True}, JSON).decode(b"{}") == {}
    with pytest.raises(Foreign):
        Embedded("shop", settings | {"legacy": False}, JSON).decode(b"{}")
    assert Embedded("shop", settings, JSON, signed=True).decode(b"{}") == {}
    assert Embedded("shop", settings).decode(Embedded("shop", settings).encode([1])) == [1]


def test_pickles_are_read_when_asked_for():
    """No embedding reads pickles by itself, and the one that was told to reads them as data."""
    data = pickle.dumps({"a": (1, {2})})
    for legacy in ((), JSON, MSGPACK):
        with pytest.raises(Foreign):
            Embedded("shop", "json", legacy).decode(data)
    reader = Embedded("shop", {"accept": ["raw-pickle"]}, JSON)
    assert reader.decode(data) == {"a": (1, {2})}
    with pytest.raises(Foreign, match="raw-pickle: the pickle names builtins:print"):
        reader.decode(pickle.dumps(print))


# Bytes that cannot be read.


def test_unreadable_bytes_are_told_and_are_no_session(caplog):
    """The log of the backend's name has the reason and nothing secret; the session is None, or the error is raised."""
    with caplog.at_level(logging.WARNING, "transcoders.embed.shop"):
        assert Embedded("shop", "json").session(BROKEN) is None
        assert Embedded("shop", "json").read(BROKEN) is None
    assert [record.name for record in caplog.records] == ["transcoders.embed.shop"] * 2
    assert caplog.messages[0].startswith("stored bytes cannot be read: Foreign: expected a frame")
    strict = Embedded("shop", {"on_undecodable": "raise"})
    for read in (strict.session, strict.read, strict.decode):
        with pytest.raises(Foreign):
            read(BROKEN)


@pytest.mark.parametrize("value", [None, [], "text", 5, {1}])
def test_a_session_is_a_dict(value, caplog):
    """What is none of ours, though it can be read, is no session."""
    embedded = Embedded("shop", "json")
    assert embedded.session(embedded.encode(value)) is None
    assert value is None or "a session, which is a dict, found" in caplog.text
    if value is not None:
        with pytest.raises(Malformed, match="which is a dict"):
            Embedded("shop", {"on_undecodable": "raise"}).session(embedded.encode(value))


# Cached values.


@pytest.mark.parametrize("value", [0, 5, -5, (1 << 63) - 1, -(1 << 63)])
def test_stores_can_count(value):
    """An int is its digits, with which a store counts."""
    embedded = Embedded("shop", "msgpack", MSGPACK)
    assert embedded.cell(value) == str(value).encode()
    assert embedded.value(embedded.cell(value)) == value


@given(value=plain_values())
def test_cached_values_come_back(value):
    """Whatever is cached comes back with its type, large integers, bools and texts of digits included."""
    embedded = Embedded("shop", "json")
    assert same(embedded.value(embedded.cell(value)), value)


def test_a_missing_value_is_none(caplog):
    """No bytes are None, as are those that cannot be read; numbers that a client made are numbers."""
    embedded = Embedded("shop", "json")
    assert embedded.value(None) is None
    assert embedded.value(7) == 7
    assert embedded.value(b" 7") is None
    assert "cannot be read" in caplog.text


# Subclasses.


class Shout(str):
    __slots__ = ()

    def __str__(self):
        return "never"


class Level(IntEnum):
    LOW = 1


class Colour(StrEnum):
    RED = "r"


class Mode(IntFlag):
    A = 1


class Loud(dict):
    def items(self):
        raise AssertionError


class Plainly(Enum):
    X = 1


Point = namedtuple("Point", "x y")  # noqa: PYI024 - what applications have


@dataclass
class Own:
    x: int


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Shout("a"), "a"), (Level.LOW, 1), (Colour.RED, "r"), (Mode.A, 1), (Loud(a=Shout("b")), {"a": "b"}),
        (OrderedDict(a=1), {"a": 1}), (defaultdict(list, a=[Level.LOW]), {"a": [1]}), (Counter("a"), {"a": 1}),
        (Point(1, Level.LOW), (1, 1)), ({Shout("k"): {Level.LOW}}, {"k": {1}}),
        ([frozenset((Colour.RED,))], [frozenset(("r",))]), (type("B", (bytes,), {})(b"x"), b"x"),
        (type("F", (float,), {})(1.5), 1.5), (type("A", (bytearray,), {})(b"x"), bytearray(b"x")),
        (type("L", (list,), {})([True]), [True]), (type("S", (set,), {})([1]), {1}),
    ],
    ids=repr,
)  # fmt: skip
def test_subclasses_are_stored_as_their_base_where_asked(value, base):
    """With `plain`, a subclass of a builtin is stored as the builtin, as serializers of JSON do; else it is refused."""
    embedded = Embedded("shop", {"plain": True})
    assert same(embedded.decode(embedded.encode({"v": value})), {"v": base})
    with pytest.raises(EncodeError):
        Embedded("shop", {}).encode({"v": value})


def test_what_is_registered_stays_itself():
    """An Enum that the application registered is stored as itself beside a subclass that is not."""
    embedded = Embedded("shop", {"plain": True})
    assert embedded.decode(embedded.encode([Tier.PAID, Level.LOW])) == [Tier.PAID, 1]


@pytest.mark.parametrize("value", [object(), Own(1), Plainly.X, UserString("a"), "\ud800", [object(), Level.LOW]])
def test_what_is_no_builtin_is_refused(value):
    """`plain` makes nothing of what is no subclass of a builtin."""
    with pytest.raises(EncodeError):
        Embedded("shop", {"plain": True}).encode({"v": value})


def test_a_cycle_is_refused():
    """A value in itself is an EncodeError under `plain` too."""
    value: dict[str, object] = {}
    value["self"] = value
    with pytest.raises(EncodeError, match="in a cycle"):
        Embedded("shop", {"plain": True}).encode(value)


@given(value=plain_values())
def test_plain_values_stay_as_they_are(value):
    """There is nothing to do where nothing is a subclass."""
    assert same(Plain(())(value), value)


# The guide.


def test_the_setting_of_the_guide(monkeypatch):
    """The mapping of the guide is taken: each setting that it shows is there, and does what it says."""
    monkeypatch.setenv("SESSION_KEYS", "a key of more than sixteen bytes")
    module = ModuleType("shop.sessions")
    module.Session = Cart
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.sessions", module)
    given = guide.run("The setting")["TRANSCODERS"]
    embedded = Embedded("shop", given, JSON)
    former = [b'{"items":["a"]}', transcoder("json", schema=Cart).encode({"items": ["a"]})]
    assert [embedded.session(data) for data in (*former, embedded.encode({"items": ["a"]}))] == [{"items": ["a"]}] * 3
    assert embedded.transcoder.limits.depth == 20
    assert given.keys() | {"keys", "retired"} == set(NAMES)


def test_every_block_of_the_guide_is_run():
    """The blocks are those that the tests of their libraries run; whoever adds one adds it there."""
    assert {heading: len(blocks) for heading, blocks in guide.sections().items()} == {
        "The setting": 1, "Django": 4, "Flask-Session": 1, "starsessions": 1, "aiohttp-session": 1, "cachelib": 1,
        "aiocache": 1, "dogpile.cache": 1, "kombu and Celery": 1,
    }  # fmt: skip
