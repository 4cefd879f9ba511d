"""Variation: another value of the same shape and size, as a request leaves it that changed something.

One leaf differs, the first that there is: a number grows by one, a text has another last letter, a day is the next.
Containers are new, the value itself stays as it is. What has no leaf gets one, and what is of a type that is not known
here gives way to a text.
"""

import dataclasses
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def another(value: Any) -> Any:
    """A value that differs from this one."""
    kind = type(value)
    if kind in _WAYS:
        return _WAYS[kind](value)
    if isinstance(value, Enum):
        return next((member for member in kind if member is not value), "a")
    if dataclasses.is_dataclass(value):
        return _replaced(value, [field.name for field in dataclasses.fields(value) if field.init])
    return _replaced(value, getattr(value, "__struct_fields__", ()))


def _replaced(value: Any, names: Any) -> Any:
    """The record with its first field changed."""
    if not names:
        return "a"
    fields = {name: getattr(value, name) for name in names}
    return type(value)(**fields | {names[0]: another(fields[names[0]])})


def _number(value: Any) -> Any:
    more = value + 1
    return more if more > value else type(value)(0)


def _text(value: str) -> str:
    return value[:-1] + ("a" if value[-1:] != "a" else "b")


def _bytes(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1]) if value else b"a"


def _list(value: list[Any]) -> list[Any]:
    return [another(value[0]), *value[1:]] if value else ["a"]


def _dict(value: dict[Any, Any]) -> dict[Any, Any]:
    if not value:
        return {"a": "a"}
    first = next(iter(value))
    return {**value, first: another(value[first])}


def _set(value: set[Any]) -> set[Any]:
    members = sorted(value, key=repr)
    return {*members[1:], another(members[0])} if members else {"a"}


_WAYS: dict[type, Callable[[Any], Any]] = {
    type(None): lambda _: True,
    bool: lambda value: not value,
    int: _number,
    float: _number,
    Decimal: _number,
    str: _text,
    bytes: _bytes,
    bytearray: lambda value: bytearray(_bytes(value)),
    list: _list,
    tuple: lambda value: tuple(_list(list(value))),
    dict: _dict,
    set: _set,
    frozenset: lambda value: frozenset(_set(set(value))),
    datetime: lambda value: value + timedelta(days=1 if value.year < 9000 else -1),
    date: lambda value: value + timedelta(days=1 if value.year < 9000 else -1),
    time: lambda value: value.replace(second=(value.second + 1) % 60),
    timedelta: lambda value: value + timedelta(seconds=1 if value.days < 0 else -1),
    UUID: lambda value: UUID(int=value.int ^ 1),
}
