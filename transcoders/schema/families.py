"""The classes that can be payloads, and how each lists its fields and is built again.

Dataclasses, msgspec Structs, attrs classes, NamedTuples and TypedDicts are told apart by what they carry, so that
none of those libraries is imported for a class that is not theirs.
"""

import sys
import typing
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

from transcoders import records
from transcoders.errors import SpecError


class Declared(NamedTuple):
    """A field as its class declares it; see `nodes.Field`."""

    name: str
    hint: Any
    required: bool = True
    absent: bool = False
    argument: str | None = None
    keyword: bool = False
    stored: str = ""


def family(cls: Any) -> str | None:
    """How fields of the class are read: `object`, `tuple`, `dict` or `model`; None if it is no record."""
    if not isinstance(cls, type):
        return None
    if typing.is_typeddict(cls):
        return "dict"
    if issubclass(cls, tuple):
        return "tuple" if hasattr(cls, "_fields") else None
    if hasattr(cls, "__pydantic_validator__") and hasattr(cls, "model_fields"):
        return "model"
    known = records.is_struct(cls) or records.is_dataclass(cls) or hasattr(cls, "__attrs_attrs__")
    return "object" if known else None


def fields(cls: Any) -> Iterator[Declared]:
    """The fields of a class that has a family, in the order of declaration.

    Raises:
        SpecError: an annotation cannot be resolved, or a field cannot come back through the constructor.
    """
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception as error:  # annotations are code, and may raise anything
        raise SpecError(f"{cls.__name__}{_unread(cls)}: the annotation cannot be read: {error}") from error
    if typing.is_typeddict(cls):
        return _typed_dict(cls, hints)
    if issubclass(cls, tuple):
        return _named_tuple(cls, hints)
    if records.is_struct(cls):
        return _struct(cls, hints)
    return _attrs(cls, hints) if hasattr(cls, "__attrs_attrs__") else _dataclass(cls, hints)


def default(cls: Any, name: str) -> Callable[[], Any] | None:
    """What makes the default of a field; None where it has none, or one that depends on the instance."""
    if records.is_struct(cls):
        (one,) = (one for one in sys.modules["msgspec"].structs.fields(cls) if one.name == name)
        return _made(sys.modules["msgspec"].NODEFAULT, one.default, one.default_factory)
    if records.is_dataclass(cls):
        from dataclasses import MISSING  # noqa: PLC0415 - as above

        one = cls.__dataclass_fields__[name]
        return _made(MISSING, one.default, one.default_factory)
    if hasattr(cls, "__attrs_attrs__"):
        attr, value = sys.modules["attr"], getattr(cls.__attrs_attrs__, name).default
        if isinstance(value, attr.Factory):
            return None if value.takes_self else value.factory
        return _made(attr.NOTHING, value, attr.NOTHING)
    defaults = getattr(cls, "_field_defaults", {})
    return (lambda: defaults[name]) if name in defaults else None


def _made(nothing: Any, value: Any, factory: Any) -> Callable[[], Any] | None:
    """What makes the value, or the factory, whichever there is."""
    if factory is not nothing:
        return factory  # type: ignore[no-any-return]
    return None if value is nothing else lambda: value


def _unread(cls: Any) -> str:
    """The first field whose annotation cannot be read, with a point before it."""
    for base in cls.__mro__:
        known = vars(sys.modules.get(base.__module__, object))
        for name, hint in vars(base).get("__annotations__", {}).items():
            try:
                typing.get_type_hints(SimpleNamespace(__annotations__={name: hint}), dict(known), dict(vars(base)))
            except Exception:  # noqa: BLE001 - see above
                return f".{name}"
    return ""


def as_is(cls: Any) -> bool:
    """Whether engines that write objects write this class's fields by their names, all of them, and nothing else."""
    if not records.is_struct(cls):
        return records.is_dataclass(cls)
    config = cls.__struct_config__
    odd = config.array_like or config.omit_defaults or config.tag is not None
    return not odd and cls.__struct_encode_fields__ == cls.__struct_fields__


