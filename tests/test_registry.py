"""Names become codecs, filters, transcoders, readers and types: built in, registered, by entry point, by path."""

import dataclasses
import enum
import importlib.metadata
import json
import sys

import msgspec
import pytest

from tests.plugin import ReprCodec, ReverseFilter
from transcoders import (
    DecodeError,
    EncodeError,
    Foreign,
    Limits,
    Malformed,
    MissingExtra,
    Refused,
    SpecError,
    Transcoder,
    available,
    frame,
    peek,
    register,
    transcoder,
)
from transcoders.registry import REGISTRY, _points

CODECS = ("pickle", "msgpack", "cbor", "json")
KEY = b"k" * 32


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch):
    """A registry in which nothing but the built-in names is known, for one test."""
    for name, value in vars(type(REGISTRY)()).items():
        monkeypatch.setattr(REGISTRY, name, value)


# Registration.


def test_codecs_and_filters_are_registered():
    """A registered codec and filter stand in a config string like the built-in ones."""
    register("codec", "repr", ReprCodec)
    register("filter", "reverse", ReverseFilter)
    t = transcoder("repr:upper=yes+reverse+hmac", keys=[KEY])
    data = t.encode("hello")
    assert t.decode(data) == "'HELLO'"
    assert str(t.spec) == "repr:upper=yes+reverse+hmac"
    assert t.traits == ReprCodec.traits._replace(deterministic=False)  # as a cipher may draw nonces
    assert (peek(data).codec, peek(data).filters) == ("repr", ("reverse", "hmac"))


def test_tags_without_a_name_are_shown_as_numbers():
    """A frame of a codec that is not registered here says its tags."""
    head = peek(frame.header(200, frame.PLAIN, (201,)) + b"text")
    assert (head.foreign, head.codec, head.filters) == (False, "codec-200", ("filter-201",))


def test_factories_get_options_and_context():
    """A factory is called with its typed options and with limits, types and the seal of its transcoder."""
    calls = []

    def factory(options, context):
        calls.append((dict(options), context))
        return ReprCodec({"upper": True}, context)

    register("codec", "mine", factory)
    limits = Limits(size=100)
    assert transcoder("mine+hmac", keys=[KEY], limits=limits).encode(1)
    ((options, context),) = calls
    assert (options, context.limits, context.types) == ({}, limits, REGISTRY.types)
    assert (context.sealed, context.keys) == (True, ())


def test_names_are_imported_when_used():
    """A factory may be given as text, which is imported at its first use and not before."""
    register("codec", "repr", "tests.plugin:ReprCodec")
    register("codec", "absent", "tests.nowhere:Codec")
    assert transcoder("repr").decode(transcoder("repr").encode(1)) == "1"
    with pytest.raises(SpecError, match=r"codec 'absent' is not there: No module named 'tests\.nowhere'"):
        transcoder("absent")


def test_a_name_that_cannot_be_imported_harms_nobody_else():
    """What is registered but not installed does not break reading frames of others, nor the list of names."""
    register("codec", "absent", "tests.nowhere:Codec")
    data = transcoder("msgpack").encode(1)
    assert peek(data).codec == "msgpack"
    with pytest.raises(Refused):
        transcoder("json").decode(data)
    assert "json" in [offer.name for offer in available()]


def test_names_are_taken_once():
    """A second registration is refused, unless it says that it replaces."""
    register("codec", "mine", ReprCodec)
    for name in ("mine", "json"):
        with pytest.raises(SpecError, match=f"codec '{name}' is registered already; replace=True puts another"):
            register("codec", name, ReprCodec)
    register("codec", "json", ReprCodec, replace=True)
    assert transcoder("json").decode(transcoder("json").encode([1, 2])) == "[1, 2]"


def test_one_name_may_be_of_two_kinds():
    """Names are taken per kind: a codec and a filter do not stand in each other's place."""
    register("codec", "mine", ReprCodec)
    register("filter", "mine", ReverseFilter)
    assert str(transcoder("mine+mine").spec) == "mine+mine"


class Colour(enum.Enum):
    RED = "r"


