"""Fixed values behind the golden vectors, each with a name. What stands here is never changed, only added to.

The names of the registered types are in stored bytes, so these types are apart from those of `tests.values`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from transcoders import register
from transcoders.schema import Name, schema


class Tier(Enum):
    FREE = "free"
    PAID = "paid"


class Right(Flag):
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Price:
    amount: Decimal
    currency: str


class Basket(msgspec.Struct):
    owner: str
    prices: list[Price]


def register_types() -> None:
    """Make the types of the golden values known to the library; may be called again."""
    for cls in (Tier, Right, Price, Basket):
        register("type", f"golden.{cls.__name__}", cls, replace=True)


MOMENT = datetime(2026, 11, 22, 10, 11, 12, 131415, tzinfo=UTC)
AMBIGUOUS = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"))
WEST = timezone(timedelta(hours=-3, minutes=-30, seconds=-15))

GOLDEN: dict[str, Any] = {
    "none": None,
    "number": 12345,
    "fraction": -0.5,
    "text": "Žluťoučký kůň, 漢字, 😀",
    "session": {
        "user": 42,
        "name": "Ąħmed",
        "roles": ["admin", "editor"],
        "cart": [{"sku": "a-1", "count": 2, "price": 9.99}, {"sku": "b-2", "count": 1, "price": 19.5}],
        "flags": {"beta": True, "dark": False, "seen": None},
        "note": "the same words, the same words, the same words, the same words, the same words",
    },
    "numbers": [0, -1, 127, 128, 65536, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 0.1, -0.0, 1e300],
    "infinities": [float("inf"), float("-inf"), float("nan")],
    "big-integers": [2**64, -(2**63) - 1, 2**300],
    "bytes": {"bytes": b"\x00\xc4\xff", "bytearray": bytearray(b"xy"), "empty": b""},
    "containers": [(1, ("a",)), {1, 2, 3}, {"b", "a", (2,)}, frozenset({"x"}), (), set(), [], {}],
    "keys": {1: "int", "1": "text", None: "none", 2.5: "float", b"1": "bytes", (1, "a"): "tuple", 2: "two"},
    "look-alikes": [{"$set": [1]}, {"$": 1}, {"a": {"$tuple": {"$dict": []}}}, {4}],
    "datetimes": [
        MOMENT,
        MOMENT.replace(tzinfo=None),
        MOMENT.replace(tzinfo=None, fold=1),
        MOMENT.replace(tzinfo=WEST),
        AMBIGUOUS,
        AMBIGUOUS.replace(fold=1),
    ],
    "dates-and-times": [
        date(2026, 11, 22),
        time(10, 11, 12, 131415),
        time(1, tzinfo=UTC, fold=1),
        timedelta(-1, 5, 6),
        timedelta.max,
    ],
    "decimals": [Decimal("1.10"), Decimal("-0"), Decimal("1E+30"), Decimal("sNaN"), Decimal("-Infinity")],
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "enums": [Tier.PAID, Right.READ | Right.WRITE, {Tier.FREE: 1}],
    "records": Basket("Ann", [Price(Decimal("9.99"), "EUR")]),
    "arrays": [
        np.arange(6, dtype="<i2").reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=">f4").reshape(2, 3)),
        np.array(["2026-11-22"], "<M8[D]"),
        np.array(["漢"], "<U2"),
    ],
    "long-arrays": {"a": np.arange(130, dtype="<f8"), "b": np.arange(1030, dtype="|u1")},
    "long-bytes": {"a": b"a" * 70, "b": bytearray(b"b" * 70), "c": b"short", "d": bytearray(b"short")},
}

VIEWED: dict[str, Any] = {
    **GOLDEN,
    "long-bytes": {"a": memoryview(b"a" * 70), "b": memoryview(b"b" * 70), "c": b"short", "d": bytearray(b"short")},
}
"""What comes back with `pickle:views=64`."""


class Odd(Enum):
    ONE = 1
    TWO = "two"


class Spot(NamedTuple):
    x: float
    y: float = 0.0


class Gift(TypedDict, total=False):
    note: str
    to: str


@schema(version=2)
@dataclass
class Order:
    """A declared type with every kind of field."""

    nothing: None
    paid: bool
    count: int
    share: float
    owner: Annotated[str, Name("name")]
    raw: bytes
    buffer: bytearray
    at: datetime
    naive: datetime
    day: date
    hour: time
    span: timedelta
    price: Decimal
    id: UUID
    tier: Tier
    right: Right
    odd: Odd
    mode: Literal["fast", 1]
    cost: Price
    basket: Basket
    spots: list[Spot]
    gift: Gift
    roles: set[str]
    ids: frozenset[UUID]
    pair: tuple[int, str]
    many: tuple[float, ...]
    counts: dict[str, int]
    keyed: dict[int, Decimal]
    maybe: int | None
    due: datetime | date | str


ORDER = Order(
    nothing=None, paid=True, count=3, share=0.5, owner="Žofie", raw=b"\x00\xc4\xff", buffer=bytearray(b"xy"),
    at=MOMENT, naive=MOMENT.replace(tzinfo=None), day=date(2026, 11, 22), hour=time(10, 11, 12, 131415),
    span=timedelta(-1, 5, 6), price=Decimal("1.10"), id=UUID(int=5), tier=Tier.PAID, right=Right.READ | Right.WRITE,
    odd=Odd.TWO, mode="fast", cost=Price(Decimal("9.99"), "EUR"), basket=Basket("Ann", []),
    spots=[Spot(1.5), Spot(-0.0, 2.5)], gift={"to": "Eve"}, roles={"b", "a", "c"},
    ids=frozenset((UUID(int=7), UUID(int=6))), pair=(1, "a"), many=(0.25, 2.0), counts={"x": 1, "y": 2},
    keyed={3: Decimal(1), -1: Decimal("-0")}, maybe=None, due=date(2026, 1, 31),
)  # fmt: skip
TYPED: dict[str, tuple[Any, Any]] = {
    "typed": (Order, ORDER),
    "typed-rich": (Order, replace(ORDER, at=AMBIGUOUS, count=2**70, share=float("inf"), hour=time(1, tzinfo=UTC))),
    "typed-items": (list[Spot | None], [Spot(1.0), None]),
}
"""Payload types and their values: one that every format holds by itself, one that needs tags, one that is no record."""
