"""`transcoders train`: the dictionary it writes, what it says it saves, and what it refuses."""

import json
import subprocess
import sys
import zlib
from pathlib import Path
from statistics import median

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import child
from tests.specs import KEYS
from tests.trained import SESSIONS_DICT, bodies, session
from transcoders import SpecError, dictionary, peek, transcoder
from transcoders.cli.app import app

SESSIONS = 160


def ran(*arguments, code=0):
    """The result of the command, which must end with that exit code."""
    result = CliRunner().invoke(app, ["train", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def trained(lines: Path, output: Path, *arguments) -> dict:
    """What the command says of a dictionary that it was made to write."""
    return json.loads(ran("-p", lines, "-o", output, "--json", *arguments).stdout)


@pytest.fixture
def lines(tmp_path):
    """Sessions of 0.2 kB, one a line."""
    return written(tmp_path / "sessions.jsonl", map(session, range(SESSIONS)))


def written(path: Path, values) -> Path:
    """The file, with a value on each line."""
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_a_small_session_takes_a_third_of_its_json(lines, tmp_path, codec):
    """The body takes at most 0.35 of the JSON, the whole frame 0.50, the sealed frame 0.58, of sessions not seen."""
    spec = trained(lines, tmp_path / "a.dict", "--spec", f"{codec}+blake2")["spec"]
    bare, sealed = transcoder(spec.removesuffix("+blake2")), transcoder(spec, keys=KEYS)
    ratios = []
    for number in range(SESSIONS, SESSIONS + 100):
        whole = len(transcoder("json").encode(session(number))) - 5
        frames = bare.encode(session(number)), sealed.encode(session(number))
        ratios.append([size / whole for size in (peek(frames[0]).body_size, *map(len, frames))])
    body, frame, sealed_frame = map(median, zip(*ratios, strict=True))
    assert body <= 0.35
    assert frame <= 0.50
    assert sealed_frame <= 0.58


def test_what_is_said_is_what_frames_hold(lines, tmp_path):
    """The sizes are those of the held-back sessions' frames, and the id is that of the file and of the frames."""
    said = trained(lines, tmp_path / "a.dict", "--size", "2048", "--spec", "msgpack+zstd:level=5")
    made = dictionary.read(said["path"])
    assert (said["id"], said["bytes"]) == (made.id, len(made.content))
    assert said["bytes"] <= 2048
    assert (said["trained_on"], said["held_back"]) == (120, 40)
    held = [session(number) for number in range(3, SESSIONS, 4)]
    whole = [len(transcoder("json").encode(value)) - 5 for value in held]
    own = [len(transcoder("msgpack").encode(value)) - 5 for value in held]
    specs = ("msgpack", "msgpack+zstd:level=5,min=0", said["spec"])
    for row, spec in zip(said["rows"], specs, strict=True):
        frames = [transcoder(spec).encode(value) for value in held]
        sizes = [peek(frame).body_size for frame in frames]
        assert row["bytes"] == median(sizes)
        assert row["of_body"] == median(size / one for size, one in zip(sizes, own, strict=True))
        assert row["of_json"] == median(size / one for size, one in zip(sizes, whole, strict=True))
    assert {peek(frame).dictionary for frame in frames} == {said["id"]}


def test_the_table_names_what_to_do(lines, tmp_path):
    """Without --json the file, the sizes with and without, and the config string are printed."""
    output = ran("-p", lines, "-o", tmp_path / "a.dict", "--spec", "cbor+hmac:env=KEYS").output
    assert f"{tmp_path / 'a.dict'}: zstd dictionary " in output
    assert "median of 40 other sessions" in output
    for row in ("cbor ", "with zstd ", "with zstd and the dictionary "):
        assert f"│ {row}" in output
    assert f"Write with cbor+zstd:dict={tmp_path / 'a.dict'}+hmac:env=KEYS\n" in output
    assert "zstd:read=FILE" in output


TRAIN = """
import pathlib, sys
from transcoders import dictionary
lines = pathlib.Path(sys.argv[1]).read_bytes().splitlines()
print(dictionary.train(lines, 1024, 3).hex())
"""


def test_the_same_sessions_give_the_same_bytes(lines, tmp_path):
    """Training repeats, in this process, in another, and whatever the sessions are that were held back."""
    trained(lines, tmp_path / "a.dict")
    trained(lines, tmp_path / "b.dict")
    held = range(3, SESSIONS, 4)
    others = written(tmp_path / "c.jsonl", [session(n + 1000 if n in held else n) for n in range(SESSIONS)])
    trained(others, tmp_path / "c.dict", "--size", "4096")
    files = [(tmp_path / f"{name}.dict").read_bytes() for name in "abc"]
    assert files[0] == files[1] == files[2]
    again = child.run(TRAIN, lines).strip()
    assert again == child.run(TRAIN, lines).strip() == dictionary.train(lines.read_bytes().splitlines(), 1024, 3).hex()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.binary(min_size=8, max_size=60), min_size=40, max_size=60, unique=True), st.integers(256, 2048))
