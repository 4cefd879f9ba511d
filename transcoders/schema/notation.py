"""How leaves of a declared type stand in the bytes: text, whole numbers or bytes, plain values of every format.

A declared type says what a text is, so a datetime needs no tag. `direct` gives the plain value, or raises `Exotic`
for the few values that have none (a datetime with a zone, NaN in JSON, an int of 70 bits): these stand for themselves,
and the codec tags them as it does in untyped sessions. `parse` takes back either. Sources: RFC 3339 for dates and
times, RFC 4648 for base64, RFC 9562 for UUIDs, and the timestamp extension of MessagePack.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

LOW, HIGH = -(1 << 63), 1 << 64
"""The integers that every format holds by itself: LOW to HIGH - 1."""
SHORT: Final = 1e16
"""Floats from here on have an exponent in JSON, which engines write each in its own way: 1e16, 1e+16."""


class Exotic(Exception):  # noqa: N818 - an answer, not a failure
    """The value has no plain form here."""


class Notation(NamedTuple):
    """What differs between formats.

    Attributes:
        text: whether bytes and UUIDs are text (JSON).
        stamp: whether the format has a moment in UTC of its own (MessagePack), so that such a datetime is not text.
        flat: whether a dict is an array of key, value, key, value ….
        compact: whether records are arrays.
        widen: whether an int is read where a float is declared.
        values: whether values stand as themselves, as in a session without a type, so that no alternative is named.
    """

    text: bool
    stamp: bool
    flat: bool
    compact: bool
    widen: bool = True
    values: bool = False


VALUES: Final = Notation(text=False, stamp=True, flat=False, compact=False, values=True)
"""How a session without a type holds what a typed one holds: every leaf as itself."""


def notation(codec: str, *, compact: bool) -> Notation:
    """The notation of a codec in a layout."""
    return Notation(codec == "json", codec == "msgpack", codec == "cbor" and compact, compact)


MICROSECOND: Final = timedelta(microseconds=1)


def narrow(values: Iterable[object]) -> bool:
    """Whether every format holds the integers among the values by itself."""
    return all(LOW <= value < HIGH for value in values if type(value) is int)


def direct(kind: str, value: Any, notation: Notation) -> object:
    """The plain value of a leaf; raises Exotic when it has none."""
    match kind:
        case "int":
            if not LOW <= value < HIGH:
                raise Exotic
        case "float":
            if notation.text and not math.isfinite(value):
                raise Exotic
        case "bytes" | "bytearray":
            return b64encode(value).decode("ascii") if notation.text else bytes(value)
        case "datetime":
            return _plain_moment(value, notation)
        case "time":
            if value.tzinfo is not None or value.fold:
                raise Exotic
            return value.isoformat()
        case "date":
            return value.isoformat()
        case "timedelta":
            return value // MICROSECOND
        case "decimal":
            return str(value)
        case "uuid":
            return str(value) if notation.text else value.bytes
    return value


def parse(kind: str, wire: Any, notation: Notation) -> object:
    """The leaf of a plain value; raises ValueError or TypeError on what `direct` does not write."""
    match kind:
        case "bytes" | "bytearray":
            data = b64decode(_text(wire), validate=True) if notation.text else _run(wire)
            return data if kind == "bytes" else bytearray(data)
        case "datetime":
            return _moment(_text(wire))
        case "date":
            return _date(_text(wire))
        case "time":
            return _time(_text(wire))
        case "timedelta":
            return timedelta(microseconds=_whole(wire))
        case "decimal":
            return _decimal(_text(wire))
        case "uuid":
            return _uuid(wire) if type(wire) is str else UUID(bytes=_run(wire))
    raise TypeError("expected a plain value")


PARSED: Final = frozenset(("bytes", "bytearray", "datetime", "date", "time", "timedelta", "decimal", "uuid"))
"""The kinds whose plain value is not the value itself."""
TYPES: Final[dict[str, type]] = {
    "none": type(None), "bool": bool, "int": int, "float": float, "str": str, "bytes": bytes, "bytearray": bytearray,
    "datetime": datetime, "date": date, "time": time, "timedelta": timedelta, "decimal": Decimal, "uuid": UUID,
}  # fmt: skip


def _plain_moment(value: datetime, notation: Notation) -> object:
    if value.tzinfo is UTC and not value.fold:
        return value if notation.stamp else value.isoformat().replace("+00:00", "Z")
    if value.tzinfo is not None or value.fold:
        raise Exotic
    return value.isoformat()


def _moment(text: str) -> datetime:
    if len(text) < 19:
        raise ValueError("expected a moment as 2026-01-31T12:00:00Z")
    return datetime.fromisoformat(text)


def _date(text: str) -> date:
    if len(text) != 10 or text[7] != "-":
        raise ValueError("expected a date as 2026-01-31")
    return date.fromisoformat(text)


def _time(text: str) -> time:
    if len(text) < 8 or text[2] != ":":
        raise ValueError("expected a time as 12:00:00")
    return time.fromisoformat(text)


def _uuid(text: str) -> UUID:
    value = UUID(text)
    if str(value) != text.lower():
        raise ValueError("expected 36 characters of a UUID")
    return value


def _decimal(text: str) -> Decimal:
    if len(text) > 10_000 or "_" in text or not text.isascii() or text != text.strip():
        raise ValueError("expected the digits of a Decimal")
    return Decimal(text)


def _text(wire: object) -> str:
    if type(wire) is not str:
        raise TypeError("expected text")
    return wire


def _whole(wire: object) -> int:
    if type(wire) is not int:
        raise TypeError("expected a whole number")
    return wire


def _run(wire: object) -> bytes:
    if type(wire) is not bytes:
        raise TypeError("expected bytes")
    return wire
