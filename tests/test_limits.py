"""Every limit at its edge, in and out, for every codec; and what hostile bodies are told, within little memory."""

import copy
import pickle
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import cbor2
import msgpack
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import child, strategies
from tests.handmade import FORMATS, framed
from tests.hostile import HOSTILE
from tests.specs import CODECS, make
from tests.values import Money, Point, Seat, same
from transcoders import DecodeError, EncodeError, Limits, Malformed, SpecError, TooLarge, frame
from transcoders.limits import ENGINE_DEPTH

SPECS = (*CODECS, "pickle:views=8", "json+zlib", "pickle+hmac", "msgpack+hmac", "cbor+blake2", "json+hmac")
SEALED = tuple(spec for spec in SPECS if spec.endswith(("hmac", "blake2")))
OPEN = tuple(spec for spec in SPECS if spec not in SEALED)
every_spec = pytest.mark.parametrize("spec", SPECS)
every_format = pytest.mark.parametrize("codec", FORMATS)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are those of Linux")

WIDE = Limits(size=1 << 24, items=1 << 40, digits=4300, exponent=999_999_999_999_999_999, collisions=1 << 24)
"""What others may have written under."""


# The object.


def test_the_defaults():
    """The defaults are those of the documentation."""
    assert Limits() == (1 << 20, ENGINE_DEPTH, 65_536, 1233, 6144, 1024, False)
    assert 10**1233 < 1 << 8 * 512


RANGES = {
    "size": (1, 1 << 40), "depth": (1, 250), "items": (1, 1 << 40), "digits": (20, 4300),
    "exponent": (1, 999_999_999_999_999_999), "collisions": (1, 1 << 40),
}  # fmt: skip


@pytest.mark.parametrize("name", RANGES)
def test_ranges(name):
    """The ends of a range belong to it; beyond them, and on other types, the error names the limit and the range."""
    low, high = RANGES[name]
    for value in RANGES[name]:
        assert getattr(Limits(**{name: value}), name) == value
    for value in (low - 1, high + 1, -1, True, float(low), str(low), None, Decimal(low)):
        with pytest.raises(SpecError, match=rf"Limits\.{name} takes a whole number from {low} to {high}, not "):
            Limits(**{name: value})


@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_strict_is_a_bool(value):
    """A flag is True or False."""
    with pytest.raises(SpecError, match=r"Limits\.strict takes True or False, not "):
        Limits(strict=value)


def test_keywords_alone():
    """Limits have names; one that nobody knows, or a number without a name, is an error."""
    with pytest.raises(TypeError):
        Limits(1 << 20)  # type: ignore[misc]
    with pytest.raises(TypeError):
        Limits(length=5)  # type: ignore[call-arg]


def test_limits_are_copied_and_pickled():
    """Configuration travels to other processes."""
    limits = Limits(items=5, strict=True)
    assert copy.deepcopy(limits) == limits == pickle.loads(pickle.dumps(limits))
    assert type(pickle.loads(pickle.dumps(limits))) is Limits


# The edges.


def outcomes(spec: str, limits: Limits, value: Any) -> tuple[str, str]:
    """What encoding under the limits gives, and what decoding of a frame that somebody wrote without them."""
    t = make(spec, limits=limits)
    try:
        assert same(t.decode(t.encode(value)), comparable(spec, value))
        written = "passes"
    except EncodeError as error:
        written = error.path
    data = make(spec, limits=WIDE).encode(value)
    try:
        assert same(t.decode(data), comparable(spec, value))
        read = "passes"
    except TooLarge:
        read = "too large"
    return written, read


def comparable(spec: str, value: Any) -> Any:
    """What comes back: views for long bytes where they are asked for."""
    return memoryview(value) if "views" in spec and type(value) is bytes and len(value) >= 8 else value


def passes(spec: str, limits: Limits, value: Any) -> bool:
    """Whether the value passes both ways; one way alone is a failure."""
    written, read = outcomes(spec, limits, value)
    assert (written == "passes") == (read == "passes"), (written, read)
    return written == "passes"


