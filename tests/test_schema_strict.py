"""Nothing is coerced, on its way in or out: every wrong place is named, and no message holds what was found there."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, make_dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import CONFORM, EJECT, KEEP, Enum, Flag
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import annotated_types
import attrs
import msgspec
import pytest

from tests.payload_types import (
    Access,
    Account,
    Basic,
    Cart,
    Colour,
    Level,
    Line,
    Marked,
    Mixed,
    Model,
    Money,
    Point,
    Ratio,
    Role,
    Seat,
    Spot,
    UserId,
)
from tests.payloads import MOMENT, SPECS, framed, identical, made, paths, problems
from transcoders import Transcoder
from transcoders.errors import EncodeError
from transcoders.schema import Length, Range

every_spec = pytest.mark.parametrize("spec", SPECS)
VALUES: list[tuple[Any, Any]] = [
    (int, 1), (float, 1.5), (bool, True), (str, "7"), (bytes, b"x"), (bytearray, bytearray(b"x")),
    (datetime, MOMENT), (date, date(2026, 1, 2)), (time, time(1)), (timedelta, timedelta(1)), (Decimal, Decimal(1)),
    (UUID, UUID(int=1)), (type(None), None), (list[int], [1]), (tuple[int, ...], (1,)), (tuple[int], (1,)),
    (set[int], {1}), (frozenset[int], frozenset({1})), (dict[str, int], {"a": 1}), (dict[int, int], {1: 1}),
    (Colour, Colour.RED), (Level, Level.LOW), (Role, Role.ADMIN), (Mixed, Mixed.ONE), (Access, Access.READ),
    (Literal["a"], "a"), (Money, Money(Decimal(1))), (Spot, Spot(1)), (Basic, {"a": 1, "b": "x"}), (Point, Point(1)),
    (Account, Account("a")), (Model, Model(Number=1)), (UserId, 1), (int | str, 1),
]  # fmt: skip
"""Each type with a value of it; none of the others' values is one of it, but where `_also` says so."""


def _subclass(base: type, *arguments: Any) -> Any:
    return type(f"My{base.__name__}", (base,), {})(*arguments)


ODD = [
    _subclass(str, "a"), _subclass(int, 1), _subclass(float, 1.5), _subclass(list, [1]), _subclass(tuple, [1]),
    _subclass(dict, {"a": 1}), _subclass(set, {1}), _subclass(bytes, b"x"), _subclass(Decimal, 1),
    _subclass(datetime, 2026, 1, 2), _subclass(date, 2026, 1, 2), _subclass(UUID, "0" * 32), _subclass(Cart, 1),
    _subclass(timedelta, 1), object(), type, memoryview(b"x"), range(3), 1j, ..., len, SimpleNamespace(a=1),
]  # fmt: skip
"""Values of no declared type."""


def _also(hint: Any, value: Any) -> bool:
    """Whether a value that stands beside another type is one of this type as well."""
    kinds: dict[Any, Callable[[Any], bool]] = {
        float: lambda one: type(one) is int,
        int: lambda one: type(one) is int,
        UserId: lambda one: type(one) is int,
        str: lambda one: type(one) is str,
        int | str: lambda one: type(one) in {int, str},
        tuple[int]: lambda one: type(one) is tuple,
        tuple[int, ...]: lambda one: type(one) is tuple,
    }
    return kinds.get(hint, lambda _: False)(value)


@every_spec
def test_values_of_another_type_are_refused(spec: str) -> None:
    """No value of another type, no subclass and no look-alike is encoded, alone, in a list or as a field."""
    for hint, right in VALUES:
        record = make_dataclass("Holder", [("one", hint), ("more", list[hint])])
        alone, held = made(spec, hint), made(spec, record)
        for value in [other for _, other in VALUES if type(other) is not type(right)] + ODD:
            if not _also(hint, value):
                assert paths(alone.encode, value) == ["$"], (hint, value)
                assert paths(held.encode, record(value, [right, value])) == ["$.one", "$.more[1]"], (hint, value)


