"""Dates and times as text and back, field for field.

Text follows ISO 8601 as `isoformat` writes it; a zone of the IANA database stands behind it in brackets, as in RFC
9557 (`2026-11-22T10:11:12[Europe/London]`), where the wall time and the zone are the value and no offset is
written. What text cannot hold, the fold of PEP 495, makes a pair `[text, 1]`.
"""

from datetime import date, datetime, time, timezone, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T", datetime, time)


def lower(value: datetime | time) -> str | list[object]:
    """The text, or `[text, 1]` for the second of two equal wall times.

    Raises:
        ValueError: the zone is neither `datetime.timezone` nor a named `zoneinfo.ZoneInfo`.
    """
    zone = value.tzinfo
    if zone is None or type(zone) is timezone:
        text = value.isoformat()
    else:
        text = f"{value.replace(tzinfo=None).isoformat()}[{_key(zone)}]"
    return [text, 1] if value.fold else text


def raise_datetime(payload: object) -> datetime:
    """The datetime that `lower` wrote; raises ValueError on anything else."""
    return _raise(payload, datetime)


def raise_time(payload: object) -> time:
    """The time that `lower` wrote; raises ValueError on anything else."""
    return _raise(payload, time)


def raise_date(payload: object) -> date:
    """The date of an ISO text; raises ValueError on anything else."""
    if type(payload) is not str or len(payload) != 10:
        raise ValueError("expected a date such as 2026-11-22")
    return date.fromisoformat(payload)


def _raise(payload: object, kind: type[T]) -> T:
    fold = type(payload) is list and len(payload) == 2 and payload[1] == 1
    text = payload[0] if fold and isinstance(payload, list) else payload
    if type(text) is not str:
        raise ValueError("expected text such as 2026-11-22T10:11:12+00:00")
    if text.endswith("]"):
        text, _, key = text[:-1].partition("[")
        value = kind.fromisoformat(text).replace(tzinfo=_zone(key))
    else:
        value = kind.fromisoformat(text)
    return value.replace(fold=1) if fold else value


def _key(zone: tzinfo) -> str:
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    raise ValueError(f"time zones are datetime.timezone or zoneinfo.ZoneInfo, not {type(zone).__name__}")


def _zone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError("expected a time zone of this machine's database (pip install tzdata?)") from error
