"""The floors: what a request costs that does nothing but fetch its bytes, or fetch and store them.

redis-py's own calls are what users have today. The wire is a bare socket with hiredis, or a bare protocol of asyncio:
the same commands, no pool, no timeout, no second try, so that nothing in Python is below it. Keys and bytes are those
of real sessions, under names of their own.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import hiredis
import redis
import redis.asyncio

TTL = 1_980_000
"""Milliseconds: what a session of half an hour gets, its share for touches included."""
_CHUNK = 64 << 10
_PENDING = object()

Pair = tuple[str, bytes]
"""A key and its bytes."""
Call = Callable[[Pair], object]
CallAsync = Callable[[Pair], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Floor:
    """Two floors of one client for threads: GET, and GET then SET."""

    read: Call
    write: Call
    close: Callable[[], object]


@dataclass(frozen=True, slots=True)
class FloorAsync:
    """The same for asyncio."""

    read: CallAsync
    write: CallAsync
    close: Callable[[], Awaitable[object]]


def redis_py(url: str) -> Floor:
    """redis-py as it is made by default."""
    client = redis.Redis.from_url(url)

    def write(pair: Pair) -> None:
        key, data = pair
        client.get(key)
        client.set(key, data, px=TTL)

    return Floor(lambda pair: client.get(pair[0]), write, client.close)


def redis_asyncio(url: str) -> FloorAsync:
    """redis.asyncio as it is made by default."""
    client = redis.asyncio.Redis.from_url(url)

    async def read(pair: Pair) -> object:
        return await client.get(pair[0])

    async def write(pair: Pair) -> None:
        key, data = pair
        await client.get(key)
        await client.set(key, data, px=TTL)

    return FloorAsync(read, write, client.aclose)


def wire(port: int) -> Floor:
    """A bare socket."""
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, pack = _reader(), hiredis.pack_command

    def call(command: tuple[Any, ...]) -> object:
        link.sendall(pack(command))
        while (reply := reader.gets()) is _PENDING:
            reader.feed(link.recv(_CHUNK))
        return reply

    def write(pair: Pair) -> None:
        key, data = pair
        call(("GET", key))
        call(("SET", key, data, "PX", TTL))

    return Floor(lambda pair: call(("GET", pair[0])), write, link.close)


class _Line(asyncio.Protocol):
    """A connection on which replies come in the order of the commands."""

    def __init__(self) -> None:
        self._reader, self._waiting = _reader(), deque[asyncio.Future[object]]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not _PENDING:
            self._waiting.popleft().set_result(reply)

    def call(self, command: tuple[Any, ...]) -> "asyncio.Future[object]":
        reply = asyncio.get_running_loop().create_future()
        self._waiting.append(reply)
        self.transport.write(hiredis.pack_command(command))
        return reply


async def wire_asyncio(port: int) -> FloorAsync:
    """A bare protocol."""
    _, line = await asyncio.get_running_loop().create_connection(_Line, "127.0.0.1", port)

    async def read(pair: Pair) -> object:
        return await line.call(("GET", pair[0]))

    async def write(pair: Pair) -> None:
        key, data = pair
        await line.call(("GET", key))
        await line.call(("SET", key, data, "PX", TTL))

    async def close() -> None:
        line.transport.close()

    return FloorAsync(read, write, close)


def _reader() -> hiredis.Reader:
    return hiredis.Reader(notEnoughData=_PENDING)