def opened(cls: Any) -> bool:
    """Whether the class is a dataclass whose instances are what was set on them: no code of the user's runs."""
    if not records.is_dataclass(cls) or cls.__class__ is not type:
        return False
    init, new, put = (getattr(cls, name) for name in ("__init__", "__new__", "__setattr__"))
    generated = init.__code__.co_filename == "<string>"  # where @dataclass compiles its __init__
    plain = new is object.__new__ and put is object.__setattr__
    return generated and plain and not hasattr(cls, "__post_init__")


def hashable(cls: Any) -> bool:
    """Whether instances can be keys; a Struct has a `__hash__` that raises where it has fields that may change."""
    if records.is_struct(cls) and cls.__struct_config__.eq and not cls.__struct_config__.frozen:
        return "__hash__" in vars(cls)
    return cls.__hash__ is not None


def keeps(cls: type) -> bool:
    """Whether instances have a `__dict__` that can hold what the class does not know."""
    return family(cls) == "object" and getattr(cls, "__dictoffset__", 0) != 0 and not records.is_struct(cls)


def _dataclass(cls: Any, hints: dict[str, Any]) -> Iterator[Declared]:
    from dataclasses import MISSING, fields  # noqa: PLC0415 - takes longer than all of ours

    if "__init__" not in vars(cls) or not cls.__dataclass_params__.init:
        raise SpecError(f"{cls.__name__} has no __init__ made by @dataclass, so it cannot come back")
    for name, one in cls.__dataclass_fields__.items():
        if str(one._field_type) == "_FIELD_INITVAR":  # noqa: SLF001 - there is no public name for it
            raise SpecError(f"{cls.__name__}.{name} is an InitVar, which is not stored: give it a default elsewhere")
    for one in fields(cls):
        required = one.default is MISSING and one.default_factory is MISSING
        argument = one.name if one.init else None
        yield Declared(one.name, hints[one.name], required, argument=argument, keyword=one.kw_only is True)


def _struct(cls: Any, hints: dict[str, Any]) -> Iterator[Declared]:
    nothing = sys.modules["msgspec"].NODEFAULT
    names, defaults = cls.__struct_fields__, cls.__struct_defaults__
    optional = (
        {name for name, one in zip(names[-len(defaults) :], defaults, strict=True) if one is not nothing}
        if defaults
        else set()
    )
    stored = dict(zip(names, cls.__struct_encode_fields__, strict=True))
    for name in names:
        keyword = name not in cls.__match_args__
        yield Declared(name, hints[name], name not in optional, argument=name, keyword=keyword, stored=stored[name])


def _attrs(cls: Any, hints: dict[str, Any]) -> Iterator[Declared]:
    if "__attrs_attrs__" not in vars(cls):
        raise SpecError(f"{cls.__name__} derives from an attrs class, and is none itself: decorate it as well")
    nothing = sys.modules["attr"].NOTHING
    for one in cls.__attrs_attrs__:
        if one.name not in hints:
            raise SpecError(f"{cls.__name__}.{one.name} has no type")
        argument = one.alias if one.init else None
        yield Declared(one.name, hints[one.name], one.default is nothing, argument=argument, keyword=one.kw_only)


def _named_tuple(cls: Any, hints: dict[str, Any]) -> Iterator[Declared]:
    for name in cls._fields:
        if name not in hints:
            raise SpecError(f"{cls.__name__}.{name} has no type: declare it with typing.NamedTuple")
        yield Declared(name, hints[name], name not in cls._field_defaults, argument=name)


def _typed_dict(cls: Any, hints: dict[str, Any]) -> Iterator[Declared]:
    for name, hint in hints.items():
        bare, wanted = _presence(hint)
        wanted = name in cls.__required_keys__ if wanted is None else wanted
        yield Declared(name, bare, wanted, absent=not wanted, argument=name, keyword=True)


def _presence(hint: Any) -> tuple[Any, bool | None]:
    """The type inside Required or NotRequired, and what it said."""
    origin = typing.get_origin(hint)
    if origin in {typing.Required, typing.NotRequired}:
        return typing.get_args(hint)[0], origin is typing.Required
    return hint, None
