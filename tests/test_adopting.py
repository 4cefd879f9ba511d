"""Sessions that were stored without a type, read as version 1 of one: every value as itself, or a typed error."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.golden import Price, Tier
from transcoders import EncodeError, Foreign, Refused, SchemaMismatch, register, transcoder
from transcoders.schema import migrate, schema

CODECS = ("json", "msgpack", "cbor", "pickle")
every_codec = pytest.mark.parametrize("codec", CODECS)
MOMENT = datetime(2026, 11, 22, 10, 11, tzinfo=UTC)
LONDON = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"), fold=1)


class Pair(NamedTuple):
    left: int
    right: str


class Address(TypedDict):
    city: str


@dataclass
class Cart:
    owner: str
    at: datetime
    tier: Tier
    price: Price
    home: Address
    id: UUID
    roles: set[str] = field(default_factory=set)
    place: tuple[float, float] = (0.0, 0.0)
    counts: dict[int, Decimal] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    raw: bytes = b""


SESSION = {
    "owner": "Ann", "at": MOMENT, "tier": Tier.PAID, "price": Price(Decimal(1), "EUR"),
    "home": {"city": "Lyon"}, "id": UUID(int=5), "roles": {"b", "a"}, "place": (1.0, 2), "counts": {3: Decimal("1.0")},
    "prices": (Price(Decimal("9.99"), "CZK"),), "raw": b"\x00abc",
}  # fmt: skip


@every_codec
def test_a_session_is_read_with_its_values(codec):
    """Datetimes, sets, tuples, keys that are not text and registered types come as they were stored."""
    reader = transcoder(codec, schema=Cart, accept=[codec])
    value = reader.decode(transcoder(codec).encode(SESSION))
    assert value == Cart(**SESSION)
    assert [type(part) for part in value.place] == [float, float]
    assert reader.decode(reader.encode(value)) == value


@every_codec
def test_what_the_type_does_not_know_is_kept_with_its_type(codec):
    """Unknown values of any kind are written in the codec's tags, and come back as they were."""
    more = {
        "seen": LONDON, "zone": MOMENT.astimezone(timezone(timedelta(hours=3))), "set": {1, "a", None},
        "pair": (1, ["x"]), "price": Price(Decimal(1), "EUR"), "tier": Tier.FREE, "big": 1 << 80, "nan": float("inf"),
        "keys": {(1, 2): "x", None: "y"}, "raw": b"\x00", 5: "number",
    }  # fmt: skip
    reader = transcoder(codec, schema=TypedDict("Owner", {"owner": str}), accept=[codec])
    value = reader.decode(transcoder(codec).encode({"owner": "Ann", **more}))
    assert value == {"owner": "Ann", **more}
    assert reader.decode(reader.encode(value)) == value


@every_codec
def test_a_type_learns_later_what_was_kept(codec):
    """A field that was kept from an untyped session is read by the version that declares it."""
    old = transcoder(codec, schema=TypedDict("Owner", {"owner": str}), accept=[codec])
    kept = old.encode(old.decode(transcoder(codec).encode(SESSION)))
    assert transcoder(codec, schema=Cart).decode(kept) == Cart(**SESSION)


@every_codec
def test_migrations_begin_at_version_1(codec):
    """A session without a type goes through every migration."""

    @schema(version=3)
    @dataclass
    class Later:
        name: str
        moment: datetime

    @migrate(Later, since=3)
    def named(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"name": fields.pop("owner")}

    @migrate(Later, since=2)
    def moved(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"moment": fields.pop("at")}

    reader = transcoder(codec, schema=Later, accept=[codec])
    value = reader.decode(transcoder(codec).encode({"owner": "Ann", "at": MOMENT}))
    assert value == Later("Ann", MOMENT)


@every_codec
def test_raw_bytes_are_read_as_version_1(codec):
    """Bytes without a frame, through a reader of `accept`, become the declared type too; texts are parsed."""

    @dataclass
    class Visit:
        owner: str
        at: datetime
        price: Decimal
        id: UUID

    session = {"owner": "Ann", "at": "2026-11-22T10:11:00Z", "price": "9.90", "id": str(UUID(int=5))}
    reader = transcoder(codec, schema=Visit, accept=["raw-json"])
    assert reader.decode(json.dumps(session).encode()) == Visit("Ann", MOMENT, Decimal("9.90"), UUID(int=5))


def test_raw_bytes_that_do_not_fit_are_a_mismatch():
    """What a reader read and the type refuses is a SchemaMismatch with its problems, not foreign bytes."""
    reader = transcoder("msgpack", schema=Price, accept=["raw-msgpack", "raw-json"])
    with pytest.raises(SchemaMismatch, match=r"\$\.amount: expected Decimal, found int") as caught:
        reader.decode(b'{"amount": 5, "currency": "EUR"}')
    assert caught.value.problems[0].path == "$.amount"
    with pytest.raises(Foreign, match=r"raw-msgpack: .*; raw-json: "):
        reader.decode(b"\xff no session")


