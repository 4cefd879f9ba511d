"""Pickles that do harm, opcode by opcode: calls, changes of classes, and bombs; and a child process that reads them.

`CALLS`, `CHANGES` and `BOMBS` are what the standard library's unpickler carries out, or one that asks for names alone.
`trace` and `survive` run in a child and print what happened, as lines of JSON.
"""

import copyreg
import json
import pickle
import pickletools
import resource
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tests import shop
from tests.handmade import framed, sealed
from tests.specs import KEYS, make
from transcoders import DecodeError, Limits, frame

CODES = {opcode.name: opcode.code.encode("latin-1") for opcode in pickletools.opcodes}
EXTENSION = 0xF7
OBJECTS = "pickle:objects=yes+blake2"


def stream(*parts: str | bytes) -> bytes:
    """A pickle of protocol 5: opcodes by name, arguments and other opcodes as bytes."""
    return b"\x80\x05" + b"".join(CODES[part] if isinstance(part, str) else part for part in parts) + b"."


def text(value: str) -> bytes:
    """The opcode that pushes a short str."""
    return CODES["SHORT_BINUNICODE"] + bytes((len(value.encode()),)) + value.encode()


def name(module: str, qualname: str) -> bytes:
    """The opcodes that push what a module calls so."""
    return text(module) + text(qualname) + b"\x93"


def call(function: bytes, *arguments: bytes) -> bytes:
    """The opcodes that push what the function returns."""
    return function + b"(" + b"".join(arguments) + b"tR"


def fields(**state: bytes) -> bytes:
    """The opcodes that push a dict."""
    return b"}(" + b"".join(text(key) + value for key, value in state.items()) + b"u"


def built(target: bytes, **state: bytes) -> bytes:
    """The opcodes that push the target after BUILD."""
    return target + fields(**state) + b"b"


class Account:
    """A class that nobody registers."""

    admin = False


TRUE, NONE = b"\x88", b"N"
MKDIR, GETATTR, IMPORT = name("os", "mkdir"), name("builtins", "getattr"), name("builtins", "__import__")
PARTIAL, DECIMAL = name("functools", "partial"), name("decimal", "Decimal")
ACCOUNT = name("tests.attacks", "Account")
CART, CUSTOMER, LINE = name("tests.shop", "Cart"), name("tests.shop", "Customer"), name("tests.shop", "Line")
COLOUR, TILL, TAG = name("tests.shop", "Colour"), name("tests.shop", "Till"), name("tests.shop", "Tag")
NEW = b")\x81"
"""NEWOBJ without arguments."""

CALLS: dict[str, Callable[[bytes], bytes]] = {
    "GLOBAL": lambda path: stream(b"cos\nmkdir\n", path, "TUPLE1", "REDUCE"),
    "STACK_GLOBAL": lambda path: stream(call(MKDIR, path)),
    "dotted name": lambda path: stream(call(name("uuid", "os.mkdir"), path)),
    "INST": lambda path: stream("MARK", path, b"ios\nmkdir\n"),
    "OBJ": lambda path: stream("MARK", b"cos\nmkdir\n", path, "OBJ"),
    "EXT1": lambda path: stream("EXT1", b"\xf7", path, "TUPLE1", "REDUCE"),
    "EXT2": lambda path: stream("EXT2", b"\xf7\0", path, "TUPLE1", "REDUCE"),
    "EXT4": lambda path: stream("EXT4", b"\xf7\0\0\0", path, "TUPLE1", "REDUCE"),
    "in a list": lambda path: stream("EMPTY_LIST", call(MKDIR, path), "APPEND"),
    "behind data": lambda path: stream("EMPTY_LIST", "MARK", b"N" * 5000, "APPENDS", "POP", call(MKDIR, path)),
    "behind an object": lambda path: stream(built(CART + NEW, lines=NONE), "POP", call(MKDIR, path)),
    "as a field": lambda path: stream(built(CART + NEW, lines=call(MKDIR, path))),
    "from the memo": lambda path: stream(MKDIR, b"\x94", "POP", b"h\0", path, "TUPLE1", "REDUCE"),
    "getattr": lambda path: stream(call(call(GETATTR, call(IMPORT, text("os")), text("mkdir")), path)),
    "partial": lambda path: stream(call(call(PARTIAL, MKDIR, path))),
    "methodcaller": lambda path: stream(
        call(call(name("operator", "methodcaller"), text("mkdir"), path), call(IMPORT, text("os")))
    ),
    "exec": lambda path: stream(call(name("builtins", "exec"), text("import os; os.mkdir(where)"), fields(where=path))),
    "map": lambda path: stream(
        call(name("builtins", "list"), call(name("builtins", "map"), MKDIR, b"]" + path + b"a"))
    ),
    "default factory": lambda path: stream(
        call(GETATTR, call(name("collections", "defaultdict"), call(PARTIAL, MKDIR, path)), text("__missing__")),
        NONE, "TUPLE1", "REDUCE",
    ),
    "behind a new class": lambda path: stream(
        call(name("builtins", "type"), text("C"), b")", b"}"), "POP", call(MKDIR, path)
    ),
}  # fmt: skip
"""By the opcode that pushes a path: pickles that make the directory, by every way to come by a function and call it."""

