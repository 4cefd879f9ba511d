"""Versions: what newer and older code makes of each other's frames, and mistakes that stop at start-up."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Generic, NewType, TypedDict, TypeVar

import pytest

from tests.test_migrations import First, Item, migrated
from transcoders import SchemaMismatch, SpecError, transcoder
from transcoders.schema import Name, migrate, schema

CODECS = ("json", "msgpack", "cbor", "pickle")
every_codec = pytest.mark.parametrize("codec", CODECS)
every_spec = pytest.mark.parametrize("spec", [f"{c}:layout={layout}" for c in CODECS for layout in ("map", "compact")])


@dataclass
class One:
    sku: str
    price: float = 0.0


@schema(version=2)
@dataclass
class Two:
    sku: str
    cents: int = 0


@schema(version=3)
@dataclass
class Three:
    sku: str
    cost: Decimal = Decimal(0)


@migrate(Two, since=2)
@migrate(Three, since=2)
def _cents(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"cents": round(fields.pop("price", 0.0) * 100)}


@migrate(Three, since=3)
def _cost(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"cost": Decimal(fields.pop("cents")) / 100}


@pytest.mark.parametrize("hops", [(One,), (Two,), (Two, One), (One, Two), (One, One), (Two, One, Two)])
@every_codec
def test_migrations_do_not_run_again_on_what_older_code_saved(codec, hops):
    """However many older versions save it in turn, the newest gets back what it wrote, not what they made of it."""
    newest = transcoder(codec, schema=Three)
    frame = newest.encode(Three("a", Decimal("9.99")))
    for cls in hops:
        older = transcoder(codec, schema=cls)
        frame = older.encode(older.decode(frame))
    assert newest.decode(frame) == Three("a", Decimal("9.99"))


@every_codec
def test_a_version_between_reads_what_both_ends_wrote(codec):
    """Version 2 gets version 1's fields migrated, though version 1 had them from it; version 3's it keeps."""
    one, two, three = (transcoder(codec, schema=cls) for cls in (One, Two, Three))
    value = one.decode(two.encode(Two("a", 999)))
    value.sku = "b"
    assert two.decode(one.encode(value)) == Two("b", 999)
    assert three.decode(one.encode(value)) == Three("b", Decimal("9.99"))
    value = two.decode(one.encode(one.decode(three.encode(Three("c", Decimal(5))))))
    assert value == Two("c", 0)
    assert three.decode(two.encode(value)) == Three("c", Decimal(5))


@every_codec
def test_a_new_instance_of_older_code_is_migrated(codec):
    """What older code makes afresh has been through no newer version, so its fields are migrated as ever."""
    assert transcoder(codec, schema=Two).decode(transcoder(codec, schema=One).encode(One("a", 1.5))) == Two("a", 150)


@pytest.mark.parametrize("version", [0, -1, 1 << 16, "2", None, True])
@every_codec
def test_a_version_that_is_none_is_refused(codec, version):
    """What an untyped session has under the name that is ours is a version, or an error with its path."""
    reader = transcoder(codec, schema=Two, accept=[codec])
    frame = transcoder(codec).encode({"sku": "a", "__schema_version__": version})
    with pytest.raises(SchemaMismatch, match=r"\$\.__schema_version__: expected a version"):
        reader.decode(frame)


@every_spec
def test_a_number_is_not_widened_by_code_that_is_older(spec):
    """An int where old code has a float has been given another meaning by the newer version: it is refused."""
    new = schema(version=2)(dataclass(type("New", (), {"__annotations__": {"price": int}})))
    old = dataclass(type("Old", (), {"__annotations__": {"price": float}}))
    frame = transcoder(spec, schema=new).encode(new(999))
    with pytest.raises(SchemaMismatch, match="expected"):
        transcoder(spec, schema=old).decode(frame)


def test_a_subclass_has_its_own_versions():
    """Neither version nor migrations are inherited: the fields of a subclass are others."""

    @dataclass
    class More(Item):
        extra: int = 0

    frame = transcoder("json", schema=More).encode(More("tea", 1, frozenset(), 2))
    assert transcoder("json", schema=More).decode(frame) == More("tea", 1, frozenset(), 2)
    old = transcoder("json", schema=First).encode({"title": "tea", "price": 1.5, "tags": []})
    with pytest.raises(SchemaMismatch, match="expected str, found nothing"):
        transcoder("json", schema=More).decode(old)


T = TypeVar("T")


@schema(version=2)
@dataclass
class Page(Generic[T]):
    items: list[T]
    total: int = 0


@migrate(Page, since=2)
def _counted(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"total": len(fields["items"])}


@every_codec
def test_a_generic_class_has_one_version_for_all_its_arguments(codec):
    """The migrations of a generic class run for each of its types, on values of that type."""

    class Old(TypedDict):
        items: list[date]

    frame = transcoder(codec, schema=Old).encode({"items": [date(2026, 1, 31)]})
    assert transcoder(codec, schema=Page[date]).decode(frame) == Page([date(2026, 1, 31)], 1)


@pytest.mark.parametrize("wrapped", [Annotated[Item, "note"], NewType("Named", Item)])
def test_versions_are_those_of_the_class_inside(wrapped):
    """A payload type that only wraps a class has its version and its migrations."""
    frame = transcoder("json", schema=First).encode({"title": "tea", "price": 1.5, "tags": []})
    assert transcoder("json", schema=wrapped).decode(frame) == Item("tea", 150, frozenset())


@pytest.mark.parametrize("payload", [list[Item], dict[str, Item], Item | None, Page[Item]])
def test_migrations_below_the_payload_are_an_error(payload):
    """Only the payload has a version in the frame, so migrations of what it contains would never run."""
    with pytest.raises(SpecError, match="Item has migrations, and only those of the payload itself run"):
        transcoder("json", schema=payload)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: schema(version=0), "a schema version is a whole number from 1 to 65535, not 0"),
        (lambda: schema(version=True), "not True"),
        (lambda: schema(version=1 << 16), "not 65536"),
        (lambda: schema()(int), "a payload is a dataclass"),
        (lambda: migrate(int, since=2), "a payload is a dataclass"),
        (lambda: migrate(Page[int], since=2), "a payload is a dataclass"),
        (lambda: migrate(One, since=1), "a migration leads to a version from 2 to 65535, not 1"),
        (lambda: migrate(Item, since=2), "Item has a migration to version 2 already"),
        (lambda: transcoder("json", schema=migrated(dict, was=list[int])), "takes a class with fields"),
        (lambda: transcoder("json", schema=migrated(dict, was={"price": float})), "is not a type"),
        (lambda: transcoder("json", schema=TypedDict("Own", {"__schema_version__": int})), "is taken"),
    ],
)
def test_mistakes_stop_at_start_up(make, says):
    """A version, a migration or a `was` that cannot work is a SpecError."""
    with pytest.raises(SpecError, match=says):
        make()


def test_a_migration_beyond_the_version_is_an_error():
    """A migration to a version that the class has not reached would never run."""
    cls = dataclass(type("Late", (), {"__annotations__": {"a": int}}))
    migrate(cls, since=2)(dict)
    with pytest.raises(SpecError, match=r"Late is version 1, and has a migration to 2: @schema\(version=…\)"):
        transcoder("json", schema=cls)


@every_codec
def test_the_other_layout_is_read_by_itself(codec):
    """A reader of either layout reads both; nothing has to be accepted."""
    compact, mapped = transcoder(f"{codec}:layout=compact", schema=Item), transcoder(codec, schema=Item)
    item = Item("tea", 5, frozenset(("a", "b")))
    assert compact.decode(mapped.encode(item)) == mapped.decode(compact.encode(item)) == item
    old = transcoder(f"{codec}:layout=compact", schema=First)
    assert mapped.decode(old.encode({"title": "tea", "price": 1.5, "tags": ["x"]})).cents == 150


@every_codec
def test_fields_in_another_order_are_another_shape(codec):
    """By name the order is nothing; by position a frame of another order is refused, never read crosswise."""
    one = dataclass(type("A", (), {"__annotations__": {"a": str, "b": str}}))
    other = dataclass(type("A", (), {"__annotations__": {"b": str, "a": str}}))
    assert transcoder(codec, schema=other).decode(transcoder(codec, schema=one).encode(one("x", "y"))).a == "x"
    spec = f"{codec}:layout=compact"
    for wrap in (lambda cls: cls, lambda cls: list[cls]):
        frame = transcoder(spec, schema=wrap(one)).encode(one("x", "y") if wrap(int) is int else [one("x", "y")])
        with pytest.raises(SchemaMismatch, match="layout compact of a shape that is known"):
            transcoder(spec, schema=wrap(other)).decode(frame)


@every_codec
def test_a_payload_without_fields_is_read_by_what_is_in_it(codec):
    """A list has version 1 and no migrations: its items change as records do, and what has a version is refused."""

    @dataclass
    class Line:
        sku: str

    @dataclass
    class Longer:
        sku: str
        count: int = 1

    old, new = transcoder(codec, schema=list[Line]), transcoder(codec, schema=list[Longer])
    assert new.decode(old.encode([Line("a")])) == [Longer("a")]
    assert new.decode(old.encode(old.decode(new.encode([Longer("a", 5)])))) == [Longer("a", 5)]
    with pytest.raises(SchemaMismatch, match="version 2 is newer than version 1 of list"):
        old.decode(transcoder(codec, schema=Two).encode(Two("a")))


@every_codec
def test_two_fields_that_become_one_are_a_mismatch(codec):
    """An unknown field that has a known one's name in Python is not put in its place."""

    @schema(version=2)
    @dataclass
    class Cart:
        label: Annotated[str, Name("title")]

    migrate(Cart, since=2)(dict)
    frame = transcoder(codec, schema=TypedDict("Old", {"title": str, "label": int})).encode({"title": "t", "label": 1})
    with pytest.raises(SchemaMismatch, match=r"\$\.label: expected one field, found '(title|label)' beside it"):
        transcoder(codec, schema=Cart).decode(frame)
