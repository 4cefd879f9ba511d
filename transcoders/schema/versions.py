"""Versions of payload types: their numbers, the migrations between them, and the fingerprint of a shape.

A type keeps its version and migrations on itself. A migration gets the fields that were written before its version
as a dict of values and returns the fields of its version; migrations run in order, up to the version of the type.
"""

import hashlib
import json
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from transcoders.errors import SpecError
from transcoders.schema import families
from transcoders.schema.building import KEPT
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

T = TypeVar("T")
Fields = dict[str, Any]
Migrate = Callable[[Fields], Fields]
HIGHEST: Final = 0xFFFF
VERSION: Final = "__schema_version__"
"""Where a class has its version, and a record the newest one that wrote it, when an older class keeps it."""
_STEPS: Final = "__schema_migrations__"


class Step(NamedTuple):
    """A migration: `since` is the version that it makes, `was` the type that described the fields before."""

    since: int
    run: Migrate
    was: Any


def schema(version: int = 1) -> Callable[[type[T]], type[T]]:
    """A class decorator that gives a payload type its version, 1 to 65,535; without it the version is 1.

    Raises:
        SpecError: another version, or a class that cannot be a payload.
    """
    if type(version) is not int or not 1 <= version <= HIGHEST:
        raise SpecError(f"a schema version is a whole number from 1 to {HIGHEST}, not {version!r}")

    def decorate(cls: type[T]) -> type[T]:
        setattr(_payload(cls), VERSION, version)
        return cls

    return decorate


def migrate(cls: type, since: int, was: Any = None) -> Callable[[Migrate], Migrate]:
    """A decorator that makes a function the migration of a payload type to version `since`.

    Args:
        cls: the payload type as it is now.
        since: the first version whose fields the function returns; it runs on everything older.
        was: a class that describes the fields before it, such as a TypedDict. It is needed to read layout compact of
            that version, and fields whose type the bytes do not show. What it does not describe is read as the
            next class since then does, the present one last; what none of them knows comes as it stands in the bytes.

    The function gets a dict of field name to value, may change it, and returns the fields of its version, nested
    classes as instances or as dicts of fields.

    Raises:
        SpecError: a version below 2, or two migrations to one.
    """
    steps = vars(_payload(cls)).get(_STEPS, ())
    if type(since) is not int or not 2 <= since <= HIGHEST:
        raise SpecError(f"a migration leads to a version from 2 to {HIGHEST}, not {since!r}")
    if any(step.since == since for step in steps):
        raise SpecError(f"{cls.__name__} has a migration to version {since} already")

    def decorate(function: Migrate) -> Migrate:
        setattr(cls, _STEPS, tuple(sorted((*steps, Step(since, function, was)), key=lambda step: step.since)))
        return function

    return decorate


def version(cls: type) -> int:
    """The version of a payload type; raises SpecError when a migration leads beyond it."""
    known = vars(cls).get(VERSION, 1)
    for step in steps(cls):
        if step.since > known:
            raise SpecError(
                f"{cls.__name__} is version {known}, and has a migration to {step.since}: @schema(version=…)"
            )
    return int(known)


def steps(cls: type) -> tuple[Step, ...]:
    """The migrations of a payload type, in order; a subclass has its own."""
    found: tuple[Step, ...] = vars(cls).get(_STEPS, ())
    return found


def fingerprint(root: Node) -> bytes:
    """Four bytes that tell shapes apart: BLAKE2b (RFC 7693) of the text that `outline` gives."""
    return hashlib.blake2b(outline(root).encode(), digest_size=4, person=b"tc-schema/1").digest()


def outline(root: Node) -> str:
    """The shape as text: stored names and kinds, in the order of the bytes; see docs/format.md.

    Names in Python, defaults, constraints and the members of an Enum do not count: bytes do not change with them.
    """
    return _text(root, [])


def _text(node: Node, met: list[Record]) -> str:
    match node:
        case Leaf(kind):
            return kind
        case Checked(inner):
            return _text(inner, met)
        case Member(cls, "value"):
            return f"enum-{type(next(iter(cls)).value).__name__}"
        case Member(_, by):
            return f"enum-{by}"
        case Choice(values):
            kinds = {"none" if value is None else type(value).__name__ for value in values}
            return f"literal({','.join(sorted(kinds))})"
        case Sequence(cls, item):
            return f"{cls.__name__}({_text(item, met)})"
        case Fixed(items):
            return f"fixed({','.join(_text(one, met) for one in items)})"
        case Mapping(key, item):
            return f"dict({_text(key, met)},{_text(item, met)})"
        case Union(options, bare):
            texts = [(name, _text(option, met)) for name, option in sorted(options, key=itemgetter(0))]
            if bare:
                return f"either({','.join(text for _, text in texts)})"
            return f"named({','.join(f'{name}={text}' for name, text in texts)})"
        case Model():
            return "model"
    if node in met:
        return f"again({met.index(node)})"
    met.append(node)
    fields = (f"{json.dumps(one.stored)}{'?' * one.absent}:{_text(one.node, met)}" for one in node.fields)
    return f"record({','.join(fields)})"


def adopt(nodes: list[Node]) -> None:
    """Give the classes of these records the attribute that says that they keep no unknown fields."""
    for node in nodes:
        if isinstance(node, Record) and node.unknown == "" and node.family == "object" and KEPT not in vars(node.cls):
            setattr(node.cls, KEPT, None)


def _payload(cls: Any) -> Any:
    if families.family(cls) is None:
        raise SpecError(
            "a payload is a dataclass, msgspec Struct, attrs class, NamedTuple, TypedDict or pydantic model, "
            f"not {cls!r}"
        )
    return cls
