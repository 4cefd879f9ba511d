"""Pickles are data only: whatever names, calls, builds, remembers or repeats is refused before an unpickler runs.

Where a stream would do harm, the unpickler of the standard library is first shown to do it.
"""

import copyreg
import pickle
import pickletools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks import CALLS, CODES, EXTENSION, stream, text
from tests.handmade import framed
from tests.specs import KEYS, body, made, make
from tests.strategies import plain_values, session_values
from transcoders import (
    DecodeError,
    Limits,
    Malformed,
    Refused,
    TooLarge,
    Truncated,
    buffers,
    frame,
    opcodes,
    transcoder,
)
from transcoders.codecs import Context
from transcoders.filters.blake2 import Blake2Filter

DATA = set(
    """
    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT
    SHORT_BINUNICODE BINUNICODE BINUNICODE8 SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8
    EMPTY_LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT SETITEM SETITEMS
    MARK FRAME NEXT_BUFFER READONLY_BUFFER STOP
    """.split()  # noqa: SIM905 - names in rows read better than in quotes
)
"""The opcodes that data needs; PROTO stands at the start alone."""
FORBIDDEN = sorted(CODES.keys() - DATA)
UNKNOWN = [code for number in range(256) if (code := bytes((number,))) not in CODES.values()]
FORMS = (frame.PLAIN, frame.TAGGED)


def sealed(content, form):
    """A frame that somebody who has the key sealed around any pickle."""
    header = frame.header(1, form, (Blake2Filter.tag,))
    return header + Blake2Filter({}, Context(Limits(), {}, KEYS)).apply(content, header, b"")


def refused_everywhere(content, kind=Refused):
    """Assert that the pickle is refused in every form, by the guard without a seal, and under a seal as well."""
    for form in FORMS:
        with pytest.raises(kind):
            made("pickle").decode(framed("pickle", form, content))
        with pytest.raises(DecodeError):
            made("pickle+blake2").decode(sealed(content, form))
    with pytest.raises(kind):
        made("pickle").decode(framed("pickle", 3, buffers.join(content, [memoryview(bytes(16))])))


# The guard knows the opcodes of data and no other.


@pytest.mark.parametrize("name", FORBIDDEN)
def test_every_other_opcode_is_refused(name):
    """An opcode that data does not need is refused with its place, in either form, behind whatever data."""
    for before in (b"", b"N", b"]]a", b"(K\x01", b"\x8c\x02ab"):
        told = rf"^opcode 0x{CODES[name].hex()} at byte {2 + len(before)} is not one that data needs$"
        for form in FORMS:
            with pytest.raises(Refused, match=told):
                made("pickle").decode(framed("pickle", form, stream(before, name, b"\x01\x02\n\x03\n", b"N")))


@pytest.mark.parametrize("code", UNKNOWN)
def test_what_is_no_opcode_is_refused(code):
    """A byte that no version of pickle gives a meaning is refused."""
    with pytest.raises(Refused, match=rf"opcode 0x{code.hex()} at byte 2"):
        opcodes.check(stream(code))


@settings(deadline=None)
@given(value=plain_values(), name=st.sampled_from(FORBIDDEN), data=st.data())
def test_no_place_hides_an_opcode(value, name, data):
    """Between any two opcodes of a pickle of ours, one that is not ours is found."""
    content = body(made("pickle").encode(value))
    place = data.draw(st.sampled_from([place for _, _, place in pickletools.genops(content)][1:]))
    with pytest.raises(Refused, match=rf"at byte {place} is not"):
        opcodes.check(content[:place] + CODES[name] + content[place:])


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(max_size=300), st.integers())
def test_data_is_not_taken_for_opcodes(data, word, number):
    """What stands inside bytes, text and numbers is no opcode, whatever it looks like."""
    value = [data, word, number, {word: data}]
    assert made("pickle").decode(made("pickle").encode(value)) == value


@pytest.mark.parametrize("spec", ["pickle", "pickle:views=8", "pickle+hmac"])
@settings(deadline=None)
@given(value=session_values())
def test_our_pickles_are_data(spec, value):
    """The encoder writes the opcodes of data alone: nothing named, nothing remembered."""
    data = made(spec).encode(value)
    content = body(data)[6:-32] if "hmac" in spec else body(data)
    if frame.parse(data).form & frame.BUFFERS:
        content = bytes(buffers.split(memoryview(content))[0])
    names = [opcode.name for opcode, _, _ in pickletools.genops(content)]
    assert names[0] == "PROTO"
    assert set(names[1:]) <= DATA


@pytest.mark.parametrize("start", [b"", b"\x80", b"\x80\x04", b"\x80\x06", b"(", b"\x80\x05\x80\x05"], ids=bytes.hex)
def test_protocol_5_alone(start):
    """One PROTO of 5 is how a pickle starts; older ones, which need other opcodes, are refused."""
    with pytest.raises(DecodeError):
        made("pickle").decode(framed("pickle", frame.PLAIN, start + b"N."))