CHANGES: dict[str, bytes] = {
    "class": stream(ACCOUNT, NONE, fields(admin=TRUE), "TUPLE2", "BUILD"),
    "registered class": stream(CART, NONE, fields(admin=TRUE), "TUPLE2", "BUILD"),
    "registered class from the memo": stream(
        CART, b"\x94", NEW, "POP", b"h\0", NONE, fields(admin=TRUE), "TUPLE2", "BUILD"
    ),
    "class of ours": stream(name("transcoders.objects", "Array"), NONE, fields(admin=TRUE), "TUPLE2", "BUILD"),
    "member": stream(call(COLOUR, b"K\1"), fields(admin=TRUE), "BUILD"),
    "__class__ as a field": stream(built(CART + NEW, __class__=CUSTOMER)),
    "__class__ as a slot": stream(CART + NEW, NONE, fields(__class__=CUSTOMER), "TUPLE2", "BUILD"),
    "__class__ of a dataclass": stream(built(CUSTOMER + NEW, __class__=CART)),
    "__dict__ as a slot": stream(CART + NEW, NONE, fields(__dict__=fields(admin=TRUE)), "TUPLE2", "BUILD"),
    "undeclared field": stream(built(CUSTOMER + NEW, admin=TRUE)),
    "undeclared slot": stream(LINE + NEW, NONE, fields(admin=TRUE), "TUPLE2", "BUILD"),
    "method": stream(built(CART + NEW, add=CART)),
    "__setstate__": stream(built(built(CART + NEW, __setstate__=CART), admin=TRUE)),
    "twice": stream(built(built(CART + NEW, lines=NONE), total=NONE)),
    "a number for a name": stream(CART + NEW, b"}K\1Ns", "BUILD"),
    "no dict": stream(CART + NEW, b"]", "BUILD"),
    "fields of a datetime": stream(
        call(name("datetime", "datetime"), b"C\x0a\x07\xea\x01\x01\0\0\0\0\0\0"), fields(admin=TRUE), "BUILD"
    ),
    "fields of a UUID": stream(built(name("uuid", "UUID") + NEW, int=text("no integer"))),
    "fields of an OrderedDict": stream(built(call(name("collections", "OrderedDict")), admin=TRUE)),
    "items of an instance": stream(CART + NEW, NONE, "APPEND"),
    "items of a class": stream(CART, NONE, NONE, "SETITEM"),
    "members of a list": stream("EMPTY_LIST", "MARK", NONE, "ADDITEMS"),
}
"""Pickles that change what is not theirs to change, or an instance beyond its fields."""

