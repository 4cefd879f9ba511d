"""Values of the payload types and of every leaf, frames of any tree, what is wrong with them, and when they are equal.

`PAYLOADS` and `LEAVES` give each a name. `identical` is `tests.values.same`, inside attrs classes, NamedTuples and
models as well.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import cbor2
import msgpack
import pydantic
import pytest

from tests.handmade import pickled
from tests.payload_types import (
    Access,
    Account,
    Admin,
    Age,
    Basic,
    Box,
    Cart,
    Cat,
    Colour,
    Dog,
    File,
    Folder,
    Gift,
    Half,
    Labelled,
    Level,
    Line,
    Loose,
    Marked,
    Mixed,
    Mixture,
    Mode,
    Model,
    Money,
    Named,
    Numbered,
    Odd,
    Pair,
    Part,
    Partial,
    Point,
    Ratio,
    Role,
    Seat,
    Sparse,
    Spot,
    Spots,
    Tagged,
    Tree,
    UserId,
    Visit,
    Wide,
)
from tests.specs import KEYS
from tests.values import same
from transcoders import Limits, Transcoder, transcoder
from transcoders.errors import EncodeError, SchemaMismatch
from transcoders.schema import Problem

CODECS = ("json", "msgpack", "cbor", "pickle")
SPECS = tuple(codec + layout for codec in CODECS for layout in ("", ":layout=compact"))
SEALED = tuple(f"{spec}+blake2" for spec in SPECS)

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
NAIVE = datetime.fromisoformat("2026-01-02T03:04:05.000006")
CARTS = [
    Cart(1),
    Cart(2**40, [Line("a", Money(Decimal("9.99"))), Line("b", Money(Decimal("1.10"), "USD"), 2)], MOMENT, {"b", "a"}),
]
_visit = Visit("/")
_visit.count = 7

Payload = tuple[Any, Sequence[Any]]
PAYLOADS: dict[str, Payload] = {
    "dataclass": (Cart, CARTS),
    "frozen dataclass with slots": (Money, [Money(Decimal(1)), Money(Decimal("-0.50"), "")]),
    "inherited dataclass": (Gift, [Gift(1, note="n")]),
    "keyword-only dataclass": (Named, [Named(first="f"), Named(first="f", last="l")]),
    "half keyword-only dataclass": (Half, [Half(1, c=2), Half(1, b=3, c=2)]),
    "field outside the constructor": (Visit, [_visit, Visit("/")]),
    "dataclass that checks": (Ratio, [Ratio(0.5)]),
    "generic dataclass": (Box[str], [Box("a", ["b"])]),
    "generic dataclass of one": (Box[Box[int]], [Box(Box(1), [Box(2)])]),
    "generic inheritance": (Labelled[str], [Labelled("a", ["b"], "c"), Labelled("a")]),
    "bound generic inheritance": (Numbered, [Numbered(1, [2], 3, 4)]),
    "recursive dataclass": (Tree, [Tree(1, Tree(2), Tree(3, None, Tree(4)))]),
    "mutually recursive dataclasses": (Folder, [Folder(), Folder({"a": File(Folder({"b": File()}))})]),
    "Struct": (Point, [Point(1), Point(-1, 2.5)]),
    "renamed keyword-only frozen Struct": (Seat, [Seat(row_number=1), Seat(row_number=2, taken_at=MOMENT)]),
    "tagged array-like Struct": (Tagged, [Tagged(1, Point(2))]),
    "sparse Struct": (Sparse, [Sparse(), Sparse(2, [1])]),
    "generic Struct": (Pair[Point], [Pair(Point(1)), Pair(Point(1), Point(2))]),
    "attrs class": (Account, [Account("a"), Account("a", "b", [Role.ADMIN])]),
    "frozen attrs class with converter": (Age, [Age(1), Age(2, in_="months")]),
    "inherited attrs class": (Admin, [Admin("a", level=Level.HIGH)]),
    "NamedTuple": (Spot, [Spot(1), Spot(1, 2)]),
    "generic NamedTuple": (Spots[str], [Spots("a"), Spots("a", Spot(2))]),
    "TypedDict": (Basic, [{"a": 1, "b": "x"}]),
    "inherited TypedDict": (Partial, [{"a": 1, "b": "x", "d": 1.5}, {"a": 1, "b": "x", "c": 2, "d": 1.5}]),
    "TypedDict with NotRequired": (Loose, [{"a": 1}, {"a": 1, "b": [2]}]),
    "TypedDict of odd names": (Odd, [{"from": 1, "a-b": "x", 'quo"te': 2, "é": 3}]),
    "pydantic model": (Model, [Model(Number=1), Model(Number=2, parts=[Part()], when=NAIVE)]),
    "pydantic model inside": (Box[Model], [Box(Model(Number=1), [Model(Number=2)])]),
    "annotations": (Marked, [Marked(UserId(1), "abc", Decimal("1.5"), 9.5, [1, 2], "xy", old=5)]),
    "unions": (
        Mixture,
        [
            Mixture(1, 1, MOMENT, Cat("c"), [1], b"b", 1.5, "a", {1: (2,)}),
            Mixture("1", 1.0, date(2026, 1, 2), Dog("d"), {"a": 1}, "b", timedelta(1), 1, None),
            Mixture(None, -0.0, "2026-01-02", None, [], b"", timedelta(0), None, [MOMENT, {1}]),
            Mixture(1, 2**70, MOMENT.replace(tzinfo=None), None, {}, "", -1.0, choice=True, anything=bytearray(b"x")),
        ],
    ),
    "list of records": (list[Cart], [CARTS, []]),
    "dict of records": (Mapping[str, Spot], [{"b": Spot(1), "a": Spot(2)}, {}]),
    "optional record": (Cart | None, [None, CARTS[1]]),
}

LONDON = ZoneInfo("Europe/London")
INDIA = timezone(timedelta(hours=5, minutes=30))
EDGES = (datetime.min, datetime.max)  # noqa: DTZ901 - naive ones
DECIMALS = ("0", "-0", "1.10", "-1.1E-30", "1E+6144", "0E+3", "NaN", "-NaN", "sNaN", "NaN123", "Infinity", "1E-7")
LEAVES: dict[str, Payload] = {
    "None": (type(None), [None]),
    "bool": (bool, [True, False]),
    "int": (int, [0, -1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 2**200, -(2**2000)]),
    "float": (float, [0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf"), 5e-324, 1e16, -1e22, 1.8e308 / 10]),
    "str": (str, ["", "a", "漢字", '\x00\x1f\x7f\u2028\b\f\\"/', "x" * 300]),
    "bytes": (bytes, [b"", b"\x00\xff\xfb", bytes(300)]),
    "bytearray": (bytearray, [bytearray(), bytearray(b"\x00\xff")]),
    "datetime": (
        datetime,
        [
            NAIVE, NAIVE.replace(fold=1), MOMENT, MOMENT.replace(fold=1), MOMENT.replace(microsecond=0),
            NAIVE.replace(tzinfo=LONDON), datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=1),
            NAIVE.replace(tzinfo=INDIA), NAIVE.replace(tzinfo=ZoneInfo("UTC")), datetime(1, 1, 1, tzinfo=INDIA),
            *EDGES, *(edge.replace(tzinfo=UTC) for edge in EDGES),
            datetime(1969, 12, 31, 23, 59, 59, 500_000, UTC),
        ],
    ),
    "date": (date, [date.min, date.max, date(2026, 1, 2)]),
    "time": (time, [time(), time.max, time(1, fold=1), *(time(1, tzinfo=zone) for zone in (UTC, INDIA, LONDON))]),
    "timedelta": (timedelta, [timedelta(), timedelta(-1), timedelta(microseconds=-1), timedelta.min, timedelta.max]),
    "Decimal": (Decimal, [*map(Decimal, DECIMALS), Decimal("9" * 1000)]),
    "UUID": (UUID, [UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-1234-5678-1234-567812345678")]),
    "Any": (Any, [None, 1, (1, 2), {1: 2}, {1.5: {None: b"x"}}, {1, 2}, bytearray(b"x"), [MOMENT, NAIVE], 2**70]),
    "object": (object, [{"a": (1,)}]),
    "Enum": (Colour, list(Colour)),
    "IntEnum": (Level, list(Level)),
    "StrEnum": (Role, list(Role)),
    "Enum by name": (Mixed, list(Mixed)),
    "Enum of large integers": (Wide, list(Wide)),
    "Flag": (Access, [Access(0), Access.READ, Access.READ | Access.WRITE]),
    "IntFlag": (Mode, [Mode(0), Mode.A | Mode.B, Mode(1 << 50), Mode(1 << 70)]),
    "Literal": (Literal["a", 1, True] | None, ["a", 1, None, True]),
    "Literal of large integers": (Literal[2**63, 2**70, -5], [2**63, 2**70, -5]),
}  # fmt: skip


def laid(value: Any) -> Any:
    """The value with records that `same` does not know as tuples of their class and fields."""
    kind = type(value)
    if hasattr(kind, "__attrs_attrs__"):
        return kind, {one.name: laid(getattr(value, one.name)) for one in kind.__attrs_attrs__}
    if isinstance(value, pydantic.BaseModel) or hasattr(kind, "_fields"):
        names = kind._fields if hasattr(kind, "_fields") else kind.model_fields
        return kind, {name: laid(getattr(value, name)) for name in names}
    if kind in {list, tuple}:
        return kind(map(laid, value))
    return {key: laid(item) for key, item in value.items()} if kind is dict else value


def identical(one: Any, other: Any) -> bool:
    """Whether two values are equal with identical types all the way down."""
    return same(laid(one), laid(other))


def made(spec: str, schema: Any, limits: Limits | None = None) -> Transcoder[Any]:
    """The transcoder of the type, with a key if the spec has a seal."""
    return transcoder(spec, schema=schema, keys=KEYS if "+" in spec else (), limits=limits)


PACKED: dict[str, Callable[[Any], bytes]] = {
    "json": lambda tree: json.dumps(tree, separators=(",", ":")).encode(),
    "msgpack": msgpack.packb, "cbor": cbor2.dumps, "pickle": pickled,
}  # fmt: skip


def framed(typed: Transcoder[Any], tree: Any) -> bytes:
    """A frame as nobody's encoder writes it: any tree behind the header of the typed transcoder."""
    return typed._headers[0] + PACKED[typed.spec.codec.name](tree)


def problems(call: Callable[[Any], Any], argument: Any) -> list[Problem]:
    """What a call says is wrong."""
    with pytest.raises((EncodeError, SchemaMismatch)) as caught:
        call(argument)
    found = [Problem(*problem) for problem in caught.value.problems]
    assert found, caught.value
    assert found[0].message in str(caught.value)
    return found


def paths(call: Callable[[Any], Any], argument: Any) -> list[str]:
    """Where a call says that something is wrong."""
    return [problem.path for problem in problems(call, argument)]
