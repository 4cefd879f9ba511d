"""Questions about trees of builtins, answered at C speed.

`gc.get_referents` lists what containers hold without a step of Python for each item. That is exact for trees that
hold nothing but None, bool, int, float, str, bytes, bytearray, list, tuple, dict, set and frozenset: a strict packer
or a codec has made sure of that before these functions are called. Instances of other classes would lead to their
class, and from there to everything; `entries` alone takes them, and walks.
"""

from collections.abc import Callable
from gc import get_referents
from types import NoneType
from typing import Any

_CONTAINERS = frozenset((list, tuple, dict, set, frozenset))
_LEAVES = frozenset((NoneType, bool, int, float, str, bytes, bytearray))


def deeper(tree: object, depth: int) -> bool:
    """Whether the tree has containers inside more than `depth` containers, itself included; cycles have."""
    level: list[object] = [tree]
    for _ in range(depth):
        level = get_referents(*level)
        if not level:
            return False
    return not _CONTAINERS.isdisjoint(map(type, level))


def contains(tree: object, kinds: frozenset[type]) -> bool:
    """Whether any value in the tree, itself included, is exactly of one of the kinds."""
    level: list[object] = [tree]
    while level:
        if not kinds.isdisjoint(map(type, level)):
            return True
        level = get_referents(*level)
    return False


def crowded(tree: object, items: int) -> bool:
    """Whether the containers in the tree hold more than so many entries; of a dict, key and value are one."""
    level: list[object] = [tree]
    listed = 0
    while level and listed <= 2 * items:
        level = get_referents(*level)
        listed += len(level)
    # Dicts list their values, and those whose keys are not all str list the keys as well.
    if listed <= items or listed > 2 * items:
        return listed > items
    return entries(tree, items) > items


def pairs(tree: object) -> int:
    """How many keys the dicts in the tree have."""
    level: list[object] = [tree]
    found = 0
    while level:
        found += sum(len(one) for one in level if type(one) is dict)
        level = get_referents(*level)
    return found


def entries(value: object, most: int, parts: Callable[[object], list[Any]] | None = None) -> int:
    """How many entries the containers in the value hold; counts no further than where there are more than `most`.

    Args:
        value: a tree, or with `parts` any value.
        most: where to stop.
        parts: what is in a value that is no builtin container, such as the fields of a record.
    """
    level: list[Any] = [value]
    found = 0
    while level and found <= most:
        below: list[Any] = []
        for one in level:
            kind = type(one)
            if kind in _LEAVES:
                continue
            inside = one if kind in _CONTAINERS else parts(one) if parts else []
            found += len(inside)
            if found > most:  # at once: what is listed in many places is many times what it takes
                return found
            below += inside
            if kind is dict:
                below += one.values()
        level = below
    return found


def halved(tree: object) -> bool:
    """Whether any str in the tree, keys included, holds half a surrogate pair, which is no Unicode text."""
    level: list[Any] = [tree]
    while level:
        level += [key for one in level if type(one) is dict for key in one]  # keys that are str are not referents
        try:
            "".join([one for one in level if type(one) is str]).encode()
        except UnicodeEncodeError:
            return True
        level = get_referents(*level)
    return False