NAMES: dict[str, bytes] = {
    "sys.modules": stream(name("datetime", "sys.modules")),
    "sys.modules of uuid": stream(name("uuid", "sys.modules")),
    "metaclass": stream(name("decimal", "Decimal.__class__")),
    "__subclasses__": stream(name("datetime", "datetime.__class__.__subclasses__")),
    "object.__subclasses__": stream(call(call(GETATTR, name("builtins", "object"), text("__subclasses__")))),
    "attribute of a registered class": stream(name("tests.shop", "Cart.add")),
    "module of a registered class": stream(name("tests.shop", "msgspec.json")),
    "no name": stream(b"K\1K\2\x93"),
    "unregistered": stream(ACCOUNT + NEW),
    "GLOBAL of a registered class": stream(b"ctests.shop\nCart\n", NEW),
    "getattr alone": stream(GETATTR),
    "partial for later": stream(call(PARTIAL, name("builtins", "bytearray"), b"J\0\0\0\x7f")),
    "_reconstructor": stream(call(name("copyreg", "_reconstructor"), CART, name("builtins", "object"), NONE)),
    "code": stream(name("types", "CodeType")),
    "ZoneInfo._unpickle": stream(call(name("zoneinfo", "ZoneInfo._unpickle"), text("UTC"), TRUE)),
    "bytearray of 2 GiB": stream(call(name("builtins", "bytearray"), b"J\0\0\0\x7f")),
    "set of text": stream(call(name("builtins", "set"), text("abc"))),
    "list of text": stream(call(name("builtins", "list"), text("abc"))),
    "Decimal of a tuple": stream(call(DECIMAL, b"K\0K\1\x85J\xff\xff\xff\x7f\x87")),
    "Decimal beyond use": stream(call(DECIMAL, text("1e999999999"))),
    "Counter of text": stream(call(name("collections", "Counter"), text("abc"))),
    "deque of text": stream(call(name("collections", "deque"), text("abc"))),
    "UUID of text": stream(call(name("uuid", "UUID"), text("0" * 32))),
    "constructor": stream(call(CART, NONE)),
    "constructor of a __setstate__": stream(call(TILL)),
    "__new__ with arguments": stream(CART, NONE, "TUPLE1", "NEWOBJ"),
    "__new__ with keywords": stream(CART, b")", fields(a=NONE), "NEWOBJ_EX"),
    "__new__ of a Struct": stream(name("tests.shop", "Item") + NEW),
    "__new__ of ours": stream(DECIMAL + NEW),
    "__new__ of a factory": stream(name("builtins", "dict") + NEW),
    "new Enum": stream(call(COLOUR, text("More"), text("A B"))),
    "instance called": stream(call(CART + NEW)),
    "call with a list": stream(CART, b"]", "REDUCE"),
    "PERSID": stream(b"Psome id\n"),
    "BINPERSID": stream(text("some id"), "BINPERSID"),
    "DUP": stream(NONE, "DUP", "TUPLE2"),
    "PUT": stream(NONE, b"p0\n"),
    "BINPUT": stream(NONE, b"q\0"),
    "GET": stream(NONE, b"\x94", "POP", b"g0\n"),
    "memo that is empty": stream(b"h\0"),
    "LONG": stream(b"L7L\n"),
    "NEXT_BUFFER": stream("NEXT_BUFFER"),
    "READONLY_BUFFER": stream("EMPTY_LIST", "READONLY_BUFFER"),
    "protocol 4": b"\x80\x04" + stream(CART + NEW)[2:],
    "protocol 2": pickle.dumps(shop.Customer("Ann"), 2),
    "protocol 0": pickle.dumps(shop.Customer("Ann"), 0),
    "second protocol": stream(b"\x80\x05", NONE),
    "trailing bytes": stream(CART + NEW) + b"N",
    "second pickle": stream(NONE) + stream(call(MKDIR, text("x"))),
    "no end": stream(CART + NEW)[:-1],
    "cut": stream(CART + NEW)[:9],
    "nothing": b"",
    "left on the stack": stream(NONE, NONE),
    "mark left": stream("MARK", NONE),
    "tuple from nothing": stream("TUPLE2"),
    "mark from nothing": stream("TUPLE"),
}
"""Pickles that name, call or hold what they may not, whether it does harm or not; and broken ones."""

P = (1 << 61) - 1
"""Integers that are multiples of it have one hash."""


def _long(value: int, width: int = 16) -> bytes:
    return b"\x8a" + bytes((width,)) + value.to_bytes(width, "little", signed=True)


