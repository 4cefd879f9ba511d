"""Registered types: Enum members, dataclasses and msgspec Structs inside untyped sessions.

The bytes hold the name that the application registered, never a module path: decoding imports nothing, and moving a
class does not break stored sessions. This is the plain case, fields by name; versions and migrations are for schemas.
"""

import sys
from enum import Enum, Flag
from typing import Any

Types = dict[str, type]
"""Registered name to class; the registry owns it."""


def is_struct(cls: type) -> bool:
    """Whether the class is a msgspec Struct; never imports msgspec."""
    msgspec = sys.modules.get("msgspec")
    return msgspec is not None and issubclass(cls, msgspec.Struct)


def is_dataclass(cls: type) -> bool:
    """Whether the class is a dataclass; never imports dataclasses, which takes longer than all of ours."""
    return hasattr(cls, "__dataclass_fields__")


def unfit(cls: object) -> str | None:
    """Why the class cannot be registered, to be read behind a name; None when it can."""
    if not isinstance(cls, type) or not (issubclass(cls, Enum) or is_dataclass(cls) or is_struct(cls)):
        return "takes an Enum, a dataclass or a msgspec Struct"
    if issubclass(cls, Enum) or is_struct(cls):
        return None
    from inspect import Parameter, signature  # noqa: PLC0415 - dataclasses has imported it

    fields = {(name, True) for name, init in _fields(cls).items() if init}
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    taken = {(name, one.kind in named) for name, one in signature(cls).parameters.items()}
    if odd := sorted(name for name, _ in fields ^ taken):
        told = f"{cls.__name__}: its constructor and its fields differ in {odd[0]!r}"
        return f"cannot be {told}, so its values would not come back as they were"
    return None


def lower(value: object, types: Types) -> tuple[bool, str, Any]:
    """`(True, name, member)` of an Enum member, `(False, name, fields)` of a record.

    Raises:
        ValueError: the type is not registered; the message says what to do.
    """
    cls = type(value)
    name = next((name for name, known in types.items() if known is cls), None)
    if name is None:
        raise ValueError(_advice(cls))
    if isinstance(value, Flag):
        return True, name, value.value
    if isinstance(value, Enum):
        return True, name, value.name
    try:
        return False, name, {field: getattr(value, field) for field in _fields(cls)}
    except AttributeError as error:
        raise ValueError(f"{cls.__name__} is not complete: {error}") from error


def raise_enum(payload: Any, types: Types) -> Enum:
    """The member; raises ValueError, TypeError or KeyError on a payload that names none."""
    name, member = payload
    cls = _registered(name, types)
    if not issubclass(cls, Enum):
        raise TypeError(f"{name!r} is registered as {cls.__name__}, which is no Enum")
    found: Enum = cls(member) if issubclass(cls, Flag) else cls[member]
    return found


def raise_record(payload: Any, types: Types) -> object:
    """The instance, made through its constructor; raises ValueError, TypeError or KeyError on other fields."""
    name, values = payload
    cls = _registered(name, types)
    if type(values) is not dict:
        raise TypeError("expected fields by name")
    fields = {} if issubclass(cls, Enum) else _fields(cls)
    if unknown := values.keys() - fields.keys():
        raise ValueError(f"{cls.__name__} has no field {min(unknown)!r}")
    made = cls(**{field: value for field, value in values.items() if fields[field]})
    for field, value in values.items():
        if not fields[field]:
            object.__setattr__(made, field, value)
    return made


def _fields(cls: Any) -> dict[str, bool]:
    """Field names, each with whether the constructor takes it."""
    if is_dataclass(cls):
        from dataclasses import fields  # noqa: PLC0415

        return {field.name: field.init for field in fields(cls)}
    return dict.fromkeys(cls.__struct_fields__, True)


def _registered(name: object, types: Types) -> Any:
    if type(name) is not str or name not in types:
        raise KeyError(f"type {str(name)[:60]!r} is not registered here")
    return types[name]


def _advice(cls: type) -> str:
    shown = f"{cls.__module__}.{cls.__qualname__}"
    if (reason := unfit(cls)) is None:
        return f"{shown} is not registered: register('type', {cls.__name__!r}, {cls.__name__})"
    if is_dataclass(cls):
        return f"a type {reason}"
    for known in (str, int, float, bytes, list, tuple, dict, set, frozenset):
        if issubclass(cls, known):
            return f"{shown} is a subclass of {known.__name__}: store {known.__name__}(value)"
    return f"{shown} is not a session value: store plain data in its place"
