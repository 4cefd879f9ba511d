"""Typed values to plain trees: what each node writes, every wrong value noted with its path.

The interpreter that the generated functions of `writing` must agree with. It runs when one of them gave up: to say
why, or to write the rare value that has no plain form (it stays as it is, and the codec tags it).

One call of Python for each node, and loops, not comprehensions: the deepest value has to fit into the stack.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from transcoders.schema import models
from transcoders.schema.building import kept, ordered, strange, takes, widens
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
    described,
)
from transcoders.schema.notation import TYPES, Exotic, direct
from transcoders.schema.problems import Missing, Pass, found, inside, several


class Lowering(Pass):
    """One typed value on its way into the bytes."""

    __slots__ = ()

    def lower(self, node: Node, value: Any, path: str = "$", depth: int = 0) -> Any:
        """The plain tree; Missing where there is none, and then there are problems."""
        return self._rows[type(node)](self, node, value, path, depth)

    def _leaf(self, node: Leaf, value: Any, path: str, _depth: int) -> Any:
        if node.kind == "any":
            return value
        if node.kind == "float" and type(value) is int:
            try:
                value = float(value)
            except OverflowError:
                return self.problem(path, "expected float, found an int that is too large for one")
        if type(value) is not TYPES[node.kind]:
            return self.wrong(node, value, path)
        if told := self.fault(value):
            return self.problem(path, told)
        try:
            return direct(node.kind, value, self.notation)
        except Exotic:
            return value

    def _checked(self, node: Checked, value: Any, path: str, depth: int) -> Any:
        lowered = self._rows[type(node.node)](self, node.node, value, path, depth)
        return lowered if lowered is not Missing and self.meets(node, value, path) else Missing

    def _union(self, node: Union, value: Any, path: str, depth: int) -> Any:
        options = [one for one in node.options if takes(one[1], value)]
        if not options and type(value) is int:
            options = [one for one in node.options if widens(one[1])]
        if not options:
            return self.wrong(node, value, path)
        name, option = min(options, key=lambda one: strange(one[1], value))
        if not node.bare and depth >= self.depth:
            return self._deep(path)
        lowered = self._rows[type(option)](self, option, value, path, depth + (not node.bare))
        return lowered if node.bare or lowered is Missing else [name, lowered]

    def _choice(self, node: Choice, value: Any, path: str, _depth: int) -> Any:
        return value if takes(node, value) else self.wrong(node, value, path)

    def _member(self, node: Member, value: Any, path: str, _depth: int) -> Any:
        if type(value) is not node.cls:
            return self.wrong(node, value, path)
        return value.name if node.by == "name" else value.value

    def _model(self, node: Model, value: Any, path: str, _depth: int) -> Any:
        if type(value) is not node.cls:
            return self.wrong(node, value, path)
        try:
            return models.dump(value)
        except ValueError as error:
            return self.problem(path, str(error))

    def _enters(self, node: Node, cls: type, value: Any, path: str, depth: int) -> bool:
        """Whether the value is a container of the class, and not too deep; notes why it is not."""
        if type(value) is not cls:
            self.wrong(node, value, path)
        elif depth >= self.depth:
            self._deep(path)
        else:
            return True
        return False

    def _deep(self, path: str) -> Any:
        return self.problem(path, f"nested deeper than {self.depth} containers (or in a cycle)")

    def _sequence(self, node: Sequence, value: Any, path: str, depth: int) -> Any:
        if not self._enters(node, node.cls, value, path, depth):
            return Missing
        listed = node.cls is list or node.cls is tuple
        if not listed and not self.spread(value, path):
            return Missing
        lower, wire = self._rows[type(node.item)], []
        for index, one in enumerate(value):
            wire.append(lower(self, node.item, one, f"{path}[{index}]", depth + 1))
        return wire if listed or self.problems else ordered(wire)

    def _fixed(self, node: Fixed, value: Any, path: str, depth: int) -> Any:
        if not self._enters(node, tuple, value, path, depth):
            return Missing
        if len(value) != len(node.items):
            return self.wrong(node, value, path)
        wire = []
        for index, (item, one) in enumerate(zip(node.items, value, strict=True)):
            lower = self._rows[type(item)]
            wire.append(lower(self, item, one, f"{path}[{index}]", depth + 1))
        return wire

    def _mapping(self, node: Mapping, value: Any, path: str, depth: int) -> Any:
        if not self._enters(node, dict, value, path, depth) or not self.spread(value, path):
            return Missing
        lower, flat = self._rows[type(node.item)], []
        for key, item in value.items():
            at = inside(path, key)
            flat.append(self.lower(node.key, key, f"{at} key", depth + 1))
            flat.append(lower(self, node.item, item, at, depth + 1))
        if self.notation.flat or node.key != Leaf("str"):
            return flat
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def _record(self, node: Record, value: Any, path: str, depth: int) -> Any:
        if not self._enters(node, dict if node.family == "dict" else node.cls, value, path, depth):
            return Missing
        wire: dict[str, Any] = {}
        for field, present, item in self._held(node, value, path):
            at = inside(path, field.name)
            lowered = self._rows[type(field.node)](self, field.node, item, at, depth + 1) if present else Missing
            if self.notation.compact and field.absent:
                wire[field.stored] = [lowered] if present else []
            elif present:
                wire[field.stored] = lowered
        unknown = kept(node, value)
        return self._whole(node, wire, unknown, path) if unknown or self.notation.compact else wire

    def _held(self, node: Record, value: Any, path: str) -> Iterator[tuple[Field, bool, Any]]:
        for field in node.fields:
            try:
                yield field, True, value[field.name] if node.family == "dict" else getattr(value, field.name)
            except (KeyError, AttributeError):
                if not field.absent:
                    self.problem(inside(path, field.name), f"expected {described(field.node)}, found nothing")
                yield field, False, None

    def _whole(self, node: Record, wire: dict[str, Any], unknown: Any, path: str) -> Any:
        """The record as the layout has it, with the fields that its class does not know."""
        if not unknown:
            return list(wire.values())
        if type(unknown) is not dict:
            return self.problem(path, f"expected a dict of unknown fields, found {found(unknown)}")
        if self.notation.compact:
            return self.problem(path, f"unknown fields {several(unknown)} have no place in layout compact: layout=map")
        if clash := unknown.keys() & {field.stored for field in node.fields}:
            return self.problem(path, f"unknown fields {several(clash)} are fields of {described(node)}")
        return unknown | wire

    _rows: ClassVar[dict[type, Callable[..., Any]]] = {
        Leaf: _leaf, Checked: _checked, Union: _union, Choice: _choice, Member: _member, Model: _model,
        Sequence: _sequence, Fixed: _fixed, Mapping: _mapping, Record: _record,
    }  # fmt: skip