def _keys(keys: Iterator[bytes]) -> bytes:
    return stream("EMPTY_DICT", "MARK", b"".join(key + NONE for key in keys), "SETITEMS")


def _shared(levels: int) -> bytes:
    """A pair of one pair twice, so many times over."""
    return NONE + b"".join(b"\x940h%ch%c\x86" % (level, level) for level in range(levels))


def _objects(levels: int) -> bytes:
    return stream((LINE + NEW + NONE + b"}" + text("cart")) * levels, NONE, b"s\x86b" * levels)


BOMBS: dict[str, Callable[[], bytes]] = {
    "LONG_BINPUT at 2**28": lambda: stream(NONE, b"r\0\0\0\x10"),
    "LONG_BINPUT at 2**32 - 1": lambda: stream(NONE, b"r\xff\xff\xff\xff"),
    "PUT at 2**28": lambda: stream(NONE, b"p268435456\n"),
    "BINBYTES8 of 2**40": lambda: stream("BINBYTES8", (1 << 40).to_bytes(8, "little")),
    "BINUNICODE8 of 2**63": lambda: stream("BINUNICODE8", (1 << 63).to_bytes(8, "little")),
    "BYTEARRAY8 of 2**32": lambda: stream("BYTEARRAY8", (1 << 32).to_bytes(8, "little")),
    "FRAME of 2**40": lambda: stream("FRAME", (1 << 40).to_bytes(8, "little"), NONE),
    "LONG4 of 10 MB": lambda: stream("LONG4", (10_000_000).to_bytes(4, "little"), b"\x01" * 10_000_000),
    "LONG4 of 1 MB": lambda: stream("LONG4", (1_000_000).to_bytes(4, "little"), b"\x01" * 1_000_000),
    "10 MB of EMPTY_DICT": lambda: stream("EMPTY_LIST", "MARK", b"}" * 10_000_000, "APPENDS"),
    "10 MB of EMPTY_SET": lambda: stream("EMPTY_LIST", "MARK", b"\x8f" * 10_000_000, "APPENDS"),
    "1 MB of EMPTY_SET": lambda: stream("EMPTY_LIST", "MARK", b"\x8f" * 1_000_000, "APPENDS"),
    "5M nested lists": lambda: stream(b"]" * 5_000_000, b"a" * 4_999_999),
    "100k nested lists": lambda: stream(b"]" * 100_000, b"a" * 99_999),
    "100k nested tuples": lambda: stream(NONE, b"\x85" * 100_000),
    "7k nested objects": lambda: _objects(7_000),
    "300 nested objects": lambda: _objects(300),
    "200k MARKs": lambda: stream(b"(" * 200_000),
    "10 MB of MARK": lambda: stream(b"(" * 10_000_000),
    "key of 900k nested tuples": lambda: stream("EMPTY_DICT", NONE, b"\x85" * 900_000, NONE, "SETITEM"),
    "key of 200k nested tuples": lambda: stream("EMPTY_DICT", NONE, b"\x85" * 200_000, NONE, "SETITEM"),
    "keys of 200k nested tuples": lambda: stream("EMPTY_DICT", b"(", NONE, b"N\x86" * 200_000, NONE, "SETITEMS"),
    "member of 200k nested tuples": lambda: stream(b"\x8f(", NONE, b"\x85" * 200_000, b"\x90"),
    "frozenset of 200k nested tuples": lambda: stream(b"(", NONE, b"\x85" * 200_000, b"\x91"),
    "key of 40 shared pairs by DUP": lambda: stream("EMPTY_DICT", NONE, b"2\x86" * 40, NONE, "SETITEM"),
    "key of 40 shared pairs": lambda: stream("EMPTY_DICT", _shared(40), NONE, "SETITEM"),
    "member of 40 shared pairs": lambda: stream(b"\x8f(", _shared(40), b"\x90"),
    "key of 40 shared objects": lambda: stream(
        "EMPTY_DICT", NONE, b"".join(
            b"\x940" + built(TAG + NEW, label=b"h%c" % level, more=b"h%c" % level) for level in range(40)
        ), NONE, "SETITEM",
    ),
    "100k heavy keys": lambda: stream(
        "EMPTY_LIST", b"(", NONE * 1000, b"t\x94", "MARK", b"}h\0Ns" * 100_000, "APPENDS", "APPEND"
    ),
    "20k colliding integers": lambda: _keys(_long(P * (1 << 60) + P * number) for number in range(20_000)),
    "16k colliding tuples": lambda: _keys(
        b"(" + b"".join(_long(P * (number >> 2 * place & 3), 8) for place in range(7)) + b"t"
        for number in range(16_000)
    ),
    "20k colliding Decimals": lambda: _keys(call(DECIMAL, text(str(P * number))) for number in range(1, 20_000)),
    "10k colliding UUIDs": lambda: _keys(
        call(name("uuid", "UUID"), NONE, b"C\x10" + (P * number).to_bytes(16, "big")) for number in range(10_000)
    ),
    "20k colliding members": lambda: stream(
        b"\x8f(", b"".join(_long(P * (1 << 60) + P * number) for number in range(20_000)), b"\x90"
    ),
}  # fmt: skip
"""Pickles that take memory, time or the stack of whoever loads them."""


