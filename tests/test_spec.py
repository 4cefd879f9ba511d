"""The config string: its grammar, its one canonical text, its options, ranks and keys."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transcoders import DecodeError, SpecError, Tampered, Truncated, transcoder
from transcoders.options import Option, nearest
from transcoders.spec import Spec, Stage, parse

OLD, NEW, OTHER = (bytes((letter,)) * 32 for letter in b"ONX")
VALUE = {"user": 42}

# Grammar.


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("json", Spec(Stage("json"))),
        ("JSON", Spec(Stage("JSON"))),
        ("json+zlib", Spec(Stage("json"), (Stage("zlib"),))),
        (
            "msgpack+zstd:level=3+hmac:env=SESSION_KEYS",
            Spec(Stage("msgpack"), (Stage("zstd", (("level", "3"),)), Stage("hmac", (("env", "SESSION_KEYS"),)))),
        ),
        ("a-b_c9:x=1,y=a:b/c.d", Spec(Stage("a-b_c9", (("x", "1"), ("y", "a:b/c.d"))))),
        ("tests.plugin:ReprCodec", Spec(Stage("tests.plugin:ReprCodec"))),
        ("a.b.c:D.e:level=1+zlib", Spec(Stage("a.b.c:D.e", (("level", "1"),)), (Stage("zlib"),))),
    ],
)
def test_texts_and_specs(text, spec):
    """A config string and its spec give each other."""
    assert parse(text) == spec
    assert str(spec) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("json zlib", "json+zlib"),
        ("  json+zlib\n", "json+zlib"),
        ("msgpack zstd:level=3 hmac:env=A", "msgpack+zstd:level=3+hmac:env=A"),
        ("mine:b=2,a=1", "mine:a=1,b=2"),
    ],
)
def test_texts_have_one_form(text, canonical):
    """A space reads as a plus, and options are sorted by name."""
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a name such as 'json' or 'zstd', found ''"),
        ("+", "found ''"),
        ("json+", "found ''"),
        ("json++zlib", "found ''"),
        ("json  zlib", "found ''"),
        ("9json", "found '9json'"),
        ("json:", "expected key=value after 'json', found ''"),
        ("json:level", "found 'level'"),
        ("json:level=", "found 'level='"),
        ("json:=1", "found '=1'"),
        ("json:level=1,", "found ''"),
        ("json:Level=1", "found 'Level=1'"),
        ("json:level=1=2", "found 'level=1=2'"),
        ("json:level=1,level=1", "option 'level' of 'json' stands twice"),
        ("json/zlib", "expected ':' and options after 'json', found '/zlib'"),
        ("json.loads", "found '.loads'"),
        ("json:level=\x00", "expected key=value"),
        ("jsön", "found 'ön'"),
        ("x" * 1001, "at most 1000 characters, this one has 1001"),
    ],
)
def test_bad_grammar_is_shown(text, told):
    """What is no config string is refused, and the message shows the part that is wrong."""
    with pytest.raises(SpecError) as refused:
        parse(text)
    assert told in str(refused.value)


@pytest.mark.parametrize("spec", [None, 5, b"json", ["json"], type("Text", (str,), {})("json")])
def test_a_spec_is_a_str(spec):
    """Anything but a str is refused with its type, a subclass too."""
    with pytest.raises(SpecError, match=f"not {type(spec).__name__}"):
        transcoder(spec)


@given(st.text() | st.text("jsnzlib+:=,.-_ 1\n\0é"))
@example("a.b:c:d=e+f")
def test_any_text_is_a_spec_or_a_spec_error(text):
    """No text raises anything else, and what a spec writes parses to that spec."""
    with contextlib.suppress(SpecError):
        spec = parse(text)
        assert parse(str(spec)) == spec


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,9}", fullmatch=True) | st.just("package.module:Class.name")
OPTIONS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), st.text("aZ0:./-_é%", min_size=1, max_size=9), max_size=3
)
STAGES = st.builds(Stage.of, NAMES, OPTIONS)


@given(st.builds(Spec, STAGES, st.lists(STAGES, max_size=3).map(tuple)))
def test_any_spec_has_a_text(spec):
    """The text of a spec parses to that spec."""
    assert parse(str(spec)) == spec


# Canonical specs of transcoders.


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("msgpack+zstd:level=3", "msgpack+zstd"),
        ("msgpack+zstd:level=5", "msgpack+zstd:level=5"),
        ("json+zlib:level=06", "json+zlib"),
        ("msgpack:engine=ormsgpack", "msgpack"),
        ("msgpack:engine=msgpack lz4", "msgpack:engine=msgpack+lz4"),
        ("pickle5", "pickle"),
        ("pickle5:views=4096+zlib", "pickle:views=4096+zlib"),
        ("pickle:views=0", "pickle"),
    ],
)
def test_canonical_specs(text, canonical):
    """Defaults are dropped, aliases resolved, and the canonical text stands for itself."""
    assert str(transcoder(text).spec) == canonical
    assert transcoder(canonical).spec == transcoder(text).spec == transcoder(transcoder(text).spec).spec


def test_pickle5_reads_pickle():
    """pickle5 is a name of pickle: the same bytes both ways."""
    assert transcoder("pickle5").encode(VALUE) == transcoder("pickle").encode(VALUE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mspack", "there is no codec or transcoder 'mspack'; did you mean 'msgpack'?"),
        ("JSON", "did you mean 'json'?"),
        ("yaml-and-more", "there is cbor, json, msgpack, pickle, pickle5"),
        ("json+zlip", "there is no filter 'zlip'; did you mean 'zlib'?"),
        ("json+json", "there is no filter 'json'; there is aesgcm, blake2, hmac, lz4, zlib, zstd"),
        ("zlib", "there is no codec or transcoder 'zlib'"),
        ("json+zlib:lvl=1", "'zlib' has no option 'lvl'; did you mean 'level'?"),
        ("json:level=1", "'json' has no option 'level'; there is check, layout"),
        ("json+zstd:dictionary=1", "'zstd' has no option 'dictionary'; there is dict, level, min, read"),
    ],
)
def test_unknown_names_get_the_nearest(text, told):
    """A name or option that is not there is answered with the nearest, or with those there are."""
    with pytest.raises(SpecError) as refused:
        transcoder(text)
    assert told in str(refused.value)


def test_nearest_offers_two_at_most():
    """A did-you-mean stays short."""
    assert nearest("zli", ["zlia", "zlib", "zlic"]).count(" or ") == 1


# Options.


@pytest.mark.parametrize("level", ["1", "9", "09"])
def test_whole_numbers_in_range(level):
    """The ends of a range belong to it."""
    assert transcoder(f"json+zlib:level={level}").decode(transcoder("json+zlib").encode(VALUE)) == VALUE


@pytest.mark.parametrize("level", ["0", "10", "-1", "--1", "-", "1.0", "1e0", "0x1", "1_0", "\u0663", "²", "9" * 30])
def test_whole_numbers_out_of_range(level):
    """What is no decimal number, or outside the range, is refused with what the option takes."""
    with pytest.raises(SpecError, match=r"option 'level' takes a whole number from 1 to 9, not '"):
        transcoder(f"json+zlib:level={level}")


@pytest.mark.parametrize("engine", ["msgspec", "MSGPACK", "1"])
def test_choices(engine):
    """A choice that there is not is answered with those there are."""
    with pytest.raises(SpecError, match=rf"option 'engine' takes one of ormsgpack, msgpack, not '{engine}'"):
        transcoder(f"msgpack:engine={engine}")


def test_flags_and_texts():
    """A flag reads yes and no alone; a text reads as it is."""
    flag = Option("loud", "flag", default=False, help="shout")
    assert (flag.read("yes"), flag.read("no")) == (True, False)
    with pytest.raises(SpecError, match="option 'loud' takes yes or no, not 'true'"):
        flag.read("true")
    assert Option("env", "text", None, "a place").read("yes") == "yes"


# Ranks.


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("msgpack+hmac+zstd", "hmac", "zstd"),
        ("json+blake2+zlib", "blake2", "zlib"),
        ("json+zlib+lz4", "zlib", "lz4"),
        ("json+zlib+zlib", "zlib", "zlib"),
        ("json+hmac+blake2", "hmac", "blake2"),
        ("json+zlib+hmac+lz4", "hmac", "lz4"),
    ],
)
def test_ranks_rise(text, before, after):
    """Filters in another order are refused, with the two that are wrong and the reason."""
    reason = "so that bytes are authenticated before anything expands them"
    with pytest.raises(SpecError, match=rf"'{after}' cannot stand after '{before}' in .*{reason}"):
        transcoder(text, keys=[NEW])


@pytest.mark.parametrize("text", ["json+zlib+hmac", "json+lz4+blake2", "cbor+zstd", "pickle+blake2"])
def test_ranks_that_rise(text):
    """Compressor before seal is the order that works."""
    t = transcoder(text, keys=[NEW] if "hmac" in text or "blake2" in text else [])
    assert t.decode(t.encode(VALUE)) == VALUE


# Keys.

SECRET = "correcthorsebattery"


def refusal(*arguments, **named):
    """The message of the SpecError, and all that a traceback would show of it."""
    with pytest.raises(SpecError) as refused:
        transcoder(*arguments, **named)
    return f"{refused.value} {refused.value!r}"


@pytest.mark.parametrize(
    ("text", "keys", "told"),
    [
        ("json+hmac", [], "hmac needs a key: transcoder(..., keys=[secret]) or hmac:env=NAME"),
        ("json+blake2", (), "blake2 needs a key"),
        ("json+hmac", [SECRET[:15].encode()], "keys[0] takes bytes, at least 16 of them, not 15 bytes"),
        ("json+blake2", [NEW, SECRET[:1].encode()], "keys[1] takes bytes, at least 16 of them, not 1 bytes"),
        ("json+hmac", [SECRET], "keys[0] takes bytes, at least 16 of them, not str"),
        ("json+hmac", [bytearray(SECRET.encode())], "not bytearray"),
        ("json+hmac", [None], "not NoneType"),
        ("json+hmac", SECRET.encode(), "keys takes a list of secrets, newest first, not one secret"),
        ("json+hmac", SECRET, "keys takes a list of secrets"),
        ("json", [SECRET.encode()], "keys were given, but json has no stage that uses them: add +hmac or +blake2"),
        ("json+zlib", [SECRET.encode()], "keys were given, but json+zlib has no stage"),
        ("json+hmac:env=SESSION_KEYS", [SECRET.encode()], "'hmac' has keys twice: keys= and env=SESSION_KEYS"),
    ],
)
def test_bad_keys_are_told_but_never_shown(monkeypatch, text, keys, told):
    """Each mistake with keys has its message, and none shows a byte of a key."""
    monkeypatch.setenv("SESSION_KEYS", SECRET)
    message = refusal(text, keys=keys)
    assert told in message
    assert SECRET[:4] not in message


@pytest.mark.parametrize("option", ["key", "keys", "secret", "password"])
def test_no_option_takes_a_secret(option):
    """A secret written into a spec is refused, and not repeated."""
    assert SECRET not in refusal(f"json+hmac:{option}={SECRET}")


def test_a_transcoder_shows_no_key():
    """Neither the spec nor the repr of a transcoder holds its keys."""
    t = transcoder("json+hmac", keys=[SECRET.encode()])
    assert (str(t.spec), repr(t)) == ("json+hmac", "<Transcoder json+hmac>")


@pytest.mark.parametrize("seal", ["hmac", "blake2"])
def test_keys_from_the_environment(monkeypatch, seal):
    """`env=` names a variable with the same keys, commas between, blanks around them ignored."""
    monkeypatch.setenv("SESSION_KEYS", f" {NEW.decode()} , {OLD.decode()}")
    by_name = transcoder(f"json+{seal}:env=SESSION_KEYS")
    assert by_name.encode(VALUE) == transcoder(f"json+{seal}", keys=[NEW]).encode(VALUE)
    assert by_name.decode(transcoder(f"json+{seal}", keys=[OLD]).encode(VALUE)) == VALUE
    assert str(by_name.spec) == f"json+{seal}:env=SESSION_KEYS"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "takes its keys from the environment variable SESSION_KEYS, which is not set"),
        ("", "which is not set"),
        (SECRET[:15], "at least 16 of them, not 15 bytes"),
        (f"{SECRET},", "keys[1] takes bytes, at least 16 of them, not 0 bytes"),
        (f"{SECRET}\udcff", ""),
    ],
)
def test_bad_keys_in_the_environment(monkeypatch, text, told):
    """A variable that is absent or holds no good keys is a SpecError that shows nothing of it."""
    if text is None:
        monkeypatch.delenv("SESSION_KEYS", raising=False)
    else:
        monkeypatch.setenv("SESSION_KEYS", text)
    message = refusal("json+hmac:env=SESSION_KEYS")
    assert told in message
    assert SECRET[:4] not in message


@pytest.mark.parametrize("seal", ["hmac", "blake2"])
def test_key_rotation(seal):
    """The newest key seals, every key opens, a key that is gone opens nothing."""
    before, during, after = (transcoder(f"json+{seal}", keys=keys) for keys in ([OLD], [NEW, OLD], [NEW]))
    assert during.decode(before.encode(VALUE)) == VALUE
    assert during.encode(VALUE) == after.encode(VALUE) != before.encode(VALUE)
    assert after.decode(during.encode(VALUE)) == VALUE
    for reader, writer in ((before, during), (after, before)):
        with pytest.raises(Tampered, match="matches none of the keys"):
            reader.decode(writer.encode(VALUE))


def test_one_key_serves_two_seals():
    """Seals of one secret do not open each other's frames, but `accept` reads both."""
    both = transcoder("json+hmac", keys=[NEW], accept=["json+blake2"])
    assert both.decode(transcoder("json+blake2", keys=[NEW]).encode(VALUE)) == VALUE


