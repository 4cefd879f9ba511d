"""Whole objects in pickles: shared parts and cycles come back as they were, of registered classes and no others."""

import dataclasses
import datetime as dt
import functools
import operator
import os
import pickle
import pickletools
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from enum import EnumMeta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import shop, values
from tests.handmade import sealed
from tests.shop import alike, register_objects
from tests.specs import KEYS, make
from tests.strategies import session_values
from transcoders import EncodeError, Limits, Malformed, Refused, SpecError, TooLarge, frame, peek, register, transcoder
from transcoders.registry import REGISTRY

SPEC = "pickle:objects=yes+hmac"


@pytest.fixture(autouse=True)
def shop_is_known(monkeypatch):
    """A registry with the classes of the shop and of the session values, for one test."""
    for name, value in vars(type(REGISTRY)()).items():
        monkeypatch.setattr(REGISTRY, name, value)
    register_objects(*values.TYPES.values())
    values.register_types()


def again(value, **named):
    """The value, stored and read."""
    t = make(SPEC, **named)
    return t.decode(t.encode(value))


def content(data):
    """The pickle in a frame of objects without buffers."""
    return data[frame.parse(data).size + 6 : -32]


def stored(pickled):
    """A frame that somebody who has the key sealed around any pickle of objects."""
    return sealed(KEYS[0], "hmac", frame.header(1, frame.BUFFERS, (16,)), pickled)


# What comes back.


def cart(*lines):
    """A cart whose lines know it."""
    made = shop.Cart(*lines)
    made.lines += [shop.Line("a-1", made), shop.Line("b-2", made)]
    return made


def shelves(made):
    """The shelf with its slots set."""
    made.above, made.below, made._Shelf__key = made, [made], 7
    return made


def dressed(made, **fields):
    """The instance with more fields."""
    vars(made).update(fields)
    return made


INSTANCES = {
    "dataclass": shop.Customer("Ann", [], {"a": (1, 2)}),
    "dataclass with a cached property": dressed(shop.Customer("Ann"), initial="A"),
    "dataclass with slots": shop.Line("a-1"),
    "frozen dataclass": shop.Tag("new", shop.Tag("old")),
    "frozen dataclass with slots": shop.Seal(7),
    "open class": cart(1),
    "open class without fields": shop.Wheel(),
    "slots": shelves(shop.Shelf()),
    "slots and fields": dressed(shelves(shop.Wheel()), spokes=[8]),
    "own state": shop.Till(),
    "str": shop.Label("long" * 3000),
    "int": dressed(shop.Count(2**70), unit="m"),
    "float": shop.Weight(1.5),
    "list": dressed(shop.Rows([1, [2]]), head="n"),
    "dict": dressed(shop.Index({"a": 1, 2: [3]}), head="n"),
    "tuple": shop.Range((1, [2])),
    "NamedTuple": shop.Place(1, [2]),
    "arguments by name": shop.Span(1, end=[2]),
    "own call": shop.Money(Decimal("1.10"), "CHF"),
    "exception": dressed(shop.Refusal("no", 7), code=7),
    "Struct": shop.Item("a-1", [shop.Item("b-2")]),
    "Struct of keywords": values.Seat(row_number=1, taken_at=[2]),
    "attrs with slots": shop.Point(1, [2]),
    "attrs": shop.Spot(1, [2]),
    "pydantic": shop.User(name="Ann", age=7),
    "members": [shop.Colour.RED, shop.Colour.PAIR, shop.Access.READ | shop.Access.WRITE, shop.Access(0)],
    "class": [shop.Cart, {"kind": shop.Cart}, Decimal],
}


@pytest.mark.parametrize("name", INSTANCES)
def test_instances(name):
    """An instance of every kind of class comes back equal in type, fields and items, twice where it stood twice."""
    value = INSTANCES[name]
    assert alike(again([value, value, {"again": value}]), [value, value, {"again": value}])


@pytest.mark.parametrize(("name", "value"), values.EXAMPLES)
def test_session_values(name, value):
    """Every session value comes back as from the other codecs, without the notation that those need."""
    assert values.same(again(value), value)


@settings(deadline=None)
@given(session_values())
def test_session_values_of_all_kinds(value):
    """Any session value comes back with its types."""
    assert values.same(again(value), value)


COLLECTIONS = [
    OrderedDict([("b", 1), ("a", [2])]),
    Counter("abracadabra"),
    deque([1, [2]]),
    deque([1, 2, 3], 3),
    defaultdict(list, {"a": [1]}),
    defaultdict(shop.Customer, {}),
    defaultdict(None, {1: 2}),
]


