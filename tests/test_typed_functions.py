"""The generated functions of a declared type do what the interpreter does, with every engine and either check."""

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from transcoders import EncodeError, SchemaMismatch, SpecError, transcoder
from transcoders.schema import engines
from transcoders.typed import Typed


class Tier(Enum):
    FREE = "free"
    PLUS = "plus"


@dataclass(slots=True)
class Item:
    sku: UUID
    price: Decimal
    added: datetime
    parts: "list[Item]" = field(default_factory=list)


@dataclass
class Basket:
    user: int
    note: str | None
    tier: Tier
    roles: set[str]
    items: list[Item]
    ratio: float
    day: date
    left: timedelta
    raw: bytes
    seen: dict[str, int]
    visits: dict[int, str]
    either: int | str | list[int]
    pick: Item | Tier | UUID | None
    pair: tuple[int, str]
    many: tuple[int, ...]
    mode: Literal["a", "b", 3]


NOW = datetime(2026, 1, 31, 12, 0, 0, 250, tzinfo=UTC)
ITEM = Item(UUID(int=7), Decimal("1.10"), NOW, [Item(UUID(int=8), Decimal(3), NOW.replace(tzinfo=None))])


def basket(**changes):
    """A basket that is right, with changes."""
    return Basket(
        **{
            "user": 42, "note": None, "tier": Tier.PLUS, "roles": {"b", "a"}, "items": [ITEM], "ratio": 0.5,
            "day": date(2026, 1, 31), "left": timedelta(days=-1, microseconds=3), "raw": b"\0\xff",
            "seen": {"z": 1, "a": 2},
            "visits": {3: "x", 1: "y"}, "either": [1, 2], "pick": UUID(int=9), "pair": (1, "a"), "many": (1, 2, 3),
            "mode": 3, **changes,
        }
    )  # fmt: skip


VALUES = [
    basket(), basket(note="n", either="text", pick=None, mode="a"), basket(pick=Tier.FREE, either=-5),
    basket(pick=ITEM, items=[], roles=set(), seen={}, visits={}, many=()),
]  # fmt: skip
EXOTIC = [
    basket(user=1 << 70), basket(items=[Item(UUID(int=1), Decimal(1), NOW.astimezone(ZoneInfo("Europe/Zurich")))]),
]  # fmt: skip
every_spec = pytest.mark.parametrize(
    "spec",
    [
        f"{codec}:check={check},layout={layout}"
        for codec in ("json", "msgpack", "cbor", "pickle")
        for layout in ("map", "compact")
        for check in ("both", "read")
    ],
)


def typed(spec):
    """The codec of baskets."""
    return transcoder(f"{spec}+blake2", schema=Basket, keys=[bytes(16)])._chain.typed


@every_spec
def test_plain_values_never_need_the_interpreter(spec, monkeypatch):
    """Right and plain values are written and read by the generated functions alone."""

    def interpreted(*_):
        raise AssertionError("the interpreter was asked")

    monkeypatch.setattr(Typed, "_careful", interpreted)
    monkeypatch.setattr(Typed, "_explained", interpreted)
    made = typed(spec)
    for value in VALUES:
        assert made.loads(*made.dumps(value)) == value


@every_spec
def test_the_interpreter_writes_and_reads_the_same(spec):
    """Generated functions and interpreter agree on the bytes, and on the value."""
    made = typed(spec)
    for value in VALUES:
        form, body = made.dumps(value)
        assert made._careful(value) == (form, body)
        assert made._explained(form, body) == value


@every_spec
def test_engines_write_the_same(spec, monkeypatch):
    """Without msgspec and libipld the bytes are the same, and each side reads the other's."""
    quick = typed(spec)
    monkeypatch.setattr(engines, "find_spec", lambda _name: None)
    plain = typed(spec)
    for value in VALUES:
        form, body = quick.dumps(value)
        assert plain.dumps(value) == (form, body)
        assert plain.loads(form, body) == quick.loads(form, body) == value


@every_spec
def test_rare_values_come_back(spec):
    """What has no plain form goes through the codec's tags: zones and large integers are kept."""
    made = transcoder(spec, schema=Basket)
    for value in EXOTIC:
        back = made.decode(made.encode(value))
        assert back == value
        assert [str(item.added) for item in back.items] == [str(item.added) for item in value.items]
    assert math.isnan(made.decode(made.encode(basket(ratio=math.nan))).ratio)
    assert type(made.decode(made.encode(basket(ratio=2))).ratio) is float


@every_spec
def test_wrong_types_are_refused(spec):
    """On writing by default, with all problems and their paths; with check=read on reading at the latest."""
    made, wrong = transcoder(spec, schema=Basket), basket(user="7", many=(1, "2"), note=5)
    with pytest.raises(EncodeError if "check=both" in spec else (EncodeError, SchemaMismatch)) as refused:
        made.decode(made.encode(wrong))
    assert [path for path, _ in refused.value.problems] == ["$.user", "$.note", "$.many[1]"]


@pytest.mark.parametrize("codec", ["json", "msgpack", "cbor", "pickle"])
@pytest.mark.parametrize("option", ["layout=compact", "check=read"])
def test_options_of_types_need_a_type(codec, option):
    """Options for declared types are refused where none is declared."""
    with pytest.raises(SpecError, match="schema=YourClass"):
        transcoder(f"{codec}:{option}")


@pytest.mark.parametrize("text", ["\ud800", "ok\udfff"])
def test_half_a_surrogate_pair_is_refused(text):
    """Text that is no Unicode is an EncodeError, also in pickles, whose bytes may hold the like by chance."""
    made = transcoder("pickle:layout=compact+blake2", schema=dict[str, bytes], keys=[bytes(16)])
    assert made.decode(made.encode({"chance": b"\xed\xa0\x80"})) == {"chance": b"\xed\xa0\x80"}
    with pytest.raises(EncodeError, match="surrogate"):
        made.encode({text: b""})
