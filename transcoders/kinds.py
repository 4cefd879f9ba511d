"""What `machine` knows of the values of a pickle: their kinds, and what lies in what.

A value is a letter (n None and bools, i integers of 64 bits, I larger, f float, S text of more than 10,000 bytes, b
bytes, a bytearray, v buffer), other text itself as bytes, or a `Node`. Nodes are lists made in C, so that following a
pickle costs little more than a list for each container of it.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from transcoders.errors import Refused, TooLarge
from transcoders.objects import ANY, Arguments, Row

KEY_PARTS: Final = 1024
"""Parts of one key. They are hashed inside one another in C, where nothing looks at how much of the stack is left."""

Stack = list[Any]
_LEAVES: Final = frozenset("xc")


class Node(list[Any]):
    """A value that others may lie in, told apart by identity.

    Attributes:
        kind: its letter.
        row: of instances and classes, what a pickle may do with them.
    """

    __slots__ = ()
    __hash__ = object.__hash__  # type: ignore[assignment]
    kind = ""

    def inside(self) -> Iterator[Any]:
        """What lies in it."""
        return iter(self)


class List(Node):
    """A list."""

    __slots__ = ()
    kind = "l"


class Dict(Node):
    """A dict: keys and values in turns."""

    __slots__ = ()
    kind = "d"


class Set(Node):
    """A set."""

    __slots__ = ()
    kind = "m"


class Frozenset(Node):
    """A frozenset."""

    __slots__ = ()
    kind = "z"


class Tuple(Node):
    """A tuple."""

    __slots__ = ()
    kind = "t"


class Class(Node):
    """A class by its name; nothing lies in it."""

    __slots__ = ("row",)
    kind = "c"

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row


class Instance(Node):
    """An instance: a list of the lists of what it was made from, its items and its fields.

    Attributes:
        items: where APPENDS or SETITEMS go, if it takes them.
        built: whether BUILD has filled it.
    """

    __slots__ = ("built", "items", "kind", "row")

    def __init__(self, row: Row, *arguments: Stack) -> None:
        super().__init__(arguments)
        self.row, self.kind, self.built = row, row.kind, False
        if row.items:
            self.items = List()
            self.append(self.items)

    def inside(self) -> Iterator[Any]:
        """What lies in it."""
        return chain.from_iterable(self)

    @property
    def settled(self) -> bool:
        """Whether its fields are there, which its hash may ask for."""
        row = self.row
        return self.built or (bool(self[0]) and not row.items) or row.declared == frozenset()


def weight(key: object) -> int:
    """The parts of a key or member that hashing it visits, shared ones as often as it does.

    Text and integers of 64 bits count nothing: their hashes are salted, or there are too few that collide.

    Raises:
        TooLarge: it has more than KEY_PARTS.
        Refused: the hash of an instance would need fields that it has not yet.
    """
    if not isinstance(key, Node):
        return int(type(key) is str and key == "I")
    if isinstance(key, Class | Instance) and key.row.key == "free":
        return 0
    queue: Stack = [key]
    visited = 0
    while queue:
        item = queue.pop()
        visited += 1
        if isinstance(item, Tuple) or (isinstance(item, Instance) and _deep(item)):
            queue += item.inside()
        if visited + len(queue) > KEY_PARTS:
            raise TooLarge(f"a key of more than {KEY_PARTS} parts")
    return visited


def _deep(item: Instance) -> bool:
    deep = item.row.key == "deep"
    if deep and not item.settled:
        raise Refused(f"a {shown(item.row)} is a key inside itself: its hash needs fields that it has not yet")
    return deep


def check_depth(root: object, depth: int) -> None:
    """Go where a pickler goes, into everything once, the first time it is met; TooLarge when that is too deep."""
    seen: set[int] = set()
    trail: list[Iterator[Any]] = [iter((root,))]
    while trail:
        for item in trail[-1]:
            if isinstance(item, Node) and item.kind not in _LEAVES and id(item) not in seen:
                if len(trail) > depth:
                    raise TooLarge(f"nested deeper than {depth} containers")
                seen.add(id(item))
                trail.append(item.inside())
                break
        else:
            trail.pop()


def shown(row: Row) -> str:
    """The class of a row, for an error."""
    return str(row.target.__qualname__)


def taken(row: Row, arguments: Stack, allowed: Arguments) -> str:
    """The kinds of the arguments, if they are allowed; Refused when not."""
    kinds = ""
    if arguments:
        kinds = "".join([one if type(one) is str else "s" if type(one) is bytes else one.kind for one in arguments])
    if allowed is None or not (allowed is ANY or kinds in allowed):
        raise Refused(f"the pickle calls {shown(row)}({', '.join(kinds)}), which its own pickles do not")
    return kinds


def container(value: object, kind: str) -> Stack:
    """Where the items of a list, a dict, a set or an instance of one go; Refused when it takes none of the kind."""
    if type(value) is Instance and value.row.items == kind:
        return value.items
    if isinstance(value, Node) and value.kind == kind:
        return value
    raise Refused("the pickle fills what takes no items")


def fields(row: Row, state: object) -> Stack:
    """The dicts of fields in a state; Refused when there is a name that is no field of the class, or no dict."""
    parts = state if type(state) is Tuple and len(state) == 2 else [state, "n"]
    for part, declared in zip(parts, (row.declared, row.slots), strict=True):
        if type(part) is Dict:
            _check_names(row, part[::2], declared)
        elif part != "n":
            raise Refused(f"the pickle fills a {shown(row)} with what is no fields")
    return [part for part in parts if part != "n"]


def _check_names(row: Row, names: Stack, declared: frozenset[bytes] | None) -> None:
    if declared is not None and declared.issuperset(names):
        return
    for name in names:
        if declared is not None:
            allowed = name in declared
        else:
            allowed = type(name) is bytes and name not in row.hidden and not name[:2] == b"__" == name[-2:]
        if not allowed:
            told = name[:60].decode(errors="replace") if type(name) is bytes else "what is no name"
            raise Refused(f"the pickle sets {told} of a {shown(row)}, which is no field of it")
