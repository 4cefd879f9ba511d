"""The parts of the instrument that are arithmetic: differences, statistics, sizes, labels, names, fingerprints."""

import copy
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from statistics import median

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import session_values
from transcoders import SpecError, transcoder
from transcoders.difference import difference
from transcoders.measure.candidate import candidate, file_name, opened, spec_name
from transcoders.measure.fingerprint import fingerprint
from transcoders.measure.labels import Box, place
from transcoders.measure.operations import OPERATIONS, calibrated, timed
from transcoders.measure.palette import colours
from transcoders.measure.roundtrip import check
from transcoders.measure.sizes import base64url_length, sizes
from transcoders.measure.stats import Estimate, distance, estimate, means_by_round, quantile, ratios, reach
from transcoders.spec import parse


@dataclass
class Point:
    x: object


class Line(msgspec.Struct):
    start: object


NOON = datetime(2025, 11, 22, 12, tzinfo=UTC)

DIFFERENT = [
    (1, True, "$"),
    (1, 1.0, "$"),
    (0.0, -0.0, "$"),
    (Decimal("1.0"), Decimal("1.00"), "$"),
    (b"a", bytearray(b"a"), "$"),
    ([1, 2], [1, 3], "$[1]"),
    ([1, 2], [1], "$"),
    ((1,), [1], "$"),
    ({"cart": [{"price": 1}]}, {"cart": [{"price": 2}]}, "$.cart[0].price"),
    ({"a b": 1}, {"a b": 2}, "$['a b']"),
    ({"a": 1}, {}, "$"),
    ({}, {"a": 1}, "$"),
    ({1: "x"}, {True: "x"}, "$[1]"),
    ({1}, {1.0}, "$[1]"),
    ({1, 2}, {1, 3}, "$"),
    ({(1, 2)}, {(1, 2.0)}, "$[(1, 2)][1]"),
    (NOON, NOON.astimezone(timezone(timedelta(hours=1))), "$"),
    (NOON, NOON.replace(fold=1), "$"),
    (Point(1), Point(1.0), "$.x"),
    (Line([1]), Line([True]), "$.start[0]"),
    (np.arange(3), np.arange(3).astype("f8"), "$"),
]


@pytest.mark.parametrize(("expected", "found", "path"), DIFFERENT)
def test_a_difference_is_found_where_it_is(expected, found, path):
    """Values that part in value or type are told apart, and the path says where."""
    assert difference(expected, found).path == path
    assert difference(found, expected) is not None


@given(session_values())
def test_a_copy_does_not_differ(value):
    """A deep copy is equal and of identical types, NaN included."""
    assert difference(value, copy.deepcopy(value)) is None


def test_nan_is_found_among_keys_and_members():
    """NaN equals NaN there too, though Python finds none but itself; what is stored under it is compared."""
    one, other = float("nan"), float("nan")
    assert difference({one, (one, 1)}, {other, (other, 1)}) is None
    assert difference({one: 1}, {other: 1}) is None
    assert difference({one: 1}, {other: 2}).path == "$[nan]"
    assert difference({one}, {0.5}).expected == "a member float nan"
    assert difference({one, other}, {float("nan")}) is not None


def test_a_difference_shows_types_and_cuts_long_values():
    """The text names both types, and a long value does not fill the report."""
    text = str(difference({"a": "x" * 500}, {"a": 1}))
    assert text.startswith("$.a: expected str 'xxx")
    assert text.endswith("found int 1")
    assert len(text) < 120


class Lossy:
    """A transcoder that makes lists of tuples, refuses None, and numbers its frames."""

    def __init__(self):
        self.count = 0

    def encode(self, value):
        if value is None:
            raise RuntimeError("no")
        self.count += 1
        return (value, self.count)

    def decode(self, data):
        return list(data[0]) if isinstance(data[0], tuple) else data[0]


def test_a_round_trip_says_what_differed():
    """The check names the variant and the difference."""
    found = check(Lossy(), [[1], (1,)])
    assert (found.ok, found.variant, found.found.found) == (False, 1, "list [1]")


def test_a_round_trip_says_what_was_raised():
    """Whatever a transcoder raises is its result."""
    found = check(Lossy(), [None])
    assert (found.ok, found.variant, found.found) == (False, 0, "RuntimeError: no")


def test_a_round_trip_notices_unstable_bytes():
    """A value that comes back the same may still give other bytes the next time."""
    found = check(Lossy(), [[1]])
    assert (found.ok, found.stable) == (True, False)


SERIES = st.lists(st.floats(0.001, 1000), min_size=1, max_size=12)


@given(SERIES)
def test_an_estimate_lies_within_its_rounds(values):
    """The median is the median, its interval holds it and never leaves the range of the rounds."""
    found = estimate(values)
    assert found.median == median(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)


@given(SERIES)
def test_the_same_rounds_give_the_same_estimate(values):
    """The seed is fixed, and the order of the rounds does not count."""
    assert estimate(values) == estimate(values[::-1])


@given(st.floats(0.01, 100))
def test_the_distance_of_a_ratio_and_its_inverse_is_the_same(ratio):
    """Twice as fast is as far from a tie as half as fast."""
    assert distance(ratio) == pytest.approx(distance(1 / ratio))


