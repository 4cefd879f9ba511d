"""Questions about trees of builtins, answered at C speed.

`gc.get_referents` lists what containers hold without a step of Python for each item. That is exact for trees that
hold nothing but None, bool, int, float, str, bytes, bytearray, list, tuple, dict, set and frozenset: a strict packer
or a codec has made sure of that before these functions are called. Instances of other classes would lead to their
class, and from there to everything.
"""

from gc import get_referents

_CONTAINERS = frozenset((list, tuple, dict, set, frozenset))


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