@pytest.mark.parametrize("value", COLLECTIONS, ids=repr)
def test_collections(value):
    """The standard library's collections come back with what makes them more than lists and dicts."""
    back = again([value])[0]
    assert (type(back), back) == (type(value), value)
    assert getattr(back, "maxlen", None) == getattr(value, "maxlen", None)
    assert getattr(back, "default_factory", None) is getattr(value, "default_factory", None)


def test_what_is_shared_stays_shared():
    """Lists, dicts, sets, tuples and instances that stand twice are one object again, and equal ones stay two."""
    parts = [[1], {"a": 1}, {1}, (1, []), shop.Tag("x"), dt.datetime.now(dt.UTC), bytearray(b"x")]
    back = again([parts, list(parts), [list(part) for part in parts[:2]]])
    assert all(one is other for one, other in zip(back[0], back[1], strict=True))
    assert back[2][0] == [1]
    assert back[2][0] is not back[0][0]


def test_cycles():
    """An object inside itself comes back inside itself, through fields, slots, lists, dicts, tuples and sets."""
    ann, bob = shop.Customer("Ann"), shop.Customer("Bob")
    ann.friends, bob.friends = [bob, ann], {bob, ann}
    ann.cart, bob.cart = {"owner": ann, ann: 1}, cart(ann)
    tuples: tuple = ([], {})
    tuples[0].append(tuples)
    back = again([ann, bob, tuples])
    assert alike(back, [ann, bob, tuples])
    assert back[0].friends[1] is back[0]
    assert back[2][0][0] is back[2]


