"""Hostile records: whatever bytes a store hands out, an attribute is a value or a kind of DecodeError.

What could be read of one stays as it was when it is written again with something changed in it.
"""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.golden_records import KEY, NOW, wire
from tests.strategies import hostile_bytes, mutations
from tests.values import same
from tests.vectors.records import load
from transcoders import transcoder
from transcoders.errors import DecodeError, EncodeError
from transcoders.sessions.record import ABSENT, Record
from transcoders.sessions.wire import Wire

VECTORS = {vector.name: vector for vector in load()}
DATA = {name: bytes.fromhex(vector.data) for name, vector in VECTORS.items()}
READER = Wire(
    transcoder("json", accept=["msgpack", "cbor", "pickle", "json+zlib", "msgpack+zlib", "json+zstd", "json+lz4"])
)
TYPED = wire(VECTORS["typed-json"].case)
OPEN = [name for name, vector in VECTORS.items() if not vector.sealed]
quick = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def readable(record: Record) -> dict:
    """The attributes that can be read."""
    found = {}
    for name in record.names():
        try:
            found[name] = record.value(name)
        except DecodeError as error:
            _told(error)
    return found


def _told(error: DecodeError) -> None:
    """Raise an error again that is none of the kinds."""
    if type(error) is DecodeError:
        raise error


def check(reader: Wire, data: bytes) -> None:
    """One of the two, for the record, for each attribute, and for the record that is built of it."""
    try:
        record = reader.read(data, KEY)
        before, names = readable(record), list(record.names())
        _ = record.principal
    except DecodeError as error:
        _told(error)
        return
    gone = names[0] if names else "none"
    try:
        after = reader.read(record.build({"added": 1, gone: ABSENT}, NOW), KEY)
    except EncodeError:
        return
    assert [name for name in after.names() if name != "added"] == [
        name for name in names if name not in {gone, "added"}
    ]
    found = readable(after)
    assert found.pop("added") == 1
    assert all(same(before[name], value) for name, value in found.items())
    assert found.keys() == before.keys() - {gone, "added"}


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
