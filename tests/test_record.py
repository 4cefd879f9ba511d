"""The stored record: its header and the ids of its writes, what stays of what nobody touched, and what is refused."""

import hashlib
import json
from itertools import pairwise

import ormsgpack
import pytest

from tests.fuzz.records import opened
from tests.golden_records import KEY, LARGE, NOW, OTHER, SMALL, once, written
from tests.values import same
from transcoders import transcoder
from transcoders.errors import (
    DecodeError,
    EncodeError,
    Foreign,
    Malformed,
    Refused,
    Replayed,
    SpecError,
    Tampered,
    TooLarge,
    Truncated,
    UnknownKey,
)
from transcoders.limits import Limits
from transcoders.sessions.building import LONG, SEGMENT
from transcoders.sessions.layout import EXT, FIXED, HIGHEST, LONGEST, RING, SIZE, TAIL, written_by
from transcoders.sessions.record import ABSENT, Record
from transcoders.sessions.wire import Wire

SECRET = b"k" * 32


def wired(spec="json", **options):
    """The wire of a spec; with a key where it needs one."""
    keyed = any(f"+{seal}" in spec for seal in ("hmac", "blake2", "aesgcm"))
    return Wire(transcoder(spec, keys=[SECRET] if keyed else (), **options))


JSON = wired()


def values(record: Record) -> dict:
    """All attributes."""
    return {name: record.value(name) for name in record.names()}


def following(data: bytes, changes: dict, now: int, wire=JSON) -> bytes:
    """The record after this one."""
    return wire.read(data, KEY).build(changes, now)


# Header


def test_a_blank_record_was_never_stored():
    """It has no bytes, no attributes and version 0, and the times that it was given."""
    blank = JSON.blank(KEY, NOW, 60, 3600)
    assert (blank.data, blank.etag, blank.version, list(blank.names())) == (b"", b"", 0, [])
    assert (blank.created, blank.written, blank.idle, blank.absolute, blank.principal) == (NOW, NOW, 60, 3600, None)


def test_the_header_tells_times_and_counts_writes():
    """Created stays, written moves, version goes up by one, and the write id is another each time."""
    first = JSON.read(once({"a": 1})(JSON), KEY)
    second = JSON.read(first.build({}, NOW + 9, idle=7, absolute=8, principal="user:1"), KEY)
    assert (first.version, first.created, first.written, first.idle, first.absolute) == (1, NOW, NOW + 1, 1800, 0)
    assert (second.version, second.created, second.written, second.idle, second.absolute) == (2, NOW, NOW + 9, 7, 8)
    assert (first.principal, second.principal) == (None, "user:1")
    assert first.etag == first.data[4:12] != second.etag == second.data[4:12]
    third = JSON.read(second.build({}, NOW + 9), KEY)
    assert (third.idle, third.absolute, third.principal) == (7, 8, "user:1")
    assert JSON.read(third.build({}, NOW + 9, principal=None), KEY).principal is None


def test_the_write_counter_never_wraps():
    """The last version cannot be written again: a counter that starts anew would compare equal."""
    data = once({"a": 1})(JSON)
    last = JSON.read(data[:4] + HIGHEST.to_bytes(4, "big") + data[8:], KEY)
    assert last.value("a") == 1
    with pytest.raises(EncodeError, match="write counter"):
        last.build({}, NOW)


def test_the_ring_has_the_newest_writes_of_a_minute():
    """Earlier ids stand newest first, fifteen at most; a write after a minute keeps the one before it alone."""
    data, wrote = once({})(JSON), []
    for number in range(20):
        wrote.insert(0, data[8:12])
        data = following(data, {"n": number}, NOW + 1 + number)
        ring = data[SIZE : SIZE + 4 * (data[12] >> 4)]
        assert ring == b"".join(wrote[:RING])
    later = following(data, {}, NOW + 20 + 61)
    assert later[12] >> 4 == 1
    assert later[SIZE : SIZE + 4] == data[8:12]
    assert following(data, {}, NOW + 20 + 60)[12] >> 4 == RING
    assert following(data, {}, NOW - 500)[12] >> 4 == RING, "a clock that went back tells nothing"


