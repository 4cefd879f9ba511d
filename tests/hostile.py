"""Bodies that harm a decoder: deep, wide, of declared lengths, of shared parts, of numbers, of hashes of choice.

Most follow the measurements of decoders that take them: what was killed, ran for seconds or took gigabytes there. Large
ones are made when they are asked for.

Collisions: hashes of numbers are remainders modulo 2**61 - 1, and those of UUIDs, Decimals and tuples follow from them.
"""

import base64
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cbor2
import orjson
import ormsgpack

from tests.handmade import pickled
from transcoders import fidelity

BLOCK = 0x54430000
PRIME = (1 << 61) - 1
COUNT = 10_000
KEYS = [n * PRIME for n in range(9, 9 + COUNT)]
"""Integers beyond 64 bits, all of the hash 0."""
UUIDS = [key.to_bytes(16, "big") for key in KEYS]
MILLION = 1_000_000


class Hostile(NamedTuple):
    """A body.

    Attributes:
        name: what it does.
        kind: the error that it gives: `refused` for any, `value` where it is harmless and read.
        body: makes it.
        forms: the forms of the frame that it is tried in.
    """

    name: str
    kind: str
    body: Callable[[], bytes]
    forms: tuple[int, ...] = (0, 1)


def _json() -> Iterator[Hostile]:
    yield Hostile("100k nested arrays", "refused", lambda: b"[" * 100_000 + b"]" * 100_000)
    yield Hostile("100k nested objects", "refused", lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
    yield Hostile("5000-digit int", "Malformed", lambda: b"[" + b"1" * 5000 + b"]")
    yield Hostile("million-digit int", "Malformed", lambda: b"[" + b"1" * MILLION + b"]")
    yield Hostile("float 1e999999999", "Malformed", lambda: b"[1e999999999]")
    yield Hostile("int of 65 bits", "Malformed", lambda: b"[18446744073709551616]", (1,))
    yield Hostile("least int but one", "Malformed", lambda: b"[-9223372036854775809]", (1,))
    yield Hostile("million-digit fraction", "value", lambda: b"[0." + b"1" * MILLION + b"]")
    yield Hostile("NaN", "Malformed", lambda: b"[NaN]")
    for item in (b"{}", b"[]", b'{"a":1}'):
        yield Hostile(f"a million bytes of {item!r}", "TooLarge", lambda item=item: _joined(item))
    yield Hostile("items in texts of brackets", "value", lambda: b'["' + b"[{" * 400_000 + b'"]')
    yield Hostile("items behind texts of quotes", "TooLarge", lambda: b'["\\"",' + b"[]," * 300_000 + b"1]")
    yield Hostile("a million bytes of empty sets", "TooLarge", lambda: _joined(b'{"$set":[]}'), (1,))
    yield Hostile("million-digit integer of a tag", "TooLarge", lambda: b'{"$int":"%b"}' % (b"f" * MILLION), (1,))
    yield Hostile("million-digit Decimal", "TooLarge", lambda: b'{"$decimal":"%b"}' % (b"1" * MILLION), (1,))
    for text in (b"1E+999999999", b"1E-999999999", b"0E-999999999", b"1E+999999999999999999"):
        yield Hostile(f"Decimal {text!r}", "TooLarge", lambda text=text: b'{"$decimal":"%b"}' % text, (1,))
    for name, texts in (
        ("int", [f"{key:x}" for key in KEYS]), ("decimal", [str(key) for key in KEYS]),
        ("uuid", [base64.b64encode(data).decode() for data in UUIDS]),
    ):  # fmt: skip
        keys = [{f"${name}": text} for text in texts]
        for kind in ("set", "frozenset"):
            yield Hostile(f"{kind} of {name}", "TooLarge", lambda k=kind, v=keys: orjson.dumps({f"${k}": v}), (1,))
        yield Hostile(f"dict of {name}", "TooLarge", lambda v=keys: orjson.dumps({"$dict": _paired(v)}), (1,))
        tuples = [{"$tuple": [key]} for key in keys]
        yield Hostile(f"set of tuples of {name}", "TooLarge", lambda v=tuples: orjson.dumps({"$set": v}), (1,))


def _joined(item: bytes) -> bytes:
    return b"[" + b",".join([item] * (MILLION // (len(item) + 1))) + b"]"


def _paired(keys: list[object]) -> list[object]:
    return [part for key in keys for part in (key, 1)]


def _msgpack() -> Iterator[Hostile]:
    yield Hostile("100k nested arrays", "refused", lambda: b"\x91" * 100_000 + b"\xc0")
    yield Hostile("100k nested maps", "refused", lambda: b"\x81\xa1a" * 100_000 + b"\xc0")
    for name, head in (("bin", b"\xc6"), ("str", b"\xdb"), ("array", b"\xdd"), ("map", b"\xdf"), ("ext", b"\xc9")):
        yield Hostile(f"{name} of 4 GiB", "Malformed", lambda head=head: head + b"\xff\xff\xff\xff\x01")
    yield Hostile("200 nested arrays of a million", "Malformed", lambda: b"\xdd\0\x10\0\0" * 200)
    yield Hostile("500 nested arrays of a million", "Malformed", lambda: b"\xdd\0\x10\0\0" * 500 + bytes(900_000))
    for item in (b"\x80", b"\x90", b"\x81\xa0\xc0", b"\x81\xa1ka"):
        yield Hostile(f"a million bytes of {item.hex()}", "TooLarge", lambda item=item: _array32(item))
    yield Hostile("a million of nil", "TooLarge", lambda: _array32(b"\xc0"))
    yield Hostile("a million bytes of texts", "TooLarge", lambda: _array32(b"\xa2ab"))
    yield Hostile("a million bytes of empty sets", "TooLarge", lambda: _array32(b"\xd4\x02\x90"), (1,))
    yield Hostile("a million bytes in a tuple", "TooLarge", lambda: _ext(fidelity.TUPLE, _array32(b"\x80")), (1,))
    yield Hostile(
        "many long tuples", "TooLarge", lambda: _array32(_ext(fidelity.TUPLE, b"\xdc\x0f\0" + b"\x80" * 3840)), (1,)
    )
    yield Hostile(
        "items in a text",
        "value",
        lambda: b"\xdb" + struct.pack(">I", MILLION) + "\u0800".encode() * (MILLION // 3) + b"x",
    )
    yield Hostile("million-digit integer", "TooLarge", lambda: _ext(fidelity.INT, ormsgpack.packb("f" * 900_000)), (1,))
    yield Hostile("exponent", "TooLarge", lambda: _ext(fidelity.DECIMAL, ormsgpack.packb("1E+999999999")), (1,))
    yield Hostile(
        "keys that are arrays", "Malformed", lambda: _map32([b"\x91" + ormsgpack.packb(n) for n in range(COUNT)])
    )
    for kind, payloads in (
        (fidelity.UUID_, UUIDS), (fidelity.INT, [f"{key:x}" for key in KEYS]),
        (fidelity.DECIMAL, [str(key) for key in KEYS]),
    ):  # fmt: skip
        keys = [ormsgpack.Ext(kind, ormsgpack.packb(payload)) for payload in payloads]
        name = fidelity.NAMES[kind]
        yield Hostile(f"set of {name}", "TooLarge", lambda v=keys: _ext(fidelity.SET, ormsgpack.packb(v)), (1,))
        yield Hostile(
            f"dict of {name}", "TooLarge", lambda v=keys: _ext(fidelity.PAIRS, ormsgpack.packb(_paired(v))), (1,)
        )


def _array32(item: bytes) -> bytes:
    count = MILLION // len(item)
    return b"\xdd" + struct.pack(">I", count) + item * count


def _map32(keys: list[bytes]) -> bytes:
    return b"\xdf" + struct.pack(">I", len(keys)) + b"".join(key + b"\xc0" for key in keys)


def _ext(kind: int, payload: bytes) -> bytes:
    return ormsgpack.packb(ormsgpack.Ext(kind, payload))


def _cbor() -> Iterator[Hostile]:
    for name, head in (
        ("arrays", b"\x81"),
        ("maps", b"\xa1\x61a"),
        ("tags", b"\xda\x54\x43\0\1"),
        ("endless", b"\x9f"),
    ):
        yield Hostile(f"100k nested {name}", "refused", lambda head=head: head * 100_000 + b"\x80")
    for name, head in (
        ("bytes of 4 GiB", b"\x5a\xff\xff\xff\xff"), ("bytes of 2^63", b"\x5b\x7f" + b"\xff" * 7),
        ("text of 2^40", b"\x7b\0\0\1\0\0\0\0\0"), ("array of 2^32", b"\x9a\xff\xff\xff\xff"),
        ("array of 2^60", b"\x9b\x10" + bytes(7)), ("map of 2^60", b"\xbb\x10" + bytes(7)),
        ("300 nested arrays of a million", b"\x9a\0\x10\0\0" * 300), ("reserved head", b"\x9c"),
        ("lone break", b"\xff"),
    ):  # fmt: skip
        yield Hostile(name, "Malformed", lambda head=head: head)
    yield Hostile("a million empty chunks", "value", lambda: b"\x5f" + b"\x40" * MILLION + b"\xff")
    for name, item in (
        ("list that holds itself", b"\xd8\x1c\x81\xd8\x1d\0"), ("string reference", b"\xd9\x01\0\x82\x63abc\xd8\x19\0"),
        ("bigfloat of exponent 2^62", b"\xc5\x82\x1b\x40" + bytes(7) + b"\1"),
        ("decimal of exponent 10^17", b"\xc4\x82\x1b\1\x63\x45\x78\x5d\x8a\0\0\1"),
        ("rational", b"\xd8\x1e\x82\1\0"), ("regular expression", b"\xd8\x23\x78\x1c((((((((a*)*)*)*)*)*)*)*)*$"),
        ("MIME", b"\xd8\x24\x60"), ("IPv4", b"\xd8\x34\x44\x7f\0\0\1"), ("IPv6", b"\xd8\x36\x50" + bytes(16)),
        ("IP address", b"\xd9\x01\x04\x44\x7f\0\0\1"), ("IP network", b"\xd9\x01\x05\xa1\x44\x7f\0\0\0\x18\x08"),
        ("set", b"\xd9\x01\x02\x81\1"), ("date", b"\xd9\x03\xec\x60"), ("epoch", b"\xc1\x1b" + b"\x7f" * 8),
        ("a key twice", b"\xa2\x61a\1\x61a\2"), ("a key in two ways", b"\xa2\x61a\1\x7f\x61a\xff\2"),
        ("an array as key", b"\xa1\x81\1\1"), ("a map as key", b"\xa1\xa0\1"),
        ("a UUID as key", b"\xa1\xd8\x25\x50" + bytes(16) + b"\1"),
        ("a bignum as key", b"\xa1\xc2\x49" + b"\1" * 9 + b"\1"),
    ):  # fmt: skip
        yield Hostile(name, "Malformed", lambda item=item: item)
    shared = b"\xd8\x1c\x82\1\2"
    for _ in range(60):
        shared = b"\xd8\x1c\x82" + shared + b"\xd8\x1d\0"
    yield Hostile("60-deep shared pairs", "Malformed", lambda: shared)
    yield Hostile("60-deep shared pairs as key", "Malformed", lambda: b"\xa1" + shared + b"\1")
    for item in (b"\x80", b"\xa0", b"\xa1\x60\xf6", b"\x9f\xff"):
        yield Hostile(f"a million bytes of {item.hex()}", "TooLarge", lambda item=item: _array(item))
    yield Hostile("a million of null", "TooLarge", lambda: _array(b"\xf6"))
    yield Hostile("a million bytes of empty sets", "TooLarge", lambda: _array(b"\xda\x54\x43\0\2\x80"), (1,))
    yield Hostile(
        "items in a text",
        "value",
        lambda: b"\x7a" + struct.pack(">I", MILLION) + "\u0800".encode() * (MILLION // 3) + b"x",
    )
    yield Hostile(
        "a bignum of a million bytes",
        "TooLarge",
        lambda: b"\xc2\x5a" + struct.pack(">I", 900_000) + b"\xff" * 900_000,
        (1,),
    )
    yield Hostile(
        "the same, negative", "TooLarge", lambda: b"\xc3\x5a" + struct.pack(">I", 900_000) + b"\xff" * 900_000, (1,)
    )
    yield Hostile("keys that are bignums", "Malformed", lambda: cbor2.dumps(dict.fromkeys(KEYS)))
    yield Hostile("keys that are arrays", "Malformed", lambda: _cbor_map([cbor2.dumps([key]) for key in range(COUNT)]))
    yield Hostile(
        "keys that are maps", "Malformed", lambda: _cbor_map([cbor2.dumps({"a": key}) for key in range(COUNT)])
    )
    yield Hostile(
        "keys that are arrays and integers",
        "Malformed",
        lambda: _cbor_map([b"\1", *(cbor2.dumps([n]) for n in range(COUNT))]),
    )
    for name, keys in (
        ("integers", KEYS), ("UUIDs", [cbor2.CBORTag(37, data) for data in UUIDS]),
        ("Decimals", [cbor2.CBORTag(BLOCK + fidelity.DECIMAL, str(key)) for key in KEYS]),
        ("tuples", [cbor2.CBORTag(BLOCK + fidelity.TUPLE, [key]) for key in KEYS]),
    ):  # fmt: skip
        yield Hostile(f"set of {name}", "TooLarge", lambda v=keys: _tag(fidelity.SET, v), (1,))
        yield Hostile(f"dict of {name}", "TooLarge", lambda v=keys: _tag(fidelity.PAIRS, _paired(v)), (1,))


def _array(item: bytes) -> bytes:
    count = MILLION // len(item)
    return b"\x9a" + struct.pack(">I", count) + item * count


def _cbor_map(keys: list[bytes]) -> bytes:
    return b"\xba" + struct.pack(">I", len(keys)) + b"".join(key + b"\xf6" for key in keys)


def _tag(kind: int, payload: object) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(BLOCK + kind, payload))


def _pickle() -> Iterator[Hostile]:
    for name, kind, stream in (
        ("bytes of 2^40", "Truncated", b"\x8e" + struct.pack("<Q", 1 << 40)),
        ("bytearray of 2^32", "Truncated", b"\x96" + struct.pack("<Q", 1 << 32)),
        ("frame of 2^40", "Malformed", b"\x95" + struct.pack("<Q", 1 << 40) + b"N"),
        ("memo of 2^28", "Refused", b"Nr\0\0\0\x10"), ("memo of 2^32", "Refused", b"Nr\xff\xff\xff\xff"),
        ("40-deep shared tuple as key", "Refused", b"}" + b"K\1" + b"2\x86" * 40 + b"K\1s"),
        ("memo", "Refused", b"]\x94h\0a"), ("name", "Refused", b"cos\nsystem\n"),
    ):  # fmt: skip
        yield Hostile(name, kind, lambda stream=stream: _stream(stream))
    yield Hostile("100k nested lists", "TooLarge", lambda: _stream(b"]" * 100_000 + b"a" * 99_999))
    yield Hostile("400k nested lists", "TooLarge", lambda: _stream(b"]" * 400_000 + b"a" * 399_999))
    yield Hostile("100k nested tuples", "TooLarge", lambda: _stream(b"N" + b"\x85" * 100_000), (0,))
    yield Hostile("a million marks", "Malformed", lambda: _stream(b"(" * MILLION))
    for item in (b"}", b"]", b"N\x85", b"](e"):
        yield Hostile(f"a million bytes of {item!r}", "TooLarge", lambda item=item: _listed(item), (0,))
    yield Hostile("a million of None", "TooLarge", lambda: _listed(b"N"))
    yield Hostile("a million bytes of empty sets", "TooLarge", lambda: _listed(b"K\2]\x86"), (1,))
    yield Hostile(
        "items in a text", "value", lambda: _stream(b"X" + struct.pack("<I", MILLION) + b"]}" * (MILLION // 2))
    )
    yield Hostile(
        "an integer of a million bytes",
        "TooLarge",
        lambda: _stream(b"\x8b" + struct.pack("<i", 900_000) + b"\x7f" * 900_000),
    )
    yield Hostile("keys that are large integers", "TooLarge", lambda: pickled(dict.fromkeys(KEYS)))
    yield Hostile(
        "one by one", "TooLarge", lambda: _stream(b"}" + b"".join(pickled(key)[2:-1] + b"Ns" for key in KEYS))
    )
    yield Hostile("keys that are tuples", "TooLarge", lambda: pickled({(key,): 1 for key in KEYS}))
    yield Hostile("keys that are long tuples", "TooLarge", lambda: pickled({(key, 1, 2, 3): 1 for key in range(COUNT)}))
    for name, keys in (
        ("integers", KEYS), ("UUIDs", [(fidelity.UUID_, data) for data in UUIDS]),
        ("Decimals", [(fidelity.DECIMAL, str(key)) for key in KEYS]),
        ("tuples", [(fidelity.TUPLE, [key]) for key in KEYS]),
    ):  # fmt: skip
        yield Hostile(f"set of {name}", "TooLarge", lambda v=keys: pickled((fidelity.SET, v)), (1,))
        yield Hostile(f"dict of {name}", "TooLarge", lambda v=keys: pickled((fidelity.PAIRS, _paired(v))), (1,))


def _stream(opcodes: bytes) -> bytes:
    return b"\x80\x05" + opcodes + b"."


def _listed(item: bytes) -> bytes:
    return _stream(b"](" + item * (MILLION // len(item)) + b"e")


HOSTILE = {"json": _json, "msgpack": _msgpack, "cbor": _cbor, "pickle": _pickle}
"""For each format, its bodies."""
