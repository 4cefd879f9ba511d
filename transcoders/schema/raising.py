"""Generated lifting: one function a type, from the tree that an engine made to the typed value, nothing explained.

After an engine that checks types only what it does not know is done here; after one that does not, every type is
checked. It does what `lifting.Lifting` does for trees that are right and plain, and raises for everything else.
"""

import sys
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID, SafeUUID

from transcoders.limits import Limits
from transcoders.schema.engines import Engine
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
from transcoders.schema.notation import HIGH, LOW, TYPES, Notation, parse
from transcoders.schema.readers import PARSE, SALTED, UUID_PARTS, WRITTEN, decimals, rebinds
from transcoders.schema.source import Source, Unsupported, constraints
from transcoders.schema.wiretypes import READ, SIMPLE, WireTypes

_MANY: Final = 2
"""Fields from which on it is quicker to set them than to call the constructor."""


class Raising:
    """Writes the lifting of one shape for one engine."""

    __slots__ = ("_calls", "_deepest", "_engine", "_limits", "_notation", "_parse", "_types", "source")

    def __init__(self, notation: Notation, engine: Engine, limits: Limits) -> None:
        self._notation, self._engine, self._limits = notation, engine, limits
        self._parse = PARSE | {"decimal": decimals(limits).create_decimal}
        self.source = Source()
        self._calls: dict[tuple[int, bool], str] = {}
        self._deepest = 0
        self._types = WireTypes(notation)

    def write(self, node: Node) -> tuple[str, Any]:
        """The expression of the value of variable `wire`, and the type that a checking engine reads it as.

        Raises:
            Unsupported: the shape needs the interpreter.
        """
        wire = self._types(node) if self._engine.typed else Any
        return self._node(self.source, node, "wire", 0, wire is not Any), wire

    def _node(self, source: Source, node: Node, wire: str, depth: int, typed: bool) -> str:  # noqa: FBT001
        typed = typed and self._types(node) is not Any
        match node:
            case Leaf(kind):
                return self._leaf(source, kind, wire, typed)
            case Checked(inner):
                value = source.fresh()
                lifted = self._node(source, inner, wire, depth, typed)
                source.line(f"{value} = {lifted}")
                constraints(source, node, value)
                return value
            case Member(cls, by):
                return self._member(source, cls, by, wire, typed)
            case Choice(values):
                if not typed:
                    known = source.name({(type(value), value) for value in values})
                    source.require(f"(type({wire}), {wire}) in {known}")
                return wire
            case Union():
                return self._union(source, node, wire, depth, typed)
            case Record(recursive=True):
                return self._call(source, node, wire, depth)
            case Model():
                raise Unsupported
        return self._container(source, node, wire, self._enter(depth), typed)

    def _enter(self, depth: int) -> int:
        """The depth inside one more container; raises Unsupported beyond the limit."""
        if depth >= self._limits.depth:
            raise Unsupported
        self._deepest = max(self._deepest, depth + 1)
        return depth + 1

    def _leaf(self, source: Source, kind: str, wire: str, typed: bool) -> str:  # noqa: FBT001
        if kind == "any":
            raise Unsupported
        if kind in SIMPLE or (kind == "bytes" and (typed or not self._notation.text)):
            if kind == "float" and not typed:
                source.number(wire, short=False)
            elif not typed:
                source.exact(wire, TYPES[kind])
                if kind == "int" and not self._notation.stamp:  # elsewhere there is no end to numbers
                    source.narrow(wire)
            return wire
        if typed and kind in READ:
            return wire
        if typed and kind == "bytearray":
            return f"bytearray({wire})"
        if kind == "uuid" and not self._notation.text:
            return self._uuid(source, wire)
        if kind in self._parse and not (kind == "datetime" and self._notation.stamp):
            if not typed:
                source.exact(wire, int if kind == "timedelta" else str)
            if kind in WRITTEN:
                source.require(WRITTEN[kind].format(wire))
            return f"{source.name(self._parse[kind], kind)}({wire})"
        if kind == "datetime" and self._notation.stamp:
            return f"({wire} if type({wire}) is {source.name(datetime)} else {self._parsed(source, kind, wire)})"
        return self._parsed(source, kind, wire)

    @staticmethod
    def _uuid(source: Source, wire: str) -> str:
        source.exact(wire, bytes)
        source.require(f"len({wire}) == 16")
        made = source.fresh()
        new, number, safe, whole = (source.name(part, "uuid") for part in UUID_PARTS)
        source.line(f"{made} = {new}({source.name(UUID)})")
        source.line(f"{number}({made}, {whole}({wire})); {safe}({made}, {source.name(SafeUUID.unknown)})")
        return made

    def _parsed(self, source: Source, kind: str, wire: str) -> str:
        return f"{source.name(parse)}({kind!r}, {wire}, {source.name(self._notation)})"

    def _member(self, source: Source, cls: type[Enum], by: str, wire: str, typed: bool) -> str:  # noqa: FBT001
        if by == "bits":
            if not typed:
                source.exact(wire, int)
            made = source.fresh()
            source.line(f"{made} = {source.name(cls)}({wire})")
            source.require(f"{made}._value_ == {wire}")  # flags leave out bits that they do not know
            return made
        if by == "name":
            return f"{source.name(cls.__members__, 'members')}[{wire}]"
        if typed:
            return wire
        source.exact(wire, type(next(iter(cls)).value))
        return f"{source.name(cls._value2member_map_, 'members')}[{wire}]"

    def _union(self, source: Source, node: Union, wire: str, depth: int, typed: bool) -> str:  # noqa: FBT001
        names = [name for name, _ in node.options]
        if not node.bare or "none" not in names or len(names) != 2:
            return self._other_union(source, node, wire, depth)
        inner = next(option for name, option in node.options if name != "none")
        if typed and self._types.untouched(inner):
            return wire
        value = source.fresh()
        with source.block(f"if {wire} is None:"):
            source.line(f"{value} = None")
        with source.block("else:"):
            source.line(f"{value} = {self._node(source, inner, wire, depth, typed)}")
        return value

    def _other_union(self, source: Source, node: Union, wire: str, depth: int) -> str:
        """A union that no engine reads: bare alternatives are told apart by their type in the bytes, others by name."""
        value, inner = source.fresh(), wire
        tests = [f"type({wire}) in {source.name(self._kinds(option), 'types')}" for _, option in node.options]
        if not node.bare:
            depth = self._enter(depth)
            label, inner = source.fresh(), source.fresh()
            source.exact(wire, list)
            source.line(f"{label}, {inner} = {wire}")
            tests = [f"{label} == {name!r}" for name, _ in node.options]
        for index, (test, (_, option)) in enumerate(zip(tests, node.options, strict=True)):
            with source.block(f"{'elif' if index else 'if'} {test}:"):
                source.line(f"{value} = {self._node(source, option, inner, depth, typed=False)}")
        with source.block("else:"):
            source.line("raise Stop")
        return value

    def _kinds(self, node: Node) -> frozenset[type]:
        """What an alternative may be in a tree; alternatives of a bare union share none of it."""
        match node:
            case Checked(inner):
                return self._kinds(inner)
            case Leaf("none" | "bool" | "int" | "float" as kind):
                return frozenset((TYPES[kind],))
            case Leaf("timedelta"):
                return frozenset((int,))
            case Leaf():
                return frozenset((str, bytes, datetime))
            case Member(cls, by):
                return frozenset((int if by == "bits" else str if by == "name" else type(next(iter(cls)).value),))
            case Choice(values):
                return frozenset(map(type, values))
            case Union(options, bare=True):
                return frozenset().union(*(self._kinds(option) for _, option in options))
            case Mapping() | Record() if not self._notation.compact:
                return frozenset((dict, list)) if isinstance(node, Mapping) else frozenset((dict,))
        return frozenset((list, dict))

    def _container(self, source: Source, node: Node, wire: str, depth: int, typed: bool) -> str:  # noqa: FBT001
        match node:
            case Sequence():
                return self._sequence(source, node, wire, depth, typed)
            case Mapping():
                return self._mapping(source, node, wire, depth, typed)
            case Fixed(items):
                parts, start = self._parts(source, wire, len(items), typed), source.size
                values = [self._node(source, one, part, depth, typed) for one, part in zip(items, parts, strict=True)]
                if values == parts and typed and source.size == start:
                    if parts:
                        source.lines.pop()
                    return wire
                return f"({', '.join(values)},)" if values else "()"
        return self._record(source, node, wire, depth, typed)  # type: ignore[arg-type]

    def _parts(self, source: Source, wire: str, count: int, typed: bool) -> list[str]:  # noqa: FBT001
        if not typed:
            source.exact(wire, list)
            source.require(f"len({wire}) == {count}")
        parts = [source.fresh() for _ in range(count)]
        if parts:
            source.line(f"{', '.join(parts)}, = {wire}")
        return parts

    def _sequence(self, source: Source, node: Sequence, wire: str, depth: int, typed: bool) -> str:  # noqa: FBT001
        if not typed:
            source.exact(wire, list)
        items = self._items(source, node.item, wire, depth, typed)
        if node.cls is list:
            return items
        if node.cls is tuple:
            return wire if typed and items == wire else f"(*{items},)"
        value = source.fresh()
        self._spread(source, node.item, f"len({wire})", wire)
        source.line(f"{value} = {node.cls.__name__}({items})")
        source.require(f"len({value}) == len({wire})")
        return value

    def _spread(self, source: Source, node: Node, count: str, members: str) -> None:
        """The most members, or keys, whose hash can be chosen: beyond that the interpreter decides."""
        most, kind = self._limits.collisions, node.kind if isinstance(node, Leaf) else ""
        if most < sys.maxsize and kind not in SALTED:
            integers = f" or {LOW} <= min({members}) and max({members}) < {HIGH}" if kind == "int" else ""
            source.require(f"({count} <= {most}{integers})")

    def _items(self, source: Source, node: Node, wire: str, depth: int, typed: bool) -> str:  # noqa: FBT001
        """The lifted items of an array, `wire` itself when they need nothing done."""
        source.flush()
        item, made = source.fresh(), source.fresh()
        start = len(source.lines)
        source.line(f"{made} = []")
        with source.block(f"for {item} in {wire}:"):
            lifted = self._node(source, node, item, depth, typed)
            source.line(f"{made}.append({lifted})")
        statements = len(source.lines) - start - 3
        if lifted == item and (typed or not isinstance(node, Leaf | Checked) or not rebinds(node)):
            del source.lines[-1], source.lines[start]
            if not statements:
                source.lines.pop()
            return wire
        if not statements:  # one expression an item
            del source.lines[start:]
            return f"[{lifted} for {item} in {wire}]"
        return made

    def _mapping(self, source: Source, node: Mapping, wire: str, depth: int, typed: bool) -> str:  # noqa: FBT001
        key, item, made = source.fresh(), source.fresh(), source.fresh()
        flat = self._notation.flat or node.key != Leaf("str")
        if flat or not typed:
            source.exact(wire, list if flat else dict)
        if flat:
            self._spread(source, node.key, f"len({wire}) // 2", f"{wire}[::2]")
        source.line(f"{made} = {{}}")
        start = len(source.lines)
        pairs = f"zip({wire}[::2], {wire}[1::2], strict=True)" if flat else f"{wire}.items()"
        with source.block(f"for {key}, {item} in {pairs}:"):
            name = self._node(source, node.key, key, depth, typed=not flat and typed)
            lifted = self._node(source, node.item, item, depth, typed)
            source.line(f"{made}[{name}] = {lifted}")
        if not flat and lifted == item and name == key and not (rebinds(node.item) and not typed):
            del source.lines[-1], source.lines[start - 1]  # the dict is as it should be, and nobody else's
            if len(source.lines) == start:
                source.lines.pop()
            return wire
        if flat:
            source.require(f"2 * len({made}) == len({wire})")
        return made

    def _record(self, source: Source, node: Record, wire: str, depth: int, typed: bool) -> str:  # noqa: FBT001
        if any(field.argument is None or (field.absent and self._notation.compact) for field in node.fields):
            raise Unsupported
        if self._notation.compact:
            parts = self._parts(source, wire, len(node.fields), typed)
        elif typed:
            parts = [f"{wire}.f{index}" for index in range(len(node.fields))]
        else:
            source.exact(wire, dict)
            source.require(f"len({wire}) == {len(node.fields)}")
            parts = [source.fresh() for _ in node.fields]
            for field, part in zip(node.fields, parts, strict=True):
                source.line(f"{part} = {wire}[{field.stored!r}]")
        values, start = [], source.size
        for field, part in zip(node.fields, parts, strict=True):
            variable = part
            if "." in part and not self._types.untouched(field.node):
                variable = source.fresh()
                source.line(f"{variable} = {part}")
            values.append(self._node(source, field.node, variable, depth, typed))
        untouched = values == parts and source.size == start
        if typed and self._notation.compact and self._positional(node) and parts and untouched:
            source.lines.pop()
            if node.open and len(parts) >= _MANY:
                made = source.fresh()
                source.line(f"{made} = {source.name(object.__new__, 'new')}({source.name(node.cls)})")
                source.line(f"{', '.join(f'{made}.{field.name}' for field in node.fields)} = {wire}")
                return made
            return f"{source.name(node.cls)}(*{wire})"
        return self._construct(source, node, values)

    @staticmethod
    def _positional(node: Record) -> bool:
        return node.family != "dict" and not any(field.keyword for field in node.fields)

    def _construct(self, source: Source, node: Record, values: list[str]) -> str:
        pairs = list(zip(node.fields, values, strict=True))
        if node.family == "dict":
            return "{" + ", ".join(f"{field.name!r}: {value}" for field, value in pairs) + "}"
        if node.open and len(pairs) >= _MANY:
            made = source.fresh()
            source.line(f"{made} = {source.name(object.__new__, 'new')}({source.name(node.cls)})")
            source.line("; ".join(f"{made}.{field.name} = {value}" for field, value in pairs))
            return made
        cls = source.name(node.cls)
        if self._positional(node):
            return f"{cls}({', '.join(values)})"
        return f"{cls}({', '.join(f'{field.argument}={value}' for field, value in pairs)})"

    def _call(self, source: Source, node: Record, wire: str, depth: int) -> str:
        """A call of the record's own function, which counts how deep it is."""
        name = self._calls.get((id(node), False))
        if name is None:
            name = self._calls[id(node), False] = f"lift{len(self._calls)}"
            own, outer, self._deepest = source.alone(), self._deepest, 1
            made = self._record(own, node, "wire", 1, typed=False)
            own.lines.insert(0, f"    if depth > {self._limits.depth - self._deepest}: raise Stop")
            own.function(name, f"{name}(wire, depth)", made)
            self._deepest = outer
        return f"{name}({wire}, {f'depth + {depth}' if source is not self.source else depth})"
