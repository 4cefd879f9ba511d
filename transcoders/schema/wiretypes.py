"""What a checking engine is told to read each node as, and what it then leaves to do.

Types are stricter than the node where the engine would coerce: a Decimal is read as text, because it takes numbers for
one too; a set as an array, because it takes a member twice.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, Literal, Optional

from transcoders.schema.engines import integer, struct
from transcoders.schema.nodes import Checked, Choice, Fixed, Leaf, Mapping, Member, Node, Record, Sequence, Union
from transcoders.schema.notation import LOW, TYPES, Notation
from transcoders.schema.source import Unsupported

SIMPLE: Final = frozenset(("none", "bool", "int", "float", "str"))
"""Leaves that stand for themselves in every format."""
READ: Final = frozenset(("date", "time", "datetime", "uuid", "bytes"))
"""Leaves that a checking engine makes by itself."""
_NAME: Final = re.compile(r'[^"\\\x00-\x1f]*').fullmatch
"""The names of members that a checking engine takes."""


class WireTypes:
    """Node to type; Any where the engine must not judge."""

    __slots__ = ("_notation", "_structs")

    def __init__(self, notation: Notation) -> None:
        self._notation = notation
        self._structs: dict[int, Any] = {}

    def __call__(self, node: Node) -> Any:
        """The type; raises Unsupported for a shape that needs the interpreter."""
        match node:
            case Leaf(kind):
                return self._leaf(kind)
            case Checked(inner):
                return self(inner)
            case Member(cls, "value"):
                return cls if _short(one.value for one in cls) else Any
            case Member(_, by):
                return str if by == "name" else self._leaf("int")
            case Choice(values):
                return Literal[values] if _short(values) and not any(type(value) is bool for value in values) else Any
            case Union(((_, Leaf("none")), (_, other))) | Union(((_, other), (_, Leaf("none")))) if node.bare:
                inner = self(other)
                return Any if inner is Any else Optional[inner]  # noqa: UP045 - made at run time
            case Sequence(cls, item):
                inner = self(item)
                return tuple[inner, ...] if cls is tuple else list[inner]  # type: ignore[valid-type]
            case Fixed(items):
                return tuple[tuple(self(one) for one in items)]  # type: ignore[misc]
            case Mapping(Leaf("str"), item) if not self._notation.flat:
                return dict[str, self(item)]  # type: ignore[misc]
            case Record(recursive=False):
                return self._record(node)
        return Any

    def _leaf(self, kind: str) -> Any:
        if kind == "any":
            raise Unsupported
        if not self._notation.stamp and kind in {"int", "timedelta"}:
            return integer()  # in JSON and pickles there is no end to numbers
        if kind in {"bytes", "bytearray"} and not (self._notation.text or self._notation.stamp):
            return Any  # what checks trees takes text for them as well
        return {"decimal": str, "timedelta": int, "bytearray": bytes}.get(kind) or TYPES[kind]

    def _record(self, node: Record) -> Any:
        if any(field.absent or not _NAME(field.stored) for field in node.fields):
            return Any
        types = [self(field.node) for field in node.fields]
        if self._notation.compact:
            return tuple[tuple(types)]  # type: ignore[misc]
        if id(node) not in self._structs:
            stored = [field.stored for field in node.fields]
            self._structs[id(node)] = struct(node.cls.__name__, list(zip(stored, types, strict=True)))
        return self._structs[id(node)]

    def untouched(self, node: Node) -> bool:
        """Whether what the engine makes is the value already."""
        if isinstance(node, Union) and self(node) is not Any:
            return all(self.untouched(option) for _, option in node.options)
        return isinstance(node, Leaf) and (node.kind in SIMPLE or node.kind in READ)


def _short(values: Iterable[object]) -> bool:
    """Whether a checking engine takes the integers among the values."""
    return all(LOW <= value < -LOW for value in values if type(value) is int)
