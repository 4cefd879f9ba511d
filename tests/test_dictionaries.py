"""Zstd dictionaries: many to read, one to write with, each told by its id; what is no dictionary stops at start-up."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.specs import KEYS
from tests.trained import SESSIONS_DICT, SESSIONS_ID, bodies, session, zstd
from transcoders import SpecError, dictionary, frame, peek, transcoder
from transcoders.errors import Refused
from transcoders.filters.zstd import ZstdFilter
from transcoders.options import read
from transcoders.spec import parse

CONTENT = SESSIONS_DICT.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three dictionaries that differ: `a.dict`, `b.dict` and `c.dict`."""
    place = tmp_path_factory.mktemp("dictionaries")
    for name, size in (("a", 512), ("b", 768), ("c", 1024)):
        (place / f"{name}.dict").write_bytes(dictionary.train(bodies("json", 96), size, 3))
    return place


GOLDEN = {
    "json": (
        "c1540104100228b52ffd229689cc9d0100f3c2068b82a8f566cc693afee9946ad72133ccaec7505d6ab328571eba0608fc06"
        "d97da60ad998e43c9241022aa5f68b655f5f"
    ),
    "msgpack": (
        "c1540102100228b52ffd2296899d8d03009305146abded1083c902248c39dd0106750548e8a11154d882498c50565051e842"
        "235461baa00e235461961516b10a48642822d10847a8e39f4ea9761d32c3ec7a0cd5a5368b72bd0782c1882290a2168f8843"
        "0afc6c9db9a61b1176c0d9faf9d5f89562dc09b789329c2bf75f9767eed3"
    ),
}
"""Frames in hexadecimal; never changed."""
GOLDEN_SESSION = {
    "user_id": 48213, "csrf": "9f3c5a7d1e20b4866a0c1f5e3d7b9284", "locale": "de-DE", "remember": True, "mfa": False,
    "last_seen": "2026-02-03T08:30:17+00:00", "beta": False, "theme": "dark", "flags": ["new-41aa", "pay-09fe"],
}  # fmt: skip


@pytest.mark.parametrize("codec", GOLDEN)
def test_golden_frames_with_a_dictionary(codec):
    """Frames written with the golden dictionary are read, and say which they need; without it they are refused."""
    data = bytes.fromhex(GOLDEN[codec])
    assert peek(data).dictionary == SESSIONS_ID
    for option in ("dict", "read"):
        assert transcoder(f"{codec}+zstd:{option}={SESSIONS_DICT}").decode(data) == GOLDEN_SESSION
    with pytest.raises(Refused, match=f"needs zstd dictionary {SESSIONS_ID}, this transcoder has none: add zstd:read="):
        transcoder(f"{codec}+zstd").decode(data)


def test_a_frame_names_its_dictionary(folder):
    """`peek` shows the id of either kind of zstd frame; 0 stands for none, and for what is no zstd frame."""
    number = dictionary.read(str(folder / "a.dict")).id
    assert peek(zstd(f"dict={folder / 'a.dict'}").encode(session(1))).dictionary == number
    assert peek(zstd(f"dict={folder / 'a.dict'}").encode([session(n) for n in range(500)])).dictionary == number
    assert peek(zstd("min=0").encode(session(1))).dictionary == 0
    assert peek(transcoder("json").encode(session(1))).dictionary == 0
    head = frame.header(4, frame.PLAIN, (ZstdFilter.tag,))
    streamed = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(CONTENT)).compressobj()
    assert peek(head + streamed.compress(b"x") + streamed.flush()).dictionary == SESSIONS_ID
    assert peek(head + zstandard.ZstdCompressor().compress(b"x")[:7]).dictionary == 0


def test_rotation(folder):
    """The newest writes and all are read; one that is missing is named with those that are there."""
    a, b = folder / "a.dict", folder / "b.dict"
    first, second = zstd(f"dict={a}"), zstd(f"dict={b},read={a}")
    old, new = first.encode(session(1)), second.encode(session(1))
    assert peek(old).dictionary != peek(new).dictionary
    assert second.decode(old) == second.decode(new) == second.decode(memoryview(old)) == session(1)
    with pytest.raises(Refused, match=f"{peek(new).dictionary}, this transcoder has {peek(old).dictionary}: add"):
        first.decode(new)
    for read_ in (folder, f"{a};{b}", f"{b};{folder}"):
        reader = zstd(f"read={read_}")
        assert reader.decode(old) == reader.decode(new) == session(1)
        assert peek(reader.encode([session(n) for n in range(9)])).dictionary == 0


@pytest.mark.parametrize("options", ["min=0", "level=9,min=0", "read={}", "dict={}", "dict={},read={}"])
def test_frames_without_a_dictionary_are_read_by_all(options):
    """A dictionary at hand changes nothing for frames that name none."""
    reader = zstd(options.format(SESSIONS_DICT, SESSIONS_DICT))
    for writer in (transcoder("json"), zstd("min=0"), zstd("level=19")):
        for value in (session(1), [session(n) for n in range(50)]):
            assert reader.decode(writer.encode(value)) == value


