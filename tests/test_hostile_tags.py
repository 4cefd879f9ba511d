"""Payloads that lie, inside frames that are valid: wrong types, numbers that read two ways, zones, shapes."""

import base64
import dataclasses
import enum
import math

import cbor2
import numpy as np
import orjson
import ormsgpack
import pytest

from tests.handmade import FORMATS, framed, pickled
from tests.specs import made, make
from tests.values import same
from transcoders import DecodeError, fidelity, frame, register

every_format = pytest.mark.parametrize("codec", FORMATS)


@dataclasses.dataclass
class Stop:
    name: str
    line: int = 0


class Signal(enum.Enum):
    RED = 1


@pytest.fixture(scope="module", autouse=True)
def stops():
    """A record and an Enum that payloads may name."""
    register("type", "shop.Stop", Stop, replace=True)
    register("type", "shop.Signal", Signal, replace=True)


def textual(payload):
    """The payload as JSON has it: bytes in base64, keys as text."""
    if isinstance(payload, bytes):
        return base64.b64encode(payload).decode()
    if isinstance(payload, dict):
        return {str(key): textual(value) for key, value in payload.items()}
    return [textual(item) for item in payload] if isinstance(payload, list) else payload


def packed(payload):
    """The payload in MessagePack."""
    return ormsgpack.packb(payload, option=ormsgpack.OPT_NON_STR_KEYS)


WRITERS = {
    "json": lambda kind, payload: orjson.dumps({f"${fidelity.NAMES.get(kind, kind)}": textual(payload)}),
    "msgpack": lambda kind, payload: ormsgpack.packb(ormsgpack.Ext(kind, packed(payload))),
    "cbor": lambda kind, payload: cbor2.dumps(
        cbor2.CBORTag(37 if kind == fidelity.UUID_ else 0x54430000 + kind, payload)
    ),
    "pickle": lambda kind, payload: pickled((kind, payload)),
}
"""How each format writes a tag, by hand."""
KINDS = {name: kind for kind, name in fidelity.NAMES.items()}


def tagged(codec, name, payload):
    """A valid tagged frame around a payload of any kind."""
    return framed(codec, frame.TAGGED, WRITERS[codec](KINDS.get(name, 99), payload))


def outcome(codec, name, payload):
    """The value that comes through, or the DecodeError."""
    try:
        return made(codec).decode(tagged(codec, name, payload))
    except DecodeError as error:
        return error


def unrefused(codec, name, payloads):
    """The payloads that come through, with what they come through as."""
    outcomes = [(payload, outcome(codec, name, payload)) for payload in payloads]
    return [(payload, value) for payload, value in outcomes if not isinstance(value, DecodeError)]


GOOD = {
    "tuple": [1, [2]], "set": [1, "a"], "frozenset": [], "dict": [1, 2, "a", [3]], "bytearray": b"bytes",
    "int": "-ffffffffffffffffff", "float": "nan", "datetime": ["2026-10-25T01:30:00[Europe/London]", 1],
    "date": "2026-11-22", "time": "10:11:12+01:00", "timedelta": [1, 2, 3], "decimal": "1.10", "uuid": b"x" * 16,
    "enum": ["shop.Signal", "RED"], "record": ["shop.Stop", {"name": "x"}],
    "array": [["<i2", "C", [2]], b"\1\0\2\0"], "number": 5,
}  # fmt: skip
"""A payload that is right, for each kind; bytes are written without a tag where the format has them."""


@every_format
@pytest.mark.parametrize("name", GOOD)
def test_handmade_tags_are_read(codec, name):
    """The frames of the tests below are refused for their payloads alone: with right ones they are read."""
    assert len(unrefused(codec, name, [GOOD[name]])) == 1


JUNK = [
    None, True, 0, -1, 1 << 62, 1.5, "", "x", "text", b"", b"x", [], [None], [[]], [[], []], ["x", "y"], [1, 2],
    [1, 2, 3], [None, None, None], {}, {"a": 1}, {"": None}, *GOOD.values(),
    ["shop.Stop", []], ["shop.Stop", None], ["shop.Stop", "xy"], ["shop.Stop", {}],
    ["shop.Stop", {"name": "x", "gate": 1}], ["shop.Stop", {1: 2}], ["shop.Stop", [["name", "x"]]],
    ["shop.Signal", {}], ["shop.Signal", []], ["shop.Signal", 1], ["shop.Signal", "GREEN"],
    ["os.system", "RED"], [{}, {}], [None, {"name": 1}], [["shop.Stop"], {}],
]  # fmt: skip
"""Payloads of every shape, right for one kind or for none."""


