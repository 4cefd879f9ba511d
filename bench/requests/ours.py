"""Our requests: a session is opened by its id, asked for one attribute or changed in one, and saved at the end."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from bench.requests.sessions import Size
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager

REQUESTS = ("untouched", "read", "change", "locked")
"""What a request does: nothing with its session, read one attribute, change one, change one under a lock."""
_READ, _CHANGE = "GET /page", "POST /page"
Once = Callable[[str], None]
OnceAsync = Callable[[str], Awaitable[None]]


def stored(manager: SessionManager[Any], values: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """Put the sessions into the manager's store; their ids."""
    made = []
    for value in values:
        with manager.session() as session:
            session.update(value)
        made.append(str(session.sid))
    return tuple(made)


def blocking(manager: SessionManager[Any], locked: SessionManager[Any], size: Size) -> dict[str, Once]:
    """The requests for threads; `locked` is a manager of the same sessions that locks."""

    def untouched(sid: str) -> None:
        with manager.session(sid, request=_READ):
            pass

    def read(sid: str) -> None:
        with manager.session(sid, request=_READ) as session:
            size.read(session)

    def change(sid: str) -> None:
        with manager.session(sid, request=_CHANGE) as session:
            size.change(session)

    def change_locked(sid: str) -> None:
        with locked.session(sid, request=_CHANGE) as session:
            size.change(session)

    return dict(zip(REQUESTS, (untouched, read, change, change_locked), strict=True))


def awaited(manager: AsyncSessionManager[Any], locked: AsyncSessionManager[Any], size: Size) -> dict[str, OnceAsync]:
    """The same for asyncio."""

    async def untouched(sid: str) -> None:
        async with manager.session(sid, request=_READ):
            pass

    async def read(sid: str) -> None:
        async with manager.session(sid, request=_READ) as session:
            size.read(session)

    async def change(sid: str) -> None:
        async with manager.session(sid, request=_CHANGE) as session:
            size.change(session)

    async def change_locked(sid: str) -> None:
        async with locked.session(sid, request=_CHANGE) as session:
            size.change(session)

    return dict(zip(REQUESTS, (untouched, read, change, change_locked), strict=True))