@pytest.mark.parametrize(
    ("kind", "name", "factory", "told"),
    [
        ("codecs", "mine", ReprCodec, "kinds are codec, filter, transcoder, reader, type, object, store, not 'codecs'"),
        (None, "mine", ReprCodec, "not None"),
        ("codec", "", ReprCodec, "a codec is named by letters, digits, - and _, not by ''"),
        ("codec", "a b", ReprCodec, "not by 'a b'"),
        ("filter", "a+b", ReprCodec, "a filter is named by"),
        ("reader", "a.b", ReprCodec, "not by 'a.b'"),
        ("transcoder", "1st", ReprCodec, "not by '1st'"),
        ("codec", 5, ReprCodec, "not by 5"),
        ("codec", "mine", 5, "codec 'mine' takes a callable or 'package.module:attribute'"),
        ("reader", "mine", None, "reader 'mine' takes a callable"),
        ("type", "", Colour, "not by ''"),
        ("type", "Int", int, "type 'Int' takes an Enum, a dataclass or a msgspec Struct"),
        ("type", "Red", Colour.RED, "type 'Red' takes an Enum"),
    ],
)
def test_bad_registrations(kind, name, factory, told):
    """What cannot be registered is refused with what can."""
    with pytest.raises(SpecError) as refused:
        register(kind, name, factory)
    assert told in str(refused.value)


@pytest.mark.parametrize("name", ["é", "_mine", "pickle5"])
def test_a_registered_name_can_be_used(name):
    """A name that no config string could reach is refused when it is registered."""
    with pytest.raises(SpecError):
        register("codec", name, ReprCodec)


@pytest.mark.parametrize("tag", [2, -1, 256, 300, "x", None])
def test_registered_codecs_have_tags_of_their_own(tag):
    """A codec whose tag is no free byte is refused: its frames could not be told from others'."""
    register("codec", "mine", type("Mine", (ReprCodec,), {"tag": tag}))
    with pytest.raises(SpecError):
        transcoder("mine", accept=["msgpack"])


# Dotted paths and entry points.


def test_dotted_paths():
    """`package.module:attribute` names a codec or a filter without registration."""
    text = "tests.plugin:ReprCodec:upper=yes+tests.plugin:ReverseFilter"
    t = transcoder(text)
    assert t.decode(t.encode("hi")) == "'HI'"
    assert str(t.spec) == text


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tests.nowhere:Codec", "is not there: No module named 'tests.nowhere'"),
        ("tests.plugin:Nothing", "is not there: module 'tests.plugin' has no attribute 'Nothing'"),
        ("tests.plugin:NOT_CALLABLE", "NOT_CALLABLE"),
    ],
)
def test_bad_dotted_paths(name, told):
    """A path that leads to no factory is a SpecError with the reason, for a codec as for a filter."""
    for kind, text in (("codec", name), ("filter", f"json+{name}")):
        with pytest.raises(SpecError) as refused:
            transcoder(text)
        assert f"{kind} '{name}'" in str(refused.value)
        assert told in str(refused.value)


@pytest.fixture
def entry_points(monkeypatch):
    """Entry points of a package that is not installed: name to value, per group."""
    groups = {}

    def points(group):
        return [importlib.metadata.EntryPoint(name, value, group) for name, value in groups.get(group, {}).items()]

    monkeypatch.setattr(importlib.metadata, "entry_points", points)
    _points.cache_clear()
    yield groups
    _points.cache_clear()


def test_entry_points(entry_points):
    """Installed packages offer codecs, filters and readers by entry point."""
    entry_points["transcoders.codecs"] = {"repr": "tests.plugin:ReprCodec"}
    entry_points["transcoders.filters"] = {"reverse": "tests.plugin:ReverseFilter"}
    entry_points["transcoders.readers"] = {"old": "json:loads"}
    t = transcoder("repr+reverse", accept=["old"])
    assert t.decode(t.encode(1)) == "1"
    assert t.decode(b"[1]") == [1]
    with pytest.raises(SpecError, match="did you mean 'repr'"):
        transcoder("reprr")


