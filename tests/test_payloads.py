"""The bundled payloads stay what they are, and own payloads come in as they are or are refused."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.payloads import VARIANTS, families
from bench.payloads.__main__ import main as print_profiles
from transcoders.errors import SpecError
from transcoders.measure import payload as payloads
from transcoders.measure.payload import Payload, load
from transcoders.measure.profile import profile

FAMILIES = families()
PROFILES = {family.name: profile(family) for family in FAMILIES}

# bytes, smallest, largest, depth, longest string, share of keys, repeated, aliased; types; digest of values
PINNED = {
    "anonymous": ("81 81 81 1 64 15% 0 0", "1 dict, 1 str", "d15e279781d3"),
    "login": ("283 281 284 2 64 27% 0 0", "8 str, 1 bool, 1 dict, 1 int, 1 list", "b34c5d09768b"),
    "django-auth": ("249 249 249 1 64 33% 0 0", "4 str, 1 dict, 1 int", "66eb4a10fe91"),
    "flash": ("415 411 420 3 128 11% 0 0", "9 str, 3 tuple, 1 bool, 1 dict, 1 list", "61db1e22177d"),
    "cart-5": ("415 413 417 3 32 37% 16 0", "12 str, 11 int, 6 dict, 1 list", "8fcb53d322a4"),
    "cart-50": ("3330 3318 3342 3 32 36% 196 0", "102 str, 101 int, 51 dict, 1 list", "b6178a83eac5"),
    "wizard": ("7970 7970 7970 2 1300 1% 0 0", "8 str, 2 dict, 1 int", "f6240d891a46"),
    "tokens": ("1638 1633 1640 3 831 12% 1 0", "17 str, 4 int, 2 bytes, 2 dict, 2 list, 1 bool", "bc6bffbe464d"),
    "dashboard": ("3098 3080 3115 4 7 10% 36 0", "219 float, 10 list, 9 dict, 8 str", "0e894dd88df9"),
    "i18n": ("1470 1408 1557 3 81 10% 15 0", "30 str, 7 dict, 4 list", "7b40f069d233"),
    "typed": (
        "613 597 614 2 10 26% 0 0",
        (
            "6 datetime, 5 str, 3 int, 3 int key, 2 dict, 2 float, 1 Decimal, 1 UUID, 1 bytearray, "
            "1 bytes, 1 date, 1 frozenset, 1 set, 1 time, 1 timedelta, 1 tuple"
        ),
        "9a38aa2fa8c6",
    ),
    "nested-40": ("761 756 764 40 8 45% 57 0", "39 int, 21 dict, 20 bool, 19 list, 1 str", "8ba9b0367abb"),
    "aliased": ("1587 1577 1596 5 22 38% 111 22", "48 str, 33 dict, 26 int, 16 list", "7a2144eb8925"),
    "abuse-256k": (
        "262031 261954 262094 4 300 10% 5649 0",
        "2861 str, 573 dict, 573 int, 573 list, 572 NoneType, 572 bool, 572 float",
        "c859469c076b",
    ),
    "plain-0.2k": ("203 202 205 2 32 34% 0 0", "6 str, 3 bool, 1 dict, 1 int, 1 list", "ae97f1ee85ea"),
    "plain-2k": (
        "1987 1982 1994 3 47 26% 46 0",
        "55 str, 32 int, 15 dict, 3 list, 2 NoneType, 2 bool, 2 float",
        "4a66f811b27d",
    ),
    "mediacontent": ("488 488 488 3 36 35% 12 0", "12 str, 9 int, 4 dict, 2 list, 1 NoneType", "3691f51edb86"),
    "msm-persons": ("24943 23986 25570 9 26 35% 1779 0", "741 str, 343 dict, 115 list, 57 int", "b865e1e82ba0"),
    "msm-components": (
        "4901 4891 4912 9 10 52% 322 0",
        "120 str, 81 dict, 40 NoneType, 40 bool, 40 int, 40 list",
        "23957bf1c522",
    ),
}


def canonical(value: object) -> str:
    """The text of a value, the same under every hash seed."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{canonical(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return type(value).__name__ + "(" + ",".join(map(canonical, value)) + ")"
    if isinstance(value, set | frozenset):
        return type(value).__name__ + "(" + ",".join(sorted(map(canonical, value))) + ")"
    return repr(value)


