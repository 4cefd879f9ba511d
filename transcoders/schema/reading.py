"""Python types to nodes: what each annotation means, and a SpecError that names the field for what it cannot mean."""

import builtins
import types
import typing
from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence as AbstractSequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from typing import Any, Final
from uuid import UUID

from transcoders.errors import SpecError
from transcoders.schema import constraints, families
from transcoders.schema.nodes import (
    Checked,
    Choice,
    Field,
    Fixed,
    Leaf,
    Mapping,
    Member,
    Model,
    Node,
    Record,
    Sequence,
    Union,
    children,
    described,
)

LEAF: Final[dict[Any, Leaf]] = {
    type(None): Leaf("none"), None: Leaf("none"), bool: Leaf("bool"), int: Leaf("int"), float: Leaf("float"),
    str: Leaf("str"), bytes: Leaf("bytes"), bytearray: Leaf("bytearray"), datetime: Leaf("datetime"),
    date: Leaf("date"), time: Leaf("time"), timedelta: Leaf("timedelta"), Decimal: Leaf("decimal"),
    UUID: Leaf("uuid"), Any: Leaf("any"), object: Leaf("any"),
}  # fmt: skip
_COLLECTIONS: Final = {list: list, set: set, frozenset: frozenset, AbstractSequence: list, AbstractSet: set}
_CLASS: Final = {
    "none": "null", "bool": "bool", "int": "int", "float": "float", "str": "text", "bytes": "text",
    "bytearray": "text", "datetime": "text", "date": "text", "time": "text", "timedelta": "int", "decimal": "text",
    "uuid": "text",
}  # fmt: skip
"""What a leaf is in the bytes, as far as a reader can tell alternatives of a Union apart in every format."""


class Reading:
    """One pass over a payload type; remembers its records, so that a type may contain itself."""

    def __init__(self) -> None:
        self._records: dict[Any, Record] = {}
        self._open: list[Record] = []

    def node(self, hint: Any, where: str) -> Node:
        """The node of an annotation; raises SpecError with `where` on one that no schema can hold."""
        if isinstance(hint, typing.NewType):
            return self.node(hint.__supertype__, where)
        origin = typing.get_origin(hint)
        if origin is not None and hasattr(hint, "__args__"):
            return self._generic(origin, typing.get_args(hint), hint, where)
        if isinstance(hint, typing.TypeVar):
            raise SpecError(f"{where}: type parameter {hint} is open: write the payload type with its arguments")
        if type(hint).__hash__ is None:
            raise SpecError(f"{where}: {hint!r} is not a type")
        if leaf := LEAF.get(hint):
            return leaf
        if isinstance(hint, type) and issubclass(hint, Enum):
            return member(hint, where)
        if kind := families.family(hint):
            return Model(hint) if kind == "model" else self._record(hint, hint, {}, where)
        if hint in _COLLECTIONS or (origin or hint) in {dict, tuple, *_COLLECTIONS}:
            items = "[str, int]" if (origin or hint) is dict else "[str]"
            raise SpecError(f"{where}: {hint.__name__} needs the types of its items, such as {hint.__name__}{items}")
        raise SpecError(f"{where}: a schema does not hold {getattr(hint, '__name__', hint)!r}")

    def _generic(self, origin: Any, args: tuple[Any, ...], hint: Any, where: str) -> Node:
        if origin is typing.Annotated:
            return constraints.checked(self.node(args[0], where), hint.__metadata__, where)
        if origin in {typing.Final, typing.ClassVar, typing.Required, typing.NotRequired}:
            return self.node(args[0], where)
        if origin is typing.Literal:
            return _choice(args, where)
        if origin in {typing.Union, types.UnionType}:
            return self._union(args, where)
        if origin is tuple:
            if len(args) == 2 and args[1] is ...:
                return Sequence(tuple, self.node(args[0], f"{where}[]"))
            return Fixed(tuple(self.node(arg, f"{where}[{index}]") for index, arg in enumerate(args)))
        if origin in {dict, AbstractMapping}:
            key = _hashable(self.node(args[0], f"{where} key"), f"{where} key")
            return Mapping(key, self.node(args[1], f"{where}[]"))
        if origin in _COLLECTIONS:
            cls, item = _COLLECTIONS[origin], self.node(args[0], f"{where}[]")
            return Sequence(cls, item if cls is list else _hashable(item, f"{where}[]"))
        parameters = getattr(origin, "__parameters__", ())
        if families.family(origin) in {"object", "tuple", "dict"} and len(parameters) == len(args):
            return self._record(hint, origin, dict(zip(parameters, args, strict=True)), where)
        raise SpecError(f"{where}: a schema does not hold {hint!r}")

    def _record(self, key: Any, cls: Any, bound: dict[Any, Any], where: str) -> Record:
        if known := self._records.get(key):
            known.recursive = known.recursive or known in self._open
            return known
        node = self._records[key] = Record(cls, str(families.family(cls)))
        node.unknown = "" if families.keeps(cls) or node.family == "dict" else None
        self._open.append(node)
        bound = _inherited(cls, bound) | bound
        found = []
        for declared in families.fields(cls):
            hint = _bound(declared.hint, bound)
            marks = _marks(hint)
            if constraints.Unknown in marks or any(isinstance(mark, constraints.Unknown) for mark in marks):
                node.unknown, node.keeper = declared.name, declared.argument
                if declared.required:
                    raise SpecError(f"{where}.{declared.name}: a field marked Unknown needs a default, an empty dict")
                continue
            shape = self.node(hint, f"{where}.{declared.name}")
            named = [mark.text for mark in marks if isinstance(mark, constraints.Name)]
            stored = named[0] if named else declared.stored or declared.name
            keyword = declared.keyword or bool(node.unknown)  # the field for unknown ones is not given by position
            found.append(Field(declared.name, stored, shape, *declared[2:5], keyword=keyword))
        self._open.pop()
        names = [field.stored for field in found]
        for field in found:
            if names.count(field.stored) > 1:
                raise SpecError(f"{where}.{field.name}: two fields of {cls.__name__} are stored as {field.stored!r}")
        node.fields = tuple(found)
        plain = all(field.stored == field.name and field.argument for field in found)
        node.as_is = plain and not node.unknown and node.family == "object" and families.as_is(cls)
        node.open = all(field.argument for field in found) and not node.unknown and families.opened(cls)
        return node

    def _union(self, args: tuple[Any, ...], where: str) -> Node:
        options: dict[str, Node] = {}
        for arg in args:
            node = self.node(arg, where)
            name = label(node)
            if name in options:
                raise SpecError(
                    f"{where}: two alternatives are both {described(node)}, and bytes cannot tell them apart"
                )
            options[name] = node
        if options.keys() == {"none", "any"}:
            return options["any"]
        if "any" in options:
            raise SpecError(f"{where}: Any takes every value, so there is nothing beside it")
        classes = [kind for node in options.values() for kind in _classes(node)]
        return Union(tuple(options.items()), bare=len(set(classes)) == len(classes))


