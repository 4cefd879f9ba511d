"""Sessions of a declared type: each field an attribute of its own type, version and default, seen through a class."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import attrs
import msgspec
import pydantic
import pytest

from tests.golden_records import KEY, NOW, once
from transcoders import transcoder
from transcoders.errors import EncodeError, Malformed, Refused, SchemaMismatch, SessionError, SpecError
from transcoders.limits import Limits
from transcoders.schema import Length, Name, Range, Unknown, migrate, schema
from transcoders.sessions.record import ABSENT
from transcoders.sessions.session import Session
from transcoders.sessions.wire import Wire

CODECS = ["json", "msgpack", "cbor", "pickle"]
every_codec = pytest.mark.parametrize("codec", CODECS)


class Tier(Enum):
    FREE = "free"
    PAID = "paid"


@dataclass
class Line:
    sku: str
    price: float
    count: int = 1


@dataclass
class Shop:
    """A session with every way in which a field is stored."""

    user: str
    cart: list[Line] = field(default_factory=list)
    theme: str = "light"
    age: Annotated[int, Range(ge=0)] = 0
    mode: Literal["a", "b"] | None = None
    tier: Tier = Tier.FREE
    due: datetime | str | None = None
    share: float = 0.5
    mail: Annotated[str, Name("e-mail"), Length(0, 20)] = ""
    anything: Any = None
    tags: set[str] = field(default_factory=set)


VALUES: dict[str, Any] = {
    "user": "ann", "cart": [Line("a", 1.5), Line("b", 2.0, 3)], "theme": "dark", "age": 7, "mode": "b",
    "tier": Tier.PAID, "due": datetime(2026, 1, 2, tzinfo=UTC), "share": 1.0, "e-mail": "ann@example.org",
    "anything": [1, (2, {3})], "tags": {"x", "y"},
}  # fmt: skip


def wired(spec="json", cls=Shop, **options):
    """The wire of a spec and a type."""
    return Wire(transcoder(spec, **options), cls)


def fresh(cls=Shop, spec="json", **options):
    """A new session of the type."""
    wire = wired(spec, cls, **options)
    return Session(wire, record=wire.blank(KEY, NOW, 0, 0))


def reopened(session, wire=None):
    """What the next request reads, with another type perhaps."""
    wire = wire or session._wire
    data = session.record.build(session.changes(), NOW)
    return Session(wire, record=wire.read(data, KEY))


def filled(**options):
    """A stored session with all fields set."""
    session = fresh(**options)
    session.update(VALUES)
    return reopened(session)


# The view


@every_codec
def test_fields_are_attributes(codec):
    """Each field is read and set through the view and the mapping alike, and comes back of its type."""
    session = fresh(spec=codec)
    data = session.data
    data.user, data.cart, data.theme, data.age = "ann", [Line("a", 1.5), Line("b", 2.0, 3)], "dark", 7
    data.mode, data.tier, data.due, data.share = "b", Tier.PAID, VALUES["due"], 1.0
    data.mail, data.anything, data.tags = "ann@example.org", [1, (2, {3})], {"x", "y"}
    again = reopened(session)
    assert again.to_dict() == VALUES
    assert (again.data.mail, again["e-mail"]) == ("ann@example.org", "ann@example.org")
    assert again.data.cart is again["cart"]
    assert again.changes() == {}
    del again.data.theme
    assert ("theme" in again, again.data.theme) == (False, "light")
    with pytest.raises(AttributeError, match="not set"):
        del again.data.theme


@every_codec
def test_changes_in_place_of_typed_values_are_found(codec):
    """In instances, and in the containers around them."""
    session = filled(spec=codec)
    assert session.to_dict() == VALUES
    session.data.cart[0].price = 9.75
    session.data.tags.add("z")
    assert set(session.changes()) == {"cart", "tags"}
    again = reopened(session)
    assert (again.data.cart[0], again.data.tags) == (Line("a", 9.75), {"x", "y", "z"})


def test_scalars_of_scalar_fields_are_plain():
    """They stand in the index as themselves; other fields are segments that name their version and type."""
    index = filled(spec="msgpack").record.index
    plain = {name: value for name, value in index.items() if type(value) is not bytes}
    names = ("user", "theme", "age", "mode", "share", "e-mail")
    assert plain == {name: VALUES[name] for name in names}
    assert {value[:4] for name, value in index.items() if name not in plain} == {
        b"\x02\x04\x00\x01",
        b"\x02\x05\x00\x01",
    }


@every_codec
def test_defaults_stand_in_for_what_is_missing(codec):
    """They come from the type, each time anew; a mutable one is stored when it has changed, and not before."""
    session = fresh(spec=codec)
    data = session.data
    assert (data.theme, data.age, data.mode, data.tier, data.due) == ("light", 0, None, Tier.FREE, None)
    assert (data.cart, data.tags) == ([], set())
    assert (session.changes(), "theme" in session) == ({}, False)
    assert data.cart is data.cart
    data.cart.append(Line("a", 1.0))
    assert set(session.changes()) == {"cart"}
    assert reopened(session).data.cart == [Line("a", 1.0)]
    assert fresh(spec=codec).data.cart == []


def test_a_field_without_a_default_has_to_be_set():
    """Before that it is an AttributeError, as everywhere in Python."""
    data = fresh().data
    with pytest.raises(AttributeError, match="'user' is not set, and Shop has no default for it"):
        _ = data.user
    assert getattr(data, "user", "nobody") == "nobody"
    with pytest.raises(AttributeError):
        data.usr = "ann"


class Struct(msgspec.Struct, rename="camel", kw_only=True):
    user_name: str
    cart: list[Line] = []
    theme: str = "light"
    made: dict[str, int] = msgspec.field(default_factory=lambda: {"a": 1})


@attrs.define
class Attrs:
    user_name: str
    cart: list[Line] = attrs.Factory(list)
    theme: str = "light"
    made: dict[str, int] = attrs.field(factory=lambda: {"a": 1})
    own: list[str] = attrs.Factory(lambda self: [self.user_name], takes_self=True)


class Tuple(NamedTuple):
    user_name: str
    cart: list[Line] = []  # noqa: RUF012 - whether that is shared is what is tested
    theme: str = "light"
    made: dict[str, int] = {"a": 1}  # noqa: RUF012


@pytest.mark.parametrize(("cls", "name"), [(Struct, "userName"), (Attrs, "user_name"), (Tuple, "user_name")])
def test_every_family_of_classes_declares_sessions(cls, name):
    """Structs, attrs classes and NamedTuples are as good as dataclasses, with their renamings and defaults."""
    session = fresh(cls)
    data = session.data
    assert (data.cart, data.theme, data.made) == ([], "light", {"a": 1})
    data.user_name = "ann"
    data.cart.append(Line("a", 1.0))
    assert set(session.changes()) == {name, "cart"}
    again = reopened(session)
    assert (again.data.user_name, again.data.cart, again[name]) == ("ann", [Line("a", 1.0)], "ann")
    assert repr(again.data) == f"<{cls.__name__} of <Session of cart, {name}>>" or name in repr(again.data)
    if cls is Attrs:
        with pytest.raises(AttributeError, match="no default"):
            _ = again.data.own


class Dict(TypedDict, total=False):
    user: str
    cart: list[Line]


def test_a_typed_dict_is_seen_by_items_too():
    """Its view has attributes and items."""
    session = fresh(Dict)
    data = session.data
    assert "user" not in data
    data["user"] = "ann"
    data["cart"] = [Line("a", 1.0)]
    again = reopened(session).data
    assert (again["user"], again.cart, "user" in again) == ("ann", [Line("a", 1.0)], True)
    del again["user"]
    for ask in (lambda: again["user"], lambda: again["other"], lambda: again.__delitem__("user")):
        with pytest.raises((KeyError, AttributeError)):
            ask()


class Model(pydantic.BaseModel):
    a: int = 0


@schema(version=2)
@dataclass
class Migrated:
    a: int = 0


@migrate(Migrated, since=2)
def to_two(fields):
    """Nothing to do."""
    return fields


@dataclass
class Misnamed:
    a: Annotated[int, Name("x" * 300)] = 0


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (dict[str, int], "a session is declared by"), (list[Shop], "a session is declared by"), (int, "declared by"),
        (Model, "a session is declared by"), (Migrated, "Migrated has migrations"), (Misnamed, "name of an attribute"),
    ],
)  # fmt: skip
def test_types_that_no_session_has(cls, message):
    """It is refused at start-up, with what would do."""
    with pytest.raises(SpecError, match=message):
        wired(cls=cls)


def test_what_is_declared_nowhere():
    """`data` of a session without a type is a SessionError."""
    wire = Wire(transcoder("json"))
    with pytest.raises(SessionError, match="no declared type"):
        _ = Session(wire, record=wire.blank(KEY, NOW, 0, 0)).data


def test_pydantic_models_are_types_of_attributes():
    """They go in and out through their own validator."""

    @dataclass
    class Holder:
        model: Model = field(default_factory=Model)

    session = fresh(Holder)
    session.data.model.a = 5
    assert reopened(session).data.model == Model(a=5)
    session.data.model = 5
    with pytest.raises(EncodeError, match=r"^\$\.model: expected Model, found int"):
        session.changes()


# Checks


WRONG = [
    ("cart", [Line("a", 1.0), Line("b", "2")], "$.cart[1].price", "expected float, found str"),
    ("cart", [Line("a", 1.0), 5], "$.cart[1]", "expected Line, found int"),
    ("cart", {}, "$.cart", "expected list, found dict"),
    ("theme", 5, "$.theme", "expected str, found int"),
    ("theme", None, "$.theme", "expected str, found None"),
    ("age", -1, "$.age", "expected at least 0"),
    ("age", True, "$.age", "expected int, found bool"),
    ("mode", "c", "$.mode", "expected"),
    ("share", "1", "$.share", "expected float, found str"),
    ("e-mail", "x" * 21, "$['e-mail']", "expected"),
    ("tags", {1}, "$.tags[0]", "expected str, found int"),
    ("tier", "paid", "$.tier", "expected Tier, found str"),
    ("anything", object(), "$.anything", "object"),
]


@every_codec
@pytest.mark.parametrize(("name", "value", "path", "message"), WRONG, ids=[f"{one[0]}-{one[1]!r:.12}" for one in WRONG])
def test_a_wrong_value_is_told_with_its_path(codec, name, value, path, message):
    """Each field is checked when the session is saved, constraints included."""
    session = filled(spec=codec)
    session[name] = value
    with pytest.raises(EncodeError) as caught:
        session.changes()
    assert caught.value.path.startswith(path if name != "tags" else "$.tags")
    assert message in str(caught.value)
    assert str(caught.value).startswith(caught.value.path)


@every_codec
def test_a_whole_number_becomes_the_float_that_is_declared(codec):
    """As in every typed payload: it is stored as a float, and what others stored as a whole number is read as one."""
    session = filled(spec=codec)
    session.data.share = 2
    assert repr(session.changes()) == "{'share': 2.0}"
    assert repr(reopened(session).data.share) == "2.0"
    stored = once({"share": 3})(Wire(transcoder(codec)))
    again = Session(session._wire, record=session._wire.read(stored, KEY))
    assert repr(again.data.share) == "3.0"
    assert again.changes() == {}


def test_every_problem_is_told():
    """All that is wrong with an attribute at once, each with its whole path."""
    session = filled()
    session.data.cart[0].price = "1"
    session.data.cart[1].sku = None
    with pytest.raises(EncodeError) as caught:
        session.changes()
    assert [problem.path for problem in caught.value.problems] == ["$.cart[0].price", "$.cart[1].sku"]
    assert (
        str(caught.value) == "$.cart[0].price: expected float, found str of 1; $.cart[1].sku: expected str, found None"
    )


@every_codec
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("theme", 5, r"\$\.theme: expected str, found int"),
        ("age", -1, r"\$\.age: expected at least 0, found int"),
        ("age", "7", r"\$\.age: expected int, found str"),
        ("mode", "c", r"\$\.mode: expected "),
        ("cart", 5, r"\$\.cart: expected list, found int"),
        ("cart", [{"sku": "a", "price": "b"}], r"\$\.cart\[0\]\.price: expected float, found str"),
    ],
)
def test_stored_values_are_checked_too(codec, name, value, message):
    """What code without the type stored is a SchemaMismatch when it is asked for; the rest can be used."""
    untyped = Wire(transcoder(codec))
    data = once({"user": "ann", "share": 0.25, name: value})(untyped)
    session = Session(wired(codec), record=wired(codec).read(data, KEY))
    with pytest.raises(SchemaMismatch, match=f"^{message}") as caught:
        session[name]
    assert caught.value.problems[0].path.startswith(f"$.{name}")
    assert (session["user"], session.data.share) == ("ann", 0.25)
    session["user"] = "eve"
    again = reopened(session)
    assert (again["user"], again.record.stored(name)) == ("eve", session.record.stored(name))


# Beside the type


def test_what_the_type_does_not_name_is_kept():
    """Old code saves what new code wrote; it can be read through the mapping as long as it has no type of its own."""

    @dataclass
    class New(Shop):
        wish: list[Line] = field(default_factory=list)
        note: str = ""

    new = filled(cls=New)
    new.data.wish, new.data.note, new["free"] = [Line("w", 1.0)], "hi", [1]
    old = reopened(new, wired())
    old.data.theme = "blue"
    assert (old["note"], old["free"], "wish" in old) == ("hi", [1], True)
    with pytest.raises(Refused, match=r"^\$\.wish: the attribute is json of a declared type"):
        old["wish"]
    again = reopened(old, new._wire)
    assert (again.data.wish, again.data.note, again["free"], again.data.theme) == ([Line("w", 1.0)], "hi", [1], "blue")


@every_codec
def test_a_session_without_a_type_gets_one(codec):
    """What was stored before is read as its type; nothing is rewritten for it."""
    untyped = Wire(transcoder(codec))
    values = {"user": "ann", "age": 7, "tier": "paid", "mode": None, "tags": ["x", "y"], "share": 0.25,
              "cart": [{"sku": "a", "price": 1.5, "count": 2}]}  # fmt: skip
    session = Session(wired(codec), record=wired(codec).read(once(values)(untyped), KEY))
    assert session.data.cart == [Line("a", 1.5, 2)]
    assert (session.data.tier, session.data.tags, session.data.age, session["share"]) == (
        Tier.PAID,
        {"x", "y"},
        7,
        0.25,
    )
    assert session.changes() == {}
    session.data.cart.append(Line("b", 1.0))
    session.data.tags.add("z")
    assert set(session.changes()) == {"cart", "tags"}
    assert reopened(session).data.tags == {"x", "y", "z"}


@every_codec
def test_another_codec_of_a_declared_type(codec):
    """The codec may change under typed sessions as under others."""
    before = filled(spec="json" if codec != "json" else "cbor")
    wire = wired(codec, accept=[str(before._wire.spec)])
    after = Session(wire, record=wire.read(before.record.data, KEY))
    assert after.to_dict() == VALUES
    assert after.changes() == {}
    after.data.cart.pop()
    assert reopened(after).to_dict() == {**VALUES, "cart": VALUES["cart"][:1]}


# Versions


def versions():
    """Two versions of the type of one attribute, as two releases of an application have them."""

    @schema(version=1)
    @dataclass
    class Old:
        name: str
        euros: int
        keep: Annotated[dict[str, Any], Unknown] = field(default_factory=dict)

    @schema(version=2)
    @dataclass
    class New:
        name: str
        cents: int
        note: str = ""
        keep: Annotated[dict[str, Any], Unknown] = field(default_factory=dict)

    @migrate(New, since=2)
    def in_cents(fields):
        fields["cents"] = fields.pop("euros") * 100
        return fields

    @dataclass
    class Before:
        price: Old | None = None
        count: int = 0

    @dataclass
    class After:
        price: New = field(default_factory=lambda: New("", 0))
        count: int = 0
        more: str = ""

    return Old, New, Before, After


@every_codec
def test_each_attribute_has_its_version(codec):
    """An older one is migrated when it is read, not rewritten until it changes, and then of the new version."""
    old, new, before, after = versions()
    session = fresh(before, codec)
    session.data.price, session.data.count = old("x", 5), 3
    migrated = reopened(session, wired(codec, after))
    assert migrated.data.price == new("x", 500)
    assert migrated.changes() == {}
    migrated.data.count = 4
    again = reopened(migrated)
    assert again.record.stored("price") == session.changes()["price"]
    again.data.price.cents = 1
    assert set(again.changes()) == {"price"}
    assert reopened(again).record.stored("price")[2:4] == b"\x00\x02"
    assert reopened(again).data.price.cents == 1


# Compact, and a transcoder that is of the type itself


@every_codec
@pytest.mark.parametrize("layout", ["compact", "map"])
def test_the_options_of_declared_types(codec, layout):
    """The type may be given to the transcoder, which takes options for it; sessions are the same then."""
    wire = Wire(transcoder(f"{codec}:layout={layout}", schema=Shop))
    session = Session(wire, record=wire.blank(KEY, NOW, 0, 0))
    session.update(VALUES)
    session["free"] = [1]
    again = reopened(session)
    assert again.to_dict() == {**VALUES, "free": [1]}
    assert again.data.cart == VALUES["cart"]
    assert bool(again.record.stored("cart")[1] & 8) == (layout == "compact")


@every_codec
def test_whole_frames_of_the_type_become_records(codec):
    """A session that was stored as one frame of the type moves in, attribute by attribute."""
    whole = transcoder(codec, schema=Shop)
    frame = whole.encode(Shop("ann", [Line("a", 1.5)], age=7))
    wire = Wire(whole)
    session = Session(wire, record=wire.read(frame, KEY))
    assert (session.data.user, session.data.cart, session.data.age, session["theme"]) == (
        "ann",
        [Line("a", 1.5)],
        7,
        "light",
    )
    assert session.changes() == {}
    session.data.age = 8
    assert (reopened(session).data.age, reopened(session).data.cart) == (8, [Line("a", 1.5)])


def test_frames_of_a_typed_dict_become_records():
    """Its keys are attributes, also those that it does not declare."""
    whole = transcoder("json", schema=Dict)
    wire = Wire(whole)
    record = wire.read(whole.encode({"user": "ann", "other": 5}), KEY)
    assert {name: record.value(name) for name in record.names()} == {"user": "ann", "other": 5}
    record = wire.read(transcoder("json", schema=Dict).encode({}), KEY)
    assert list(record.names()) == []


# More types over one session


@dataclass
class Wishes:
    wish: list[Line] = field(default_factory=list)
    count: int = 0


@every_codec
@pytest.mark.parametrize("typed", [False, True])
def test_another_type_over_the_same_session(codec, typed):
    """Its fields have their types from then on, in the mapping as well, and its attributes are the session's."""
    wire = wired(codec) if typed else Wire(transcoder(codec))
    session = Session(wire, record=wire.blank(KEY, NOW, 0, 0))
    wishes = session.as_(Wishes)
    assert wishes.wish == []
    wishes.wish.append(Line("w", 1.0))
    wishes.count = 2
    again = reopened(session)
    assert (again["count"], again.as_(Wishes).wish, again["wish"]) == (2, [Line("w", 1.0)], [Line("w", 1.0)])
    assert again.changes() == {}
    again.as_(Wishes).count = "x"
    with pytest.raises(EncodeError, match=r"^\$\.count: expected int, found str"):
        again.changes()


