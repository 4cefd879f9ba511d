"""What a scenario has to work with: a framework, processes of a site in it, stores, and a time that it moves."""

import json
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests import servers
from tests.asking import Answer
from tests.clock import VirtualClock
from tests.driving import Tap
from tests.proxy import Proxy
from tests.web_pages import PATIENCE, Pages
from tests.web_replica import COOKIE, AsyncReplica, Browser, Replica
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.web import Cookie


class Face(ABC):
    """A framework, as the contract knows it.

    Attributes:
        name: as the table has it.
        manager: the class of its manager.
        replica: what serves its application.
    """

    name: ClassVar[str]
    manager: ClassVar[type[Any]] = SessionManager
    replica: ClassVar[type[Replica]] = Replica

    @abstractmethod
    def application(self, manager: Any, cookie: Cookie, pages: Pages) -> Any:
        """The site with these pages, whose sessions are those of the manager."""

    def login(self, session: Any, principal: str) -> None:
        """As its framework says it."""
        session.login(principal)

    def logout(self, session: Any) -> None:
        """As its framework says it."""
        session.logout()

    def renew(self, session: Any) -> None:
        """As its framework says it."""
        session.renew()


class AsyncFace(Face):
    """A framework on an event loop."""

    manager = AsyncSessionManager
    replica = AsyncReplica


@dataclass
class Rig:
    """What a scenario has: replicas of one site, on stores, at a time that it moves.

    Attributes:
        tap: the store in memory, which notes what is asked of it.
    """

    face: Face
    folder: Path
    clock: VirtualClock = field(default_factory=VirtualClock)
    stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.tap = Tap(MemoryStore(clock=self.clock))

    def replica(self, store: Any = None, *, cookie: Cookie | None = None, **settings: Any) -> Replica:
        """One more process of the site, on the store in memory when none is given."""
        pages, store = Pages(self.face), self.tap if store is None else store
        clock = self.clock if store is self.tap or str(store).startswith("sqlite:") else None
        manager = self.face.manager(store, "msgpack", clock=clock, **settings)
        app = self.face.application(manager, cookie or Cookie(name=COOKIE), pages)
        replica = self.face.replica(pages, app, manager.close)
        self.stack.callback(replica.close)
        return replica

    def sqlite(self) -> str:
        """A store in a file."""
        return f"sqlite:{self.folder / 'sessions.db'}"

    def proxy(self, port: int = 0) -> tuple[Proxy, str]:
        """A real server behind a proxy that goes wrong, and the URL for it."""
        proxy = self.stack.enter_context(Proxy(port or servers.shared("valkey").port))
        return proxy, f"redis://127.0.0.1:{proxy.port}/0"

    def waiting(self, replica: Replica, path: str, browser: Browser) -> Any:
        """A request that waits in `slow`; another where one was told to try again, because the machine is busy."""
        request, end = replica.begin(path, browser.cookie), time.monotonic() + PATIENCE
        while not replica.pages.entered.acquire(timeout=0.05):
            assert time.monotonic() < end, "no request came as far as to wait"
            if request.done():
                assert request.result().status == 503, request.result()
                request = replica.begin(path, browser.cookie)
        return request


def told(answer: Answer) -> str:
    """The status of an answer, what it does to the cookie, and whether to try again."""
    cookie = answer.cookie(COOKIE)
    words = [str(answer.status)]
    if cookie is not None:
        words.append("cookie set" if cookie else "cookie deleted")
        assert "private" in answer.header("cache-control")
        assert "Cookie" in answer.header("vary")
    if answer.header("retry-after"):
        words.append("retry")
    return ", ".join(words)


def shown(answer: Answer) -> Any:
    """What a page of ours shows."""
    assert answer.status == 200, answer
    return json.loads(answer.body)