@pytest.mark.parametrize("seal", ["hmac", "blake2"])
def test_every_byte_is_sealed(seal):
    """No byte of a sealed frame can be changed, cut or added."""
    t = transcoder(f"json+{seal}", keys=[NEW])
    data = t.encode(VALUE)
    for index in range(len(data)):
        with pytest.raises(DecodeError):
            t.decode(data[:index] + bytes((data[index] ^ 1,)) + data[index + 1 :])
    for changed in (data[:6] + data[7:], data + b"\0", data[:6] + b" " + data[6:]):
        with pytest.raises(Tampered):
            t.decode(changed)
    for cut in (data[:-1], data[:20]):
        with pytest.raises(Truncated):
            t.decode(cut)


@pytest.mark.parametrize("seal", ["hmac", "blake2"])
def test_a_header_cannot_be_swapped(seal):
    """A sealed body does not open behind the header of another codec or form."""
    reader = transcoder(f"json+{seal}", keys=[NEW], accept=[f"msgpack+{seal}"])
    data = reader.encode(VALUE)
    for codec, form in ((2, data[4]), (4, data[4] | 1)):
        with pytest.raises(Tampered):
            reader.decode(data[:3] + bytes((codec, form)) + data[5:])


@pytest.mark.parametrize("seal", ["hmac", "blake2"])
def test_associated_data_is_bound(seal):
    """A frame opens with the associated data it was sealed with, and with no other."""
    t = transcoder(f"json+{seal}", keys=[NEW, OLD])
    data = t.encode(VALUE, associated_data=b"session 1")
    assert t.decode(data, associated_data=b"session 1") == VALUE
    for other in (b"", b"session 2", b"session", b"session 1\0"):
        with pytest.raises(Tampered):
            t.decode(data, associated_data=other)
    with pytest.raises(Tampered):
        t.decode(t.encode(VALUE), associated_data=b"session 1")


