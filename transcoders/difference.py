"""Difference: where two values first part, in value or in type; for checks of round trips, and for merging.

Stricter than `==`: types must be identical at every depth (1 is not True, a tuple is not a list), and what Python
calls equal but a reader can tell apart differs too: 0.0 and -0.0, Decimal 1.0 and 1.00, the same instant in another
zone. NaN equals NaN. The order of a dict is not compared. This file knows no codec.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

_LONGEST = 60
_NONE = object()
_BY_REPR = (float, Decimal, datetime, time)
"""Types in which `==` overlooks something, or refuses (NaN): their repr tells all."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two values part.

    Attributes:
        path: as `$.cart[3].when`.
        expected: the type and the start of the text of what was put in.
        found: the same of what came back.
    """

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}"


def difference(expected: object, found: object, path: str = "$") -> Difference | None:
    """The first difference, or None when the values are equal and of identical types throughout."""
    return next(_differences(expected, found, path), None)


def _differences(expected: object, found: object, path: str) -> Iterator[Difference]:
    if type(expected) is not type(found):
        yield Difference(path, _shown(expected), _shown(found))
        return
    compare = _CONTAINERS.get(type(expected))
    if compare is not None:
        yield from compare(expected, found, path)
    elif names := _fields(expected):
        for name in names:
            yield from _differences(getattr(expected, name), getattr(found, name), f"{path}.{name}")
    elif _essence(expected) != _essence(found):
        yield Difference(path, _shown(expected), _shown(found))


def _fields(value: object) -> tuple[str, ...]:
    """The field names of a dataclass or a msgspec Struct."""
    if is_dataclass(value):
        return tuple(field.name for field in fields(value))
    return tuple(getattr(value, "__struct_fields__", ()))


def _essence(value: Any) -> object:
    """What two values of one type must have in common: the value itself, where `==` sees all of it."""
    if isinstance(value, _BY_REPR):
        return repr(value)
    if hasattr(value, "tobytes"):  # an array
        return str(value.dtype), value.shape, value.tobytes()
    return value


def _in_sequences(
    expected: list[object] | tuple[object, ...], found: list[object] | tuple[object, ...], path: str
) -> Iterator[Difference]:
    for index, pair in enumerate(zip(expected, found, strict=False)):
        yield from _differences(*pair, f"{path}[{index}]")
    yield from _in_size(expected, found, path)


def _in_dicts(expected: dict[object, object], found: dict[object, object], path: str) -> Iterator[Difference]:
    yield from _in_sets(expected, found, path)
    for key, matches in _pairs(expected, found):
        for match in matches:
            yield from _differences(expected[key], found[match], _step(path, key))


def _in_sets(expected: Collection[object], found: Collection[object], path: str) -> Iterator[Difference]:
    """Differences of the members, or of the keys; a member that is equal may still be of another type."""
    for member, matches in _pairs(expected, found):
        for match in matches:
            yield from _differences(member, match, _step(path, member))
        if not matches:
            yield Difference(path, f"a member {_shown(member)}", "none")
    yield from _in_size(expected, found, path)


def _pairs(expected: Collection[object], found: Collection[object]) -> Iterator[tuple[object, tuple[object, ...]]]:
    """Each expected member with the one that stands for it, or with none; NaN is found by what it is, not by `==`."""
    members = {member: member for member in found}
    others = [member for member in found if member not in expected]
    for member in expected:
        if member in members:
            yield member, (members[member],)
            continue
        like = next((one for one in others if difference(member, one) is None), _NONE)
        others = [one for one in others if one is not like]
        yield member, () if like is _NONE else (like,)


def _in_size(expected: Collection[object], found: Collection[object], path: str) -> Iterator[Difference]:
    if len(expected) != len(found):
        yield Difference(path, f"{len(expected)} members", f"{len(found)}")


_CONTAINERS: dict[type, Callable[..., Iterator[Difference]]] = {
    list: _in_sequences,
    tuple: _in_sequences,
    dict: _in_dicts,
    set: _in_sets,
    frozenset: _in_sets,
}


def _step(path: str, key: object) -> str:
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{key!r}]"


def _shown(value: object) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'}"