def test_who_lost_a_reply_can_tell_what_became_of_a_write():
    """True while the id is there, False when all writes since the base are known, None when they are not."""
    data = [once({})(JSON)]
    for number in range(25):
        data.append(following(data[-1], {"n": number}, NOW + number))
    for number, (base, mine) in enumerate(pairwise(data)):
        for steps, after in enumerate(data[number + 1 : number + 22]):
            assert written_by(after[:LONGEST], mine[8:12], number + 1) is (True if steps <= RING else None)
            assert written_by(after[:LONGEST], b"lost", number + 1) is (False if steps <= RING else None)
        assert written_by(base[:LONGEST], mine[8:12], number + 1) is False, "nothing was written since"
    assert written_by(data[-1], data[-1][8:12], 1) is True
    assert written_by(data[0], b"lost", 20) is None, "another session stands there than the base was of"


@pytest.mark.parametrize(
    "head",
    [b"", b"\xc1T\x11", JSON.trail(OTHER, KEY), b"{}" * 40, once({})(JSON)[:28]],
    ids=["nothing", "start", "trail", "foreign", "cut"],
)
def test_what_is_no_record_tells_nothing_about_a_write(head):
    """Bytes without the ids of writes give None."""
    assert written_by(head, b"lost", 1) is None


def test_a_cut_ring_tells_nothing_about_a_write():
    """A head that ends within the ids gives None."""
    data = following(once({})(JSON), {}, NOW)
    assert written_by(data[: SIZE + 3], b"lost", 1) is None


def test_longest_holds_every_id():
    """A record with all filters, a full ring and further fields has its ids within LONGEST bytes, less than 128."""
    wire = wired("json+zlib+aesgcm+hmac")
    data = once({"a": "x" * 100})(wire)
    ids = [data[8:12]]
    for _ in range(RING):
        data = wire.read(data, KEY).build({}, NOW, principal="p" * 500)
        ids.append(data[8:12])
    assert LONGEST < 128
    assert all(written_by(data[:LONGEST], one, 0) for one in ids)


# Attributes


@pytest.mark.parametrize("codec", ["json", "msgpack", "cbor", "pickle"])
@pytest.mark.parametrize("filters", ["", "+zlib", "+hmac", "+zstd+aesgcm", "+lz4+aesgcm+blake2"])
def test_what_went_in_comes_out(codec, filters):
    """Every kind of attribute comes back, from index and tail, through every kind of filter."""
    wire = wired(codec + filters)
    record = wire.read(once(LARGE)(wire), KEY)
    assert same(values(record), LARGE)
    assert list(record.names()) == list(LARGE)
    assert "rows" in record
    assert "other" not in record


def test_scalars_are_plain_messagepack_whatever_the_codec():
    """A small session is read with any MessagePack library behind its header."""
    plain = {"a": None, "b": True, "c": -5, "d": 1.5, "e": "text"}
    for codec in ("json", "msgpack", "cbor", "pickle"):
        assert ormsgpack.unpackb(once(plain)(wired(codec))[SIZE:]) == plain
    assert ormsgpack.unpackb(once({"x": [1]})(JSON)[SIZE:]) == {"x": b"\x04\x00[1]"}


def test_a_tail_begins_at_four_kilobytes_and_stays():
    """A short record is all index; a long one has long segments in the tail; one with a tail keeps it."""
    short = once({"a": "x" * 100, "b": ["y" * 3000]})(JSON)
    assert not short[3] & TAIL
    full = following(short, {"c": JSON.untyped.encode(["z" * 2000]), "d": JSON.untyped.encode(["q"])}, NOW)
    assert full[3] & TAIL
    assert len(full) > LONG
    index = JSON.read(full, KEY).index
    assert {name for name, value in index.items() if type(value) is bytes and value[:1] == b"\0"} == {"b", "c"}
    less = following(full, {"b": ABSENT}, NOW)
    assert less[3] & TAIL
    assert len(less) < LONG
    assert values(JSON.read(less, KEY)) == {"a": "x" * 100, "c": ["z" * 2000], "d": ["q"]}
    least = following(less, {"c": ABSENT}, NOW)
    assert not least[3] & TAIL
    assert values(JSON.read(least, KEY)) == {"a": "x" * 100, "d": ["q"]}


def test_many_short_attributes_need_no_tail():
    """A long record of short segments stays in the index."""
    many = {f"n{number}": [number] for number in range(900)}
    data = once(many)(JSON)
    assert not data[3] & TAIL
    assert values(JSON.read(data, KEY)) == many


