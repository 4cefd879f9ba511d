"""Stores: where sessions are. One module or package a database; siblings never import each other.

A store is written as a URL: a name, a colon, and what that store makes of the rest. Names are looked up as all names
are: built in, registered with `register("store", name, connect)`, entry points of the group `transcoders.stores`; or
the name is `package.module:attribute`, of which the attribute stays. What is found is called as `connect(url,
asynchronous=…, clock=…, operation_timeout=…)` and returns a Store, or a Port of the kind that it is asked for.
"""

import re
from collections.abc import Iterable
from typing import Final, TypeGuard
from urllib.parse import parse_qsl, unquote

from transcoders import options
from transcoders.errors import MissingExtra, SpecError
from transcoders.options import Option, OptionValue
from transcoders.registry import REGISTRY
from transcoders.sessions import layout
from transcoders.sessions.clock import Clock
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.runtime import Blocking, InPlace, Threaded

_NAME: Final = re.compile(r"([A-Za-z_]\w*(?:\.\w+)+:\w+(?:\.\w+)*)|([A-Za-z][A-Za-z0-9_+-]*):")


def open_store(
    store: str | Store | Port, *, asynchronous: bool, clock: Clock | None = None, operation_timeout: float = 1.0
) -> Port:
    """The port of a store.

    Args:
        store: a URL, such as `memory:`, `sqlite:sessions.db` or `redis://localhost`; or a Store or Port of one's own.
        asynchronous: whether it is for asyncio; else none of its coroutines suspends.
        clock: the time; the machine's own when there is none.
        operation_timeout: seconds for one operation, repeated tries included.

    Raises:
        SpecError: an unknown name or option, or an object that is no store; MissingExtra when a package is missing.
        StoreError: the store is there, but cannot be used.
    """
    clock = clock or Clock()
    found = _connected(store, asynchronous, clock, operation_timeout) if isinstance(store, str) else store
    if _is_port(found):
        if isinstance(found, Blocking if asynchronous else InPlace):
            raise SpecError(f"a {type(found).__name__} is for managers of the other kind; give the store that is in it")
        return found
    if not _is_store(found):
        raise SpecError(f"expected the URL of a store, or a Store, found {type(found).__name__}")
    if not asynchronous:
        return Blocking(found, clock)
    return InPlace(found, clock) if found.capabilities.instant else Threaded(found, clock)


def _connected(url: str, asynchronous: bool, clock: Clock, operation_timeout: float) -> Store | Port:  # noqa: FBT001
    match = _NAME.match(url)
    if match is None:  # what it is may be a password, so it is not shown
        raise SpecError("expected the URL of a store, such as memory:, sqlite:sessions.db or redis://localhost")
    name, connect = REGISTRY.find(("store",), match[1] or match[2])
    if match[1]:
        url = f"{name.rpartition(':')[2]}:{url[match.end() :].removeprefix(':')}"
    try:
        found: Store | Port = connect(url, asynchronous=asynchronous, clock=clock, operation_timeout=operation_timeout)
    except SpecError:
        raise
    except ImportError as error:
        raise MissingExtra(f"the store {name!r}", getattr(connect, "extra", None)) from error
    return found


def _is_port(found: object) -> TypeGuard[Port]:
    return hasattr(found, "wait") and hasattr(found, "shield")


def _is_store(found: object) -> TypeGuard[Store]:
    return hasattr(found, "load") and hasattr(found, "watch")


def split(url: str, declared: Iterable[Option]) -> tuple[str, dict[str, OptionValue]]:
    """What a URL says behind its name, percent-decoded, and the typed options behind its question mark.

    Raises:
        SpecError: an unknown option, one that is written twice, or a value that it does not take.
    """
    name, _, rest = url.partition(":")
    place, _, query = rest.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) < len(pairs):
        raise SpecError(f"an option of the store {name!r} is written twice: {', '.join(key for key, _ in pairs)}")
    return unquote(place), options.read(declared, given, name)


def wrote(stored: bytes, data: bytes) -> bool:
    """Whether the write that made `data` is among the last writes of the stored record: an earlier try had saved it.

    Args:
        stored: the record that stands there, or its first `layout.LONGEST` bytes.
        data: what was to be saved.
    """
    return bool(layout.written_by(stored, data[8:12], 0))