@every_format
@pytest.mark.parametrize("name", [*KINDS, "unknown"])
def test_payloads_of_wrong_types(codec, name):
    """A payload of any other type, under any kind, is a value that could have been encoded or a DecodeError."""
    for _, value in unrefused(codec, name, JUNK):
        assert same(made(codec).decode(made(codec).encode(value)), value)


MOMENTS = [
    "", "now", "2026-13-01T00:00:00", "2026-11-22T25:00:00", "2026-11-22T10:11:12+99:99", "99999-01-01T00:00:00",
    "2026-11-22T10:11:12[", "2026-11-22T10:11:12[]", "2026-11-22T10:11:12]", "[UTC]", "2026-11-22T10:11:12[UTC",
    "2026-11-22T10:11:12[Mars/Olympus]", "2026-11-22T10:11:12[../../etc/passwd]", "2026-11-22T10:11:12[/etc/passwd]",
    "2026-11-22T10:11:12[\0]", "2026-11-22T10:11:12[Europe]", "2026-11-22T10:11:12[.]", "2026-11-22T10:11:12[UTC/x]",
    "2026-11-22T10:11:12[zone.tab]", "2026-11-22T10:11:12[__init__.py]", "2026-11-22T10:11:12[a.b/c]",
    "2026-11-22T10:11:12[\xe9]", f"2026-11-22T10:11:12[{'x' * 5000}]", "x" * 5000, None, 5, [], ["now", 1],
    ["2026-11-22T10:11:12"], ["2026-11-22T10:11:12", 0], ["2026-11-22T10:11:12", 2], ["2026-11-22T10:11:12", "1"],
    ["2026-11-22T10:11:12", 1, 1], [1, "2026-11-22T10:11:12"], {"2026-11-22T10:11:12": 1},
]  # fmt: skip
HEADS = [
    ["<i8", "C", [1 << 60]], ["<i8", "C", [1 << 47, 1 << 47]], ["<i8", "C", [0, 1 << 60]], ["<i8", "C", [0] * 33],
    ["<i8", "C", [0] * 5000], ["<i8", "C", [-1]], ["<i8", "C", [-1, -1]], ["<i8", "C", [1.0]], ["<i8", "C", [True]],
    ["<i8", "C", ["1"]], ["<i8", "C", 1], ["<i8", "C", None], ["<i8", "A", [1]], ["<i8", "", [1]], ["<i8", "C"],
    ["<i8", "C", [2]], ["<i8", "C", [0]], ["|O", "C", [1]], ["O", "C", [1]], ["object", "C", [1]], ["|V8", "C", [1]],
    ["<i4,<i4", "C", [1]], ["(2,)<i4", "C", [1]], ["<i3", "C", [1]], ["<i0", "C", [1]], ["<b8", "C", [1]],
    ["<m8[xx]", "C", [1]], ["<m8[0s]", "C", [1]], ["<M8[0D]", "C", [1]], ["|S0", "C", [1 << 47]], ["int64", "C", [1]],
    ["<U999999", "C", [1 << 47]], ["", "C", [1]], [5, "C", [1]], [None, None, None], [["<i8"], "C", [1]],
]  # fmt: skip
REFUSED = {
    "int": ["", "-", "0x10", "1_0", "-0", "+1", " 1", "1 ", "0A", "A", "01", "g", "1.0", "\u0661", None, 5, [], b"1"],
    "float": ["", "NaN", "1.5", "infinity", "+inf", None, 1.5, math.inf, []],
    "datetime": MOMENTS,
    "time": [*MOMENTS, "24:00", "10:11:12+24:00", "2026-11-22"],
    "date": [*MOMENTS, "2026-1-22 ", "20261122", "2026-11-2x", "2026-11-22T10:11:12"],
    "timedelta": [[10**9, 0, 0], [1 << 62, 0, 0], [0, 1 << 62, 1 << 62], [1.0, 0, 0], [True, 0, 0], [1, 2], "1", None],
    "decimal": ["", "1_0", "1.1.1", "0x1", "one", "\u0661", "1" * 10_001, None, 1, 1.5, [0, [1], 0], b"1"],
    "uuid": [b"", b"x" * 15, b"x" * 17, "6d65", "6d657373-6167-6521-6d65-737361676521", None, 5, [1]],
    "bytearray": [None, 5, "\xe9", "x", [1], ["x"], {}],
    "tuple": [None, 5, "ab", {"a": 1}, b"ab"],
    "set": [None, 5, "ab", {"a": 1}, [[]], [{}], [1, [2]]],
    "frozenset": [None, 5, "ab", [[]]],
    "dict": [None, 5, "abcd", {"a": 1}, [1], [1, 2, 3], [1, 2, 1, 3], [[], 1], [{}, 1]],
    "number": [None, True, "5", [], [5]],
    "enum": [["shop.Stop", "name"], ["shop.Signal", "__class__"], ["shop.Signal", "name"]],
    "record": [
        ["shop.Stop", {"name": "x", "__class__": 1}], ["shop.Stop", []], ["shop.Signal", {}],
        ["shop.Stop", {"self": 1}], ["os.system", {"command": "x"}], [["shop.Stop"], {}],
    ],
    "array": [*([head, b"x" * 8] for head in HEADS), [GOOD["array"][0]], [GOOD["array"][0], b"", b""], [None, None]],
    "unknown": ["x", 1, [], None],
}  # fmt: skip
"""What each kind must refuse."""