def test_dictionaries_of_one_id_that_differ(tmp_path):
    """They are refused at start-up, both named; one content under two paths is one dictionary."""
    for name, other in (("one", CONTENT), ("two", CONTENT[:-1] + b"?"), ("three", CONTENT)):
        (tmp_path / name).write_bytes(other[:4] + (77).to_bytes(4, "little") + other[8:])
    with pytest.raises(SpecError, match=r"one and .*two differ, and both have the id 77"):
        zstd(f"dict={tmp_path / 'one'}", f"read={tmp_path / 'two'}")
    t = zstd(f"dict={tmp_path / 'one'}", f"read={tmp_path / 'three'}")
    assert t.decode(t.encode(session(1))) == session(1)
    assert peek(t.encode(session(1))).dictionary == 77


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "found an empty file"),
        (b"user_id csrf locale", "found 19 bytes starting with 75 73 65 72 5f 69 64 20; `transcoders train` makes one"),
        (CONTENT[:4], "an id, found 4 bytes starting with 37 a4 30 ec"),
        (CONTENT[:4] + bytes(4) + CONTENT[8:], "an id, found 1024 bytes"),
        (CONTENT[:-1], f"its id is {SESSIONS_ID}, its content is that of \\d+: the file is damaged"),
        (CONTENT[:500] + b"?" + CONTENT[501:], "the file is damaged; restore it"),
        (CONTENT[:4] + b"\x01\0\0\0" + CONTENT[8:20], "expected a whole one, found damage"),
        (CONTENT[:4] + b"\x01\0\0\0" + b"\xff" * 90 + CONTENT[98:], "expected a whole one, found damage"),
        (CONTENT + bytes(dictionary.LARGEST), "expected at most 1048576 bytes, found more"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("option", ["dict", "read"])
def test_bad_dictionary_files_stop_at_start_up(tmp_path, content, says, option):
    """What is no dictionary, or a damaged one, is a SpecError with the path, before anything is read with it."""
    file = tmp_path / "bad.dict"
    file.write_bytes(content)
    with pytest.raises(SpecError, match=f"zstd dictionary {file}: .*{says}"):
        zstd(f"{option}={file}")


def test_bad_dictionary_paths_stop_at_start_up(tmp_path):
    """A missing file, a folder to write with, a folder without dictionaries and an empty path are SpecErrors."""
    for option in ("dict", "read"):
        with pytest.raises(SpecError, match=f"{tmp_path}/none.dict: expected a readable file, found: .*check the path"):
            zstd(f"{option}={tmp_path}/none.dict")
    with pytest.raises(SpecError, match=f"{tmp_path}: expected a readable file"):
        zstd(f"dict={tmp_path}")
    with pytest.raises(SpecError, match=f"dictionaries in {tmp_path}: expected files named \\*.dict, found none"):
        zstd(f"read={tmp_path}")
    with pytest.raises(SpecError, match="expected a readable file"):
        zstd(f"read={SESSIONS_DICT};")
    with pytest.raises(SpecError, match="expected a readable file"):
        dictionary.read("\0")


PATHS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="+,=/;"), min_size=1)


@settings(deadline=None)
@given(PATHS.filter(lambda name: name not in {".", ".."} and len(name.encode()) < 200))
def test_a_path_stands_in_the_canonical_text(name):
    """The spec of a transcoder with a dictionary builds the same again, whatever the file is called."""
    text = f"json+zstd:dict=/{name}.dict,level=9,min=64,read=/{name};/{name}.old"
    assert str(parse(text)) == text
    values = read(ZstdFilter.options, dict(parse(text).filters[0].options), "zstd")
    assert (values["dict"], values["read"]) == (f"/{name}.dict", f"/{name};/{name}.old")


def test_the_canonical_text_builds_the_same_transcoder(folder):
    """A spec with dictionaries and seals is written as it was read, defaults left out, and reads its own frames."""
    text = f"json+zstd:level=3,read={folder},min=0,dict={folder / 'c.dict'}+hmac"
    t = transcoder(text, keys=KEYS)
    assert str(t.spec) == f"json+zstd:dict={folder / 'c.dict'},min=0,read={folder}+hmac"
    again = transcoder(str(t.spec), keys=KEYS)
    assert again.decode(t.encode(session(1), associated_data=b"id"), associated_data=b"id") == session(1)


def test_threads_share_a_transcoder_with_dictionaries(folder):
    """Contexts serve one thread at a time: values of many threads do not mix, whichever dictionary they need."""
    writers = [zstd(f"dict={folder / name}") for name in ("a.dict", "b.dict", "c.dict")]
    reader = zstd(f"read={folder}")

    def same(number: int) -> bool:
        value = [session(number), "x" * number]
        return reader.decode(writers[number % 3].encode(value)) == value

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(same, range(600)))
