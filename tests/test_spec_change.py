"""A config string is changed on a live system: what was written before stays readable, and nothing else is let in."""

from itertools import permutations

import pytest

from tests.specs import CODECS, COMPRESSORS, MIXED, SEALS, made, make
from tests.values import EXAMPLES, NAIVE, Point, same
from transcoders import DecodeError, peek
from transcoders.errors import Refused

SESSIONS = [
    {"user": 42, "note": "the same words, " * 40},
    {"user": (1, {2}), "when": NAIVE, "note": "the same words, " * 40},
    [Point(1, b"x"), 2**70],
]


@pytest.mark.parametrize(("old", "new"), list(permutations(MIXED, 2)))
def test_frames_of_the_old_spec_are_read(old, new):
    """With `accept=[old]`, every frame of the old spec is read, and the new one is written."""
    reader = make(new, old)
    for value in SESSIONS:
        assert same(reader.decode(made(old).encode(value)), value)
        assert same(made(new).decode(reader.encode(value)), value)


@pytest.mark.parametrize(("old", "new"), [pair for pair in permutations(MIXED, 2) if "engine" not in "".join(pair)])
def test_frames_of_another_spec_are_refused(old, new):
    """Without `accept`, only a compressor may be missing in what is read."""
    data = made(old).encode(SESSIONS[0])
    if old == "+".join(part for part in new.split("+") if part not in {"zlib", "zstd", "lz4"}):
        assert same(made(new).decode(data), SESSIONS[0])
        return
    with pytest.raises(Refused):
        made(new).decode(data)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("compressor", COMPRESSORS[1:])
@pytest.mark.parametrize("seal", SEALS)
def test_a_compressor_comes_and_goes(codec, compressor, seal):
    """Frames without the compressor are read by the spec with it at once; the other way with `accept`."""
    bare, packed = codec + seal, codec + compressor + seal
    for value in SESSIONS[:2]:
        assert same(made(packed).decode(made(bare).encode(value)), value)
        assert same(make(bare, packed).decode(made(packed).encode(value)), value)
        with pytest.raises(Refused):
            made(bare).decode(made(packed).encode(value))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("compressor", COMPRESSORS[1:])
def test_what_does_not_shrink_is_stored_as_it_is(codec, compressor):
    """A compressor that makes a body longer is left out of the frame."""
    data = made(codec + compressor).encode(["a"])
    assert peek(data).filters == ()
    assert data == made(codec).encode(["a"])


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seal", SEALS[1:])
def test_a_seal_is_never_optional(codec, seal):
    """A reader with a seal refuses frames without one, and one without refuses sealed ones, in every form."""
    sealed, bare = made(codec + seal), made(codec)
    for _, value in EXAMPLES[:3] + EXAMPLES[-3:]:
        with pytest.raises(Refused):
            sealed.decode(bare.encode(value))
        with pytest.raises(Refused):
            bare.decode(sealed.encode(value))
        with pytest.raises(DecodeError):
            sealed.decode(sealed.encode(value)[:5] + bare.encode(value)[5:])


def test_engines_write_the_same_bytes_and_read_each_other():
    """`engine=msgpack` is another library for the same bytes."""
    one, other = made("msgpack"), made("msgpack:engine=msgpack")
    for _, value in EXAMPLES:
        assert one.encode(value) == other.encode(value)
        assert same(one.decode(other.encode(value)), other.decode(one.encode(value)))
