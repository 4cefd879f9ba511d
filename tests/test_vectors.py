"""The golden vectors: bytes that lie in stores, which every release reads, and which every deterministic codec writes.

The other half: no part of a vector, and nothing longer than it, is ever taken for a session.
"""

import json
from itertools import product

import pytest

from tests.golden import GOLDEN, TYPED
from tests.vectors.add import CODECS, COMPRESSED, PLAN, SEALED, add, load, make, reader, reads, varies
from transcoders import DecodeError, Transcoder, peek, transcoder

VECTORS = load()
every_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector.spec}-{vector.name}")


def taken(t: Transcoder, frames: list[bytes]) -> list[str]:
    """Those of the frames that do not end in a kind of DecodeError."""
    found = []
    for data in frames:
        try:
            t.decode(data)
        except DecodeError as error:
            if type(error) is not DecodeError:
                continue
        found.append(data.hex(" "))
    return found


def test_every_planned_vector_is_there():
    """The plan and the files agree, and the plan has every codec in every form and every filter."""
    assert sorted(PLAN) == sorted((vector.spec, vector.name) for vector in VECTORS)
    headers = [peek(bytes.fromhex(vector.frame)) for vector in VECTORS]
    assert {(codec, tagged) for codec in CODECS for tagged in (False, True)} <= {(h.codec, h.tagged) for h in headers}
    assert {name for header in headers for name in header.filters} == {*COMPRESSED, *SEALED}
    assert any(header.buffers for header in headers)
    assert {vector.name for vector in VECTORS} == {*GOLDEN, *TYPED}
    typed = {(header.codec, header.layout, header.tagged) for header in headers if header.layout}
    assert typed == set(product(CODECS, ("map", "compact"), (False, True)))


@every_vector
def test_vector_decodes_to_its_value(vector):
    """Bytes written by any earlier release give their value."""
    assert reads(vector)


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if not varies(one.spec)], ids=lambda one: f"{one.spec}-{one.name}"
)
def test_vector_is_written_again(vector):
    """The value still gives those bytes; not so behind compressors, which may learn, and ciphers, which draw nonces."""
    assert make(vector.spec, vector.name) == vector


@every_vector
def test_no_prefix_of_a_vector_is_a_value(vector):
    """Bytes that were cut anywhere are a DecodeError, and `peek` looks at them all the same."""
    frame = bytes.fromhex(vector.frame)
    prefixes = [frame[:size] for size in range(len(frame))]
    assert taken(reader(vector), prefixes) == []
    assert [peek(prefix).size for prefix in prefixes] == list(range(len(frame)))


@every_vector
def test_no_vector_with_a_byte_behind_it_is_a_value(vector):
    """A byte too many is a DecodeError, whichever it is."""
    frame = bytes.fromhex(vector.frame)
    assert taken(reader(vector), [frame + bytes((last,)) for last in (0x00, 0x20, 0x0A, 0xFF, frame[-1])]) == []


@pytest.mark.parametrize("vector", [one for one in VECTORS if one.keys], ids=lambda one: f"{one.spec}-{one.name}")
def test_no_sealed_vector_with_a_changed_byte_is_a_value(vector):
    """Any changed byte of a sealed frame is a DecodeError: header, body and seal."""
    frame = bytes.fromhex(vector.frame)
    changed = [
        frame[:place] + bytes((frame[place] ^ flip,)) + frame[place + 1 :]
        for place in range(len(frame))
        for flip in (0x01, 0x80, 0xFF)
    ]
    assert taken(reader(vector), changed) == []


def test_add_refuses_to_change_a_vector(tmp_path):
    """What is missing is added; a vector that holds other bytes stays as it is, and that is an error."""
    assert len(list(add(tmp_path))) == len(PLAN)
    path = next(path for path in tmp_path.glob("json.*.json"))
    other = json.dumps({**json.loads(path.read_text()), "frame": "c154"})
    path.write_text(other)
    with pytest.raises(ValueError, match="never changed"):
        list(add(tmp_path))
    assert path.read_text() == other


def test_add_keeps_what_another_compressor_wrote(tmp_path):
    """A compressed vector stays when its value can be read, although this library writes it otherwise."""
    list(add(tmp_path))
    path = tmp_path / "json+zlib.session.json"
    other = transcoder("json+zlib:level=1").encode(GOLDEN["session"]).hex()
    path.write_text(json.dumps({**json.loads(path.read_text()), "frame": other}))
    assert list(add(tmp_path)) == []
    assert json.loads(path.read_text())["frame"] == other
