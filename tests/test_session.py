"""The session in a request: a mapping like a dict, never mistaken for one, that knows what changed in it."""

import copy
import json
from collections import UserList
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

import cbor2
import msgpack
import msgspec
import numpy as np
import orjson
import pytest

from tests.golden_records import KEY, NOW, once
from tests.values import Colour, Point
from transcoders import transcoder
from transcoders.errors import DecodeError, EncodeError, Malformed, ReadOnly, SessionError
from transcoders.sessions.attribute import pickle_of
from transcoders.sessions.record import ABSENT
from transcoders.sessions.session import Session
from transcoders.sessions.wire import Wire

CODECS = ["json", "msgpack", "cbor", "pickle"]
every_codec = pytest.mark.parametrize("codec", CODECS)
STORED = {"theme": "dark", "cart": [{"sku": "a", "count": 2}], "seen": None, "roles": ["admin"]}


def wired(spec="json", **options):
    """The wire of a spec."""
    return Wire(transcoder(spec, **options))


def opened(values=STORED, wire=None, **options):
    """A session over a stored record with these values."""
    wire = wire or wired(**options)
    return Session(wire, record=wire.read(once(values)(wire), KEY))


def saved(session, now=NOW + 2):
    """The session, after what changed in it was stored."""
    wire, record = session._wire, session.record
    session.settle(wire.read(record.build(session.changes(), now, **session.header()), KEY))
    return session


def reopened(session):
    """What the next request reads."""
    return Session(session._wire, record=session._wire.read(session.record.data, KEY))


# A mapping


def test_it_behaves_like_a_dict():
    """Every way of reading a dict gives what it would, whether or not anything was read before."""
    assert dict(opened()) == STORED == opened().to_dict() == {**opened()}
    assert opened() == STORED
    assert list(opened()) == list(STORED) == list(opened().keys())
    assert (len(opened()), bool(opened()), bool(opened({}))) == (4, True, False)
    assert ("theme" in opened(), "other" in opened(), 5 in opened(), None in opened()) == (True, False, False, False)
    assert list(opened().items()) == list(STORED.items())
    assert list(opened().values()) == list(STORED.values())
    assert opened().get("theme") == "dark"
    assert (opened().get("seen", 1), opened().get("other"), opened().get("other", 1)) == (None, None, 1)
    assert copy.copy(opened()).to_dict() == STORED
    match opened():
        case {"theme": theme}:
            assert theme == "dark"
    assert "{theme}".format_map(opened()) == "dark"
    assert dict(**opened()) == STORED


def test_it_changes_like_a_dict():
    """Every way of changing a dict does what it would, before anything was read."""
    session = opened()
    assert (session.pop("theme"), session.pop("theme", 1), "theme" in session) == ("dark", 1, False)
    assert (session.setdefault("roles", 5), session.setdefault("new", 5)) == (["admin"], 5)
    session.update({"a": 1}, b=2)
    session["cart"] = [1]
    del session["seen"]
    assert session.to_dict() == {"cart": [1], "roles": ["admin"], "new": 5, "a": 1, "b": 2}
    assert session.popitem() == ("b", 2)
    with pytest.raises(KeyError):
        del session["seen"]
    with pytest.raises(KeyError):
        session["seen"]
    with pytest.raises(KeyError):
        session.pop("seen")
    assert reopened(saved(session)).to_dict() == {"cart": [1], "roles": ["admin"], "new": 5, "a": 1}
    session.clear()
    assert (dict(session), len(session), list(session)) == ({}, 0, [])
    with pytest.raises(KeyError, match="empty"):
        session.popitem()
    assert reopened(saved(session)).to_dict() == {}


@pytest.mark.parametrize(
    "dumps",
    [json.dumps, orjson.dumps, msgspec.json.encode, msgspec.msgpack.encode, msgpack.packb],
    ids=lambda dumps: f"{dumps.__module__}.{getattr(dumps, '__name__', dumps)}",
)
def test_it_is_never_taken_for_an_empty_dict(dumps):
    """C code that reads dicts past their methods refuses it, where a lazy dict would be written as an empty one."""
    with pytest.raises(TypeError):
        dumps(opened())


def test_what_takes_mappings_takes_it():
    """It is no dict, but it is a Mapping."""
    session = opened()
    assert isinstance(session, MutableMapping)
    assert isinstance(session, Mapping)
    assert not isinstance(session, dict)
    assert cbor2.loads(cbor2.dumps(dict(session))) == STORED
    with pytest.raises(TypeError):
        hash(session)