def test_training_takes_any_samples(tmp_path_factory, samples, size):
    """Of samples of any bytes a dictionary is made that can be read, and is no larger than asked for."""
    content = dictionary.train(samples, size, 3)
    file = tmp_path_factory.mktemp("any") / "any.dict"
    file.write_bytes(content)
    assert len(content) <= size
    assert dictionary.read(str(file)).digested()


def test_training_needs_samples():
    """Of a few samples zstd learns nothing, and that is said."""
    with pytest.raises(SpecError, match="zstd finds nothing to learn in these samples"):
        dictionary.train(bodies("json", 3), 4096, 3)


@pytest.mark.parametrize("source", ["list.json", "tests.trained:many"])
def test_a_list_is_so_many_sessions(lines, tmp_path, monkeypatch, source):
    """A JSON file or a function that gives a list gives its items."""
    expected = trained(lines, tmp_path / "a.dict")
    values = [json.loads(line) for line in lines.read_text().splitlines()]
    (tmp_path / "list.json").write_text(json.dumps(values))
    monkeypatch.setattr("tests.trained.many", lambda: values, raising=False)
    found = trained(tmp_path / source if source.endswith("json") else source, tmp_path / "b.dict")
    assert found | {"path": "", "spec": ""} == expected | {"path": "", "spec": ""}


def test_several_sources_are_one_and_doubles_count_once(lines, tmp_path):
    """Sources are put together; a session that stands twice is one sample, so that none is held back and trained on."""
    more = written(tmp_path / "more.jsonl", map(session, range(SESSIONS - 10, SESSIONS + 50)))
    found = trained(lines, tmp_path / "a.dict", "-p", more, "-p", lines)
    assert found["trained_on"] + found["held_back"] == SESSIONS + 50


def test_too_few_sessions_are_refused_with_the_number(tmp_path):
    """The message says how many are needed, and so many are enough; so is the size that it offers instead."""
    few = written(tmp_path / "few.jsonl", map(session, range(60)))
    output = ran("-p", few, "-o", tmp_path / "a.dict", code=2).output
    needed, size = (int(output.split(word)[1].split()[0]) for word in ("expected ", "--size "))
    assert "found 60: give more" in output
    assert not (tmp_path / "a.dict").exists()
    trained(few, tmp_path / "small.dict", "--size", size)
    enough = written(tmp_path / "enough.jsonl", map(session, range(needed + 2)))
    trained(enough, tmp_path / "a.dict")


@pytest.mark.parametrize("value", [{"user": 1}, {"note": "the same words, " * 1000}])
def test_a_handful_is_never_enough(tmp_path, value):
    """Of sessions of any size there must be forty; with fewer no size is offered, with tiny ones neither."""
    few = written(tmp_path / "few.jsonl", [value | {"n": number} for number in range(39)])
    output = ran("-p", few, "-o", tmp_path / "a.dict", "--size", "256", code=2).output
    assert "different sessions or more for a dictionary of 256 bytes, found 39" in output
    assert "--size" not in output
    tiny = written(tmp_path / "tiny.jsonl", [{"n": number} for number in range(50)])
    assert "--size" not in ran("-p", tiny, "-o", tmp_path / "a.dict", code=2).output