WIRES: list[tuple[Any, list[Any]]] = [
    (int, [True, 1.0, "7", None, [1]]),
    (float, [True, "1.5", None]),
    (bool, [0, 1, "true", None]),
    (str, [7, True, None, ["a"]]),
    (bytes, [7, None, "Q", "Q===", "QUJ", "!!!!", "Qé==", [1]]),
    (datetime, ["2026-13-45T00:00:00", "2026-01-02", "now", 0, None, "12:00:00", "2026-01-02T25:00:00Z"]),
    (date, ["2026-13-45", "20260102", "2026-W01-1", "2026-01-02T00:00:00", 0, "today"]),
    (time, ["25:00:00", "12:00", "120000", "T12:00", 12, "noon"]),
    (timedelta, [1.5, "1", True, None]),
    (Decimal, [1, 1.5, "one", " 1", "1 ", "1_0", "\u0661", "", "1E+99999999", "9" * 2000, None]),
    (UUID, ["{12345678-1234-5678-1234-56781234567", "1" * 35, 1, None, "+2345678-1234-5678-1234-567812345678"]),
    (type(None), [0, "", False]),
    (Colour, ["RED", "green", 0, None, ["red"]]),
    (Level, [3, "LOW", True, 1.0]),
    (Mixed, ["THREE", 1, "two", None]),
    (Access, [4, -1, "READ", True]),
    (Literal["a", 1], ["b", True, 2, 1.0, None]),
    (list[int], [None, 1, {"a": 1}, "ab"]),
    (tuple[int], [[], [1, 2], {}, None]),
    (set[int], [[1, 1], None, {"a": 1}]),
    (dict[int, int], [[1], [1, 2, 1, 3], {"1": 2}, None]),
    (dict[str, int], [[["a", 1]], None, 7, [1]]),
    (Money, [None, 1, "x", []]),
    (Model, [None, 1, "x", []]),
    (int | str, [1.5, True, None, [1]]),
    (bytes | str, ["x", ["str"], ["str", 1], ["int", 1], [1, "x"], ["str", "x", 1], None]),
]


@every_spec
@pytest.mark.parametrize(("hint", "wires"), WIRES, ids=[str(hint) for hint, _ in WIRES])
def test_bytes_of_another_type_are_refused(spec: str, hint: Any, wires: list[Any]) -> None:
    """Bytes that hold something else than the type are refused, each wrong place by its path."""
    record = make_dataclass("Holder", [("one", hint), ("more", list[hint])])
    alone, held = made(spec, hint), made(spec, record)
    for wire in wires:
        assert all(path.startswith("$") for path in paths(alone.decode, framed(alone, wire))), wire
        whole = [wire, [wire]] if "compact" in spec else {"one": wire, "more": [wire]}
        found = paths(held.decode, framed(held, whole))
        for place in ("$.one", "$.more[0]"):
            assert any(path.startswith(place) for path in found), wire


@every_spec
def test_text_for_bytes_is_refused_where_bytes_stand_for_themselves(spec: str) -> None:
    """Text is read as base64 in JSON alone; elsewhere bytes are bytes."""
    typed = made(spec, list[bytes])
    if spec.startswith("json"):
        assert typed.decode(framed(typed, ["QUJD"])) == [b"ABC"]
    else:
        assert paths(typed.decode, framed(typed, ["QUJD", "", b"x"])) == ["$[0]", "$[1]"]


@every_spec
def test_all_problems_at_once_with_their_paths(spec: str) -> None:
    """One error lists everything that is wrong, on either side, with paths through fields, items and keys."""
    cart = Cart(
        "7",  # type: ignore[arg-type]
        [Line("a", Money(Decimal(1))), Line(7, Money(1.5), 1.0), None],  # type: ignore[arg-type, list-item]
        "now",  # type: ignore[arg-type]
    )
    found = problems(made(spec, Cart).encode, cart)
    assert [problem.path for problem in found] == [
        "$.user", "$.lines[1].sku", "$.lines[1].price.amount", "$.lines[1].count", "$.lines[2]", "$.seen",
    ]  # fmt: skip
    assert str(found[0]) == "$.user: expected int, found str of 1"
    typed = made(spec, dict[str, Spot])
    assert paths(typed.encode, {"a b": Spot("x"), "ok": 1}) == ["$['a b'].x", "$.ok"]  # type: ignore[arg-type]


def test_names_of_missing_and_unknown_fields() -> None:
    """A field that is missing is named, one that the class does not know as well, on either side."""
    for codec in ("json", "msgpack", "cbor", "pickle"):
        typed = made(codec, Seat)
        assert paths(typed.decode, framed(typed, {"takenAt": None})) == ["$.row_number"]
        (problem,) = problems(typed.decode, framed(typed, {"rowNumber": 1, "x": 1, "y" * 50: 2}))
        assert "does not know 'x', 'yyyy" in problem.message
        assert "y" * 41 not in problem.message
        basic = made(codec, Basic)
        assert paths(basic.encode, {"b": "x"}) == ["$.a"]
        assert paths(basic.decode, framed(basic, {"a": 1})) == ["$.b"]
        bare = Cart(1)
        del bare.lines
        assert paths(made(codec, Cart).encode, bare) == ["$.lines"]