def test_an_attribute_is_one_object_for_the_whole_request():
    """What was read or set is the same object each time, however it is asked for."""
    session = opened()
    cart = session["cart"]
    assert session["cart"] is cart is session.get("cart") is session.to_dict()["cart"]
    session["mine"] = mine = []
    assert session["mine"] is mine
    assert session.live() == {"cart": cart, "mine": [], "theme": "dark", "seen": None, "roles": ["admin"]}


def test_a_new_session_is_empty():
    """A blank record is a new session with nothing in it, and stays one until it is stored."""
    wire = wired()
    session = Session(wire, record=wire.blank(KEY, NOW, 60, 0))
    assert (session.new, dict(session), session.changes()) == (True, {}, {})
    session["a"] = 1
    assert reopened(saved(session)).new is False


# Read when it is needed


def test_the_record_is_read_on_first_access():
    """The loader is called once, when the session is first asked for anything, and not for what it is told."""
    wire, calls = wired(), []
    record = wire.read(once(STORED)(wire), KEY)

    def load(session):
        calls.append(session)
        session.load(record)

    session = Session(wire, load)
    assert (session.loaded, session.accessed, repr(session)) == (False, False, "<Session, not read yet>")
    session["a"] = 1
    assert (session.loaded, session.accessed) == (False, True)
    assert session["a"] == 1
    assert (session["theme"], session["cart"], session.loaded) == ("dark", STORED["cart"], True)
    assert calls == [session]


def test_a_session_that_was_not_loaded_says_so():
    """Without a record and without a loader any access is a SessionError that tells what to do."""
    session = Session(wired())
    for ask in (lambda: session["a"], lambda: "a" in session, lambda: list(session), lambda: session.principal, len):
        with pytest.raises(SessionError, match=r"enter it or await manager\.load"):
            ask(session) if ask is len else ask()
    session.load(opened().record)
    assert session["theme"] == "dark"


@pytest.mark.parametrize(
    "ask", [lambda s: s.get("x"), lambda s: "x" in s, list, len, lambda s: s.to_dict(), lambda s: s.pop("x", 0)]
)
def test_asking_is_access(ask):
    """Every way of asking makes the response depend on the session."""
    session = opened()
    assert session.accessed is False
    ask(session)
    assert session.accessed is True


@pytest.mark.parametrize(
    "tell",
    [
        lambda s: s.__setitem__("a", 1),
        lambda s: setattr(s, "principal", "ann"),
        lambda s: s.set_timeout(idle=1),
        lambda s: s.set_timeout(absolute=1),
    ],
)
def test_telling_is_access(tell):
    """Every way of telling, too."""
    session = opened()
    tell(session)
    assert session.accessed is True


def test_decoded_bytes_are_counted():
    """What was decoded of the record is known, so that laziness can be measured."""
    session = opened()
    assert session.decoded == 0
    session["theme"], session["cart"], session["cart"]
    assert session.decoded == len(session.record.index["cart"])


# What changed


@every_codec
def test_nothing_changed(codec):
    """Reading everything, and setting what is there already, changes nothing."""
    values = {**STORED, "when": datetime(2026, 1, 2, tzinfo=UTC), "set": {1, "b"}, "deep": [{"a": [(1, [2])]}],
              "rows": [[n, f"row {n}"] for n in range(60)], "ids": {5: "x"}, "pair": (1, 2),
              "frozen": frozenset("ab")}  # fmt: skip
    session = opened(values, spec=codec)
    assert session.changes() == {}
    assert session.to_dict() == values
    assert session.changes() == {}
    session.update(copy.deepcopy(values))
    assert session.changes() == {}
    assert session.header() == {}


@every_codec
@pytest.mark.parametrize("size", [1, 100])
def test_changes_in_place_are_found(codec, size):
    """Without any flag, at any depth, in attributes that were read, short and long."""
    values = {"list": ["x"] * size, "dict": {"a": {"b": ["y"] * size}}, "set": {*range(size)}, "kept": ["z"] * size,
              "bytes": bytearray(b"q" * size), "point": Point(1, ["p"] * size), "tuple": (1, ["t"] * size)}  # fmt: skip
    session = opened(values, spec=codec)
    session["list"].append(1)
    session["dict"]["a"]["b"][0] = None
    session["set"].add("new")
    session["bytes"] += b"!"
    session["point"].y.append(2)
    session["tuple"][1].clear()
    _ = session["kept"]
    assert set(session.changes()) == {"list", "dict", "set", "bytes", "point", "tuple"}
    assert reopened(saved(session)).to_dict() == session.to_dict()
    assert session["tuple"] == (1, [])
    assert session.changes() == {}