def digests() -> dict[str, str]:
    """Twelve characters a family that tell its values from all others."""
    return {family.name: hashlib.sha256(canonical(family.variants).encode()).hexdigest()[:12] for family in FAMILIES}


def shape(value: object) -> object:
    """What is equal for two values that differ in scalars only."""
    if isinstance(value, dict):
        return dict, [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [shape(item) for item in value]
    if isinstance(value, set | frozenset):
        return type(value), Counter(type(item) for item in value)
    return type(value)


def containers(value: object) -> list[object]:
    """Every container in a value, once for each way to it."""
    found, pending = [], [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict | list | tuple | set | frozenset | bytearray):
            found.append(item)
            pending += item.values() if isinstance(item, dict) else [] if isinstance(item, bytearray) else item
    return found


# The bundled payloads.


def test_profiles_are_pinned():
    """Each family has the profile it was published with, so that results of two dates compare."""
    rows = {name: list(found.row().values())[2:] for name, found in PROFILES.items()}
    found = {name: (" ".join(numbers), types) for name, (*numbers, types) in rows.items()}
    assert found == {name: (numbers, types) for name, (numbers, types, _) in PINNED.items()}


def test_values_are_pinned():
    """Each family has the very values it was published with, on every platform and Python."""
    assert digests() == {name: digest for name, (_, _, digest) in PINNED.items()}


def test_order_is_pinned():
    """The families stand in the order that reports rely on."""
    assert [family.name for family in FAMILIES] == list(PINNED)


def test_every_call_builds_equal_values():
    """Two calls give equal families that share no container, so that no study spoils the next."""
    again = families()
    assert again == FAMILIES
    owned = [{id(item) for family in each for item in containers(family.variants)} for each in (FAMILIES, again)]
    assert not owned[0] & owned[1]


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_no_hash_seed_changes_a_value(seed):
    """A process with another hash seed builds the same values."""
    run = subprocess.run(
        [sys.executable, "-c", "import json, test_payloads; print(json.dumps(test_payloads.digests()))"],
        cwd=Path(__file__).parent,
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        check=True,
    )
    assert json.loads(run.stdout) == digests()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_variants_differ_and_have_one_shape(family):
    """A timed loop rotates through sixteen different values of the same shape."""
    assert len({canonical(variant) for variant in family.variants}) == VARIANTS == 16
    assert [shape(variant) for variant in family.variants] == [shape(family.variants[0])] * VARIANTS
    assert family.note
    assert "\n" not in family.note


def test_nothing_is_shared_outside_aliased():
    """No container is reached twice, neither inside a variant nor from two, unless that is the point."""
    found = [item for family in FAMILIES if family.name != "aliased" for item in containers(family.variants)]
    assert max(Counter(map(id, found)).values()) == 1


def test_aliased_shares_within_a_variant_only():
    """The family that is about sharing shares inside each variant, and not between variants."""
    aliased = families("aliased")[0]
    assert all(profile(Payload("one", (variant,))).aliased > 10 for variant in aliased.variants)
    owned = [{id(item) for item in containers(variant)} for variant in aliased.variants]
    assert sum(map(len, owned)) == len(set().union(*owned))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("anonymous", 90),
        ("login", 300),
        ("cart-5", 400),
        ("cart-50", 3_300),
        ("wizard", 8_000),
        ("abuse-256k", 256 << 10),
        ("plain-0.2k", 200),
        ("plain-2k", 2_000),
    ],
)
def test_sizes_are_what_is_promised(name, size):
    """The families whose size is stated have it within an eighth."""
    found = PROFILES[name]
    assert size * 0.875 <= found.smallest
    assert found.largest <= size * 1.125


@pytest.mark.parametrize("name", ["plain-0.2k", "plain-2k"])
def test_plain_families_are_plain(name):
    """The payloads of the floor ratios hold nothing that JSON changes."""
    for variant in families(name)[0].variants:
        assert canonical(json.loads(json.dumps(variant))) == canonical(variant)


