"""What is counted before a body is decoded, and after: containers, keys, entries and hashes, against a plain count."""

import math
import sys
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import cbor2
import msgpack
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import child
from tests.handmade import pickled
from transcoders import Malformed, TooLarge, collisions, opcodes, outlines, stack, tree
from transcoders.codecs import msgpack as codec
from transcoders.errors import DecodeError

quick = settings(deadline=None, max_examples=200)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.binary(max_size=40)
)
TEXTS = (
    st.text(max_size=30) | st.text('[]{}"\\,:', max_size=30) | st.sampled_from(["x" * 300, "\u0800" * 90, "\x81\xa1"])
)


def trees(keys: Any, leaves: Any = LEAVES) -> Any:
    """Lists and dicts of such keys and leaves."""
    return st.recursive(
        leaves | TEXTS,
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=40,
    )


def containers(value: Any) -> int:
    """How many containers there are, in keys as well."""
    if type(value) is dict:
        return 1 + sum(map(containers, value)) + sum(map(containers, value.values()))
    return 1 + sum(map(containers, value)) if type(value) in {list, tuple, set, frozenset} else 0


def entries(value: Any) -> int:
    """How many entries they hold."""
    if type(value) is dict:
        return len(value) + sum(map(entries, value)) + sum(map(entries, value.values()))
    return len(value) + sum(map(entries, value)) if type(value) in {list, tuple, set, frozenset} else 0


def keys(value: Any) -> int:
    """How many keys the dicts have."""
    if type(value) is dict:
        return len(value) + sum(map(keys, value.values()))
    return sum(map(keys, value)) if type(value) in {list, tuple} else 0


def opened(look: Any, body: bytes) -> int:
    """The least number of openings that is not too few."""
    for openings in range(1000):
        try:
            look(body, openings)
        except TooLarge:
            continue
        return openings
    raise AssertionError("nothing was enough")


PAIRED = st.recursive(st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)


@quick
@given(value=trees(TEXTS | PAIRED), most=st.integers(0, 40))
def test_entries_of_a_tree(value, most):
    """What is found at the speed of C is what a walk finds: of a dict an entry is one, and keys may hold some too."""
    assert tree.crowded(value, most) == (entries(value) > most)
    assert (tree.entries(value, most) > most) == (entries(value) > most)
    assert tree.entries(value, 10_000) == entries(value)
    assert tree.pairs(value) == keys(value)


@quick
@given(value=trees(TEXTS, LEAVES.filter(lambda leaf: type(leaf) is not bytes)))
def test_openings_of_json(value):
    """Brackets count where they open something, and not in texts, however they are escaped and quoted."""
    assert opened(outlines.json, orjson.dumps(value)) == containers(value)


@quick
@given(value=trees(TEXTS | st.integers(-(2**64), 2**64 - 1)), tags=st.integers(0, 3))
def test_openings_of_cbor(value, tags):
    """Arrays, maps and tags count, and not what looks like them in texts and numbers."""
    for _ in range(tags):
        value = [cbor2.CBORTag(0x54430001, value)]
    body = cbor2.dumps(value)
    assert opened(outlines.cbor, body) == containers(untagged(value)) + tags <= outlines.cbor_opens(body)


def untagged(value: Any) -> Any:
    """The value without its tags."""
    return [untagged(value[0].value)] if type(value) is list and value and type(value[0]) is cbor2.CBORTag else value


@pytest.mark.parametrize(
    "text", [b"\x7f\x63a\x81\xa1\x61b\xff", b"\x5f\x44\x81\x82\xa1\xff\x40\xff"], ids=["text", "bytes"]
)
def test_openings_of_cbor_without_lengths(text):
    """Containers and texts that end in a break are followed to it."""
    assert opened(outlines.cbor, b"\x9f" + text + b"\x81\xbf\x61a\x9f\xff\xff\xff") == 4
    outlines.cbor(b"\xbf" + (b"\x61a" if text[0] == 0x5F else text) + b"\x80\1\x81\xf5\x20\xa0\xff", 9)


UNFIT = [
    b"\x80",
    b"\x9f\xff",
    b"\xa0",
    b"\x41a",
    b"\x5f\xff",
    b"\xc2\x41a",
    b"\xd8\x25\x50" + bytes(16),
    b"\xf5",
    b"\xf9\0\0",
]


@pytest.mark.parametrize("key", UNFIT, ids=bytes.hex)
def test_keys_of_cbor(key):
    """A key that is no text and no integer is found wherever it stands; the same as a value or an item passes."""
    for outer in (b"\xa1%b\1", b"\xa2\x61a\1%b\1", b"\xbf%b\1\xff", b"\xa1\1\xa1%b\1", b"\xa1\x61a\xc1\xa1%b\1"):
        with pytest.raises(Malformed, match="expected keys of text or integers"):
            outlines.cbor(outer % key, 100)
    for outer in (b"\xa1\1%b", b"\x81%b", b"\xa1\x61a\x81%b", b"\xbf\1%b\xff", b"\xa1\1\xc1%b", b"\xa2\1\x80\2%b"):
        outlines.cbor(outer % key, 100)


@quick
@given(value=trees(TEXTS | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=4)))
def test_openings_of_msgpack(value):
    """Arrays and maps count."""
    body = msgpack.packb(value)
    assert opened(lambda data, most: codec._Outline(most).check(data), body) == containers(value)
    assert containers(value) <= outlines.msgpack_opens(body)