@every_codec
def test_changes_that_were_undone_are_none(codec):
    """What is as it was is not stored again."""
    session = opened({"list": [1, 2, {"a": 3}], "rows": [[n] * 9 for n in range(40)]}, spec=codec)
    session["list"].append(4)
    session["list"].pop()
    session["rows"][0][0] = 5
    session["rows"][0][0] = 0
    session["list"] = [1, 2, {"a": 3}]
    assert session.changes() == {}


SAME_BUT_FOR_THE_TYPE = [(1, True), (1, 1.0), (0.0, -0.0), (0, False), (0.0, 0), ("1", 1), (None, False), ([1], [True]),
                         ([1], [1.0]), ([0.0], [-0.0]), ((1,), [1]), (b"a", "a"), ({1}, frozenset({1}))]  # fmt: skip


@every_codec
@pytest.mark.parametrize(("before", "after"), SAME_BUT_FOR_THE_TYPE, ids=repr)
def test_equal_values_of_other_types_are_changes(codec, before, after):
    """Python calls some of these equal; a reader can tell them apart."""
    session = opened({"a": before, "b": [before] * 60}, spec=codec)
    session["a"] = after
    session["b"][59] = after
    assert set(session.changes()) == {"a", "b"}
    again = reopened(saved(session))
    assert (repr(again["a"]), repr(again["b"][59])) == (repr(after), repr(after))


@every_codec
def test_nan_is_nan(codec):
    """It equals nothing, and still it is no change when it is set again."""
    session = opened({"a": float("nan"), "b": [float("nan")] * 50}, spec=codec)
    session["a"] = float("nan")
    assert session["b"][0] != session["b"][0]
    assert session.changes() == {}


def test_values_are_stored_as_they_are_at_the_end():
    """What changes after it was set, is stored as changed."""
    session = opened()
    session["cart"] = cart = [1]
    cart.append(2)
    assert reopened(saved(session))["cart"] == [1, 2]
    cart.append(3)
    assert set(session.changes()) == {"cart"}
    assert reopened(saved(session))["cart"] == [1, 2, 3]


def test_attributes_that_never_change_in_place_are_not_looked_at():
    """Scalars, datetimes, Decimals, Enum members, and tuples of such."""
    values = {"text": "x" * 500, "when": datetime(2026, 1, 2, tzinfo=UTC), "price": Decimal("1.10"), "big": 2**70,
              "colour": Colour.RED, "pair": (1, "a", None), "ids": frozenset({1, 2}), "raw": b"x" * 300}  # fmt: skip
    session = opened(values)
    assert session.to_dict() == values
    assert session._watched == {}


def test_a_session_of_another_codec_is_not_rewritten():
    """After a deploy that changes the codec, reading everything changes nothing; what changes is of the new one."""
    before = wired("json")
    values = {"list": [1, 2, {"a": (1, 2)}], "rows": [[n] * 9 for n in range(40)], "kept": [1.5, None]}
    for codec in ("msgpack", "cbor", "pickle"):
        wire = wired(codec, accept=["json"])
        session = Session(wire, record=wire.read(once(values)(before), KEY))
        assert session.to_dict() == values
        assert session.changes() == {}
        session["rows"] = copy.deepcopy(values["rows"])
        session["list"].append(3)
        assert set(session.changes()) - {"rows"} == {"list"}
        assert reopened(saved(session)).to_dict() == {**values, "list": [1, 2, {"a": (1, 2)}, 3]}


def test_bytes_of_others_are_not_rewritten():
    """A segment whose text is not as we would write it is read, and no change as long as nothing changes."""
    wire = wired("json", accept=["msgpack"])
    data = once({"a": [1, {"b": 2}]})(wired("msgpack"))
    session = Session(wire, record=wire.read(data, KEY))
    assert session["a"] == [1, {"b": 2}]
    assert session.changes() == {}
    session["a"][1]["b"] = 3
    assert session.changes() == {"a": b'\x04\x00[1,{"b":3}]'}


