"""Compressors: what they take in comes out again, and what others made is bounded."""

import sys
import zlib
from contextlib import suppress

import lz4.block
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import child
from tests.strategies import mutations
from tests.trained import SESSIONS_DICT, bodies, zstd
from transcoders import DecodeError, SpecError, frame, peek, transcoder
from transcoders.chain import Chain
from transcoders.errors import Malformed, Refused, TooLarge, Truncated
from transcoders.filters.zstd import LEAST, LEAST_KNOWN
from transcoders.limits import Limits
from transcoders.spec import parse

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are those of Linux")
LIMIT = 1 << 20


def filter_of(stage: str):
    """The filter of a stage such as `zstd:level=5`."""
    return Chain(parse(f"json+{stage}"), (), Limits()).filters[0]


STAGES = (
    "zlib:min=0", "zlib:level=1,min=0", "zstd:min=0", "zstd:level=19,min=0", "lz4:min=0",
    f"zstd:dict={SESSIONS_DICT},min=0", f"zstd:level=9,dict={SESSIONS_DICT},min=0",
)  # fmt: skip
FILTERS = {stage.replace(str(SESSIONS_DICT), "FILE"): filter_of(stage) for stage in STAGES}
every_filter = pytest.mark.parametrize("made", FILTERS.values(), ids=FILTERS)
JSON, MSGPACK = bodies("json", 1)[0], bodies("msgpack", 1)[0]
BODIES = st.binary(min_size=1, max_size=300) | st.builds(
    lambda piece, times: piece * times, st.binary(min_size=1, max_size=9), st.integers(1, 3000)
)


def undone(made, data: bytes, limit: int = LIMIT) -> bytes:
    """What the filter makes of the data."""
    return bytes(made.undo(data, b"", b"", limit))


# Each compressor by itself.


@every_filter
@settings(deadline=None)
@given(data=BODIES)
@example(data=b"x" * LIMIT)
def test_undo_reverses_apply(made, data):
    """Whatever is compressed comes back, from bytes and from a view; a limit one below its size is kept."""
    packed = made.apply(data, b"", b"")
    assert undone(made, packed) == undone(made, memoryview(packed)) == undone(made, packed, len(data)) == data
    with pytest.raises(TooLarge):
        undone(made, packed, len(data) - 1)


@every_filter
@settings(deadline=None)
@given(data=st.data())
def test_any_bytes_are_data_or_a_decode_error(made, data):
    """Bytes of any origin give data within the limit, or one of the typed errors."""
    packed = made.apply(JSON, b"", b"")
    hostile = data.draw(st.binary(max_size=40) | mutations(packed) | st.binary(max_size=20).map(packed[:6].__add__))
    with suppress(Malformed, Refused, TooLarge, Truncated):
        assert len(undone(made, hostile, 400)) <= 400


@every_filter
@pytest.mark.parametrize("data", [b"a", bytes(700), JSON, MSGPACK * 9], ids=len)
def test_nothing_is_cut_and_nothing_follows(made, data):
    """Each part of a compressed body is refused, and so is anything behind it: a byte, or another body."""
    packed = made.apply(data, b"", b"")
    for size in range(len(packed)):
        with pytest.raises(DecodeError):
            undone(made, packed[:size])
    for added in (b"\0", b"a", packed):
        with pytest.raises(DecodeError):
            undone(made, packed + added)
    assert undone(made, packed) == data


@every_filter
def test_a_bad_body_harms_no_later_one(made):
    """The contexts that met an error are used again."""
    packed = made.apply(JSON, b"", b"")
    for _ in range(3):
        with pytest.raises(DecodeError):
            undone(made, packed[:-1])
        assert undone(made, packed) == JSON


@pytest.mark.parametrize("name", ["zlib", "zstd", "lz4"])
@pytest.mark.parametrize(("option", "least"), [("", LEAST), (":min=2000", 2000), (":min=0", 0)])
def test_short_bodies_are_left_alone(name, option, least):
    """A body of fewer bytes than `min` stands in the frame as it is, without the compressor's tag."""
    t = transcoder(f"json+{name}{option}")
    for size in (100, LEAST - 1, LEAST, 1999, 2000):
        value = ["x" * (size - len('[""]'))]
        assert peek(t.encode(value)).filters == ((name,) if size >= least else ())
        assert t.decode(t.encode(value)) == value


def test_with_a_dictionary_short_bodies_pay_sooner():
    """The least size of a body is 64 bytes with a dictionary to write with, and the usual one with those to read."""
    value = {"locale": "de-DE", "theme": "dark", "remember": True, "mfa": False, "beta": False}
    assert LEAST_KNOWN < len(transcoder("json").encode(value)) < LEAST
    assert peek(zstd(f"dict={SESSIONS_DICT}").encode(value)).filters == ("zstd",)
    assert peek(zstd(f"dict={SESSIONS_DICT},min=100").encode(value)).filters == ()
    assert peek(zstd(f"read={SESSIONS_DICT}").encode(value)).filters == ()
    assert peek(zstd(f"dict={SESSIONS_DICT}").encode({"theme": "dark", "locale": "de-DE"})).filters == ()


@pytest.mark.parametrize("value", ["-1", "x", "1.5", str(1 << 41)])
def test_min_takes_a_number_of_bytes(value):
    """Anything else is a SpecError."""
    with pytest.raises(SpecError, match="option 'min' takes a whole number"):
        transcoder(f"json+zlib:min={value}")


# What is refused.


def skippable(data: bytes, variant: int = 0) -> bytes:
    """A skippable frame (RFC 8878, section 3.1.2)."""
    return bytes([0x50 + variant]) + b"\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data


