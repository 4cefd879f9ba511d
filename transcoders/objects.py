"""What a pickle of objects may name: classes that the application registered, and a closed list of our own.

A class is known by its exact module and qualified name, written `module:qualname`; nothing is ever looked up by the
text of a pickle, so there is no way from a name to another. Its `Row` says what a pickle may do with it, worked out
from the class when it is registered: which opcode makes an instance, from what kinds of arguments, and which
attributes it may set. The kinds are those of `machine`: one letter for each argument.
"""

import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import cached_property
from sys import stdlib_module_names
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from transcoders import arrays, records
from transcoders.errors import SpecError

Arguments = frozenset[str] | None
"""The kinds of arguments that are taken, one letter each; None: it is not called so."""
ANY: Final = frozenset("*")
"""Whatever arguments: what is called is the application's own code."""
_NOTHING: Final = frozenset(("",))
_ONE: Final = frozenset("niIfsSbaldtmzoxc")


class Row(NamedTuple):
    """What a pickle may do with a class.

    Attributes:
        target: what its name stands for.
        call: what REDUCE may call it with.
        make: what NEWOBJ may make an instance from, which runs its `__new__` and not its constructor.
        keywords: whether NEWOBJ_EX may.
        state: how BUILD fills an instance: not at all, field by field, or by the class's own `__setstate__`.
        declared: the fields that are taken; None takes any but `hidden` and those of two underscores.
        slots: the fields that lie in slots.
        hidden: names of methods and properties, which no field may stand before.
        items: `l` when instances take APPENDS, `d` when they take SETITEMS.
        key: what hashing an instance costs: nothing that an attacker can raise (`free`), collisions (`prone`), or
            a walk of its fields as well (`deep`).
        kind: `o` when others may lie in an instance, `x` for a value.
    """

    target: Any
    call: Arguments = None
    make: Arguments = None
    keywords: bool = False
    state: Literal["none", "fields", "own"] = "none"
    declared: frozenset[bytes] | None = frozenset()
    slots: frozenset[bytes] = frozenset()
    hidden: frozenset[bytes] = frozenset()
    items: str = ""
    key: Literal["free", "prone", "deep"] = "prone"
    kind: str = "x"


Rows = dict[str, Row]
"""By `module:qualname`; the registry owns those of the application."""


class Array:
    """The constructor that a pickle names for a NumPy array; what it makes is that array, read-only."""

    def __new__(cls, head: object, buffer: bytes | memoryview) -> Any:
        """The array; see `arrays.raise_`."""
        return arrays.raise_(head, buffer)


class Struct:
    """The constructor that a pickle names for a msgspec Struct, whose own pickles may name a function."""

    def __new__(cls, kind: Any, fields: dict[str, object]) -> Any:
        """The Struct of that class; TypeError when it is none."""
        if not records.is_struct(kind):
            raise TypeError(f"{kind.__name__} is no Struct")
        return kind(**fields)


def name(cls: type) -> str:
    """The exact name of a class."""
    return f"{cls.__module__}:{cls.__qualname__}"


_OURS: Final = (
    # Constructors in C that check what they are given and allocate a fixed size.
    Row(datetime, frozenset(("b", "bx"))),
    Row(date, frozenset("b"), key="free"),
    Row(time, frozenset(("b", "bx"))),
    Row(timedelta, frozenset(("iii",))),
    Row(timezone, frozenset(("x", "xs"))),
    # Digits, as many as the kind allows.
    Row(Decimal, frozenset("s")),
    # No hexadecimal text, but bytes, and the constructor counts them. The usual pickle would set fields.
    Row(uuid.UUID, frozenset(("nb",))),
    # The constructor refuses keys that lead out of its database. The usual pickle would name getattr.
    Row(ZoneInfo, frozenset("s")),
    # Empty, then filled by opcodes whose keys are counted; or from a dict whose keys were.
    Row(OrderedDict, _NOTHING, items="d", kind="o"),
    Row(defaultdict, frozenset(("", "n", "c")), items="d", kind="o"),
    Row(Counter, frozenset("d"), items="d", kind="o"),
    Row(deque, frozenset(("", "ti")), items="l", kind="o"),
    # Checks dtype, shape and size against each other before it makes a view of the buffer.
    Row(Array, frozenset(("lb", "lv"))),
    # Makes Structs of a class that is registered, and refuses other classes.
    Row(Struct, frozenset(("cd",)), key="deep", kind="o"),
    # Factories of defaultdicts: named, never called by a pickle.
    *map(Row, (bool, int, float, str, list, tuple, dict, set, frozenset)),
)
OURS: Final[Rows] = {name(row.target): row for row in _OURS}
"""What sessions need beside the application's classes: safe by construction, for the reason that stands above it."""

_BASES: Final[dict[type, Arguments]] = {
    object: _NOTHING, list: _NOTHING, dict: _NOTHING, tuple: frozenset("t"),
    str: frozenset("sS"), int: frozenset("iI"), float: frozenset("f"),
}  # fmt: skip
"""Builtins that a class may derive from, and what their `__getnewargs__` gives. Not bytes, which would take a size."""
_ABSTRACT: Final = frozenset(("abc", "typing", "collections.abc"))


def exact(text: str, cls: Any) -> str:
    """The text, which is to be a name as pickles hold it; raises SpecError with that of the class."""
    module, _, qualname = text.partition(":")
    if all(part.isidentifier() for part in (*module.split("."), *qualname.split("."))):
        return text
    raise SpecError(f"an object is named as pickles name its class, {_shown(cls)!r}, not {text!r}")


