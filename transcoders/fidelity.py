"""The session value set beyond what a format holds by itself: one table, lowered and raised the same for every codec.

`Lowering` walks a value and replaces what the codec's notation does not hold by `tag(kind, payload)`; `Raising` turns
a kind and its payload, whose parts are raised already, back into the value. A codec supplies the notation: which
types it holds, how it writes a tag, a run of bytes, and an order for sets. Exact types only: a subclass is not its
base, so it is either registered or an EncodeError with its path, never a silent change.
"""

import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol
from uuid import UUID

from transcoders import arrays, records, timestamps
from transcoders.errors import EncodeError, Malformed
from transcoders.records import Types

TUPLE, SET, FROZENSET, PAIRS, BYTES, BYTEARRAY, INT, FLOAT = range(1, 9)
DATETIME, DATE, TIME, TIMEDELTA, DECIMAL, UUID_, ENUM, RECORD, ARRAY, NUMBER = range(9, 19)

NAMES: Final = dict(
    enumerate(
        [
            "tuple",
            "set",
            "frozenset",
            "dict",
            "bytes",
            "bytearray",
            "int",
            "float",
            "datetime",
            "date",
            "time",
            "timedelta",
            "decimal",
            "uuid",
            "enum",
            "record",
            "array",
            "number",
        ],
        start=1,
    )
)
"""The tag numbers of docs/format.md and their names in JSON. Numbers are never reused."""

Step = tuple[Any, ...]  # (parent step or None, key or index, depth): the path, written out only when it is needed
ROOT: Final[Step] = (None, "$", 0)
_LOW, _HIGH = -(1 << 63), 1 << 64


class Notation(Protocol):
    """What a codec's format offers to the table."""

    holds: frozenset[type]
    """Leaf types that stand for themselves; int and float only if every value of them does."""
    keys: frozenset[type]
    """Types of dict keys that stand for themselves."""

    def tag(self, kind: int, payload: object) -> object:
        """The codec's tagged value."""
        ...

    def run(self, data: bytes | bytearray | memoryview) -> object:
        """A run of bytes as the payload of a tag."""
        ...

    def order(self, lowered: object) -> bytes:
        """A sort key for the lowered members of a set."""
        ...