def test_mediacontent_is_the_published_one():
    """Variant 0 is media.1.json of jvm-serializers, with keys in its order."""
    published = json.loads("""
    {"media": {"uri": "http://javaone.com/keynote.mpg", "title": "Javaone Keynote",
               "width": 640, "height": 480, "format": "video/mpg4",
               "duration": 18000000, "size": 58982400, "bitrate": 262144,
               "persons": ["Bill Gates", "Steve Jobs스"], "player": "JAVA", "copyright": null},
     "images": [{"uri": "http://javaone.com/keynote_large.jpg", "title": "Javaone Keynote",
                 "width": 1024, "height": 768, "size": "LARGE"},
                {"uri": "http://javaone.com/keynote_small.jpg", "title": "Javaone Keynote",
                 "width": 320, "height": 240, "size": "SMALL"}]}
    """)
    assert canonical(families("mediacontent")[0].variants[0]) == canonical(published)


def test_the_table_shows_every_family(capsys, monkeypatch):
    """`python -m bench.payloads` prints a row for each family."""
    monkeypatch.setenv("COLUMNS", "300")
    print_profiles()
    printed = capsys.readouterr().out
    assert all(family.name in printed for family in FAMILIES)


# The profile.


def test_profile_counts_what_is_there():
    """Each number of a profile is the one a reader would count by hand."""
    shared = [1.5]
    value = {"a": "ä", "b": [None, True, shared, shared], "c": {"a": "ä"}, 7: b"1234"}
    found = profile(Payload("hand", (value,)))
    assert found.typical == len('{"a":"ä","b":[null,true,[1.5],[1.5]],"c":{"a":"ä"},"7":"MTIzNA=="}'.encode())
    assert dict(found.types) == {
        "list": 3, "dict": 2, "str": 2, "float": 2, "NoneType": 1, "bool": 1, "bytes": 1, "int key": 1,
    }  # fmt: skip
    assert (found.depth, found.longest, found.repeated, found.aliased) == (3, 1, 2, 1)
    assert found.key_share == 15 / found.typical


def test_profile_measures_every_variant():
    """Sizes, depth and longest string are taken over all variants, the rest from the typical one."""
    found = profile(Payload("three", ("a" * 8, [[[]]], [1])))
    assert (found.smallest, found.typical, found.largest) == (3, 6, 10)
    assert (found.variants, found.depth, found.longest) == (3, 3, 8)
    assert found.types == (("list", 3),)


def test_profile_counts_values_beyond_json():
    """A datetime counts as its quoted text, a set as an array, a lone surrogate as three bytes."""
    found = profile(Payload("beyond", ([datetime(2026, 1, 5, tzinfo=UTC), {1, 2}, (), (), "\ud800"],)))
    assert found.typical == len('["2026-01-05 00:00:00+00:00",[1,2],[],[],"---"]')
    assert found.aliased == 0


def test_profile_takes_deep_values_and_refuses_cycles():
    """A value 250 deep has a profile, one that contains itself has an error."""
    deep: object = 1
    for _ in range(250):
        deep = [deep]
    assert profile(Payload("deep", (deep,))).depth == 250
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(SpecError, match=r"payload cycle: .* contains itself"):
        profile(Payload("cycle", (cycle,)))


def test_profile_prints_as_lines():
    """The lines of a profile are its columns, one under the other."""
    lines = profile(Payload("one", ({"k": 1},))).lines()
    assert lines[0] == "payload:  one"
    assert lines[2] == "bytes:    7"
    assert lines[-1] == "types:    1 dict, 1 int"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(PLAIN)
