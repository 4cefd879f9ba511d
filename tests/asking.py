"""Requests to ASGI applications, without a network: what a server would call, and what the application answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """A response: its status, its headers in their order and its body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def cookie(self, name: str) -> str | None:
        """The value of the last cookie of the name that the response sets; None where it sets none."""
        set_ = [value.partition(";")[0].strip() for header, value in self.headers if header == "set-cookie"]
        found = [value.partition("=")[2] for value in set_ if value.startswith(f"{name}=")]
        return found[-1] if found else None

    def header(self, name: str) -> str:
        """The value of a header, several of the name joined by commas; empty where there is none."""
        return ", ".join(value for header, value in self.headers if header == name)


def scope(path: str, cookie: str = "", method: str = "GET") -> dict[str, Any]:
    """What a server says of a request."""
    path, _, query = path.partition("?")
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"shop.example"), *([(b"cookie", cookie.encode("latin-1"))] if cookie else [])],
        "client": ("127.0.0.1", 50000), "server": ("shop.example", 443),
    }  # fmt: skip


async def ask(app: Callable[..., Awaitable[None]], path: str, cookie: str = "", method: str = "GET") -> Answer:
    """The response of the application; what it raises is raised."""
    messages: list[dict[str, Any]] = []
    pending = [{"type": "http.request", "body": b"", "more_body": False}]
    complete = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if pending:
            return pending.pop()
        await complete.wait()  # the client stays until it has everything
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            complete.set()

    await app(scope(path, cookie, method), receive, send)
    (start,) = [message for message in messages if message["type"] == "http.response.start"]
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    return Answer(start["status"], headers, body)
