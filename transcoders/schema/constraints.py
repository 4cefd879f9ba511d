"""Constraints of `Annotated` types: ours, and those of annotated-types and msgspec, read by what they are named.

name: Annotated[str, Length(1, 80), Pattern(r"[a-z]+")]
price: Annotated[Decimal, Range(ge=0)]
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final, NamedTuple

from transcoders.errors import SpecError
from transcoders.schema.nodes import Check, Checked, Leaf, Mapping, Node, Sequence, described
from transcoders.schema.notation import TYPES


class Length(NamedTuple):
    """Between `low` and `high` characters, bytes or items, both included; None is no bound."""

    low: int = 0
    high: int | None = None


class Range(NamedTuple):
    """Greater than, at least, less than, at most; None is no bound."""

    gt: Any = None
    ge: Any = None
    lt: Any = None
    le: Any = None


class Pattern(NamedTuple):
    """The whole text matches the regular expression."""

    text: str


class Name(NamedTuple):
    """The name of a field in the bytes: what a field was called when it was first stored."""

    text: str


class Unknown:
    """Marks the dict field that keeps fields which this version of a class does not know."""


_BOUNDS: Final[dict[str, tuple[str, Callable[[Any], Callable[[Any], bool]]]]] = {
    "gt": ("greater than", lambda bound: lambda value: bool(value > bound)),
    "ge": ("at least", lambda bound: lambda value: bool(value >= bound)),
    "lt": ("less than", lambda bound: lambda value: bool(value < bound)),
    "le": ("at most", lambda bound: lambda value: bool(value <= bound)),
}
_OTHERS: Final = ("min_length", "max_length", "pattern", "multiple_of")
_DESCRIPTIONS: Final = frozenset(("Meta", "DocInfo", "Unit"))
"""Marks of those libraries that may only describe."""


def checked(node: Node, marks: tuple[Any, ...], where: str) -> Node:
    """The node with the constraints among the metadata of its `Annotated` type.

    Raises:
        SpecError: a constraint is not known, or no value of the type could meet it.
    """
    try:
        checks = tuple(check for mark in marks for check in _checks(mark))
    except SpecError as error:
        raise SpecError(f"{where}: {error}") from error
    example = _example(node)
    for words, check in checks if example is not None else ():
        try:
            check(example)
        except ArithmeticError:
            continue
        except TypeError as error:
            raise SpecError(f"{where}: {described(node)} cannot be {words}") from error
    return Checked(node, checks) if checks else node


def _example(node: Node) -> Any:
    """A value of the type, where there is one that compares with whatever others of the type do."""
    match node:
        case Leaf("date"):
            return date.min
        case Leaf("bool" | "int" | "float" | "str" | "bytes" | "bytearray" | "timedelta" | "decimal" as kind):
            return TYPES[kind]()
        case Sequence(cls):
            return cls()
        case Mapping():
            return {}
    return None


def _checks(mark: Any) -> Iterator[Check]:
    match mark:
        case Length(low, high):
            yield from _length(low, high)
        case Range():
            yield from _range(mark._asdict())
        case Pattern(text):
            yield _pattern(text)
        case _ if type(mark).__module__ in {"msgspec", "annotated_types"}:
            yield from _borrowed(mark)


def _borrowed(mark: Any) -> Iterator[Check]:
    """The constraints of msgspec.Meta and of annotated-types."""
    known = {name: getattr(mark, name, None) for name in (*_BOUNDS, *_OTHERS)}
    describes = type(mark).__name__ in _DESCRIPTIONS and getattr(mark, "tz", None) is None
    if all(value is None for value in known.values()) and not describes:
        raise SpecError(f"constraint {mark!r} is not one that a schema checks: use Length, Range or Pattern")
    if known["multiple_of"] is not None:
        yield _multiple(known["multiple_of"])
    if known["pattern"] is not None:
        yield _search(known["pattern"])
    yield from _range({name: known[name] for name in _BOUNDS})
    yield from _length(known["min_length"] or 0, known["max_length"])


def _search(text: str) -> Check:
    search = _compiled(text).search
    return f"text that holds a match of {text!r}", lambda value: search(value) is not None


def _compiled(text: Any) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, TypeError) as error:
        raise SpecError(f"pattern {text!r} is no regular expression: {error}") from error


def _multiple(step: Any) -> Check:
    return f"a multiple of {step}", lambda value: value % step == 0


def _range(bounds: dict[str, Any]) -> Iterator[Check]:
    for name, bound in bounds.items():
        if bound is not None:
            words, make = _BOUNDS[name]
            yield f"{words} {bound!r}", make(bound)


def _length(low: int, high: int | None) -> Iterator[Check]:
    if low:
        yield f"a length of at least {low}", lambda value: len(value) >= low
    if high is not None:
        yield f"a length of at most {high}", lambda value: len(value) <= high


def _pattern(text: str) -> Check:
    match = _compiled(text).fullmatch
    return f"text that matches {text!r}", lambda value: match(value) is not None
