"""One contract for every codec, and for every chain of filters behind it.

Identical types come back, equal values give equal bytes, and what is outside the session value set is refused.
"""

import pickle
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import SafeUUID

import cbor2
import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import child, strategies
from tests.specs import CHAINS, CODECS, MIXED, made, make
from tests.values import AMBIGUOUS, EXAMPLES, NAIVE, PLAIN, RICH, Level, Point, Role, Visit, same
from transcoders import DecodeError, EncodeError, frame, peek

every_codec = pytest.mark.parametrize("codec", CODECS)
quick = settings(deadline=None, max_examples=60)
SHALLOW = [(name, value) for name, value in EXAMPLES if "250 deep" not in name]
"""All but what 250 levels of tags do to a codec, which needs no filter to be seen."""
SESSION = {"user": 42, "names": ["Žofie", "漢字"], "cart": [{"price": 9.99, "gift": None}], "seen": {1, "a", NAIVE}}


def standing(spec: str, value: Any) -> bool:
    """Whether the value comes back the same from bytes of each kind, and its bytes are the same again if promised."""
    t = made(spec)
    data = t.encode(value)
    decoded = [t.decode(kind(data)) for kind in (bytes, bytearray, memoryview)]
    again = t.encode(decoded[0]) == data
    return all(same(value, one) for one in decoded) and again == t.traits.deterministic


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True), (1, 1.0), (0.0, -0.0), ("a", Role.ADMIN), (1, Level.LOW), ("admin", Role.ADMIN),
        ([1], (1,)), (b"", bytearray()), ({1}, frozenset({1})), ([1], [True]), ({1: 2}, {True: 2}), ({1}, {1.0}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({(1,)}, {(True,)}), ([], [None]), (Point(1), Point(x=True)),
        (Decimal("1.0"), Decimal("1.00")), (Decimal("NaN"), Decimal("sNaN")), (NAIVE, NAIVE.replace(fold=1)),
        (AMBIGUOUS, AMBIGUOUS.replace(fold=1)), (AMBIGUOUS, AMBIGUOUS.astimezone()), (NAIVE, NAIVE.date()),
        (np.zeros(1), np.zeros(1, "f4")), (np.zeros(1), np.zeros((1, 1))), (np.zeros(1), np.zeros(1, ">f8")),
        (np.zeros((2, 2)), np.zeros((2, 2), order="F")),
    ],
)  # fmt: skip
def test_same_tells_apart_what_equality_does_not(one, other):
    """The equality of these tests sees types, order, signs, digits, folds, zones and layout."""
    assert same(one, one)
    assert not same(one, other)


@every_codec
@pytest.mark.parametrize("value", [value for _, value in EXAMPLES], ids=[name for name, _ in EXAMPLES])
def test_every_example_comes_back_with_identical_types(codec, value):
    """Each value of the session value set comes back as it was, and gives the same bytes again."""
    assert standing(codec, value)


@pytest.mark.parametrize("chain", [chain for chain in CHAINS if chain not in CODECS])
def test_every_chain_carries_every_example(chain):
    """Filters change nothing about a value."""
    assert [name for name, value in SHALLOW if not standing(chain, value)] == []


@every_codec
@quick
@given(value=strategies.plain_values())
def test_plain_values_come_back_from_the_plain_form(codec, value):
    """Any plain value comes back, and no tag is needed for it."""
    assert standing(codec, value)
    assert not peek(made(codec).encode(value)).tagged


@pytest.mark.parametrize("chain", MIXED)
@quick
@given(value=strategies.session_values())
def test_session_values_come_back(chain, value):
    """Any session value comes back with identical types, from every codec and from chains."""
    assert standing(chain, value)


@every_codec
def test_form_says_whether_there_are_tags(codec):
    """Plain values are written plain, rich ones tagged, and the header says so."""
    tagged = {name: peek(made(codec).encode(value)).tagged for name, value in SHALLOW}
    assert [name for name, _ in PLAIN if tagged.get(name)] == []
    assert [name for name, _ in RICH if not tagged.get(name, True)] == []


