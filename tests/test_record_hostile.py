"""Hostile records: whatever bytes a store hands out, an attribute is a value or a kind of DecodeError.

What could be read of one stays as it was when it is written again with something changed in it.
"""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.records import ACCEPTED, check, plain, readable
from tests.golden_records import KEY, wire
from tests.strategies import hostile_bytes, mutations
from tests.values import same
from tests.vectors.records import load
from transcoders import DecodeError, transcoder
from transcoders.sessions.wire import Wire

VECTORS = {vector.name: vector for vector in load()}
DATA = {name: bytes.fromhex(vector.data) for name, vector in VECTORS.items()}
READER = Wire(transcoder("json", accept=ACCEPTED))
TYPED = wire(VECTORS["typed-json"].case)
OPEN = [vector.name for vector in plain()]
quick = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(st.sampled_from(OPEN).flatmap(lambda name: mutations(DATA[name])))
def test_mutations_of_records(data):
    """Bytes taken out, put in, put elsewhere and replaced, in records of every kind without a seal."""
    check(READER, data)


@quick
@given(st.sampled_from(["typed-json", "small-json", "again"]).flatmap(lambda name: mutations(DATA[name])))
def test_mutations_of_typed_records(data):
    """The same, read as a declared type."""
    check(TYPED, data)


@quick
@given(hostile_bytes(*(DATA[name][:60] for name in OPEN)))
@example(b"")
def test_any_bytes(data):
    """Any bytes, and any behind the beginning of a record."""
    check(READER, data)


@quick
@given(st.integers(0, 1), st.data())
def test_mutations_behind_a_seal(place, draw):
    """Inside a sealed record nothing is read before the seal is: no mutation gives a value that was not there."""
    name = ("again-sealed", "large-all")[place]
    reader, data = wire(VECTORS[name].case), draw.draw(mutations(DATA[name]))
    try:
        record = reader.read(data, KEY)
        found = readable(record)
    except DecodeError:
        return
    assert all(same(value, VECTORS[name].case.values[name_]) for name_, value in found.items())