@pytest.mark.parametrize("spec", ["json", "msgpack+hmac", "cbor+zlib+aesgcm"])
def test_the_tail_is_kept_without_holes(spec):
    """Whichever segments are replaced or deleted, the rest stays, and the record is as long as one built anew."""
    wire = wired(spec)
    first = {f"n{number}": [f"{number} " * 200] for number in range(12)}
    data = once(first)(wire)
    left = dict(first)
    for steps in (["n3"], ["n0"], ["n11"], ["n5", "n6"], ["n1", "n10", "n8"], ["n2", "n4", "n7"]):
        changes = {}
        for step, name in enumerate(steps):
            left.pop(name)
            if step != 1:
                left[name] = [f"again {name} " * 90]
            changes[name] = wire.untyped.encode(left[name]) if name in left else ABSENT
        data = following(data, changes, NOW, wire)
        record = wire.read(data, KEY)
        assert values(record) == {name: left[name] for name in record.names()}
        assert left.keys() == set(record.names())
    anew = written(wire, wire.blank(KEY, NOW, 0, 0), left, NOW)
    assert abs(len(data) - len(anew)) < 100, "but for the ring, and chance in what a cipher or compressor makes"


def test_untouched_segments_are_copied_as_bytes():
    """What nobody changes is not encoded again, whatever wrote it: here a codec would have refused to."""
    data = once({"a": 1, "kept": [1] * 2000, "b": [2]})(JSON)
    odd = data.replace(b"[1,1,1,", b"[1,,1 ,")
    record = JSON.read(following(odd, {"a": 2}, NOW), KEY)
    assert record.value("b") == [2]
    with pytest.raises(Malformed, match=r"^\$\.kept: "):
        record.value("kept")
    assert b"[1,,1 ," in record.data


@pytest.mark.parametrize("size", [3, 3000])
def test_one_bad_attribute_among_ten(size):
    """The ten others work; the bad one raises when it is touched, survives when not, and is overwritten or deleted."""
    good = {f"n{number}": [number] for number in range(10)}
    data = once({**good, "bad": ["x" * size, "bad"]})(JSON).replace(b',"bad"]', b',"bad"}')
    record = JSON.read(data, KEY)
    assert {name: record.value(name) for name in good} == good
    with pytest.raises(Malformed, match=r"^\$\.bad: expected JSON"):
        record.value("bad")
    survived = JSON.read(record.build({"n0": 7}, NOW), KEY)
    assert survived.stored("bad") == record.stored("bad")
    assert JSON.read(record.build({"bad": 5}, NOW), KEY).value("bad") == 5
    assert values(JSON.read(record.build({"bad": ABSENT}, NOW), KEY)) == good


@pytest.mark.parametrize("name", ["a", "x" * 255, "漢" * 85, "$", "a b.c[0]", "\x00", "\u2028"])
def test_names_that_attributes_can_have(name):
    """Any text of 1 to 255 bytes."""
    assert values(JSON.read(once({name: [1]})(JSON), KEY)) == {name: [1]}


@pytest.mark.parametrize("name", ["", "x" * 256, "漢" * 86, "\ud800", 5, None, b"a"])
def test_names_that_attributes_cannot_have(name):
    """Anything else is an EncodeError, and nothing is written."""
    with pytest.raises(EncodeError, match=r"the name of an attribute|named by str"):
        JSON.blank(KEY, NOW, 0, 0).build({name: 1}, NOW)


def test_a_session_has_1024_attributes_at_most():
    """One more is an EncodeError; a record that holds more is Malformed."""
    most = {f"n{number}": number for number in range(1024)}
    record = JSON.read(once(most)(JSON), KEY)
    assert values(record) == most
    with pytest.raises(EncodeError, match="1025 attributes, the limit is 1024"):
        record.build({"more": 1}, NOW)
    crowded = record.data[: record.data.index(b"\xde")] + ormsgpack.packb({**most, "more": 1})
    with pytest.raises(Malformed, match="at most 1024 attributes"):
        JSON.read(crowded, KEY).names()
    with pytest.raises(Malformed, match="at most 1024 attributes"):
        JSON.opened(crowded, KEY)