class Lowering:
    """Values to what the notation holds; one object per transcoder, free of state."""

    __slots__ = ("_depth", "_holds", "_notation", "_rows", "_tag", "_types", "_wary")

    def __init__(self, notation: Notation, types: Types, depth: int, *, wary: bool = False) -> None:
        """A wary one looks into every str, to find the one that no encoder takes."""
        self._notation, self._types, self._depth, self._wary = notation, types, depth, wary
        self._holds, self._tag = notation.holds - {str} if wary else notation.holds, notation.tag
        self._rows: dict[type, Callable[[Any, Step], object]] = {
            list: self._list, dict: self._dict, tuple: self._tuple,
            set: self._set, frozenset: lambda value, at: self._set(value, at, FROZENSET),
            int: self._int, float: self._float, str: self._str,
            bytes: lambda value, _at: self._tag(BYTES, notation.run(value)),
            bytearray: lambda value, _at: self._tag(BYTEARRAY, notation.run(value)),
            datetime: self._moment, time: lambda value, at: self._moment(value, at, TIME),
            date: lambda value, _at: self._tag(DATE, value.isoformat()),
            timedelta: lambda value, _at: self._tag(TIMEDELTA, [value.days, value.seconds, value.microseconds]),
            Decimal: self._decimal,
            UUID: lambda value, _at: self._tag(UUID_, notation.run(value.bytes)),
        }  # fmt: skip

    def __call__(self, value: object, at: Step = ROOT) -> object:
        """The lowered value.

        Raises:
            EncodeError: something in it is outside the session value set, or nested too deep; with its path.
        """
        if type(value) in self._holds:
            return value
        return (self._rows.get(type(value)) or self._other)(value, at)

    def check(self, value: object) -> None:
        """Raise EncodeError when a str holds half a surrogate pair, or anything else is outside the set."""
        Lowering(self._notation, self._types, self._depth, wary=True)(value)

    def kept(self, value: object, *, wary: bool = False) -> object:
        """The decoded value; raises Malformed when it is one that this would not encode."""
        try:
            self.check(value) if wary else self(value)
        except EncodeError as error:
            raise Malformed(f"expected a session value; {error}") from error
        return value

    def explain(self, value: object, error: Exception) -> EncodeError:
        """The EncodeError that names what the codec's library could not encode."""
        try:
            self.check(value)
        except EncodeError as found:
            return found
        return EncodeError(f"the codec's library refused the value: {str(error)[:100]}")

    def _list(self, value: Iterable[object], at: Step) -> list[object]:
        # Loops, not comprehensions: a frame of Python less for each level, and depth 250 must fit into the stack.
        holds, rows, depth = self._holds, self._rows, self._inside(at)
        lowered = []
        for index, item in enumerate(value):
            if type(item) not in holds:
                item = rows.get(type(item), self._other)(item, (at, index, depth))  # noqa: PLW2901
            lowered.append(item)
        return lowered

    def _dict(self, value: dict[object, object], at: Step) -> object:
        holds, rows, depth = self._holds, self._rows, self._inside(at)
        lowered = {}
        for key, item in value.items():
            if type(item) not in holds:
                item = rows.get(type(item), self._other)(item, (at, key, depth))  # noqa: PLW2901
            lowered[key] = item
        if self._stand(lowered, at):
            return lowered
        pairs = [part for key, item in lowered.items() for part in (self(key, (at, key, depth)), item)]
        return self._tag(PAIRS, pairs)

    def _stand(self, keys: dict[object, object], at: Step) -> bool:
        """Whether the keys stand for themselves in the notation."""
        if self._wary:
            for key in keys:
                self(key, (at, key, at[2] + 1))
        known = self._notation.keys
        if len(keys) == 1 and looks_tagged(next(iter(keys))):
            return False
        return all(type(key) in known and (type(key) is not int or _LOW <= key < _HIGH) for key in keys)

    def _tuple(self, value: tuple[object, ...], at: Step) -> object:
        return self._tag(TUPLE, self._list(value, at))

    def _set(self, value: Iterable[object], at: Step, kind: int = SET) -> object:
        return self._tag(kind, sorted(self._list(value, at), key=self._notation.order))

    def _int(self, value: int, _at: Step) -> object:
        return value if _LOW <= value < _HIGH else self._tag(INT, f"{value:x}")

    def _float(self, value: float, _at: Step) -> object:
        return value if math.isfinite(value) else self._tag(FLOAT, repr(value))

    def _str(self, value: str, at: Step) -> str:
        if not value.isascii() and _SURROGATE.search(value):
            raise EncodeError("str holds a lone surrogate, which is no Unicode text", path(at))
        return value

    def _decimal(self, value: Decimal, at: Step) -> object:
        text = str(value)
        if len(text) > _DIGITS:
            raise EncodeError(f"a Decimal has at most {_DIGITS} digits, this one takes {len(text)}", path(at))
        return self._tag(DECIMAL, text)

    def _moment(self, value: datetime | time, at: Step, kind: int = DATETIME) -> object:
        try:
            return self._tag(kind, timestamps.lower(value))
        except ValueError as error:
            raise EncodeError(str(error), path(at)) from error

    def _other(self, value: object, at: Step) -> object:
        if arrays.is_array(value):
            return self._array(value, at)
        try:
            enum, name, parts = records.lower(value, self._types)
        except ValueError as error:
            raise EncodeError(str(error), path(at)) from error
        if enum:
            return self._tag(ENUM, [name, self(parts, at)])
        depth = self._inside(at)
        return self._tag(RECORD, [name, {key: self(item, (at, key, depth)) for key, item in parts.items()}])

    def _array(self, value: Any, at: Step) -> object:
        try:
            head, buffer = arrays.lower(value)
        except ValueError as error:
            raise EncodeError(str(error), path(at)) from error
        return self._tag(ARRAY, [head, self._notation.run(buffer)])

    def _inside(self, at: Step) -> int:
        depth: int = at[2] + 1
        if depth > self._depth:
            raise EncodeError(f"nested deeper than {self._depth} containers (or in a cycle)", path(at))
        return depth