ITEMS = {
    "list": lambda n: [None] * n,
    "tuple": lambda n: (None,) * n,
    "set": lambda n: set(range(n)),
    "frozenset": lambda n: frozenset(map(str, range(n))),
    "dict": lambda n: {f"{key}": key for key in range(n)},
    "dict of integers": lambda n: {key: None for key in range(n)},  # noqa: C420 - in one line with the others
    "dict of floats": lambda n: {key + 0.5: None for key in range(n)},
    "lists in a list": lambda n: [[0] * 7, [0] * (n - 9)],
    "list in a tuple in a dict": lambda n: {"key": ([0] * (n - 2),)},
    "empty lists": lambda n: [[] for _ in range(n)],
    "tuple as key": lambda n: {(0,) * (n - 1): 1},
    "tuple in a set": lambda n: {(0,) * (n - 1)},
    "record": lambda n: Point(1, [0] * (n - 2)),
    "record of records": lambda n: [Point(Point(1), Seat(row_number=1, taken_at=(0,) * (n - 7)))],
    "long texts": lambda n: ["x" * 100] * n,
    "arrays": lambda n: [np.zeros(100)] * n,
    "moments": lambda n: [datetime(2026, 11, 22, tzinfo=UTC)] * n,
    "same list twice": lambda n: [[0] * 4] * 3 + [0] * (n - 15),
}
"""Values of so many items, however they lie."""


@every_spec
@pytest.mark.parametrize("name", ITEMS)
def test_items(spec, name):
    """As many entries as the limit pass both ways, one more is refused both ways, wherever they lie."""
    limits = Limits(items=40)
    assert passes(spec, limits, ITEMS[name](40))
    assert not passes(spec, limits, ITEMS[name](41))
    assert outcomes(spec, limits, ITEMS[name](41)) == ("$", "too large")


@every_spec
def test_items_by_default(spec):
    """65,536 entries pass, plain or tagged, and one more is refused: bytes and texts are none, however long."""
    for value in ([0] * 65_536, {"a": [None] * 32_000, "b": [[0]] * 16_767}, (0,) * 65_536, [{1}, [0] * 65_533]):
        assert passes(spec, Limits(), value)
    for value in ([0] * 65_537, {"a": [None] * 32_000, "b": [[0]] * 16_768}, (0,) * 65_537, [{1}, [0] * 65_534]):
        assert not passes(spec, Limits(), value)
    assert passes(spec, Limits(), ['"]}({[\u0800\u20ac\x85\x86' * 15_000])


WRAPS = {
    "alone": lambda value: value,
    "list": lambda value: [value],
    "dict": lambda value: {"key": value},
    "tuple": lambda value: [(value,)],
    "key": lambda value: {value: 1},
    "key beside others": lambda value: {"a": 1, 5: 2, value: 3},
    "member": lambda value: {value},
    "key of a tuple": lambda value: {(value,): 1},
    "field": lambda value: Point(value, [value]),
    "array beside": lambda value: [np.zeros(2_000), value],
}


@every_spec
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("digits", [20, 40, 613, 614, 615, 1233, 4299])
def test_digits_of_integers(spec, wrap, digits):
    """An integer of as many digits as the limit passes both ways, one more digit is refused both ways."""
    limits = Limits(digits=digits)
    for sign in (1, -1):
        assert passes(spec, limits, WRAPS[wrap](sign * (10**digits - 1)))
        assert not passes(spec, limits, WRAPS[wrap](sign * 10**digits))


@every_spec
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("digits", [20, 1233])
def test_digits_of_decimals(spec, wrap, digits):
    """The digits of a Decimal's coefficient are counted, not its zeros, its point or its payload of a NaN."""
    limits = Limits(digits=digits)
    nines, ones = "9" * digits, "1" * digits
    for text in (nines, f"-0.{nines}", f"0.00000{ones}", f"{ones}E-700", "9." + "0" * (digits - 1)):
        assert passes(spec, limits, WRAPS[wrap](Decimal(text)))
    for text in (f"{ones}1", f"-0.{ones}1", "1" + "0" * digits, "9." + "0" * digits):
        assert not passes(spec, limits, WRAPS[wrap](Decimal(text)))
    assert passes(spec, limits, Decimal(f"NaN{ones}"))
    assert not passes(spec, limits, Decimal(f"NaN{ones}1"))


@every_spec
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("exponent", [10, 6144])
def test_exponents(spec, wrap, exponent):
    """The exponent of a Decimal in scientific notation lies within the limit, also that of a zero."""
    limits = Limits(exponent=exponent)
    assert passes(spec, limits, WRAPS[wrap](Decimal("Infinity")))
    for text in ("1E+", "-9.99E+", "1.5E-", "0E+", "0E-"):
        assert passes(spec, limits, WRAPS[wrap](Decimal(f"{text}{exponent}")))
        assert not passes(spec, limits, WRAPS[wrap](Decimal(f"{text}{exponent + 1}")))


