"""Depth is limited both ways, exactly, for every codec; no nesting crashes a process or leaks a RecursionError."""

import sys

import pytest

from tests import child
from tests.handmade import TAGS
from tests.specs import CODECS, made, make
from tests.values import same
from transcoders import DecodeError, EncodeError, Limits, TranscoderError

every_codec = pytest.mark.parametrize("codec", CODECS)

NESTED_IN = {
    "msgpack": """
sizes = range(2, 300_000, 7)  # of an ext in 32 bits of kind 1, which holds a list of the next
bodies = [b"\\x91" * n + b"\\x90", b"\\x81\\xa1k" * n + b"\\x80", b"\\x81" * n + b"\\x01" * n, b"\\x81\\x91" * n,
          b"".join(b"\\xc9" + size.to_bytes(4, "big") + b"\\x01\\x91" for size in reversed(sizes)) + b"\\xc0"]
""",
    "cbor": """
bodies = [b"\\x81" * n + b"\\x80", b"\\xa1\\x61k" * n + b"\\xa0", b"\\xa1" * n, b"\\x9f" * n + b"\\xff" * n,
          b"\\xdaTC\\0\\1\\x81" * n + b"\\x80", b"\\xdaTC\\0\\1" * n + b"\\x80", b"\\xd8\\x1c" * n]
""",
    "json": """
bodies = [b"[" * n + b"]" * n, b'{"k":' * n + b"1" + b"}" * n, b'{"$tuple":[' * n + b"]}" * n, b'{"$set":' * n,
          b'{"$tuple":' * n + b"1" + b"}" * n, b"[" * n]
""",
    "pickle": """
bodies = [b"]" * n + b"a" * (n - 1), b"}\\x8c\\x01k" * n + b"N" + b"s" * n, b"N" + b"\\x85" * n, b"(" * n,
          b"K\\x01" * n + b"N" + b"\\x86" * n, b"(" * n + b"t" * n]
bodies = [b"\\x80\\x05" + body + b"." for body in bodies]
""",
}
SINK = """
import sys
from transcoders import DecodeError, Limits, frame, transcoder
n = 100_000
t = transcoder(sys.argv[1], limits=Limits(size=1 << 24))
{}
for body in bodies:
    for form in (frame.PLAIN, frame.TAGGED):
        try:
            t.decode(frame.header(int(sys.argv[2]), form, ()) + body)
            print("read", body[:20])
        except DecodeError:
            print("refused")
"""


@every_codec
def test_deep_bytes_harm_nothing(codec):
    """Bytes nested 100,000 deep, in every container and tag of the format, are DecodeErrors and no crash."""
    name = codec.partition(":")[0]
    told = child.run(SINK.format(NESTED_IN[name]), codec, TAGS[name])
    assert set(told.splitlines()) == {"refused"}


CLIMB = """
import sys
from transcoders import EncodeError, transcoder
t = transcoder(sys.argv[1], keys=[b"k" * 16] if "hmac" in sys.argv[1] else ())
wraps = [lambda v: [v], lambda v: {"k": v}, lambda v: (v,), lambda v: frozenset((v,)), lambda v: {1.5: v},
         lambda v: [(v,)], lambda v: {"a": [v], "b": None}]
values = []
for wrap in wraps:
    value = None
    for _ in range(100_000):
        value = wrap(value)
    values.append(value)
values.append({values[3]})
endless = []
endless.append(endless)
itself = {}
itself["itself"] = itself
knot = ([],)
knot[0].append(knot)
for value in (*values, endless, itself, knot, [endless], {"a": (1, itself)}):
    try:
        t.encode(value)
        print("written")
    except EncodeError as error:
        print("refused")
"""


@pytest.mark.parametrize("codec", [*CODECS, "pickle:views=8", "pickle+hmac", "json+zlib"])
def test_deep_values_harm_nothing(codec):
    """Values nested 100,000 deep, and values that hold themselves, are EncodeErrors and no crash."""
    assert child.run(CLIMB, codec).split() == ["refused"] * 13