def test_a_ratio_differs_by_threshold_and_interval():
    """A ratio counts only beyond the threshold and with an interval that leaves 1 out."""
    assert Estimate(1.10, 1.05, 1.15).differs(0.03)
    assert Estimate(1 / 1.10, 1 / 1.15, 1 / 1.05).differs(0.03)
    assert not Estimate(1.02, 1.01, 1.03).differs(0.03)
    assert not Estimate(1.10, 0.99, 1.15).differs(0.03)
    assert reach(Estimate(1.0, 0.8, 1.1)) == pytest.approx(0.25)


def test_quantiles_and_means():
    """Quantiles interpolate, ratios go turn by turn, means are geometric and by round."""
    assert quantile([1, 2, 3], 0.25) == 1.5
    assert quantile([7], 0.95) == 7
    assert ratios([2, 9], [1, 3]) == [2, 3]
    assert means_by_round([[1, 2], [4, 8]]) == pytest.approx([2, 4])


def test_sizes_are_means_over_the_variants():
    """Raw, compressed and as a cookie; a cookie fits only when the largest variant does."""
    found = sizes([b"a" * 1000, b"a" * 3000], zstd=lambda data: data[:10])
    assert (found.raw, found.zstd, found.fits_cookie) == (2000, 10, True)
    assert found.zlib < 40
    assert sizes([b"a"]).zstd is None
    assert not sizes([b"a", b"a" * 3071]).fits_cookie
    assert base64url_length(3070) == 4094


def test_base64url_length_is_that_of_the_text():
    """The length is counted without making the text."""
    import base64

    for size in range(40):
        assert base64url_length(size) == len(base64.urlsafe_b64encode(bytes(size)).rstrip(b"="))


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(
    st.characters(exclude_characters="+,=\x7f", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=9
)
STAGES = st.builds(
    lambda name, options: name + ":" * bool(options) + ",".join(map("=".join, options)),
    NAMES | st.just("package.module:factory"),
    st.dictionaries(KEYS, VALUES, max_size=3).map(lambda options: list(options.items())),
)
SPECS = st.lists(STAGES, min_size=1, max_size=3).map("+".join)


@given(SPECS)
def test_a_file_name_stands_for_one_spec(spec):
    """Any spec comes back from its file name, which no file system can misread."""
    assert spec_name(file_name(spec)) == spec
    assert not set(file_name(spec)) & set('/\\:*?"<>|= ')


@pytest.mark.parametrize(("spec", "name"), [
    ("json", "json"), ("json+zlib:level=1", "json+zlib@level-1"), ("a+hmac:env=X,size=8", "a+hmac@env-X,size-8"),
])  # fmt: skip
def test_file_names_as_documented(spec, name):
    """The names are those that the results directory documents."""
    assert file_name(spec) == name


def test_a_candidate_knows_its_keys_and_readers():
    """A seal needs keys and leaves JSON readable, a compressor does not; pickle is Python's own."""
    assert candidate("json+blake2").keyed
    assert candidate("json+blake2").readable
    assert not candidate("json+zlib").readable
    assert not candidate("pickle").interchange
    assert candidate("msgpack").interchange
    assert opened("json+hmac").decode(opened("json+hmac").encode([1])) == [1]


def test_a_candidate_of_an_unknown_spec_is_an_error():
    """The message is the library's own, and does not speak of keys."""
    with pytest.raises(SpecError, match="jsonn"):
        candidate("jsonn")


def test_fingerprints_see_types_and_values_but_no_hash_seed():
    """Two values have one digest only if they are equal and of identical types."""
    distinct = [[1], [True], [(1,)], [[1]], [{"a": 1}], [{1, "a"}], [np.arange(2000)], [np.arange(2000)[::-1].copy()]]
    assert len({fingerprint(values) for values in distinct}) == len(distinct)
    assert fingerprint([{"a", "b", "c"}]) == fingerprint([{"c", "b", "a"}])


@given(st.lists(st.tuples(st.floats(20, 180), st.floats(20, 80)), min_size=1, max_size=3, unique=True))
def test_labels_of_few_points_stay_in_the_frame(points):
    """Where there is room, no label leaves the frame."""
    frame = Box(-100, -100, 300, 200)
    boxes = place(points, [(40, 10)] * len(points), frame, gap=5)
    assert all(box.outside(frame) == pytest.approx(0) for box in boxes)


def test_labels_of_close_points_do_not_cover_each_other():
    """Two points side by side get labels on different sides."""
    first, second = place([(50, 50), (55, 50)], [(40, 10), (40, 10)], Box(0, 0, 100, 100), gap=4)
    assert first.overlap(second) == 0


def test_colours_repeat_after_the_palette():
    """Each spec has a colour, and the first ones differ."""
    found = colours(map(str, range(8)))
    assert len(found) == 8
    assert len(set(found.values())) == 6


def test_calibration_finds_loops_of_the_wanted_length():
    """Loops grow until they can be timed, and are then set to the wanted length; one is the least."""
    assert calibrated(lambda loops: loops * 1e-5, 0.002) == 200
    assert calibrated(lambda loops: loops * 5.0, 0.002) == 1


@pytest.mark.parametrize("op", OPERATIONS)
def test_operations_run_and_take_time(op):
    """Each operation is a loop that returns the seconds it took."""
    subject = transcoder("json")
    values = [{"n": number} for number in range(3)]
    took = timed(op, subject, values, [subject.encode(value) for value in values])(2)
    assert took > 0
    assert math.isfinite(took)


def test_specs_of_the_default_plan_are_canonical():
    """The default specs are written as the library writes them."""
    from transcoders.measure.plan import SPECS as DEFAULTS

    assert [str(parse(spec)) for spec in DEFAULTS] == list(DEFAULTS)
