"""Payload types of every family and with every kind of field; values of them are in `tests.payloads`."""

from dataclasses import KW_ONLY, dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Required,
    TypedDict,
    TypeVar,
)

import annotated_types
import attrs
import msgspec
import pydantic

from transcoders.schema import Length, Name, Pattern, Range

T = TypeVar("T")
U = TypeVar("U")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"
    CRIMSON = "red"  # noqa: PIE796 - an alias


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Role(StrEnum):
    ADMIN = "admin"
    GUEST = "guest"


class Mixed(Enum):
    ONE = 1
    TWO = "two"
    PAIR = (1, 2)


class Wide(Enum):
    SMALL = 1
    BIG = 2**63
    HUGE = 2**70


class Access(Flag):
    READ = 1
    WRITE = 2


class Mode(IntFlag):
    A = 1
    B = 1 << 40


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str = "EUR"


@dataclass
class Line:
    sku: str
    price: Money
    count: int = 1


@dataclass
class Cart:
    user: int
    lines: list[Line] = field(default_factory=list)
    seen: datetime | None = None
    tags: set[str] = field(default_factory=set)


@dataclass
class Gift(Cart):
    note: str = ""


@dataclass(kw_only=True)
class Named:
    first: str
    last: str = "x"


@dataclass
class Half:
    a: int
    _: KW_ONLY
    b: int = 1
    c: int


@dataclass
class Visit:
    url: str
    count: int = field(default=0, init=False)


@dataclass
class Ratio:
    share: float

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.share <= 1:
            raise ArithmeticError(f"the share is {self.share}")


@dataclass
class Box(Generic[T]):
    value: T
    more: list[T] = field(default_factory=list)


@dataclass
class Labelled(Box[U], Generic[U]):
    label: U | None = None


@dataclass
class Numbered(Labelled[int]):
    number: int = 0


@dataclass
class Tree:
    value: int
    left: "Tree | None" = None
    right: "Tree | None" = None


@dataclass
class Folder:
    files: "dict[str, File]" = field(default_factory=dict)


@dataclass
class File:
    inside: Folder | None = None


@dataclass
class Cat:
    name: str


@dataclass
class Dog:
    name: str


class Point(msgspec.Struct):
    x: int
    y: float = 0.0


class Seat(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    row_number: int
    taken_at: datetime | None = None


class Tagged(msgspec.Struct, tag="t", array_like=True):
    a: int
    b: Point


class Sparse(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    a: int = 1
    b: list[int] = msgspec.field(default_factory=list)


class Pair(msgspec.Struct, Generic[T]):
    one: T
    two: T | None = None


@attrs.define
class Account:
    name: str
    _secret: str = "s"
    roles: list[Role] = attrs.Factory(list)


@attrs.frozen
class Age:
    years: int = attrs.field(converter=int)
    unit: str = attrs.field(kw_only=True, default="y", alias="in_")


@attrs.define(slots=False)
class Admin(Account):
    level: Level = Level.LOW


class Spot(NamedTuple):
    x: int
    y: int = 0


class Spots(NamedTuple, Generic[T]):
    first: T
    spot: Spot = Spot(1)


class Basic(TypedDict):
    a: int
    b: str


class Partial(Basic, total=False):
    c: int
    d: Required[float]


class Loose(TypedDict):
    a: int
    b: NotRequired[list[int]]


Odd = TypedDict("Odd", {"from": int, "a-b": str, 'quo"te': int, "é": int})


class Part(pydantic.BaseModel):
    size: Decimal = Decimal("1.10")


class Model(pydantic.BaseModel):
    number: int = pydantic.Field(alias="Number")
    parts: list[Part] = []
    when: datetime | None = None

    @pydantic.field_validator("number")
    @classmethod
    def check(cls, value: int) -> int:
        """Refuse negative numbers."""
        if value < 0:
            raise ValueError(f"{value} is negative")
        return value


UserId = NewType("UserId", int)


@dataclass
class Marked:
    user: UserId
    name: Annotated[str, Length(1, 8), Pattern("[a-z]+")]
    price: Annotated[Decimal, Range(ge=0)]
    rate: Annotated[float, annotated_types.Interval(ge=0, lt=10)]
    counts: Annotated[list[Annotated[int, annotated_types.Gt(0)]], annotated_types.Len(0, 3)]
    code: Annotated[str, msgspec.Meta(pattern="^x", description="starts with x")]
    size: Final[int] = 3
    old: Annotated[int, Name("was")] = 0


@dataclass
class Mixture:
    text: int | str | None
    number: float | int
    moment: datetime | date | str
    animal: Cat | Dog | None
    items: list[int] | dict[str, int]
    data: bytes | str
    span: float | timedelta
    choice: Literal["a", 1, True] | None
    anything: Any
