"""Attributes of a declared type: each has a version and a fingerprint of its own in its segment.

Scalars of fields that hold nothing else stand in the index as themselves, and are checked on both ways all the same.
What was stored without a type, or by another version of it, is read through it, and stays as it is until it changes.
"""

from collections.abc import Iterable
from types import NoneType
from typing import Any, Final

from transcoders import frame
from transcoders.chain import Chain
from transcoders.errors import SpecError
from transcoders.limits import Limits
from transcoders.schema.building import takes
from transcoders.schema.nodes import Checked, Choice, Leaf, Node, Union
from transcoders.schema.reading import shape
from transcoders.sessions.attribute import Attribute, heads
from transcoders.sessions.stored import START, Stored, scalar
from transcoders.typed import Typed

_SCALARS: Final[dict[str, frozenset[type]]] = {
    "none": frozenset((NoneType,)), "bool": frozenset((bool,)), "int": frozenset((int,)),
    "float": frozenset((float,)), "str": frozenset((str,)), "any": frozenset((NoneType, bool, int, float, str)),
}  # fmt: skip


class Declared(Attribute):
    """An attribute of a declared type. Immutable; may be used by any number of threads at once."""

    __slots__ = ("_kinds", "_node", "_scalars", "_typed")

    def __init__(self, chains: Iterable[Chain], limits: Limits, hint: Any) -> None:
        """Raises SpecError on a type that no schema can hold."""
        self._typed: dict[int, Typed] = {}
        super().__init__(chains, limits, hint)
        node = self._node = shape(hint)
        self._kinds, self._scalars = _kinds(node), _plain(node)

    def _learn(self, chain: Chain, limits: Limits) -> Typed:
        typed = chain.declared(self.hint, limits)
        if typed is None:
            raise SpecError("an attribute cannot be declared as None")
        self._read(heads(typed), typed.loads)
        self._read(heads(chain.codec), typed.loads_untyped)
        self._typed.setdefault(typed.tag, typed)
        return typed

    def encode(self, value: object) -> Stored:
        """What is stored of the value; raises EncodeError with every problem of it."""
        if type(value) in self._kinds and scalar(value):
            return value  # type: ignore[return-value]
        segment = self.segment(value)
        if not self._scalars or not scalar(value):
            return segment
        return value if takes(self._node, value) else float(value)  # type: ignore[return-value, arg-type]

    def decode(self, stored: Stored) -> object:
        """The value. Raises DecodeError, SchemaMismatch with every problem."""
        if type(stored) is bytes:
            return self._decode(stored)
        return stored if type(stored) in self._kinds else self.adopt(stored)

    def adopt(self, value: object) -> object:
        """The value of the declared type that stands for this one, which was stored without a type."""
        return next(iter(self._typed.values())).adopt(value)

    def _other(self, segment: bytes) -> object:
        found = frame.parse(START + segment[: frame.LONGEST])
        typed = self._typed.get(found.codec)
        if typed is None or found.schema is None or found.filters:
            raise self._refused(found)
        return typed.loads_other(found.schema, found.compact, found.form, segment[found.size - len(START) :])


def _kinds(node: Node) -> frozenset[type]:
    """Exact types of scalars that the node takes whatever they are."""
    match node:
        case Leaf(kind):
            return _SCALARS.get(kind, frozenset())
        case Union(options):
            return frozenset[type]().union(*(_kinds(option) for _, option in options))
    return frozenset()


def _plain(node: Node) -> bool:
    """Whether the node takes scalars alone, so that they need nothing that tells what they are."""
    match node:
        case Leaf(kind):
            return kind in _SCALARS
        case Union(options):
            return all(_plain(option) for _, option in options)
        case Checked(inner):
            return _plain(inner)
    return isinstance(node, Choice)
