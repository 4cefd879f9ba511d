"""Stored sessions as a target: each attribute is a value or a kind of DecodeError, and what can be read stays.

The oracle builds the next record of whatever can be read, and reads that: untouched attributes are what they were.
"""

from collections.abc import Callable
from typing import Any

from tests.fuzz import oracle
from tests.fuzz.formats import msgpack
from tests.fuzz.target import Target
from tests.golden_records import KEY, NOW, wire
from tests.values import same
from tests.vectors.records import Vector, load
from transcoders import DecodeError, EncodeError, Limits, transcoder
from transcoders.sessions.layout import SIZE
from transcoders.sessions.record import ABSENT, Record
from transcoders.sessions.wire import Wire

ACCEPTED = ("msgpack", "cbor", "pickle", "json+zlib", "msgpack+zlib", "json+zstd", "json+lz4")
TIGHT = Limits(size=6000, depth=8)
_SMALL = 3500


def readable(record: Record) -> dict[str, Any]:
    """The attributes that can be read; raises DecodeError only where that is none of its kinds."""
    found = {}
    for name in record.names():
        try:
            found[name] = record.value(name)
        except DecodeError as error:
            oracle.outcome(error)
    return found


def opened(reader: Wire[Any], data: bytes, key: str = KEY) -> str:
    """What becomes of the record when it is opened in one step; raises when in two steps it is something else."""
    found = [_opened(step, data, key) for step in (reader.read, reader.opened)]
    assert found[0] == found[1]
    return found[1]


def _opened(step: Callable[[bytes, str], Record], data: bytes, key: str) -> str:
    try:
        record = step(data, key)
        return repr((record.contents(), record.head, record.moved, record.attributes.keys(), record.key, record.data))
    except DecodeError as error:
        return f"{type(error).__name__}: {error} ({type(error.__context__).__name__})"


def check(reader: Wire[Any], data: bytes) -> str:
    """What becomes of the record, in a few words; whatever is wrong about it raises."""
    opened(reader, data)
    try:
        record = reader.read(data, KEY)
        before, names = readable(record), list(record.names())
        _ = record.principal
    except DecodeError as error:
        return oracle.outcome(error)
    gone = names[0] if names else "none"
    try:
        after = reader.read(record.build({"added": 1, gone: ABSENT}, NOW), KEY)
    except EncodeError:
        return "a record that is full"
    left = [name for name in names if name not in {gone, "added"}]
    assert [name for name in after.names() if name != "added"] == left
    found = readable(after)
    assert gone == "added" or found.pop("added") == 1
    assert found.keys() - {"added"} == before.keys() - {gone, "added"}
    assert all(same(before[name], value) for name, value in found.items() if name in left)
    return f"a record: {min(len(names), 3)} names, {min(len(names) - len(before), 2)} of them broken"


def plain() -> list[Vector]:
    """The golden records without a seal."""
    return [vector for vector in load() if not vector.sealed]


def target() -> Target:
    """Records of every codec and compressor, read without and with a declared type."""
    wide = Wire[Any](transcoder("json", accept=ACCEPTED))
    tight = Wire[Any](transcoder("json", accept=ACCEPTED, limits=TIGHT))
    typed = [wire(vector.case) for vector in plain() if vector.case.schema]

    def checked(data: bytes) -> str:
        for reader in (tight, *typed):
            check(reader, data)
        return check(wide, data)

    def seeds() -> list[bytes]:
        found = [bytes.fromhex(vector.data) for vector in plain()]
        return [data for data in found if len(data) <= _SMALL]

    return Target("record", checked, seeds, written=msgpack, headers=tuple({seed[:SIZE] for seed in seeds()}))
