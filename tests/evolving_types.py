"""Payload types that change: what changes, in which family of classes, and what is stored by either side.

What must come of each is said in `tests.evolving_outcomes`.
"""

import dataclasses
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict, get_type_hints

import attrs
import msgspec

from transcoders.schema import Name, Unknown, migrate, schema

NOTHING = object()
REST = "rest"
"""The field of slotted classes and Structs that is marked Unknown."""


class Part(NamedTuple):
    """A field: its type, its default or what makes it, if it has one."""

    name: str
    hint: Any
    default: Any = NOTHING
    factory: Callable[[], Any] | None = None

    @property
    def required(self) -> bool:
        return self.default is NOTHING and self.factory is None

    def given(self) -> Any:
        return self.factory() if self.factory else self.default


def _dataclass(name: str, parts: tuple[Part, ...], *, slots: bool = False) -> type:
    made = []
    for part in parts:
        given = {"default_factory": part.factory} if part.factory else {"default": part.default}
        made.append((part.name, part.hint, dataclasses.field(**({} if part.required else given))))
    return dataclasses.make_dataclass(name, made, slots=slots)


def _struct(name: str, parts: tuple[Part, ...]) -> type:
    made = []
    for part in parts:
        given = msgspec.field(default_factory=part.factory) if part.factory else part.default
        made.append((part.name, part.hint) if part.required else (part.name, part.hint, given))
    return msgspec.defstruct(name, made)


def _attrs(name: str, parts: tuple[Part, ...], *, slots: bool) -> type:
    made = {}
    for part in parts:
        given = {"factory": part.factory} if part.factory else {"default": part.default}
        made[part.name] = attrs.field(type=part.hint, **({} if part.required else given))
    return attrs.make_class(name, made, slots=slots)


def _typed_dict(name: str, parts: tuple[Part, ...]) -> type:
    return TypedDict(name, {part.name: part.hint if part.required else NotRequired[part.hint] for part in parts})


def _named_tuple(name: str, parts: tuple[Part, ...]) -> type:
    cls: Any = NamedTuple(name, [(part.name, part.hint) for part in parts])
    cls._field_defaults = {part.name: part.given() for part in parts if not part.required}
    cls.__new__.__defaults__ = tuple(cls._field_defaults.values())
    return cls


_KEEPER = (Part(REST, Annotated[dict[str, Any], Unknown], factory=dict),)
FAMILIES: dict[str, Callable[[str, tuple[Part, ...]], Any]] = {
    "dataclass": _dataclass,
    "slots": lambda name, parts: _dataclass(name, parts, slots=True),
    "slots, Unknown": lambda name, parts: _dataclass(name, parts + _KEEPER, slots=True),
    "Struct": _struct,
    "Struct, Unknown": lambda name, parts: _struct(name, parts + _KEEPER),
    "attrs": lambda name, parts: _attrs(name, parts, slots=False),
    "attrs slots": lambda name, parts: _attrs(name, parts, slots=True),
    "TypedDict": _typed_dict,
    "NamedTuple": _named_tuple,
}
CLOSED = ("slots", "Struct", "attrs slots", "NamedTuple")
"""Families whose instances have no place for a field that their class does not know."""


class Colour(Enum):
    RED = "red"


class Colours(Enum):
    RED = "red"
    BLUE = "blue"


class Side(NamedTuple):
    """The payload as one side of a change has it.

    `stored` is what it writes, `reads` what it gets of what the other side wrote, both as fields; `inner` are the parts
    of the nested class.
    """

    parts: tuple[Part, ...]
    stored: dict[str, Any]
    reads: dict[str, Any]
    version: int = 1
    inner: tuple[Part, ...] = ()


class Change(NamedTuple):
    """What changed, and the migrations to the new side: version, shape before it (a Side), function."""

    old: Side
    new: Side
    steps: tuple[tuple[int, Side | None, Callable[[dict[str, Any]], dict[str, Any]]], ...] = ()


