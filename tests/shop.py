"""Classes of a shop, one for each way in which Python pickles an instance, and the question whether graphs are alike.

`register_objects` makes them known to `pickle:objects=yes`. A child process imports them from here as well.
"""

import dataclasses
import pickle
from enum import Enum, Flag
from functools import cached_property
from types import MemberDescriptorType
from typing import Any, NamedTuple

import attrs
import msgspec
import pydantic

from tests.values import same
from transcoders import register


@dataclasses.dataclass(eq=False)
class Customer:
    name: str
    friends: Any = dataclasses.field(default_factory=list)
    cart: Any = None

    @cached_property
    def initial(self):
        """The first letter; kept in the instance once it was asked for."""
        return self.name[:1]


@dataclasses.dataclass(slots=True, eq=False)
class Line:
    sku: str
    cart: Any = None


@dataclasses.dataclass(frozen=True)
class Tag:
    """What is compared by value, so that it may be a key."""

    label: str
    more: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Seal:
    stamp: int


class Cart:
    """A class that declares nothing."""

    total = 0

    def __init__(self, *lines: Any) -> None:
        """Keep the lines."""
        self.lines = list(lines)

    def add(self, line: Any) -> None:
        """Put a line into it."""
        self.lines.append(line)


class Shelf:
    """A class with slots alone."""

    __slots__ = ("_Shelf__key", "above", "below")


class Wheel(Shelf):
    """Slots, and a dict beside them."""


LOCK = object()


class Till:
    """A class that says itself what is stored."""

    def __init__(self) -> None:
        """Count from nothing."""
        self.coins, self.lock = 0, LOCK

    def __getstate__(self):
        """The coins alone."""
        return {"coins": self.coins}

    def __setstate__(self, state):
        """The coins, and the lock that is not stored."""
        self.coins, self.lock = state["coins"], LOCK


class Label(str):
    __slots__ = ()


class Count(int):
    pass


class Weight(float):
    __slots__ = ()


class Rows(list):
    pass


class Index(dict):
    pass


class Range(tuple):
    __slots__ = ()


class Place(NamedTuple):
    row: int
    seat: Any = None


class Span:
    """A class that is made from arguments, as immutable ones are."""

    def __new__(cls, start, *, end):
        """The span."""
        made = super().__new__(cls)
        made.start, made.end = start, end
        return made

    def __getnewargs_ex__(self):
        """Both, one of them by name."""
        return (self.start,), {"end": self.end}


class Money:
    """A class that reduces itself to a call."""

    def __init__(self, amount, currency="EUR"):
        """Both."""
        self.amount, self.currency = amount, currency

    def __reduce__(self):
        """The call."""
        return Money, (self.amount, self.currency)


class Picture:
    """A class with a buffer that lies outside the pickle (PEP 574)."""

    def __init__(self, pixels):
        """A view of the pixels."""
        self.pixels = memoryview(pixels)

    def __reduce_ex__(self, protocol):
        """The call, with the buffer."""
        return Picture, (pickle.PickleBuffer(self.pixels),)


class Refusal(Exception):  # noqa: N818 - an exception is what it is to be
    pass


class Colour(Enum):
    RED = 1
    PAIR = (1, "b")


class Access(Flag):
    READ = 1
    WRITE = 2


class Item(msgspec.Struct):
    sku: str
    more: Any = None


@attrs.define
class Point:
    x: Any
    y: Any = None


@attrs.define(slots=False)
class Spot:
    x: Any
    y: Any = None


class User(pydantic.BaseModel):
    name: str
    age: int = 0


CLASSES = (
    *(Customer, Line, Tag, Seal, Cart, Shelf, Wheel, Till, Label, Count, Weight, Rows, Index, Range, Place, Span),
    *(Money, Picture, Refusal, Colour, Access, Item, Point, Spot, User),
)


def name(cls: type) -> str:
    """What a class is registered as."""
    return f"{cls.__module__}:{cls.__qualname__}"


def register_objects(*more: type) -> None:
    """Make the classes known; may be called again."""
    for cls in (*CLASSES, *more):
        register("object", name(cls), cls, replace=True)


def alike(one: Any, other: Any) -> bool:
    """Whether two graphs are the same, with types, shared parts and cycles."""
    met: dict[int, int] = {}
    back: dict[int, int] = {}
    queue = [(one, other)]
    while queue:
        left, right = queue.pop()
        if type(left) is not type(right):
            return False
        parts = _parts(left)
        if parts is None:
            if not same(left, right):
                return False
        elif id(left) in met or id(right) in back:
            if met.get(id(left)) != id(right) or back.get(id(right)) != id(left):
                return False
        else:
            met[id(left)], back[id(right)] = id(right), id(left)
            beside = _parts(right)
            if len(parts) != len(beside):
                return False
            queue += zip(parts, beside, strict=True)
    return True


def _parts(value: Any) -> list[Any] | None:
    """What lies in a value, in an order that does not depend on where; None when nothing can."""
    kind = type(value)
    if kind in {set, frozenset}:
        return sorted(value, key=repr)
    if kind is tuple and not value:
        return None  # there is one empty tuple
    if kind not in {*CLASSES, dict, list, tuple} or issubclass(kind, Enum):
        return None
    leaf: list[Any] = [base(value) for base in (str, int, float) if issubclass(kind, base)]
    if issubclass(kind, dict):
        leaf += [part for pair in value.items() for part in pair]
    elif issubclass(kind, list | tuple):
        leaf += value
    slots = [getattr(value, slot) for slot in _slots(kind) if hasattr(value, slot)]
    fields = getattr(value, "__dict__", {})
    return [*leaf, *slots, *(part for key in sorted(fields) for part in (key, fields[key]))]


def _slots(cls: type) -> list[str]:
    return [key for base in cls.__mro__ for key, part in vars(base).items() if type(part) is MemberDescriptorType]
