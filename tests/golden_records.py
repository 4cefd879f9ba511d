"""The sessions behind the golden records, each with a name. What stands here is never changed, only added to."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Annotated, Any, NamedTuple
from unittest.mock import patch

from tests.golden import GOLDEN, Basket, Price, Tier
from transcoders import transcoder
from transcoders.schema import Name, Range, schema
from transcoders.sessions import layout
from transcoders.sessions.record import ABSENT, Record
from transcoders.sessions.session import Session
from transcoders.sessions.wire import Wire

KEY = "session:Zm9vYmFyYmF6cXV4Zm9vYg"
OTHER = "session:b3RoZXJvdGhlcm90aGVyb3"
KEYS = (bytes(range(32)), b"the secret before that one")
NOW = 1_795_000_000
SEALS = ("hmac", "blake2", "aesgcm")

SMALL: dict[str, Any] = {
    "none": None, "yes": True, "no": False, "zero": 0, "low": -(2**63), "high": 2**64 - 1, "half": 0.5,
    "infinite": float("inf"), "text": "Žluťoučký kůň, 漢字, 😀", "name": "漢" * 128, "": None,
    "roles": ["admin", "editor"], "cart": GOLDEN["session"]["cart"], "raw": b"\x00\xc4\xff", "huge": 2**64,
    "long": "x" * 129, "rich": [*GOLDEN["datetimes"][:4], *GOLDEN["decimals"][:3], (1, {2, "b"}), {1: "int"}],
}  # fmt: skip
del SMALL[""]
LARGE = {**SMALL, "rows": [[number, f"row {number}"] for number in range(400)], "note": "the same words, " * 40}


@schema(version=3)
@dataclass
class Visit:
    url: str
    seconds: float


@dataclass
class Shop:
    """A declared session with every way in which a field is stored."""

    user: Annotated[str, Name("uid")]
    basket: Basket
    visits: list[Visit] = field(default_factory=list)
    visit: Visit | None = None
    tier: Tier = Tier.FREE
    age: Annotated[int, Range(ge=0)] = 0
    theme: str | None = None


SHOP: dict[str, Any] = {
    "uid": "user-42", "basket": Basket("Ann", [Price(GOLDEN["decimals"][0], "EUR")]), "visits": [Visit("/", 1.5)],
    "visit": Visit("/cart", 0.25), "tier": Tier.PAID, "age": 7, "theme": "dark", "unknown": [1, {"a": None}],
}  # fmt: skip


class Case(NamedTuple):
    """A golden record.

    Attributes:
        spec: of the transcoder that wrote it.
        make: what makes the bytes, from the transcoder's wire.
        values: its attributes.
        schema: its declared type.
        head: some of what else it says.
    """

    spec: str
    make: Callable[[Wire[Any]], bytes]
    values: Mapping[str, Any]
    schema: Any = None
    head: Mapping[str, Any] = {}


def written(wire: Wire[Any], record: Record, values: Mapping[str, Any], now: int, **header: Any) -> bytes:
    """The bytes of the record with these values, of which ABSENT ones are deleted."""
    session: Session[Any] = Session(wire, record=record)
    for name, value in values.items():
        if value is ABSENT:
            del session[name]
        else:
            session[name] = value
    return record.build(session.changes(), now, **header)


def once(values: Mapping[str, Any], **header: Any) -> Callable[[Wire[Any]], bytes]:
    """A record that was written once."""
    return lambda wire: written(wire, wire.blank(KEY, NOW, 1800, 0), values, NOW + 1, **header)


def again(values: Mapping[str, Any], *steps: tuple[int, Mapping[str, Any]]) -> Callable[[Wire[Any]], bytes]:
    """A record that was written again, after so many seconds, with these changes."""

    def make(wire: Wire[Any]) -> bytes:
        data, now = once(values)(wire), NOW + 1
        for seconds, changes in steps:
            now += seconds
            data = written(wire, wire.read(data, KEY), changes, now)
        return data

    return make


def fields(wire: Wire[Any]) -> bytes:
    """A record whose header has fields that nobody knows yet."""
    data = once({"a": 1})(wire)
    fields = wire.packing.pack_fields({1: "user:42", 9: [1, "later"]})
    start = bytes((*data[:3], data[3] | layout.EXT, *data[4 : layout.SIZE]))
    return start + len(fields).to_bytes(2, "big") + fields + data[layout.SIZE :]


STEPS = ((5, {"zero": 1, "rows": LARGE["rows"][:200]}), (61, {"note": ABSENT}), (2, {"more": ["b" * 300]}))
LAST = {**LARGE, "zero": 1, "rows": LARGE["rows"][:200], "more": ["b" * 300]}
del LAST["note"]
ONES = {f"n{number}": number for number in range(20)}
CASES: dict[str, Case] = {
    **{f"small-{codec}": Case(codec, once(SMALL), SMALL) for codec in ("json", "msgpack", "cbor", "pickle")},
    **{f"large-{codec}": Case(codec, once(LARGE), LARGE) for codec in ("json", "msgpack", "cbor", "pickle")},
    **{f"small-{seal}": Case(f"json+{seal}", once(SMALL), SMALL) for seal in SEALS},
    **{f"large-{seal}": Case(f"msgpack+{seal}", once(LARGE), LARGE) for seal in SEALS},
    **{f"small-{name}": Case(f"json+{name}", once(SMALL), SMALL) for name in ("zlib", "zstd", "lz4")},
    "large-zlib": Case("msgpack+zlib", once(LARGE), LARGE),
    "large-all": Case("cbor+zstd+aesgcm+hmac", once(LARGE), LARGE),
    "empty": Case("json", once({}), {}, head={"version": 1, "created": NOW, "written": NOW + 1, "idle": 1800}),
    "again": Case("msgpack", again(LARGE, *STEPS), LAST, head={"version": 4, "created": NOW, "written": NOW + 69}),
    "again-sealed": Case("json+zlib+hmac", again(LARGE, *STEPS), LAST, head={"version": 4}),
    "busy": Case("json", again({}, *((1, {name: n}) for name, n in ONES.items())), ONES, head={"version": 21}),
    "principal": Case(
        "json+blake2", once(SMALL, principal="user:42", idle=60, absolute=86_400), SMALL,
        head={"principal": "user:42", "idle": 60, "absolute": 86_400},
    ),
    "fields": Case(
        "msgpack", fields, {"a": 1}, head={"principal": "user:42", "fields": {1: "user:42", 9: [1, "later"]}}
    ),
    **{f"typed-{codec}": Case(codec, once(SHOP), SHOP, Shop) for codec in ("json", "msgpack", "cbor", "pickle")},
    "typed-sealed": Case("msgpack+zstd+hmac", once(SHOP), SHOP, Shop),
    "trail": Case("json", lambda wire: wire.trail(OTHER, KEY), {}, head={"moved": OTHER, "version": 0}),
    "trail-sealed": Case("json+zlib+hmac", lambda wire: wire.trail(OTHER, KEY), {}, head={"moved": OTHER}),
    "trail-encrypted": Case("json+aesgcm", lambda wire: wire.trail(OTHER, KEY), {}, head={"moved": OTHER}),
}  # fmt: skip
"""What lies in stores, by name."""


def ids() -> Iterator[bytes]:
    """Write ids in order, in place of random ones."""
    return (number.to_bytes(4, "big") for number in count(0xA0000001))


def wire(case: Case) -> Wire[Any]:
    """What writes and reads the records of the case."""
    keys = KEYS if any(f"+{seal}" in case.spec for seal in SEALS) else ()
    return Wire(transcoder(case.spec, keys=keys), case.schema)


def make(case: Case) -> bytes:
    """The bytes that this release writes."""
    drawn = ids()
    with patch.object(layout, "fresh", lambda: next(drawn)):
        return case.make(wire(case))