def test_profile_size_is_that_of_compact_json(value):
    """For plain values the size is the length of the compact JSON text."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    assert profile(Payload("any", (value,))).typical == len(text.encode())


# Payloads and where they come from.


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\nb"])
def test_a_payload_has_a_name_that_can_be_stored(name):
    """Names go into benchmark and file names, so what breaks those is refused."""
    with pytest.raises(SpecError, match="a payload's name is"):
        Payload(name, (1,))


def test_a_payload_has_a_variant():
    """There is nothing to measure in a payload without values."""
    with pytest.raises(SpecError, match="payload empty: expected one variant or more"):
        Payload("empty", ())


def test_json_file_is_one_payload(tmp_path):
    """A JSON file is one payload with one variant, named after the file, integers exact."""
    file = tmp_path / "basket.json"
    file.write_text('\ufeff{"id": 123456789012345678901234567890, "price": 1e2, "line": "\u2028"}', "utf-8")
    (found,) = load(str(file))
    assert found == Payload("basket", ({"id": 123456789012345678901234567890, "price": 100.0, "line": "\u2028"},))


def test_jsonl_file_is_one_payload_of_many_variants(tmp_path):
    """Each line is a variant; blank lines, and line separators inside strings, are none."""
    file = tmp_path / "captured.jsonl"
    file.write_text('{"n": 1}\r\n\n  \n{"n": "\u2028"}\n[3]', "utf-8")
    assert load(str(file)) == [Payload("captured", ({"n": 1}, {"n": "\u2028"}, [3]))]


@pytest.mark.parametrize(("lines", "note"), [(256, ""), (257, "256 of 257 lines"), (1_000, "256 of 1000 lines")])
def test_long_jsonl_is_thinned_evenly(tmp_path, lines, note):
    """Of more than 256 lines 256 are taken, from the first to the last, and the note says so."""
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(map(str, range(lines))))
    (found,) = load(str(file))
    assert len(found.variants) == len(set(found.variants)) == 256
    assert (found.variants[0], found.variants[-1]) == (0, lines - 1)
    steps = {after - before for before, after in zip(found.variants, found.variants[1:], strict=False)}
    assert max(steps) - min(steps) <= 1
    assert found.note.startswith(note)
    assert bool(found.note) == bool(note)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", b'{\n"a": 1,\n}', "line 3, column 1: expected JSON"),
        ("a.json", b"", "line 1, column 1: expected JSON"),
        ("a.json", b'{"NaN": "NaN",\n"b": [NaN]}', "line 2: expected a JSON number, found NaN"),
        ("a.json", b"\n[-Infinityx]", "line 2: expected a JSON number, found -Infinity"),
        ("a.json", b'["1e999",\n\n1e999]', "line 3: expected a JSON number, found 1e999"),
        ("a.json", b"1" * 5_000, "write such numbers as strings"),
        ("a.json", b"[" * 100_000, "nested too deep"),
        ("a.json", b'"a"\n"\xff"', "line 2: expected UTF-8"),
        ("a.jsonl", b"1\n\n[1,]\n", "line 3, column 4: expected JSON"),
        ("a.jsonl", b"1\n2\nNaN\n", "line 3: expected a JSON number, found NaN"),
        ("a.jsonl", b"\n \n", "found no line"),
        ("a.jsonl", b"1\n" * 600 + b"?", "line 601, column 1: expected JSON"),
        ("a.txt", b"{}", "a path with another ending; rename it"),
    ],
)
def test_bad_files_are_refused(tmp_path, name, text, told):
    """A file that is not what its ending says is refused with the file, the line and what to do."""
    file = tmp_path / name
    file.write_bytes(text)
    with pytest.raises(SpecError) as refused:
        load(str(file))
    assert str(refused.value).startswith(str(file))
    assert told in str(refused.value)


@pytest.mark.parametrize("source", ["missing.json", "missing.jsonl", ".", "nul\0.json", ""])
def test_what_is_no_file_is_refused(tmp_path, monkeypatch, source):
    """A path that cannot be read is refused, whatever the system calls the reason."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match="expected"):
        load(source)


def test_large_files_are_refused(tmp_path, monkeypatch):
    """A file beyond the limit is refused before it is parsed."""
    assert payloads.LARGEST_FILE == 64 << 20
    monkeypatch.setattr(payloads, "LARGEST_FILE", 1 << 20)
    (tmp_path / "fits.json").write_bytes(b'"%s"' % (b"x" * ((1 << 20) - 2)))
    (tmp_path / "large.json").write_bytes(b'"%s"' % (b"x" * ((1 << 20) - 1)))
    assert len(load(str(tmp_path / "fits.json"))) == 1
    with pytest.raises(SpecError, match="expected at most 1 MiB, found more; take a sample"):
        load(str(tmp_path / "large.json"))


SOURCE = """
from transcoders.measure.payload import Payload

constant = 1
def one(): return Payload("own", (1, 2))
def many(): return [Payload("first", (1,)), Payload("second", (2,))]
def stream(): yield from many()
def session(): return {"user": 1}
def items(): return [1, 2]
def void(): return {}
class Shop:
    @staticmethod
    def cart(): return {"cart": []}

def forgot(): pass
def nothing(): return []
def silent(): yield from ()
def mixed(): return [Payload("own", (1,)), {"user": 1}]
def values(): yield {"user": 1}
def by_name(): return {"own": Payload("own", (1,))}
def twice(): return many() + many()
def broken(): return 1 / 0
def nameless(): return Payload("", (1,))
def demanding(what): return what
"""