def shape(cls: Any) -> Node:
    """The node of a payload type; raises SpecError on a type that no schema can hold."""
    where = getattr(cls, "__name__", str(cls))
    try:
        return Reading().node(cls, where)
    except (RecursionError, TypeError) as error:  # ever larger types in a type; arguments that are not hashable
        raise SpecError(f"{where}: the type cannot be read: {error}") from error


def member(cls: type[Enum], where: str) -> Member:
    """The node of an Enum."""
    if issubclass(cls, Flag):
        return Member(cls, "bits")
    kinds = {type(one.value) for one in cls}
    if not kinds:
        raise SpecError(f"{where}: {cls.__name__} has no members")
    return Member(cls, "value" if kinds in ({str}, {int}) else "name")


def label(node: Node) -> str:
    """What an alternative of a Union is called in the bytes, where they need it."""
    match node:
        case Leaf(kind):
            return kind
        case Checked(inner):
            return label(inner)
        case Sequence(cls):
            return cls.__name__
        case Fixed():
            return "tuple"
        case Mapping():
            return "dict"
        case Choice():
            return "literal"
        case Union():
            return "union"
    return str(node.cls.__name__)


def _classes(node: Node) -> set[str]:
    match node:
        case Leaf(kind):
            return {_CLASS[kind]}
        case Checked(inner):
            return _classes(inner)
        case Member(_, by):
            values = {type(one.value) for one in node.cls}
            return {"int"} if by == "bits" or values == {int} else {"text"}
        case Choice(values):
            return {_CLASS[LEAF[type(value)].kind] for value in values}
        case Sequence() | Fixed():
            return {"array"}
        case Union(options, bare):
            return {kind for _, option in options for kind in _classes(option)} if bare else {"array"}
    return {"array", "map"}  # a record and a dict are one or the other, by layout, codec and keys


def _choice(values: tuple[Any, ...], where: str) -> Choice:
    for value in values:
        if type(value) not in {str, int, bool, type(None)}:
            raise SpecError(f"{where}: a Literal holds str, int, bool and None, not {type(value).__name__}")
    return Choice(values)


def _hashable(node: Node, where: str) -> Node:
    """The node of a key or a member of a set; raises SpecError on one that cannot be."""
    match node:
        case Leaf(kind):
            good = kind != "bytearray"
        case Record(family="dict") | Mapping() | Sequence(cls=builtins.list | builtins.set):
            good = False
        case Record(cls=cls) | Model(cls):
            good = families.hashable(cls)
        case _:
            good = all(_hashable(one, where) for one in children(node))
    if not good:
        raise SpecError(f"{where}: {described(node)} is not hashable, so it is no key and no member of a set")
    return node


def _marks(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in {typing.Final, typing.Required, typing.NotRequired}:
        return _marks(typing.get_args(hint)[0])
    return getattr(hint, "__metadata__", ()) if typing.get_origin(hint) is typing.Annotated else ()


def _inherited(cls: Any, bound: dict[Any, Any]) -> dict[Any, Any]:
    """The type parameters of the bases of a class, whose own are bound to these."""
    found: dict[Any, Any] = {}
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if isinstance(origin, type) and origin is not typing.Generic:
            parameters = getattr(origin, "__parameters__", ())
            given = {one: _bound(hint, bound) for one, hint in zip(parameters, typing.get_args(base), strict=False)}
            found |= _inherited(origin, given) | given
    return found


def _bound(hint: Any, bound: dict[Any, Any]) -> Any:
    """The annotation with type parameters put in."""
    if isinstance(hint, typing.TypeVar):
        return bound.get(hint, hint)
    parameters = () if isinstance(hint, type) else getattr(hint, "__parameters__", ())
    return hint[tuple(bound.get(one, one) for one in parameters)] if parameters and bound else hint