@every_codec
@pytest.mark.parametrize("source", CODECS)
def test_equal_values_give_equal_bytes(codec, source):
    """Bytes depend on the value alone: a twin that another codec made shares no object and no history with it."""
    through, t = made(source), made(codec)
    # The sign of a NaN is not part of the value: some formats write one NaN only.
    twins = [(name, value, through.decode(through.encode(value))) for name, value in SHALLOW if name != "-NaN"]
    assert [name for name, value, twin in twins if t.encode(value) != t.encode(twin)] == []


DIGESTS = """
import hashlib
from tests import specs, values
values.register_types()
for spec in (*specs.CODECS, "pickle:views=8"):
    t = specs.make(spec)
    frames = [t.encode(value) for name, value in values.EXAMPLES if "250 deep" not in name]
    frames.append(t.encode({bytes([n]) * 9 for n in range(9)}))
    print(spec, hashlib.sha256(b"".join(frames)).hexdigest())
"""


def test_bytes_are_the_same_under_every_hash_seed(monkeypatch):
    """The order of a set in memory, which follows the hash seed of the process, does not reach the bytes."""
    printed = []
    for seed in ("0", "1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        printed.append(child.run(DIGESTS).splitlines())
    assert len(printed[0]) == len(CODECS) + 1
    assert printed[0] == printed[1] == printed[2]


class Text(str):
    __slots__ = ()


FOREIGN = {
    "object": object(),
    "complex number": 1j,
    "range": range(3),
    "class": int,
    "function": len,
    "subclass of str": Text("a"),
    "subclass of dict": OrderedDict(a=1),
    "memoryview": memoryview(b"ab"),
    "PickleBuffer": pickle.PickleBuffer(b"ab"),
    "extension of msgpack": msgpack.ExtType(1, b"\x90"),
    "tag of cbor2": cbor2.CBORTag(37, b"x" * 16),
    "undefined of cbor2": cbor2.undefined,
    "numpy number": np.float64(1.5),
    "array of objects": np.array([object()]),
    "array of records": np.zeros(1, [("a", "i4")]),
    "subclass of ndarray": np.ma.array([1]),
    "unregistered Enum member": SafeUUID.safe,
    "record without its field": Visit.__new__(Visit),
    "lone surrogate": "a\ud800",
}


@every_codec
@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_outside_the_set_is_refused(codec, name):
    """A value that is no session value is an EncodeError that says where, alone and inside of others."""
    value = FOREIGN[name]
    places = {"$": value, "$[0]": [value], "$.a.b": {"a": {"b": value}}, "$[1][0]": [(1,), (value,)]}
    for path, outer in places.items():
        with pytest.raises(EncodeError) as caught:
            made(codec).encode(outer)
        assert caught.value.path.startswith(path)


@every_codec
@pytest.mark.parametrize("value", ["\ud800", ("\udfff", 1), frozenset({("\ud800",)})], ids=["text", "tuple", "set"])
def test_lone_surrogates_are_found_in_keys_and_members(codec, value):
    """A lone surrogate is found in keys and in sets, too."""
    for outer in ({value: 1}, {value}, [{1: {value: 1}}], {(value, 1), (value, 2)}, {1: 2, value: 3}):
        with pytest.raises(EncodeError, match="surrogate"):
            made(codec).encode(outer)


@pytest.mark.parametrize("spec", [*CODECS, "pickle+hmac", "json+zstd"])
@pytest.mark.parametrize("value", [Decimal("1" * 10_001), Decimal("1" * 300_000), 2**100_000], ids=["D4", "D5", "int"])
def test_what_is_written_can_be_read(spec, value):
    """The limits of reading are those of writing."""
    try:
        encoded = made(spec).encode([value])
    except EncodeError:
        return
    assert same(made(spec).decode(encoded), [value])


@pytest.mark.parametrize("spec", [*CODECS, "pickle+hmac"])
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"k": v}, lambda v: (v,)], ids=["list", "dict", "tuple"])
def test_no_depth_and_no_cycle_harms_the_encoder(spec, wrap):
    """Deeper than any engine goes is an EncodeError, and so is a cycle."""
    deep: Any = 0
    for _ in range(2_000):
        deep = wrap(deep)
    cycle: list[Any] = []
    cycle.append(wrap(cycle))
    for value in (deep, cycle):
        with pytest.raises(EncodeError):
            made(spec).encode(value)