def frames(content: bytes) -> dict[str, bytes]:
    """The pickle in a frame for each spec that reads it: as data, as data under a seal, and as objects."""
    return {
        "pickle": framed("pickle", frame.PLAIN, content),
        "pickle+blake2": sealed(KEYS[0], "blake2", frame.header(1, frame.PLAIN, (17,)), content),
        OBJECTS: sealed(KEYS[0], "blake2", frame.header(1, frame.BUFFERS, (17,)), content),
    }


OURS = ("gc.get_referents", "builtins.id")
"""What the library does itself where it looks at depth and keys."""


def trace(path: str) -> None:
    """Print for each attack and spec how it was refused, and what the interpreter did meanwhile (PEP 578)."""
    shop.register_objects()
    copyreg.add_extension("os", "mkdir", EXTENSION)  # type: ignore[no-untyped-call]
    pickle.loads(stream("EXT1", bytes((EXTENSION,))))  # somebody's unrestricted load fills the cache
    before, events = state(), list[str]()
    attacks = {key: made(text(path)) for key, made in CALLS.items()} | CHANGES | NAMES
    watching = False
    readers = {spec: make(spec) for spec in frames(b"")}
    sys.addaudithook(lambda event, _arguments: events.append(event) if watching else None)
    for last in (False, True):  # the first time loads what is loaded when it is used first
        for key, content in attacks.items():
            for spec, data in frames(content).items():
                events.clear()
                watching = True
                told = outcome(readers[spec], data)
                watching = False
                if last:
                    ran = [event for event in events if event not in OURS]
                    print(json.dumps([key, spec, told, ran, state() == before]))  # noqa: T201 - for the parent


def state() -> list[list[str]]:
    """What the classes hold that an attack might change."""
    red = shop.Colour.RED
    held = (Account, shop.Cart, shop.Customer, shop.Line, shop.Colour, shop.Till, red)
    return [sorted(map(str, vars(one).items())) for one in held]


def outcome(reader: Any, data: bytes) -> str:
    """The name of the error that refuses the frame; `read` when none does."""
    try:
        reader.decode(data)
    except DecodeError as error:
        return type(error).__name__
    return "read"


def survive(spec: str, *, memory: int = 192 << 20, seconds: int = 20) -> None:
    """Print how each bomb is refused by a transcoder with room for 16 MiB, in little memory and time."""
    shop.register_objects()
    reader = make(spec, limits=Limits(size=1 << 24))
    for key, made in BOMBS.items():
        data = frames(made())[spec]
        _limit(memory, seconds)
        print(json.dumps([key, outcome(reader, data)]), flush=True)  # noqa: T201 - for the parent


def _limit(memory: int, seconds: int) -> None:
    """Leave so many bytes of address space and seconds of work from where it stands; Linux only."""
    with open("/proc/self/statm") as file:  # noqa: PTH123 - a file of the kernel's
        pages = int(file.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory, resource.RLIM_INFINITY))
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds, resource.RLIM_INFINITY))
