"""Generated lowering: one function a type, straight-line code, every type checked, nothing explained.

It does what `lowering.Lowering` does for values that are right and plain, and raises for everything else.
"""

import builtins
import sys
from datetime import UTC
from keyword import iskeyword

from transcoders.limits import Limits
from transcoders.schema.building import KEPT, ordered, takes
from transcoders.schema.engines import Engine
from transcoders.schema.nodes import (
    Checked,
    Choice,
    Fixed,
    Leaf,
    Mapping,
    Member,
    Node,
    Record,
    Sequence,
    Union,
)
from transcoders.schema.notation import LOW, MICROSECOND, SHORT, TYPES, Notation, direct, narrow
from transcoders.schema.readers import SALTED, decimals, rebinds, short
from transcoders.schema.source import Source, Unsupported, constraints, ranges

_SORTABLE = frozenset(("int", "str"))
_THEMSELVES = frozenset(("none", "bool", "str", "int"))
"""Leaves that stand for themselves once they are checked."""
_DAYS = -LOW // 86_400_000_000
"""Days whose microseconds are an integer of 64 bits."""


class Writing:
    """Writes the lowering of one shape for one engine."""

    __slots__ = ("_calls", "_deepest", "_engine", "_limits", "_notation", "_plus", "_stays", "source")

    def __init__(self, notation: Notation, engine: Engine, limits: Limits, *, checks: bool) -> None:
        self._notation, self._engine, self._limits = notation, engine, limits
        self.source = Source(checks=checks)
        self._plus, self._deepest = decimals(limits).plus, 0
        self._calls: dict[tuple[int, bool], str] = {}
        self._stays = False

    def write(self, node: Node) -> str:
        """The expression of the wire value of variable `value`; its statements stand in `source`.

        Raises:
            Unsupported: the shape needs the interpreter.
        """
        return self._node(self.source, node, "value", 0)

    def _node(self, source: Source, node: Node, value: str, depth: int) -> str:
        match node:
            case Leaf(kind):
                return self._leaf(source, kind, value)
            case Checked(inner):
                wire = self._node(source, inner, value, depth)
                constraints(source, node, value)
                return wire
            case Member():
                return self._member(source, node, value)
            case Choice(values):
                if not narrow(values):
                    raise Unsupported
                source.check(f"{source.name(takes)}({source.name(node)}, {value})")
                return value
            case Union():
                return self._union(source, node, value, depth)
            case Record(recursive=True):
                return self._call(source, node, value, depth)
        return self._container(source, node, value, self._enter(depth))

    def _enter(self, depth: int) -> int:
        """The depth inside one more container; raises Unsupported beyond the limit."""
        if depth >= self._limits.depth:
            raise Unsupported
        self._deepest = max(self._deepest, depth + 1)
        return depth + 1

    def _container(self, source: Source, node: Node, value: str, depth: int) -> str:
        match node:
            case Record():
                return self._record(source, node, value, depth)
            case Sequence():
                return self._sequence(source, node, value, depth)
            case Fixed(items):
                source.exact(value, tuple)
                source.check(f"len({value}) == {len(items)}")
                parts = [source.fresh() for _ in items]
                if parts:
                    source.line(f"{', '.join(parts)}, = {value}")
                return self._array(
                    [self._node(source, one, part, depth) for one, part in zip(items, parts, strict=True)]
                )
            case Mapping():
                return self._mapping(source, node, value, depth)
        raise Unsupported

    def _member(self, source: Source, node: Member, value: str) -> str:
        source.exact(value, node.cls)
        if node.by == "name":
            return f"{value}._name_"
        if node.by == "bits":
            source.require(ranges([f"{value}._value_"]))
        elif not narrow([one.value for one in node.cls]):
            raise Unsupported
        return value if self._stays else f"{value}._value_"  # an engine takes longer to ask for it

    def _leaf(self, source: Source, kind: str, value: str) -> str:
        if kind == "none":
            source.check(f"{value} is None")
            return "None"
        if kind == "any":
            raise Unsupported
        native, text = kind in self._engine.native, self._notation.text
        if kind == "float" and self._engine.signless:
            source.require(f"({value} or repr({value}) == '0.0')")
        if kind == "float" and not self._stays:
            source.number(value, short=text)
            return value
        source.exact(value, TYPES[kind])
        match kind:
            case "float" if text:
                source.require(f"{-SHORT} < {value} < {SHORT}")
            case "int" if not self._engine.checks_range:
                source.narrow(value)
            case "datetime":
                utc = source.name(UTC)
                source.require(f"({value}.tzinfo is {utc} or {value}.tzinfo is None) and not {value}.fold")
            case "time":
                source.require(f"{value}.tzinfo is None and not {value}.fold")
            case "timedelta":
                source.require(f"{-_DAYS} <= {value}.days < {_DAYS}")
                return f"{value} // {source.name(MICROSECOND)}"
            case "decimal":
                return self._decimal(source, value)
        if native or kind in {"bool", "int", "str", "float"} or (kind == "bytes" and not text):
            return value
        return self._foreign(source, kind, value)

    def _decimal(self, source: Source, value: str) -> str:
        """The text of a Decimal that is short and has no exponent; as it stands, one that is within the limits."""
        if self._stays:
            source.line(f"{source.name(self._plus, 'plus')}({value})")
            return value
        text = source.fresh()
        source.line(f"{text} = str({value})")
        source.require(f"len({text}) <= {short(self._limits)} and 'E' not in {text}")
        return text

    def _foreign(self, source: Source, kind: str, value: str) -> str:
        """The plain value of a leaf that the engine does not write by itself."""
        match kind:
            case "datetime" if self._engine.text and not self._notation.stamp:
                return f"{source.name(self._engine.text)}({value})"
            case "date" | "time":
                return f"{value}.isoformat()"
            case "uuid" if not self._notation.text:
                return f"{value}.int.to_bytes(16)"
            case "uuid":
                return f"str({value})"
        return f"{source.name(direct)}({kind!r}, {value}, {source.name(self._notation)})"

    def _union(self, source: Source, node: Union, value: str, depth: int) -> str:
        tests = {one.kind: self._is(source, one, value) for _, one in node.options if isinstance(one, Leaf)}
        if len(tests) == len(node.options) == 2 and tests.keys() <= _THEMSELVES and node.bare:
            ranged = "int" in tests and not self._engine.checks_range
            if ranged:
                tests["int"] += f" and {ranges([value])}"
            (source.require if ranged else source.check)(f"({' or '.join(tests.values())})")
            return value
        wire, first = source.fresh(), True
        depth = depth if node.bare else self._enter(depth)
        for name, option in node.options:
            word, first = ("if" if first else "elif"), False
            with source.block(f"{word} {self._is(source, option, value)}:"):
                lowered = self._node(source, option, value, depth)
                source.line(f"{wire} = {lowered if node.bare else self._array([repr(name), lowered])}")
        with source.block("else:"):
            source.line("raise Stop")
        return wire

    def _is(self, source: Source, node: Node, value: str) -> str:
        match node:
            case Leaf("none"):
                return f"{value} is None"
            case Leaf("any"):
                raise Unsupported
            case Leaf(kind):
                return f"type({value}) is {source.name(TYPES[kind])}"
            case Sequence(cls) | Member(cls):
                return f"type({value}) is {source.name(cls)}"
        return f"{source.name(takes)}({source.name(node)}, {value})"

    def _sequence(self, source: Source, node: Sequence, value: str, depth: int) -> str:
        source.exact(value, node.cls)
        if node.cls is set or node.cls is frozenset:
            return self._set(source, node, value, depth)
        return self._list(source, node, value, depth)

    def _set(self, source: Source, node: Sequence, value: str, depth: int) -> str:
        self._spread(source, node.item, value)
        leaf = node.item.kind if isinstance(node.item, Leaf) else ""
        # Members are put in order as they stand in the bytes, so whatever the engine could write by itself.
        engine, self._engine = self._engine, self._engine._replace(native=frozenset(), python=False)
        wire = self._list(source, node, value, depth)
        self._engine = engine
        return f"sorted({value})" if leaf in _SORTABLE else f"{source.name(ordered)}({wire})"

    def _spread(self, source: Source, node: Node, value: str) -> None:
        """The most members, or keys, whose hash can be chosen; integers are of 64 bits here."""
        if self._limits.collisions < sys.maxsize and not (isinstance(node, Leaf) and node.kind in SALTED | {"int"}):
            source.require(f"len({value}) <= {self._limits.collisions}")

    def _list(self, source: Source, node: Sequence, value: str, depth: int) -> str:
        item, wire = source.fresh(), source.fresh()
        inner = source.fresh()
        source.line(f"{wire} = []; {inner} = {wire}.append")
        start = len(source.lines)
        with source.block(f"for {item} in {value}:"):
            lowered = self._node(source, node.item, item, depth)
            moves = lowered != item or (rebinds(node.item) and not self._stays)
            if moves:
                source.line(f"{inner}({lowered})")
        if not moves:  # items go as they are: no second list
            del source.lines[start - 1]
            if len(source.lines) == start:
                source.lines.pop()  # nothing to check in them either
            plain = node.cls is list or (node.cls is tuple and self._engine.python)
            wire = value if plain else f"[*{value}]"
        return wire

    def _mapping(self, source: Source, node: Mapping, value: str, depth: int) -> str:
        source.exact(value, dict)
        self._spread(source, node.key, value)
        key, item, wire = source.fresh(), source.fresh(), source.fresh()
        flat = self._notation.flat or node.key != Leaf("str")
        source.line(f"{wire} = {'[]' if flat else '{}'}")
        start = len(source.lines)
        with source.block(f"for {key}, {item} in {value}.items():"):
            name = self._node(source, node.key, key, depth)
            lowered = self._node(source, node.item, item, depth)
            source.line(f"{wire} += {name}, {lowered}" if flat else f"{wire}[{name}] = {lowered}")
        if not flat and lowered == item and not (rebinds(node.item) and not self._stays):
            del source.lines[-1], source.lines[start - 1]  # the dict goes as it is
            if len(source.lines) == start:
                source.lines.pop()  # and there is nothing to check in it
            return value
        return wire

    def _record(self, source: Source, node: Record, value: str, depth: int) -> str:
        compact, attributes = self._notation.compact, node.family != "dict"
        if any((field.absent and compact) or (iskeyword(field.name) and attributes) for field in node.fields):
            raise Unsupported
        source.exact(value, dict if node.family == "dict" else node.cls)
        if node.family == "dict":
            source.require(f"len({value}) == {len(node.fields)}")
        elif node.unknown == "":
            source.require(f"{value}.{KEPT} is None")
        elif node.unknown:
            source.require(f"not {value}.{node.unknown}")
        held = []
        for field in node.fields:
            variable = source.fresh()
            source.line(
                f"{variable} = {value}[{field.name!r}]"
                if node.family == "dict"
                else f"{variable} = {value}.{field.name}"
            )
            held.append(variable)
        stays, self._stays = self._stays, self._stays or self._stay(node)
        pairs = zip(node.fields, held, strict=True)
        wires = [self._node(source, field.node, variable, depth) for field, variable in pairs]
        stays, self._stays = self._stays, stays
        if self._notation.compact:
            return self._array(wires)
        if stays:
            return value
        return "{" + ", ".join(f"{one.stored!r}: {wire}" for one, wire in zip(node.fields, wires, strict=True)) + "}"

    def _stay(self, node: Node) -> bool:
        """Whether the engine writes the value as it stands; floats must then be floats, not int."""
        if self._notation.compact or not self._engine.python:
            return False
        match node:
            case Leaf(kind):
                return kind in self._engine.native or kind in {"none", "bool", "int", "float", "str"}
            case Checked(inner) | Sequence(cls=builtins.list, item=inner):
                return self._stay(inner)
            case Union(bare=True):
                return {name for name, _ in node.options} <= _THEMSELVES
            case Member(_, by):
                return by == "value"
            case Record(as_is=True, recursive=False):
                return all(self._stay(field.node) for field in node.fields)
        return isinstance(node, Choice)

    def _array(self, parts: list[str]) -> str:
        if self._engine.python:
            return f"({', '.join(parts)},)" if parts else "()"
        return f"[{', '.join(parts)}]"

    def _call(self, source: Source, node: Record, value: str, depth: int) -> str:
        """A call of the record's own function, which counts how deep it is."""
        key = id(node), self._engine.python
        name = self._calls.get(key)
        if name is None:
            name = self._calls[key] = f"lower{len(self._calls)}"
            own, outer, self._deepest = source.alone(), self._deepest, 1
            made = self._record(own, node, "value", 1)
            own.lines.insert(0, f"    if depth > {self._limits.depth - self._deepest}: raise Stop")
            own.function(name, f"{name}(value, depth)", made)
            self._deepest = outer
        return f"{name}({value}, {f'depth + {depth}' if source is not self.source else depth})"