class Raising:
    """Kinds and raised payloads back to values; one object per transcoder, free of state."""

    __slots__ = ("_bytes", "_rows", "_types")

    def __init__(self, types: Types, run: Callable[[object], bytes | memoryview]) -> None:
        """`run` gives the bytes of a payload that `Notation.run` wrote; it raises ValueError."""
        self._types, self._bytes = types, run
        self._rows: dict[int, Callable[[Any], object]] = {
            TUPLE: lambda items: tuple(_list(items)), SET: lambda items: set(_list(items)),
            FROZENSET: lambda items: frozenset(_list(items)), PAIRS: _pairs,
            BYTES: lambda payload: bytes(run(payload)), BYTEARRAY: lambda payload: bytearray(run(payload)),
            INT: _int, FLOAT: _float,
            DATETIME: timestamps.raise_datetime, DATE: timestamps.raise_date, TIME: timestamps.raise_time,
            TIMEDELTA: _timedelta, DECIMAL: _decimal, UUID_: lambda payload: UUID(bytes=bytes(run(payload))),
            ENUM: lambda payload: records.raise_enum(payload, self._types),
            RECORD: lambda payload: records.raise_record(payload, self._types), ARRAY: self._array, NUMBER: _number,
        }  # fmt: skip

    def __call__(self, kind: object, payload: object) -> object:
        """The value.

        Raises:
            Malformed: the kind is unknown, or the payload is not what `Lowering` writes for it.
        """
        if not isinstance(kind, int) or (row := self._rows.get(kind)) is None:
            raise Malformed(f"expected a tag of docs/format.md, found {str(kind)[:20]!r}: upgrade transcoders?")
        try:
            return row(payload)
        except Exception as error:  # a constructor of the user's may raise anything
            raise Malformed(f"the payload of a tagged {NAMES[kind]} is not one: {str(error)[:100]}") from error

    def _array(self, payload: object) -> object:
        head, buffer = _list(payload)
        return arrays.raise_(head, self._bytes(buffer))


def looks_tagged(key: object) -> bool:
    """Whether a dict with this single key could be taken for a tag object of JSON, so that it must be escaped."""
    return type(key) is str and key.startswith("$")


def path(at: Step) -> str:
    """The path of a step, as `$.cart[3].when`."""
    steps: list[str] = []
    while at[0] is not None:
        at, key, _ = at
        plain = type(key) is str and key.isidentifier()
        steps.append(f".{key[:40]}" if plain else f"[{repr(key)[:40]}]")
    return "$" + "".join(reversed(steps))


_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DIGITS: Final = 10_000
_FLOATS: Final = frozenset(("nan", "inf", "-inf"))


def _list(payload: object) -> list[Any]:
    if type(payload) is not list:
        raise TypeError(f"expected a list, found {type(payload).__name__}")
    return payload


def _pairs(payload: object) -> dict[object, object]:
    parts = _list(payload)
    value = dict(zip(parts[::2], parts[1::2], strict=True))
    if len(value) * 2 != len(parts):
        raise ValueError("a key stands twice")
    return value


def _int(text: str) -> int:
    value = int(text, 16)
    if f"{value:x}" != text:
        raise ValueError("expected lower-case hexadecimal digits")
    return value


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


def _decimal(text: object) -> Decimal:
    if type(text) is not str or len(text) > _DIGITS or not text.isascii() or "_" in text:
        raise ValueError("expected the digits of a Decimal")
    return Decimal(text)