@pytest.mark.parametrize(
    "content",
    [
        b"", b".", b"N", b"N.N.", b"N..", b"N.\0", b"a.", b"s.", b"u.", b"t.", b"\x87.", b"(.", b"]e.", b"NNa.",
        b"NNNs.", b"}]Ns.", b"\x97.", b"\x98.", b"N\x98.", b"C\1xNa.", b"\x8c\1\xff.", b"K", b"M\0",
        b"J\0\0\0", b"G" + bytes(7), b"\x95" + bytes(7), b"\x95" + bytes(8), b"\x8c\5abc.", b"C\xff.", b"\x8a\5\1.",
        b"X\5\0\0\0a.", b"B\1\0",
    ],
    ids=bytes.hex,
)  # fmt: skip
def test_broken_pickles(content):
    """A pickle that is cut, does not add up or is followed by anything is a DecodeError, under a seal too."""
    for form in FORMS:
        with pytest.raises(DecodeError):
            made("pickle").decode(framed("pickle", form, b"\x80\x05" + content))
        with pytest.raises(DecodeError):
            made("pickle+blake2").decode(sealed(b"\x80\x05" + content, form))


@pytest.mark.parametrize("opcode", [b"\x8c\x03", b"X\3\0\0\0", b"\x8d\3" + bytes(7)], ids=bytes.hex)
def test_text_is_unicode(opcode):
    """A lone surrogate, which pickle would carry and no encoder of ours takes, does not come out."""
    for form in FORMS:
        with pytest.raises(DecodeError):
            made("pickle").decode(framed("pickle", form, stream(opcode, b"\xed\xa0\x80")))


# Code that would run.


@pytest.fixture
def extension():
    """A code of the extension registry for os.mkdir, put into its cache by somebody's unrestricted load."""
    copyreg.add_extension("os", "mkdir", EXTENSION)
    pickle.loads(stream("EXT1", bytes((EXTENSION,))))
    yield
    copyreg.remove_extension("os", "mkdir", EXTENSION)
    copyreg.clear_extension_cache()


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_called(tmp_path, name):
    """A stream that calls a function is refused without a seal and under one, and the call does not happen."""
    place = tmp_path / "made"
    content = CALLS[name](text(str(place)))
    pickle.loads(content)
    place.rmdir()
    refused_everywhere(content)
    assert not place.exists()


class Account:
    admin = False


def test_no_class_is_built_on(monkeypatch):
    """BUILD, which changes a class for the whole process when it is given one, is refused."""
    monkeypatch.setattr(Account, "admin", False)
    state = ["NONE", "EMPTY_DICT", text("admin"), "NEWTRUE", "SETITEM", "TUPLE2", "BUILD"]
    content = stream(f"c{Account.__module__}\nAccount\n".encode(), *state)
    pickle.loads(content)
    assert Account.admin
    Account.admin = False
    refused_everywhere(content)
    assert not Account.admin


@pytest.mark.parametrize(
    "content",
    [
        stream(b"cbuiltins\ngetattr\n"),
        stream(b"cbuiltins\nbytearray\n", b"J\0\0\0\x7f", "TUPLE1", "REDUCE"),
        stream(b"cbuiltins\nset\n", text("abc"), "TUPLE1", "REDUCE"),
        stream(b"ccollections\nOrderedDict\n", "EMPTY_TUPLE", "NEWOBJ"),
        stream(b"cdatetime\ndate\n", b"C\x04\x07\xea\x0b\x16", "TUPLE1", "REDUCE"),
        stream(b"cdatetime\ndate\n", "EMPTY_TUPLE", "EMPTY_DICT", "NEWOBJ_EX"),
        stream(b"Psome id\n"),
        stream(text("some id"), "BINPERSID"),
        pickle.dumps(Account(), 5),
        pickle.dumps(KeyError("user"), 5),
    ],
    ids=["getattr", "bytearray", "set", "NEWOBJ", "date", "NEWOBJ_EX", "PERSID", "BINPERSID", "object", "exception"],
)
def test_nothing_is_named(content):
    """Functions, classes and persistent ids are refused, harmless ones too, whether they are called or not."""
    refused_everywhere(content)


# Bombs.


def test_memory_is_not_filled():
    """Places in the memo, which nine bytes can make four gigabytes of, are refused; so is any memo."""
    for part in (
        b"r\0\0\0\x10",
        b"r\xff\xff\xff\xff",
        b"q\0",
        b"p0\n",
        b"\x94",
        b"Nr\0\0\0\x10",
        b"h\0",
        b"j\0\0\0\0",
        b"g0\n",
    ):
        with pytest.raises(Refused):
            made("pickle").decode(framed("pickle", frame.PLAIN, stream(part, "NONE")))