@every_codec
def test_it_is_read_where_accept_names_it(codec):
    """A typed transcoder takes untyped frames only when told to, an untyped one no typed frames; each error says so."""
    untyped, typed = transcoder(codec), transcoder(codec, schema=Price)
    with pytest.raises(Refused, match=rf"without a declared type in form .*accept=\['{codec}'\]"):
        typed.decode(untyped.encode({"amount": 1, "currency": "EUR"}))
    with pytest.raises(Refused, match="of a declared type, in version 1: schema= is what reads it"):
        untyped.decode(typed.encode(Price(Decimal(1), "EUR")))


@every_codec
def test_an_instance_of_the_payload_is_one_already(codec):
    """An untyped session that is a registered instance of the payload type is taken, and checked."""
    reader = transcoder(codec, schema=Price, accept=[codec])
    price = Price(Decimal(1), "EUR")
    assert reader.decode(transcoder(codec).encode(price)) == price
    with pytest.raises(SchemaMismatch, match=r"\$\.amount: expected Decimal, found str"):
        reader.decode(transcoder(codec).encode(Price("1", "EUR")))  # type: ignore[arg-type]


@every_codec
def test_instances_inside_are_checked(codec):
    """A registered instance is the right class with any fields; the declared type says what they are."""
    reader = transcoder(codec, schema=Cart, accept=[codec])
    wrong = SESSION | {"prices": (Price(Decimal(1), "EUR"), Price(Decimal(1), 5))}  # type: ignore[arg-type]
    with pytest.raises(SchemaMismatch, match=r"\$\.prices\[1\]\.currency: expected str, found int"):
        reader.decode(transcoder(codec).encode(wrong))


@dataclass
class Scale:
    weight: float


@dataclass
class Shop:
    scales: list[Scale]


@every_codec
def test_instances_come_with_the_types_that_are_declared(codec):
    """An int where a registered instance has a float declared is a float afterwards, as anywhere else."""
    registered = "test_adopting.Scale"
    register("type", registered, Scale, replace=True)
    reader = transcoder(codec, schema=Shop, accept=[codec])
    value = reader.decode(transcoder(codec).encode({"scales": [Scale(2)]}))
    assert type(value.scales[0].weight) is float


@dataclass
class Book:
    title: str = ""


@dataclass
class Film:
    length: int = 0


@dataclass
class Shelf:
    item: Book | Film


@every_codec
def test_an_alternative_is_never_guessed(codec):
    """Nothing names the alternative in an untyped session: one that only one fits is read, else it is refused."""
    reader = transcoder(codec, schema=Shelf, accept=[codec])
    untyped = transcoder(codec)
    with pytest.raises(SchemaMismatch, match=r"\$\.item: expected Book or Film, found dict of 1, which fits several"):
        reader.decode(untyped.encode({"item": {"title": "Emma"}}))

    class Strict(TypedDict):
        item: Address | Pair

    reader = transcoder(codec, schema=Strict, accept=[codec])
    assert reader.decode(untyped.encode({"item": {"city": "Lyon"}})) == {"item": {"city": "Lyon"}}
    with pytest.raises(SchemaMismatch, match=r"\$\.item: expected Address or Pair, found str"):
        reader.decode(untyped.encode({"item": "Lyon"}))


class Due(TypedDict):
    due: datetime | date | str


@pytest.mark.parametrize("due", [MOMENT, LONDON, date(2026, 1, 31), "2026-01-31", ""])
@every_codec
def test_the_type_of_a_value_is_its_alternative(codec, due):
    """A date is a date and a text a text, whatever the text says, although typed bytes would have to name which."""
    reader = transcoder(codec, schema=Due, accept=[codec])
    value = reader.decode(transcoder(codec).encode({"due": due}))
    assert value == {"due": due}
    assert reader.decode(reader.encode(value)) == value


@pytest.mark.parametrize("value", [None, [], "x", 5, {"amount": None}])
@every_codec
def test_a_session_of_another_kind_is_a_mismatch(codec, value):
    """What is no dict, or lacks what the type needs, is refused with what was expected."""
    reader = transcoder(codec, schema=Price, accept=[codec])
    with pytest.raises(SchemaMismatch, match="expected"):
        reader.decode(transcoder(codec).encode(value))


@every_codec
def test_layout_compact_adopts_what_it_knows(codec):
    """A compact transcoder reads untyped sessions; what it does not know it could not write, and says so."""
    spec = f"{codec}:layout=compact"
    reader = transcoder(spec, schema=Price, accept=[codec])
    fields = {"amount": Decimal(1), "currency": "EUR"}
    assert reader.decode(transcoder(codec).encode(fields)) == Price(Decimal(1), "EUR")
    with pytest.raises(EncodeError, match="unknown fields 'more' have no place in layout compact"):
        reader.encode(reader.decode(transcoder(codec).encode(fields | {"more": 1})))
