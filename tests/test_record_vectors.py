"""The golden records: sessions that lie in stores, which every release reads; cut or changed ones, which none does."""

import hashlib
import json
import struct
from unittest.mock import patch

import pytest

from tests.fuzz.records import opened
from tests.golden_records import CASES, KEY, KEYS, NOW, OTHER, make, wire
from tests.handmade import sealed
from tests.vectors.records import Vector, add, load, reads
from transcoders import DecodeError, transcoder
from transcoders.errors import Replayed
from transcoders.sessions import building, layout
from transcoders.sessions.layout import EXT, LONGEST, PACKED, RECORD, TAIL, TRAIL, written_by
from transcoders.sessions.record import ABSENT, Record
from transcoders.sessions.wire import Wire

VECTORS = load()
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
every_sealed = pytest.mark.parametrize("vector", [one for one in VECTORS if one.sealed], ids=lambda one: one.name)


def whole(record: Record) -> None:
    """Read all that there is."""
    for name in record.names():
        record.value(name)
    assert record.principal is None or record.principal


def taken(vector: Vector, records: list[bytes]) -> list[str]:
    """Those of the records that do not end in a kind of DecodeError."""
    found, reader = [], wire(vector.case)
    for data in records:
        opened(reader, data, vector.key)
        try:
            whole(reader.read(data, vector.key))
        except DecodeError as error:
            if type(error) is not DecodeError:
                continue
        found.append(data.hex(" "))
    return found


def test_every_planned_record_is_there():
    """The table and the files agree; there is a record with each flag, a trail, a full ring, and each seal."""
    assert sorted(CASES) == sorted(vector.name for vector in VECTORS)
    assert {vector.name: vector.spec for vector in VECTORS} == {name: case.spec for name, case in CASES.items()}
    starts = [bytes.fromhex(vector.data)[:13] for vector in VECTORS]
    assert {start[2] for start in starts} == {RECORD, TRAIL}
    assert {TAIL, PACKED, EXT, TAIL | PACKED} <= {start[3] for start in starts}
    assert {0x00, 0x20, 0xF0} <= {start[12] & 0xF0 for start in starts}


@every_vector
def test_record_reads_as_it_was_meant(vector):
    """Records of any earlier release give their attributes and what their header says."""
    assert reads(vector)
    assert opened(wire(vector.case), bytes.fromhex(vector.data), vector.key).startswith("(({")


@pytest.mark.parametrize("vector", [one for one in VECTORS if not one.varies], ids=lambda one: one.name)
def test_record_is_written_again(vector):
    """The session still gives those bytes, where no compressor and no nonce has a say."""
    assert make(vector.case).hex() == vector.data


@every_vector
@pytest.mark.parametrize("later", [0, 60, 61])
def test_one_step_and_the_long_way_build_the_same(vector, later):
    """Whatever takes the place of an attribute, the next record does not depend on the way that it is built."""
    record = wire(vector.case).opened(bytes.fromhex(vector.data), vector.key)
    values = [7, "text", record.wire.untyped.encode([1]), record.wire.untyped.encode(["x" * 5000]), ABSENT]
    changes = [{}, {"new": 1}, *({name: value} for name in record.names() for value in values)]
    with patch.object(layout, "fresh", lambda: b"abcd"):
        for change in changes:
            arguments = record, change, record.written + later
            whole = building.build(*arguments)
            assert whole == building._built(*arguments, None, None, None, building.KEEP) or not record.wire.plain


@every_vector
def test_no_prefix_of_a_record_is_a_session(vector):
    """A record that was cut anywhere is noticed, at the latest by the attribute that is missing."""
    data = bytes.fromhex(vector.data)
    assert taken(vector, [data[:size] for size in (*range(min(len(data), 700)), *range(700, len(data), 13))]) == []


@every_vector
def test_no_record_with_a_byte_behind_it_is_a_session(vector):
    """A byte too many is a DecodeError, unless it stands behind a tail, where no reference leads to it."""
    data = bytes.fromhex(vector.data)
    longer = [data + bytes((last,)) for last in (0x00, 0x20, 0xC0, 0xFF)]
    assert taken(vector, longer) == ([one.hex(" ") for one in longer] if data[3] & TAIL else [])


@every_sealed
def test_no_sealed_record_with_a_changed_byte_is_a_session(vector):
    """Any changed byte of a sealed record is noticed: of header, index, seal or tail."""
    data = bytes.fromhex(vector.data)
    places = (*range(min(len(data), 400)), *range(400, len(data), 17), len(data) - 1)
    changed = [
        data[:place] + bytes((data[place] ^ flip,)) + data[place + 1 :] for place in places for flip in (0x01, 0x80)
    ]
    assert taken(vector, changed) == []


@every_sealed
def test_no_sealed_record_is_read_under_another_key(vector):
    """A record that was moved to another session's key is a Replayed one."""
    with pytest.raises(Replayed):
        whole(wire(vector.case).read(bytes.fromhex(vector.data), OTHER))


def test_a_record_made_by_hand():
    """One that was put together from docs/format.md alone is read: ring, fields, seal, index, digest and tail."""
    segment = b"\x04\x00" + json.dumps(["x" * 5000], separators=(",", ":")).encode()
    digest = hashlib.sha256(segment).digest()[:16]
    index = b"\x83\xa1n\x05\xa1s\xc4\x05\x04\x00[1]\xa1b\xc4\x19" + struct.pack(">BII", 0, 0, len(segment)) + digest
    header = b"\xc1T\x11\x05" + struct.pack(">I4sBIIII", 7, b"last", 0x21, NOW, NOW + 5, 60, 3600)
    header += b"\x10" + b"onetwo__"
    header += struct.pack(">H", 6) + b"\x81\x01\xa3ann"
    body = sealed(KEYS[0], "hmac", header, index, KEY.encode())[len(header) :]
    data = header + struct.pack(">I", len(body)) + body + segment
    record = Wire(transcoder("json+hmac", keys=KEYS)).read(data, KEY)
    assert {name: record.value(name) for name in record.names()} == {"n": 5, "s": [1], "b": ["x" * 5000]}
    assert (record.version, record.created, record.written, record.idle, record.absolute) == (7, NOW, NOW + 5, 60, 3600)
    assert record.principal == "ann"
    assert [written_by(data[:LONGEST], wid, 4) for wid in (b"last", b"onet", b"wo__", b"none")] == [True] * 3 + [False]


def test_a_trail_made_by_hand():
    """So is one of those."""
    header = b"\xc1T\x12\x00" + bytes(4) + b"rand" + b"\x01\x10" + struct.pack(">H", len(OTHER))
    data = sealed(KEYS[0], "hmac", header, OTHER.encode(), KEY.encode())
    assert Wire(transcoder("json+hmac", keys=KEYS)).read(data, KEY).moved == OTHER


def test_add_refuses_to_change_a_record(tmp_path):
    """What is missing is added; a record that holds other bytes stays as it is, and that is an error."""
    assert len(list(add(tmp_path))) == len(CASES)
    assert list(add(tmp_path)) == []
    path = tmp_path / "small-json.json"
    other = json.dumps({**json.loads(path.read_text()), "key": KEY, "data": "c15411"})
    path.write_text(other)
    with pytest.raises(ValueError, match="never changed"):
        list(add(tmp_path))
    assert path.read_text() == other
