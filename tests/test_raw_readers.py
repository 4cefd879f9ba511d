"""What other software stored: pickles and timestamps without a frame become session values, or a typed error."""

import pickle
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given

from tests.strategies import plain_values
from tests.values import same
from transcoders import DecodeError, Foreign, Limits, transcoder

READER = transcoder("json", accept=["raw-pickle", "raw-msgpack"])
MOMENT = datetime(2026, 11, 22, 10, 11, 12, 131415, tzinfo=UTC)
SESSION = {
    "user": 42, "cart": [{"sku": "A-7", "price": Decimal("9.90")}], "since": MOMENT, "day": date(2026, 1, 2),
    "left": timedelta(seconds=5), "place": (1.0, 2), "roles": {"a", "b"}, "raw": b"\x00\xff", "big": 1 << 80,
    "zone": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))), 5: None, "fixed": frozenset((1,)),
}  # fmt: skip
every_protocol = pytest.mark.parametrize("protocol", [4, 5])


@every_protocol
def test_a_pickled_session_is_read(protocol):
    """A pickle as Python writes it, with its memo, becomes the same value; a frame of ours is made of it."""
    shared = SESSION | {"again": SESSION["cart"]}
    value = READER.decode(pickle.dumps(shared, protocol))
    assert value == shared
    assert READER.decode(READER.encode(value)) == shared


@given(value=plain_values())
def test_plain_pickles_come_back(value):
    """Whatever plain value was pickled, the reader gives it back with its types."""
    assert same(READER.decode(pickle.dumps(value)), value)


class Custom:
    """A class of somebody's, with a trap for whoever loads it."""

    def __reduce__(self):
        return print, ("loaded",)


def cycle():
    """A list that holds itself."""
    made: list[object] = []
    made.append(made)
    return made


def bomb():
    """A list of two that stands for 2 to the power of 60."""
    made: list[object] = []
    for _ in range(60):
        made = [made, made]
    return made


@pytest.mark.parametrize(
    "value",
    [
        Custom(), print, OrderedDict(a=1), cycle(), bomb(), [[[0] * 30_000] * 30_000], "\ud800", UUID(int=5),
        ZoneInfo("Europe/London"), range(3), 1j,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_other_pickles_are_foreign(capsys, value):
    """What is no session value is refused before anything of it is made, and nothing of it runs."""
    with pytest.raises(Foreign, match="raw-pickle: "):
        READER.decode(pickle.dumps(value))
    assert not capsys.readouterr().out


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_older_protocols_are_foreign(protocol):
    """Protocols that Python has not written by default since 3.8 are not read."""
    with pytest.raises(Foreign, match="expected a pickle of protocol 4 or 5"):
        READER.decode(pickle.dumps({"a": 1}, protocol))


def test_limits_hold_for_pickles():
    """The limits of the reader are those of the transcoder."""
    tight = transcoder("json", accept=["raw-pickle"], limits=Limits(items=10, depth=3))
    assert tight.decode(pickle.dumps([[[1]]])) == [[[1]]]
    for value in (list(range(11)), [[[[]]]], [[0, 1, 2]] * 4):
        with pytest.raises(DecodeError, match=r"raw-pickle: .*(items|entries|deeper)"):
            tight.decode(pickle.dumps(value))


@pytest.mark.parametrize("moment", [MOMENT, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_a_timestamp_is_a_moment(moment):
    """The extension type that MessagePack defines is an aware datetime in UTC."""
    value = READER.decode(msgspec.msgpack.encode({"at": moment}))
    assert value == {"at": moment}
    assert value["at"].tzinfo is UTC


@pytest.mark.parametrize(
    "body", [b"\xc7\x03\xff\0\0\0", b"\xc7\x0c\xff\xff\xff\xff\xff" + b"\x7f" * 8, b"\xd4\x05\x01", b"\xc7\x00\xff"]
)
def test_a_broken_timestamp_is_foreign(body):
    """A timestamp of a wrong length, one that is no date, and any other extension type are refused."""
    with pytest.raises(Foreign, match="raw-msgpack: "):
        READER.decode(b"\x91" + body)
