"""Inputs of nearly the largest size, each hostile in its own way; made when they are needed, not stored.

Collisions: hashes of numbers are numbers modulo 2**61 - 1, and those of UUIDs, Decimals and tuples follow from them.
"""

import base64
import struct
from collections.abc import Iterator

import cbor2
import orjson
import ormsgpack

from tests.fuzz.formats.cbor import head
from tests.handmade import FORMATS, framed, pickled
from transcoders import fidelity

_PRIME = (1 << 61) - 1
_COUNT = 12_000
_KEYS = [n * _PRIME for n in range(8, 8 + _COUNT)]
_UUIDS = [key.to_bytes(16, "big") for key in _KEYS]
_BLOCK = 0x54430000
_NEST = {
    "json": ((b"[", b"]"), (b'{"a":', b"}"), (b'{"$tuple":[', b"]}"), (b'{"$dict":[1,', b"]}"), (b'{"$set":[', b"]}")),
    "msgpack": ((b"\x91", b""), (b"\x81\xa1a", b""), (b"\xc7\x01\x01", b"")),
    "cbor": ((b"\x81", b""), (b"\xa1\x61a", b""), (b"\xda\x54\x43\0\1\x81", b""), (b"\x9f", b"\xff"), (b"\xc2", b"")),
    "pickle": ((b"]", b"a"), (b"(", b"t"), (b"}K\1", b"s"), (b"K\1](", b"e\x86"), (b"\x95" + bytes(8), b"")),
}
_LEAF = {"json": b"1", "msgpack": b"\x01", "cbor": b"\x40", "pickle": b"K\1"}


def bombs(codec: str) -> Iterator[bytes]:
    """Frames of the codec, or of whatever starts with its name."""
    name = next(known for known in FORMATS if codec.startswith(known))
    bodies = [*_nested(name), *_WIDE[name](), *_COLLIDING[name]()]
    for form in (0, 1):
        yield from (framed(name, form, body) for body in bodies if len(body) < (1 << 20) - 5)


def _nested(name: str) -> Iterator[bytes]:
    start, stop = (b"\x80\x05", b".") if name == "pickle" else (b"", b"")
    for opening, closing in _NEST[name]:
        for depth in (60, 100, 125, 126, 249, 250, 251, 253, 500, 700, 1023, 1100, 5_000, 20_000):
            yield start + opening * depth + _LEAF[name] + closing * depth + stop


