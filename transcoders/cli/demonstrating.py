"""`transcoders demo`: replicas, a balancer and a store, from the command line to Ctrl-C, with nothing left behind."""

import signal
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from transcoders.cli import console
from transcoders.demo.balancer import Server, balancing, listening
from transcoders.demo.crew import Crew
from transcoders.errors import SpecError
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.settings import redacted
from transcoders.sessions.stores import open_store

PORT: Final = 8000
"""The port, where it is free and none was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was typed."""

    replicas: int
    store: str | None
    without: bool
    port: int | None


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its address, and what the replicas keep sessions in, in words."""

    address: str
    where: str
    replicas: int

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"address": self.address, "store": self.where, "replicas": self.replicas}

    def sentences(self) -> list[str]:
        """What the terminal says."""
        return [
            f"{self.replicas} replicas of a small shop, a round-robin balancer before them; sessions are {self.where}.",
            f"Open {self.address}",
            "Ctrl-C stops everything.",
        ]


@contextmanager
def demonstrating(request: Request) -> Iterator[Demo]:
    """A demo that runs while the block does.

    Raises:
        SpecError: something in the request is wrong.
        SessionError: the store cannot be reached, or a replica did not start.
    """
    if request.without and request.store:
        raise SpecError("--without gives each replica a memory of its own: leave out --store, or --without")
    with ExitStack() as stack:
        server = stack.enter_context(_server(request.port))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="transcoders-demo-", ignore_cleanup_errors=True)))
        store = None if request.without else request.store or f"sqlite:{folder / 'sessions.db'}"
        if request.store:
            _check(request.store)
        crew = stack.enter_context(Crew(store, f"demo-{server.server_port}"))
        crew.scale(request.replicas)
        stack.enter_context(balancing(crew, server))
        shared = f"in {redacted(request.store)}" if request.store else "in one SQLite file"
        where = "in the memory of each replica" if store is None else shared
        yield Demo(f"http://127.0.0.1:{server.server_port}/", where, request.replicas)


def demo(request: Request, *, browse: bool, as_json: bool) -> None:
    """Run a demo until Ctrl-C, or until the process is told to end."""
    over = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: over.set())
    try:
        with demonstrating(request) as running:
            if as_json:
                console.emit(running.record())
            else:
                for line in running.sentences():
                    console.say(line)
            sys.stdout.flush()
            if browse:
                webbrowser.open(running.address)
            while not over.wait(1):  # a wait without an end takes no Ctrl-C on Windows
                continue
    except KeyboardInterrupt:
        console.say()
    finally:
        signal.signal(signal.SIGTERM, before)


def _check(store: str) -> None:
    """A store that no process shares, or that cannot be reached, is told of here, and not on the page."""
    port = open_store(store, asynchronous=False)
    if not port.capabilities.shared:
        raise SpecError(f"replicas cannot share {port.capabilities.name}: leave out --store, or see --without")
    manager: SessionManager[Any]
    with SessionManager(port) as manager:
        manager.sessions_of("nobody")


def _server(port: int | None) -> Server:
    """The port that was asked for; else the usual one, or any that is free."""
    if port is not None:
        return listening(port)
    try:
        return listening(PORT)
    except SpecError:
        return listening(0)
