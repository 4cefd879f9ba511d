"""The shape of a payload type: a tree of nodes, pure data, the same for every codec and layout.

`reading` makes it from Python types, `reference` says what each node means, `lowering` and `lifting` write
functions that do the same faster. A record that contains itself is one node that is met twice.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

Check = tuple[str, Callable[[Any], bool]]
"""What a constraint asks for, in words, and whether a value meets it."""


class Leaf(NamedTuple):
    """A value that holds no others; `kind` is a key of `LEAVES`."""

    kind: str


class Member(NamedTuple):
    """A member of an Enum, written as its value where all values are str or all are int, else as its name."""

    cls: type[Enum]
    by: str  # "value", "name", or "bits" for a Flag


class Choice(NamedTuple):
    """One of the values of a Literal: str, int, bool or None, written as they are."""

    values: tuple[Any, ...]


class Sequence(NamedTuple):
    """Any number of items of one shape, in a list, tuple, set or frozenset."""

    cls: type
    item: "Node"


class Fixed(NamedTuple):
    """A tuple of so many items, each of its own shape."""

    items: tuple["Node", ...]


class Mapping(NamedTuple):
    """A dict with keys of one shape and values of another."""

    key: "Node"
    item: "Node"


class Union(NamedTuple):
    """One of several shapes, each with a label. Bare ones are told apart by what stands in the bytes."""

    options: tuple[tuple[str, "Node"], ...]
    bare: bool


class Checked(NamedTuple):
    """A shape whose values also meet constraints."""

    node: "Node"
    checks: tuple[Check, ...]


class Field(NamedTuple):
    """A field of a record.

    Attributes:
        name: the attribute or key in Python.
        stored: the name in the bytes.
        node: its shape.
        required: whether a record without it is refused.
        absent: whether a TypedDict may lack it, and then lacks it again when it comes back.
        argument: the parameter of the constructor; None when it takes none.
        keyword: whether that parameter is keyword-only.
    """

    name: str
    stored: str
    node: "Node"
    required: bool = True
    absent: bool = False
    argument: str | None = None
    keyword: bool = False


class Record:
    """A class with named fields.

    Attributes:
        cls: the class.
        family: how its fields are read and it is built: `object`, `tuple` or `dict`.
        fields: in the order of their declaration; filled in after the node is made, because it may contain itself.
        unknown: where fields that it does not know are kept: the name of a field, "" for the instance's own
            `__dict__`, None for nowhere.
        keeper: the parameter of the constructor for that field; None when it takes none.
        recursive: whether it contains itself.
        as_is: whether engines that write objects write it as it stands in the bytes.
        open: whether setting its fields on a new instance does all that its constructor does.
    """

    __slots__ = ("as_is", "cls", "family", "fields", "keeper", "open", "recursive", "unknown")

    def __init__(self, cls: type, family: str) -> None:
        self.cls, self.family = cls, family
        self.fields: tuple[Field, ...] = ()
        self.unknown: str | None = None
        self.keeper: str | None = None
        self.recursive = self.as_is = self.open = False

    def __repr__(self) -> str:
        """The class's name."""
        return f"<Record {self.cls.__name__}>"


class Model(NamedTuple):
    """A pydantic model, which goes in and out through its own serializer and validator."""

    cls: type


Node = Leaf | Member | Choice | Sequence | Fixed | Mapping | Union | Checked | Record | Model

LEAVES = (
    "none", "bool", "int", "float", "str", "bytes", "bytearray", "datetime", "date", "time", "timedelta", "decimal",
    "uuid", "any",
)  # fmt: skip


def described(node: Node) -> str:
    """What the node expects, in words for messages."""
    match node:
        case Leaf(kind):
            return {"none": "None", "decimal": "Decimal", "uuid": "UUID", "any": "any session value"}.get(kind, kind)
        case Member(cls) | Model(cls):
            return cls.__name__
        case Choice(values):
            return "one of " + ", ".join(map(repr, values[:8]))
        case Sequence(cls):
            return cls.__name__
        case Fixed(items):
            return f"tuple of {len(items)}"
        case Mapping():
            return "dict"
        case Union(options):
            return " or ".join(described(option) for _, option in options)
        case Checked(inner):
            return described(inner)
    return node.cls.__name__


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside."""
    match node:
        case Sequence(_, item):
            return (item,)
        case Fixed(items):
            return items
        case Mapping(key, item):
            return (key, item)
        case Union(options):
            return tuple(option for _, option in options)
        case Checked(inner):
            return (inner,)
        case Record():
            return tuple(field.node for field in node.fields)
    return ()


def every(root: Node) -> list[Node]:
    """All nodes of the shape, each record once."""
    found: list[Node] = []
    seen: set[int] = set()
    queue: list[Node] = [root]
    while queue:
        node = queue.pop()
        if isinstance(node, Record):
            if id(node) in seen:
                continue
            seen.add(id(node))
        found.append(node)
        queue.extend(children(node))
    return found