class Inner:
    """Stands in hints for the nested class of the family, and in values for an instance of it."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields


SKU = Part("sku", str)
TITLE = Part("title", str)
PRICE = Part("price", float)


def _side(*parts: Part, stored: dict[str, Any], reads: dict[str, Any], **more: Any) -> Side:
    return Side((SKU, *parts), {"sku": "a-1"} | stored, {"sku": "a-1"} | reads, **more)


def _cents(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"cents": round(fields.pop("price") * 100)}


def _same_name(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"price": round(fields["price"] * 100)}


def _addressed(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"home": {"street": fields.pop("street"), "city": fields.pop("city")}}


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"name": fields.pop("title").title()}


_PRICED = _side(Part("price", float, 0.0), stored={"price": 9.99}, reads={"price": 0.0})
_REQUIRED = _side(PRICE, stored={"price": 9.99}, reads={})
_STREET = _side(Part("street", str), Part("city", str), stored={"street": "Rue 1", "city": "Lyon"}, reads={})
_TITLED = _side(TITLE, Part("price", float, 0.0), stored={"title": "tea", "price": 1.5}, reads={})
_SECOND = _side(TITLE, Part("cents", int, 0), stored={}, reads={})

CHANGES: dict[str, Change] = {
    "field added, with a default": Change(
        _side(stored={}, reads={}), _side(Part("count", int, 1), stored={"count": 5}, reads={"count": 1})
    ),
    "field added, with a default_factory": Change(
        _side(stored={}, reads={}),
        _side(Part("tags", list[str], factory=list), stored={"tags": ["x"]}, reads={"tags": []}),
    ),
    "field added, without a default": Change(
        _side(stored={}, reads={}), _side(Part("count", int), stored={"count": 5}, reads={})
    ),
    "field with a default removed": Change(
        _side(Part("note", str, ""), stored={"note": "n"}, reads={"note": ""}), _side(stored={}, reads={})
    ),
    "attribute renamed, Name is the old one": Change(
        _side(TITLE, stored={"title": "tea"}, reads={"title": "tea"}),
        _side(Part("label", Annotated[str, Name("title")]), stored={"label": "tea"}, reads={"label": "tea"}),
    ),
    "retyped under a new name, by a migration; the old one has a default": Change(
        _PRICED,
        _side(Part("cents", int), stored={"cents": 1250}, reads={"cents": 999}, version=2),
        ((2, _PRICED, _cents),),
    ),
    "retyped under a new name, by a migration; the old one is required": Change(
        _REQUIRED,
        _side(Part("cents", int), stored={"cents": 1250}, reads={"cents": 999}, version=2),
        ((2, _REQUIRED, _cents),),
    ),
    "retyped under the same name, by a migration": Change(
        _REQUIRED,
        _side(Part("price", int), stored={"price": 1250}, reads={"price": 999}, version=2),
        ((2, _REQUIRED, _same_name),),
    ),
    "retyped under the same name, nothing else": Change(
        _side(Part("count", int), stored={"count": 3}, reads={}),
        _side(Part("count", str), stored={"count": "three"}, reads={}),
    ),
    "made Optional, there": Change(
        _side(TITLE, stored={"title": "tea"}, reads={"title": "tea"}),
        _side(Part("title", str | None), stored={"title": "tea"}, reads={"title": "tea"}),
    ),
    "made Optional, None": Change(
        _side(TITLE, stored={"title": "tea"}, reads={}),
        _side(Part("title", str | None), stored={"title": None}, reads={"title": "tea"}),
    ),
    "field with a default added to a nested record": Change(
        _side(
            Part("lines", list[Inner]),
            stored={"lines": [Inner(count=1)]}, reads={"lines": [Inner(count=2)]},
            inner=(Part("count", int),),
        ),
        _side(
            Part("lines", list[Inner]),
            stored={"lines": [Inner(count=2, gift=True)]}, reads={"lines": [Inner(count=1, gift=False)]},
            inner=(Part("count", int), Part("gift", bool, default=False)),
        ),
    ),
    "enum member added, a known one": Change(
        _side(Part("colour", Colour), stored={"colour": Colour.RED}, reads={"colour": Colour.RED}),
        _side(Part("colour", Colours), stored={"colour": Colours.RED}, reads={"colour": Colours.RED}),
    ),
    "enum member added, the new one": Change(
        _side(Part("colour", Colour), stored={"colour": Colour.RED}, reads={}),
        _side(Part("colour", Colours), stored={"colour": Colours.BLUE}, reads={"colour": Colours.RED}),
    ),
    "union option added, a known one": Change(
        _side(Part("due", int | str), stored={"due": 5}, reads={"due": 7}),
        _side(Part("due", int | str | float), stored={"due": 7}, reads={"due": 5}),
    ),
    "union option added, the new one": Change(
        _side(Part("due", int | str), stored={"due": 5}, reads={}),
        _side(Part("due", int | str | float), stored={"due": 0.5}, reads={"due": 5}),
    ),
    "union option added that the bytes must name": Change(
        _side(Part("due", str), stored={"due": "soon"}, reads={}),
        _side(Part("due", str | date | datetime), stored={"due": "soon"}, reads={}),
    ),
    "fields moved into a nested record, by a migration": Change(
        _STREET,
        _side(
            Part("home", Inner),
            stored={"home": Inner(street="Rue 2", city="Nice")}, reads={"home": Inner(street="Rue 1", city="Lyon")},
            inner=(Part("street", str), Part("city", str)), version=2,
        ),
        ((2, _STREET, _addressed),),
    ),
    "two versions at once, 1 to 3": Change(
        _TITLED,
        _side(
            Part("name", str), Part("cents", int),
            stored={"name": "Tea", "cents": 7}, reads={"name": "Tea", "cents": 150}, version=3,
        ),
        ((3, _SECOND, _named), (2, _TITLED, _cents)),
    ),
}  # fmt: skip


class Model:
    """A side of a change in a family of classes: its class, and values of it."""

    def __init__(self, side: Side, family: str, steps: tuple[Any, ...] = ()) -> None:
        make = FAMILIES[family]
        self.side, self.lacks = side, family == "TypedDict"
        self.inner: Any = make("Line", side.inner) if side.inner else None
        hints = {Inner: self.inner, list[Inner]: list[self.inner] if self.inner else None}
        self.cls: Any = schema(side.version)(
            make("Cart", tuple(part._replace(hint=hints.get(part.hint, part.hint)) for part in side.parts))
        )
        for since, was, run in steps:
            migrate(self.cls, since, was=Model(was, family).cls)(run)

    def value(self, fields: dict[str, Any]) -> Any:
        """The instance with these fields."""
        return self.cls(**{name: self._held(one) for name, one in fields.items()})

    def _held(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._held(one) for one in value]
        return self.inner(**value.fields) if isinstance(value, Inner) else value

    def fields(self, value: Any) -> dict[str, Any]:
        """The declared fields of an instance, or of what one is made from; a TypedDict lacks those of their default."""
        return self._shown(value, self.side.parts)

    def _shown(self, value: Any, parts: tuple[Part, ...]) -> dict[str, Any]:
        held = _held(value)
        shown = {}
        for part in parts:
            given = NOTHING if part.required else part.given()
            one = held.get(part.name, given)
            if self.lacks and one == given:
                continue
            if part.hint is Inner:
                one = self._shown(one, self.side.inner)
            elif part.hint == list[Inner]:
                one = [self._shown(line, self.side.inner) for line in one]
            shown[part.name] = one
        return shown

    def kept(self, value: Any) -> bool:
        """Whether an instance, or what it contains, keeps fields that its class does not know."""
        lines = _held(value).get("lines", ())
        return _keeps(value, self.side.parts) or any(_keeps(line, self.side.inner) for line in lines)


def _held(value: Any) -> dict[str, Any]:
    if isinstance(value, Inner):
        return value.fields
    if isinstance(value, dict):
        return value
    return {name: getattr(value, name) for name in get_type_hints(type(value))}


def _keeps(value: Any, parts: tuple[Part, ...]) -> bool:
    if isinstance(value, dict):
        return not value.keys() <= {part.name for part in parts}
    return bool(getattr(value, REST, None) or getattr(value, "__unknown_fields__", None))


@cache
def model(change: str, family: str, *, new: bool) -> Model:
    """A side of a change, made once."""
    made = CHANGES[change]
    return Model(made.new, family, made.steps) if new else Model(made.old, family)
