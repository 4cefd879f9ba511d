"""Bytes and values that are made to do harm to a typed transcoder: too deep, too large, of one hash."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests import values
from tests.handmade import framed as untyped_frame
from tests.payload_types import Cart, Cat, Dog, Point, Tree
from tests.payloads import SPECS, framed, made, paths
from transcoders import Limits, transcoder
from transcoders.errors import DecodeError, EncodeError, SchemaMismatch

every_spec = pytest.mark.parametrize("spec", SPECS)


@dataclass
class Late:
    when: datetime
    next: "Late | None" = None


@dataclass
class Loosely:
    value: Any = None
    next: "Annotated[Loosely | None, 'a mark']" = None


@dataclass
class Branch:
    parts: "list[Branch]" = field(default_factory=list)


@dataclass
class Shelf:
    parts: "dict[str, Shelf]" = field(default_factory=dict)


class Linked(TypedDict):
    next: "Linked | None"


@dataclass
class Left:
    side: "Left | Right | None" = None


@dataclass
class Right:
    side: "Left | Right | None" = None


PLACE = datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/London"))
CHAINS: list[tuple[Any, Callable[[Any], Any], int]] = [
    (Tree, lambda inner: Tree(1, inner), 250),
    (Late, lambda inner: Late(PLACE, inner), 250),
    (Loosely, lambda inner: Loosely(1, inner), 250),
    (Linked, lambda inner: {"next": inner}, 250),
    (Branch, lambda inner: Branch([inner] if inner else []), 125),
    (Shelf, lambda inner: Shelf({"a": inner} if inner else {}), 125),
    (list[Branch], lambda inner: [Branch(inner or [])], 124),
    (Left, lambda inner: Left(Right(inner)), 62),
]
"""Recursive types, what makes a value of one out of another, and how often that can be done."""


def _grown(grow: Callable[[Any], Any], times: int) -> Any:
    value = None
    for _ in range(times):
        value = grow(value)
    return value


@every_spec
@pytest.mark.parametrize(("hint", "grow", "most"), CHAINS, ids=[str(hint) for hint, *_ in CHAINS])
def test_depth(spec: str, hint: Any, grow: Callable[[Any], Any], most: int) -> None:
    """Values of recursive types go 250 containers deep, in and out, and not one deeper."""
    typed = made(spec, hint)
    frame = typed.encode(_grown(grow, most))
    assert typed.encode(typed.decode(frame)) == frame
    for times in (most + 1, most + 2, 1000, 20_000):
        with pytest.raises(EncodeError, match="nested"):
            typed.encode(_grown(grow, times))
    for depth in (1, 2, 10, 11):
        with pytest.raises(DecodeError):
            made(spec, hint, Limits(depth=depth)).decode(frame)


@every_spec
def test_cycles(spec: str) -> None:
    """A value that contains itself is refused."""
    tree, branch = Tree(1), Branch()
    tree.left = tree
    branch.parts.append(branch)
    for value in (tree, branch):
        with pytest.raises(EncodeError, match="in a cycle"):
            made(spec, type(value)).encode(value)


def _uuids(spec: str, numbers: Iterable[int]) -> list[Any]:
    return [str(UUID(int=one)) if spec.startswith("json") else UUID(int=one).bytes for one in numbers]


@every_spec
def test_keys_of_one_hash(spec: str) -> None:
    """Where no seal vouches for them, many members whose hash can be chosen are neither read nor written."""
    modulus, most = sys.hash_info.modulus, Limits().collisions
    numbers = [modulus * factor for factor in range(1, 10 * most)]
    wires: list[tuple[Any, list[Any]]] = [
        (set[UUID], _uuids(spec, numbers)),
        (frozenset[Decimal], list(map(str, numbers))),
        (set[timedelta], list(range(10 * most))),
        (set[tuple[UUID, ...]], [[one] for one in _uuids(spec, numbers)]),
        (dict[UUID, int], [part for one in _uuids(spec, numbers) for part in (one, 1)]),
    ]
    for hint, wire in wires:
        typed = made(spec, hint)
        assert paths(typed.decode, framed(typed, wire)) == ["$"]
    many = {UUID(int=one): one for one in range(most + 1)}
    with pytest.raises(EncodeError, match="seal the transcoder"):
        made(spec, dict[UUID, int]).encode(many)
    sealed = made(f"{spec}+blake2", dict[UUID, int])
    assert sealed.decode(sealed.encode(many)) == many
    for hint, wire in ((set[int], list(range(5 * most))), (set[str], list(map(str, range(5 * most))))):
        typed = made(spec, hint)
        assert len(typed.decode(framed(typed, wire))) == 5 * most
        assert typed.decode(typed.encode(set(wire))) == set(wire)


@every_spec
def test_numbers_beyond_the_limits(spec: str) -> None:
    """A number that the limits refuse is neither written nor read, in a union or under a lower limit as well."""
    huge: list[tuple[Any, Any, Any]] = [
        (int, 10**1300, 10**1300),
        (int | str, 10**1300, 10**1300),
        (Decimal, Decimal("1E+6145"), "1E+6145"),
        (Decimal, Decimal("1E-999999"), "1E-999999"),
        (Decimal, Decimal("9" * 1234), "9" * 1234),
    ]
    for hint, value, wire in huge:
        typed = made(spec, list[hint])
        assert paths(typed.encode, [value]) == ["$[0]"]
        if hint is Decimal:
            assert paths(typed.decode, framed(typed, [wire])) == ["$[0]"]
        elif not spec.startswith("msgpack"):
            with pytest.raises(DecodeError):
                typed.decode(framed(typed, [wire]))
    low = made(spec, list[Decimal], Limits(digits=20, exponent=7))
    assert low.decode(low.encode([Decimal("1.10"), Decimal("1E-7")])) == [Decimal("1.10"), Decimal("1E-7")]
    for text in ("123456789", "1E-8", "1." + "1" * 20):
        assert paths(low.encode, [Decimal(text)]) == ["$[0]"]
        assert paths(low.decode, framed(low, [text])) == ["$[0]"]


LENGTHS = {
    "msgpack": [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x91\xdd\xff\xff\xff\xff"],
    "cbor": [b"\x9b\x00\x00\x01" + bytes(5), b"\xbb\x7f" + b"\xff" * 7, b"\x5b\x00\x00\x01" + bytes(5), b"\x9f"],
    "pickle": [b"\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x80\x05\x96" + b"\xff" * 8 + b"."],
    "json": [b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"9" * 100_000 + b"]"],
}


@every_spec
def test_declared_lengths_and_depths(spec: str) -> None:
    """Bytes that declare more than they hold, or open more than anybody closes, are refused at once."""
    for hint in (list[int], dict[str, int], Cart, Branch, tuple[bytes, ...], Any):
        typed = made(spec, hint)
        for data in LENGTHS[typed.spec.codec.name]:
            with pytest.raises(DecodeError):
                typed.decode(typed._headers[0] + data)


@every_spec
def test_nothing_is_written_that_is_not_read(spec: str) -> None:
    """A value of more entries than the limit is either refused or comes back."""
    typed = made(spec, list[int], Limits(items=100))
    for size in (100, 101, 1000):
        try:
            frame = typed.encode([1] * size)
        except EncodeError:
            continue
        assert typed.decode(frame) == [1] * size


@every_spec
def test_keys_that_have_no_short_text(spec: str) -> None:
    """A key may be too long to be written at all; it is described then."""
    typed = made(spec, dict[int, str])
    assert paths(typed.encode, {10**5000: "x"}) == ["$[int] key"]
    assert paths(typed.encode, {10**5000: 1, (1,): "x"}) == ["$[int] key", "$[int]", "$[tuple of 1] key"]
    if spec == "pickle":
        with pytest.raises(DecodeError):
            made(spec, Point).decode(framed(made(spec, Point), {"x": 1, 10**5000: 2}))


def test_instances_in_bytes_are_checked_inside() -> None:
    """A registered type in a tagged body is no way around the checks of the declared one."""
    assert values.TYPES["values.Item"] is values.Item
    typed = made("json", values.Item)
    header = typed._headers[1]
    right, wrong = (
        b'{"$record":["values.Item",{"sku":%s,"price":{"$decimal":"1.10"}}]}' % sku for sku in (b'"a"', b"7")
    )
    assert typed.decode(header + right) == values.Item("a", Decimal("1.10"))
    with pytest.raises(SchemaMismatch, match=r"\$\.sku: expected str, found int"):
        typed.decode(header + wrong)


def test_alternatives_that_nothing_tells_apart() -> None:
    """A session without a type, nested in alternatives that all fit, takes no time that doubles with each level."""
    typed = transcoder("json", schema=Cat | Dog | Left | Right, accept=["json"])
    tree: Any = None
    for _ in range(200):
        tree = {"side": tree}
    with pytest.raises(SchemaMismatch):
        typed.decode(untyped_frame("json", 0, b'{"side":' * 200 + b"null" + b"}" * 200))
    assert typed.decode(typed.encode(Left(Right()))) == Left(Right())