def _json_wide() -> Iterator[bytes]:
    for item in (b"[]", b"{}", b'{"$set":[]}', b'{"$tuple":[]}', b'"\\u0000"', b"1e5", b'{"$float":"nan"}'):
        yield b"[" + item + (b"," + item) * (150_000 // (len(item) + 1)) + b"]"
    for text in (b"1" * 9_999, b"1E999999999999999999", b"." + b"1" * 9_000, b"1" * 150_000):
        yield b'{"$decimal":"%b"}' % text
        yield b'{"$int":"%b"}' % text.lower()
        yield b"[" + text + b"]"
    yield b'{"$datetime":"%b"}' % (b"2026-11-22T10:11:12[" + b"../" * 200_000 + b"]")
    yield b'{"$array":[["<U1","C",[%b]],""]}' % (b"0," * 60_000 + b"0")
    yield b'{"$bytes":"%b"}' % (b"A" * 200_000)


def _msgpack_wide() -> Iterator[bytes]:
    for item in (b"\x90", b"\x80", b"\xd4\x01\x90", b"\xd4\x02\x90", b"\xc0", b"\xa0", b"\xd6\xff\0\0\0\0"):
        count = 150_000 // len(item)
        yield b"\xdd" + struct.pack(">I", count) + item * count
    yield b"\xdd\0\x10\0\0" * 200
    yield b"\xdf\0\x10\0\0\1" * 150
    yield ormsgpack.packb(ormsgpack.Ext(fidelity.INT, ormsgpack.packb("f" * 150_000)))
    yield ormsgpack.packb(ormsgpack.Ext(fidelity.ENUM, ormsgpack.packb(["values.Mode", (1 << 64) - 1])))


def _cbor_wide() -> Iterator[bytes]:
    for item in (
        b"\x80",
        b"\xa0",
        b"\x9f\xff",
        b"\xda\x54\x43\0\2\x80",
        b"\xf6",
        b"\xc2\x40",
        b"\x5f\xff",
        b"\xf9\x7e\0",
    ):
        yield head(4, 150_000 // len(item)) + item * (150_000 // len(item))
        yield b"\x9f" + item * (150_000 // len(item)) + b"\xff"
    yield b"\x5f" + b"\x40" * 150_000 + b"\xff"
    yield b"\x7f" + b"\x60" * 150_000 + b"\xff"
    yield b"\xc2" + head(2, 150_000) + b"\xff" * 150_000
    yield b"\x9a\0\x10\0\0" * 120
    yield b"\xda\x54\x43\0\x07" + head(3, 150_000) + b"f" * 150_000


def _pickle_wide() -> Iterator[bytes]:
    for item in (b"]", b"}", b")", b"N", b"K\1", b"(", b"\x8c\0", b"]\x86", b"\x95" + bytes(8), b"K\2]\x86"):
        count = 150_000 // len(item)
        yield b"\x80\x05](" + item * count + b"e."
        yield b"\x80\x05(" + item * count + b"t."
    yield b"\x80\x05\x8b" + struct.pack("<i", 150_000) + b"\x7f" * 150_000 + b"."
    yield b"\x80\x05" + b"]" * 100 + b"a" * 99 + b"."


def _json_colliding() -> Iterator[bytes]:
    for name, texts in (
        ("int", [f"{key:x}" for key in _KEYS]), ("decimal", [str(key) for key in _KEYS]),
        ("uuid", [base64.b64encode(data).decode() for data in _UUIDS]),
    ):  # fmt: skip
        keys = [{f"${name}": text} for text in texts]
        yield orjson.dumps({"$set": keys})
        yield orjson.dumps({"$frozenset": keys})
        yield orjson.dumps({"$dict": [part for key in keys for part in (key, 1)]})
        yield orjson.dumps({"$set": [{"$tuple": [key]} for key in keys]})


def _msgpack_colliding() -> Iterator[bytes]:
    for kind, payloads in (
        (fidelity.UUID_, _UUIDS), (fidelity.INT, [f"{key:x}" for key in _KEYS]),
        (fidelity.DECIMAL, [str(key) for key in _KEYS]),
    ):  # fmt: skip
        keys = [ormsgpack.Ext(kind, ormsgpack.packb(payload)) for payload in payloads]
        yield ormsgpack.packb(ormsgpack.Ext(fidelity.SET, ormsgpack.packb(keys)))
        yield ormsgpack.packb(
            ormsgpack.Ext(fidelity.PAIRS, ormsgpack.packb([part for key in keys for part in (key, 1)]))
        )
    yield ormsgpack.packb({key % (1 << 64): 1 for key in _KEYS}, option=ormsgpack.OPT_NON_STR_KEYS)


def _cbor_colliding() -> Iterator[bytes]:
    yield cbor2.dumps(dict.fromkeys(_KEYS))
    for keys in (
        _KEYS, [cbor2.CBORTag(37, data) for data in _UUIDS],
        [cbor2.CBORTag(_BLOCK + fidelity.DECIMAL, str(key)) for key in _KEYS],
        [cbor2.CBORTag(_BLOCK + fidelity.TUPLE, [key]) for key in _KEYS],
    ):  # fmt: skip
        yield cbor2.dumps(cbor2.CBORTag(_BLOCK + fidelity.SET, keys))
        yield cbor2.dumps(cbor2.CBORTag(_BLOCK + fidelity.PAIRS, [part for key in keys for part in (key, 1)]))


def _pickle_colliding() -> Iterator[bytes]:
    yield pickled(dict.fromkeys(_KEYS))
    for keys in (
        _KEYS, [(fidelity.UUID_, data) for data in _UUIDS], [(fidelity.DECIMAL, str(key)) for key in _KEYS],
        [(fidelity.TUPLE, [key]) for key in _KEYS],
    ):  # fmt: skip
        yield pickled((fidelity.SET, keys))
        yield pickled((fidelity.PAIRS, [part for key in keys for part in (key, 1)]))


_WIDE = {"json": _json_wide, "msgpack": _msgpack_wide, "cbor": _cbor_wide, "pickle": _pickle_wide}
_COLLIDING = {
    "json": _json_colliding, "msgpack": _msgpack_colliding, "cbor": _cbor_colliding, "pickle": _pickle_colliding,
}  # fmt: skip