@pytest.mark.parametrize("codec", ["json", "msgpack", "cbor", "pickle"])
def test_compact_records_have_all_their_fields(codec: str) -> None:
    """A record of layout compact with one field more or fewer is refused."""
    typed = made(f"{codec}:layout=compact", Spot)
    assert typed.decode(framed(typed, [1, 2])) == Spot(1, 2)
    for wire in ([1], [1, 2, 3], [], {"x": 1, "y": 2}, {}):
        assert paths(typed.decode, framed(typed, wire)) == ["$"]
    plain = made(codec, Spot)
    assert paths(plain.decode, framed(plain, [1, 2])) == ["$"]


SECRET = "correct horse battery staple"
KEYED = "k" * 100


@every_spec
def test_no_message_holds_what_was_found(spec: str) -> None:
    """Messages describe what they found by type and size; of keys they show forty characters."""
    holder = make_dataclass("Holder", [("one", int), ("two", bytes), ("three", dict[str, int])])
    for value in (SECRET, SECRET.encode(), [SECRET], {SECRET: 1}, Decimal("123456789.5"), 123456789.5, 123456789):
        text = str(problems(made(spec, str | None).encode, value if value != SECRET else [value])[0])
        assert SECRET[:10] not in text
        assert "12345" not in text
    (one, two, three) = problems(made(spec, holder).encode, holder(SECRET, SECRET, {KEYED: SECRET}))
    assert str(one) == f"$.one: expected int, found str of {len(SECRET)}"
    assert str(two) == f"$.two: expected bytes, found str of {len(SECRET)}"
    assert str(three) == f"$.three.{KEYED[:40]}: expected int, found str of {len(SECRET)}"
    typed = made(spec, list[int | None])
    (problem,) = problems(typed.decode, framed(typed, [SECRET]))
    assert str(problem) == f"$[0]: expected int or None, found str of {len(SECRET)}"


GOOD = Marked(UserId(1), "abc", Decimal("1.5"), 9.5, [1, 2], "xy")
BROKEN: list[tuple[str, Any, list[str]]] = [
    ("name", "", ["$.name"]),
    ("name", "ABC", ["$.name"]),
    ("name", "a" * 9, ["$.name"]),
    ("name", "abc\n", ["$.name"]),
    ("price", Decimal("-0.01"), ["$.price"]),
    ("price", Decimal("NaN"), ["$.price"]),
    ("price", Decimal("sNaN"), ["$.price"]),
    ("rate", -0.5, ["$.rate"]),
    ("rate", -5, ["$.rate"]),
    ("rate", 10, ["$.rate"]),
    ("rate", float("nan"), ["$.rate"]),
    ("counts", [1, 2, 3, 4], ["$.counts"]),
    ("counts", [0, 1, -1], ["$.counts[0]", "$.counts[2]"]),
    ("code", "ax", ["$.code"]),
]


@every_spec
@pytest.mark.parametrize(("name", "value", "where"), BROKEN)
def test_constraints_hold_on_both_sides(spec: str, name: str, value: Any, where: list[str]) -> None:
    """A value that does not meet a constraint is neither written nor read; an int for a float is no way around."""
    typed, bad = made(spec, Marked), replace(GOOD, **{name: value})
    assert identical(typed.decode(typed.encode(GOOD)), GOOD)
    assert paths(typed.encode, bad) == where
    hints = [("user", int), ("name", str), ("price", Decimal), ("rate", float), ("counts", list[int]), ("code", str)]
    loose = make_dataclass("Marked", [*hints, ("size", int), ("was", int)])
    fields = asdict(bad)
    fields["was"] = fields.pop("old")
    frame = made(spec, loose).encode(loose(**fields))
    header = typed._headers[frame[4] & 3]
    assert paths(typed.decode, header + frame[len(header) :]) == where


