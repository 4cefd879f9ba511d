"""JSON as nobody's encoder writes it: odd numbers, escapes, white space, keys twice."""

import json
from base64 import b64encode
from random import Random
from typing import Any

import orjson

from tests.fuzz.trees import Pairs, Tag, treed
from transcoders import fidelity

SCRAPS = tuple(
    b'{ } [ ] , : " "" null true nul tru NaN Infinity -Infinity -0 -0.0 01 1. .1 1e5 1E400 -1e-400 1e-5 0.1e1 +1 0x1 '
    b"18446744073709551615 18446744073709551616 -9223372036854775809 12345678901234567890123 1.7976931348623159e308 "
    b'"\\u0000" "\\ud800" "\\udc00\\ud800" "\\ud83d\\ude00" "\\x" "\\u00" "\\/" "\xff" "\xed\xa0\x80" \xef\xbb\xbf '
    b'{"$ {"$tuple": {"$set": {"$dict": {"$number": {"$decimal": {"$": {"$$": // /**/ \x0b \x00'.split(b" ")
)
"""Pieces of text, right and wrong."""


def read(body: bytes) -> Any:
    """The tree of a JSON text; tag objects are maps like any other."""
    return treed(orjson.loads(body))


def write(node: Any, rng: Random) -> bytes:
    """The text of the tree."""
    parts: list[str] = []
    _write(node, rng, parts.append)
    return "".join(parts).encode("utf-8", "surrogatepass")


def _write(node: Any, rng: Random, put: Any) -> None:
    luck = rng.random()
    if luck < 0.004:
        put(rng.choice(SCRAPS).decode("latin-1"))
    elif isinstance(node, Tag):
        put("{" + json.dumps(f"${fidelity.NAMES.get(node.kind, node.kind)}") + ":")
        _write(node.payload, rng, put)
        put("}")
    elif isinstance(node, Pairs):
        put("{")
        for index in range(0, len(node) - 1, 2):
            put("," if index else "")
            _write(_key(node[index]), rng, put)
            put(":")
            _write(node[index + 1], rng, put)
        put("}")
    elif isinstance(node, list):
        put("[")
        for index, item in enumerate(node):
            put("," if index else "")
            _write(item, rng, put)
        put("]" if luck < 0.99 else rng.choice((" ]", "\t]", ",]", "}", "")))
    elif isinstance(node, bytes):
        put(json.dumps(b64encode(node).decode()))
    elif type(node) is int and luck < 0.1:
        put(rng.choice(("{}.0", "{}e0", "{}E0", "{}e2", "-{}", "0{}", "{}.00000000000000000001")).format(node))
    else:
        put(json.dumps(node, ensure_ascii=luck < 0.5))


def _key(node: Any) -> str:
    return node if isinstance(node, str) else repr(node)
