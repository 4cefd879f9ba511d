"""Stores for a rig: a server of its own on loopback, or a file of SQLite; gone with the block."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.servers import Server, binaries, server

KINDS = ("valkey", "redis", "sqlite")


@dataclass(frozen=True, slots=True)
class Place:
    """A store.

    Attributes:
        name: with its version, where it is a server.
        server: None where it is none.
    """

    name: str
    url: str
    server: Server | None = None


def here() -> tuple[str, ...]:
    """The kinds that can be had here."""
    return tuple(kind for kind in KINDS if kind == "sqlite" or kind in binaries())


@contextmanager
def store(kind: str) -> Iterator[Place]:
    """A new store of that kind; raises SpecError like `server`."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            yield Place(kind, f"sqlite:{Path(folder) / 'sessions.db'}")
        return
    with server(kind) as started:
        yield Place(started.name, started.url, started)
