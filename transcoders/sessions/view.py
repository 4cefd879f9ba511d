"""The declared type of a session: each of its fields is an attribute, seen through a class that is made for it.

`session.data.cart` is `session["cart"]` under the name that the type gives it, with the type's default where nothing is
stored. A default that may change in place is stored as soon as it has changed, and not before.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from transcoders.chain import Chain
from transcoders.errors import EncodeError, SpecError
from transcoders.limits import Limits
from transcoders.schema import families
from transcoders.schema.building import kept
from transcoders.schema.nodes import Field, Record
from transcoders.schema.reading import shape
from transcoders.schema.versions import steps
from transcoders.sessions.declared import Declared
from transcoders.sessions.stored import check_name

if TYPE_CHECKING:
    from transcoders.sessions.session import Session


class Schema(NamedTuple):
    """What is made of the declared type of a session.

    Attributes:
        node: its shape.
        attributes: its fields, by the names that they are stored under.
        view: the class through which a session is seen.
    """

    node: Record
    attributes: Mapping[str, Declared]
    view: type

    def values(self, instance: Any) -> dict[str, Any]:
        """The attributes of a whole session that was read as an instance of the type."""
        node, found = self.node, {}
        for field in node.fields:
            if node.family != "dict":
                found[field.stored] = getattr(instance, field.name)
            elif field.name in instance:
                found[field.stored] = instance[field.name]
        return found | kept(node, instance)


def schema(cls: Any, chains: Iterable[Chain], limits: Limits) -> Schema:
    """What is made of the type; raises SpecError on one that no session can have."""
    node = shape(cls)
    if not isinstance(node, Record) or node.cls is not cls:
        raise SpecError(
            "a session is declared by a dataclass, msgspec Struct, attrs class, NamedTuple or TypedDict, "
            f"not by {getattr(cls, '__name__', cls)}"
        )
    if steps(cls):
        raise SpecError(f"{cls.__name__} has migrations, but versions are those of its fields: put them on their types")
    hints = {field.name: field.hint for field in families.fields(cls)}
    for field in node.fields:
        try:
            check_name(field.stored)
        except EncodeError as error:
            raise SpecError(f"{cls.__name__}.{field.name}: {error}") from error
    attributes = {field.stored: Declared(chains, limits, hints[field.name]) for field in node.fields}
    return Schema(node, attributes, view(node))


def view(node: Record) -> type:
    """A class with a property for each field of the type."""
    body: dict[str, Any] = {"__slots__": (), "__doc__": f"A session as {node.cls.__name__}."}
    body |= {field.name: _property(node, field) for field in node.fields}
    return type(node.cls.__name__, (_Items if node.family == "dict" else View,), body)


class View:
    """A session as a declared type."""

    __slots__ = ("__session__",)

    def __init__(self, session: "Session[Any]") -> None:
        self.__session__ = session

    def __repr__(self) -> str:
        """The type and the names of the attributes, never their values."""
        return f"<{type(self).__name__} of {self.__session__!r}>"


class _Items(View):
    """A session as a TypedDict, by attributes and by items."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __delitem__(self, name: str) -> None:
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self.__session__


def _property(node: Record, field: Field) -> property:
    name, default = field.stored, families.default(node.cls, field.name)

    def get(view: Any) -> Any:
        try:
            return view.__session__[name]
        except KeyError:
            pass
        if default is None:
            raise AttributeError(f"{field.name!r} is not set, and {node.cls.__name__} has no default for it")
        return view.__session__.offer(name, default())

    def put(view: Any, value: Any) -> None:
        view.__session__[name] = value

    def remove(view: Any) -> None:
        try:
            del view.__session__[name]
        except KeyError:
            raise AttributeError(f"{field.name!r} is not set") from None

    return property(get, put, remove)