def test_a_type_that_comes_late():
    """What was read without it is read again; what was changed before it came is made one of the type."""
    wire = Wire(transcoder("json"))
    data = once({"wish": [{"sku": "a", "price": 1.5, "count": 1}], "count": 1})(wire)
    session = Session(wire, record=wire.read(data, KEY))
    assert session["wish"] == [{"sku": "a", "price": 1.5, "count": 1}]
    assert session.as_(Wishes).wish == [Line("a", 1.5)] == session["wish"]
    session = Session(wire, record=wire.read(data, KEY))
    session["wish"].append({"sku": "b", "price": 2.5})
    session["count"] = 7
    wishes = session.as_(Wishes)
    assert (wishes.wish, wishes.count) == ([Line("a", 1.5), Line("b", 2.5)], 7)
    assert reopened(session).as_(Wishes).wish == wishes.wish
    session = Session(wire, record=wire.read(data, KEY))
    session["wish"].append(5)
    with pytest.raises(SchemaMismatch, match=r"^\$\.wish\[1\]: expected Line"):
        session.as_(Wishes)


def test_types_of_one_attribute_agree():
    """Two declarations of an attribute are one type, or a SpecError."""

    @dataclass
    class Other:
        cart: list[int]

    @dataclass
    class Same:
        cart: list[Line]

    session = filled()
    assert session.as_(Same).cart is session.data.cart
    with pytest.raises(SpecError, match="Other declares 'cart' as another type"):
        session.as_(Other)
    assert session.changes() == {}


