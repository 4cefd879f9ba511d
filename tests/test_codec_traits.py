"""The traits that a codec declares are true: each is probed on bytes."""

import io
import json
import pickle
import pickletools
from datetime import UTC, datetime
from decimal import Decimal

import cbor2
import msgpack
import numpy as np
import pytest

from tests.handmade import sealed
from tests.specs import CODECS, KEYS, body, made, make
from tests.values import EXAMPLES, PLAIN, Colour, Point, same
from transcoders import DecodeError, Limits, peek

every_codec = pytest.mark.parametrize("codec", CODECS)
ROOMY = Limits(size=1 << 22)
SESSION = {"user": 42, "name": "Žofie", "cart": [{"sku": "a-1", "price": 9.99, "gift": None}], "漢": [True, -7]}
READERS = {"pickle": pickle.loads, "msgpack": msgpack.unpackb, "cbor": cbor2.loads, "json": json.loads}
"""What reads a body without this library."""


@every_codec
def test_plain_body_is_read_by_the_formats_own_library(codec):
    """A plain body is nothing but the format's own notation of the value."""
    read = READERS[codec.partition(":")[0]]
    examples = [(name, value) for name, value in PLAIN if "250 deep" not in name]
    assert [name for name, value in examples if not same(read(body(made(codec).encode(value))), value)] == []


@every_codec
def test_trait_readable(codec):
    """A body that is called readable is printable text; another is not."""
    text = body(made(codec).encode(SESSION)).decode("utf-8", "surrogateescape")
    assert text.isprintable() == made(codec).traits.readable


@every_codec
def test_trait_self_describing(codec):
    """The format's own library reads a tagged body, too: it sees the tags."""
    value = [(1,), {2}, Decimal("1.10"), Point(3, Colour.RED), datetime(2026, 1, 2, tzinfo=UTC)]
    data = made(codec).encode(value)
    seen = READERS[codec.partition(":")[0]](body(data))
    assert peek(data).tagged
    assert (type(seen) is list and len(seen) == len(value)) == made(codec).traits.self_describing


def whole_cbor(data: bytes) -> object:
    """The value of one CBOR item; ValueError when more stands behind it."""
    file = io.BytesIO(data)
    value = cbor2.load(file, read_size=1)
    if file.read():
        raise ValueError("expected one item")
    return value


NEUTRAL = {"json": json.loads, "msgpack": msgpack.unpackb, "cbor": whole_cbor}
"""Formats that no language owns."""


@every_codec
def test_trait_cross_language(codec):
    """A body holds the value in its own format and, if that is Python's own, in none of the others."""
    found = []
    for name, read in NEUTRAL.items():
        try:
            seen = read(body(made(codec).encode(SESSION)))
        except (ValueError, cbor2.CBORDecodeError):
            continue
        found += [name] if seen == SESSION else []
    assert found == ([codec.partition(":")[0]] if made(codec).traits.cross_language else [])


@every_codec
def test_trait_deterministic(codec):
    """Equal sets that lie in memory in another order give the same bytes."""
    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)
    frames = {made(codec).encode(value) for value in (one, other)}
    assert (len(frames) == 1) == made(codec).traits.deterministic


CALLED: list[int] = []


class Bomb:
    """What calls a function when it is unpickled the usual way."""

    def __reduce__(self):
        """The call."""
        return CALLED.append, (1,)


def planted(spec: str, data: bytes) -> bytes:
    """A frame of the spec that holds the data in place of its body, sealed where the spec seals."""
    if "+hmac" not in spec:
        return make(spec).encode(None)[:5] + data
    return sealed(KEYS[0], "hmac", make(spec).encode(None)[:6], data)


@pytest.mark.parametrize("spec", [*CODECS, "pickle+hmac", "msgpack+hmac", "cbor+hmac", "json+hmac"])
@pytest.mark.parametrize("protocol", range(6))
def test_trait_data_only_against_calls(spec, protocol):
    """A pickle that would call something is refused in place of any codec's body, and nothing is called."""
    with pytest.raises(DecodeError):
        make(spec).decode(planted(spec, pickle.dumps(Bomb(), protocol)))
    assert make(spec).traits.data_only
    assert CALLED == []


@pytest.mark.parametrize("spec", [*CODECS, "pickle:views=8"])
def test_trait_data_only_against_names(spec):
    """A type that nobody registered is not looked for, even where Python has one of that name."""
    data = made(spec).encode([Point(1)])
    assert b"values.Point" in data
    with pytest.raises(DecodeError):
        made(spec).decode(data.replace(b"values.Point", b"builtins.int"))


def test_pickles_name_and_call_nothing():
    """No pickle of ours holds an opcode that names, calls, builds or remembers."""
    frames = [made("pickle").encode(value) for name, value in EXAMPLES if "250 deep" not in name]
    streams = [body(data) for data in frames if not peek(data).buffers]
    opcodes = {opcode.name for stream in streams for opcode, _, _ in pickletools.genops(stream)}
    assert len(streams) > 50
    assert opcodes.isdisjoint({"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD"})
    assert opcodes.isdisjoint({"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "MEMOIZE", "BINPUT", "BINGET", "DUP"})


def shared(view: object, data: bytes) -> bool:
    """Whether the view lies in the memory of the data."""
    return np.shares_memory(np.frombuffer(view, "u1"), np.frombuffer(data, "u1"))


@pytest.mark.parametrize("spec", [*CODECS, *(f"{codec}+hmac" for codec in CODECS), "pickle+blake2"])
def test_trait_zero_copy(spec):
    """An array of 1 MiB lies in the memory of its frame, under a seal too, if the codec says so."""
    t = make(spec, limits=ROOMY)
    array = np.arange(1 << 17, dtype="<f8").reshape(2, -1)
    data = t.encode({"array": array})
    decoded = t.decode(data)["array"]
    assert same(array, decoded)
    assert not decoded.flags.writeable
    assert shared(decoded.ravel(), data) == t.traits.zero_copy


@pytest.mark.parametrize("spec", ["pickle:views=65536", "pickle:views=65536+hmac", "pickle:views=65536+blake2"])
def test_views_share_the_memory_of_the_frame(spec):
    """With `views`, bytes and bytearrays of that size come back as read-only views; shorter ones as they were."""
    t = make(spec)
    value = {
        "bytes": b"x" * 65536,
        "array": bytearray(b"y" * 70_000),
        "short": b"z" * 65535,
        "rich": {1},
    }
    data = t.encode(value)
    decoded = t.decode(data)
    assert same(decoded["short"], value["short"])
    assert same(decoded["rich"], value["rich"])
    for name in ("bytes", "array"):
        assert type(decoded[name]) is memoryview
        assert decoded[name].readonly
        assert decoded[name] == value[name]
        assert shared(decoded[name], data)


@pytest.mark.parametrize("chain", ["pickle:views=64", "pickle:views=64+hmac"])
def test_views_come_back_under_a_lower_depth_too(chain):
    """A view passes where a lower limit is kept exactly, and where text is looked at for half characters."""
    t = make(chain, limits=Limits(depth=3))
    assert t.decode(t.encode({"raw": b"\xed\xa0" * 64, "text": "\ud7ff퟿"}))["raw"] == b"\xed\xa0" * 64