@pytest.mark.parametrize("text", ["json", "pickle", "json+zlib"])
def test_associated_data_needs_a_seal(text):
    """Where nothing can bind it, associated data is refused, not ignored."""
    t = transcoder(text)
    told = f"associated data needs a seal, and {text.replace('+', '.')} has none: add .hmac or .blake2"
    with pytest.raises(SpecError, match=told):
        t.encode(VALUE, associated_data=b"session 1")
    with pytest.raises(SpecError, match=told):
        t.decode(t.encode(VALUE), associated_data=b"session 1")


def test_associated_data_refuses_frames_without_a_seal():
    """Whoever swaps a sealed frame for one that is accepted without a seal gets a DecodeError, as for any bytes."""
    t = transcoder("json+hmac", keys=[NEW], accept=["json"])
    with pytest.raises(DecodeError):
        t.decode(transcoder("json").encode(VALUE), associated_data=b"session 1")


@pytest.mark.parametrize("wrong", ["session 1", "", None, 0, 5, ["session 1"]])
def test_associated_data_is_bytes(wrong):
    """Anything but bytes is refused; a session id that is missing is not taken for none wanted."""
    t = transcoder("json+hmac", keys=[NEW])
    with pytest.raises((SpecError, TypeError)):
        t.encode(VALUE, associated_data=wrong)
    with pytest.raises((SpecError, TypeError)):
        t.decode(t.encode(VALUE), associated_data=wrong)
