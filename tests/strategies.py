"""Hypothesis strategies: plain values, session values of every kind, and hostile bytes."""

from datetime import timedelta, timezone
from functools import reduce
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.values import Access, Colour, Item, Level, Line, Mode, Money, Point, Role, Seat, visited

Strategy = st.SearchStrategy[Any]

TEXTS = st.text(max_size=20) | st.text(st.characters(min_codepoint=0x100, max_codepoint=0x1BF), max_size=20)
"""Any text; Latin Extended apart, because bytes C4 to C6 of its UTF-8 are markers in MessagePack."""
SMALL = st.integers(-(2**63), 2**64 - 1) | st.integers(-200, 70_000)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
KEYS = TEXTS | st.sampled_from(["$set", "$", "$tuple", "$dict", "$$", "a", "1"])


def _trees(leaves: Strategy, *more: Any) -> Strategy:
    """Values of these leaves in lists, dicts of text keys, and what each of `more` makes of them."""

    def wider(inner: Strategy) -> Strategy:
        return st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4), *(make(inner) for make in more)
        )

    return st.recursive(leaves, wider, max_leaves=15)


def plain_values() -> Strategy:
    """What every format holds by itself, in a list so that no number stands alone."""
    return st.lists(_trees(st.none() | st.booleans() | SMALL | FINITE | TEXTS), max_size=3)


ZONES = st.timezones(no_cache=False) | st.integers(-86_399, 86_399).map(lambda s: timezone(timedelta(seconds=s)))
MOMENTS = st.datetimes(timezones=st.none() | ZONES) | st.datetimes().map(lambda moment: moment.replace(fold=1))
HASHABLE_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), SMALL, st.floats(allow_nan=False), TEXTS, st.binary(max_size=20),
    MOMENTS, st.dates(), st.times(timezones=st.none() | ZONES), st.timedeltas(), st.decimals(allow_nan=False),
    st.uuids(), *map(st.sampled_from, ([*Colour], [*Level], [*Role], [Access(n) for n in range(4)], [Mode.A, Mode.B])),
)  # fmt: skip
LEAVES = HASHABLE_LEAVES | st.just(float("nan")) | st.decimals() | st.binary(max_size=20).map(bytearray)


def _hashables(inner: Strategy) -> Strategy:
    return st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner, max_size=3),
        st.builds(Money, st.decimals(allow_nan=False), TEXTS),
        st.builds(Seat, row_number=inner, taken_at=inner),
    )


HASHABLES = st.recursive(HASHABLE_LEAVES, _hashables, max_leaves=5)
"""What may be a key or a member of a set. No NaN: it equals nothing, so a set of it compares with nothing."""


def arrays() -> Strategy:
    """Arrays of numbers in either order, some empty, some long enough to leave the pickle's stream."""
    shapes = st.lists(st.integers(0, 4), max_size=3) | st.just([600])
    made = st.builds(
        lambda kind, shape, start: np.arange(start, start + np.prod(shape, dtype=int)).astype(kind).reshape(shape),
        st.sampled_from(["i1", "<u2", ">i4", "<f8", "?", "<M8[s]", "<U3"]), shapes, st.integers(-9, 9),
    )  # fmt: skip
    return made | made.map(np.asfortranarray)


def session_values() -> Strategy:
    """Values of every kind in containers of every kind."""
    return _trees(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3).map(tuple),
        lambda inner: st.dictionaries(HASHABLES, inner, max_size=3),
        lambda inner: st.builds(Point, inner, inner) | st.builds(Item, TEXTS, inner),
        lambda inner: st.builds(Line, st.builds(Point, inner), st.builds(Point, inner)),
        lambda inner: st.builds(visited, TEXTS, inner),
        lambda _inner: st.sets(HASHABLES, max_size=4) | st.frozensets(HASHABLES, max_size=4),
        lambda _inner: arrays(),
    )


def mutations(data: bytes) -> Strategy:
    """The bytes after one to three changes: a piece taken out, put in, put elsewhere, or one byte replaced."""
    places = st.integers(0, len(data))
    pieces = st.binary(max_size=4) | st.builds(lambda start, size: data[start : start + size], places, places)
    changes = st.lists(st.tuples(places, st.integers(0, 4), pieces), min_size=1, max_size=3)
    return changes.map(lambda made: reduce(_changed, made, data))


def _changed(data: bytes, change: tuple[int, int, bytes]) -> bytes:
    place, gone, piece = change
    return data[:place] + piece + data[place + gone :]


def hostile_bytes(*frames: bytes) -> Strategy:
    """Any bytes, any body behind the headers of these frames, and mutations of the frames."""
    bodies = st.builds(lambda frame, body: frame[:5] + body, st.sampled_from(frames), st.binary(max_size=60))
    return st.binary(max_size=60) | bodies | st.sampled_from(frames).flatmap(mutations)