PRONE = {
    "large integers": lambda n: (1 << 64) + n,
    "small integers": lambda n: -(1 << 63) - 1 - n,
    "Decimals": Decimal,
    "UUIDs": lambda n: UUID(int=n),
    "tuples": lambda n: (n,),
    "tuples of text": lambda n: (str(n), 1, 2, 3),
    "frozensets": lambda n: frozenset((n,)),
    "timedeltas": timedelta,
    "aware datetimes": lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n),
    "aware times": lambda n: time(n % 24, n // 24, tzinfo=UTC),
    "records": lambda n: Money(Decimal(n)),
}
"""Members whose hash is not salted."""
SALTED = {
    "texts": str, "bytes": lambda n: b"%d" % n, "dates": date.fromordinal, "integers": int, "floats": float,
    "naive datetimes": lambda n: datetime(2026, 1, 1) + timedelta(n), "naive times": lambda n: time(n // 60, n % 60),  # noqa: DTZ001
    "most integers": lambda n: (1 << 64) - n, "least integers": lambda n: n - (1 << 63),
}  # fmt: skip
CROWDS = {
    "set": lambda members: {"key": set(members)},
    "frozenset": lambda members: [frozenset(members)],
    "keys": lambda members: dict.fromkeys(members),  # noqa: PLW0108 - one row like the others
    "keys inside": lambda members: ({1: [dict.fromkeys(members, "value")]},),
    "with others": lambda members: {*members, *map(str, range(100))},
}


@pytest.mark.parametrize("name", PRONE)
@pytest.mark.parametrize("crowd", CROWDS)
def test_collisions(name, crowd):
    """As many members that may collide as the limit pass without a seal, one more does not; under a seal all do."""
    few, many = (CROWDS[crowd](map(PRONE[name], range(1, 1 + count))) for count in (8, 9))
    for spec in SPECS:
        limits = Limits(collisions=8)
        assert passes(spec, limits, few)
        assert passes(spec, limits, many) == (spec in SEALED)


@pytest.mark.parametrize("name", SALTED)
def test_what_does_not_collide(name):
    """Members whose hash is salted, and numbers of few to a hash, may be many without a seal too."""
    members = [SALTED[name](n) for n in range(1, 1200)]
    for spec in SPECS:
        assert passes(spec, Limits(), [set(members), dict.fromkeys(members)])


@pytest.mark.parametrize("spec", SPECS)
def test_collisions_by_default(spec):
    """1,024 UUIDs in a set, or tuples as keys, pass; one more needs a seal, as the error says."""
    for make_crowd in (lambda n: {UUID(int=k) for k in range(n)}, lambda n: {(k, 1): k for k in range(n)}):
        assert passes(spec, Limits(), [make_crowd(1024), make_crowd(1024)])
        assert passes(spec, Limits(), make_crowd(1025)) == (spec in SEALED)
    if spec in OPEN:
        with pytest.raises(EncodeError, match=r"^\$\.ids: more than 1024 keys .* seal the transcoder, \+hmac\?$"):
            make(spec).encode({"ids": {UUID(int=k) for k in range(1025)}})


@every_spec
def test_empty_arrays_of_endless_shape(spec):
    """An array without a byte has a shape of as many rows as there may be items; any other array counts as one."""
    limits = Limits(items=100)
    for shape in ((100, 0), (10, 0, 10), (0,)):
        assert passes(spec, limits, np.empty(shape))
    for shape in ((101, 0), (0, 101), (10, 0, 11), (1 << 40, 0)):
        assert not passes(spec, limits, np.empty(shape))
    assert passes(spec, limits, np.zeros((50, 50)))


@every_spec
def test_limits_have_paths(spec):
    """An EncodeError says where in the value the limit is exceeded."""
    t = make(spec, limits=Limits(digits=20, exponent=10, depth=10))
    for value, path in (
        ({"a": [1, {"b": 10**20}]}, "$.a[1].b"), ([{1: Decimal("1E+11")}], "$[0][1]"),
        ({"n": (Decimal("1" * 21),)}, "$.n[0]"), ([np.empty((1 << 40, 0))], "$[0]"),
    ):  # fmt: skip
        with pytest.raises(EncodeError) as refused:
            t.encode(value)
        assert refused.value.path == path


# Strictness.


TWICE = {
    "json": [b'{"a":1,"a":2}', b'[{"a":1,"\\u0061":2}]', b'{"b":{"a":1,"a":1}}', b'{"a":{"a":1},"a":1}'],
    "msgpack": [b"\x82\xa1a\1\xa1a\2", b"\x91\x82\xa1a\1\xd9\1a\2", b"\x81\xa1b\x82\xa1a\1\xa1a\1"],
    "cbor": [b"\xa2\x61a\1\x61a\2", b"\x81\xbf\x61a\1\x7f\x61a\xff\2\xff", b"\xa1\x61b\xa2\x61a\1\x61a\1"],
    "pickle": [
        b"\x80\x05}(\x8c\1aK\1\x8c\1aK\2u.",
        b"\x80\x05]}\x8c\1aK\1s\x8c\1aK\2sa.",
        b"\x80\x05}K\1}(K\1K\1K\1K\1us.",
    ],
}
"""Bodies in which a key stands twice."""
NUMBERED = {
    "msgpack": [b"\x82\1\1\1\2", b"\x82\1\1\xcc\1\2", b"\x82\1\1\xc3\2", b"\xc7\6\1\x91\x82\1\1\1\2"],
    "cbor": [b"\xa2\1\1\1\2", b"\xa2\1\1\x18\1\2", b"\xda\x54\x43\0\1\x81\xa2\1\1\1\2"],
}
"""The same with keys that are numbers, or in a tag, for the tagged form."""


@every_format
def test_keys_that_stand_twice(codec):
    """A key of a map that stands twice is refused where limits are strict, in CBOR always; else the last counts."""
    usual, strict = make(codec), make(codec, limits=Limits(strict=True))
    cases = [(form, data) for form in (0, 1) for data in TWICE[codec]] + [(1, data) for data in NUMBERED.get(codec, [])]
    for form, data in cases:
        with pytest.raises(Malformed):
            strict.decode(framed(codec, form, data))
        if codec == "cbor":
            with pytest.raises(Malformed):
                usual.decode(framed(codec, form, data))
        else:
            usual.decode(framed(codec, form, data))


@pytest.mark.parametrize("codec", [name for name in FORMATS if name != "pickle"])
def test_keys_that_stand_twice_without_a_frame(codec):
    """Readers of bytes without a frame refuse them in any case."""
    t = make("json", f"raw-{codec}")
    for data in (*TWICE[codec], *NUMBERED.get(codec, [])[:-1]):
        with pytest.raises(DecodeError):
            t.decode(data)


def test_integers_that_become_floats():
    """An integer beyond 64 bits in JSON is refused by strict limits and among tags, and exact without a frame."""
    usual, strict, raw = make("json"), make("json", limits=Limits(strict=True)), make("json", "raw-json")
    for number in (1 << 64, -(1 << 63) - 1, 10**30, -(10**300)):
        for text in (f"[{number}]", f'{{"a":[[{number}]]}}', f'["\\"",{number},"1"]'):
            for t, form in ((strict, frame.PLAIN), (strict, frame.TAGGED), (usual, frame.TAGGED)):
                with pytest.raises(Malformed, match="an integer beyond 64 bits"):
                    t.decode(framed("json", form, text.encode()))
            assert f"{number}" in str(raw.decode(text.encode()))
        assert type(usual.decode(framed("json", frame.PLAIN, f"[{number}]".encode()))[0]) is float
    for number in ("18446744073709551615", "-9223372036854775808", '"18446744073709551616"', "0.18446744073709551616"):
        text = f"[{number}]"
        for t in (usual, strict):
            for form in (frame.PLAIN, frame.TAGGED):
                assert same(t.decode(framed("json", form, text.encode())), orjson.loads(text))


@pytest.mark.parametrize("spec", [*CODECS, "pickle+hmac", "json+zlib"])
@settings(deadline=None, max_examples=60)
@given(value=strategies.session_values())
def test_strict_limits_read_what_is_written(spec, value):
    """Whatever is written is read under strict limits as well."""
    t = make(spec, limits=Limits(strict=True))
    assert same(t.decode(t.encode(value)), value)


@pytest.mark.parametrize("library", [msgpack.packb, cbor2.dumps, orjson.dumps])
@settings(deadline=None, max_examples=60)
@given(value=strategies.plain_values())
def test_strict_limits_read_what_other_libraries_write(library, value):
    """Bodies of other writers, which order and space them otherwise, are read under strict limits."""
    codec = {msgpack.packb: "msgpack", cbor2.dumps: "cbor", orjson.dumps: "json"}[library]
    t = make(codec, limits=Limits(strict=True))
    assert same(t.decode(framed(codec, frame.PLAIN, library(value))), value)


# Any value.


def held(value: Any, limits: Limits, *, sealed: bool) -> bool:
    """Whether the value is within the limits of items, digits, exponents and collisions, counted the plain way."""
    counted = 0
    level = [value]
    while level:
        one = level.pop()
        kind = type(one)
        if kind in {list, tuple, set, frozenset, dict}:
            counted += len(one)
            crowd = sum(1 for key in one if kind in {set, frozenset, dict} and prone(key))
            if crowd > limits.collisions and not sealed:
                return False
            level += [*one, *one.values()] if kind is dict else one
        elif hasattr(one, "__dataclass_fields__") or hasattr(one, "__struct_fields__"):
            names = getattr(one, "__dataclass_fields__", None) or one.__struct_fields__
            counted += len(names)
            level += [getattr(one, name) for name in names]
        elif not small(one, limits):
            return False
    return counted <= limits.items


def small(one: Any, limits: Limits) -> bool:
    """Whether a leaf is within the limits."""
    if type(one) is int:
        return abs(one) < 10**limits.digits
    if type(one) is Decimal:
        near = not one.is_finite() or abs(one.adjusted()) <= limits.exponent
        return near and len(one.as_tuple().digits) <= limits.digits
    return type(one) is not np.ndarray or one.size > 0 or np.prod([side or 1 for side in one.shape]) <= limits.items


def prone(key: Any) -> bool:
    """Whether the key's hash is not salted."""
    if type(key) is int:
        return not -(1 << 63) <= key < 1 << 64
    if type(key) in {datetime, time}:
        return key.tzinfo is not None
    return type(key) not in {type(None), bool, float, str, bytes, date}


TIGHT = st.builds(
    lambda items, digits, exponent, most: Limits(items=items, digits=digits, exponent=exponent, collisions=most),
    st.integers(1, 30), st.integers(20, 50), st.integers(1, 40), st.integers(1, 4),
)  # fmt: skip


@pytest.mark.parametrize("spec", [*CODECS, "pickle+hmac", "json+zlib"])
@settings(deadline=None, max_examples=100)
@given(value=strategies.session_values(), limits=TIGHT)
def test_what_is_within_limits_comes_back_and_nothing_else_is_written_or_read(spec, value, limits):
    """A value within the limits comes back under them; any other is refused both ways, never half."""
    assert passes(spec, limits, value) == held(value, limits, sealed="hmac" in spec)


@every_format
@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_hostile_bytes_under_tight_limits(codec, data):
    """Whatever the bytes, what is read under tight limits is within them, and can be written under them."""
    limits = Limits(items=6, digits=20, exponent=5, collisions=1)
    t = make(codec, limits=limits)
    values = ([1, (2, 3)], {"a": {UUID(int=1), 2}}, [Decimal("1.5"), 2**70, {2: 3}])
    frames = [make(codec).encode(value) for value in values]
    try:
        value = t.decode(data.draw(strategies.hostile_bytes(*frames)))
    except DecodeError:
        return
    assert held(value, limits, sealed=False)
    assert same(t.decode(t.encode(value)), value)


# Hostile bodies.


BOUNDED = f"""
import resource, sys
from tests.handmade import TAGS
from tests.hostile import HOSTILE
from transcoders import DecodeError, Limits, frame, transcoder
name, spec, *accept = sys.argv[1:]
t = transcoder(spec, accept=accept)
warm = t.decode(t.encode([(1,), {{2: 3}}]))
resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
{child.LEAST_MEMORY}
for hostile in HOSTILE[name]():
    body = hostile.body()
    for form in hostile.forms:
        data = body if accept else frame.header(TAGS[name], form, ()) + body
        try:
            t.decode(data)
            told = "value"
        except DecodeError as error:
            told = type(error).__name__
        print(hostile.name, form, told, sep="\\t")
"""


@on_linux
@pytest.mark.parametrize("spec", CODECS)
def test_hostile_bodies(spec):
    """Each body, most of a million bytes, ends in its error within 64 MiB of memory, or is harmless and read."""
    codec = spec.partition(":")[0]
    told = [line.split("\t") for line in child.run(BOUNDED, codec, spec).splitlines()]
    found = {(name, form): kind for name, form, kind in told}
    expected = {(one.name, f"{form}"): one.kind for one in HOSTILE[codec]() for form in one.forms}
    assert found.keys() == expected.keys()
    for key, kind in expected.items():
        assert found[key] != "value" if kind == "refused" else found[key] == kind, key


@on_linux
@pytest.mark.parametrize("codec", [name for name in FORMATS if name != "pickle"])
def test_hostile_bodies_without_a_frame(codec):
    """The readers of `accept` take no more memory, and no more time."""
    told = [line.split("\t") for line in child.run(BOUNDED, codec, "pickle", f"raw-{codec}").splitlines()]
    read = {name for name, _, kind in told if kind == "value"}
    assert {kind for _, _, kind in told} == {"Foreign", "value"}
    assert read <= {one.name for one in HOSTILE[codec]() if one.kind == "value" or 1 in one.forms}