def test_a_dictionary_is_never_replaced(lines, tmp_path):
    """A file that is there stays as it is, because frames may need it."""
    (tmp_path / "a.dict").write_bytes(b"precious")
    assert "there is a file" in ran("-p", lines, "-o", tmp_path / "a.dict", code=2).output
    assert (tmp_path / "a.dict").read_bytes() == b"precious"


def test_rotation_keeps_what_was_read(lines, tmp_path):
    """Training for a spec with dictionaries gives one that writes with the new and reads with all of them."""
    first = trained(lines, tmp_path / "a.dict", "--spec", "json+zstd:level=5,min=10")["spec"]
    second = trained(lines, tmp_path / "b.dict", "--spec", first, "--size", "2048")["spec"]
    third = trained(lines, tmp_path / "c.dict", "--spec", second, "--size", "1024")["spec"]
    assert f"dict={tmp_path}/c.dict,level=5,min=10,read={tmp_path}/b.dict;{tmp_path}/a.dict" in third
    needed = set()
    for spec in (first, second, third):
        data = transcoder(spec).encode(session(1))
        needed.add(peek(data).dictionary)
        assert transcoder(third).decode(data) == session(1)
    assert len(needed) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "a b.dict"], "a config string holds no path with spaces"),
        (["-o", "a,b.dict"], "a config string holds no path with spaces"),
        (["-o", "a;b.dict"], "a config string holds no path with spaces"),
        (["-o", "nowhere/a.dict"], "-o nowhere/a.dict: cannot be written"),
        (["-o", "a.dict", "--spec", "json+zlib"], "dictionaries are for zstd: take 'zlib' out of --spec"),
        (["-o", "a.dict", "--spec", "json+zstd+hmax"], "did you mean 'hmac'?"),
        (["-o", "a.dict", "--spec", "jsn"], "did you mean 'json'?"),
        (["-o", "a.dict", "--spec", "json+zstd:level=20"], "a whole number from 1 to 19"),
        (["-o", "a.dict", "--spec", "json+zstd:dict=none.dict"], "zstd dictionary none.dict: expected a readable file"),
        (["-o", "a.dict", "-p", "none.jsonl"], "none.jsonl"),
        (["-o", "a.dict", "--size", "255"], "--size"),
    ],
)
def test_wrong_requests_end_with_2_and_one_line(lines, tmp_path, monkeypatch, arguments, says):
    """What is wrong is said without a traceback, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    output = ran("-p", lines, *arguments, code=2).output
    assert says in output
    assert "Traceback" not in output
    assert not list(tmp_path.glob("*.dict"))


def test_a_session_that_cannot_be_encoded_is_named(lines, tmp_path, monkeypatch):
    """Its number and the path in it are told."""
    monkeypatch.setattr("tests.trained.many", lambda: [*map(session, range(60)), {"bad": object()}], raising=False)
    output = ran("-p", "tests.trained:many", "-o", tmp_path / "a.dict", code=2).output
    assert "session 61 cannot be encoded: $.bad" in output


def test_the_console_script_trains(lines, tmp_path):
    """The installed command writes a dictionary that frames can be written with; a second run is refused with 2."""
    command = [Path(sys.executable).with_name("transcoders"), "train", "-p", lines, "-o", tmp_path / "a.dict", "--json"]
    done, again = (subprocess.run(command, capture_output=True, text=True, timeout=60, check=False) for _ in range(2))  # noqa: S603
    assert (done.returncode, done.stderr, again.returncode) == (0, "", 2)
    said = json.loads(done.stdout)
    assert transcoder(said["spec"]).decode(transcoder(said["spec"]).encode(session(1))) == session(1)
    assert again.stderr.count("\n") == 1


def test_the_golden_dictionary_has_an_id_of_its_content():
    """The id that training gives is made from the rest of the file, in a way that never changes."""
    content = SESSIONS_DICT.read_bytes()
    assert content[:8] == bytes.fromhex("37a430ec 96890000")
    assert dictionary.read(str(SESSIONS_DICT)).id == 0x8996 == 0x8000 + zlib.crc32(content[8:]) % 0x8000
