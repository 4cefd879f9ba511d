"""Instances of subclasses of builtins, as the builtins that they are.

A transcoder refuses `SafeString`, `OrderedDict`, `IntEnum` and the like, because they would come back as something
else. Where another serializer has always stored them so, whoever moves in may keep to that: `plain` is for them.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

_CONTAINERS: Final[dict[type, Callable[[Any, "Plain"], Any]]] = {
    dict: lambda value, plain: {plain(key): plain(item) for key, item in dict.items(value)},
    list: lambda value, plain: [plain(item) for item in list.__iter__(value)],
    tuple: lambda value, plain: tuple([plain(item) for item in tuple.__iter__(value)]),
    set: lambda value, plain: {plain(item) for item in set.__iter__(value)},
    frozenset: lambda value, plain: frozenset([plain(item) for item in frozenset.__iter__(value)]),
}
_SCALARS: Final[dict[type, Callable[[Any], Any]]] = {
    str: str.__str__, int: int.__int__, float: float.__float__, bytes: bytes.__bytes__, bytearray: bytearray.copy,
}  # fmt: skip


class Plain:
    """Values with every subclass of a builtin in them replaced by the builtin; free of state."""

    __slots__ = ("_kept",)

    def __init__(self, kept: Collection[type]) -> None:
        """Instances of the classes in `kept` stay as they are: the registered ones."""
        self._kept = kept

    def __call__(self, value: Any) -> Any:
        """The value of builtins; what is no builtin and no subclass of one stays as it is.

        Raises:
            RecursionError: it is nested deeper than Python's stack, or in a cycle.
        """
        kind = type(value)
        if (make := _CONTAINERS.get(kind)) is not None:
            return make(value, self)
        if kind in _SCALARS or kind is bool or kind in self._kept:
            return value
        for base, make in _CONTAINERS.items():
            if isinstance(value, base):
                return make(value, self)
        for base, convert in _SCALARS.items():
            if isinstance(value, base):
                return convert(value)
        return value