def test_size_is_limited_both_ways():
    """A session over the limit is not built, one that is there is not read, and neither is an attribute."""
    wire = wired(limits=Limits(size=1000))
    record = wire.blank(KEY, NOW, 0, 0)
    with pytest.raises(EncodeError, match="the session takes 1015 bytes, the limit is 1000"):
        record.build({"a": "x" * 70, "b": wire.untyped.encode(["y" * 900])}, NOW)
    with pytest.raises(EncodeError, match=r"^\$\.a: takes 1006 bytes, the limit is 1000"):
        record.encode("a", ["y" * 1000])
    with pytest.raises(TooLarge, match="at most 1000 bytes, found 1100"):
        wire.read(bytes(1100), KEY)
    with pytest.raises(TooLarge, match="at most 1000 bytes, found 1100"):
        wire.opened(once({"a": "x" * 70, "b": ["y" * 1000]})(JSON)[:1100], KEY)


def test_what_segments_expand_to_is_limited():
    """One segment that a thousand references mean is read a few times, not a thousand."""
    wire = wired(limits=Limits(size=10_000))
    data = once({"a": ["x" * 5000]})(wire)
    ref = wire.read(data, KEY).index["a"]
    index = ormsgpack.packb({f"n{number}": ref for number in range(200)})
    bomb = wire.read(data[:SIZE] + len(index).to_bytes(4, "big") + index + data[-5006:], KEY)
    with pytest.raises(TooLarge, match="expand to 160000 bytes"):
        values(bomb)
    assert bomb.value("n0") == ["x" * 5000], "what was read stays read"
    with pytest.raises(EncodeError, match="the limit is 10000"):
        bomb.build({"n0": ABSENT}, NOW)


# What is no session


NOT_RECORDS = {
    "nothing": (b"", Foreign), "one byte": (b"\xc1", Truncated), "another byte": (b"a", Foreign),
    "magic": (b"\xc1T", Truncated), "magic and kind": (b"\xc1T\x11", Truncated),
    "a start": (b"\xc1T\x11\x00abc", Truncated),
    "a newer layout": (b"\xc1T\x13" + bytes(40), Refused), "a newer family": (b"\xc1T\x21" + bytes(40), Refused),
    "a newer frame": (b"\xc1T\x02" + bytes(40), Refused), "an unknown flag": (b"\xc1T\x11\x08" + bytes(40), Refused),
    "many flags": (b"\xc1T\x11\xff" + bytes(40), Refused), "version 0": (b"\xc1T\x11\x00" + bytes(40), Malformed),
    "a flagged trail": (b"\xc1T\x12\x01" + bytes(40), Refused),
    "another application": (b"\x80\x05\x95" + bytes(40), Foreign), "JSON": (b'{"a": 1}', Foreign),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_RECORDS)
def test_what_is_no_record_is_told_by_its_kind(name):
    """Cut, newer and foreign bytes are each their own DecodeError, at once or when attributes are asked for."""
    data, kind = NOT_RECORDS[name]
    opened(JSON, data)
    with pytest.raises(kind) as caught:
        JSON.read(data, KEY).names()
    assert type(caught.value) is kind


def head(flags: int = 0, counts: int = 0) -> bytes:
    """A header in front of what is to be wrong."""
    return FIXED.pack(0xC1541100 | flags, 1, b"abcd", counts, NOW, NOW, 0, 0)