@pytest.fixture
def own_sessions(tmp_path, monkeypatch):
    """A directory with a module of functions, as the current one."""
    (tmp_path / "own_sessions.py").write_text(SOURCE)
    (tmp_path / "own_fault.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_sessions", None)


@pytest.mark.usefixtures("own_sessions")
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("one", [Payload("own", (1, 2))]),
        ("many", [Payload("first", (1,)), Payload("second", (2,))]),
        ("stream", [Payload("first", (1,)), Payload("second", (2,))]),
        ("session", [Payload("session", ({"user": 1},))]),
        ("items", [Payload("items", ([1, 2],))]),
        ("void", [Payload("void", ({},))]),
        ("Shop.cart", [Payload("Shop.cart", ({"cart": []},))]),
    ],
)
def test_functions_give_payloads(function, expected):
    """A function of a module in the current directory gives payloads, or one value that is a payload."""
    path = list(sys.path)
    assert load(f"own_sessions:{function}") == expected
    assert sys.path == path


@pytest.mark.usefixtures("own_sessions")
@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("no_such_module:one", "cannot be imported: ModuleNotFoundError"),
        ("own_fault:one", "cannot be imported: ZeroDivisionError"),
        ("own_sessions:absent", "cannot be imported: AttributeError"),
        ("own_sessions:", "cannot be imported"),
        (":one", "cannot be imported"),
        ("own_sessions:constant", "expected a function, found int"),
        ("own_sessions:forgot", "found NoneType of 0 payloads and 1 other values"),
        ("own_sessions:nothing", "found list of 0 payloads"),
        ("own_sessions:silent", "found generator of 0 payloads"),
        ("own_sessions:mixed", "found list of 1 payloads and 1 other values"),
        ("own_sessions:values", "found generator of 0 payloads and 1 other values"),
        ("own_sessions:by_name", "found dict of 1 payloads"),
        ("own_sessions:twice", "expected each name once, found first, second, first, second"),
        ("own_sessions:broken", "failed: ZeroDivisionError"),
        ("own_sessions:nameless", "a payload's name is printable text"),
        ("own_sessions:demanding", "failed: TypeError"),
    ],
)
def test_bad_functions_are_refused(source, told):
    """What cannot be imported, called or measured is refused with the reason."""
    with pytest.raises(SpecError) as refused:
        load(source)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("bundled", list(PINNED)),
        ("bundled:cart-50,cart-5,cart-50", ["cart-50", "cart-5"]),
        ("cart-5", ["cart-5"]),
        ("plain-0.2k", ["plain-0.2k"]),
    ],
)
def test_bundled_payloads_load_by_name(source, names):
    """The bundled families come all together, several in the order asked for, or one."""
    assert [found.name for found in load(source)] == names


@pytest.mark.parametrize("source", ["crt-5", "bundled:crt-5", "bundled:", "bundled:cart-5,"])
def test_unknown_families_are_refused(source):
    """A name that no family has is answered with those there are."""
    with pytest.raises(SpecError, match=r"no bundled payload .*: there are anonymous, .*, msm-components"):
        load(source)


@pytest.mark.parametrize("source", ["bundled", "bundled:cart-5", "cart-5"])
def test_an_installed_wheel_says_where_the_bundle_is(monkeypatch, source):
    """Without the source tree the error says to give a file or to run from a clone."""
    monkeypatch.setitem(sys.modules, "bench.payloads", None)
    with pytest.raises(SpecError, match=r"give --payload FILE\.json, or run from a clone"):
        load(source)


class Offer:
    name = "ours"
    value = "own_sessions:constant"


@pytest.mark.parametrize(
    ("function", "names", "told"),
    [
        ("many", "", "takes 0 positional arguments"),
        ("chosen", "first,absent", "ours: expected first, absent, found first; mend the package"),
        ("constant", "", "expected a function, found int; mend the package that offers 'ours'"),
    ],
)
def test_bad_entry_points_are_refused(own_sessions, monkeypatch, function, names, told):
    """A package whose entry point gives something else is named as the one to mend."""
    Path("own_sessions.py").write_text(SOURCE + '\ndef chosen(*names): return Payload("first", (1,))\n')
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.setattr(Offer, "value", f"own_sessions:{function}")
    monkeypatch.setattr(payloads, "entry_points", lambda group: [Offer])
    with pytest.raises(SpecError) as refused:
        load(f"ours:{names}")
    assert told in str(refused.value)
