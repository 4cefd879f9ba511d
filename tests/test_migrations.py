"""Versions and migrations: older bytes become the present type, newer ones are kept, mistakes are errors."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NotRequired, TypedDict

import pydantic
import pytest

from transcoders import SchemaMismatch, transcoder
from transcoders.schema import Name, migrate, schema

CODECS = ("json", "msgpack", "cbor", "pickle")
LAYOUTS = ("map", "compact")
every_codec = pytest.mark.parametrize("codec", CODECS)
every_spec = pytest.mark.parametrize("spec", [f"{codec}:layout={layout}" for codec in CODECS for layout in LAYOUTS])


class First(TypedDict):
    title: str
    price: float
    tags: list[str]


class Second(TypedDict):
    title: str
    cents: int
    tags: list[str]


@schema(version=3)
@dataclass
class Item:
    name: str
    cents: int
    tags: frozenset[str]


@migrate(Item, since=3, was=Second)
def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return {"name": fields["title"], "cents": fields["cents"], "tags": frozenset(fields["tags"])}


@migrate(Item, since=2, was=First)
def _in_cents(fields: dict[str, Any]) -> dict[str, Any]:
    fields["cents"] = round(fields.pop("price") * 100)
    return fields


V2 = schema(version=2)(dataclass(type("Item", (), {"__annotations__": dict(Second.__annotations__)})))


@every_spec
def test_migrations_run_in_order_however_they_were_registered(spec):
    """What version 1 wrote goes through both, what version 2 wrote through the last."""
    reader = transcoder(spec, schema=Item)
    first = transcoder(spec, schema=First).encode({"title": "tea", "price": 1.5, "tags": ["x"]})
    second = transcoder(spec, schema=V2).encode(V2("tea", 7, ["y"]))
    assert reader.decode(first) == Item("tea", 150, frozenset("x"))
    assert reader.decode(second) == Item("tea", 7, frozenset("y"))


def migrated(step: Callable[[dict[str, Any]], Any], *, was: Any = None) -> type:
    """A class of version 2 with that migration."""

    @schema(version=2)
    @dataclass
    class Cart:
        sku: str
        cents: int

    migrate(Cart, since=2, was=was)(step)
    return Cart


@dataclass
class Priced:
    sku: str
    price: float


def _raises(_fields: dict[str, Any]) -> dict[str, Any]:
    raise KeyError("a secret from the payload")


def _without_end(fields: dict[str, Any]) -> dict[str, Any]:
    return _without_end(fields)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (_raises, "the migration to version 2 failed: KeyError"),
        (_without_end, "the migration to version 2 failed: RecursionError"),
        (lambda fields: None, "the migration to version 2 gave None, not a dict of fields"),
        (lambda fields: list(fields.items()), "the migration to version 2 gave list of 2, not a dict of fields"),
        (lambda fields: {"sku": fields["sku"], "cents": "a secret"}, r"\$\.cents: expected int, found str"),
        (lambda fields: {"sku": fields["sku"]}, r"\$\.cents: expected int, found nothing"),
        (lambda fields: {"sku": object(), "cents": 1}, r"\$\.sku: expected str, found object"),
    ],
)
@every_codec
def test_a_migration_that_fails_is_a_mismatch(codec, step, says):
    """Whatever it raises or returns, the frame is refused; the message has what was expected, not the payload."""
    frame = transcoder(codec, schema=Priced).encode(Priced("a secret from the payload", 9.99))
    with pytest.raises(SchemaMismatch, match=says) as caught:
        transcoder(codec, schema=migrated(step)).decode(frame)
    assert "a secret from the payload" not in str(caught.value)
    assert caught.value.problems


@every_codec
def test_a_field_under_both_its_names_is_a_mismatch(codec):
    """A migration that gives a field under its name in Python and its name in the bytes is refused."""

    @schema(version=2)
    @dataclass
    class Cart:
        label: Annotated[str, Name("title")]

    @migrate(Cart, since=2)
    def both(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"title": "other"}

    frame = transcoder(codec, schema=TypedDict("Old", {"title": str})).encode({"title": "tea"})
    with pytest.raises(SchemaMismatch, match="gave a field of Cart twice"):
        transcoder(codec, schema=Cart).decode(frame)


@every_codec
def test_what_the_bytes_do_not_show_needs_the_class_that_was(codec):
    """Without `was` a field is read as the present class declares it, and the error says what would describe it."""

    @dataclass
    class Old:
        sku: str
        cents: timedelta

    frame = transcoder(codec, schema=Old).encode(Old("a", timedelta(seconds=2)))
    assert transcoder(codec, schema=migrated(lambda fields: fields)).decode(frame).cents == 2_000_000

    def seconds(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"cents": fields["cents"].seconds}

    assert transcoder(codec, schema=migrated(seconds, was=Old)).decode(frame).cents == 2
    frame = transcoder(codec, schema=TypedDict("Old", {"sku": str, "cents": str})).encode({"sku": "a", "cents": "5"})
    with pytest.raises(SchemaMismatch, match=r"\$\.cents: expected int.*which migrate\(…, was=…\) would describe"):
        transcoder(codec, schema=migrated(seconds)).decode(frame)


@every_codec
def test_a_migration_gets_values_and_may_give_dicts_for_records(codec):
    """Fields come as the types of `was`; what goes out may be instances, or dicts of fields, and is checked."""

    class OldLine(TypedDict):
        sku: str
        price: Decimal
        when: NotRequired[datetime]

    class Old(TypedDict):
        lines: list[OldLine]
        until: date

    @dataclass
    class Line:
        sku: str
        cents: int
        when: datetime | None = None

    @schema(version=2)
    @dataclass
    class Cart:
        lines: list[Line]
        until: date
        best: Line | str

    @migrate(Cart, since=2, was=Old)
    def to_cents(fields: dict[str, Any]) -> dict[str, Any]:
        assert all(type(line["price"]) is Decimal for line in fields["lines"])
        for line in fields["lines"]:
            line["cents"] = int(line.pop("price") * 100)
        return fields | {"best": Line("best", 1)}

    moment = datetime(2026, 11, 22, tzinfo=UTC)
    lines = [{"sku": "a", "price": Decimal("1.25"), "when": moment}, {"sku": "b", "price": Decimal(2)}]
    frame = transcoder(codec, schema=Old).encode({"lines": lines, "until": date(2026, 1, 31)})
    expected = Cart([Line("a", 125, moment), Line("b", 200)], date(2026, 1, 31), Line("best", 1))
    assert transcoder(codec, schema=Cart).decode(frame) == expected


@every_codec
def test_an_instance_that_a_migration_gives_is_checked_inside(codec):
    """An instance of the right class with a wrong field is refused with its path."""

    @dataclass
    class Line:
        cents: int

    @schema(version=2)
    @dataclass
    class Cart:
        lines: list[Line]

    @migrate(Cart, since=2)
    def wrong(_fields: dict[str, Any]) -> dict[str, Any]:
        return {"lines": [Line(1), Line("2")]}  # type: ignore[arg-type]

    frame = transcoder(codec, schema=TypedDict("Old", {})).encode({})
    with pytest.raises(SchemaMismatch, match=r"\$\.lines\[1\]\.cents: expected int, found str"):
        transcoder(codec, schema=Cart).decode(frame)


class Red(Enum):
    RED = "red"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@every_spec
def test_shapes_of_one_fingerprint_are_those_of_their_versions(spec):
    """Classes that look the same in the bytes are told apart by the version, so each migration gets its own types."""

    class One(TypedDict):
        colour: Red

    class Two(TypedDict):
        colour: Colour

    @schema(version=3)
    @dataclass
    class Paint:
        colour: Colour

    @migrate(Paint, since=2, was=One)
    def first(fields: dict[str, Any]) -> dict[str, Any]:
        assert fields["colour"] is Red.RED
        return {"colour": Colour.RED}

    @migrate(Paint, since=3, was=Two)
    def second(fields: dict[str, Any]) -> dict[str, Any]:
        assert type(fields["colour"]) is Colour
        return fields

    two = schema(version=2)(TypedDict("Two", {"colour": Colour}))
    reader = transcoder(spec, schema=Paint)
    assert reader.decode(transcoder(spec, schema=One).encode({"colour": Red.RED})) == Paint(Colour.RED)
    assert reader.decode(transcoder(spec, schema=two).encode({"colour": Colour.BLUE})) == Paint(Colour.BLUE)


@every_codec
def test_a_chain_with_was_in_the_middle(codec):
    """A version without `was` of its own is read as the next one that has it describes it, then as the present one."""

    class Two(TypedDict):
        at: date
        price: Decimal

    @schema(version=3)
    @dataclass
    class Cart:
        at: date
        cents: int
        until: datetime

    @migrate(Cart, since=3, was=Two)
    def last(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"cents": int(fields.pop("price") * 100)}

    @migrate(Cart, since=2)
    def first(fields: dict[str, Any]) -> dict[str, Any]:
        assert type(fields["at"]) is date
        return fields | {"price": fields["price"] + 1}

    moment = datetime(2026, 11, 22, tzinfo=UTC)

    class Old(TypedDict):
        at: date
        price: Decimal
        until: datetime

    frame = transcoder(codec, schema=Old).encode({"at": date(2026, 1, 31), "price": Decimal(1), "until": moment})
    assert transcoder(codec, schema=Cart).decode(frame) == Cart(date(2026, 1, 31), 200, moment)


class Loose(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    sku: str


class Plain(pydantic.BaseModel):
    sku: str


@schema(version=2)
class Tagged(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    sku: str
    cents: int = 0


@migrate(Tagged, since=2)
def _tagged(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"cents": round(fields.pop("price", 0.0) * 100)}


@every_codec
def test_models_keep_what_their_config_allows(codec):
    """A pydantic model migrates and keeps as others do; one whose config would drop fields refuses the frame."""
    new = transcoder(codec, schema=Tagged)
    assert new.decode(transcoder(codec, schema=Priced).encode(Priced("a", 1.5))) == Tagged(sku="a", cents=150)
    old = transcoder(codec, schema=Loose)
    assert new.decode(old.encode(old.decode(new.encode(Tagged(sku="a", cents=7))))) == Tagged(sku="a", cents=7)
    with pytest.raises(SchemaMismatch, match="Plain does not know all fields"):
        transcoder(codec, schema=Plain).decode(new.encode(Tagged(sku="a", cents=7)))