@quick
@given(value=trees(TEXTS | PAIRED | st.integers(-(2**70), 2**70), LEAVES | PAIRED | st.integers()))
def test_outlines_of_pickles(value):
    """Lists, dicts and tuples count, and keys that are set; an empty tuple is always the same one and does not."""
    stream = pickled(value)
    opcodes.check(stream)
    found = containers(value) - empty_tuples(value)
    assert opened(lambda data, most: stack.follow(data, most, 1000), stream) == found <= stack._opens(stream)
    assert stack.follow(stream, 1000, 1000) == keys(value)


def empty_tuples(value: Any) -> int:
    """How many there are."""
    parts = [*value, *value.values()] if type(value) is dict else value if type(value) in {list, tuple} else []
    return (value == () and type(value) is tuple) + sum(map(empty_tuples, parts))


@pytest.mark.parametrize("most", [3, 200])
def test_keys_of_pickles(most):
    """Keys whose hash can be chosen count in each dict by itself, however they are set; others do not."""
    prone = [dict.fromkeys((n,) for n in range(most)), dict.fromkeys(2**64 + n for n in range(most))]
    value = [*prone, {"inside": prone}, dict.fromkeys([*range(500), 2**64 - 1, -(2**63), 0.5, "a", b"b", None])]
    stack.follow(pickled(value), 10_000, most)
    assert stack._prone(pickled(value)) >= 2 * most
    for key in ((1, 2, 3, 4, 5), (1,), -(2**63) - 1, 2**2000, 2**3000):
        stream = pickled([{**prone[0], key: 1}]) if key != (1,) else pickled([{**prone[1], key: 1}])
        with pytest.raises(TooLarge, match=f"more than {most} keys or members"):
            stack.follow(stream, 10_000, most)
    single = b"\x80\x05}" + b"".join(b"K" + bytes((n,)) + b"\x85Ns" for n in range(most + 1)) + b"."
    with pytest.raises(TooLarge, match=f"more than {most} keys or members"):
        stack.follow(single, 10_000, most)


@quick
@given(body=st.binary(max_size=200), most=st.integers(0, 20))
def test_outlines_of_anything(body, most):
    """Whatever the bytes, an outline ends, in nothing or in a DecodeError."""
    for look in (outlines.json, outlines.cbor, lambda data, count: codec._Outline(count).check(data)):
        try:
            look(body, most)
        except DecodeError:
            continue
    try:
        opcodes.check(b"\x80\x05" + body)
        stack.follow(b"\x80\x05" + body, most, most)
    except DecodeError:
        return


@quick
@given(
    opcodes_=st.lists(st.sampled_from([b"N", b"K\1", b"]", b"}", b"(", b"a", b"e", b"s", b"u", b"t", b"\x85", b"\x86"]))
)
def test_pickles_are_followed_as_far_as_they_are_loaded(opcodes_):
    """What the unpickler loads has no more keys and containers than its outline says."""
    import pickle

    stream = b"\x80\x05" + b"".join(opcodes_) + b"."
    try:
        value = pickle.loads(stream)
    except Exception:  # noqa: BLE001 - the unpickler raises nearly anything on a broken stream
        return
    assert stack.follow(stream, 1000, 1000) >= keys(value)
    assert opened(lambda data, most: stack.follow(data, most, 1000), stream) >= containers(value) - empty_tuples(value)


SALTED = """
from datetime import *
print(*map(hash, ["text", b"bytes", date(2026, 1, 1), datetime(2026, 1, 1), time(1)]))
print(*map(hash, [(1, 2), timedelta(1), datetime(2026, 1, 1, tzinfo=UTC), time(1, tzinfo=UTC), frozenset((1,))]))
"""


def test_which_hashes_are_salted(monkeypatch):
    """Those of texts, bytes, dates and naive times differ from process to process, the others do not."""
    printed = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        printed.append(child.run(SALTED).splitlines())
    (one, fixed), (other, again) = printed
    assert set(one.split()).isdisjoint(other.split())
    assert fixed == again


@pytest.mark.parametrize(
    ("member", "prone"),
    [
        (1, 0), (True, 0), (2**64 - 1, 0), (-(2**63), 0), (2**64, 1), (-(2**63) - 1, 1), (1.5, 0), ("a", 0), (b"a", 0),
        (None, 0), (date(2026, 1, 1), 0), (datetime(2026, 1, 1), 0), (datetime(2026, 1, 1, tzinfo=UTC), 1),  # noqa: DTZ001
        (time(1), 0), (time(1, tzinfo=UTC), 1), (timedelta(1), 1), (Decimal(1), 1), (UUID(int=1), 1),
        ((), 1), (("a",), 1), (frozenset(), 1),
    ],
    ids=repr,
)  # fmt: skip
def test_prone_members(member, prone):
    """Members whose hash follows from what is in them are counted."""
    assert collisions.prone([member]) == prone
    assert collisions.prone([member, "x", member]) == 2 * prone


def test_few_integers_and_floats_have_one_hash():
    """Of integers of 64 bits 13 have one hash at most, of floats of one odd significand 35: too few to do harm."""
    prime = sys.hash_info.modulus
    integers = [n for n in range(-4 * prime, 9 * prime, prime) if -(1 << 63) <= n < 1 << 64]
    assert len(integers) == 13
    assert {hash(n) for n in integers} == {0}
    for significand in (1, 3, (1 << 31) + 1, (1 << 53) - 1):
        exponents = [n for n in range(-1074, 1024) if significand.bit_length() + n <= 1024]
        floats = [math.ldexp(significand, n) for n in exponents if significand.bit_length() == 1 or n > -1022 + 53]
        assert max(Counter(map(hash, set(floats))).values()) <= 35
