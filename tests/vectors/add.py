"""Adds the golden vectors that are missing; refuses to change one that is there. Run: python -m tests.vectors.add.

A vector is one frame: stored bytes that every later release must read. `PLAN` says which there are.
"""

import json
import sys
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

from tests.golden import GOLDEN, VIEWED, register_types
from tests.values import same
from transcoders import transcoder

HERE = Path(__file__).parent
CODECS = ("json", "msgpack", "cbor", "pickle")
SEALED = ("hmac", "blake2")
COMPRESSED = ("zlib", "zstd", "lz4")
KEYS = (bytes(range(32)), b"the secret before that one")
PLAN = tuple(
    chain(
        product(CODECS, GOLDEN),
        product(["pickle:views=64", "pickle:views=64+hmac"], ["long-bytes", "long-arrays"]),
        product([f"json+{name}" for name in (*COMPRESSED, *SEALED)], ["session", "decimals"]),
        product([f"{codec}+{seal}" for codec in CODECS[1:] for seal in SEALED], ["session", "containers"]),
        product(["msgpack+zstd+hmac", "cbor+lz4+blake2", "pickle+zlib+hmac"], ["session", "long-arrays"]),
    )
)
"""Spec and name of value of each vector."""


class Vector(NamedTuple):
    spec: str
    keys: list[str]
    name: str
    frame: str


def make(spec: str, name: str) -> Vector:
    """The vector that this release writes."""
    keys = KEYS if spec.endswith(SEALED) else ()
    frame = transcoder(spec, keys=keys).encode(GOLDEN[name])
    return Vector(spec, [key.hex() for key in keys], name, frame.hex())


def reads(vector: Vector) -> bool:
    """Whether this release reads the value of the vector."""
    keys = [bytes.fromhex(key) for key in vector.keys]
    values = VIEWED if "views" in vector.spec else GOLDEN
    return same(transcoder(vector.spec, keys=keys).decode(bytes.fromhex(vector.frame)), values[vector.name])


def compressed(spec: str) -> bool:
    """Whether another version of a compressor may write other bytes."""
    return any(f"+{name}" in spec for name in COMPRESSED)


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
            if there != vector and not (compressed(spec) and reads(there)):
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
