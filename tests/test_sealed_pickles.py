"""The express way of sealed pickles does what the slow way does: the same bytes, the same values, the same errors."""

import copyreg
import pickle

import pytest
from hypothesis import given, settings

from tests.handmade import pickled, sealed
from tests.specs import KEYS
from tests.strategies import session_values
from tests.values import same
from transcoders import DecodeError, EncodeError, Limits, Malformed, Tampered, TooLarge, Transcoder, frame, transcoder
from transcoders.filters.blake2 import Blake2Filter
from transcoders.filters.hmac import HmacFilter

SEALS = {"blake2": Blake2Filter.tag, "hmac": HmacFilter.tag}
every_seal = pytest.mark.parametrize("seal", SEALS)


def ways(seal, **options):
    """A transcoder, and how it encodes and decodes without the express way."""
    made = transcoder(f"pickle+{seal}", keys=KEYS, **options)
    return made, lambda value: Transcoder.encode(made, value), lambda data: Transcoder.decode(made, data)


def forged(seal, content):
    """A frame of the plain form that somebody who has the key sealed around any bytes."""
    return sealed(KEYS[0], seal, frame.header(1, frame.PLAIN, (SEALS[seal],)), content)


VALUES = {
    "small": {"user": 42, "names": ["Žofie", None], "when": 1.5},
    "tuples": {"a": (1, (2.5, "x"), ())},
    "a set": {"roles": {"a"}},
    "an empty set": [set()],
    "a frozenset": [frozenset((1, 2))],
    "bytes that look like sets": [0x8F, 0x918F, b"\x8f\x91\xed"],
    "bytes that look like half a pair": [b"\xed\xa0\x80"],
    "Hangul, which starts with ED": ["\ud55c" * 5],
    "a large integer": [1 << 200],
    "an integer that lies in 256 bytes": [1 << 2040],
    "more than the least": ["x" * 300],
    "more, and a byte of doubt": ["x" * 300, 0x8B],
    "more than is dense": [list(range(3000))],
    "text of 100 kB": {"text": "y" * 100_000},
    "bytes of 100 kB": {"bytes": b"y" * 100_000, "a": 1},
}


@every_seal
@pytest.mark.parametrize("name", VALUES)
def test_the_same_frames(seal, name):
    """Every kind of value is written and read as the slow way does it, again and again."""
    made, encode, decode = ways(seal)
    for _ in range(2):
        data = made.encode(VALUES[name])
        assert data == encode(VALUES[name])
        assert same(made.decode(data), VALUES[name])
        assert same(decode(data), VALUES[name])


@every_seal
@settings(deadline=None, max_examples=60)
@given(value=session_values())
def test_the_same_frames_of_any_value(seal, value):
    """Whatever a session holds."""
    made, encode, _ = ways(seal)
    data = made.encode(value)
    assert data == encode(value)
    assert same(made.decode(data), value)


def cycle():
    """A list that holds itself."""
    value: list[object] = []
    value.append(value)
    return value


@every_seal
@pytest.mark.parametrize("value", [cycle(), [object()], ["\ud800"], [10**2000], ["x" * 2_000_000], {"a": print}])
def test_the_same_refusals(seal, value):
    """What is no session value, or too large, is refused in the same words, and the next value is written."""
    made, encode, _ = ways(seal)
    messages = set()
    for one in (made.encode, encode):
        with pytest.raises(EncodeError) as refused:
            one(value)
        messages.add(str(refused.value))
    assert len(messages) == 1
    assert made.decode(made.encode({"a": 1})) == {"a": 1}


class Named:
    """What a pickle names."""


@every_seal
@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x80\x05", pickled({"a": 1})[:-1], pickled({"a": 1}) + b"N.", pickled(["a", "\ud800"]),
        pickle.dumps(Named), pickled([1 << 9000]), pickled(["x" * 300, 1 << 9000]),
    ],
    ids=["nothing", "a start", "cut", "two", "half a pair", "a name", "digits", "digits behind text"],
)  # fmt: skip
def test_the_same_errors(seal, content):
    """What a holder of the key may have sealed is refused as on the slow way, and the next frame is read."""
    made, _, decode = ways(seal)
    found = set()
    for one in (made.decode, decode):
        with pytest.raises((Malformed, TooLarge, DecodeError)) as refused:
            one(forged(seal, content))
        found.add((type(refused.value), str(refused.value)))
    assert len(found) == 1
    assert made.decode(made.encode({"a": 1})) == {"a": 1}


@every_seal
def test_whatever_is_not_its_business(seal):
    """Associated data, views and changed frames go the other way."""
    made, _, _ = ways(seal)
    bound = made.encode({"a": 1}, b"session 1")
    assert made.decode(bound, b"session 1") == {"a": 1}
    data = made.encode({"a": 1})
    assert made.decode(memoryview(data)) == made.decode(bytearray(data)) == {"a": 1}
    with pytest.raises(Tampered):
        made.decode(data[:-1] + bytes((data[-1] ^ 1,)))


@every_seal
def test_exact_limits_are_kept(seal):
    """With limits that engines do not keep by themselves there is no express way."""
    made, _, _ = ways(seal, limits=Limits(depth=3))
    with pytest.raises(EncodeError):
        made.encode([[[[]]]])


@every_seal
def test_loaded_extensions_are_guarded(seal, monkeypatch):
    """Where somebody has loaded an extension code, which no unpickler asks about, the opcode guard runs."""
    monkeypatch.setitem(copyreg._extension_cache, 240, Named)
    made, _, _ = ways(seal)
    assert made.decode(made.encode({"a": 1})) == {"a": 1}
    with pytest.raises(DecodeError):
        made.decode(forged(seal, b"\x80\x05\x82\xf0."))