MAP = ormsgpack.packb({"a": 1})
MALFORMED = {
    "no index": (head(), Malformed),
    "a list": (head() + b"\x91\x01", Malformed),
    "a number": (head() + b"\x01", Malformed),
    "a name twice": (head() + b"\x82\xa1a\x01\xa1a\x02", Malformed),
    "a number as a name": (head() + b"\x81\x01\x02", Malformed),
    "bytes as a name": (head() + b"\x81\xc4\x01a\x02", Malformed),
    "a name that is no UTF-8": (head() + b"\x81\xa1\xff\x01", Malformed),
    "text that is no UTF-8": (head() + b"\x81\xa1a\xa1\xff", Malformed),
    "a list in the index": (head() + b"\x81\xa1a\x90", Refused),
    "a map in the index": (head() + b"\x81\xa1a\x80", Refused),
    "an extension type": (head() + b"\x81\xa1a\xd4\x05a", Malformed),
    "a timestamp": (head() + b"\x81\xa1a\xd6\xff\0\0\0\0", Malformed),
    "a byte behind the index": (head() + MAP + b"\0", Malformed),
    "a map of 16": (head() + b"\xde\x00\x02\xa1a\x01", Malformed),
    "filters that are not there": (head(counts=1) + b"\x10" + MAP, Refused),
    "an unknown filter": (head(counts=1) + b"\xf0" + MAP, Refused),
    "a cut ring": (head(counts=0x20) + b"abc", Malformed),
    "the flag of a compressor": (head(flags=2) + MAP, Malformed),
    "a length behind the end": (head(flags=1) + b"\0\0\0\x05" + MAP, Truncated),
    "a length of nothing": (head(flags=1) + b"\0\0\0\0" + MAP, Truncated),
    "a short length": (head(flags=1) + b"\0\0\0\x03" + MAP, Malformed),
    "fields behind the end": (head(flags=4) + b"\xff\xff" + MAP, Truncated),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_broken_record_is_told_by_its_kind(name):
    """Whatever is wrong with header or index, it is one DecodeError when attributes are asked for."""
    data, kind = MALFORMED[name]
    opened(JSON, data)
    record = JSON.read(data, KEY)
    with pytest.raises(kind):
        record.names()
    with pytest.raises(kind):
        record.build({"a": 2}, NOW)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (b"\x91\x01", "one map of more fields"),
        (b"\x81\x01\x05", "principal of the record as text"),
        (b"\x82\x01\xa1a\x01\xa1b", "one map of more fields"),
        (b"\x81\x01\xa1\xff", "expected MessagePack"),
        (b"\x81\x01\xa1a\0", "one map of more fields"),
    ],
)
def test_broken_fields_are_malformed(fields, message):
    """Fields of the header that are none raise when they are asked for; attributes can be read all the same."""
    record = JSON.read(head(flags=4) + len(fields).to_bytes(2, "big") + fields + MAP, KEY)
    assert record.value("a") == 1
    with pytest.raises(Malformed, match=message):
        _ = record.principal


def test_unknown_fields_are_kept():
    """What a later release put into the header is there again after this one has written the record."""
    fields = ormsgpack.packb({1: "ann", 7: [1, {"x": b"y"}]}, option=ormsgpack.OPT_NON_STR_KEYS)
    record = JSON.read(head(flags=4) + len(fields).to_bytes(2, "big") + fields + MAP, KEY)
    same_one = JSON.read(record.build({"a": 2}, NOW), KEY)
    other = JSON.read(record.build({}, NOW, principal="eve"), KEY)
    none = JSON.read(record.build({}, NOW, principal=None), KEY)
    assert (same_one.fields, other.fields) == ({1: "ann", 7: [1, {"x": b"y"}]}, {1: "eve", 7: [1, {"x": b"y"}]})
    assert (none.fields, none.principal, none.data[3]) == ({7: [1, {"x": b"y"}]}, None, EXT)


@pytest.mark.parametrize("principal", ["", 5, b"user", "x" * 70_000, "\ud800"])
def test_a_principal_is_text(principal):
    """Anything else is an EncodeError, and so is one that does not fit."""
    with pytest.raises(EncodeError, match=r"principal|header"):
        JSON.blank(KEY, NOW, 0, 0).build({}, NOW, principal=principal)


SEGMENTS = {
    "empty": (b"", Truncated), "one byte": (b"\x04", Truncated), "a codec that nobody has": (b"\x7f\x00x", Refused),
    "another codec": (b"\x02\x00\x90", Refused), "another form": (b"\x04\x03[]", Refused),
    "filters": (b"\x04\x10\x01[]", Malformed), "no body": (b"\x04\x00", Malformed),
    "a declared type": (b"\x04\x04\0\1abcd[]", Refused), "compact alone": (b"\x04\x08[]", Refused),
    "a short reference": (b"\0\0\0", Malformed), "a long reference": (b"\0" * 12, Malformed),
    "a reference without a tail": (b"\0" * 9, Truncated), "a reference to nowhere": (b"\0" + b"\xff" * 8, Truncated),
    "a reference with a digest": (b"\0" * 25, Malformed),
}  # fmt: skip


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_broken_segment_is_told_by_its_kind(name):
    """It raises when it is touched and stays when it is not; so do the attributes beside it."""
    segment, kind = SEGMENTS[name]
    record = JSON.read(head() + ormsgpack.packb({"a": 1, "bad": segment}), KEY)
    for one in (record, JSON.read(record.build({"b": 2}, NOW), KEY)):
        assert one.value("a") == 1
        with pytest.raises(kind, match=r"\$\.bad: "):
            one.value("bad")
    assert JSON.read(record.build({"bad": 7}, NOW), KEY).value("bad") == 7


