"""Kinds of model: from the plain dataclasses of `models`, the same records as every other kind of class a peer takes.

A model may be made with the type of one field altered. Such a sibling writes, in the peer's own wire format, what the
model itself must refuse to read.
"""

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from functools import reduce
from inspect import get_annotations
from operator import or_
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import msgspec
import pydantic

Fields = Mapping[str, Any]
Model = type[Any]


def _slots(name: str, fields: Fields) -> Model:
    return dataclasses.make_dataclass(name, fields.items(), slots=True, namespace={"__module__": __name__})


def _pydantic(name: str, fields: Fields) -> Model:
    definitions: dict[str, Any] = {key: (hint, ...) for key, hint in fields.items()}
    made: Model = pydantic.create_model(name, **definitions)
    return made


_MAKERS: dict[str, Callable[[str, Fields], Model]] = {
    "dataclass": lambda name, fields: dataclasses.make_dataclass(name, fields.items()),
    "slots": _slots,
    "attrs": lambda name, fields: attrs.make_class(name, {key: attrs.field(type=hint) for key, hint in fields.items()}),
    "struct": lambda name, fields: msgspec.defstruct(name, fields.items()),
    "array": lambda name, fields: msgspec.defstruct(name, fields.items(), array_like=True),
    "pydantic": _pydantic,
}
KINDS = tuple(_MAKERS)
"""dataclass, slots dataclass, attrs class, msgspec Struct, array_like Struct, pydantic BaseModel."""
_made: dict[tuple[Model, str, tuple[str, Any] | None], Model] = {}
_names: dict[Model, tuple[str, ...]] = {}


def model(record: Model, kind: str, altered: tuple[str, Any] | None = None) -> Model:
    """The plain dataclass as a class of that kind, its nested records too, the same at each call.

    `altered` names a field and the type that it has instead.
    """
    if kind == "dataclass" and altered is None:
        return record
    if (key := (record, kind, altered)) not in _made:
        fields = {name: _swapped(hint, kind) for name, hint in get_type_hints(record).items()}
        _made[key] = _MAKERS[kind](record.__name__, fields | dict([altered] if altered else []))
    return _made[key]


def recast(value: Any, kind: str, altered: tuple[str, Any, Any] | None = None) -> Any:
    """The plain value as a value of that kind; `altered` names a field, the type and the value that it has instead."""
    if isinstance(value, list):
        return [recast(item, kind) for item in value]
    if not (fields := names(type(value))):
        return value
    made = model(type(value), kind, altered and altered[:2])
    return made(
        **{name: recast(getattr(value, name), kind) for name in fields} | dict([altered[::2]] if altered else [])
    )


def names(made: Model) -> tuple[str, ...]:
    """The field names of a class of any kind; none of a class that is no record."""
    if made not in _names:
        _names[made] = () if issubclass(made, Enum) else tuple(get_annotations(made))
    return _names[made]


def _swapped(hint: Any, kind: str) -> Any:
    """The hint with each record in it as a class of that kind."""
    if dataclasses.is_dataclass(hint):
        return model(hint, kind)  # type: ignore[arg-type]
    if not (arguments := get_args(hint)):
        return hint
    swapped = tuple(_swapped(one, kind) for one in arguments)
    origin = get_origin(hint)
    return reduce(or_, swapped) if origin is UnionType else origin[swapped]