def test_lookup_order(entry_points):
    """What is built in or registered goes before entry points, so that installing a package changes nothing."""
    entry_points["transcoders.codecs"] = {"json": "tests.plugin:ReprCodec", "mine": "tests.nowhere:Codec"}
    register("codec", "mine", ReprCodec)
    assert transcoder("json").encode([]) == frame.header(4, frame.PLAIN, ()) + b"[]"
    assert transcoder("mine").encode([]) == frame.header(200, frame.PLAIN, ()) + b"[]"


@pytest.mark.parametrize("value", ["tests.nowhere:Codec", "tests.plugin:Nothing"])
def test_broken_entry_points(entry_points, value):
    """An entry point that cannot be loaded is a SpecError that names it."""
    entry_points["transcoders.codecs"] = {"broken": value}
    with pytest.raises(SpecError, match="'broken'"):
        transcoder("broken")


# Packages that are not installed.


@pytest.mark.parametrize(
    ("text", "package", "line"),
    [
        ("json+zstd", "zstandard", 'pip install "transcoders[zstd]"'),
        ("json+lz4", "lz4", 'pip install "transcoders[lz4]"'),
        ("json", "orjson", "pip install transcoders"),
        ("json", "ormsgpack", "pip install transcoders"),
        ("msgpack", "ormsgpack", "pip install transcoders"),
        ("msgpack:engine=msgpack", "msgpack", "pip install transcoders"),
        ("cbor", "cbor2", "pip install transcoders"),
    ],
)
def test_missing_packages(monkeypatch, text, package, line):
    """A package that is not there is a SpecError and an ImportError with the line that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match="needs a package that is not installed: ") as missing:
        transcoder(text)
    assert str(missing.value).endswith(f": {line}")
    assert isinstance(missing.value, SpecError)
    assert isinstance(missing.value, ImportError)
    assert missing.value.extra == (line.split("[")[1][:-2] if "[" in line else None)


def test_offers_say_what_is_missing(monkeypatch):
    """The list of names goes on without a package, and marks what needs it."""
    assert not any(offer.missing for offer in available())
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "cbor2", None)
    assert [offer.name for offer in available() if offer.missing] == ["cbor", "zstd"]


def test_arrays_without_numpy(monkeypatch):
    """A frame with an array is a DecodeError with the pip line where numpy is not installed."""
    body = b'{"$array":[["<i2","C",[2]],"AQACAA=="]}'
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(Malformed, match=r'pip install "transcoders\[numpy\]"'):
        transcoder("json").decode(frame.header(4, frame.TAGGED, ()) + body)


# What there is.


def test_offers():
    """The list has codecs, filters in encode order, then what is registered, with summary, options and traits."""
    register("codec", "repr", ReprCodec)
    register("transcoder", "whole", lambda _options, _context: transcoder("json"))
    register("reader", "old", json.loads)
    offers = {(offer.kind, offer.name): offer for offer in available()}
    assert [name for _, name in offers] == [*CODECS, "zlib", "zstd", "lz4", "aesgcm", "hmac", "blake2", "repr", "whole"]
    assert offers["codec", "repr"].summary == "what Python shows"
    assert offers["codec", "repr"].traits is ReprCodec.traits
    assert [option.name for option in offers["filter", "zlib"].options] == ["level", "min"]
    assert (offers["filter", "zstd"].extra, offers["filter", "zstd"].traits) == ("zstd", None)
    assert (offers["transcoder", "whole"].summary, offers["transcoder", "whole"].options) == ("registered", ())


# Transcoders of somebody else's.


@pytest.fixture
def whole():
    """A registered transcoder named `whole`."""
    register("transcoder", "whole", lambda _options, context: transcoder("msgpack", limits=context.limits))


@pytest.mark.usefixtures("whole")
def test_a_factory_builds_a_whole_transcoder():
    """A name of kind transcoder gives the transcoder that its factory built, within the caller's limits."""
    t = transcoder("whole", limits=Limits(size=20))
    assert isinstance(t, Transcoder)
    assert t.decode(t.encode([1])) == [1]
    with pytest.raises(EncodeError, match="the limit is 20"):
        t.encode("x" * 20)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    "arguments",
    [
        {"spec": "whole+zlib"},
        {"spec": "whole+hmac", "keys": [KEY]},
        {"spec": "whole", "keys": [KEY]},
        {"spec": "whole", "accept": ["json"]},
        {"spec": "json", "accept": ["whole"]},
    ],
)
def test_a_whole_transcoder_stands_alone(arguments):
    """Filters, keys and accept that a whole transcoder would not use are refused, never dropped in silence."""
    with pytest.raises(SpecError):
        transcoder(**arguments)


