"""Rich values in plain ones: what a codec takes as it is beside them is written and read as if it had been walked."""

from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.handmade import framed
from tests.specs import CODECS, body, made, make
from tests.values import nested, same
from transcoders import DecodeError, EncodeError, Limits, fidelity, frame, peek

every_codec = pytest.mark.parametrize("codec", CODECS)
WALKERS = [codec for codec in CODECS if codec != "pickle"]
"""Codecs that look for what they need not walk."""
every_walker = pytest.mark.parametrize("codec", WALKERS)
quick = settings(deadline=None, max_examples=80)

PARTS = (
    strategies.plain_values()
    | st.dictionaries(strategies.KEYS, strategies.plain_values(), max_size=3)
    | strategies.session_values()
)
SPRINKLED = st.dictionaries(strategies.KEYS, st.lists(PARTS, max_size=6) | PARTS, max_size=6)
"""Plain lists and dicts beside rich ones, some containers with more of these than are asked about."""
ROW = {"id": 7, "name": "Žofie", "tags": ["a", "b"], "price": 9.99, "parts": [{"n": n, "none": None} for n in range(9)]}
WHEN = datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)


def walked(codec: str, value: object) -> bytes:
    """The tagged body of the value by a walk into every container."""
    made_by = make(codec)._chain.codec
    lower = made_by._lower
    made_by._lower = fidelity.Lowering(lower._notation, lower._types, lower._limits)
    return made_by._tagged(value)


def rebuilt(value: Any) -> Any:
    """An equal value that shares no list and no dict with it."""
    if type(value) is list:
        return [rebuilt(item) for item in value]
    return {key: rebuilt(item) for key, item in value.items()} if type(value) is dict else value


@every_codec
@quick
@given(value=SPRINKLED)
def test_rich_values_among_plain_ones_come_back(codec, value):
    """Values with rich leaves here and there come back with identical types, and equal values give equal bytes."""
    t = made(codec)
    data = t.encode(value)
    assert same(t.decode(data), value)
    assert t.encode(rebuilt(value)) == data


@every_walker
@quick
@given(value=SPRINKLED)
def test_what_is_not_walked_is_written_as_if_it_were(codec, value):
    """Tagged bodies are the same whether the plain parts of a value are walked or not."""
    data = made(codec).encode({"rich": (1,), "value": value})
    assert peek(data).tagged
    assert body(data) == walked(codec, {"rich": (1,), "value": value})


BESIDE = {
    "bytes": b"\xc4\x01", "bytearray": bytearray(b"x"), "long bytearray": bytearray(b"x" * 300), "NaN": float("nan"),
    "infinity": [float("-inf"), -1, 127], "big integer": 2**64, "look-alike": {"$set": [1]}, "empty": {"$": {}},
    **{f"look-alike of {size} letters": {"$" + "k" * size: 1} for size in (40, 300, 70_000)},
    "int keys": {1: "a", 2: ["b"]}, "text alike": ["$set", "\x81\xa4$set", {"$a": 1, "$b": 2}], "Latin": "ĀąćĆ",
    "decimal": Decimal("1.10"), "tuples": [((1,),), ()], "long tuple": tuple(range(30)), "tuple of dicts": (ROW,) * 10,
    "long tuple of tuples": ((1,),) * 10, "none": None,
}  # fmt: skip
"""What a packer would pass, or takes for plain, though a codec's own notation has a tag for it; and what looks so."""


@every_codec
@pytest.mark.parametrize("name", BESIDE)
def test_what_looks_plain_inside_of_plain_parts(codec, name):
    """A leaf is found wherever it stands among plain values: behind many of them, deep in them and beside richer."""
    t, value = made(codec), BESIDE[name]
    for outer in (
        {"rows": [ROW] * 20, "last": [[value]]},
        {"first": (1,), "deep": [ROW, {"a": [ROW, {"b": value}]}]},
        [(ROW, value), [value], [WHEN], {"x": [{"y": value}, ROW]}],
    ):
        assert same(t.decode(t.encode(outer)), outer)
        if codec != "pickle":
            assert not peek(t.encode(outer)).tagged or body(t.encode(outer)) == walked(codec, outer)


@every_walker
@pytest.mark.parametrize("rich", range(6))
def test_rows_with_and_without_rich_values(codec, rich):
    """As many rich rows as one likes may stand before plain ones, and among them."""
    rows = [{**ROW, "when": WHEN}] * rich + [ROW] * 3 + [{**ROW, "deep": [{"when": (rich,)}]}] * rich
    value = {"rows": rows, "by name": {f"row {n}": row for n, row in enumerate(rows)}, "set": {rich}}
    data = made(codec).encode(value)
    assert same(made(codec).decode(data), value)
    assert body(data) == walked(codec, value)


class Text(str):
    __slots__ = ()


REFUSED = {
    "memoryview": memoryview(b"ab"), "long memoryview": memoryview(b"ab" * 40_000), "subclass of str": Text("a"),
    "subclass of dict": OrderedDict(a=1), "lone surrogate": "a\ud800", "complex number": 1j,
}  # fmt: skip


@every_codec
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named_behind_plain_parts(codec, name):
    """What no session holds is an EncodeError with its path, also where plain values stand before it."""
    with pytest.raises(EncodeError) as caught:
        made(codec).encode({"rich": {1}, "rows": [ROW, ROW, {"cart": [ROW, {"gift": REFUSED[name]}]}]})
    assert caught.value.path == "$.rows[2].cart[1].gift"


@every_walker
@pytest.mark.parametrize("limit", [5, 60, 250])
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"k": v}, lambda v: (v,), lambda v: [1, [2], v]])
def test_plain_parts_count_in_the_depth(codec, limit, wrap):
    """The limit of depth holds for plain parts beside and inside rich ones, to the level."""
    t, inner = make(codec, limits=Limits(depth=limit)), int(wrap(0) == [1, [2], 0])
    outers = {lambda v: {"rich": (1,), "deep": v}: 1, lambda v: (*range(9), v): 1, lambda v: [{"k": (*range(9), v)}]: 3}
    for outer, levels in outers.items():
        fits = outer(nested(limit - levels - inner, wrap, leaf="x" * 300))
        assert same(t.decode(t.encode(fits)), fits)
        for more in (1, 2, 10):
            with pytest.raises(EncodeError, match=f"deeper than {limit}"):
                t.encode(outer(nested(limit - levels - inner + more, wrap, leaf="x" * 300)))


@every_codec
def test_size_limits_hold_for_rich_values(codec):
    """A rich value whose frame is as large as the limit passes; one byte less is an EncodeError."""
    value = {"rows": [ROW] * 3, "when": WHEN}
    size = len(made(codec).encode(value))
    assert same(make(codec, limits=Limits(size=size)).decode(made(codec).encode(value)), value)
    with pytest.raises(EncodeError, match=f"takes {size} bytes"):
        make(codec, limits=Limits(size=size - 1)).encode(value)


@pytest.mark.parametrize("number", [6, 7, 8, 13, 14, 16, 17, 18])
def test_numbers_of_kinds_are_no_tags_of_cbor(number):
    """Kinds have tags of their own: a tag of CBOR that has the number of a kind is refused."""
    for payload in (b"\x61f", b"\x80", b"\x50" + b"x" * 16, b"\x82\x61a\xa0"):
        with pytest.raises(DecodeError):
            made("cbor").decode(framed("cbor", frame.TAGGED, bytes((0xC0 | number,)) + payload))