def test_nothing_is_shared():
    """Sharing, with which 87 bytes take 2**40 steps to hash, is refused, by DUP and by the memo."""
    by_dup = stream("EMPTY_DICT", "NONE", CODES["DUP"] + CODES["TUPLE2"], b"2\x86" * 40, "NONE", "SETITEM")
    by_memo = stream("NONE", *(b"q%ch%c\x86" % (step, step) for step in range(40)))
    for content, opcode in ((by_dup, "0x32"), (by_memo, "0x71")):
        with pytest.raises(Refused, match=f"opcode {opcode} at byte"):
            made("pickle").decode(framed("pickle", frame.PLAIN, content))


@pytest.mark.parametrize("name", ["BINUNICODE", "BINBYTES", "LONG4", "BINUNICODE8", "BINBYTES8", "BYTEARRAY8"])
def test_lengths_are_those_of_the_data(name):
    """A length beyond the data is Truncated, with what it declares; the exact length is read."""
    width = 8 if name.endswith("8") else 4
    for size in (3, 1 << 20, (1 << 31) - 1, (1 << 32) - 1, *([1 << 40, (1 << 64) - 1] if width == 8 else [])):
        with pytest.raises(Truncated, match=f"at byte 2 declares {size} bytes, 2 are left"):
            opcodes.check(stream(name, size.to_bytes(width, "little"), b"N"))
    exact = made("pickle").decode(framed("pickle", frame.PLAIN, stream(name, (2).to_bytes(width, "little"), b"ab")))
    assert exact in ("ab", b"ab", int.from_bytes(b"ab", "little"))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 1 << 20, 1 << 40, 1 << 63, (1 << 64) - 1])
def test_frames_that_lie(size):
    """A FRAME of another length than the rest of the stream is a DecodeError, or changes nothing."""
    content = stream("FRAME", size.to_bytes(8, "little"), "EMPTY_LIST", "NONE", "APPEND")
    for spec, data in (("pickle", framed("pickle", 0, content)), ("pickle+blake2", sealed(content, 0))):
        try:
            assert made(spec).decode(data) == [None]
        except DecodeError:
            assert size != 4


@pytest.mark.parametrize(
    "content",
    [stream("NONE", b"\x85" * 300), stream(b"]" * 300, b"a" * 299), stream(b"}K\1" * 300, "NONE", b"s" * 300)],
    ids=["tuples", "lists", "dicts"],
)
def test_depth_is_limited(content):
    """Containers deeper than the limit are refused; the guard cannot see depth, so what was unpickled is looked at."""
    with pytest.raises(TooLarge, match="nested deeper than 250"):
        made("pickle").decode(framed("pickle", frame.PLAIN, content))


# Whom the guard looks after.


def test_a_pickle_must_be_asked_for():
    """Without pickle in the spec or in accept, no pickle is read, whatever its frame says."""
    data = made("pickle").encode([1])
    for t in (made("json"), make("msgpack", "json"), make("json", "raw-json", "raw-msgpack")):
        with pytest.raises(DecodeError):
            t.decode(data)
        with pytest.raises(DecodeError):
            t.decode(body(data))
    with pytest.raises(Refused, match="this transcoder reads json"):
        make("json", "raw-pickle").decode(data)


@pytest.mark.parametrize("spec", ["json", "json+hmac", "pickle+hmac", "pickle+zlib+blake2"])
def test_an_accepted_pickle_is_guarded(tmp_path, spec):
    """A pickle that is accepted without a seal passes the guard, also where the spec itself has a seal."""
    t = make(spec, "pickle")
    assert t.decode(made("pickle").encode([1])) == [1]
    content = CALLS["GLOBAL"](text(str(tmp_path / "made")))
    with pytest.raises(Refused, match="opcode 0x63 at byte 2"):
        t.decode(framed("pickle", frame.PLAIN, content))


def test_a_seal_of_another_key_stops_the_pickle(tmp_path):
    """Under a seal the bytes are verified before an unpickler sees them."""
    content = CALLS["GLOBAL"](text(str(tmp_path / "made")))
    other = transcoder("pickle+blake2", keys=[b"another key of 16 bytes"])
    with pytest.raises(DecodeError, match="the seal matches none of the keys"):
        other.decode(sealed(content, frame.PLAIN))


# Behind a seal the guard stands before every form whose values are walked.


@pytest.mark.parametrize("form", [1, 3])
def test_what_holds_itself_is_refused_behind_a_seal(form):
    """Somebody with the key cannot have it walked for ever."""
    content = b"\x80\x05K\x10](]\x94h\x00a}(ue\x86."
    with pytest.raises(Refused):
        made("pickle+blake2").decode(sealed(buffers.join(content, []) if form == 3 else content, form))


@pytest.mark.parametrize("key", [b"\x97\x98", b"K0\x97\x98\x86", b"K0K0\x97\x98\x86\x86"])
@pytest.mark.parametrize("holder", [bytes, lambda data: memoryview(bytearray(data))])
def test_a_buffer_is_in_no_key(key, holder):
    """Neither is one in a tuple, wherever the frame lies in memory."""
    content = buffers.join(b"\x80\x05}(" + key + b"K0u.", [memoryview(bytes(16))])
    with pytest.raises(Malformed):
        made("pickle").decode(holder(framed("pickle", 3, content)))