def row(cls: Any) -> Row:
    """What a pickle may do with the class.

    Raises:
        SpecError: it is no class whose instances can be loaded without harm; the message says why.
    """
    if problem := _problem(cls):
        raise SpecError(f"{_shown(cls)} cannot be loaded from pickles: {problem}")
    if records.is_struct(cls):
        return Row(cls)
    if issubclass(cls, Enum):
        return Row(cls, call=_ONE, key="free")
    return Row(
        cls, _call(cls), _make(cls), bool(_found(cls, "__getnewargs_ex__")), _state(cls), _declared(cls), _slots(cls),
        _hidden(cls), "d" if issubclass(cls, dict) else "l" if issubclass(cls, list) else "",
        "free" if cls.__hash__ is object.__hash__ else "deep", "o",
    )  # fmt: skip


def advice(value: Any) -> str:
    """What to do about a class, a function or a module that a pickle would name, and nobody has registered."""
    if problem := _problem(value):
        return f"{_shown(value)} cannot be loaded from pickles: {problem}"
    return f"{_shown(value)} is not registered: register('object', '{_shown(value)}', {value.__name__})"


def _shown(value: Any) -> str:
    where = getattr(value, "__module__", None)
    what = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or type(value).__name__
    return f"{where}:{what}" if where else str(what)


def _problem(cls: Any) -> str | None:
    """Why instances of the class cannot be loaded without harm; None when they can."""
    if not isinstance(cls, type):
        return f"a {type(cls).__name__} is no class, and would be called with whatever the holder of a key writes"
    if issubclass(cls, type):
        return "its instances are classes, and classes are code"
    if "<locals>" in cls.__qualname__:
        return "a class inside a function has no name that a pickle could hold"
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] in stdlib_module_names and not _harmless(base, cls):
            return f"{name(base)} is of the standard library, where classes run, open or fill what they are told"
    return _obstacle(cls)


def _obstacle(cls: Any) -> str | None:
    """Why pickles of instances would call more than the class."""
    asks = {"__getattr__", "__getattribute__"} & {key for key, value in _attributes(cls) if type(value) is FunctionType}
    if asks and _state(cls) == "fields":
        return f"its {min(asks)} would be asked for __setstate__ before there are fields; give it a __setstate__"
    if _slots(cls) and _state(cls) == "fields" and type(cls.__setattr__) is FunctionType:
        return "its slots would be set by its __setattr__; give it a __setstate__ (dataclass(slots=True) makes one)"
    return None


def _harmless(base: type, cls: type) -> bool:
    if base.__module__ in _ABSTRACT or issubclass(base, Enum):
        return True
    return base is not cls and (base in _BASES or issubclass(base, BaseException))


def _call(cls: Any) -> Arguments:
    """Only a class that is reduced its own way is called, with what its `__reduce__` gave."""
    own = cls.__reduce__ is not object.__reduce__ or cls.__reduce_ex__ is not object.__reduce_ex__
    return ANY if own else None


def _make(cls: type) -> Arguments:
    if issubclass(cls, BaseException):
        return None
    base = next(known for known in cls.__mro__ if known in _BASES)
    usual = _found(cls, "__getnewargs__") is _found(base, "__getnewargs__")
    return _BASES[base] if usual and not _found(cls, "__getnewargs_ex__") else ANY


def _sets(cls: type) -> bool:
    """Whether the class has a `__setstate__` of its own; that of exceptions sets whatever it is told."""
    return _found(cls, "__setstate__") not in {None, BaseException.__setstate__}


def _state(cls: type) -> Literal["none", "fields", "own"]:
    if records.is_struct(cls) or issubclass(cls, Enum):
        return "none"
    return "own" if _sets(cls) else "fields"


def _found(cls: type, key: str) -> Any:
    """What instances find under that name; the class itself might find it in its metaclass."""
    return next((vars(base)[key] for base in cls.__mro__ if key in vars(base)), None)


def _attributes(cls: type) -> list[tuple[str, object]]:
    return [pair for base in cls.__mro__ for pair in vars(base).items()]


def _slots(cls: type) -> frozenset[bytes]:
    return _names(key for key, value in _attributes(cls) if type(value) is MemberDescriptorType)


def _declared(cls: Any) -> frozenset[bytes] | None:
    cached = [key for key, value in _attributes(cls) if type(value) is cached_property]
    if records.is_dataclass(cls):
        fields = list(cls.__dataclass_fields__)
    elif hasattr(cls, "__attrs_attrs__"):
        fields = [field.name for field in cls.__attrs_attrs__]
    elif any(key == "__dict__" for key, _ in _attributes(cls)):
        return None
    else:
        fields = []
    return _slots(cls) | _names((*fields, *cached))


def _names(keys: Iterable[str]) -> frozenset[bytes]:
    """As bytes, without those that Python itself gives a meaning."""
    return frozenset(key.encode() for key in keys if not key.startswith("__") or not key.endswith("__"))


def _hidden(cls: type) -> frozenset[bytes]:
    harmless = (cached_property, MemberDescriptorType, GetSetDescriptorType)
    return frozenset(
        key.encode() for key, value in _attributes(cls)
        if not isinstance(value, harmless) and (callable(value) or hasattr(type(value), "__get__"))
    )  # fmt: skip
