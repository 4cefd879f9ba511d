"""Names to factories: built-in table, `register()`, entry points, dotted paths, in that order.

Nothing is imported before its name is asked for. A factory is called as `factory(options, context)`; it declares its
`options`, a `summary` and the `extra` that installs its packages as attributes, all of them optional. The environment
is read here and nowhere else.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from transcoders import options as declared
from transcoders import records
from transcoders.codecs import Context, Traits
from transcoders.errors import MissingExtra, SpecError
from transcoders.options import Option
from transcoders.spec import NAME, Stage

if TYPE_CHECKING:
    from transcoders.objects import Rows

Kind = Literal["codec", "filter", "transcoder", "reader", "type", "object", "store"]
KINDS: Final = ("codec", "filter", "transcoder", "reader", "type", "object", "store")

_REDIS: Final = ("transcoders.sessions.stores.redis:connect", ("redis", "hiredis"))
_BUILT_IN: Final = {
    ("codec", "pickle"): ("transcoders.codecs.pickle:PickleCodec", ()),
    ("codec", "msgpack"): ("transcoders.codecs.msgpack:MsgpackCodec", ("msgpack", "ormsgpack")),
    ("codec", "cbor"): ("transcoders.codecs.cbor:CborCodec", ("cbor2", "ormsgpack")),
    ("codec", "json"): ("transcoders.codecs.json:JsonCodec", ("orjson", "ormsgpack")),
    ("filter", "zlib"): ("transcoders.filters.zlib:ZlibFilter", ()),
    ("filter", "zstd"): ("transcoders.filters.zstd:ZstdFilter", ("zstandard",)),
    ("filter", "lz4"): ("transcoders.filters.lz4:Lz4Filter", ("lz4",)),
    ("filter", "aesgcm"): ("transcoders.filters.aesgcm:AesgcmFilter", ("cryptography",)),
    ("filter", "hmac"): ("transcoders.filters.hmac:HmacFilter", ()),
    ("filter", "blake2"): ("transcoders.filters.blake2:Blake2Filter", ()),
    ("store", "memory"): ("transcoders.sessions.stores.memory:connect", ()),
    ("store", "sqlite"): ("transcoders.sessions.stores.sqlite:connect", ()),
    ("store", "redis"): _REDIS,
    ("store", "rediss"): _REDIS,
    ("store", "redis+unix"): _REDIS,
    ("store", "valkey"): _REDIS,
    ("store", "valkeys"): _REDIS,
    ("store", "valkey+unix"): _REDIS,
    ("store", "unix"): _REDIS,
}
_ALIASES: Final = {"pickle5": "pickle"}
_ALIAS_KEYS: Final = {("codec", alias): name for alias, name in _ALIASES.items()}
"""pickle5 on PyPI is the backport of protocol 5 to Python 3.7; the standard library has had it since 3.8."""


class Offer(NamedTuple):
    """One name that can stand in a config string.

    Attributes:
        kind: codec, filter or transcoder.
        name: as written in a config string.
        summary: one line.
        options: what it takes.
        traits: what a codec promises; None for others.
        extra: the pip extra with its packages; None when it needs none.
        missing: whether a package it needs is not installed.
    """

    kind: str
    name: str
    summary: str
    options: tuple[Option, ...]
    traits: Traits | None
    extra: str | None
    missing: bool


class Registry:
    """The registered names; the one object of the package that changes."""

    def __init__(self) -> None:
        self._factories: dict[tuple[str, str], Any] = {}
        self.types: records.Types = {}
        self.objects: Rows = {}
        self._tags: dict[tuple[str, int], str] | None = None

    def register(self, kind: Kind, name: str, factory: Any, *, replace: bool = False) -> None:
        """Make a name known.

        Args:
            kind: `codec`, `filter` or `transcoder` for config strings, `reader` for `accept`, `type` for Enums,
                dataclasses and Structs inside untyped sessions, `object` for classes in pickles of objects, `store`
                for what stands before the colon in the URL of a store.
            name: letters, digits, `-` and `_`; for a type any text, because it is what the bytes will hold; for an
                object the name that pickles hold, `module:qualname` (where a class has moved, its old name as well).
            factory: `(options, context) -> …`, for a reader `(bytes) -> value`, for a type or an object its class,
                for a store see `sessions.stores`; or text `package.module:attribute` that is imported when the name is
                first used.
            replace: allow a name that is taken.

        Raises:
            SpecError: an unknown kind, a name that is taken or malformed, or a factory that cannot be called.
        """
        if kind not in KINDS:
            raise SpecError(f"kinds are {', '.join(KINDS)}, not {kind!r}")
        stores: dict[str, dict[str, Any]] = {"type": self.types, "object": self.objects}
        stored = stores.get(kind)
        if type(name) is not str or not name or (stored is None and not NAME.fullmatch(name)):
            raise SpecError(f"a {kind} is named by letters, digits, - and _, not by {name!r}")
        taken: Mapping[Any, Any] = {**_BUILT_IN, **self._factories, **_ALIAS_KEYS} if stored is None else stored
        if not replace and ((kind, name) if stored is None else name) in taken:
            raise SpecError(f"{kind} {name!r} is registered already; replace=True puts another in its place")
        if kind == "type":
            if reason := records.unfit(factory):
                raise SpecError(f"type {name!r} {reason}")
            self.types[name] = factory
        elif kind == "object":
            from transcoders import objects  # noqa: PLC0415 - only those who store objects pay for it

            self.objects[objects.exact(name, factory)] = objects.row(factory)
        elif callable(factory) or isinstance(factory, str):
            self._factories[kind, name] = factory
            self._tags = None
        else:
            raise SpecError(f"{kind} {name!r} takes a callable or 'package.module:attribute'")

    def find(self, kinds: tuple[Kind, ...], name: str) -> tuple[str, Any]:
        """The canonical name and the factory behind a name.

        Raises:
            SpecError: there is no such name; the message offers the nearest.
        """
        name = _ALIASES.get(name, name)
        if "." in name:
            return name, imported(name, f"{kinds[0]} {name!r}")
        for kind in kinds:
            for source in (self._factories, _BUILT_IN):
                if found := source.get((kind, name)):
                    found = found[0] if isinstance(found, tuple) else found
                    return name, imported(found, f"{kind} {name!r}") if isinstance(found, str) else found
            if point := _points(kind).get(name):
                return name, imported(point.value, f"{kind} {name!r}")
        raise SpecError(f"there is no {' or '.join(kinds)} {name!r}{declared.nearest(name, self.names(kinds))}")

    def names(self, kinds: tuple[Kind, ...]) -> list[str]:
        """The names of these kinds, entry points included."""
        known = {name for kind, name in (*_BUILT_IN, *self._factories) if kind in kinds}
        aliases = {alias for alias, name in _ALIASES.items() if name in known}
        return sorted(known.union(aliases, *map(_points, kinds)))

    def offers(self) -> list[Offer]:
        """What can stand in a config string; codecs first, then filters in encode order."""
        names = [(kind, name) for kind, name in (*_BUILT_IN, *self._factories) if kind in KINDS[:3]]
        return [self._offer(kind, name) for kind, name in dict.fromkeys(names)]  # type: ignore[arg-type]

    def tagged(self) -> Iterator[tuple[str, str, Any]]:
        """Kind, name and factory of each codec and filter whose factory declares its tag."""
        for kind, name in dict.fromkeys((*_BUILT_IN, *self._factories)):
            if kind in KINDS[:2]:
                with suppress(SpecError):  # a name that cannot be loaded harms nobody but who asks for it
                    _, factory = self.find((kind,), name)  # type: ignore[arg-type]
                    if hasattr(factory, "tag"):
                        yield kind, name, factory

    def tags(self) -> dict[tuple[str, int], str]:
        """The names of codecs and filters by kind and tag; made when first asked for after a change."""
        if self._tags is None:
            self._tags = {(kind, factory.tag): name for kind, name, factory in self.tagged()}
        return self._tags

    def _offer(self, kind: Kind, name: str) -> Offer:
        from importlib.util import find_spec  # noqa: PLC0415 - not at start-up

        _, packages = _BUILT_IN.get((kind, name), ("", ()))
        missing = any(find_spec(package) is None for package in packages)
        try:
            _, factory = self.find((kind,), name)
        except SpecError as error:
            return Offer(kind, name, str(error), (), None, None, missing=True)
        return Offer(
            kind, name, getattr(factory, "summary", "registered"), tuple(getattr(factory, "options", ())),
            getattr(factory, "traits", None), getattr(factory, "extra", None), missing=missing,
        )  # fmt: skip


REGISTRY: Final = Registry()


def build(kinds: tuple[Kind, ...], stage: Stage, context: Context) -> tuple[Stage, Any]:
    """The canonical stage, and what its factory makes of it.

    Raises:
        SpecError: an unknown name or option, or keys named by an option that are not there.
    """
    name, factory = REGISTRY.find(kinds, stage.name)
    accepted: tuple[Option, ...] = tuple(getattr(factory, "options", ()))
    values = declared.read(accepted, dict(stage.options), name)
    if "env" in values:
        context = context._replace(keys=_environment(name, f"env={values['env']}", "keys", context.keys))
    if "retired" in values:
        gone = _environment(name, f"retired={values['retired']}", "retired", context.retired)
        context = context._replace(retired=gone)
    try:
        return Stage.of(name, declared.written(accepted, values)), factory(values, context)
    except SpecError:
        raise
    except ImportError as error:
        raise MissingExtra(repr(name), getattr(factory, "extra", None)) from error


def environment(prefix: str) -> dict[str, str]:
    """The environment variables whose names begin with the prefix."""
    return {name: text for name, text in os.environ.items() if name.startswith(prefix)}


def secrets(variable: str, whose: str) -> tuple[bytes, ...]:
    """The keys in an environment variable, newest first, commas between.

    Args:
        variable: its name.
        whose: what takes them, for the message.

    Raises:
        SpecError: it is not set, or not UTF-8.
    """
    text = os.environ.get(variable)
    if not text:
        raise SpecError(f"{whose} takes its keys from the environment variable {variable}, which is not set")
    try:
        return tuple(part.strip().encode() for part in text.split(","))
    except UnicodeEncodeError:
        raise SpecError(f"the keys in {variable} are not UTF-8 text") from None


def _environment(name: str, option: str, argument: str, given: tuple[bytes, ...]) -> tuple[bytes, ...]:
    if given:
        raise SpecError(f"{name!r} has keys twice: {argument}= and {option}; give one of them")
    return secrets(option.partition("=")[2], repr(name))


@cache
def _points(kind: str) -> dict[str, Any]:
    """Entry points of the group of that kind by name; looking takes 20 ms, then 3 ms, so not at start-up, and once."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    return {point.name: point for point in entry_points(group=f"transcoders.{kind}s")}


def imported(path: str, what: str) -> Any:
    """What `package.module:attribute` names; raises SpecError when it is not there, or cannot be called."""
    module, _, attribute = path.partition(":")
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise SpecError(f"{what} is not there: {error}") from error
    if not callable(found):
        raise SpecError(f"{what} is {type(found).__name__}, which cannot be called")
    return found
