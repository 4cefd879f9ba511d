"""Hostile trees: what a body may say, right or wrong, before a format writes it.

A node is None, bool, int, float, str, bytes, a list of nodes, `Pairs` or a `Tag`.
"""

from random import Random
from typing import Any, NamedTuple

from tests.test_hostile_tags import KINDS, REFUSED


class Tag(NamedTuple):
    """A kind of the fidelity table, or another number, and its payload."""

    kind: Any
    payload: Any


class Pairs(list[Any]):
    """A map as key, value, key, value: keys may stand twice, and be of any type."""


def treed(value: Any) -> Any:
    """The tree of a value of builtins, in which tuples are tags."""
    if isinstance(value, Tag):
        return Tag(value.kind, treed(value.payload))
    if isinstance(value, tuple):
        return Tag(treed(value[0]), treed(value[1])) if len(value) == 2 else [treed(item) for item in value]
    if isinstance(value, list):
        return [treed(item) for item in value]
    if isinstance(value, dict):
        return Pairs(treed(part) for pair in value.items() for part in pair)
    return value


LIES = [Tag(KINDS.get(name, 99), treed(payload)) for name, payloads in REFUSED.items() for payload in payloads]
"""Tags whose payloads must be refused."""
_LEAVES = (
    *(None, True, False, 0, 1, -1, 23, 24, 127, 128, 255, 256, 65_535, 65_536, 2**31, 2**32, 2**53 + 1, 2**63 - 1),
    *(2**63, 2**64 - 1, -32, -33, -128, -129, -(2**31) - 1, -(2**63), 0.0, -0.0, 0.1, 1e300, 5e-324),
    *(float("inf"), float("-inf"), float("nan"), "", "a", "$", "$set", "$$", "\0", "\xe9", "\u6f22", "\U0001f600"),
    *("\ud800", "1" * 400, "1E+999999999999999999", "NaN123", "\x85", "\u0661", b"", b"\0", b"\xc4\xc1T\x01"),
    *("2026-10-25T01:30:00[Europe/London]", "2026-11-22T10:11:12+00:00", "23:59:59.999999-23:59:59.999999"),
    *("0001-01-01", "9999-12-31T23:59:59", "<M8[25s]", "|S0", "<U1", ">f4", "C", "F"),
)  # fmt: skip
_KINDS = (*range(20), -1, 127, 128, 2**31, 2**64 - 1)


def edited(node: Any, rng: Random, pool: list[Any]) -> Any:
    """The tree after one change somewhere in it; `pool` holds trees to take pieces from."""
    parts = [node.payload] if isinstance(node, Tag) else list(node) if isinstance(node, list) else []
    if not parts or rng.random() < 0.3:
        return _changed(node, rng, pool)
    place = rng.randrange(len(parts))
    parts[place] = edited(parts[place], rng, pool)
    return Tag(node.kind, parts[0]) if isinstance(node, Tag) else type(node)(parts)


def leaf(rng: Random) -> Any:
    """A value at the edge of something."""
    found = rng.choice(_LEAVES)
    return found + rng.randint(-2, 2) if type(found) is int else found


def _changed(node: Any, rng: Random, pool: list[Any]) -> Any:
    match rng.randrange(8):
        case 0:
            return _piece(rng.choice(pool), rng)
        case 1:
            return rng.choice(LIES)
        case 2:
            return Tag(rng.choice(_KINDS), node.payload if isinstance(node, Tag) else node)
        case 3:
            return _wrapped(node, rng)
        case 4 | 5:
            return _bent(node, rng)
        case _:
            return leaf(rng)


def _piece(node: Any, rng: Random) -> Any:
    while isinstance(node, list | Tag) and rng.random() < 0.6:
        parts = [node.payload] if isinstance(node, Tag) else node
        if not parts:
            break
        node = rng.choice(parts)
    return node


def _wrapped(node: Any, rng: Random) -> Any:
    times = rng.choice((1, 1, 1, 2, 5, 130))
    kind = rng.randrange(4)
    for _ in range(times):
        node = ([node], Pairs(["a", node]), Tag(rng.choice((1, 2, 3, 4)), [node]), Pairs([node, node]))[kind]
        kind = 0 if kind == 3 else kind  # doubled once: 2 ** 130 nodes would be a few too many
    return node


def _bent(node: Any, rng: Random) -> Any:
    """The node with a part put in, left out or repeated; a number a little off."""
    if type(node) in {int, float, bool}:
        return node + rng.choice((-1, 1, 2**31, 2**32, -(2**63)))
    if not isinstance(node, str | bytes | list):
        return leaf(rng)
    start = rng.randint(0, len(node))
    stop = rng.randint(start, min(len(node), start + 3))
    piece = node[start:stop] * rng.choice((0, 0, 2, 3, 40))
    if isinstance(node, str) and rng.random() < 0.5:
        piece += rng.choice("0159-+.:[]TZ_eEnN$ \0\u0661\x7f")
    return (
        type(node)(node[:start] + piece + node[stop:]) if isinstance(node, list) else node[:start] + piece + node[stop:]
    )