# Types of the application.


@dataclasses.dataclass
class Point:
    x: int
    y: object = None


class Line(msgspec.Struct):
    start: object
    end: object


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@pytest.mark.parametrize("codec", CODECS)
def test_registered_types(codec):
    """Members and records come back as they were, one inside the other, under the name that was registered."""
    for name, cls in (("colour", Colour), ("point", Point), ("line", Line), ("access", Access)):
        register("type", name, cls)
    value = [Colour.RED, Line(Point(1, {Colour.RED}), (Point(2),)), Access.READ | Access.WRITE]
    t = transcoder(codec)
    data = t.encode(value)
    assert t.decode(data) == value
    assert b"point" in data
    assert b"Point" not in data


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "value", [Colour.RED, Point(1), Line(1, 2), Access.READ], ids=lambda value: type(value).__name__
)
def test_unregistered_types_get_advice(codec, value):
    """A member or record of an unknown type is refused with its path and the line that registers it."""
    name = type(value).__name__
    told = rf"^\$\.cart\[1\]: .*{name} is not registered: register\('type', '{name}', {name}\)$"
    with pytest.raises(EncodeError, match=told) as refused:
        transcoder(codec).encode({"cart": [1, value]})
    assert refused.value.path == "$.cart[1]"


@pytest.mark.parametrize("codec", CODECS)
def test_types_that_are_gone_are_refused(codec, monkeypatch):
    """A stored member of a type that is not registered any more is a DecodeError."""
    register("type", "colour", Colour)
    data = transcoder(codec).encode(Colour.RED)
    monkeypatch.setattr(REGISTRY, "types", {})
    with pytest.raises(DecodeError):
        transcoder(codec).decode(data)


def test_types_are_replaced():
    """A class that moved takes the name of the old one, and reads what that wrote."""
    register("type", "point", Point)
    data = transcoder("json").encode(Point(1))
    moved = dataclasses.make_dataclass("Moved", [("x", int), ("y", object), ("z", int, 3)])
    with pytest.raises(SpecError, match="type 'point' is registered already"):
        register("type", "point", moved)
    register("type", "point", moved, replace=True)
    assert transcoder("json").decode(data) == moved(1, None, 3)


# Readers of what has no frame.


def read(name, data, **named):
    """What a transcoder reads that accepts this reader."""
    return transcoder("json", accept=[name], **named).decode(data)


