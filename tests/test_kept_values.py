"""Values of fields that a class does not know: they survive other codecs, and are held to the limits."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import product
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.test_kept_fields import CODECS, Line, OldLine, both
from transcoders import EncodeError, Limits, Malformed, SchemaMismatch, TooLarge, transcoder


class Colour(Enum):
    RED = "red"


@dataclass
class Rich:
    sku: str
    text: str = "ž"
    size: int = 1 << 70
    share: float = 0.5
    gone: None = None
    at: datetime = datetime(2026, 11, 22, 10, tzinfo=UTC)
    zoned: datetime = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"), fold=1)
    naive: datetime = datetime(2026, 11, 22, 10)  # noqa: DTZ001
    day: date = date(2026, 11, 22)
    hour: time = time(10, 11, 12, 13)
    span: timedelta = timedelta(-1, 5, 6)
    price: Decimal = Decimal("9.90")
    id: UUID = field(default_factory=lambda: UUID(int=5))
    colour: Colour = Colour.RED
    due: datetime | date | str = date(2026, 11, 22)
    tags: set[str] = field(default_factory=lambda: {"b", "a"})
    pair: tuple[int, str] = (1, "a")
    counts: dict[int, Decimal] = field(default_factory=lambda: {3: Decimal(1), 1: Decimal("2.0")})
    lines: list[Line] = field(default_factory=lambda: [Line("a", 2)])
    much: float = float("inf")


@dataclass
class Raw:
    sku: str
    raw: bytes


def hop(first: str, second: str, value: Any) -> Any:
    """The value after old code has read it from one codec and written it in another."""
    frame = transcoder(first, schema=type(value)).encode(value)
    kept = transcoder(second, schema=OldLine, accept=[first]).decode(frame)
    return transcoder(second, schema=type(value)).decode(transcoder(second, schema=OldLine).encode(kept))


@pytest.mark.parametrize(("first", "second"), [*product(CODECS, CODECS)])
def test_they_survive_a_change_of_codec(first, second):
    """Old code reads one codec and writes another; new code reads all its fields back."""
    rich = Rich("a")
    assert hop(first, second, rich) == rich
    if first != "json":
        assert hop(first, second, Raw("a", b"\x00abc")) == Raw("a", b"\x00abc")


@pytest.mark.parametrize("second", CODECS[1:])
def test_bytes_that_json_had_as_text_are_refused(second):
    """Only bytes out of JSON are not known for what they are: new code refuses the text, with its path."""
    with pytest.raises(SchemaMismatch, match=r"\$\.raw: expected bytes, found str"):
        hop("json", second, Raw("a", b"abc"))


@pytest.mark.parametrize("spec", [*CODECS, *(f"{codec}+blake2" for codec in CODECS)])
def test_they_are_held_to_the_limit_of_depth(spec):
    """What is kept counts: it is refused on the way in, and never written deeper than can be read."""
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]

    @dataclass
    class Deep:
        sku: str
        deep: Any

    old, _ = both(spec, OldLine, Deep, limits=Limits(depth=10))
    wide, new = both(spec, OldLine, Deep)
    frame = new.encode(Deep("a", deep))
    with pytest.raises((Malformed, TooLarge), match="nested deeper than 10"):
        old.decode(frame)
    with pytest.raises(EncodeError, match="nested deeper than 10"):
        old.encode(wide.decode(frame))