def test_large_graphs():
    """A thousand objects that know others, with long texts and large integers, come back as they were."""
    people = [shop.Customer(f"{number:0>5000}" if number % 100 == 0 else f"{number}") for number in range(1000)]
    for number, one in enumerate(people):
        one.friends = [people[number // 2], people[number // 3]]
        one.cart = [2**64 + number, 2**63 + number, "\u00e9" * 300, b"x" * 300, bytearray(b"y")]
    assert alike(again(people), people)
    assert again("z" * 20_000) == "z" * 20_000


NODES = (shop.Customer, shop.Line, shop.Cart, shop.Tag, shop.Rows, shop.Index, shop.Item, shop.Place, list, dict, tuple)


@st.composite
def graphs(draw):
    """Objects that refer to one another at will: those that can be changed to any, the others to earlier ones."""
    made = []
    for kind in draw(st.lists(st.sampled_from(NODES), min_size=1, max_size=12)):
        earlier = st.sampled_from(made) if made else st.none()
        if kind is tuple:
            made.append(tuple(draw(st.lists(earlier, max_size=3))))
        elif kind in {shop.Customer, shop.Line}:
            made.append(kind("a-1"))
        elif kind in {shop.Tag, shop.Item, shop.Place}:
            made.append(kind("a-1", draw(earlier)))
        else:
            made.append(kind())
    anything = st.sampled_from(made) | st.integers() | st.text(max_size=3)
    for one in made:
        if isinstance(one, list):
            one.extend(draw(st.lists(anything, max_size=3)))
        elif isinstance(one, dict):
            one.update(draw(st.dictionaries(st.text(max_size=3) | st.integers(), anything, max_size=3)))
        elif isinstance(one, shop.Customer | shop.Line | shop.Cart):
            one.cart = draw(anything)
        if isinstance(one, shop.Customer):
            one.friends = draw(st.lists(anything, max_size=3))
    return made


@settings(deadline=None, max_examples=200)
@given(graphs())
def test_graphs(graph):
    """Any graph of registered classes comes back with the same shape: what was one object is one object."""
    assert alike(again(graph), graph)


def test_fields_are_set_without_the_constructor():
    """As in every pickle, `__init__` does not run again and a `__setstate__` does."""
    till = shop.Till()
    till.coins = 5
    wheel = dressed(shop.Cart(), lines="no list")
    back = again([till, wheel])
    assert (back[0].coins, back[0].lock) == (5, shop.LOCK)
    assert back[1].lines == "no list"


def test_arrays_lie_outside():
    """Arrays and the buffers of registered classes (PEP 574) come back as views of the frame."""
    image, small = np.arange(1000, dtype="<i4"), np.arange(3)
    t = make(SPEC)
    data = t.encode({"image": image, "small": small, "picture": shop.Picture(bytes(range(256)))})
    back = t.decode(data)
    assert values.same(back["image"], image)
    assert values.same(back["small"], small)
    assert back["picture"].pixels == bytes(range(256))
    for view in (back["image"].ravel(), np.frombuffer(back["picture"].pixels, "u1")):
        assert np.shares_memory(view, np.frombuffer(data, "u1"))


def test_the_body_is_an_ordinary_pickle():
    """Whoever trusts the bytes can read them with the standard library."""
    value = [cart(), UUID(int=1), ZoneInfo("Europe/London"), shop.Colour.RED, defaultdict(list)]
    data = make(SPEC).encode(value)
    assert alike(pickle.loads(content(data))[:1], value[:1])
    assert pickle.loads(content(data))[1:] == value[1:]
    named = {opcode.name for opcode, _, _ in pickletools.genops(content(data))}
    assert named.isdisjoint({"GLOBAL", "INST", "OBJ", "EXT1", "PUT", "BINPUT", "DUP", "PERSID", "BINPERSID"})


STORED = bytes.fromhex(
    "80059559010000000000008c0a74657374732e73686f70948c08437573746f6d65729493942981947d94288c046e616d65948c03416e6e"
    "948c07667269656e6473945d942868008c044c696e659493942981944e7d94288c03736b75948c03612d31948c0463617274944e758694"
    "62680368008c06436f6c6f75729493944b01859452948c137472616e73636f646572732e6f626a65637473948c06537472756374949394"
    "68008c044974656d9493947d9428680d8c03622d32948c046d6f7265948c0475756964948c04555549449493944e431000000000000000"
    "000000000000000001948694529475869452948c087a6f6e65696e666f948c085a6f6e65496e666f9493948c0d4575726f70652f4c6f6e"
    "646f6e948594529468008c045365616c9493942981945d944b07616265680f7d948c0474616773948f942868008c035461679493942981"
    "947d94288c056c6162656c948c017894681c4e7562907375622e"
)
"""What stands in a store since the first release with objects."""


def test_what_is_stored_is_read():
    """The names and ways of making things that earlier releases wrote are read for good."""
    ann = shop.Customer("Ann", [shop.Line("a-1")], {"tags": {shop.Tag("x")}})
    ann.friends += [ann, shop.Colour.RED, shop.Item("b-2", UUID(int=1)), ZoneInfo("Europe/London"), shop.Seal(7)]
    assert alike(make(SPEC).decode(stored(STORED)), ann)


# Who may ask for it.


@pytest.mark.parametrize("spec", ["pickle:objects=yes", "pickle:objects=yes+zlib", "pickle5:objects=yes+zstd"])
def test_a_seal_is_a_must(spec):
    """Without a seal the transcoder is refused when it is made, with what to add, in accept as well."""
    with pytest.raises(SpecError, match=r"it needs a seal: add \+hmac, \+blake2 or \+aesgcm"):
        transcoder(spec)
    with pytest.raises(SpecError, match="it needs a seal"):
        make("json+hmac", spec)


@pytest.mark.parametrize("chain", ["hmac", "blake2", "aesgcm", "zlib+hmac", "zstd+aesgcm", "lz4+aesgcm+blake2"])
def test_seals_and_ciphers(chain):
    """Any seal or cipher will do, behind a compressor too."""
    t = make(f"pickle:objects=yes+{chain}")
    value = cart("x" * 2000)
    assert alike(t.decode(t.encode(value)), value)


def test_views_and_schemas_are_for_data():
    """Objects are stored as they are: neither with views in place of bytes, nor as a declared type."""
    with pytest.raises(SpecError, match="views or objects=yes, not both"):
        make("pickle:objects=yes,views=8+hmac")
    with pytest.raises(SpecError, match="schema= or objects=yes, not both"):
        transcoder(SPEC, keys=KEYS, schema=shop.Customer)


def test_traits():
    """It says of itself that decoding makes more than data, and that equal values may give different bytes."""
    with_objects, without = make(SPEC).traits, make("pickle+hmac").traits
    assert with_objects == without._replace(data_only=False, deterministic=False)
    one, other = [1], [1]
    assert len({make(SPEC).encode(value) for value in ([one, one], [one, other])}) == 2


def test_readers_without_objects_refuse():
    """A frame of objects is refused by whoever did not ask for them, and the message says how to."""
    data = make(SPEC).encode(cart())
    assert (peek(data).codec, peek(data).filters, peek(data).objects) == ("pickle", ("hmac",), True)
    for spec, *accept in (("pickle+hmac",), ("json", "pickle+hmac"), ("pickle", "json+hmac"), ("cbor+hmac",)):
        with pytest.raises(Refused, match=r"accept=\['pickle:objects=yes\+hmac'\]"):
            make(spec, *accept).decode(data)
    for spec in ("pickle+hmac", "json"):
        assert alike(make(spec, SPEC).decode(data), cart())


@pytest.mark.parametrize("value", [{"a": [1, (2,)]}, {1, 2}, np.arange(2000), values.Point(1, {2})], ids=repr)
def test_data_is_read_too(value):
    """What was stored before objects were asked for, tagged or with buffers, is read as it ever was."""
    assert values.same(make(SPEC).decode(make("pickle+hmac").encode(value)), value)


def test_data_is_not_read_as_objects():
    """A pickle of objects in the frame of data is refused, under a seal too: the form decides who reads it."""
    data = make(SPEC).encode(cart())
    for form in (frame.PLAIN, frame.TAGGED):
        with pytest.raises(Refused, match=r"data-only pickles name nothing|not one that data needs"):
            make(SPEC).decode(sealed(KEYS[0], "hmac", frame.header(1, form, (16,)), content(data)))


# What can be registered.


class Meta(type):
    pass


class Asking:
    """A class that answers whatever it is asked for."""

    def __getattr__(self, name):
        """Something."""
        return name


class Deaf:
    """Slots that only the class itself sets."""

    __slots__ = ("x",)

    def __setattr__(self, name, value):
        """Refuse."""
        raise AttributeError(name)


class Sized(bytes):
    pass


class Partly(functools.partial):
    pass


def local():
    """A class that only this call knows."""

    class Local:
        pass

    return Local


REFUSED = {
    "function": (os.mkdir, "posix:mkdir .* a builtin_function_or_method is no class"),
    "getattr": (getattr, "builtins:getattr .* is no class"),
    "lambda": (lambda: None, "a function is no class"),
    "bound": (shop.Cart().add, "tests.shop:Cart.add .* a method is no class"),
    "module": (os, "os .* a module is no class"),
    "instance": (shop.Cart(), "Cart .* a Cart is no class"),
    "text": ("tests.shop:Cart", "a str is no class"),
    "partial": (functools.partial, "functools:partial is of the standard library"),
    "an instance of partial": (functools.partial(int), "a partial is no class"),
    "itemgetter": (operator.itemgetter, "operator:itemgetter is of the standard library"),
    "bytearray": (bytearray, "builtins:bytearray is of the standard library"),
    "object": (object, "builtins:object is of the standard library"),
    "code": (types.CodeType, "builtins:code is of the standard library"),
    "method": (types.MethodType, "builtins:method is of the standard library"),
    "Popen": (__import__("subprocess").Popen, "subprocess:Popen is of the standard library"),
    "type": (type, "classes are code"),
    "EnumMeta": (EnumMeta, "classes are code"),
    "metaclass": (Meta, "classes are code"),
    "local": (local(), "no name that a pickle could hold"),
    "__getattr__": (Asking, "its __getattr__ would be asked for __setstate__"),
    "__setattr__": (Deaf, "its slots would be set by its __setattr__"),
    "of bytes": (Sized, "builtins:bytes is of the standard library"),
    "of partial": (Partly, "functools:partial is of the standard library"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_registered(name):
    """Whatever is called, is code or would run code on the way is refused with the reason."""
    what, told = REFUSED[name]
    with pytest.raises(SpecError, match=f"cannot be loaded from pickles: .*{told.rpartition(' .* ')[2]}") as refused:
        register("object", "some.module:Name", what)
    assert told.partition(" .* ")[0].split(" ")[0] in str(refused.value)
    assert "some.module:Name" not in REGISTRY.objects


@pytest.mark.parametrize("text", ["Cart", "tests.shop.Cart", "tests.shop:", ":Cart", "a:b:c", "a b:c", "shop:Cart."])
def test_objects_are_named_in_full(text):
    """A name that no pickle can hold is refused with the one that this class's pickles do."""
    with pytest.raises(SpecError, match=rf"pickles name its class, 'tests\.shop:Cart', not '{text}'"):
        register("object", text, shop.Cart)
    with pytest.raises(SpecError):
        register("object", "", shop.Cart)


def test_a_name_is_taken_once():
    """A second class under a name is refused unless it replaces the first."""
    with pytest.raises(SpecError, match=r"object 'tests\.shop:Cart' is registered already; replace=True"):
        register("object", "tests.shop:Cart", shop.Line)
    assert REGISTRY.objects["tests.shop:Cart"].target is shop.Cart


def test_a_class_that_moved():
    """Under its old name a class reads what was stored before it moved; what it writes has the new one."""
    data = make(SPEC).encode(shop.Customer("Ann"))
    moved = stored(content(data).replace(b"\x8c\x0atests.shop", b"\x8c\x0aformer.app"))
    with pytest.raises(Refused, match=r"names former\.app:Customer, which is not registered"):
        make(SPEC).decode(moved)
    register("object", "former.app:Customer", shop.Customer)
    assert make(SPEC).decode(moved).name == "Ann"
    assert "former" not in sys.modules
    assert b"former" not in make(SPEC).encode(shop.Customer("Ann"))


# What is not written.


@dataclasses.dataclass
class Stranger:
    x: int = 0


class Former:
    """A class that is pickled the way of protocol 0."""

    def __reduce__(self):
        """What `object` says for protocol 0."""
        return object.__reduce__(self)


def made_cart():
    """A cart, for one that says it is made by a function."""
    return shop.Cart()


class Made:
    def __reduce__(self):
        """A function."""
        return made_cart, ()


class Broken:
    def __reduce__(self):
        """An error that no pickler knows."""
        raise ArithmeticError("on strike")


class Keen:
    """A class whose hash asks for a field."""

    def __init__(self):
        """A set of itself."""
        self.name = "x"
        self.peers = {self}

    def __hash__(self):
        """That of the field."""
        return hash(self.name)

    def __eq__(self, other):
        """Whether it is the same."""
        return self is other


HERE = Stranger.__module__
SHOWN = f"{HERE}:Stranger"
UNWRITTEN = {
    "unregistered": (Stranger(), rf"^\$: {SHOWN} is not registered: register\('object', '{SHOWN}', Stranger\)$"),
    "unregistered class": ([Stranger], f"{HERE}:Stranger is not registered: register"),
    "registered elsewhere": ([shop.Cart(), {1: [Stranger()]}], f"{HERE}:Stranger is not registered"),
    "function": ([os.mkdir], "posix:mkdir cannot be loaded from pickles: a builtin_function_or_method is no class"),
    "own function": ([made_cart], f"{HERE}:made_cart cannot be loaded from pickles: a function is no class"),
    "lambda": ([lambda: None], "cannot be loaded from pickles: a function is no class"),
    "bound": ([shop.Cart().add], "Cart.add cannot be loaded from pickles: a method is no class"),
    "module": ([os], "cannot be loaded from pickles: a module is no class"),
    "partial": ([functools.partial(int)], "functools:partial is of the standard library"),
    "object": ([object()], "builtins:object is of the standard library"),
    "type": ([type(None)], "builtins:NoneType is of the standard library"),
    "buffer": ([pickle.PickleBuffer(b"x")], "each buffer in an array"),
    "undeclared": (dressed(shop.Customer("Ann"), extra=1), "sets extra of a Customer, which is no field of it"),
    "undeclared slot": (dressed(shop.Spot(1), __class__=1), "sets __class__ of a Spot, which is no field of it"),
    "hidden": (dressed(shop.Cart(), add=1), "sets add of a Cart, which is no field of it"),
    "dunder": (dressed(shop.Cart(), __doc__=1), "sets __doc__ of a Cart, which is no field of it"),
    "no text": (dressed(shop.Cart(), **{"x" * 20_000: 1}), "sets what is no name of a Cart"),
    "attributes of an OrderedDict": (dressed(OrderedDict(), x=1), "sets fields of what takes none"),
    "deep": (values.nested(251, lambda value: [value]), "nested deeper than 250"),
    "wide": ([0] * 70_000, "expected at most 65536 items"),
    "heavy key": ({tuple(range(2000)): 1}, "a key of more than 1024 parts"),
    "big": (10**1300, "at most 1233 digits"),
    "far": (Decimal("1E+999999999"), "exponent"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNWRITTEN)
def test_what_is_not_written(name):
    """What would not be read back is not written; the error names it, and how to register it where that helps."""
    value, told = UNWRITTEN[name]
    with pytest.raises(EncodeError, match=told):
        make(SPEC).encode(value)


@pytest.mark.parametrize(
    ("cls", "told"),
    [
        (Former, "copyreg:_reconstructor cannot be loaded from pickles: a function is no class"),
        (Made, f"{HERE}:made_cart cannot be loaded from pickles: a function is no class"),
        (Broken, "cannot be pickled: ArithmeticError: on strike"),
        (Keen, "a Keen is a key inside itself"),
    ],
)
def test_classes_that_reduce_to_more(cls, told):
    """A registered class whose pickles name functions, fail, or could not be loaded is refused when it is written."""
    register("object", shop.name(cls), cls)
    with pytest.raises(EncodeError, match=told):
        make(SPEC).encode([cls()])


def test_a_chain_longer_than_the_stack():
    """Objects that hang on one another deeper than the limit are an EncodeError, however deep."""
    for length in (300, 100_000):
        last = None
        for _ in range(length):
            last = shop.Line("a", last)
        with pytest.raises(EncodeError, match="nested"):
            make(SPEC).encode(last)
        while last is not None:  # taken apart link by link, for Python frees slots inside one another
            last = last.cart


def test_extension_codes_are_not_written():
    """A class with a code of the extension registry, which would be read past everybody, is refused."""
    import copyreg

    copyreg.add_extension(shop.Cart.__module__, "Cart", 0xF5)
    try:
        with pytest.raises(EncodeError, match="opcode 0x82 at byte"):
            make(SPEC).encode(shop.Cart())
    finally:
        copyreg.remove_extension(shop.Cart.__module__, "Cart", 0xF5)


@pytest.mark.parametrize(
    ("limits", "value"), [({"depth": 3}, [[[[]]]]), ({"items": 3}, [[1, 2], 3]), ({"size": 99}, cart())]
)
def test_limits(limits, value):
    """The limits hold for the writer; what is within them comes back."""
    with pytest.raises(EncodeError):
        again(value, limits=Limits(**limits))
    assert again([[[]]], limits=Limits(**limits)) == [[[]]]


def test_limits_of_the_reader():
    """The limits hold for the reader: depth through objects, items, and keys that may collide."""
    data = {
        "depth": make(SPEC).encode(shop.Line("a", shop.Line("b", [shop.Line("c")]))),
        "items": make(SPEC).encode([[1, 2], shop.Line("a", [3, 4])]),
        "collisions": make(SPEC).encode({UUID(int=number): number for number in range(4)}),
    }
    for name, one in data.items():
        with pytest.raises(TooLarge):
            make(SPEC, limits=Limits(**{name: 3})).decode(one)
        make(SPEC, limits=Limits(**{name: 20})).decode(one)


def test_what_a_class_refuses():
    """An error of the class's own code on the way in is a Malformed frame."""
    data = make(SPEC).encode(shop.Till())
    with pytest.raises(Malformed, match="expected an object graph: KeyError: 'coins'"):
        make(SPEC).decode(stored(content(data).replace(b"\x8c\x05coins", b"\x8c\x05COINS")))


def test_a_class_that_is_gone():
    """What is not registered any more is not loaded, though it could be imported."""
    data = make(SPEC).encode([shop.Cart()])
    del REGISTRY.objects["tests.shop:Cart"]
    with pytest.raises(Refused, match=r"names tests\.shop:Cart, which is not registered"):
        make(SPEC).decode(data)


# Types of data-only sessions, which their constructor brings back.


@dataclasses.dataclass
class Scaled:
    x: int
    by: dataclasses.InitVar[int] = 2

    def __post_init__(self, by):
        """Scale."""
        self.x *= by


@dataclasses.dataclass
class Own:
    x: int

    def __init__(self, y):
        """Another name."""
        self.x = y


@dataclasses.dataclass(init=False)
class Without:
    x: int


@dataclasses.dataclass
class Ordered:
    x: int

    def __init__(self, x, /):
        """By place alone."""
        self.x = x


@dataclasses.dataclass
class Same:
    x: int

    def __init__(self, x):
        """By the name of the field."""
        self.x = x


@pytest.mark.parametrize(("cls", "odd"), [(Scaled, "by"), (Own, "x"), (Without, "x"), (Ordered, "x")])
def test_types_that_would_not_come_back(cls, odd):
    """A dataclass whose constructor does not take its fields by name is refused as a type, and by the writer."""
    with pytest.raises(SpecError, match=f"{cls.__name__}: its constructor and its fields differ in '{odd}'"):
        register("type", "mine", cls)
    made = object.__new__(cls)
    made.x = 1
    with pytest.raises(EncodeError, match="its constructor and its fields differ"):
        make("json").encode([made])


def test_types_with_a_constructor_of_their_own():
    """A dataclass with its own constructor that takes its fields by name is a type like any other."""
    register("type", "same", Same)
    assert make("json").decode(make("json").encode([Same(7)])) == [Same(7)]