def test_deleting_what_is_not_stored_is_no_change():
    """Set and deleted in one request."""
    session = opened()
    session["new"] = 1
    del session["new"]
    assert session.changes() == {}
    del session["theme"]
    assert session.changes() == {"theme": ABSENT}
    session["theme"] = "dark"
    assert session.changes() == {}


@pytest.mark.parametrize("size", [3, 5000])
def test_an_attribute_that_cannot_be_read(size):
    """It raises when it is asked for, stays when it is not, and can be replaced and deleted."""
    wire = wired()
    good = {f"n{number}": [number] for number in range(10)}
    data = once({**good, "bad": ["x" * size, "bad"]})(wire).replace(b',"bad"]', b',"bad"}')

    def session():
        return Session(wire, record=wire.read(data, KEY))

    one = session()
    with pytest.raises(Malformed, match=r"^\$\.bad: "):
        one["bad"]
    with pytest.raises(DecodeError):
        one.get("bad")
    with pytest.raises(DecodeError):
        one.to_dict()
    assert {name: one[name] for name in good} == good
    one["n0"].append(1)
    assert (list(one.changes()), "bad" in one, len(one)) == (["n0"], True, 11)
    assert saved(one).record.stored("bad") == session().record.stored("bad")
    for change in (lambda s: s.__setitem__("bad", [1]), lambda s: s.__delitem__("bad"), lambda s: s.clear()):
        one = session()
        change(one)
        assert reopened(saved(one)).to_dict() == one.to_dict()


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "$.cart"), ([1, {"when": [object()]}], "$.cart[1].when[0]"), ("\ud800", "$.cart"),
        ({"price": UserList()}, "$.cart.price"), (10**5000, "$.cart"),
    ],
    ids=["object", "deep object", "half a character", "subclass", "long number"],
)  # fmt: skip
def test_what_cannot_be_stored_is_told_with_its_path(value, path):
    """The path starts with the attribute; the session can be saved once it is mended."""
    for codec in CODECS:
        session = opened(spec=codec)
        session["cart"] = value
        with pytest.raises(EncodeError) as caught:
            session.changes()
        assert caught.value.path == path
        assert str(caught.value).startswith(f"{path}: ")
        session["cart"] = [1]
        assert reopened(saved(session))["cart"] == [1]


def test_what_cannot_be_stored_in_place_is_told_too():
    """In a value that was read, and under a name that is no identifier."""
    session = opened({"my cart": [1]})
    session["my cart"].append(object())
    with pytest.raises(EncodeError, match=r"^\$\['my cart'\]\[1\]: ") as caught:
        session.changes()
    assert caught.value.path == "$['my cart'][1]"


@pytest.mark.parametrize("name", [5, None, "", "x" * 300, "\ud800"])
def test_names_are_text(name):
    """Setting under another name is an EncodeError at once; asking for one is a KeyError."""
    session = opened()
    with pytest.raises(EncodeError):
        session[name] = 1
    with pytest.raises(KeyError):
        session[name]
    assert session.changes() == {}


# After it was stored


def test_it_goes_on_after_it_was_stored():
    """Values stay the same objects, and what changes afterwards is found."""
    session = opened()
    cart, session["new"], session["gone"] = session["cart"], [1], 2
    del session["seen"]
    cart.append("first")
    saved(session)
    assert session["cart"] is cart
    assert session.changes() == {}
    session["new"].append(2)
    cart.append("second")
    del session["gone"]
    assert list(session.changes()) == ["gone", "new", "cart"] or set(session.changes()) == {"gone", "new", "cart"}
    assert reopened(saved(session)).to_dict() == {
        "theme": "dark", "cart": [{"sku": "a", "count": 2}, "first", "second"], "roles": ["admin"], "new": [1, 2],
    }  # fmt: skip


def test_it_goes_on_from_what_others_stored():
    """When another request's record was built upon, its values are read; mine stay where they are what is stored."""
    session = opened()
    cart, roles = session["cart"], session["roles"]
    assert session["theme"] == "dark"
    cart.append("mine")
    changes = session.changes()
    other = opened(wire=session._wire)
    other.load(session.record)
    other["roles"].append("theirs")
    other["theme"] = "light"
    theirs = saved(other).record
    session.settle(session._wire.read(theirs.build(changes, NOW + 3), KEY))
    assert session["cart"] is cart
    assert session["roles"] is not roles
    assert session.to_dict() == {
        **STORED,
        "theme": "light",
        "cart": [*STORED["cart"], "mine"],
        "roles": ["admin", "theirs"],
    }
    assert session.changes() == {}


