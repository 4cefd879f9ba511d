"""Evolution: old and new code share a store, and lose nothing of each other's."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, TypedDict
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evolution_table import PAGE, page
from tests.evolving_outcomes import BACK, EXPECTED, KEPT, MESSAGES, VALUE
from tests.evolving_types import CHANGES, CLOSED, FAMILIES, Inner, Model, Part, Side, model
from tests.strategies import FINITE, SMALL, TEXTS, mutations, plain_values
from transcoders import DecodeError, SchemaMismatch, frame, transcoder
from transcoders.schema import migrate, schema

CODECS = ("json", "msgpack", "cbor", "pickle")
LAYOUTS = ("map", "compact")
_made = cache(lambda spec, cls: transcoder(spec, schema=cls))


def outcome(spec: str, writer: Model, reader: Model, *, forward: bool) -> str:
    """What comes of reading what the writer wrote, saving it, and reading that as the writer.

    `forward` is new code that reads what old code wrote.
    """
    theirs, ours = _made(spec, writer.cls), _made(spec, reader.cls)
    try:
        value = ours.decode(theirs.encode(writer.value(writer.side.stored)))
    except SchemaMismatch as error:
        said = " ".join(map(str, error.problems))
        return next(name for name, words in MESSAGES.items() if words in said)
    assert reader.fields(value) == reader.fields(reader.side.reads)
    saved = ours.encode(value)
    assert ours.decode(saved) == value
    if writer.side.version < reader.side.version:
        return VALUE
    try:
        again = theirs.decode(saved)
    except SchemaMismatch:
        return VALUE if forward else BACK  # what old code makes of new frames is the other half of the table
    assert writer.fields(again) == writer.fields(writer.side.stored)
    return KEPT if reader.kept(value) else VALUE


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("change", CHANGES)
def test_each_cell_of_the_matrix(change, family, codec, layout):
    """Either side reads what the other wrote as the table says, and what it then saves the other reads again."""
    old, new = model(change, family, new=False), model(change, family, new=True)
    spec = f"{codec}:layout={layout}"
    found = outcome(spec, old, new, forward=True), outcome(spec, new, old, forward=False)
    column = "compact" if layout == "compact" else "closed" if family in CLOSED else "keeping"
    assert found == tuple(getattr(one, column) for one in EXPECTED[change])


def test_the_table_is_the_tested_one():
    """The committed page is what the data of these tests makes."""
    assert PAGE.read_text("utf-8") == page()


def test_the_table_has_a_row_for_each_change():
    """No change lacks its outcomes, and none of the outcomes its words."""
    assert CHANGES.keys() == EXPECTED.keys()


KEEPING = [family for family in FAMILIES if family not in CLOSED]
_MOMENTS = st.datetimes() | st.datetimes(timezones=st.just(UTC))
FIELDS: dict[str, tuple[Part, st.SearchStrategy[Any]]] = {
    "a": (Part("a", int, 0), SMALL | st.integers()),
    "b": (Part("b", str, ""), TEXTS),
    "c": (Part("c", float, 0.0), FINITE | st.just(float("inf"))),
    "d": (Part("d", bytes, b""), st.binary(max_size=8)),
    "e": (Part("e", datetime | None, None), st.none() | _MOMENTS | st.datetimes(timezones=st.timezones())),
    "f": (Part("f", set[date], factory=set), st.sets(st.dates(), max_size=3)),
    "g": (Part("g", dict[str, Decimal], factory=dict), st.dictionaries(TEXTS, st.decimals(allow_nan=False))),
    "h": (Part("h", UUID | timedelta | None, None), st.none() | st.uuids() | st.timedeltas()),
    "i": (Part("i", tuple[int, ...], ()), st.lists(SMALL, max_size=3).map(tuple)),
}
"""A name keeps its type, whatever else changes: then no change loses anything."""


@st.composite
def changes(draw: st.DrawFn) -> tuple[Model, list[Model], dict[str, Any]]:
    """A new side with its fields, and older sides with any others of the same names."""

    def side() -> tuple[Side, list[str], list[str]]:
        outer, inner = draw(st.sets(st.sampled_from("abcdefghi"))), draw(st.sets(st.sampled_from("abcdi"), min_size=1))
        parts = (*(FIELDS[name][0] for name in sorted(outer)), Part("lines", list[Inner], factory=list))
        return Side(parts, {}, {}, inner=tuple(FIELDS[name][0] for name in sorted(inner))), sorted(outer), sorted(inner)

    newest, outer, inner = side()
    families = st.sampled_from(KEEPING)
    lines = st.lists(st.fixed_dictionaries({name: FIELDS[name][1] for name in inner}), max_size=2)
    fields = draw(st.fixed_dictionaries({name: FIELDS[name][1] for name in outer}))
    stored = fields | {"lines": [Inner(**line) for line in draw(lines)]}
    older = [Model(side()[0], draw(families)) for _ in range(draw(st.integers(1, 3)))]
    return Model(newest, draw(families)), older, stored


@given(change=changes(), codec=st.sampled_from(CODECS))
@settings(max_examples=40, deadline=None)
def test_what_new_code_wrote_it_reads_back(change, codec):
    """Whatever fields any number of older classes have: they read and save in turn, and nothing is lost."""
    new, older, stored = change
    newest = transcoder(codec, schema=new.cls)
    stored_bytes = newest.encode(new.value(stored))
    for one in older:
        reader = transcoder(codec, schema=one.cls)
        stored_bytes = reader.encode(reader.decode(stored_bytes))
    assert new.fields(newest.decode(stored_bytes)) == new.fields(stored)


class Was(TypedDict):
    a: int
    b: list[str]


@schema(version=2)
@dataclass
class Now:
    a: float
    b: set[str]
    c: dict[int, Decimal] | None = None


@migrate(Now, since=2, was=Was)
def _to_set(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"b": set(fields["b"])}


READERS = {codec: transcoder(f"{codec}:layout=compact", schema=Now, accept=[codec]) for codec in CODECS}
MARKS = [
    transcoder("json", schema=cls).encode(value)[7:11]
    for cls, value in ((Was, {"a": 1, "b": []}), (Now, Now(1.0, set())))
]
TREES = plain_values() | st.fixed_dictionaries({"a": SMALL, "b": plain_values()})


@st.composite
def claims(draw: st.DrawFn) -> tuple[str, bytes]:
    """A codec, and a frame whose header claims any version and shape, before any body."""
    codec = draw(st.sampled_from(CODECS))
    plain = transcoder(codec).encode(draw(TREES))
    body = draw(st.just(plain[5:]) | mutations(plain[5:]))
    stamp = draw(st.integers(0, 3)).to_bytes(2, "big") + draw(
        st.sampled_from(MARKS) | st.binary(min_size=4, max_size=4)
    )
    form, compact = draw(st.sampled_from((frame.PLAIN, frame.TAGGED))), draw(st.booleans())
    return codec, frame.header(plain[3], form, (), stamp, compact=compact) + body


@given(claim=claims())
@settings(max_examples=300, deadline=None)
def test_frames_of_any_version_and_shape_are_values_or_errors(claim):
    """Whatever a header claims and whatever stands behind it: a value of the type, or a DecodeError."""
    codec, data = claim
    with contextlib.suppress(DecodeError):
        assert type(READERS[codec].decode(data)) is Now