@every_format
@pytest.mark.parametrize("name", REFUSED)
def test_payloads_that_lie(codec, name):
    """Numbers that read two ways, zones that are paths, arrays of objects or of no size: each is refused."""
    payloads = REFUSED[name]
    if (codec, name) == ("json", "bytearray"):
        payloads = [payload for payload in payloads if payload != "\xe9"] + ["====", "YQ", "Y Q=="]
    assert unrefused(codec, name, payloads) == []


@every_format
def test_arrays_never_hold_more_than_their_bytes(codec):
    """An empty array of a huge shape is refused or holds nothing, and every array that passes can be used."""
    for dtype in ("<i8", "<m8[0s]", "<M8[25s]", "|S0", "<U0", "|b1", "<f16", "<U1"):
        for shape, data in (([1], b"x" * np.dtype(dtype).itemsize), ([0, 1 << 47], b""), ([1 << 20], b"")):
            for _, value in unrefused(codec, "array", [[[dtype, "C", shape], data]]):
                assert value.nbytes == len(data)
                assert repr(value)


@pytest.mark.parametrize("item", [b"\x01\x01", b"\x82\x01", b"\x49\x01", b"\x9f\x01", b"\x01\xff", b"\xa1\x61a"])
@pytest.mark.parametrize("form", [frame.PLAIN, frame.TAGGED])
def test_a_cbor_item_ends_where_the_body_does(item, form):
    """No item borrows what the codec puts behind it to find its end, and nothing is left over."""
    with pytest.raises(DecodeError):
        made("cbor").decode(framed("cbor", form, item))


@pytest.mark.parametrize(
    "item",
    [b"\xf7", b"\xe5", b"\xf8\xff", b"\xa1\xa0\x01", b"\xc0\x60", b"\xc1\x01", b"\xc4\x82\x01\x02", b"\xd8\x1c\x80",
     b"\xd8\x1d\x00", b"\xd8\x23\x61a", b"\xd8\x24\x60", b"\xd9\x01\x02\x80", b"\xd9\xd9\xf7\x01", b"\xd9\xff\xfe\x01",
     b"\xda\x54\x43\x00\xff\x01", b"\xdb\x01" + bytes(7) + b"\x01"],
    ids=bytes.hex,
)  # fmt: skip
@pytest.mark.parametrize("form", [frame.PLAIN, frame.TAGGED])
@pytest.mark.parametrize(
    "outer", [b"", b"\x81", b"\xa1\x61a", b"\xda\x54\x43\x00\x01\x81"], ids=["bare", "list", "dict", "tuple"]
)
def test_cbor_holds_session_values_alone(item, form, outer):
    """Simple values, undefined, keys that are maps and tags of others are refused, wherever they stand."""
    with pytest.raises(DecodeError):
        made("cbor").decode(framed("cbor", form, outer + item))
    with pytest.raises(DecodeError):
        make("json", "raw-cbor").decode(outer + item)


LONG = "correct horse battery staple " * 40


@every_format
@pytest.mark.parametrize("name", KINDS)
def test_decode_errors_show_a_fragment_at_most(codec, name):
    """No message repeats more of a payload than its first hundred characters."""
    for payload in (LONG, [LONG, LONG], [LONG, 1], [LONG], {LONG: LONG}, [["<i8", LONG, [1]], b"x"]):
        found = outcome(codec, name, payload)
        if isinstance(found, DecodeError):
            assert LONG[:101] not in str(found)
            assert len(str(found)) < 500
