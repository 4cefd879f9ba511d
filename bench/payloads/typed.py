"""The value set beyond JSON: what formats carry by extension types, tags, or not at all."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from bench.payloads.dice import Dice


def typed(dice: Dice) -> dict[str, object]:
    """One session with a value of each type; `shift` falls in the hour that Berlin's clocks show twice."""
    berlin = ZoneInfo("Europe/Berlin")
    return {
        "user_id": UUID(bytes=dice.raw(16), version=4),
        "created": dice.moment(),
        "last_seen": dice.moment().astimezone(berlin),
        "shift": datetime(2025, 10, 26, 2, dice.between(0, 59), tzinfo=berlin, fold=1),
        "departs": dice.moment().astimezone(timezone(timedelta(hours=5, minutes=30))),
        "reminder": dice.moment().replace(tzinfo=None),
        "expires": datetime(2026, 12, 31, 23, 59, 59, dice.between(1, 999_999), tzinfo=UTC),
        "born": date(dice.between(1950, 2005), dice.between(1, 12), dice.between(1, 28)),
        "opens": time(dice.between(6, 11), 30),
        "idle": timedelta(minutes=dice.between(10, 90), microseconds=dice.between(1, 999_999)),
        "balance": Decimal(dice.between(100_000, 999_999)).scaleb(-2),
        "position": (dice.between(-90, 90) / 7, dice.between(-180, 180) / 7),
        "roles": {"user", dice.pick(("editor", "author", "viewer")), f"team-{dice.code(4)}"},
        "scopes": frozenset({"read", f"write:{dice.code(4)}"}),
        "visits": {year: dice.between(100, 999) for year in (2024, 2025, 2026)},
        "nonce": dice.raw(24),
        "draft": bytearray(dice.raw(24)),
    }
