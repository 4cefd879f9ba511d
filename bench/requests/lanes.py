"""Lanes: threads, asyncio and uvloop. Each has our requests, both floors on the same client side, and a control.

A loop of a runner is one request for each of the sessions. The control is redis-py's GET once more, over a client of
its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter
from typing import Any

import uvloop

from bench.race import Run
from bench.requests import floors, ours
from bench.requests.floors import Pair
from bench.requests.sessions import Size
from bench.servers import Server
from transcoders.measure.operations import calls
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager

LANES = ("threads", "asyncio", "uvloop")
GET, GET_SET, WIRE_GET, WIRE_GET_SET, CONTROL = "GET", "GET+SET", "wire GET", "wire GET+SET", "GET again"
LOCKING: dict[str, Any] = {"locking_mode": "all"}
PLAIN: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Field:
    """What a lane runs on.

    Attributes:
        sids: the ids of the sessions.
        pairs: keys and bytes for the floors.
    """

    server: Server
    size: Size
    transcoder: str
    sids: tuple[str, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Entrants:
    """What takes turns in one lane, and one request of each of ours, to be counted."""

    lane: str
    runs: dict[str, Run]
    once: dict[str, Callable[[], object]]


@contextmanager
def entrants(lane: str, field: Field) -> Iterator[Entrants]:
    """The lane's, ready; closed at the end."""
    with (_threads if lane == "threads" else _loop)(lane, field) as found:
        yield found


@contextmanager
def _threads(lane: str, field: Field) -> Iterator[Entrants]:
    url = field.server.url
    client, control, wire = floors.redis_py(url), floors.redis_py(url), floors.wire(field.server.port)
    with ExitStack() as stack:
        for one in (client, control, wire):
            stack.callback(one.close)
        manager = stack.enter_context(SessionManager[Any](url, field.transcoder))
        locked = stack.enter_context(SessionManager[Any](url, field.transcoder, **LOCKING))
        requests = ours.blocking(manager, locked, field.size)
        held = {GET: client.read, GET_SET: client.write, WIRE_GET: wire.read, WIRE_GET_SET: wire.write}
        runs = {label: _run(call, field.pairs) for label, call in {**held, CONTROL: control.read}.items()}
        runs |= {label: _run(call, field.sids) for label, call in requests.items()}
        yield Entrants(lane, runs, {label: _bound(call, field.sids[0]) for label, call in requests.items()})


@contextmanager
def _loop(lane: str, field: Field) -> Iterator[Entrants]:
    url = field.server.url
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if lane == "uvloop" else None) as runner:

        def awaited(call: Callable[[Any], Awaitable[object]], arguments: Sequence[Any]) -> Run:
            async def loop(loops: int) -> tuple[float]:
                started = perf_counter()
                for _ in repeat(None, loops):
                    for argument in arguments:
                        await call(argument)
                return (perf_counter() - started,)

            return lambda loops: runner.run(loop(loops))

        async def made() -> tuple[Any, ...]:
            clients = floors.redis_asyncio(url), floors.redis_asyncio(url), await floors.wire_asyncio(field.server.port)
            managers = (AsyncSessionManager[Any](url, field.transcoder, **given) for given in (PLAIN, LOCKING))
            return *clients, *managers

        client, control, wire, manager, locked = runner.run(made())
        requests = ours.awaited(manager, locked, field.size)
        held = {GET: client.read, GET_SET: client.write, WIRE_GET: wire.read, WIRE_GET_SET: wire.write}
        runs = {label: awaited(call, field.pairs) for label, call in {**held, CONTROL: control.read}.items()}
        runs |= {label: awaited(call, field.sids) for label, call in requests.items()}
        once = {label: _bound(awaited(call, field.sids[:1]), 1) for label, call in requests.items()}
        try:
            yield Entrants(lane, runs, once)
        finally:
            for one in (manager, locked, client, control, wire):
                runner.run(one.close())


def _run(call: Callable[[Any], object], arguments: Sequence[Any]) -> Run:
    timed = calls(call, arguments)
    return lambda loops: (timed(loops),)


def _bound(call: Callable[[Any], object], argument: object) -> Callable[[], object]:
    return lambda: call(argument)
