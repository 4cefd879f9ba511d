"""The session value set by example, and `same`, the equality that a transcoder is held to.

`PLAIN` is what every format holds by itself, `NATIVE` what some hold and others tag, `RICH` what all of them tag.
Every example is a pair of a name and a value. The registered types stand here too; `register_types` makes them known.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from transcoders import register

Example = tuple[str, Any]


class Colour(Enum):
    RED = 1
    GREEN = "green"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Role(StrEnum):
    ADMIN = "admin"


class Access(Flag):
    READ = 1
    WRITE = 2


class Mode(IntFlag):
    A = 1
    B = 1 << 40


@dataclass
class Point:
    x: int
    y: object = None


@dataclass(frozen=True)
class Money:
    amount: Decimal
    currency: str = "EUR"


@dataclass(slots=True)
class Line:
    start: Point
    end: Point


@dataclass
class Visit:
    url: str
    count: int = field(default=0, init=False)


@dataclass
class Ratio:
    share: float

    def __post_init__(self) -> None:
        """Refuse what is no share, by an error that is no ValueError."""
        if not 0 <= self.share <= 1:
            raise ArithmeticError


class Item(msgspec.Struct):
    sku: str
    price: Decimal


class Seat(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    row_number: int
    taken_at: object = None


TYPES: dict[str, type] = {
    f"values.{cls.__name__}": cls
    for cls in (Colour, Level, Role, Access, Mode, Point, Money, Line, Visit, Ratio, Item, Seat)
}


def register_types() -> None:
    """Make the types of the examples known to the library; may be called again."""
    for name, cls in TYPES.items():
        register("type", name, cls, replace=True)


def nested(depth: int, wrap: Callable[[Any], Any], leaf: Any = 0) -> Any:
    """The leaf inside so many containers."""
    for _ in range(depth):
        leaf = wrap(leaf)
    return leaf


def visited(url: str, count: int) -> Visit:
    """A visit whose field outside the constructor is set."""
    visit = Visit(url)
    visit.count = count
    return visit


LONDON = ZoneInfo("Europe/London")
AMBIGUOUS = datetime(2026, 10, 25, 1, 30, tzinfo=LONDON)
INDIA = timezone(timedelta(hours=5, minutes=30))
ODD = timezone(timedelta(hours=-3, minutes=-7, seconds=-9, microseconds=-11))
NAIVE = datetime.fromisoformat("2026-01-02T03:04:05.000006")
GRID = np.arange(24, dtype="<i4").reshape(2, 3, 4)

PLAIN: list[Example] = [
    ("None", None),
    ("True", True),
    ("False", False),
    ("texts", ["", "a"]),
    ("empty list", []),
    ("empty dict", {}),
    ("small integers", [0, 1, -1, 23, 24, 127, 128, -32, -33, -128, -129, 255, 256, 65535, 65536]),
    ("64-bit integers", [2**31, -(2**31) - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)]),
    ("floats", [0.0, -0.0, 0.1, -1.5, 1e16, 5e-324, 1.7976931348623157e308, 1.0]),
    ("CJK", ["漢字かなカナ한글"]),
    ("emoji", {"😀": "👩‍👩‍👧🇪🇺"}),
    ("Latin Extended", ["".join(map(chr, range(0x100, 0x1C0)))]),
    ("control characters", ["".join(map(chr, range(0x20))), "\x7f\x80\u2028\ufeff\uffff\U0010ffff"]),
    *((f"text of {size}", ["x" * size]) for size in (31, 32, 255, 256, 65535, 65536)),
    ("long Latin Extended", ["Ąħ" * 40_000]),
    ("list of 65536", [None] * 65536),
    ("dict of 70", {f"key {n}": n for n in range(70)}),
    ("same list twice", [[1, "a"]] * 2),
    ("dict in list in dict", {"a": [{"b": [{}, []]}], "": {"ç": None}}),
    ("look-alike of a tag", {"$set": [1]}),
    ("look-alikes inside", [{"$": 1}, {"a": {"$tuple": {"$dict": []}}}, {"$set": [1], "b": 2}, {"$$set": []}]),
    ("list 250 deep", nested(250, lambda value: [value])),
    ("dict 250 deep", nested(250, lambda value: {"k": value})),
    ("list and dict 250 deep", nested(125, lambda value: [{"k": value}])),
]

NATIVE: list[Example] = [
    ("text alone", "Ąħ漢"),
    ("empty text alone", ""),
    ("integer alone", 123),
    ("negative integer alone", -1),
    ("float alone", 1.5),
    ("2**64 - 1", 2**64 - 1),
    ("2**64", 2**64),
    ("-2**63 - 1", -(2**63) - 1),
    ("2**2000", 2**2000),
    ("-2**4000", -(2**4000)),
    ("big integers in list", [2**64, [-(2**64)]]),
    ("NaN", float("nan")),
    ("-NaN", -float("nan")),
    ("infinity", float("inf")),
    ("-infinity in dict", {"a": [float("-inf")]}),
    ("bytes", b"\x00\xff"),
    ("empty bytes", b""),
    ("bytearray", bytearray(b"\xc4\x01")),
    ("empty bytearray", bytearray()),
    ("long bytes", bytes(range(256)) * 280),
    ("long bytearray", bytearray(b"x" * 70_000)),
    ("bytes and bytearray", {"a": b"x", "b": [bytearray(b"x"), b"\x80" * 300]}),
    ("empty tuple", ()),
    ("tuple", (1, "a", None)),
    ("nested tuples", ((1,), [(2, ((),))], {"a": (3,)})),
    ("int keys", {1: "a", -1: "b", 2**63: "c", 0: "d"}),
    ("mixed keys", {1: "int", "1": "text", 1.5: "float", b"1": "bytes", (1,): "tuple"}),
    ("None key", {None: 1}),
    ("bool keys", {True: 1, False: 2}),
    ("float keys", {0.5: 1, float("inf"): 2, -2.5: 3}),
    ("NaN key", {float("nan"): 1}),
    ("two NaN keys", {float("nan"): 1, float("nan"): 2}),
    ("big int keys", {2**64: 1, -(2**63) - 1: 2}),
    ("tuple keys", {(1, (2, "a")): [1], (): 2}),
    ("bytes keys", {b"k": b"v", b"": b""}),
    ("tuples 250 deep", nested(250, lambda value: (value,))),
    ("int keys 250 deep", nested(250, lambda value: {1: value})),
]

RICH: list[Example] = [
    ("empty set", set()),
    ("set", {1, 2, 3}),
    ("mixed set", {None, 1, "1", 1.5, b"1", (1, "a"), frozenset({2})}),
    ("set of texts", set("abcdefghij")),
    ("set of two NaN", {float("nan"), float("nan")}),
    ("empty frozenset", frozenset()),
    ("frozensets in set", {frozenset({1, "a"}), frozenset({frozenset()}), frozenset()}),
    ("nested tuples in set", {(1, (2, ("a", frozenset({3})))), ((), ())}),
    ("frozensets 250 deep", nested(250, lambda value: frozenset({value}))),
    ("naive datetime", NAIVE),
    ("naive datetime, second fold", NAIVE.replace(fold=1)),
    ("UTC datetime", NAIVE.replace(tzinfo=UTC)),
    ("offset datetime", NAIVE.replace(tzinfo=INDIA)),
    ("offset datetime of microseconds", NAIVE.replace(tzinfo=ODD)),
    ("zone datetime", NAIVE.replace(tzinfo=LONDON)),
    ("zone datetime, fold without meaning", NAIVE.replace(tzinfo=LONDON, fold=1)),
    ("ambiguous datetime", AMBIGUOUS),
    ("ambiguous datetime, second fold", AMBIGUOUS.replace(fold=1)),
    ("first and last datetime", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=INDIA)]),
    ("dates", [date(2026, 1, 2), date.min, date.max]),
    ("times", [time(), time(1, 2, 3, 4), time.max, time(1, fold=1)]),
    ("aware times", [time(1, tzinfo=UTC, fold=1), time(2, tzinfo=ODD), time(3, tzinfo=LONDON, fold=1)]),
    ("timedeltas", [timedelta(), timedelta(-1, 5, 6), timedelta(microseconds=-1), timedelta.min, timedelta.max]),
    (
        "decimals",
        list(map(Decimal, ["0", "-0", "1.10", "-1.1E-30", "1E+6144", "0E+3", "123456789.000000000123456789"])),
    ),
    ("special decimals", list(map(Decimal, ["NaN", "-NaN", "NaN123", "sNaN", "-sNaN1", "Infinity", "-Infinity"]))),
    ("decimals of extreme exponent", [Decimal("9.99E+6144"), Decimal("-1E-6144")]),
    ("decimal of 1233 digits", Decimal("9" * 1_232 + ".9")),
    ("UUIDs", [UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-1234-5678-1234-567812345678")]),
    ("enum members", [Colour.RED, Colour.GREEN, Level.HIGH, Role.ADMIN]),
    ("flags", [Access.READ, Access.READ | Access.WRITE, Access(0), Mode.A | Mode.B]),
    ("dataclass", Point(1, [{"$set": [1]}])),
    ("frozen dataclass", Money(Decimal("9.99"))),
    ("dataclass that checks", Ratio(0.5)),
    ("slots dataclass of dataclasses", Line(Point(1, Point(2)), Point(3, (4,)))),
    ("field outside the constructor", visited("/", 7)),
    ("Structs", [Item("a", Decimal("1.10")), Seat(row_number=1, taken_at=NAIVE)]),
    ("records 60 deep", nested(60, lambda value: Point(1, value))),
    ("date keys", {date(2026, 1, 2): 1, NAIVE: 2, time(1): 3, timedelta(1): 4}),
    ("UUID and decimal keys", {UUID(int=1): 1, Decimal("1.10"): 2}),
    ("enum keys", {Colour.RED: 1, Level.LOW: 2, Role.ADMIN: 3, Access.READ: 4}),
    ("record and frozenset keys", {Money(Decimal(1)): 1, Seat(row_number=2): 2, frozenset({1}): 3}),
    ("look-alike beside a set", [{"$set": [1]}, {1}]),
    ("look-alikes of tags in tags", ({"$": 1}, {"a": {"$tuple": {"$dict": []}}}, {"$number": {1}})),
    ("look-alike with int key beside", [{"$set": [1], 2: set()}, {"\x7f": 1}]),
    ("float array", np.array([0.1, -0.0, np.nan, np.inf])),
    ("arrays of numbers", [np.array([0, 1], kind) for kind in ("i1", "u2", "<i4", ">u8", "f2", "<c16", "?")]),
    ("C order", GRID),
    ("F order", np.asfortranarray(GRID)),
    ("slices", [GRID[:, ::2], GRID[::-1, 1], GRID.transpose(1, 0, 2), np.broadcast_to(np.int8(1), (2, 2))]),
    ("empty arrays", [np.empty(0), np.empty((0, 3), "i2"), np.empty((2, 0), "U3"), np.empty(0, "S1")]),
    ("empty array of dates", np.empty(0, "M8[s]")),
    ("0-d arrays", [np.array(1.5), np.array("2026-01-02", "M8[D]")]),
    ("arrays of dates", [np.array(["2026-01-02", "NaT"], "M8[ms]"), np.array([1, -1], "m8[25us]")]),
    ("arrays of text", [np.array(["漢", "ab"]), np.array([b"a\x00b", b""]), np.array(["x"], ">U2")]),
    ("long array", np.arange(5_000, dtype="<i8")),
    ("long arrays of one content", [np.zeros(2_000, "u1"), np.zeros((40, 50), "u1", order="F")]),
]

EXAMPLES: list[Example] = [*PLAIN, *NATIVE, *RICH]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal with identical types all the way down.

    Stricter than `==`: the order of keys, signs of zero, digits of decimals, folds, zones and the layout of arrays
    count. One NaN is as good as another: its sign and payload are not kept.
    """
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Enum):
        return False
    rule = _RULES.get(type(one))
    if rule is not None:
        return rule(one, other)
    if is_dataclass(one) or isinstance(one, msgspec.Struct):
        return same(_parts(one), _parts(other))
    return bool(one == other)


