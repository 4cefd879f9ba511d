"""Processes of a site, in this process: a replica serves requests at the same time, one by one or while one waits.

WSGI applications run in threads, ASGI applications in an event loop in a thread of its own; what is asked is answered
as a browser would see it. `Browser` keeps the cookie, whichever replica set it.
"""

import asyncio
import io
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tests.asking import Answer, ask
from tests.web_pages import PATIENCE, Broken, Pages

COOKIE = "session"
"""The name of the cookie of every site."""


class Replica:
    """A process that serves a site.

    Args:
        pages: the pages of its site.
        app: the application.
        close: ends what the application uses.

    Attributes:
        pages: the pages.
    """

    def __init__(self, pages: Pages, app: Any, close: Callable[[], Any]) -> None:
        self.pages, self.app, self._close = pages, app, close
        self._threads = ThreadPoolExecutor(4)

    def begin(self, path: str, cookie: str = "", method: str = "GET") -> "Future[Answer]":
        """A request under way."""
        return self._threads.submit(self.answer, path, cookie, method)

    def ask(self, path: str, cookie: str = "", method: str = "GET") -> Answer:
        """The answer to a request; 500 where the application raised what the page `error` raises."""
        return self.begin(path, cookie, method).result(PATIENCE)

    def answer(self, path: str, cookie: str, method: str) -> Answer:
        """What a server does with a request, in a thread of its own."""
        try:
            return wsgi(self.app, path, cookie, method)
        except Broken:
            return Answer(500, [], b"")

    def close(self) -> None:
        """Let waiting requests go on, and end."""
        self.pages.go.set()
        self._threads.shutdown()
        self._close()


class AsyncReplica(Replica):
    """A process with an event loop, in a thread of its own; an ASGI application in it."""

    def __init__(self, pages: Pages, app: Any, close: Callable[[], Any]) -> None:
        self.pages, self.app, self._close = pages, app, close
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.run(self.start()).result(PATIENCE)

    def run(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        """The work, in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def start(self) -> None:
        """Start the application, as the server does."""
        self._lifespan = Lifespan(self.app)
        await self._lifespan.start()

    async def stop(self) -> None:
        """Stop it; the manager is closed by that, or by `close`."""
        await self._lifespan.stop()
        await self._close()

    async def reply(self, path: str, cookie: str, method: str) -> Answer:
        """The answer to a request."""
        try:
            return await ask(self.app, path, cookie, method)
        except Broken:
            return Answer(500, [], b"")

    def begin(self, path: str, cookie: str = "", method: str = "GET") -> "Future[Answer]":
        """A request under way."""
        return self.run(self.reply(path, cookie, method))

    def close(self) -> None:
        """Let waiting requests go on, and end."""
        self.pages.go.set()
        try:
            self.run(self.stop()).result(PATIENCE)
            self.run(self._loop.shutdown_default_executor()).result(PATIENCE)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


class Lifespan:
    """The start and the end of an ASGI application, which need not know of them.

    Attributes:
        task: the application, which ends when it has shut down.
    """

    def __init__(self, app: Any) -> None:
        self._to: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._from: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self.task = asyncio.ensure_future(app(scope, self._to.get, self._from.put))

    async def tell(self, what: str) -> str:
        """Its answer to `startup` or `shutdown`; empty when it gives none."""
        await self._to.put({"type": f"lifespan.{what}"})
        answer = asyncio.ensure_future(self._from.get())
        await asyncio.wait({answer, self.task}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            return ""
        return answer.result()["type"]

    async def start(self) -> None:
        """Start it, and wait until it has."""
        told = await self.tell("startup")
        assert told in {"lifespan.startup.complete", ""}, told

    async def stop(self) -> None:
        """End it; what it raises is raised, unless it does not know of its end."""
        if not self.task.done():
            assert await self.tell("shutdown") == "lifespan.shutdown.complete"
            await self.task


def wsgi(app: Any, path: str, cookie: str, method: str) -> Answer:
    """The answer of a WSGI application, asked as PEP 3333 has it."""
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": "0",
        "SERVER_NAME": "shop.example", "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "shop.example",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False, "REMOTE_ADDR": "127.0.0.1",
        **({"HTTP_COOKIE": cookie} if cookie else {}),
    }  # fmt: skip
    told: list[tuple[str, list[tuple[str, str]]]] = []
    sent: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info is not None and sent:
            raise exc_info[1]
        assert exc_info is not None or not told
        told.append((status, list(headers)))
        return sent.append

    body = app(environ, start_response)
    try:
        sent.extend(piece for piece in body if piece)
    finally:
        if hasattr(body, "close"):
            body.close()
    status, headers = told[-1]
    for name, value in headers:
        assert "\n" not in name + value
    return Answer(int(status[:3]), [(name.lower(), value) for name, value in headers], b"".join(sent))


class Browser:
    """Keeps the cookie of the site.

    Attributes:
        sid: the value of the cookie; empty when there is none.
    """

    def __init__(self, sid: str = "") -> None:
        self.sid = sid

    @property
    def cookie(self) -> str:
        """The Cookie header it sends."""
        return f"{COOKIE}={self.sid}" if self.sid else ""

    def get(self, replica: Replica, path: str, method: str = "GET") -> Answer:
        """What the replica answers."""
        return self.take(replica.ask(path, self.cookie, method))

    def take(self, answer: Answer) -> Answer:
        """Do with the cookie what the answer says."""
        told = answer.cookie(COOKIE)
        if told is not None:
            self.sid = told
        return answer
