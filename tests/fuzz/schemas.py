"""Typed transcoders over a model with a field of every kind, in both layouts, and frames of its version before.

Imported where `transcoders.schema` can be.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from tests.fuzz import oracle
from tests.fuzz.drawing import drawn
from tests.fuzz.formats import cbor, json, msgpack, pickle
from tests.fuzz.target import Target
from tests.handmade import TAGS
from tests.strategies import FINITE, MOMENTS, SMALL, TEXTS, ZONES, plain_values, session_values
from transcoders import EncodeError, Limits, frame, transcoder
from transcoders.schema import Length, Name, Pattern, Range, Unknown, migrate, schema

WRITTEN = {"json": json, "msgpack": msgpack, "cbor": cbor, "pickle": pickle}
_TIGHT = Limits(size=6000, depth=8)
_LONGEST = 2500
_LAYOUTS = ("map", "compact")


class Kind(Enum):
    CASH = "cash"
    CARD = "card"


class Grade(IntEnum):
    LOW = 1
    HIGH = 2


class Odd(Enum):
    ONE = (1, 2)
    TWO = None


class Right(Flag):
    READ = 1
    WRITE = 2


class Spot(NamedTuple):
    x: int
    y: float = 0.5


class Wish(TypedDict, total=False):
    sku: str
    size: int


class Product(msgspec.Struct, rename="camel"):
    sku_code: str
    price: Decimal
    stock: int | None = None


class Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    when: datetime | None = None


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0


@dataclass(slots=True)
class Slim:
    name: str
    rest: Annotated[dict[str, Any], Unknown] = field(default_factory=dict)


@dataclass
class Leaves:
    nothing: None
    yes: bool
    count: int
    share: float
    text: str
    raw: bytes
    buffer: bytearray
    moment: datetime
    day: date
    clock: time
    span: timedelta
    price: Decimal
    ident: UUID
    anything: Any
    kind: Kind
    grade: Grade
    odd: Odd
    right: Right
    choice: Literal["a", 1, True] | None


@dataclass
class Holders:
    items: list[int]
    names: tuple[str, ...]
    pair: tuple[int, str]
    tags: set[str]
    marks: frozenset[UUID]
    moments: set[datetime]
    by_name: dict[str, float]
    by_number: dict[int, str]
    by_point: dict[tuple[int, str], list[Point]]
    bare: int | str | None
    labelled: datetime | date | str | bytes
    nested: list[int] | dict[str, list[bool]]
    bounded: Annotated[int, Range(ge=0, lt=100)]
    short: Annotated[str, Length(1, 5), Pattern("[a-z]+")]
    few: Annotated[list[float], Length(0, 3)]


Some = TypedDict("Some", Leaves.__annotations__ | Holders.__annotations__, total=False)  # type: ignore[operator]
"""Any of these fields: with a few of them, a mutation is often right by type."""


@schema(version=2)
@dataclass
class Whole:
    leaves: Leaves
    holders: Holders
    product: Product
    closed: Closed
    spot: Spot
    wish: Wish
    slim: Slim
    renamed: Annotated[int, Name("r")] = 5
    child: "Whole | None" = None
    points: list[Point] = field(default_factory=list)


@migrate(Whole, since=2)
def renamed_is_a_number(fields: dict[str, Any]) -> dict[str, Any]:
    """Version 1 held the number as text."""
    return fields | {"renamed": int(fields["renamed"])} if "renamed" in fields else fields


_TIMES = st.times(timezones=st.none() | ZONES)
_UUIDS = st.uuids()
_LEAVES = dict(  # noqa: C408 - named as the fields are
    nothing=st.none(), yes=st.booleans(), count=st.integers(), share=st.floats(), text=TEXTS,
    raw=st.binary(max_size=20), buffer=st.binary(max_size=20).map(bytearray), moment=MOMENTS, day=st.dates(),
    clock=_TIMES, span=st.timedeltas(), price=st.decimals(), ident=_UUIDS, anything=session_values() | plain_values(),
    kind=st.sampled_from(Kind), grade=st.sampled_from(Grade), odd=st.sampled_from(Odd),
    right=st.integers(0, 3).map(Right), choice=st.sampled_from(["a", 1, True, None]),
)  # fmt: skip
_POINTS = st.builds(Point, SMALL, SMALL)
_HOLDERS = dict(  # noqa: C408 - as above
    items=st.lists(st.integers(), max_size=3), names=st.lists(TEXTS, max_size=3).map(tuple),
    pair=st.tuples(SMALL, TEXTS), tags=st.sets(TEXTS, max_size=3), marks=st.frozensets(_UUIDS, max_size=3),
    moments=st.sets(MOMENTS, max_size=2), by_name=st.dictionaries(TEXTS, FINITE, max_size=3),
    by_number=st.dictionaries(SMALL, TEXTS, max_size=3),
    by_point=st.dictionaries(st.tuples(SMALL, TEXTS), st.lists(_POINTS, max_size=2), max_size=2),
    bare=SMALL | TEXTS | st.none(), labelled=MOMENTS | st.dates() | TEXTS | st.binary(max_size=9),
    nested=st.lists(SMALL, max_size=2) | st.dictionaries(TEXTS, st.lists(st.booleans(), max_size=2), max_size=2),
    bounded=st.integers(0, 99), short=st.from_regex("[a-z]{1,5}", fullmatch=True),
    few=st.lists(st.floats(), max_size=3),
)  # fmt: skip
_WHOLES = st.builds(
    Whole, leaves=st.builds(Leaves, **_LEAVES), holders=st.builds(Holders, **_HOLDERS),
    product=st.builds(Product, TEXTS, st.decimals(), st.none() | SMALL),
    closed=st.builds(Closed, TEXTS, st.none() | MOMENTS), spot=st.builds(Spot, SMALL, FINITE),
    wish=st.fixed_dictionaries({}, optional={"sku": TEXTS, "size": SMALL}), slim=st.builds(Slim, TEXTS),
    renamed=SMALL, points=st.lists(_POINTS, max_size=2),
)  # fmt: skip
_SOME = st.fixed_dictionaries({}, optional=_LEAVES | _HOLDERS)


def builders() -> Iterator[tuple[str, Callable[[], Target]]]:
    """Names and what builds each."""
    for name in WRITTEN:
        yield f"schema-{name}", lambda name=name: _typed(name)


def _typed(name: str) -> Target:
    made = [(cls, transcoder(f"{name}:layout={layout}", schema=cls)) for cls in (Whole, Some) for layout in _LAYOUTS]
    drawings = {Whole: drawn(_WHOLES, 12), Some: drawn(_SOME, 60)}
    frames = [data for cls, t in made for value in drawings[cls] if (data := _encoded(t, value))]
    stamps = sorted({data[5:11] for data in frames})
    headers = tuple(
        frame.header(TAGS[name], form, (), stamp, compact=compact)
        for form in (frame.PLAIN, frame.TAGGED)
        for stamp in (*stamps, b"\0\1" + stamps[-1][2:], b"")
        for compact in (False, bool(stamp))
    )
    readers = [t for _, t in made] + [transcoder(name, schema=Whole, accept=[name], limits=_TIGHT)]

    def check(data: bytes) -> str:
        found = [oracle.decodes(t, data) for t in readers]
        return next((one for one in found if one.startswith("value")), found[stamps[0] in data[5:11]])

    short = [data for data in frames if len(data) <= _LONGEST]
    return Target(f"schema-{name}", check, lambda: short, written=WRITTEN[name], headers=headers)


def _encoded(t: Any, value: Any) -> bytes:
    try:
        data: bytes = t.encode(value)
    except EncodeError:
        return b""
    return data
