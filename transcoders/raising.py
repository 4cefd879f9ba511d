"""The other direction of `fidelity`: kinds and their payloads, whose parts are raised already, back to values.

What a payload says is checked before it is made: digits before a number, hashes before a set, a shape before an array.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from transcoders import arrays, fidelity, records, timestamps
from transcoders.collisions import crowd, prone
from transcoders.errors import Malformed, TooLarge
from transcoders.limits import Limits
from transcoders.numerals import Numerals
from transcoders.records import Types


class Raising:
    """Kinds and raised payloads back to values; one object per transcoder, free of state."""

    __slots__ = ("_bytes", "_limits", "_rows", "_types", "numerals")

    def __init__(self, types: Types, run: Callable[[object], bytes | memoryview], limits: Limits) -> None:
        """`run` gives the bytes of a payload that `Notation.run` wrote; it raises ValueError."""
        self._types, self._bytes, self._limits, self.numerals = types, run, limits, Numerals(limits)
        self._rows: dict[int, Callable[[Any], object]] = {
            fidelity.TUPLE: lambda items: tuple(_list(items)),
            fidelity.SET: lambda items: self._members(items, set),
            fidelity.FROZENSET: lambda items: self._members(items, frozenset),
            fidelity.PAIRS: self._pairs,
            fidelity.BYTES: lambda payload: bytes(run(payload)),
            fidelity.BYTEARRAY: lambda payload: bytearray(run(payload)),
            fidelity.INT: self.numerals.raise_int,
            fidelity.FLOAT: _float,
            fidelity.DATETIME: timestamps.raise_datetime,
            fidelity.DATE: timestamps.raise_date,
            fidelity.TIME: timestamps.raise_time,
            fidelity.TIMEDELTA: _timedelta,
            fidelity.DECIMAL: self.numerals.raise_decimal,
            fidelity.UUID_: lambda payload: UUID(bytes=bytes(run(payload))),
            fidelity.ENUM: lambda payload: records.raise_enum(payload, self._types),
            fidelity.RECORD: lambda payload: records.raise_record(payload, self._types),
            fidelity.ARRAY: self._array,
            fidelity.NUMBER: _number,
        }

    def __call__(self, kind: object, payload: object) -> object:
        """The value.

        Raises:
            Malformed: the kind is unknown, or the payload is not what `Lowering` writes for it.
            TooLarge: the value exceeds a limit.
        """
        if not isinstance(kind, int) or (row := self._rows.get(kind)) is None:
            raise Malformed(f"expected a tag of docs/format.md, found {str(kind)[:20]!r}: upgrade transcoders?")
        try:
            return row(payload)
        except TooLarge:
            raise
        except Exception as error:  # a constructor of the user's may raise anything
            raise Malformed(f"the payload of a tagged {fidelity.NAMES[kind]} is not one: {str(error)[:100]}") from error

    def _members(self, payload: object, kind: type[set[Any]] | type[frozenset[Any]]) -> object:
        items = list(map(_solid, _list(payload)))
        self._spread(items)
        value = kind(items)
        if len(value) != len(items):
            raise ValueError("a member stands twice")
        return value

    def _pairs(self, payload: object) -> dict[object, object]:
        parts = _list(payload)
        keys = list(map(_solid, parts[::2]))
        self._spread(keys)
        value = dict(zip(keys, parts[1::2], strict=True))
        if len(value) * 2 != len(parts):
            raise ValueError("a key stands twice")
        return value

    def _spread(self, members: list[object]) -> None:
        most = self._limits.collisions
        if len(members) > most and prone(members) > most:
            raise TooLarge(crowd(most))

    def _array(self, payload: object) -> object:
        head, buffer = _list(payload)
        array = arrays.raise_(head, self._bytes(buffer))
        if told := fidelity.boundless(array, self._limits.items):
            raise TooLarge(told)
        return array


_FLOATS: Final = frozenset(("nan", "inf", "-inf"))


def _list(payload: object) -> list[Any]:
    if type(payload) is not list:
        raise TypeError(f"expected a list, found {type(payload).__name__}")
    return payload


def _solid(member: object) -> object:
    """The member or key, with bytes for views: a view has a hash only where what it looks at cannot change."""
    if type(member) is tuple:
        return tuple(map(_solid, member))
    return bytes(member) if type(member) is memoryview else member


def _float(text: object) -> float:
    if text not in _FLOATS:
        raise ValueError("expected nan, inf or -inf")
    return float(str(text))  # a new object each: two NaNs may be two keys


def _number(payload: object) -> object:
    if type(payload) not in {int, float}:
        raise TypeError("expected a number")
    return payload


def _timedelta(payload: object) -> timedelta:
    days, seconds, microseconds = (part if type(part) is int else None for part in _list(payload))
    if days is None or seconds is None or microseconds is None:
        raise TypeError("expected three whole numbers")
    return timedelta(days, seconds, microseconds)