@cache
def frames(codec: str) -> list[bytes]:
    """Frames of the short examples, to be changed."""
    encoded = [made(codec).encode(value) for _, value in SHALLOW]
    return [data for data in encoded if len(data) < 500]


@every_codec
@settings(deadline=None, max_examples=300)
@given(draw=st.data())
def test_hostile_bytes_give_a_session_value_or_a_decode_error(codec, draw):
    """Whatever the bytes, what comes out is a kind of DecodeError or a value that could have been encoded."""
    t = made(codec)
    try:
        value = t.decode(draw.draw(strategies.hostile_bytes(*frames(codec))))
    except DecodeError as error:
        assert type(error) is not DecodeError  # noqa: PT017 - the other outcome is a value
        return
    assert same(t.decode(t.encode(value)), value)


STRANGE = {
    "undefined of CBOR": ("cbor", frame.PLAIN, b"\xf7"),
    "simple value of CBOR": ("cbor", frame.PLAIN, b"\x81\xe0"),
    "map of CBOR as key": ("cbor", frame.PLAIN, b"\xa1\xa0\1"),
    "tag of CBOR that nobody knows": ("cbor", frame.PLAIN, b"\xd8\xc8\0"),
    "tag of CBOR cut short": ("cbor", frame.TAGGED, b"\xd8"),
    "two items of CBOR": ("cbor", frame.PLAIN, b"\xa0\xa0"),
    "lone break of CBOR": ("cbor", frame.TAGGED, b"\xff"),
    "timestamp of MessagePack": ("msgpack", frame.PLAIN, b"\xd6\xff\0\0\0\0"),
    "timestamp of MessagePack, other engine": ("msgpack:engine=msgpack", frame.PLAIN, b"\xd6\xff\0\0\0\0"),
    "signalling NaN behind a value": ("msgpack", frame.TAGGED, b"\xc0\xc7\x05\x0d\xa4sNaN"),
    "array behind a value": ("msgpack", frame.TAGGED, b"\xc0\xc7\x0e\x11\x92\x93\xa3|i1\xa1C\x91\2\xc4\2\0\1"),
    "lone surrogate in pickle": ("pickle", frame.PLAIN, b"\x80\x05\x8c\x03\xed\xa0\x80."),
    "buffer of pickle that is not there": ("pickle", frame.TAGGED, b"\x80\x05\x97."),
    "record whose fields are no dict": ("json", frame.TAGGED, b'{"$record":["values.Point",1]}'),
    "record without its fields": ("json", frame.TAGGED, b'{"$record":["values.Point",{}]}'),
    "record that its own class refuses": ("json", frame.TAGGED, b'{"$record":["values.Ratio",{"share":2}]}'),
    "Enum as record": ("json", frame.TAGGED, b'{"$record":["values.Colour",{}]}'),
    "zone that is a directory": ("json", frame.TAGGED, b'{"$datetime":"2026-01-02T00:00:00[Europe]"}'),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_no_session_holds_is_refused(name):
    """What a format can write and a session cannot hold is a DecodeError."""
    codec, form, body = STRANGE[name]
    head = frame.header(made(codec).encode(None)[3], form, ())
    with pytest.raises(DecodeError):
        made(codec).decode(head + body)


@pytest.mark.parametrize("spec", MIXED)
def test_threads_do_not_mix_up_values(spec):
    """Eight threads encode and decode through one transcoder, each its own values, and each gets its own back."""
    t = make(spec)

    def work(thread: int) -> list[object]:
        plain = [{"thread": thread, "turn": turn} for turn in range(100)]
        rich = [({"x" * thread, turn}, SESSION) for turn in range(100)]
        return [value for value in (*plain, *rich) if not same(t.decode(t.encode(value)), value)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == [[]] * 8
    finally:
        sys.setswitchinterval(interval)
