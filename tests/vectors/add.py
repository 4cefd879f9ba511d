"""Adds the golden vectors that are missing; refuses to change one that is there. Run: python -m tests.vectors.add.

A vector is one frame: stored bytes that every later release must read. `PLAN` says which there are.
"""

import json
import sys
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from typing import Any, NamedTuple

from tests.golden import GOLDEN, TYPED, VIEWED, register_types
from tests.values import same
from transcoders import Transcoder, transcoder

HERE = Path(__file__).parent
CODECS = ("json", "msgpack", "cbor", "pickle")
SEALED = ("hmac", "blake2", "aesgcm")
COMPRESSED = ("zlib", "zstd", "lz4")
KEYS = (bytes(range(32)), b"the secret before that one")
PLAN = tuple(
    chain(
        product(CODECS, GOLDEN),
        product(["pickle:views=64", "pickle:views=64+hmac"], ["long-bytes", "long-arrays"]),
        product([f"json+{name}" for name in (*COMPRESSED, *SEALED)], ["session", "decimals"]),
        product([f"{codec}+{seal}" for codec in CODECS[1:] for seal in SEALED], ["session", "containers"]),
        product(["msgpack+zstd+hmac", "cbor+lz4+blake2", "pickle+zlib+hmac"], ["session", "long-arrays"]),
        product([f"{codec}{layout}" for codec in CODECS for layout in ("", ":layout=compact")], TYPED),
        product(["json+blake2", "msgpack:layout=compact+zlib+hmac"], ["typed"]),
    )
)
"""Spec and name of value of each vector."""


class Vector(NamedTuple):
    spec: str
    keys: list[str]
    name: str
    frame: str


def declared(name: str) -> Any:
    """The declared type of a value; None when it has none."""
    return TYPED[name][0] if name in TYPED else None


def value(name: str) -> Any:
    """The value behind a name."""
    return TYPED[name][1] if name in TYPED else GOLDEN[name]


def reader(vector: Vector) -> Transcoder[Any]:
    """The transcoder that reads the vector."""
    keys = [bytes.fromhex(key) for key in vector.keys]
    return transcoder(vector.spec, keys=keys, schema=declared(vector.name))


def make(spec: str, name: str) -> Vector:
    """The vector that this release writes."""
    keys = KEYS if spec.endswith(SEALED) else ()
    frame = transcoder(spec, keys=keys, schema=declared(name)).encode(value(name))
    return Vector(spec, [key.hex() for key in keys], name, frame.hex())


def reads(vector: Vector) -> bool:
    """Whether this release reads the value of the vector."""
    expected = VIEWED[vector.name] if "views" in vector.spec else value(vector.name)
    return same(reader(vector).decode(bytes.fromhex(vector.frame)), expected)


def varies(spec: str) -> bool:
    """Whether the bytes may be others: another version of a compressor, another nonce."""
    return any(f"+{name}" in spec for name in (*COMPRESSED, "aesgcm"))


def load(directory: Path = HERE) -> list[Vector]:
    """All vectors that there are."""
    return [Vector(**json.loads(path.read_text())) for path in sorted(directory.glob("*.json"))]


def add(directory: Path = HERE) -> Iterator[str]:
    """Write the missing vectors, one line for each; raise ValueError where this release would write another frame."""
    for spec, name in PLAN:
        path = directory / f"{spec.replace(':', '.').replace('=', '-')}.{name}.json"
        vector = make(spec, name)
        if path.exists():
            there = Vector(**json.loads(path.read_text()))
            if there != vector and not (varies(spec) and reads(there)):
                raise ValueError(f"{path.name} is there and holds other bytes: a vector is never changed")
            continue
        if not reads(vector):
            raise ValueError(f"{path.name}: this release does not read what it writes")
        path.write_text(json.dumps(vector._asdict(), indent=1) + "\n")
        yield f"{path.name}: {len(vector.frame) // 2} bytes"


if __name__ == "__main__":
    register_types()
    try:
        for line in add():
            sys.stdout.write(line + "\n")
    except ValueError as error:
        sys.exit(str(error))
