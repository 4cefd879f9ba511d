"""Every kind of field and every family of payload types comes back equal and of identical types, from every codec."""

from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import msgspec
import pydantic
import pytest

from tests.payload_types import (
    Account,
    Age,
    Basic,
    Box,
    Cat,
    Colour,
    Dog,
    Labelled,
    Level,
    Loose,
    Mixture,
    Model,
    Money,
    Partial,
    Seat,
    Sparse,
    Spot,
    Tagged,
)
from tests.payloads import LEAVES, MOMENT, NAIVE, PAYLOADS, SEALED, SPECS, framed, identical, made, paths
from tests.specs import body
from transcoders.errors import EncodeError

every_spec = pytest.mark.parametrize("spec", SPECS)
SETS: dict[str, tuple[Any, set[Any]]] = {
    "int": (int, {3, -1, 2**64, 2**63}),
    "str": (str, {"b", "a", "", "é"}),
    "float": (float, {1.5, -0.0, float("nan"), float("inf"), 10.0, 9.0}),
    "bool": (bool, {True, False}),
    "bytes": (bytes, {b"\xff", b"\x00", b"\xfb\xef", b""}),
    "datetime": (datetime, {datetime(2026, 2, 1), datetime(2026, 10, 1), datetime(2026, 1, 1, tzinfo=UTC)}),  # noqa: DTZ001
    "date": (date, {date(2026, 10, 1), date(2026, 2, 1)}),
    "time": (time, {time(1), time(10), time(2, 30)}),
    "timedelta": (timedelta, {timedelta(1), timedelta(-2)}),
    "Decimal": (Decimal, {Decimal("1.10"), Decimal(10), Decimal(9)}),
    "UUID": (UUID, {UUID(int=5), UUID(int=2**127)}),
    "Enum": (Colour, set(Colour)),
    "IntEnum": (Level, set(Level)),
    "Optional": (int | None, {None, 1, 2}),
    "Union": (tuple[int, ...] | str, {(1,), "b", (), "z"}),
    "tuple": (tuple[int, str], {(1, "a"), (1, "b"), (-1, "c")}),
    "frozenset": (frozenset[str], {frozenset({"a", "b"}), frozenset()}),
    "NamedTuple": (Spot, {Spot(1), Spot(1, 2)}),
    "frozen dataclass": (Money, {Money(Decimal(1)), Money(Decimal("1.0"), "USD")}),
    "Any": (Any, {1, "a", (1, 2), None}),
}


@every_spec
@pytest.mark.parametrize("name", LEAVES)
def test_leaf(spec: str, name: str) -> None:
    """A leaf comes back identical alone, in containers, as a field, and where None is allowed as well."""
    hint, values = LEAVES[name]
    record = make_dataclass("Holder", [("value", hint)])
    for value in values:
        assert identical(made(spec, hint).decode(made(spec, hint).encode(value)), value)
    wider: list[tuple[Any, list[Any]]] = [
        (list[hint], [values, []]),
        (tuple[hint, ...], [tuple(values), ()]),
        (tuple[hint, int], [(value, 1) for value in values]),
        (dict[str, hint], [{str(index): value for index, value in enumerate(values)}]),
        (Optional[hint], [None, *values]),  # noqa: UP045 - made at run time
        (record, [record(value) for value in values]),
    ]
    for shape, wholes in wider:
        typed = made(spec, shape)
        for whole in wholes:
            assert identical(typed.decode(typed.encode(whole)), whole), (shape, whole)


@pytest.mark.parametrize("spec", SPECS + SEALED)
@pytest.mark.parametrize("name", PAYLOADS)
def test_payload(spec: str, name: str) -> None:
    """A payload of every family comes back identical, sealed as well."""
    hint, values = PAYLOADS[name]
    typed = made(spec, hint)
    for value in values:
        assert identical(typed.decode(typed.encode(value)), value)


@every_spec
@pytest.mark.parametrize("name", SETS)
def test_members_and_keys(spec: str, name: str) -> None:
    """Whatever is hashable may be a member of a set or a key of a dict; equal sets give equal bytes."""
    hint, members = SETS[name]
    keyed = dict.fromkeys(members, 1)
    for shape, value in ((set[hint], members), (frozenset[hint], frozenset(members)), (dict[hint, int], keyed)):
        typed = made(spec, shape)
        assert identical(typed.decode(typed.encode(value)), value)
    typed, order = made(spec, set[hint]), list(members)
    for seed in range(5):
        Random(seed).shuffle(order)  # noqa: S311
        assert typed.encode(set(order)) == typed.encode(members)


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_members_stand_in_the_order_of_their_values(codec: str) -> None:
    """Members of a set are in the order of what stands in the bytes, whatever the engine could write by itself."""
    assert made("json", set[Colour]).encode({Colour.RED, Colour.BLUE}).endswith(b'["blue","red"]')
    moments = {datetime(2026, 10, 1), datetime(2026, 9, 1)}  # noqa: DTZ001
    frame = made(codec, set[datetime]).encode(moments)
    assert frame.index(b"2026-09") < frame.index(b"2026-10")