@pytest.mark.parametrize(
    ("name", "data", "value"),
    [
        ("raw-json", b'{"user": 42}', {"user": 42}),
        ("raw-json", b" [1, 2.5, true, null]\n", [1, 2.5, True, None]),
        ("raw-json", b"123456789012345678901234567890", 123456789012345678901234567890),
        ("raw-json", '{"$decimal": "ä"}'.encode(), {"$decimal": "ä"}),
        ("raw-msgpack", b"\x81\xa4user\x2a", {"user": 42}),
        ("raw-msgpack", b"\x81\x01\xc4\x01a", {1: b"a"}),
        ("raw-cbor", b"\xa1\x64user\x18\x2a", {"user": 42}),
        ("raw-cbor", b"\xa1\x01\x41a", {1: b"a"}),
        ("raw-cbor", b"\xc2\x49" + b"\x01" * 9, int("01" * 9, 16)),
        ("raw-cbor", b"\x9f\x01\x02\xff", [1, 2]),
    ],
)
def test_raw_readers(name, data, value):
    """Bytes of another writer come back as that writer meant them, integers exact."""
    assert read(name, data) == value


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("raw-json", b""),
        ("raw-json", b"NaN"),
        ("raw-json", b"[Infinity]"),
        ("raw-json", b"[-Infinity]"),
        ("raw-json", b"[1e999]"),
        ("raw-json", b'"\\ud800"'),
        ("raw-json", b'{"a": 1, "a": 2}'),
        ("raw-json", b'[{"a": 1, "a": 1}]'),
        ("raw-json", b"1 2"),
        ("raw-json", b"[1]\0"),
        ("raw-json", b"\xff"),
        ("raw-json", b"\xef\xbb\xbf1"),
        ("raw-json", b"1" * 5000),
        ("raw-msgpack", b""),
        ("raw-msgpack", b"\x01\x01"),
        ("raw-msgpack", b"\x92\x01"),
        ("raw-msgpack", b"\xa1\xff"),
        ("raw-msgpack", b"\xd4\x01a"),
        ("raw-msgpack", b"\xd6\x05\0\0\0\0"),
        ("raw-cbor", b""),
        ("raw-cbor", b"\x01\x01"),
        ("raw-cbor", b"\x82\x01"),
        ("raw-cbor", b"\x49"),
        ("raw-cbor", b"\x61\xff"),
        ("raw-cbor", b"\xff"),
        ("raw-cbor", b"\xf7"),
        ("raw-cbor", b"\xe5"),
        ("raw-cbor", b"\xc1\x01"),
        ("raw-cbor", b"\xd8\x1c\x80"),
        ("raw-cbor", b"\xd8\x25\x41a"),
        ("raw-cbor", b"\xd9\x03\xec\x60"),
        ("raw-cbor", b"\xa1\x80\x01"),
    ],
)
def test_raw_readers_guess_nothing(name, data):
    """Bytes that are cut, doubled, followed by others or without a session value are Foreign, with the reason."""
    with pytest.raises(Foreign, match=f"the readers of accept say: {name}: "):
        read(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [("raw-json", b"[[[[[[]]]]]]"), ("raw-msgpack", b"\x91" * 5 + b"\x90"), ("raw-cbor", b"\x81" * 5 + b"\x80")],
)
def test_raw_readers_keep_to_the_depth(name, data):
    """Limits hold for bytes without a frame too."""
    assert read(name, data, limits=Limits(depth=6)) == [[[[[[]]]]]]
    with pytest.raises(DecodeError):
        read(name, data, limits=Limits(depth=5))


def test_registered_readers():
    """A registered reader reads what has no frame; frames do not go to it; a second one is asked after the first."""

    def old(data):
        if not data.startswith(b"old "):
            raise Malformed("expected its magic")
        return data[4:].decode()

    register("reader", "old", old)
    t = transcoder("json", accept=["old", "raw-json", "cbor"])
    assert t.decode(b"old text") == "text"
    assert t.decode(b"[1]") == [1]
    assert t.decode(t.encode([2])) == [2]
    assert t.decode(transcoder("cbor").encode([3])) == [3]
    with pytest.raises(Foreign, match=r"the readers of accept say: old: expected its magic; raw-json: "):
        t.decode(b"?")


def test_registered_readers_may_be_named_raw():
    """A registered reader is found under its own name, whatever that starts with."""
    register("reader", "raw-old", bytes.decode)
    assert read("raw-old", b"text") == "text"


def test_readers_get_no_frames():
    """A frame that is refused does not reach a reader, which might guess."""
    register("reader", "any", bytes.hex)
    with pytest.raises(Refused):
        read("any", transcoder("msgpack").encode(1))


@pytest.mark.parametrize(
    ("accept", "told"),
    [
        (["raw-tests.plugin:ReprCodec"], "codec 'tests.plugin:ReprCodec' has no reader for bytes without a frame"),
        (["raw-yaml"], "there is no codec or transcoder 'yaml'"),
        (["raw-"], "expected a name"),
        (["jsn"], "did you mean 'json'?"),
        (["json+hmac"], "hmac needs a key"),
    ],
)
def test_bad_accept(accept, told):
    """What cannot be accepted is a SpecError when the transcoder is made."""
    with pytest.raises(SpecError) as refused:
        transcoder("json", accept=accept)
    assert told in str(refused.value)


def test_accept_as_one_str():
    """One name may be given without a list around it."""
    assert transcoder("json", accept="raw-json").decode(b"[1]") == [1]
    assert transcoder("json", accept="pickle").decode(transcoder("pickle").encode((1,))) == (1,)