@pytest.mark.parametrize("ref", [b"\0" * 5, b"\0\0\0\0\1\0\0\xff\xff", b"\0" + b"\xff" * 8, b"\0\0\0\0\0\0\0\0\0"])
def test_a_reference_that_leads_nowhere_goes_on_leading_nowhere(ref):
    """However the tail moves, a broken reference never comes to mean another segment."""
    data = once({"big": ["x" * 5000], "more": ["y" * 500]})(JSON)
    record = JSON.read(data, KEY)
    index = ormsgpack.packb({"bad": ref, **record.index})
    tail = data[-(len('["x","y"]') + 5500 + 3) :]
    broken = JSON.read(data[:SIZE] + len(index).to_bytes(4, "big") + index + tail, KEY)
    assert broken.value("more") == ["y" * 500]
    for changes in ({"big": 1}, {"more": ABSENT}, {"big": 1, "more": 1}):
        after = JSON.read(broken.build(changes, NOW), KEY)
        with pytest.raises(DecodeError):
            after.value("bad")


def test_references_one_over_the_other_are_told_apart():
    """Where two references mean the same bytes, as nobody of ours writes them, each keeps them."""
    data = once({"a": ["x" * 5000], "b": [1]})(JSON)
    record = JSON.read(data, KEY)
    index = ormsgpack.packb({**record.index, "twin": record.index["a"]})
    twins = JSON.read(data[:SIZE] + len(index).to_bytes(4, "big") + index + data[-5006:], KEY)
    assert values(JSON.read(twins.build({"a": 1}, NOW), KEY)) == {"a": 1, "b": [1], "twin": ["x" * 5000]}


# Seals and keys


@pytest.mark.parametrize("spec", ["json+hmac", "json+zlib+blake2", "msgpack+aesgcm"])
def test_a_segment_of_an_older_record_is_noticed(spec):
    """The tail of an earlier write of the same session does not fit the index of a later one."""
    wire = wired(spec)
    old = once({"a": [*range(2000), 1]})(wire)
    new = following(old, {"a": wire.untyped.encode([*range(2000), 2])}, NOW, wire)
    tails = [len(data) - wire.read(data, KEY).contents()[1] for data in (old, new)]
    assert tails[0] == tails[1] > 1000
    assert wire.read(new, KEY).value("a")[-1] == 2
    with pytest.raises(Tampered, match=r"^\$\.a: the segment in the tail"):
        wire.read(new[: -tails[1]] + old[-tails[0] :], KEY).value("a")


def test_an_encrypted_segment_is_no_session_of_its_own():
    """Cut out of its record, with the start of a frame before it, it is not taken for a frame of the same key."""
    wire = wired("json+aesgcm")
    data = once({"user": {"admin": True, "note": "x" * 5000}})(wire)
    segment = data[wire.read(data, KEY).contents()[1] :]
    with pytest.raises(Replayed):
        wire.read(b"\xc1T\x01" + segment, OTHER)


def test_a_seal_of_another_key_is_told():
    """A record that another secret sealed is one of an unknown key."""
    data = once({"a": 1})(wired("json+hmac"))
    other = Wire(transcoder("json+hmac", keys=[b"o" * 32]))
    with pytest.raises(UnknownKey):
        other.read(data, KEY).names()


def test_a_sealed_wire_reads_no_unsealed_record():
    """Nor an unsealed trail; unless `accept` names the spec."""
    data, trail = once({"a": 1})(JSON), JSON.trail(OTHER, KEY)
    with pytest.raises(Refused, match="stored without filters"):
        wired("json+hmac").read(data, KEY).names()
    with pytest.raises(Refused, match="stored without filters"):
        wired("json+hmac").read(trail, KEY)
    assert wired("json+hmac", accept=["json"]).read(data, KEY).value("a") == 1
    assert wired("json+hmac", accept=["json"]).read(trail, KEY).moved == OTHER


@pytest.mark.parametrize("spec", ["json", "json+hmac", "cbor+zstd+aesgcm+blake2"])
def test_a_session_moves_to_another_key(spec):
    """Built for another key it is read under that alone, segments in the tail unchanged, and a trail leads there."""
    wire = wired(spec)
    record = wire.read(once(LARGE)(wire), KEY)
    moved = record.build({}, NOW, key=OTHER)
    assert same(values(wire.read(moved, OTHER)), LARGE)
    assert moved[-1000:] == record.data[-1000:]
    trail = wire.read(wire.trail(OTHER, KEY), KEY)
    assert (trail.moved, list(trail.names()), trail.version, record.moved) == (OTHER, [], 0, None)
    if wire.filtering.sealed:
        with pytest.raises(Tampered):
            wire.read(wire.trail(OTHER, KEY), OTHER)