def test_a_type_over_a_session_survives_its_save():
    """Settled on another request's record, attributes keep their types."""
    wire = Wire(transcoder("json"))
    session = Session(wire, record=wire.blank(KEY, NOW, 0, 0))
    session.as_(Wishes).wish.append(Line("w", 1.0))
    first = session.record
    session.settle(wire.read(first.build(session.changes(), NOW), KEY))
    assert session.record.value("wish") == [Line("w", 1.0)]
    theirs = session.record.read(session.record.build({"count": 5}, NOW), KEY)
    assert theirs.decode("wish", theirs.stored("wish")) == [Line("w", 1.0)]
    session.settle(wire.read(theirs.build({"wish": ABSENT}, NOW), KEY))
    assert (session.as_(Wishes).wish, session.as_(Wishes).count) == ([], 5)


def test_limits_hold_for_declared_types():
    """An attribute over the limit is an EncodeError, with its name."""
    session = fresh(limits=Limits(size=500))
    session.data.user, session.data.cart = "x" * 100, [Line("y" * 400, 1.0)] * 2
    with pytest.raises(EncodeError, match=r"^\$\.cart: takes \d+ bytes, the limit is 500"):
        session.changes()


def test_a_typed_segment_that_is_none():
    """Bytes that are none of the type's are told by their kind."""
    wire = wired()
    record = wire.blank(KEY, NOW, 0, 0)
    for segment in (b"\x04\x04\0\1abcd{", b"\x04\x14\x01\0\1abcd[]", b"\x04\x04\0\1abcd5"):
        bad = wire.read(record.build({"cart": segment}, NOW), KEY)
        with pytest.raises((SchemaMismatch, Malformed), match=r"\$\.cart"):
            bad.value("cart")
    with pytest.raises(Refused, match=r"^\$\.cart: the attribute is msgpack"):
        wire.read(record.build({"cart": b"\x02\x04\0\1abcd\x90"}, NOW), KEY).value("cart")