WRAPS = {
    "list": lambda value: [value],
    "dict": lambda value: {"key": value},
    "tuple": lambda value: (value,),
    "frozenset": lambda value: frozenset((value,)),
    "pairs": lambda value: {1.5: value},
}


def nested(wrap, depth, leaf):
    """The leaf in that many containers."""
    for _ in range(depth):
        leaf = WRAPS[wrap](leaf)
    return leaf


LEAVES = {"None": (None, 0), "int": (1, 0), "bytes": (b"bytes", 0), "tag": (1 << 70, 0), "tuple": ((), 1)}
"""Leaves that do and do not need a tag, and how deep they are themselves."""


def passes(function, argument):
    """Whether there is no EncodeError and no DecodeError."""
    try:
        function(argument)
    except (EncodeError, DecodeError):
        return False
    return True


@pytest.mark.parametrize("codec", [*CODECS, "pickle:views=8", "pickle+hmac", "json+hmac"])
@pytest.mark.parametrize("wrap", WRAPS)
def test_a_depth_of_five_is_exactly_five(codec, wrap):
    """Five containers pass both ways and six are refused both ways, plain or tagged."""
    shallow, deep = make(codec, limits=Limits(depth=5)), made(codec)
    for depth in (5, 6):
        values = {name: nested(wrap, depth - own, leaf) for name, (leaf, own) in LEAVES.items()}
        assert {name: passes(shallow.encode, value) for name, value in values.items()} == dict.fromkeys(
            LEAVES, depth == 5
        )
        frames = {name: deep.encode(value) for name, value in values.items()}
        assert {name: passes(shallow.decode, data) for name, data in frames.items()} == dict.fromkeys(
            LEAVES, depth == 5
        )


@pytest.mark.parametrize("codec", [*CODECS, "pickle:views=8", "pickle+hmac"])
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("leaf", [None, 1 << 70], ids=["plain", "tag"])
def test_what_is_deep_is_written_and_read_or_refused(codec, wrap, leaf):
    """Around each engine's own depth a value is an EncodeError or comes back, and at 100 it comes back."""
    t = made(codec)
    for depth in (100, 124, 125, 126, 127, 128, 200, 248, 249, 250, 251, 252, 253, 254, 255, 256, 300):
        value = nested(wrap, depth, leaf)
        try:
            data = t.encode(value)
        except EncodeError:
            assert depth > 100
        else:
            assert same(t.decode(data), value)


def below(frames, function):
    """What the function does with so many frames of stack left."""
    used, caller = 1, sys._getframe()
    while caller := caller.f_back:
        used += 1

    def fall(steps):
        return fall(steps - 1) if steps else function()

    return fall(sys.getrecursionlimit() - used - frames)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("frames", [60, 120, 240, 480])
def test_little_stack_is_no_recursion_error(codec, wrap, frames):
    """Far down in the stack of the caller, what does not fit is a TranscoderError."""
    t = made(codec)
    value = nested(wrap, 100, None)
    data = t.encode(value)
    for function in (lambda: t.encode(value), lambda: t.decode(data), lambda: t.decode(memoryview(data))):
        try:
            below(frames, function)
        except TranscoderError:
            assert frames < 480


RAW = {
    "raw-json": lambda depth: b"[" * depth + b"]" * depth,
    "raw-msgpack": lambda depth: b"\x91" * (depth - 1) + b"\x90",
    "raw-cbor": lambda depth: b"\x81" * (depth - 1) + b"\x80",
    "raw-pickle": lambda depth: b"\x80\x05" + b"]" * depth + b"a" * (depth - 1) + b".",
}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("frames", [60, 120, 240, 480])
@pytest.mark.parametrize("depth", [100, 250, 900, 100_000])
def test_readers_of_accept_raise_no_recursion_error(name, frames, depth):
    """Bytes without a frame, too, end in a value or a DecodeError wherever they are read."""
    t = make("json", name)
    try:
        below(frames, lambda: t.decode(RAW[name](depth)))
    except DecodeError:
        assert depth > 100 or frames < 480