@every_spec
def test_code_of_the_user_may_raise_anything(spec: str) -> None:
    """An error in a constructor, a validator, a `__hash__` or a `_missing_` is a problem, without its text."""

    @dataclass(frozen=True)
    class Unhashable:
        a: int

        def __hash__(self) -> int:
            raise ZeroDivisionError(SECRET)

    class Status(Enum):
        OPEN = "open"

        @classmethod
        def _missing_(cls, value: object) -> Any:
            raise ZeroDivisionError(SECRET)

    @attrs.define
    class Positive:
        a: int = attrs.field(validator=attrs.validators.gt(0))

    def tree(*fields: Any) -> Any:
        return list(fields) if "compact" in spec else {"a": fields[0]}

    ratio = Ratio(0.5)
    ratio.share = 7.25
    cases: list[tuple[Transcoder[Any], bytes, str]] = [
        (made(spec, set[Unhashable]), framed(made(spec, set[Unhashable]), [tree(1)]), "$"),
        (made(spec, dict[Unhashable, int]), framed(made(spec, dict[Unhashable, int]), [tree(1), 1]), "$"),
        (made(spec, list[Status]), framed(made(spec, list[Status]), ["x"]), "$[0]"),
        (made(spec, list[Positive]), framed(made(spec, list[Positive]), [tree(-1)]), "$[0]"),
        (made(spec, Ratio), made(spec, Ratio).encode(ratio), "$"),
    ]
    for typed, frame, where in cases:
        (problem,) = problems(typed.decode, frame)
        assert problem.path == where
        assert SECRET not in problem.message
        assert "7.25" not in problem.message


@every_spec
def test_flags_keep_all_their_bits_or_are_refused(spec: str) -> None:
    """A flag that would leave out bits, or take a negative number for others, is refused whatever its boundary."""
    for boundary, wires in ((CONFORM, [4, 5, -1]), (EJECT, [4, -1]), (KEEP, [-1])):
        flags = Flag("Flags", {"A": 1, "B": 2}, boundary=boundary)
        typed = made(spec, list[flags])  # type: ignore[valid-type]
        for wire in wires:
            assert paths(typed.decode, framed(typed, [wire])) == ["$[0]"]
    kept = Flag("Kept", {"A": 1}, boundary=KEEP)
    assert made(spec, kept).decode(made(spec, kept).encode(kept(5))) == kept(5)


@every_spec
def test_half_characters_are_refused(spec: str) -> None:
    """Text with half a surrogate pair is refused by its path, in keys and under a seal as well."""
    for codec in (spec, f"{spec}+hmac"):
        typed = made(codec, dict[str, list[str]])
        assert paths(typed.encode, {"a": ["b", "é\ud800"], "\udfff": []}) == ["$.a[1]", r"$['\udfff'] key"]
        for value in (["\ud800"], {"a": {"\ud800": 1}}):
            with pytest.raises(EncodeError, match="surrogate"):
                made(codec, Any).encode(value)


def test_only_so_many_problems() -> None:
    """A payload that is wrong everywhere gives fifty problems, and a message of ten."""
    typed = made("json", list[int])
    found = problems(typed.encode, ["x"] * 1000)
    assert len(found) == 50
    with pytest.raises(EncodeError, match="and 40 more"):
        typed.encode(["x"] * 1000)


def test_descriptions_are_no_constraints() -> None:
    """Marks that only describe change nothing, those of other libraries that restrict are kept to."""
    described = Annotated[int, "words", ["more"], msgspec.Meta(title="t"), annotated_types.doc("d")]
    for hint in (described, Annotated[int, annotated_types.MultipleOf(5)], Annotated[NewType("N", int), Range(lt=6)]):
        typed = made("json", list[hint])  # type: ignore[valid-type]
        assert typed.decode(typed.encode([5])) == [5]
    assert paths(made("json", list[Annotated[int, annotated_types.MultipleOf(5)]]).encode, [4]) == ["$[0]"]


def test_constrained_keys_and_members() -> None:
    """Keys and members meet their constraints as well."""

    @dataclass
    class Holder:
        keys: dict[Annotated[str, Length(2)], int] = field(default_factory=dict)
        members: set[Annotated[int, Range(gt=0)]] = field(default_factory=set)

    typed = made("msgpack", Holder)
    assert typed.decode(typed.encode(Holder({"ab": 1}, {1, 2}))) == Holder({"ab": 1}, {1, 2})
    assert paths(typed.encode, Holder({"a": 1}, {0})) == ["$.keys.a key", "$.members[0]"]
    assert paths(typed.decode, framed(typed, {"keys": ["a", 1], "members": [0, 1]})) == ["$.keys.a key", "$.members[0]"]