@every_spec
def test_int_is_written_as_float(spec: str) -> None:
    """An int where a float is declared comes back as that float, also inside a union and under a constraint."""
    for hint in (float, list[float], float | None, float | str):
        typed, inside = made(spec, hint), hint == list[float]
        back = typed.decode(typed.encode([3] if inside else 3))
        assert identical(back, [3.0] if inside else 3.0)


@every_spec
def test_alternatives_stay_what_they_are(spec: str) -> None:
    """A union gives back the alternative that went in: no float of an int, no other record of the same fields."""
    for hint, values in (
        (float | int, [1, 1.0]),
        (float | timedelta, [timedelta(seconds=1), 1.5]),
        (Cat | Dog, [Cat("a"), Dog("a")]),
        (str | date | datetime | UUID, ["2026-01-02", date(2026, 1, 2), NAIVE, MOMENT, UUID(int=1)]),
        (set[int] | frozenset[int] | list[int] | tuple[int, ...], [{1}, frozenset({1}), [1], (1,)]),
        (int | Literal["a"] | None, [1, "a", None]),
        (Spot | Money | dict[str, int], [Spot(1), Money(Decimal(1)), {"x": 1}]),
        (Loose | list[int], [{"a": 1}, {"a": 1, "b": []}, [1]]),
        (bool | int, [True, 1, 0, False]),
        (list[str] | dict[str, str], [["a", "b"], {"a": "b"}, {}, []]),
        (Basic | Partial, [{"a": 1, "b": "x"}, {"a": 1, "b": "x", "d": 1.5}]),
    ):
        typed = made(spec, hint)
        for value in values:
            assert identical(typed.decode(typed.encode(value)), value), (hint, value)


NAMED = Annotated[date | str, "a mark"]
NESTED = Annotated[float | str, "a mark"] | Annotated[tuple[int, str], "a mark"] | None


@every_spec
def test_unions_of_unions(spec: str) -> None:
    """A union inside a union is told apart as well: behind a mark, behind a parameter, as a key."""
    typed = made(spec, list[Box[NESTED] | int | None])  # type: ignore[valid-type]
    value = [Box(1.0, ["a", 2.5, (1, "x"), None]), 1, None, Box("x")]
    assert identical(typed.decode(typed.encode(value)), value)
    assert identical(typed.decode(typed.encode([Box(3)])), [Box(3.0)])
    assert paths(typed.encode, [Box(1), Box((1, 2)), Box([])]) == ["$[1].value[1]", "$[2].value"]
    for hint in (NAMED | list[str], list[str] | NAMED):
        inner = made(spec, hint)
        for one in ("abc", date(2026, 1, 2), ["str", "abc"], ["date", "2026-01-02"], []):
            assert identical(inner.decode(inner.encode(one)), one)
    keyed = made(spec, dict[NESTED, int])  # type: ignore[valid-type]
    keys = {1.5: 1, "a": 2, (1, "b"): 3, None: 4}
    assert identical(keyed.decode(keyed.encode(keys)), keys)


@every_spec
def test_problems_inside_an_alternative(spec: str) -> None:
    """Of an alternative of the right kind the problems are those inside it, else the union as a whole is wrong."""
    typed = made(spec, list[int] | str | None)
    for wire, where in (([1, "x", None], ["$[1]", "$[2]"]), (7, ["$"])):
        assert paths(typed.decode, framed(typed, wire)) == where
        assert paths(typed.encode, wire) == where
    named = made(spec, Cat | Dog)
    for wire in ({"name": 1}, ["Cow", ["x"]], ["Cat"], ["Cat", 7], [None, None], "Cat"):
        assert paths(named.decode, framed(named, wire))[0].startswith("$")


@every_spec
def test_int_that_is_no_float(spec: str) -> None:
    """An int that is too large for a float is refused on both ways; a smaller one is read as one."""
    for hint in (float, float | str):
        typed = made(spec, list[hint])  # type: ignore[valid-type]
        assert paths(typed.encode, [10**400]) == ["$[0]"]
        assert identical(typed.decode(framed(typed, [3, 2**64 - 1])), [3.0, float(2**64)])
        if spec.startswith("pickle"):
            assert paths(typed.decode, framed(typed, [10**400])) == ["$[0]"]


def test_optional_any_is_any() -> None:
    """None is a value of Any, so that beside it nothing is ambiguous."""
    typed = made("json", Any | None)
    assert [typed.decode(typed.encode(value)) for value in (None, 1, (2,))] == [None, 1, (2,)]


