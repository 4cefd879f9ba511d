"""CBOR has two writers of plain values: cbor2 always, cborx where it is installed. They write the same bytes."""

import struct
import sys

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import child, strategies
from tests.specs import body, make
from tests.values import EXAMPLES, nested, same
from transcoders import EncodeError, Limits, peek

FAST = make("cbor", limits=Limits(size=1 << 22, items=1 << 20))
LEAVES = st.none() | st.booleans() | strategies.SMALL | st.floats() | strategies.TEXTS | st.binary(max_size=300)
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(strategies.TEXTS, inner, max_size=30),
    max_leaves=40,
)
EDGES = [sign * 2**bits + more for bits in (4, 5, 8, 16, 32, 53, 63) for sign in (1, -1) for more in (-1, 0, 1)]
SIZES = [0, 1, 23, 24, 255, 256, 65_535, 65_536]
NANS = [struct.unpack(">d", bits.to_bytes(8, "big"))[0] for bits in (0x7FF8 << 48, 0xFFF8 << 48, 0x7FF0 << 48 | 1)]


@pytest.fixture
def slow(monkeypatch):
    """A transcoder that finds no cborx."""
    monkeypatch.setitem(sys.modules, "cborx", None)
    return make("cbor")


@settings(deadline=None, max_examples=300)
@given(value=PLAIN)
def test_plain_bodies_are_those_of_the_reference(value):
    """Plain values of any kind are written as cbor2 writes them."""
    assert body(FAST.encode(value)) == cbor2.dumps(value)
    assert not peek(FAST.encode(value)).tagged


@pytest.mark.parametrize(
    "value",
    [
        [number for number in EDGES if -(2**63) <= number < 2**64], [2**64 - 1, -(2**63)], NANS,
        [float("inf"), -float("inf"), 0.0, -0.0, 1.5, 65504.0, 5e-324, 1e300],
        *(["x" * size, "é" * size, b"x" * size, [None] * size, {str(n): n for n in range(size)}] for size in SIZES),
        nested(250, lambda value: [value]), nested(250, lambda value: {"k": value}), {"b": 1, "a": 2, "": 3},
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_heads_of_every_width_are_those_of_the_reference(value):
    """Integers, lengths, floats and depth around every boundary, and keys in the order of the dict."""
    assert body(FAST.encode(value)) == cbor2.dumps(value)


def test_both_writers_write_the_same_frames(slow):
    """Every example gives the same frame with and without cborx, and each reads the other's."""
    examples = [value for _, value in EXAMPLES]
    assert slow._chain.codec._engine[0] is cbor2.dumps
    assert FAST._chain.codec._engine[0] is not cbor2.dumps
    assert [slow.encode(value) for value in examples] == [FAST.encode(value) for value in examples]
    assert all(same(slow.decode(FAST.encode(value)), value) for value in examples)


def test_what_failed_leaves_nothing_behind():
    """After a value that no encoder takes, the next one is written as ever."""
    t = make("cbor")
    for bad in ({"a": [1, "x" * 50, "\ud800"]}, {"a": [1, object()]}, nested(300, lambda value: [value])):
        with pytest.raises(EncodeError):
            t.encode(bad)
        assert body(t.encode({"a": 1})) == cbor2.dumps({"a": 1})


REENTERED = """
import cbor2, cborx
from transcoders import transcoder
t = transcoder("cbor")
values = [{"n": n, "inside": ["x" * n]} for n in range(50)]
real = cborx.CBOREncoder.encode
frames = {}

class Encoder(cborx.CBOREncoder):
    def encode(self, value):
        if values:
            other = values.pop()
            frames[other["n"]] = t.encode(other)[5:], cbor2.dumps(other)
        real(self, value)

cborx.CBOREncoder = Encoder
t = transcoder("cbor")
assert t.encode({"outer": 1})[5:] == cbor2.dumps({"outer": 1})
assert len(frames) == 50 and all(one == other for one, other in frames.values())
"""


def test_encoders_in_use_are_not_lent_again():
    """A value that is encoded while another one is, as in another thread, gets an encoder of its own."""
    child.run(REENTERED)
