"""The fingerprint of a shape: written down byte by byte, the same for the same bytes, another for others."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, Flag
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict

import msgspec
import pytest

from transcoders import peek, transcoder
from transcoders.cli.inspecting import inspect
from transcoders.schema import Length, Name, schema
from transcoders.schema.reading import shape
from transcoders.schema.versions import fingerprint, outline

FORMAT = (Path(__file__).parent.parent / "docs" / "format.md").read_text("utf-8")


class Tier(Enum):
    FREE = "free"


class Tiers(Enum):
    FREE = "free"
    PAID = "paid"


class Level(Enum):
    LOW = 1


class Odd(Enum):
    LOW = 1
    HIGH = "high"


class Right(Flag):
    READ = 1


@dataclass
class Line:
    sku: str
    count: int


@dataclass
class Cart:
    owner: Annotated[str, Name("name"), Length(1, 80)]
    tier: Tier
    due: date | None
    lines: list[Line]
    first: Line


def test_the_example_of_the_format_is_true():
    """The text and the fingerprint that stand in the format are those of a class, by the formula that stands there."""
    (text,) = re.findall(r"```\n(record\(.*)\n```", FORMAT)
    (mark,) = re.findall(r"fingerprint `([0-9a-f]{8})`", FORMAT)
    assert hashlib.blake2b(text.encode(), digest_size=4, person=b"tc-schema/1").hexdigest() == mark
    assert outline(shape(Cart)) == text
    assert fingerprint(shape(Cart)).hex() == mark


class Tree(msgspec.Struct):
    label: str
    children: list["Tree"] = []


class Gift(TypedDict):
    sku: str
    count: NotRequired[int]


OUTLINES: dict[str, Any] = {
    "none": None, "bool": bool, "any": Any, "decimal": Decimal, "enum-str": Tier,
    "enum-int": Level, "enum-name": Odd, "enum-bits": Right, "literal(bool,int,str)": Literal["a", 1, True],
    "either(literal(int),none)": Literal[1] | None,
    "list(int)": list[int], "tuple(int)": tuple[int, ...], "set(str)": set[str], "frozenset(str)": frozenset[str],
    "fixed(int,str)": tuple[int, str], "fixed()": tuple[()], "dict(str,list(int))": dict[str, list[int]],
    "either(int,none)": Optional[int], "named(date=date,str=str)": str | date,  # noqa: UP045
    'named(Gift=record("sku":str,"count"?:int),Line=record("sku":str,"count":int))': Line | Gift,
    'record("label":str,"children":list(again(0)))': Tree,
    'record("a b":int,"\\u00e9\\"":str)': TypedDict("Odd", {"a b": int, 'é"': str}),
}  # fmt: skip


@pytest.mark.parametrize("text", OUTLINES)
def test_each_kind_of_type_has_its_text(text):
    """The text is the one that the format describes."""
    assert outline(shape(OUTLINES[text])) == text


def _record(**fields: Any) -> Any:
    return TypedDict("Cart", fields)


SAME: dict[str, tuple[Any, Any]] = {
    "a name in Python": (_record(title=str), _record(label=Annotated[str, Name("title")])),
    "a constraint": (_record(a=str), _record(a=Annotated[str, Length(1)])),
    "a default": (Line, dataclass(type("Line", (), {"__annotations__": {"sku": str, "count": int}, "count": 1}))),
    "the family": (Line, NamedTuple("Line", [("sku", str), ("count", int)])),
    "members of an Enum": (_record(a=Tier), _record(a=Tiers)),
    "values of a Literal": (_record(a=Literal["x"]), _record(a=Literal["x", "y"])),
    "the order of a union": (_record(a=int | str), _record(a=str | int)),
    "the name of a class alone": (list[Line], list[dataclass(type("Other", (), dict(vars(Line))))]),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_what_the_bytes_do_not_show_does_not_count(what):
    """Bytes do not change with it, so the fingerprint does not."""
    one, other = SAME[what]
    assert fingerprint(shape(one)) == fingerprint(shape(other))


OTHERS = [
    *(_record(a=one) for one in (int, str, float, int | None, NotRequired[int], Tier, Level, Odd, Right, Literal[1])),
    *(_record(a=one) for one in (list[int], set[int], tuple[int], tuple[int, ...], dict[str, int], date | str)),
    *(_record(a=one) for one in (date | str | None, _record(b=int), _record(b=str))),
    _record(a=int, b=str), _record(b=str, a=int), _record(**{"a:int,b": str}), _record(**{'a":int,"b': str}),
    _record(a=_record(), b=str), list[int], Line, Tree, None,
]  # fmt: skip


def test_other_shapes_have_other_texts():
    """No two shapes have one text, whatever stands in the names of their fields."""
    assert [(one, other) for one, other in combinations(map(outline, map(shape, OTHERS)), 2) if one == other] == []


@pytest.mark.parametrize("filters", ["", "+zlib", "+blake2", "+zlib+hmac"])
@pytest.mark.parametrize("layout", ["map", "compact"])
@pytest.mark.parametrize("codec", ["json", "msgpack", "cbor", "pickle"])
def test_a_frame_says_what_wrote_it(codec, layout, filters):
    """Version, fingerprint and layout can be seen without the type, in `peek` and in `inspect`."""
    cls = schema(version=513)(dataclass(type("Line", (), {"__annotations__": {"sku": str}})))
    keys = [bytes(32)] if "blake2" in filters or "hmac" in filters else []
    data = transcoder(f"{codec}:layout={layout}{filters}", schema=cls, keys=keys).encode(cls("a" * 99))
    mark = fingerprint(shape(cls)).hex()
    header = peek(data)
    assert (header.schema_version, header.fingerprint, header.layout) == (513, mark, layout)
    assert header.body_size == len(data) - 5 - len(header.filters) - 6
    found = inspect(data, decode=True, env=None, accept=())
    assert ("schema", f"version 513, fingerprint {mark}, layout {layout}") in found.rows()
    assert found.record()["header"]["fingerprint"] == mark
    assert found.problem == "the frame is of a declared type, and only that type decodes it"
    assert not found.ok


def test_a_frame_without_a_type_says_so():
    """There is no version, no fingerprint and no layout, and no row for them."""
    data = transcoder("json").encode({})
    header = peek(data)
    assert (header.schema_version, header.fingerprint, header.layout) == (0, "", "")
    assert "schema" not in dict(inspect(data, decode=False, env=None, accept=()).rows())