def test_stored_names() -> None:
    """The bytes hold the names of a Struct's `rename`, of private attributes and of `Name`; no tag, all fields."""
    assert body(made("json", Seat).encode(Seat(row_number=1))) == b'{"rowNumber":1,"takenAt":null}'
    assert body(made("json", Account).encode(Account("a", "b"))) == b'{"name":"a","_secret":"b","roles":[]}'
    assert body(made("json", Sparse).encode(Sparse())) == b'{"a":1,"b":[]}'
    tagged = PAYLOADS["tagged array-like Struct"][1][0]
    assert body(made("json", Tagged).encode(tagged)) == b'{"a":1,"b":{"x":2,"y":0.0}}'
    assert b'"was":5' in made("json", PAYLOADS["annotations"][0]).encode(PAYLOADS["annotations"][1][0])


def test_compact_layout_has_no_names() -> None:
    """Layout compact holds fields by position, and what a TypedDict lacks as an empty array."""
    assert body(made("json:layout=compact", Seat).encode(Seat(row_number=1))) == b"[1,null]"
    assert body(made("json:layout=compact", Loose).encode({"a": 1})) == b"[1,[]]"
    assert body(made("json:layout=compact", Loose).encode({"a": 1, "b": [2]})) == b"[1,[[2]]]"


@every_spec
def test_constructors_run(spec: str) -> None:
    """An instance is made by its constructor, with its converter and its checks."""
    typed = made(spec, Age)
    compact = "compact" in spec
    assert typed.decode(framed(typed, [3, "y"] if compact else {"years": 3, "unit": "y"})) == Age("3")
    if not compact:
        assert typed.decode(framed(typed, {"years": 3})) == Age(3)


@every_spec
def test_enum_with_missing(spec: str) -> None:
    """An Enum's own `_missing_` is asked for values that it had once."""

    class Status(Enum):
        OPEN = "open"

        @classmethod
        def _missing_(cls, value: object) -> "Status | None":
            return cls.OPEN if value == "new" else None

    typed = made(spec, list[Status])
    assert typed.decode(framed(typed, ["new", "open"])) == [Status.OPEN, Status.OPEN]


def test_fields_named_like_keywords() -> None:
    """A field may have a name that Python's grammar keeps for itself."""
    word = msgspec.defstruct("Word", [("from", int), ("to", int)])
    for spec in SPECS:
        typed = made(spec, word)
        assert typed.decode(typed.encode(word(1, 2))) == word(1, 2)


def test_pickle_views_of_declared_bytes() -> None:
    """Bytes are declared, so bytes come back, where untyped ones come back as a view."""
    typed = made("pickle:views=64", Box[bytes])
    for data in (b"x" * 100, b"x"):
        assert identical(typed.decode(typed.encode(Box(data, [data]))), Box(data, [data]))
    typed = made("pickle:views=64", list[bytearray])
    assert identical(typed.decode(typed.encode([bytearray(b"x" * 100)])), [bytearray(b"x" * 100)])


def test_bound_parameters_of_bases() -> None:
    """A parameter that a base passes on is bound by whoever derives from it, at any distance."""

    @dataclass
    class Deep(Labelled[list[int]]):
        pass

    @dataclass
    class Deeper(Deep):
        more_still: int = 0

    typed = made("json", Deeper)
    value = Deeper([1], [[2]], [3], 4)
    assert identical(typed.decode(typed.encode(value)), value)
    with pytest.raises(EncodeError, match=r"\$\.value: expected list, found str of 1"):
        typed.encode(Deeper("a"))


def test_models_go_through_their_own_validator() -> None:
    """A model that would not come back equal is refused on its way in, with nothing of what it holds."""
    typed = made("msgpack", Model)
    with pytest.raises(EncodeError, match="Model") as caught:
        typed.encode(Model.model_construct(number=-5, parts=[], when=None))
    assert "-5" not in str(caught.value)
    assert typed.encode(Model(Number=1)) == typed.encode(Model(Number=1))


class Excluding(pydantic.BaseModel):
    shown: int = 0
    hidden: int = pydantic.Field(default=0, exclude=True)


class Raising(pydantic.BaseModel):
    number: int = 0

    @pydantic.field_serializer("number")
    def write(self, value: int) -> int:
        """Refuse in a way that pydantic does not know."""
        raise LookupError(value)


def test_models_that_do_not_come_back() -> None:
    """A model whose serializer leaves something out, or raises, is refused before it is stored."""
    assert paths(made("json", list[Excluding]).encode, [Excluding(hidden=1)]) == ["$[0]"]
    assert paths(made("json", list[Raising]).encode, [Raising(number=1)]) == ["$[0]"]
    typed = made("json", Excluding)
    assert typed.decode(typed.encode(Excluding(shown=1))) == Excluding(shown=1)


def test_every_spec_gives_one_type() -> None:
    """What one codec and layout gives back is identical to what the others do."""
    hint, values = PAYLOADS["unions"]
    assert hint is Mixture
    for value in values:
        backs = [made(spec, hint).decode(made(spec, hint).encode(value)) for spec in SPECS]
        assert all(identical(back, value) for back in backs)
