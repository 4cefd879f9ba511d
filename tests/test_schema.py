"""What cannot be a payload type, what bytes may do to one that can, and its use by several threads at once."""

import sys
import threading
from collections import namedtuple
from collections.abc import Callable
from dataclasses import InitVar, dataclass, make_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Annotated, Any, Generic, List, Literal, Tuple, TypeVar  # noqa: UP035

import annotated_types
import attr
import attrs
import msgspec
import pytest

from tests.payload_types import Cart, Line, Loose, Money, Named, Point, Spot
from tests.payloads import SPECS, identical, made, paths
from transcoders import Transcoder, transcoder
from transcoders.errors import EncodeError, SpecError
from transcoders.schema import Length, Name, Pattern, Range

every_spec = pytest.mark.parametrize("spec", SPECS)
T = TypeVar("T")


@dataclass
class Bare:
    items: list  # type: ignore[type-arg]


@dataclass
class Unread:
    fine: int
    broken: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


@dataclass
class Outside:
    size: InitVar[int]
    kept: int = 0


@dataclass
class Twice:
    one: Annotated[int, Name("x")]
    two: Annotated[int, Name("x")]


@dataclass
class Open(Generic[T]):
    value: T


@dataclass
class Endless(Generic[T]):
    next: "Endless[list[T]] | None" = None


class Undecorated(Cart):
    more: int = 0


@attrs.define
class Base:
    a: int


class Derived(Base):
    b: int = 0


@attr.s
class Untyped:
    a = attr.ib()


class Memberless(Enum):
    pass


REFUSED: list[tuple[Any, str]] = [
    (Untyped, r"Untyped\.a has no type"),
    (namedtuple("Plain", "a"), r"Plain\.a has no type: declare it with typing\.NamedTuple"),  # noqa: PYI024
    (Memberless, "Memberless has no members"),
    (int | Annotated[Any, Length(1)], "Any takes every value"),
    (list, "needs the types of its items"),
    (dict, r"such as dict\[str, int\]"),
    (List, "needs the types of its items"),  # noqa: UP006
    (Tuple, "needs the types of its items"),  # noqa: UP006
    (Bare, r"Bare\.items: list needs the types"),
    (Unread, r"Unread\.broken: the annotation cannot be read: name 'Nowhere'"),
    (Outside, r"Outside\.size is an InitVar"),
    (Twice, r"Twice\.one: two fields of Twice are stored as 'x'"),
    (Open, r"Open\.value: type parameter ~T is open"),
    (Open[T], r"Open\.value: type parameter ~T is open"),  # type: ignore[valid-type]
    (Endless[int], "Endless"),
    (Undecorated, "Undecorated has no __init__ made by @dataclass"),
    (Derived, "Derived derives from an attrs class"),
    (list[int] | list[str], "two alternatives are both list"),
    (int | Any, "Any takes every value"),
    (dict[list[int], str], "list is not hashable"),
    (set[Cart], "Cart is not hashable"),
    (set[Point], "Point is not hashable"),
    (set[Loose], "Loose is not hashable"),
    (frozenset[tuple[bytearray, ...]], "bytearray is not hashable"),
    (Callable[[int], int], "does not hold"),
    (complex, "does not hold 'complex'"),
    (Literal[b"x"], "a Literal holds str, int, bool and None, not bytes"),
    (list["Cart"], "does not hold 'Cart'"),
    ("Cart", "does not hold 'Cart'"),
    (["x"], "is not a type"),
    (Annotated[int, Length(1)], "int cannot be a length of at least 1"),
    (Annotated[str, Range(ge=0)], "str cannot be at least 0"),
    (Annotated[str, Pattern("(")], "is no regular expression"),
    (Annotated[int, annotated_types.Predicate(bool)], "is not one that a schema checks"),
    (Annotated[datetime, msgspec.Meta(tz=True)], "is not one that a schema checks"),
]


@pytest.mark.parametrize(("hint", "words"), REFUSED)
def test_what_cannot_be_a_schema(hint: Any, words: str) -> None:
    """A type that no schema can hold is refused when the transcoder is made, with the field."""
    with pytest.raises(SpecError, match=words):
        transcoder("json", schema=hint)
    record = make_dataclass("Holder", [("field", hint)]) if not isinstance(hint, str | list) else None
    if record:
        with pytest.raises(SpecError):
            transcoder("json", schema=record)


def test_compact_layout_needs_a_schema() -> None:
    """Layout compact has no meaning without a declared type."""
    with pytest.raises(SpecError, match="declared type"):
        transcoder("json:layout=compact")


def _carts(random: Random) -> list[Cart]:
    lines = [Line("sku", Money(Decimal(random.randrange(10_000)) / 100), random.randrange(9)) for _ in range(3)]
    return [Cart(random.randrange(2**40), lines, None, {"a", "b"}) for _ in range(random.randrange(4))]


def test_threads() -> None:
    """Transcoders used by eight threads at once give each its own right answer."""
    shared: list[Transcoder[Any]] = [made(spec, list[Cart]) for spec in (*SPECS, "json+blake2", "cbor+hmac")]
    wrong: list[object] = []

    def work(seed: int) -> None:
        random = Random(seed)  # noqa: S311
        for _ in range(40):
            for one in shared:
                carts = _carts(random)
                broken = random.random() < 0.2 and bool(carts)
                if broken:
                    carts[0].user = "x"  # type: ignore[assignment]
                try:
                    if not identical(one.decode(one.encode(carts)), carts):
                        wrong.append(carts)
                except EncodeError as error:
                    if not broken or [path for path, _ in error.problems] != ["$[0].user"]:
                        wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


def test_payloads_of_odd_classes() -> None:
    """Attributes beside the fields are no part of a payload; a deleted field is a problem."""
    named = Named(first="f")
    named.extra = 1  # type: ignore[attr-defined]
    for spec in SPECS:
        assert made(spec, Named).decode(made(spec, Named).encode(named)) == Named(first="f")
        assert made(spec, Spot).decode(made(spec, Spot).encode(Spot(1))) == Spot(1)
    del named.first
    assert paths(made("json", Named).encode, named) == ["$.first"]