def test_a_broken_trail_is_told():
    """One that is no text, of another length, or for no key."""
    trail = JSON.trail("key", KEY)
    for data in (trail + b"x", trail[:-3] + b"\xff\xff\xff"):
        with pytest.raises(Malformed, match="in the trail"):
            JSON.read(data, KEY)
    for key in ("", "x" * 5000):
        with pytest.raises(EncodeError, match="a key of a store takes 1 to 4096 bytes"):
            JSON.trail(key, KEY)


# A live system changes


@pytest.mark.parametrize(
    "new", ["msgpack", "cbor+hmac", "pickle+zlib+blake2", "json+aesgcm", "msgpack+zstd+aesgcm+hmac"]
)
@pytest.mark.parametrize("old", ["json", "msgpack+zlib", "json+hmac", "cbor+zlib+aesgcm"])
def test_the_spec_changes_under_stored_sessions(old, new):
    """Named in `accept`, old records are read, and written as new ones whose untouched segments are the old ones."""
    before = wired(old)
    keys = [SECRET] if "hmac" in old + new or "aesgcm" in old + new or "blake2" in new else []
    after = Wire(transcoder(new, keys=keys, accept=[old]))
    record = after.read(once(LARGE)(before), KEY)
    assert same(values(record), LARGE)
    changed = after.read(record.build({"half": 0.25, "cart": record.encode("cart", [1])}, NOW), KEY)
    assert same(values(changed), {**LARGE, "half": 0.25, "cart": [1]})
    assert changed.stored("rows") == record.stored("rows")
    assert changed.contents()[2], "it is one of the new spec"
    if (old, new) != ("msgpack+zlib", "msgpack"):  # what was too short to compress was always stored like that
        with pytest.raises(Refused):
            values(before.read(changed.data, KEY))
    again = after.read(changed.build({"rows": changed.encode("rows", [2] * 900)}, NOW), KEY)
    assert same(values(again), {**LARGE, "half": 0.25, "cart": [1], "rows": [2] * 900})


def test_a_codec_that_is_not_accepted_any_more():
    """Its attributes raise when they are touched, and are there again once `accept` names it."""
    data = once({"old": [1], "n": 1})(wired("cbor"))
    record = JSON.read(data, KEY)
    assert record.value("n") == 1
    with pytest.raises(Refused, match=r"^\$\.old: the attribute is cbor .* accept=\['cbor'\]"):
        record.value("old")
    changed = record.build({"n": 2}, NOW)
    assert values(wired("json", accept=["cbor"]).read(changed, KEY)) == {"old": [1], "n": 2}


def test_a_damaged_segment_stays_damaged_when_the_spec_changes():
    """Where filters change, a segment that cannot be read goes on as it stands, and never becomes a valid one."""
    old, new = wired("json+hmac"), Wire(transcoder("json+aesgcm", keys=[SECRET], accept=["json+hmac"]))
    data = bytearray(once({"a": 1, "bad": ["x" * 5000], "good": ["y" * 500]})(old))
    data[-700] ^= 1
    record = new.read(bytes(data), KEY)
    changed = new.read(record.build({"a": 2}, NOW), KEY)
    assert changed.value("good") == ["y" * 500]
    for one in (record, changed, new.read(changed.build({"good": 1}, NOW), KEY)):
        with pytest.raises(Tampered, match=r"^\$\.bad: "):
            one.value("bad")


@pytest.mark.parametrize("spec", ["json+aesgcm", "msgpack+zlib+aesgcm+hmac", "cbor+hmac", "pickle+zstd+blake2"])
def test_an_old_key_can_be_dropped(spec):
    """One write under a new key is enough: nothing in the record needs the old one, touched or not."""
    old = Wire(transcoder(spec, keys=[b"o" * 32]))
    both = Wire(transcoder(spec, keys=[b"n" * 32, b"o" * 32]))
    new = Wire(transcoder(spec, keys=[b"n" * 32]))
    record = both.read(once(LARGE)(old), KEY)
    again = both.read(record.build({"zero": 1}, NOW), KEY)
    assert same(values(new.read(again.data, KEY)), {**LARGE, "zero": 1})
    assert again.contents()[2]
    assert again.build({}, NOW)[-800:] == again.data[-800:], "the next write copies segments again"


