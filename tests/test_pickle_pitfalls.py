"""Every known way to do harm with a pickle is refused before anything runs: as data, under a seal, and as objects.

A seal does not help who has lost its key, so the pickles here are sealed with the right one. A child process reads them
and reports what its interpreter did meanwhile; another reads bombs in little memory and time.
"""

import io
import json
import pickle
import pickletools
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import attacks, child, shop
from tests.attacks import BOMBS, CALLS, CART, CHANGES, CUSTOMER, NAMES, NEW, OBJECTS, call, frames, name, stream, text
from tests.specs import make
from transcoders import DecodeError, Malformed, TooLarge
from transcoders.registry import REGISTRY

SPECS = tuple(frames(b""))
ATTACKS = (*CALLS, *CHANGES, *NAMES)
LENIENT = {"left on the stack", "mark left"}
"""Pickles of data whose last value is taken, as the standard library does, whatever stands below it."""


@pytest.fixture(autouse=True)
def shop_is_known(monkeypatch):
    """A registry with the classes of the shop, for one test."""
    for key, value in vars(type(REGISTRY)()).items():
        monkeypatch.setattr(REGISTRY, key, value)
    shop.register_objects()


# Attacks.


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where the attacks would make a directory."""
    return tmp_path_factory.mktemp("attacks") / "made"


@pytest.fixture(scope="module")
def traced(place):
    """By attack and spec: the error, what the interpreter did, and whether all classes are as they were."""
    told = child.run("import sys\nfrom tests.attacks import trace\ntrace(sys.argv[1])", place)
    return {(key, spec): rest for key, spec, *rest in map(json.loads, told.splitlines())}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("spec", SPECS)
def test_attacks(traced, place, attack, spec):
    """An attack is a DecodeError; no module is imported, no file touched, nothing called, and no class changed."""
    error, ran, same = traced[attack, spec]
    assert (ran, same) == ([], True)
    assert not place.exists()
    assert error in {"Refused", "Malformed", "Truncated", "TooLarge"} or (attack in LENIENT and spec != OBJECTS)


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack != "protocol 4"])
def test_objects_are_refused_before_they_are_made(attack, tmp_path):
    """What is wrong at the end of a pickle is found before the object at its start is made."""
    made = []

    class Watched(shop.Till):
        def __setstate__(self, state):
            """Tell."""
            made.append(state)

    Watched.__qualname__ = "Till"
    REGISTRY.objects["tests.shop:Till"] = REGISTRY.objects["tests.shop:Till"]._replace(target=Watched)
    content = CALLS[attack](text(str(tmp_path / "made"))) if attack in CALLS else (CHANGES | NAMES)[attack]
    till = attacks.built(attacks.TILL + NEW, coins=b"K\1")
    make(OBJECTS).decode(frames(stream(till))[OBJECTS])
    assert made == [{"coins": 1}]
    with pytest.raises(DecodeError):
        make(OBJECTS).decode(frames(b"\x80\x05" + till + b"0" + content[2:])[OBJECTS])
    assert made == [{"coins": 1}]


class Naive(pickle.Unpickler):
    """What is usually recommended: an unpickler that finds a class by an exact name."""

    def find_class(self, module, qualname):
        """The one class."""
        return {("tests.shop", "Cart"): shop.Cart, ("tests.shop", "Customer"): shop.Customer}[module, qualname]


@pytest.mark.parametrize("attack", ["registered class", "registered class from the memo"])
def test_a_list_of_names_is_not_enough(monkeypatch, attack):
    """BUILD on a class that may be named changes it for the process; here it is refused."""
    monkeypatch.setattr(shop.Cart, "admin", False, raising=False)
    Naive(io.BytesIO(CHANGES[attack])).load()
    assert shop.Cart().admin
    shop.Cart.admin = False
    with pytest.raises(DecodeError, match="sets fields of what takes none"):
        make(OBJECTS).decode(frames(CHANGES[attack])[OBJECTS])
    assert not shop.Cart.admin


@pytest.mark.parametrize("attack", ["__class__ as a field", "method", "__setstate__", "twice"])
def test_fields_that_a_list_of_names_lets_pass(attack):
    """BUILD sets whatever it is told; here it sets fields, once, and none that Python or the class gives a meaning."""
    assert type(Naive(io.BytesIO(CHANGES[attack])).load()) is shop.Cart
    with pytest.raises(DecodeError, match=r"which is no field of it|sets fields of what takes none"):
        make(OBJECTS).decode(frames(CHANGES[attack])[OBJECTS])


DATETIME, ARRAY = name("datetime", "datetime"), name("transcoders.objects", "Array")
ZONE, STRUCT = name("zoneinfo", "ZoneInfo"), name("transcoders.objects", "Struct")


@pytest.mark.parametrize(
    "content",
    [
        call(ZONE, text("../../../etc/passwd")), call(ZONE, text("/etc/passwd")), call(ZONE, text("No/Where")),
        call(DATETIME, b"C\x0a" + b"\xff" * 10), call(DATETIME, b"C\x01x"),
        call(name("uuid", "UUID"), b"N", b"C\x01x"), call(name("decimal", "Decimal"), text("one")),
        call(name("decimal", "Decimal"), text("1_0")), call(name("datetime", "timedelta"), b"J\xff\xff\xff\x7fK\0K\0"),
        call(ARRAY, b"](" + text("<i8") + text("C") + b"](\x8a\x06" + bytes(5) + b"\x01ee", b"C\x01x"),
        call(ARRAY, b"](" + text("|O") + text("C") + b"]K\1ae", b"C\x08" + bytes(8)),
        call(STRUCT, CART, attacks.fields(lines=b"N")),
        call(STRUCT, name("tests.shop", "Item"), attacks.fields(no=b"N")),
        call(attacks.COLOUR, b"K\x63"), call(name("collections", "defaultdict"), b"\x88"), b"}]Ns", b"\x8f(]\x90",
    ],
    ids=lambda content: content.hex()[-20:],
)  # fmt: skip
def test_constructors_check_what_they_are_given(content):
    """Arguments of the right kind that make no sense are Malformed: no file is opened by a path, no memory taken."""
    with pytest.raises(Malformed):
        make(OBJECTS).decode(frames(stream(content))[OBJECTS])


# Bombs.


@pytest.fixture(scope="module")
def survived():
    """By spec and bomb: the error, from a child with 192 MiB beyond its own and 20 seconds for each."""
    code = "import sys\nfrom tests.attacks import survive\nsurvive(sys.argv[1])"
    return {spec: dict(map(json.loads, child.run(code, spec).splitlines())) for spec in ("pickle", OBJECTS)}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("spec", ["pickle", OBJECTS])
def test_bombs(survived, bomb, spec):
    """A few bytes that would take gigabytes or hours, and many that would take the stack, are refused as they are."""
    assert survived[spec][bomb] in {"Refused", "TooLarge", "Truncated", "Malformed"}


def shared(levels):
    """A list with itself in both places of a pair, so many times over: as many lists, and a tree of 2**levels."""
    value = []
    for _ in range(levels - 1):
        value = [value, value]
    return value


def test_sharing_costs_what_it_holds():
    """Shared lists are read once each, however often they stand, within the limit of depth."""
    value = make(OBJECTS).decode(make(OBJECTS).encode(shared(250)))
    for _ in range(249):
        assert value[0] is value[1]
        value = value[0]
    deep = frames(stream(b"]" + b"".join(b"\x940]h%ca" % level for level in range(250))))[OBJECTS]
    with pytest.raises(TooLarge, match="nested deeper than 250"):
        make(OBJECTS).decode(deep)


# Whatever passes.


PARTS = [
    *(
        CART,
        CUSTOMER,
        attacks.COLOUR,
        attacks.TILL,
        attacks.ACCOUNT,
        attacks.MKDIR,
        attacks.DECIMAL,
        b"C\1x",
        b"\x82\xf7",
    ),
    *(name("collections", "OrderedDict"), name("builtins", "dict"), text("admin"), text("lines"), text("__class__")),
    *(bytes((code,)) for code in b"N]})(.RbtaseuQ012\x81\x85\x86\x8f\x90\x91\x92\x93\x94\x97\x98"),
    *(b"h%c" % place for place in (0, 1, 2, 4, 5, 9)),
    *(b"K\1", b"q\0", b"\x82\xf7", b"j\2\0\0\0", b"cos\nmkdir\n", attacks.fields(x=b"N")),
]
DATA = (
    *(type(None), bool, int, float, str, bytes, bytearray, datetime, date, time, timedelta, timezone, Decimal, UUID),
    *(ZoneInfo, type, type(shop.Colour), type(shop.User)),
)


def held(value, seen):
    """The types of all that can be reached from a value."""
    if id(value) in seen or value is shop.LOCK:
        return
    seen[id(value)] = value
    yield type(value)
    if isinstance(value, type):
        assert value in {row.target for row in REGISTRY.objects.values()} or value.__module__ != "tests.attacks"
        return
    inside = [*value] if isinstance(value, list | tuple | set | frozenset) else []
    inside += [part for pair in value.items() for part in pair] if isinstance(value, dict) else []
    for part in (*inside, *getattr(value, "__dict__", {}).values()):
        yield from held(part, seen)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_whatever_passes_is_harmless(data):
    """Pickles of ours with opcodes put in, left out and exchanged give registered objects and data, or nothing."""
    customer = shop.Customer("Ann", [shop.Cart(1)], {"lines": (shop.Colour.RED, Decimal(1))})
    customer.friends.append(customer)
    content = pickle.dumps([customer, shop.Till()], 5)
    places = [at for _, _, at in pickletools.genops(content)][2:]
    parts = [content[start:end] for start, end in zip(places, [*places[1:], None], strict=True)]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(parts) - 1))
        parts[at : at + data.draw(st.integers(0, 2))] = data.draw(st.lists(st.sampled_from(PARTS), max_size=3))
        parts = parts or [b"N"]
    before = attacks.state()
    try:
        value = make(OBJECTS).decode(frames(b"\x80\x05" + b"".join(parts))[OBJECTS])
    except DecodeError:
        pass
    else:
        containers = (list, tuple, set, frozenset, dict, type(shop.Colour.RED))
        assert set(held(value, {})) <= {*DATA, *containers, *shop.CLASSES, *(row.target for row in own_rows())}
    assert attacks.state() == before


def own_rows():
    """What may be named beside the registered classes."""
    from transcoders.objects import OURS

    return OURS.values()
