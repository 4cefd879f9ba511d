"""Bad input ends in one typed error: at the API, in the header, in sizes, behind filters and without a frame."""

import array
import contextlib
import sys
import zlib

import lz4.block
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import child
from tests.handmade import FORMATS, framed
from tests.specs import CODECS, MIXED, body, made, make
from tests.strategies import hostile_bytes
from tests.values import same
from transcoders import (
    DecodeError,
    EncodeError,
    Foreign,
    Limits,
    Malformed,
    Refused,
    SpecError,
    TooLarge,
    Truncated,
    frame,
    peek,
    transcoder,
)  # fmt: skip

every_codec = pytest.mark.parametrize("codec", CODECS)
every_format = pytest.mark.parametrize("codec", FORMATS)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are those of Linux")


# The API.


@every_codec
@pytest.mark.parametrize(
    "data",
    [None, 5, "text", [], [1, 2], {}, object(), array.array("B", b"\xc1T")],
    ids=lambda data: type(data).__name__,
)
def test_what_is_no_bytes_is_foreign(codec, data):
    """Decode takes bytes, bytearray and memoryview; anything else is told by its type."""
    with pytest.raises(Foreign, match=f"expected the bytes of a frame, found {type(data).__name__}"):
        made(codec).decode(data)


@pytest.mark.parametrize("data", [None, 5, "text", []])
def test_peek_takes_bytes(data):
    """What is no bytes is a mistake of the caller, not of the bytes."""
    with pytest.raises(TypeError):
        peek(data)


@every_codec
def test_views_of_any_layout(codec):
    """A memoryview with gaps, or of wider items, is a frame or a DecodeError, and counts in bytes."""
    data = made(codec).encode(["x" * 200])
    gaps = memoryview(b"".join(bytes((byte, 0)) for byte in data))[::2]
    for t in (made(codec), make(codec, limits=Limits(size=100))):
        with contextlib.suppress(DecodeError):
            assert t.decode(gaps) == ["x" * 200]
    wide = memoryview(bytes(1600)).cast("Q")
    with pytest.raises(TooLarge):
        make(codec, limits=Limits(size=1000)).decode(wide)
    assert peek(gaps).size == len(data)


@pytest.mark.parametrize(
    "arguments",
    [
        {"keys": 5}, {"keys": None}, {"accept": 5}, {"accept": None}, {"accept": [5]}, {"accept": [None]},
        {"accept": [b"json"]}, {"limits": 5}, {"limits": "large"}, {"limits": {"size": 5}},
    ],
    ids=repr,
)  # fmt: skip
def test_arguments_of_a_wrong_type(arguments):
    """A wrong type is found when the transcoder is made, and called what it is."""
    with pytest.raises((SpecError, TypeError)):
        transcoder("json", **arguments)


@pytest.mark.parametrize("size", [0, -1, 1.0, True, "1", None, (1 << 40) + 1])
def test_limits_of_size(size):
    """A size is a whole number of bytes from 1 to 2**40."""
    with pytest.raises(SpecError, match=r"Limits\.size takes a whole number from 1 to 1099511627776, not "):
        Limits(size=size)


@pytest.mark.parametrize("depth", [0, -1, 251, 5.0, True, "5", None])
def test_limits_of_depth(depth):
    """A depth is a whole number from 1 to 250."""
    with pytest.raises(SpecError, match=r"Limits\.depth takes a whole number from 1 to 250, not "):
        Limits(depth=depth)


def test_limits_at_their_ends():
    """The ends of the ranges belong to them, and limits do not change."""
    assert (Limits(size=1, depth=1).size, Limits(size=1 << 40, depth=250)) == (1, Limits(size=1 << 40))
    with pytest.raises((AttributeError, TypeError)):
        Limits().size = 5


# Frames.


@every_codec
@pytest.mark.parametrize(
    ("data", "kind", "told"),
    [
        (b"", Foreign, "expected a frame (it starts with c1 54), found no bytes"),
        (b'{"user": 42}', Foreign, "found 12 bytes starting with 7b 22 75 73"),
        (b"\x80\x05N.", Foreign, "found 4 bytes starting with 80 05"),
        (b"T\xc1\x01\x04\0[]", Foreign, "starting with 54 c1"),
        (b"\xc1", Truncated, "found its first byte only"),
        (b"\xc1T", Truncated, "expected a header of 5 bytes or more, found 2 bytes"),
        (b"\xc1T\x01\x04", Truncated, "found 4 bytes"),
        (b"\xc1T\x01\x04\x20\x01", Truncated, "expected a header of 7 bytes, found 6 bytes"),
        (b"\xc1T\x00\x04\x00[]", Refused, "expected frame version 1, found 0"),
        (b"\xc1T\x02\x04\x00[]", Refused, "expected frame version 1, found 2 with shape 0x00: upgrade transcoders"),
        (b"\xc1T\x01\x04\x04[]", Truncated, "expected a header of 11 bytes, found 7 bytes"),
        (b"\xc1T\x01\x04\x08[]", Refused, "with shape 0x08"),
        (b"\xc1T\x01\xc8\x00[]", Refused, "the frame is codec-200"),
        (b"\xc1T\x01\x04\x10\xc8[]", Refused, "the frame is json+filter-200"),
        (b"\xc1T\x01\x04\x03[]", Refused, "in form 3"),
    ],
)
def test_headers(codec, data, kind, told):
    """What is no frame, cut, newer, or of an unknown tag is told apart, and peek never raises on it."""
    with pytest.raises(kind) as refused:
        made(codec).decode(data)
    assert type(refused.value) is kind
    assert told in str(refused.value)
    assert peek(data).size == len(data)
    assert (peek(data).problem is None) == ("the frame is " in told or "in form" in told)


