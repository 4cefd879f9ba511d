"""Records apart and together again: fields read, instances made, unknown fields kept on them."""

from enum import Enum
from typing import Any, Final

from transcoders.schema.nodes import (
    Checked,
    Choice,
    Fixed,
    Leaf,
    Mapping,
    Member,
    Model,
    Node,
    Record,
    Sequence,
    Union,
)
from transcoders.schema.notation import TYPES

KEPT: Final = "__unknown_fields__"
"""The attribute of an instance that keeps fields which its class does not know."""


def make(node: Record, values: dict[str, Any], unknown: dict[Any, Any]) -> Any:
    """The instance of the record with these values, by name, that keeps the fields which its class does not know.

    Whatever its constructor raises is raised.
    """
    if node.family == "dict":
        return values | unknown
    arguments: dict[str, Any] = {}
    later: dict[str, Any] = {}
    if unknown and node.keeper:
        arguments[node.keeper] = unknown
    elif unknown:
        later[node.unknown or KEPT] = unknown
    for field in node.fields:
        if field.name in values:
            if field.argument is None:
                later[field.name] = values[field.name]
            else:
                arguments[field.argument] = values[field.name]
    made = node.cls(**arguments)
    for name, value in later.items():
        object.__setattr__(made, name, value)
    return made


def kept(node: Record, value: Any) -> dict[str, Any]:
    """The fields that came with the value and that its class does not know."""
    if node.unknown is None:
        return {}
    if node.family == "dict":
        known = {field.name for field in node.fields}
        return {name: item for name, item in value.items() if name not in known}
    unknown = value.__dict__.get(KEPT) if node.unknown == "" else getattr(value, node.unknown, None)
    return unknown or {}


def takes(node: Node, value: Any) -> bool:
    """Whether a value is of the kind that the node expects, whatever is inside: which alternative of a Union it is."""
    match node:
        case Leaf(kind):
            return kind == "any" or type(value) is TYPES[kind]
        case Union(options):
            return any(takes(option, value) for _, option in options)
        case Checked(inner):
            return takes(inner, value)
        case Choice(values):
            return any(type(value) is type(one) and value == one for one in values)
        case Sequence(cls):
            return type(value) is cls
        case Fixed():
            return type(value) is tuple
        case Mapping():
            return type(value) is dict
        case Record(family="dict", fields=fields):
            return type(value) is dict and all(field.name in value for field in fields if field.required)
    return type(value) is node.cls


def strange(node: Node, value: Any) -> int:
    """How many keys of a value that it takes a TypedDict does not know; others know all that they take."""
    match node:
        case Checked(inner):
            return strange(inner, value)
        case Record(family="dict", fields=fields):
            return len(value.keys() - {field.name for field in fields})
    return 0


def fits(node: Node, wire: Any) -> bool:
    """Whether the node may be read from a value that stands as itself, as far as its outside shows."""
    match node:
        case Checked(inner):
            return fits(inner, wire)
        case Union(options):
            return any(fits(option, wire) for _, option in options)
        case Record(fields=fields) if type(wire) is dict:
            names = {field.stored for field in fields}
            missing = any(field.required and field.stored not in wire for field in fields)
            return not missing and (node.unknown is not None or names >= wire.keys())
        case Sequence(cls):
            return type(wire) in {list, cls}
        case Fixed(items):
            return type(wire) in {list, tuple} and len(wire) == len(items)
        case Mapping() | Model():
            return type(wire) in {list, dict}
    return isinstance(node, Leaf | Choice | Member) and type(wire) not in {list, dict}


def widens(node: Node) -> bool:
    """Whether the node takes an int as a float."""
    match node:
        case Checked(inner):
            return widens(inner)
        case Union(options):
            return any(widens(option) for _, option in options)
    return node == Leaf("float")


def member(node: Member, wire: Any) -> Enum | None:
    """The member that stands in the bytes so; None when it is none."""
    kind = int if node.by == "bits" else str if node.by == "name" else type(next(iter(node.cls)).value)
    if type(wire) is not kind:
        return None
    try:
        made = node.cls.__members__[str(wire)] if node.by == "name" else node.cls(wire)
    except Exception:  # noqa: BLE001 - a `_missing_` of the user's may raise anything
        return None
    # Flags leave out bits that they do not know, and take negative numbers for the others.
    return made if type(made) is node.cls and (node.by != "bits" or made.value == wire) else None


def ordered(wire: list[Any]) -> list[Any]:
    """The lowered members of a set in the one order that every process gives them."""
    kinds = set(map(type, wire))
    if len(kinds) <= 1 and kinds <= {int, str, float, bytes} and all(one == one for one in wire):  # noqa: PLR0124 - NaN
        return sorted(wire)
    return sorted(wire, key=lambda one: (type(one).__name__, repr(one)))
