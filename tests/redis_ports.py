"""The Redis store as tests use it: on both servers, blocking, under asyncio and under uvloop."""

import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from tests import servers
from tests.servers import Server
from transcoders.sessions.layout import FIXED, START
from transcoders.sessions.stores.redis import connect

T = TypeVar("T")
MODES = ("blocking", "asyncio", "uvloop")


def record(version: int, wid: bytes, body: bytes = b"", earlier: tuple[bytes, ...] = ()) -> bytes:
    """What stands in a store: a header with these write ids, and a body."""
    fixed = FIXED.pack(START, version, wid.ljust(4), len(earlier) << 4, 0, 0, 0, 0)
    return fixed + b"".join(each.ljust(4) for each in earlier) + body


def etag(data: bytes) -> bytes:
    """What a save is based on."""
    return data[4:12]


def run(mode: str, work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, in that mode; work that blocks must not suspend."""
    if mode == "blocking":
        try:
            work.send(None)
        except StopIteration as end:
            return end.value
        pytest.fail("a coroutine of a blocking port suspended")
    if mode == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    return asyncio.run(work)


async def taken(port: Any, key: str, token: str, ttl: int = 60_000, seconds: float = 10.0) -> bytes | None:
    """The record, once the lock is had; as the core waits for it."""
    end = time.monotonic() + seconds
    answer = await port.acquire(key, token, ttl)
    while answer.wait:
        assert time.monotonic() < end, "the lock was not to be had"
        await port.wait(key, token, answer.wait / 1000 + 0.002)
        answer = await port.acquire(key, token, ttl)
    data: bytes | None = answer.data
    return data


@dataclass
class Face:
    """A server, and a way to use it.

    Attributes:
        server: where the sessions are.
        mode: one of MODES.
        key: a key that no other test has.
    """

    server: Server
    mode: str
    key: str = field(default_factory=lambda: f"app:{secrets.token_urlsafe(16)}")

    def port(self, url: str = "", **options: object) -> Any:
        """A new port."""
        return connect(url or self.server.url(**options), asynchronous=self.mode != "blocking")

    def run(self, body: Callable[[Any], Awaitable[T]], url: str = "", **options: object) -> T:
        """The result of the body, given a port that is closed behind it."""

        async def work() -> T:
            port = self.port(url, **options)
            try:
                return await body(port)
            finally:
                await port.close()

        return run(self.mode, work())


def faces(*modes: str) -> pytest.MarkDecorator:
    """Run the test on both servers in these modes; in all without any."""
    pairs = [(kind, mode) for kind in servers.KINDS for mode in modes or MODES]
    return pytest.mark.parametrize("face", pairs, indirect=True, ids="-".join)


@pytest.fixture(name="face")
def shared_face(request: pytest.FixtureRequest) -> Face:
    """A face of the shared server."""
    kind, mode = request.param
    if mode == "uvloop" and sys.platform == "win32":
        pytest.skip("there is no uvloop for Windows")
    return Face(servers.shared(kind), mode)
