"""Object graphs to pickles and back: shared identity and cycles kept, nothing loaded that was not registered.

The pickler is the standard library's, with its memo, so that the bytes are an ordinary pickle of protocol 5. What it
wrote and what is to be read pass the same `Machine`: what would be refused is not written, and no object is made
before the whole pickle is known to be harmless. The unpickler's `find_class` is a look into the table of registered
classes and imports nothing.
"""

import io
import pickle
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from transcoders import arrays, buffers, objects, records
from transcoders.errors import DecodeError, EncodeError, Malformed, Refused
from transcoders.limits import Limits
from transcoders.machine import Find, Machine

Reducer = Callable[[Any], Any]

_APART: Final = 1024
"""Arrays of so many bytes lie outside the stream."""


def _array(value: Any) -> Any:
    head, data = arrays.lower(value)
    return objects.Array, (head, pickle.PickleBuffer(data.toreadonly()) if len(data) >= _APART else bytes(data))


def _enum(member: Enum) -> Any:
    return type(member), (member._value_,)


def _struct(value: Any) -> Any:
    return objects.Struct, (type(value), {name: getattr(value, name) for name in value.__struct_fields__})


def _usual(_value: object) -> Any:
    return NotImplemented


_REDUCERS: Final[dict[type, Reducer]] = {
    UUID: lambda value: (UUID, (None, value.bytes)),
    ZoneInfo: lambda value: (ZoneInfo, (value.key,)),
}
"""Where the usual pickle would set fields, or name `getattr`."""


class _Pickler(pickle.Pickler):
    """A pickler that knows what is registered."""

    def __init__(self, file: io.BytesIO, callback: Callable[[pickle.PickleBuffer], Any], find: Find) -> None:
        super().__init__(file, 5, buffer_callback=callback)
        self._find, self._reducers = find, dict(_REDUCERS)

    def reducer_override(self, value: object) -> Any:
        """How the value is reduced; it is asked for whatever is no builtin."""
        if isinstance(value, type):
            self._check(value)
            return NotImplemented
        reducer = self._reducers.get(type(value))
        if reducer is None:
            reducer = self._reducers[type(value)] = self._reducer(value)
        return reducer(value)

    def _reducer(self, value: object) -> Reducer:
        if arrays.is_array(value):
            return _array
        if isinstance(value, FunctionType | BuiltinFunctionType | MethodType | ModuleType):
            raise EncodeError(objects.advice(value))
        self._check(type(value))
        return _enum if isinstance(value, Enum) else _struct if records.is_struct(type(value)) else _usual

    def _check(self, cls: type) -> None:
        row = self._find(objects.name(cls))
        if row is None or row.target is not cls:
            raise EncodeError(objects.advice(cls))


class _Unpickler(pickle.Unpickler):
    """An unpickler that finds what is registered."""

    def __init__(self, stream: bytes, views: Iterable[memoryview], find: Find) -> None:
        super().__init__(io.BytesIO(stream), buffers=views)
        self._find = find

    def find_class(self, module: str, name: str) -> Any:
        """The class of that exact name; Refused when there is none."""
        row = self._find(f"{module}:{name}")
        if row is None:
            raise Refused(f"the pickle names {module[:60]}:{name[:60]}, which is not registered any more")
        return row.target


class Graphs:
    """Graphs of the registered classes to bodies and back. Free of state."""

    __slots__ = ("_find", "_machine")

    def __init__(self, registered: Mapping[str, objects.Row], limits: Limits) -> None:
        self._find: Find = lambda name: objects.OURS.get(name) or registered.get(name)
        self._machine = Machine(self._find, limits)

    def dumps(self, value: object) -> bytes:
        """The pickle, behind a table of buffers if it has any.

        Raises:
            EncodeError: something in the value is not registered, or would not be read back.
        """
        file = io.BytesIO()
        views: list[pickle.PickleBuffer] = []
        try:
            _Pickler(file, views.append, self._find).dump(value)
        except (EncodeError, RecursionError):
            raise
        except Exception as error:  # a __reduce__ may be anybody's
            told = f"{type(error).__name__}: {str(error)[:200]}"
            raise EncodeError(f"the object graph cannot be pickled: {told}") from error
        stream = file.getvalue()
        try:
            self._machine.check(stream, len(views))
        except DecodeError as error:
            raise EncodeError(f"the object graph would not be read back: {error}") from error
        return buffers.join(stream, [view.raw() for view in views]) if views else stream

    def loads(self, body: bytes | memoryview) -> object:
        """The value.

        Raises:
            DecodeError: the body holds more than registered objects and data, or not all of it.
        """
        # A table starts with a count of at most 65,536, so with a zero, and a pickle with 0x80.
        stream, views = (body, []) if bytes(body[:1]) == b"\x80" else buffers.split(memoryview(body))
        stream = bytes(stream)
        self._machine.check(stream, len(views))
        try:
            return _Unpickler(stream, views, self._find).load()
        except DecodeError:
            raise
        except Exception as error:  # a constructor or __setstate__ may be anybody's
            raise Malformed(f"expected an object graph: {type(error).__name__}: {str(error)[:100]}") from error
