"""The command line: what is typed, printed, written, and returned."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from transcoders import peek, transcoder
from transcoders.cli.app import app

README = Path(__file__).parent.parent / "README.md"
KEY = "k" * 32
SESSION = {"user": 42, "cart": [{"sku": "A-7", "qty": 2}]}


def ran(*arguments, code=0, stdin=None):
    """The result of the command, which must end with that exit code."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_every_command_has_help_and_a_place_in_the_readme():
    """Each command says what it does, each option too, and the README names the command."""
    text = README.read_text("utf-8")
    for name, command in app.commands.items():
        assert command.help
        assert f"transcoders {name}" in text
        assert all(option.help for option in command.params if option.param_type_name == "option")
        assert ran(name, "--help").output.startswith("Usage:")


def test_list_names_everything():
    """The table and the JSON hold every codec and filter, with options and traits."""
    names = {"pickle", "msgpack", "cbor", "json", "zlib", "zstd", "lz4", "aesgcm", "hmac", "blake2"}
    assert all(name in ran("list").output for name in names)
    offers = json.loads(ran("list", "--json").output)
    assert {offer["name"] for offer in offers} >= names
    assert next(offer for offer in offers if offer["name"] == "zstd")["options"][0]["name"] == "level"


@pytest.mark.parametrize("spec", ["json", "msgpack+zlib", "cbor+hmac", "pickle"])
def test_inspect_shows_and_decodes(spec, tmp_path, monkeypatch):
    """A frame's spec, sizes and value are printed; a seal is checked with keys from the environment."""
    monkeypatch.setenv("SESSION_KEYS", KEY)
    t = transcoder(spec, keys=[KEY.encode()] if "hmac" in spec else ())
    file = tmp_path / "session"
    file.write_bytes(t.encode(SESSION))
    keys = ["--env", "SESSION_KEYS"] if "hmac" in spec else []
    found = json.loads(ran("inspect", file, "--decode", "--json", *keys).output)
    assert found["value"] == SESSION
    assert found["header"]["codec"] == str(t.spec).split("+")[0]
    assert found["seal"] == ("hmac, matches" if keys else None)
    assert '"sku":"A-7"' in ran("inspect", file, "--decode", *keys).output


def test_inspect_reads_standard_input_and_foreign_bytes():
    """`-` is standard input; bytes without a frame end with 1, unless a reader was accepted for them to be decoded."""
    assert "plain" in ran("inspect", "-", stdin=transcoder("json").encode(SESSION)).output
    assert "expected a frame" in ran("inspect", "-", stdin=b"{}", code=1).output
    assert '"user":42' in ran("inspect", "-", "--decode", "--accept", "raw-json", stdin=b'{"user":42}').output


def test_inspect_says_what_a_seal_needs(tmp_path):
    """A sealed frame is not decoded without keys, and the message says which option names them."""
    file = tmp_path / "session"
    file.write_bytes(transcoder("json+hmac", keys=[KEY.encode()]).encode(SESSION))
    result = ran("inspect", file, "--decode", code=1)
    assert "--env" in result.output
    assert KEY not in result.output


def test_convert_moves_a_folder(tmp_path):
    """Every file is converted into the target folder; one that cannot be read fails, is named, and stays."""
    source, target = tmp_path / "old", tmp_path / "new"
    (source / "deep").mkdir(parents=True)
    for name in ("a", "deep/b"):
        (source / name).write_text(json.dumps(SESSION))
    (source / "broken").write_text("?")
    found = json.loads(ran("convert", "--from", "raw-json", "--to", "msgpack", source, target, "--json", code=1).stdout)
    assert (found["converted"], len(found["failed"])) == (2, 1)
    assert transcoder("msgpack").decode((target / "deep/b").read_bytes()) == SESSION
    assert (source / "broken").read_text() == "?"
    assert not (target / "broken").exists()


def test_convert_in_place_can_be_repeated(tmp_path):
    """Without a target files are replaced; a second run finds them converted and changes nothing."""
    file = tmp_path / "session"
    file.write_bytes(transcoder("json").encode(SESSION))
    assert "1 converted" in ran("convert", "--from", "json", "--to", "cbor", file).output
    assert peek(file.read_bytes()).codec == "cbor"
    assert "0 converted, 1 unchanged" in ran("convert", "--from", "json", "--to", "cbor", file).output


def test_convert_tries_without_writing(tmp_path):
    """A dry run says what it could do, and leaves the bytes."""
    file = tmp_path / "session"
    file.write_bytes(b"{}")
    assert "1 could be converted" in ran("convert", "--from", "raw-json", "--to", "json", "--dry-run", file).output
    assert file.read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["convert", "--from", "json", "--to", "msgpak", "x"], "did you mean 'msgpack'?"),
        (["convert", "--from", "json", "--to", "cbor", "nowhere"], "nothing at nowhere"),
        (["bench", "jsn"], "did you mean 'json'?"),
        (["bench", "--ops", "fly"], "fly"),
        (["bench", "--label", "a/b", "-p", "cart-5"], "--label takes"),
        (["bench", "--affinity", "x", "-p", "cart-5"], "--affinity takes"),
        (["bench", "--resume", "-p", "cart-5"], "--resume needs --output"),
        (["bench", "-p", "nowhere.json"], "nowhere.json"),
    ],
)
def test_a_wrong_configuration_ends_with_2_and_one_line(arguments, says):
    """What is wrong is said in one line, without a traceback."""
    output = ran(*arguments, code=2).output
    assert says in output
    assert "Traceback" not in output


def test_bench_measures_a_file_of_ones_own(tmp_path):
    """A JSONL file gives a verdict, pyperf files and reports; JSON says the same; too much noise ends with 3."""
    lines = tmp_path / "sessions.jsonl"
    lines.write_text("".join(json.dumps({"user": number, "note": "x" * number}) + "\n" for number in range(20)))
    folder = tmp_path / "run"
    common = ["bench", "json", "msgpack", "-p", lines, "--fast", "--rounds", "2"]
    found = json.loads(ran(*common, "-o", folder, "--json").stdout)
    assert {row["spec"] for row in found["rows"]} == {"json", "msgpack"}
    assert found["winner"] in {"json", "msgpack"}
    for name in ("report.md", "report.html", "run.json", "time/json.json", "time/msgpack.json", "time/control-a.json"):
        assert (folder / name).is_file(), name
    shown = ran(*common, "-o", tmp_path / "again", "--max-noise", "0", code=3).output
    assert re.search(r"Noise floor of this run: \d", shown)