FRAME = zstandard.ZstdCompressor().compress(b"x" * 100)


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", Malformed, "expected a zstd frame"),
        (zstandard.ZstdCompressor().compress(b""), Malformed, "found an empty or a skippable one"),
        (skippable(b""), Malformed, "found an empty or a skippable one"),
        (skippable(b"abc"), Malformed, "expected a zstd frame"),
        (skippable(b"abc", 3), Malformed, "found a skippable one"),
        (skippable(b"abc") + FRAME, Malformed, "expected a zstd frame"),
        (FRAME + skippable(b"abc"), Malformed, "bytes of unused data"),
        (FRAME + FRAME, Malformed, "bytes of unused data"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(b"x"), TooLarge, "that declares its size"),
        (FRAME[:5] + b"\xff" + FRAME[6:], Malformed, "expected a zstd frame"),
        (zstandard.ZstdCompressor(write_checksum=True).compress(b"x")[:-1] + b"?", Malformed, "expected a zstd frame"),
    ],
)  # fmt: skip
def test_zstd_frames_of_other_kinds(data, kind, says):
    """Empty, skippable, concatenated, undeclared and lying frames are refused, each by its name."""
    for stage in ("zstd", f"zstd:dict={SESSIONS_DICT}"):
        with pytest.raises(kind, match=says):
            undone(filter_of(stage), data)


def test_zlib_streams_of_other_kinds():
    """A preset dictionary, a second stream, and raw or gzip data are refused."""
    preset = zlib.compressobj(zdict=b"hello")
    with pytest.raises(Malformed, match="without a preset dictionary"):
        undone(filter_of("zlib"), preset.compress(b"hello hello") + preset.flush())
    for bits in (-15, 31):
        other = zlib.compressobj(wbits=bits)
        with pytest.raises(Malformed, match="expected a zlib stream: "):
            undone(filter_of("zlib"), other.compress(b"hello hello") + other.flush())
    with pytest.raises(Malformed, match="found 9 bytes after it"):
        undone(filter_of("zlib"), zlib.compress(b"a") + zlib.compress(b"b"))


@pytest.mark.parametrize("size", [0, 1, 99, 101, 1 << 19])
def test_lz4_blocks_that_lie(size):
    """A declared size that is not that of the data is refused, whether it is more or less."""
    packed = lz4.block.compress(b"x" * 100)
    with pytest.raises(Malformed, match="expected an LZ4 block"):
        undone(filter_of("lz4"), size.to_bytes(4, "little") + packed[4:])


EXPANDED = 128 << 20


def piecewise(compressor) -> bytes:
    """What the compressor makes of 128 MiB of zeros, given piece by piece."""
    return b"".join(compressor.compress(bytes(1 << 20)) for _ in range(EXPANDED >> 20)) + compressor.flush()


def windowed(bits: int, size: int) -> bytes:
    """A zstd frame with a window of that many bits that declares a size, and holds a block of one byte repeated."""
    return b"\x28\xb5\x2f\xfd\x80" + bytes([(bits - 10) << 3]) + size.to_bytes(4, "little") + b"\x02\x00\x10a"


GOLDEN_ZSTD = zstandard.ZstdCompressionDict(SESSIONS_DICT.read_bytes())
BOMBS = {
    "zlib": ("zlib", lambda: piecewise(zlib.compressobj(9))),
    "zlib twice": ("zlib", lambda: zlib.compress(piecewise(zlib.compressobj(9))) * 2),
    "zstd": ("zstd", lambda: piecewise(zstandard.ZstdCompressor().compressobj(EXPANDED))),
    "zstd without its size": ("zstd", lambda: piecewise(zstandard.ZstdCompressor().compressobj())),
    "zstd with a dictionary": (
        "zstd", lambda: piecewise(zstandard.ZstdCompressor(dict_data=GOLDEN_ZSTD).compressobj(EXPANDED))
    ),
    "zstd behind a small one": ("zstd", lambda: FRAME + piecewise(zstandard.ZstdCompressor().compressobj(EXPANDED))),
    "zstd behind a skippable one": (
        "zstd", lambda: skippable(b"abc") + piecewise(zstandard.ZstdCompressor().compressobj())
    ),
    "zstd, a window of 128 MiB": ("zstd", lambda: windowed(27, LIMIT)),
    "zstd, a window of 2 TiB": ("zstd", lambda: windowed(41, LIMIT)),
    "zstd, a skippable one of 4 GiB": ("zstd", lambda: b"\x50\x2a\x4d\x18\xff\xff\xff\xff"),
    "lz4": ("lz4", lambda: lz4.block.compress(bytes(EXPANDED))),
    "lz4 that hides its size": ("lz4", lambda: LIMIT.to_bytes(4, "little") + lz4.block.compress(bytes(LIMIT * 4))[4:]),
}  # fmt: skip
EXPLODE = f"""
import pathlib, sys
from transcoders import DecodeError, transcoder
t = transcoder(sys.argv[1])
t.decode(t.encode("x" * 1000))
data = pathlib.Path(sys.argv[2]).read_bytes()
{child.LEAST_MEMORY}
for bomb in (data, memoryview(data)):
    try:
        t.decode(bomb)
    except DecodeError as error:
        print(type(error).__name__)
"""


@on_linux
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_no_memory(tmp_path, bomb):
    """What would expand far beyond the limit is a DecodeError within 64 MiB of memory."""
    name, made = BOMBS[bomb]
    data = frame.header(4, frame.PLAIN, (filter_of(name).tag,)) + made()
    assert len(data) < Limits().size
    (tmp_path / "bomb").write_bytes(data)
    spec = f"json+zstd:dict={SESSIONS_DICT}" if name == "zstd" else f"json+{name}"
    told = child.run(EXPLODE, spec, tmp_path / "bomb").split()
    assert len(told) == 2
    assert set(told) <= {"TooLarge", "Malformed"}
