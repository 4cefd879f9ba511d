"""Random payload types, each with a strategy of its values: leaves in containers, unions and records."""

from collections.abc import Callable
from dataclasses import make_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypedDict, Union
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from tests.payload_types import Access, Colour, Level, Mixed
from tests.strategies import MOMENTS, SMALL, TEXTS, ZONES, Strategy
from transcoders.schema import Length, Range


class Shape(NamedTuple):
    """A type, a strategy of its values, and whether they can be keys that compare with themselves."""

    hint: Any
    values: Strategy
    key: bool = True

    def __repr__(self) -> str:
        """The type."""
        return repr(self.hint)


_DECIMALS = st.decimals(-1000, 1000, places=2) | st.decimals(-(10**9), 10**9) | st.decimals(allow_nan=True).filter(
    lambda value: abs(value.adjusted()) < 6000
)  # fmt: skip
_LEAVES = [
    Shape(type(None), st.none()),
    Shape(bool, st.booleans()),
    Shape(int, st.integers() | SMALL),
    Shape(float, st.floats() | st.integers(-100, 100).map(float), key=False),
    Shape(str, TEXTS | st.text()),
    Shape(bytes, st.binary(max_size=20)),
    Shape(bytearray, st.binary(max_size=20).map(bytearray), key=False),
    Shape(datetime, MOMENTS | st.datetimes(timezones=st.just(UTC)) | st.datetimes()),
    Shape(date, st.dates()),
    Shape(time, st.times() | st.times(timezones=ZONES) | st.times().map(lambda moment: moment.replace(fold=1))),
    Shape(timedelta, st.timedeltas()),
    Shape(Decimal, _DECIMALS, key=False),
    Shape(UUID, st.uuids()),
    *(Shape(cls, st.sampled_from(cls)) for cls in (Colour, Level, Mixed)),
    Shape(Access, st.integers(0, 3).map(Access)),
    Shape(Literal["a", 1, False], st.sampled_from(["a", 1, False])),
    Shape(Literal["x", "y"], st.sampled_from("xy")),
    Shape(Annotated[int, Range(ge=0)], st.integers(0, 2**70)),
    Shape(Annotated[float, Range(ge=0)], st.floats(0), key=False),
    Shape(Annotated[str, Length(0, 100)], TEXTS),
]


def _tuple(parts: list[Shape]) -> Shape:
    hint = tuple[tuple(part.hint for part in parts)]  # type: ignore[misc]
    return Shape(hint, st.tuples(*(part.values for part in parts)), all(part.key for part in parts))


def _union(parts: list[Shape]) -> Shape:
    hint = Union[tuple(part.hint for part in parts)]  # noqa: UP007 - made at run time
    return Shape(hint, st.one_of(*(part.values for part in parts)), all(part.key for part in parts))


_NUMBERS = count()


def _record(draw: Callable[[Strategy], Any], parts: list[Shape]) -> Shape:
    """A class of one of the families with these fields."""
    name, names = f"Record{next(_NUMBERS)}", [f"f{index}" for index in range(len(parts))]
    fields = list(zip(names, (part.hint for part in parts), strict=True))
    flags = {flag: draw(st.booleans()) for flag in ("frozen", "kw_only")}
    key = all(part.key for part in parts)
    rows = st.tuples(*(part.values for part in parts)).map(lambda row: dict(zip(names, row, strict=True)))
    match draw(st.sampled_from(["dataclass", "struct", "named", "typed"])):
        case "dataclass":
            made: Any = make_dataclass(name, fields, slots=draw(st.booleans()), **flags)
            return Shape(made, rows.map(lambda row: made(**row)), key and flags["frozen"])
        case "struct":
            odd = {"array_like": draw(st.booleans()), "rename": draw(st.sampled_from([None, "upper"]))}
            struct = msgspec.defstruct(name, fields, **flags, **odd)
            return Shape(struct, rows.map(lambda row: struct(**row)), key and flags["frozen"])
        case "named":
            named: Any = NamedTuple(name, fields)  # type: ignore[misc]
            return Shape(named, rows.map(lambda row: named(**row)), key)
    last, whole = names[-1], draw(st.booleans())
    hints = {one: hint if whole or one != last else NotRequired[hint] for one, hint in fields}
    cut = rows.map(lambda row: {one: item for one, item in row.items() if whole or one != last})
    return Shape(TypedDict(name, hints), rows | cut, key=False)  # type: ignore[operator]


@st.composite
def _wider(draw: Callable[[Strategy], Any], inner: Strategy) -> Shape:
    parts = draw(st.lists(inner, min_size=1, max_size=5))
    first, keys = parts[0], [part for part in parts if part.key] or _LEAVES[:1]
    key, item = keys[0], first.values
    made = {
        "list": lambda: Shape(list[first.hint], st.lists(item, max_size=3), key=False),
        "tuple": lambda: Shape(tuple[first.hint, ...], st.lists(item, max_size=3).map(tuple), first.key),
        "fixed": lambda: _tuple(parts),
        "set": lambda: Shape(set[key.hint], st.sets(key.values, max_size=4), key=False),
        "frozenset": lambda: Shape(frozenset[key.hint], st.frozensets(key.values, max_size=4)),
        "dict": lambda: Shape(dict[str, first.hint], st.dictionaries(TEXTS, item, max_size=3), key=False),
        "keyed": lambda: Shape(dict[key.hint, first.hint], st.dictionaries(key.values, item, max_size=3), key=False),
        "optional": lambda: Shape(Optional[first.hint], st.none() | item, first.key),  # noqa: UP045 - made at run time
        "union": lambda: _union(parts[:3]),
        "marked": lambda: Shape(Annotated[first.hint, "a mark"], item, first.key),
        "record": lambda: _record(draw, parts),
    }
    return made[draw(st.sampled_from(sorted(made)))]()


SHAPES = st.recursive(st.sampled_from(_LEAVES), _wider, max_leaves=6)
"""Some are refused, because their unions are ambiguous."""