def test_two_keys_of_one_spec():
    """Filters of one tag with keys of their own are both tried: `env=` of the old spec is not that of the new one."""
    old = Wire(transcoder("msgpack+hmac", keys=[b"o" * 32]))
    both = transcoder("json+hmac", keys=[b"n" * 32, b"o" * 32], accept=["msgpack+hmac"])
    assert Wire(both).read(once({"a": [1]})(old), KEY).value("a") == [1]


# A live system moves in


@pytest.mark.parametrize("spec", ["json", "msgpack", "pickle+hmac", "cbor+zlib"])
def test_whole_frames_become_records(spec):
    """A session that was stored as one frame is one of version 0, and a record as soon as it is written."""
    wire = wired(spec)
    frame = transcoder(spec, keys=[SECRET] if "hmac" in spec else ()).encode(SMALL)
    record = wire.read(frame, KEY)
    assert same(values(record), SMALL)
    assert (record.version, record.created, record.etag, record.data) == (0, 0, frame[4:12], frame)
    after = wire.read(record.build({"zero": 1}, NOW, idle=60), KEY)
    assert same(values(after), {**SMALL, "zero": 1})
    assert (after.version, after.created, after.written, after.idle) == (1, NOW, NOW, 60)


def test_other_sessions_become_records():
    """What a reader of `accept` reads as a mapping is a session."""
    wire = wired("msgpack", accept=["raw-json"])
    record = wire.read(json.dumps({"user": 5, "cart": [1, 2]}).encode(), KEY)
    assert values(record) == {"user": 5, "cart": [1, 2]}
    assert values(wire.read(record.build({"user": 6}, NOW), KEY)) == {"user": 6, "cart": [1, 2]}


@pytest.mark.parametrize("text", ["[1]", '"a"', "5", '{"": 1}', json.dumps({"n" * 256: 1}), "null"])
def test_what_is_no_mapping_of_names_is_no_session(text):
    """It is Malformed, never an empty session."""
    with pytest.raises(Malformed, match="expected a session"):
        wired("msgpack", accept=["raw-json"]).read(text.encode(), KEY)


def test_a_mapping_of_too_many_names_is_no_session():
    """The limit of attributes holds for whoever moves in."""
    text = json.dumps({f"n{number}": 1 for number in range(1025)}).encode()
    with pytest.raises(Malformed, match="at most 1024 attributes"):
        wired("msgpack", accept=["raw-json"]).read(text, KEY)


def test_a_whole_transcoder_cannot_store_attributes():
    """A schema of the transcoder and another one of the session exclude each other."""
    with pytest.raises(SpecError, match="another schema"):
        Wire(transcoder("json", schema=list[int]), dict[str, int])
    with pytest.raises(SpecError, match="a session is declared by"):
        Wire(transcoder("json"), dict[str, int])


def test_nothing_secret_is_printed():
    """Neither keys of the store nor values are in what records and wires print."""
    wire = wired("json+hmac")
    record = wire.read(once({"name": "secret"})(wire), KEY)
    for text in (repr(record), repr(wire), str(wire.read(wire.trail(OTHER, KEY), KEY))):
        assert KEY not in text
        assert OTHER not in text
        assert "secret" not in text


def test_segments_stay_in_the_index_up_to_their_limit():
    """Beside a tail, a segment of the limit is in the index, and one byte more is not."""
    data = once({"a": ["x" * (SEGMENT - 6)], "b": ["x" * (SEGMENT - 5)], "c": ["x" * 5000]})(JSON)
    index = JSON.read(data, KEY).index
    assert {name: len(value) for name, value in index.items()} == {"a": SEGMENT, "b": 9, "c": 9}


def test_the_digest_is_of_the_stored_segment():
    """A reference behind a seal ends with 16 bytes of the SHA-256 of what stands in the tail."""
    wire = wired("json+hmac")
    data = once({"a": ["x" * 5000]})(wire)
    assert wire.read(data, KEY).index["a"] == bytes(5) + b"\0\0\x13\x8e" + hashlib.sha256(data[-5006:]).digest()[:16]