def _same_items(one: Any, other: Any) -> bool:
    if len(one) != len(other):
        return False
    # A loop, not all(): a frame less for each level.
    for left, right in zip(one, other, strict=True):  # noqa: SIM110 - see above
        if not same(left, right):
            return False
    return True


def _same_pairs(one: Any, other: Any) -> bool:
    return _same_items(list(one), list(other)) and _same_items(list(one.values()), list(other.values()))


def _same_members(one: Any, other: Any) -> bool:
    left = list(other)
    for member in one:
        for index, candidate in enumerate(left):
            if same(member, candidate):
                del left[index]
                break
        else:
            return False
    return not left


def _same_moment(one: Any, other: Any) -> bool:
    bare = one.replace(tzinfo=None) == other.replace(tzinfo=None) and one.fold == other.fold
    return bare and type(one.tzinfo) is type(other.tzinfo) and bool(one.tzinfo == other.tzinfo)


def _same_array(one: Any, other: Any) -> bool:
    layout = one.dtype.str == other.dtype.str and one.shape == other.shape and one.flags.fnc == other.flags.fnc
    return layout and one.tobytes() == other.tobytes()


def _parts(record: Any) -> dict[str, Any]:
    names = [part.name for part in fields(record)] if is_dataclass(record) else record.__struct_fields__
    return {name: getattr(record, name) for name in names}


_RULES: dict[type, Callable[[Any, Any], bool]] = {
    list: _same_items,
    tuple: _same_items,
    dict: _same_pairs,
    set: _same_members,
    frozenset: _same_members,
    float: lambda one, other: repr(one) == repr(other),
    Decimal: lambda one, other: one.as_tuple() == other.as_tuple(),
    datetime: _same_moment,
    time: _same_moment,
    np.ndarray: _same_array,
}