@every_format
@pytest.mark.parametrize("other", FORMATS)
def test_frames_of_another_codec(codec, other):
    """A frame of a codec that was not asked for is refused with the line that accepts it, and then it is read."""
    if codec == other:
        return
    data = made(other).encode([(1,)])
    with pytest.raises(Refused, match=rf"the frame is {other} .*: accept=\['{other}'\]\?"):
        made(codec).decode(data)
    assert make(codec, other).decode(data) == [(1,)]


def test_a_frame_without_its_seal_is_refused():
    """A reader of sealed frames takes no frame without a seal; one without its compressor it does take."""
    sealed, bare = make("json+zlib+hmac"), make("json+zlib")
    with pytest.raises(Refused, match=r"this transcoder reads json\+zlib\+hmac"):
        sealed.decode(bare.encode([1]))
    assert peek(sealed.encode([1])).filters == ("hmac",)
    assert sealed.decode(sealed.encode([1])) == [1]


@every_codec
@pytest.mark.parametrize("value", [[1], [(1,)], np.arange(9)], ids=["plain", "tagged", "array"])
def test_nothing_stands_behind_the_value(codec, value):
    """Bytes after the body, and a body that is cut, are refused."""
    t = made(codec)
    data = t.encode(value)
    for added in (b"\x01", b"\0", b" ", b"]", data, body(data)):
        with pytest.raises(DecodeError):
            t.decode(data + added)
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            t.decode(data[:size])


# Sizes.


@every_codec
def test_size_limits_are_exact(codec):
    """A frame of the limit's size passes both ways; one byte more is refused both ways."""
    value = ["x" * 500]
    data = made(codec).encode(value)
    exact, less = (make(codec, limits=Limits(size=size)) for size in (len(data), len(data) - 1))
    assert exact.decode(exact.encode(value)) == value
    with pytest.raises(EncodeError, match=rf"\$: takes {len(data)} bytes, the limit is {len(data) - 1}"):
        less.encode(value)
    with pytest.raises(TooLarge, match=f"expected a frame of at most {len(data) - 1} bytes, found {len(data)}"):
        less.decode(data)


@pytest.mark.parametrize("name", ["zlib", "zstd", "lz4"])
def test_what_expands_too_far_is_not_written(name):
    """The limit is also that of the body before compression, so that what is written can be read."""
    with pytest.raises(EncodeError, match=r"takes 2\d\d\d bytes, the limit is 1000"):
        make(f"json+{name}", limits=Limits(size=1000)).encode("x" * 2000)
    t = make(f"json+{name}", limits=Limits(size=2002 + 6))
    assert t.decode(t.encode("x" * 2000)) == "x" * 2000


def test_lz4_sizes_beyond_the_library():
    """A size that the limit allows and the library does not take is a DecodeError."""
    with pytest.raises(DecodeError):
        make("json+lz4", limits=Limits(size=1 << 40)).decode(frame.header(4, 0, (3,)) + b"\xff\xff\xff\xff\x10a")


EXPANDED = 128 << 20


def zstd_bomb(**named):
    """A zstd frame, made piece by piece."""
    compressor = zstandard.ZstdCompressor(**named).compressobj(EXPANDED if not named else -1)
    return b"".join(compressor.compress(bytes(1 << 20)) for _ in range(EXPANDED >> 20)) + compressor.flush()