def test_it_goes_on_from_what_a_merge_stored():
    """Where another value than mine was stored, that is the one."""
    session = opened()
    session["theme"] = "mine"
    session["cart"].append(1)
    session.changes()
    wire = session._wire
    theirs = wire.read(session.record.build({"theme": "theirs"}, NOW), KEY)
    session.settle(wire.read(theirs.build({"cart": wire.untyped.encode(["merged"])}, NOW), KEY))
    assert (session["theme"], session["cart"], session.changes()) == ("theirs", ["merged"], {})


def test_a_refused_write_loses_nothing():
    """When the store did not take the bytes, the same changes are there for another try."""
    session = opened()
    session["cart"].append(1)
    first = session.changes()
    session.record.build(first, NOW)
    assert session.changes() == first
    session["cart"].append(2)
    assert session.changes() != first


# Beside the attributes


def test_a_principal_is_part_of_the_header():
    """It is told once, and stored with the session; nothing else changes for it."""
    session = opened()
    assert session.principal is None
    session.principal = "user:42"
    assert (session.principal, session.header(), session.changes()) == ("user:42", {"principal": "user:42"}, {})
    again = reopened(saved(session))
    assert (again.principal, again.header(), session.header()) == ("user:42", {}, {})
    again.principal = "user:42"
    assert again.header() == {}
    again.principal = None
    assert reopened(saved(again)).principal is None


@pytest.mark.parametrize("principal", ["", 5, b"x"])
def test_a_principal_is_text(principal):
    """Anything else is refused at once."""
    session = opened()
    with pytest.raises(EncodeError, match="principal"):
        session.principal = principal


def test_times_of_one_session():
    """A session can end after other times than the rest."""
    session = opened()
    assert (session.idle, session.absolute) == (1800, 0)
    session.set_timeout(idle=0)
    session.set_timeout(absolute=86_400)
    assert (session.idle, session.absolute, session.header()) == (0, 86_400, {"idle": 0, "absolute": 86_400})
    again = reopened(saved(session))
    assert (again.idle, again.absolute, again.header()) == (0, 86_400, {})
    for wrong in (-1, 2**32, 1.5, True, "5"):
        with pytest.raises(EncodeError, match="a timeout is a whole number"):
            session.set_timeout(idle=wrong)


def test_a_read_only_session_takes_no_changes():
    """Each way of changing it is a ReadOnly; reading works."""
    session = opened()
    session.read_only = True
    for change in (
        lambda: session.__setitem__("a", 1),
        lambda: session.__delitem__("theme"),
        lambda: session.pop("theme"),
        lambda: session.setdefault("a", 1),
        session.clear,
        session.popitem,
        lambda: session.update(a=1),
        lambda: setattr(session, "principal", "ann"),
        lambda: session.set_timeout(idle=5),
    ):
        with pytest.raises(ReadOnly):
            change()
    assert (session["theme"], session.setdefault("theme", 1), session.changes()) == ("dark", "dark", {})


def test_nothing_that_it_holds_is_printed():
    """Its repr has names, never values, and not its id."""
    session = opened()
    session.sid = session.key = "secret"
    assert repr(session) == "<Session of theme, cart, seen, roles>"
    assert repr(opened({})) == "<Session of nothing>"


def test_it_has_slots():
    """A mistyped attribute is an error, not a value that is lost."""
    with pytest.raises(AttributeError):
        opened().principle = "user:42"


# Fingerprints


class Sly:
    """A class whose pickle does not hold all that it is."""

    def __init__(self):
        self.hidden = 0

    def __reduce__(self):
        return (Sly, ())


class Odd(Enum):
    ONE = 1


def test_a_fingerprint_differs_when_the_value_does():
    """Equal pickles mean equal values; what may hide something has none."""
    value = [{"a": (1, {2}, datetime(2026, 1, 2, tzinfo=UTC), Decimal(1), Odd.ONE, Point(1, 2), b"x", bytearray(b"y"))}]
    assert pickle_of(value) == pickle_of(value)
    for change in (lambda v: v[0].update(a=1), lambda v: v.append(1), lambda v: setattr(v[0]["a"][5], "x", 2)):
        other = copy.deepcopy(value)
        change(other)
        assert pickle_of(other) != pickle_of(value)
    assert pickle_of([Sly()]) is pickle_of([np.zeros(3)]) is pickle_of([lambda: 1]) is None
