"""Calls: a request as a server hands it to an application, made before the clock starts, and its answer.

WSGI and ASGI applications are called. aiohttp has no such door, so its protocol is given the bytes of a request, and a
transport that keeps what it writes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from io import BytesIO
from typing import Any, NamedTuple

from bench.web.site import END

HOST = "shop.example"
_END = END.encode()


class Answer(NamedTuple):
    """A response, as far as the rig looks at it.

    Attributes:
        cookies: values of Set-Cookie headers.
    """

    status: int
    cookies: list[str]
    body: bytes


Call = Callable[[], Any]
"""Makes the request; its Answer, or an awaitable of it."""
Make = Callable[[str, str], Call]
"""A call for a page and the value of a Cookie header."""


def wsgi(app: Callable[..., Iterable[bytes]]) -> Make:
    """Calls of a WSGI application."""

    def make(page: str, cookie: str) -> Call:
        environ = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": f"/{page}", "QUERY_STRING": "",
            "SERVER_NAME": HOST, "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": HOST,
            "HTTP_COOKIE": cookie, "wsgi.version": (1, 0), "wsgi.url_scheme": "https", "wsgi.input": BytesIO(),
            "wsgi.errors": BytesIO(), "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
        }  # fmt: skip
        begun: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _failure: object = None) -> None:
            begun[:] = status, headers

        def call() -> Answer:
            pieces = app(environ, start)
            body = b"".join(pieces)
            if hasattr(pieces, "close"):
                pieces.close()
            status, headers = begun
            return Answer(int(status[:3]), [value for name, value in headers if name == "Set-Cookie"], body)

        return call

    return make


def asgi(app: Callable[..., Awaitable[None]]) -> Make:
    """Calls of an ASGI application."""

    def make(page: str, cookie: str) -> Call:
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "https",
            "path": f"/{page}", "raw_path": f"/{page}".encode(), "query_string": b"", "root_path": "", "state": {},
            "headers": [(b"host", HOST.encode()), (b"cookie", cookie.encode())], "client": ("127.0.0.1", 50000),
            "server": (HOST, 443),
        }  # fmt: skip
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        async def call() -> Answer:
            await app(scope, receive, send)
            start, *rest = messages
            cookies = [value.decode() for name, value in start["headers"] if name == b"set-cookie"]
            return Answer(start["status"], cookies, b"".join(message.get("body", b"") for message in rest))

        return call

    return make


class Wire(asyncio.Transport):
    """A transport that keeps what is written until a page has ended."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000)})
        self._data = b""
        self._whole: asyncio.Future[bytes] | None = None

    def expect(self) -> "asyncio.Future[bytes]":
        """The next response, head and page."""
        self._data, self._whole = b"", asyncio.get_running_loop().create_future()
        return self._whole

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio."""
        self._data += data
        if self._data.endswith(_END) and self._whole is not None:
            self._whole.set_result(self._data)
            self._whole = None

    def is_closing(self) -> bool:
        """See asyncio."""
        return False

    def pause_reading(self) -> None:
        """There is one request at a time."""

    def resume_reading(self) -> None:
        """There is one request at a time."""


def protocol(serving: asyncio.Protocol) -> Make:
    """Calls of a protocol that speaks HTTP/1.1."""
    wire = Wire()
    serving.connection_made(wire)

    def make(page: str, cookie: str) -> Call:
        data = f"GET /{page} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}\r\n\r\n".encode()

        async def call() -> Answer:
            whole = wire.expect()
            serving.data_received(data)
            return _answer(await whole)

        return call

    return make


def _answer(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *headers = head.decode("latin-1").split("\r\n")
    pairs = (header.partition(": ") for header in headers)
    return Answer(int(first.split()[1]), [value for name, _, value in pairs if name.lower() == "set-cookie"], body)