BOMBS = {
    "zlib": ("zlib", lambda: zlib.compress(bytes(EXPANDED), 9)),
    "zstd that says its size": ("zstd", zstd_bomb),
    "zstd that does not": ("zstd", lambda: zstd_bomb(write_content_size=False)),
    "zstd that lies": ("zstd", lambda: b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\x03\0\0a"),
    "lz4": ("lz4", lambda: lz4.block.compress(bytes(EXPANDED))),
    "lz4 that lies": ("lz4", lambda: b"\xff\xff\xff\x7f\x10a"),
}
EXPLODE = f"""
import pathlib, sys
from transcoders import TooLarge, transcoder
t = transcoder(sys.argv[1])
t.decode(t.encode("x" * 1000))
data = pathlib.Path(sys.argv[2]).read_bytes()
{child.LEAST_MEMORY}
try:
    t.decode(data)
except TooLarge:
    print("refused")
"""


@on_linux
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_no_memory(tmp_path, bomb):
    """What would expand to 128 MiB is TooLarge within 64 MiB of memory."""
    name, make_bomb = BOMBS[bomb]
    data = frame.header(4, frame.PLAIN, ({"zlib": 1, "zstd": 2, "lz4": 3}[name],)) + make_bomb()
    assert len(data) < Limits().size
    (tmp_path / "bomb").write_bytes(data)
    assert child.run(EXPLODE, f"json+{name}", tmp_path / "bomb") == "refused\n"


CLAIMS = {
    "msgpack": [b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
                b"\xc9\xff\xff\xff\xff\x01", b"\xdd\0\x10\0\0" * 500],
    "cbor": [b"\x5a\xff\xff\xff\xff", b"\x5b\x7f" + b"\xff" * 7, b"\x7b\0\0\1\0\0\0\0\0", b"\x9b\x10" + bytes(7),
             b"\xbb\x10" + bytes(7), b"\xbb" + b"\xff" * 8, b"\x9a\0\x10\0\0" * 300],
    "json": [b"1" * 500_000, b"[" + b"1" * 500_000 + b"]", b"[1e" + b"9" * 1000 + b"]"],
    "pickle": [b"\x80\x05" + code + b"." for code in (
        b"\x8e" + (1 << 40).to_bytes(8, "little"), b"\x96" + (1 << 32).to_bytes(8, "little"),
        b"\x8d" + (1 << 40).to_bytes(8, "little"), b"\x95" + (1 << 40).to_bytes(8, "little") + b"N",
        b"\x95" + b"\xff" * 8 + b"N", b"B\xff\xff\xff\xff", b"X\xff\xff\xff\xff", b"\x8b\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\xff", b"r\0\0\0\x10N", b"Nr\0\0\0\x10",
    )],
}  # fmt: skip
"""Lengths far beyond the data, for each format."""
CLAIM = f"""
import ast, pathlib, sys
from transcoders import DecodeError, transcoder
t = transcoder(sys.argv[1])
{child.LEAST_MEMORY}
for data in ast.literal_eval(pathlib.Path(sys.argv[2]).read_text()):
    try:
        print("read", t.decode(data))
    except DecodeError:
        print("refused")
"""


@on_linux
@every_codec
def test_lengths_beyond_the_data_take_no_memory(tmp_path, codec):
    """A length that the data does not have is a DecodeError within 64 MiB of memory."""
    name = codec.partition(":")[0]
    frames = [framed(name, form, claim) for claim in CLAIMS[name] for form in (frame.PLAIN, frame.TAGGED)]
    (tmp_path / "frames").write_text(repr(frames))
    assert child.run(CLAIM, codec, tmp_path / "frames").split() == ["refused"] * len(frames)


# Bodies.


@pytest.mark.parametrize("spec", [spec for spec in MIXED if spec not in CODECS])
@settings(deadline=None)
@given(data=st.data())
def test_hostile_bytes_behind_filters(spec, data):
    """Whatever stands behind a filter, what comes out is a value or a kind of DecodeError; a seal lets none pass."""
    t = made(spec)
    frames = [t.encode(value) for value in ([1, "two"], ["x" * 200], [(1,)])]
    changed = data.draw(hostile_bytes(*frames))
    try:
        value = t.decode(changed)
    except DecodeError:
        return
    assert changed in frames or "hmac" not in spec
    assert same(t.decode(t.encode(value)), value)


@pytest.mark.parametrize("name", ["raw-json", "raw-msgpack", "raw-cbor", "raw-pickle"])
@settings(deadline=None)
@given(data=st.data())
def test_hostile_bytes_without_a_frame(name, data):
    """A reader of `accept` gives a value that could have been encoded, or the bytes are refused."""
    t = make("json", name)
    bodies = [body(made(name[4:]).encode(value)) for value in ([1, "two"], {"a": [None, 1.5]}, [2**63])]
    try:
        value = t.decode(data.draw(st.binary(max_size=60) | hostile_bytes(*bodies)))
    except DecodeError:
        return
    assert same(t.decode(t.encode(value)), value)


LONG = "correct horse battery staple " * 40


@every_codec
def test_encode_errors_show_a_fragment_at_most(codec):
    """No path repeats a long key, and no message the value that cannot be encoded."""
    word = "k" * 10_000
    for value in (
        {word: object()},
        {LONG: {1: object()}},
        [LONG + "\ud800"],
        {(LONG,): object()},
        {word + "é": 1j},
    ):
        with pytest.raises(EncodeError) as refused:
            made(codec).encode(value)
        assert LONG[:101] not in str(refused.value)
        assert len(str(refused.value)) < 500


@every_codec
@pytest.mark.parametrize("data", [bytes(range(256)), b"\xff" * 50, b"correct horse battery staple " * 20])
def test_foreign_bytes_are_not_repeated(codec, data):
    """Of foreign bytes a message shows the first few in hexadecimal."""
    with pytest.raises(Foreign) as refused:
        made(codec).decode(data)
    assert len(str(refused.value)) < 120


def test_a_malformed_body_says_what_was_expected():
    """The message names the format and the place."""
    with pytest.raises(Malformed, match="expected JSON text"):
        made("json").decode(framed("json", frame.PLAIN, b'{"user": }'))
