"""Plain trees to typed values: what each node reads, every wrong place noted with its path.

The interpreter that the generated functions of `raising` must agree with. It runs when one of them gave up, and for
what another version of a type wrote.

One call of Python for each node, two for a record, and loops, not comprehensions: the deepest value has to fit into
the stack.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any, ClassVar, Final

from transcoders.schema import models
from transcoders.schema.building import fits, make, member, takes, widens
from transcoders.schema.lowering import Lowering
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
    described,
)
from transcoders.schema.notation import PARSED, TYPES, VALUES, parse
from transcoders.schema.problems import Missing, Pass, found, inside, several

_TREE: Final = VALUES._replace(values=False)
"""A tree of plain members whose leaves are themselves."""
_TRIALS: Final = 2
"""How many trials of alternatives may be inside each other: each tries all that is inside it again."""


class Lifting(Pass):
    """One plain tree on its way out of the bytes."""

    __slots__ = ()

    def lift(self, node: Node, wire: Any, path: str = "$", depth: int = 0) -> Any:
        """The typed value; Missing where there is none, and then there are problems."""
        return self._rows[type(node)](self, node, wire, path, depth)

    def _ready(self, node: Record, value: Any, path: str, depth: int) -> Any:
        """An instance, of an untyped session where its type is registered, or from a migration: checked inside."""
        down, up = Lowering(_TREE, self.bounds), Lifting(_TREE, self.bounds)
        tree = down.lower(node, value, path, depth)
        made = Missing if down.problems else up.lift(node, tree, path, depth)
        self.problems += down.problems + up.problems
        return made

    def _leaf(self, node: Leaf, wire: Any, path: str, _depth: int) -> Any:
        if node.kind == "any":
            return wire
        value = bytes(wire) if type(wire) is memoryview else wire  # what `pickle:views` makes of a run of bytes
        try:
            if node.kind == "float" and type(wire) is int and self.notation.widen:
                value = float(wire)
            elif type(value) is not TYPES[node.kind] and node.kind in PARSED:
                value = parse(node.kind, value, self.notation)
        except (TypeError, ValueError, ArithmeticError):
            return self.wrong(node, wire, path)
        if type(value) is not TYPES[node.kind]:
            return self.wrong(node, wire, path)
        told = self.fault(value)
        return self.problem(path, told) if told else value

    def _checked(self, node: Checked, wire: Any, path: str, depth: int) -> Any:
        value = self._rows[type(node.node)](self, node.node, wire, path, depth)
        return value if value is not Missing and self.meets(node, value, path) else Missing

    def _union(self, node: Union, wire: Any, path: str, depth: int) -> Any:
        if not node.bare and self.notation.values:
            return self._unnamed(node, wire, path, depth)
        if not node.bare:
            named = self._named(node, wire, path, depth)
            return self._rows[type(named)](self, named, wire[1], path, depth + 1) if named else Missing
        options = [option for _, option in node.options]
        if type(wire) is int:
            options.sort(key=widens)  # one that takes an int comes before one that makes a float of it
        nearest: Lifting | None = None
        for option in options:
            trial = Lifting(self.notation, self.bounds)
            value = self._rows[type(option)](trial, option, wire, path, depth)
            if not trial.problems:
                return value
            if trial.problems[0].path != path:
                nearest = trial  # right kind, something wrong further inside
        if nearest is None:
            return self.wrong(node, wire, path)
        self.problems += nearest.problems
        return Missing

    def _named(self, node: Union, wire: Any, path: str, depth: int) -> Node | None:
        """The alternative that the wire names."""
        options = dict(node.options)
        if depth >= self.depth:
            return self._deep(path) and None
        if type(wire) is list and len(wire) == 2 and type(wire[0]) is str and wire[0] in options:
            return options[wire[0]]
        self.problem(path, f"expected [name, value] of {described(node)}, found {found(wire)}")
        return None

    def _unnamed(self, node: Union, wire: Any, path: str, depth: int) -> Any:
        """The alternative that nothing names: that of the value's type, else the only one that it fits."""
        options = [option for _, option in node.options]
        likely = [one for one in options if takes(one, wire)][:1] or [one for one in options if fits(one, wire)]
        if len(likely) == 1:
            return self._rows[type(likely[0])](self, likely[0], wire, path, depth)
        if self.trials > _TRIALS:
            return self.problem(path, f"{described(node)} inside others of the like, with nothing to tell them apart")
        fitting = []
        for option in likely:
            trial = Lifting(self.notation, self.bounds)
            trial.trials = self.trials + 1
            value = self._rows[type(option)](trial, option, wire, path, depth)
            if not trial.problems:
                fitting.append(value)
        if len(fitting) > 1:
            return self.problem(path, f"expected {described(node)}, found {found(wire)}, which fits several of them")
        return fitting[0] if fitting else self.wrong(node, wire, path)

    def _choice(self, node: Choice, wire: Any, path: str, _depth: int) -> Any:
        return wire if takes(node, wire) else self.wrong(node, wire, path)

    def _member(self, node: Member, wire: Any, path: str, _depth: int) -> Any:
        if type(wire) is node.cls:
            return wire
        made = member(node, wire)
        return self.wrong(node, wire, path) if made is None else made

    def _model(self, node: Model, wire: Any, path: str, _depth: int) -> Any:
        try:
            return models.load(node.cls, wire)
        except ValueError as error:
            return self.problem(path, str(error))

    def _enters(self, node: Node, kinds: tuple[type, ...], wire: Any, path: str, depth: int) -> bool:
        """Whether the wire is a container of these kinds, and not too deep; notes why it is not."""
        if type(wire) not in kinds:
            self.wrong(node, wire, path)
        elif depth >= self.depth:
            self._deep(path)
        else:
            return True
        return False

    def _deep(self, path: str) -> Any:
        return self.problem(path, f"nested deeper than {self.depth} containers")

    def _sequence(self, node: Sequence, wire: Any, path: str, depth: int) -> Any:
        if not self._enters(node, (list, node.cls), wire, path, depth):
            return Missing
        lift, items, before = self._rows[type(node.item)], [], len(self.problems)
        for index, one in enumerate(wire):
            items.append(lift(self, node.item, one, f"{path}[{index}]", depth + 1))
        if node.cls is list or self.worse(before):
            return items
        if node.cls is tuple:
            return tuple(items)
        return self._collected(node.cls, items, path) if self.spread(items, path) else Missing

    def _collected(self, cls: type, items: list[Any], path: str) -> Any:
        try:
            made = cls(items)
        except Exception:  # noqa: BLE001 - a __hash__ of the user's may raise anything
            return self.problem(path, f"expected members that can stand in a {cls.__name__}")
        if len(made) != len(items):
            return self.problem(path, f"expected {cls.__name__}, found a member twice")
        return made

    def _fixed(self, node: Fixed, wire: Any, path: str, depth: int) -> Any:
        if not self._enters(node, (list, tuple), wire, path, depth):
            return Missing
        if len(wire) != len(node.items):
            return self.wrong(node, wire, path)
        items = []
        for index, (item, one) in enumerate(zip(node.items, wire, strict=True)):
            lift = self._rows[type(item)]
            items.append(lift(self, item, one, f"{path}[{index}]", depth + 1))
        return tuple(items)

    def _mapping(self, node: Mapping, wire: Any, path: str, depth: int) -> Any:
        if not self._enters(node, (list, dict), wire, path, depth):
            return Missing
        flat = self.notation.flat or node.key != Leaf("str")
        if type(wire) is list and (not flat or len(wire) % 2):
            return self.wrong(node, wire, path)
        # A dict is what an untyped session has, whatever its keys.
        parts = wire if type(wire) is list else list(chain.from_iterable(wire.items()))
        lift, keys, items, before = self._rows[type(node.item)], [], [], len(self.problems)
        for key, item in zip(parts[::2], parts[1::2], strict=True):
            at = inside(path, key)
            keys.append(self.lift(node.key, key, f"{at} key", depth + 1))
            items.append(lift(self, node.item, item, at, depth + 1))
        if self.worse(before) or not self.spread(keys, path):
            return Missing
        try:
            value = dict(zip(keys, items, strict=True))
        except Exception:  # noqa: BLE001 - a __hash__ of the user's may raise anything
            return self.problem(path, "expected keys that can stand in a dict")
        return value if len(value) == len(keys) else self.problem(path, "expected each key once, found one twice")

    def _record(self, node: Record, wire: Any, path: str, depth: int) -> Any:
        if type(wire) is node.cls:
            return self._ready(node, wire, path, depth)
        if depth >= self.depth:
            return self._deep(path)
        members = self.members(node, wire, path)
        return Missing if members is None else self.record(node, members, path, depth + 1)

    def members(self, node: Record, wire: Any, path: str) -> dict[Any, Any] | None:
        """What stands in the bytes for a record, by stored names; None when there is none."""
        if not self.notation.compact:
            return wire if type(wire) is dict else self.wrong(node, wire, path) and None
        if type(wire) is not list or len(wire) != len(node.fields):
            self.problem(path, f"expected {described(node)} of {len(node.fields)} fields, found {found(wire)}")
            return None
        members = {}
        for field, item in zip(node.fields, wire, strict=True):
            if not field.absent:
                members[field.stored] = item
            elif type(item) is not list or len(item) > 1:
                return self.wrong(field.node, item, inside(path, field.name)) and None
            elif item:
                members[field.stored] = item[0]
        return members

    def record(self, node: Record, members: dict[Any, Any], path: str, depth: int) -> Any:
        """The record of members by their stored names."""
        values, left, before = {}, dict(members), len(self.problems)
        for field in node.fields:
            at = inside(path, field.name)
            if field.stored in left:
                lift = self._rows[type(field.node)]
                values[field.name] = lift(self, field.node, left.pop(field.stored), at, depth)
            elif field.required:
                self.problem(at, f"expected {described(field.node)}, found nothing")
        self._check_unknown(node, left, path)
        if self.worse(before):
            return Missing
        try:
            return make(node, values, left)
        except Exception as error:  # noqa: BLE001 - a constructor of the user's may raise anything
            return self.problem(path, f"{described(node)} refused its fields: {type(error).__name__}")

    def _check_unknown(self, node: Record, unknown: dict[Any, Any], path: str) -> None:
        if unknown and node.unknown is None:
            told = f"{described(node)} does not know {several(unknown)}: a field marked Unknown would keep it"
            self.problem(path, told)
        elif node.family == "dict" and (clash := [field.name for field in node.fields if field.name in unknown]):
            self.problem(path, f"{described(node)} has other fields named {several(clash)}")

    _rows: ClassVar[dict[type, Callable[..., Any]]] = {
        Leaf: _leaf, Checked: _checked, Union: _union, Choice: _choice, Member: _member, Model: _model,
        Sequence: _sequence, Fixed: _fixed, Mapping: _mapping, Record: _record,
    }  # fmt: skip
