"""The manager for asyncio: the verbs of the core, awaited. The record is read by `open`, since access cannot wait."""

from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from transcoders.sessions.attributes import UNENTERED
from transcoders.sessions.managing import Managing
from transcoders.sessions.record import Record
from transcoders.sessions.saved import SKIPPED, WRITTEN, Saved
from transcoders.sessions.session import Session

T = TypeVar("T")


class AsyncSessionManager(Managing[T]):
    """Sessions shared by every process that uses the same store, for asyncio; see SessionManager for the arguments.

    A store with an asynchronous client of its own is awaited; one in blocking verbs is called in threads, one verb at
    a time, so that a request that waits for a lock keeps no thread.
    """

    _asynchronous = True

    async def open(self, sid: str | Sequence[str] | None = None, *, request: str = "") -> Session[T]:
        """The session of the id, read; see `SessionManager.open`, and `Core.fetch` for what is raised."""
        return await self._core.read(self.begin(sid, request=request))

    def begin(self, sid: str | Sequence[str] | None = None, *, request: str = "") -> Session[T]:
        """The session of the id, not read yet: `load` it before it is asked for anything."""
        session: Session[T] = Session(self._wire)
        self._core.begin(session, sid, request)
        return session

    async def load(self, session: Session[T]) -> None:
        """Read the session's record, unless that is done."""
        await self._core.read(session)

    async def save(self, session: Session[T]) -> Saved:
        """Store what changed in the session, and let go of it; see `Core.close` for what is raised."""
        core = self._core
        if core.rests(session):
            return SKIPPED
        await core.close(session)
        saved = session.saved
        if self._shadow is not None and saved is WRITTEN:
            self._shadow.observe(session.live(), session.record.attributes)
        return saved

    async def discard(self, session: Session[T]) -> None:
        """Let go of the session; what changed in it is not stored."""
        await self._core.discard(session)

    def session(self, sid: str | Sequence[str] | None = None, *, request: str = "") -> "_Request[T]":
        """A context that opens the session, and saves it at the end; when the block raises, nothing is stored."""
        session: _Request[T] = _Request(self._wire)
        session.manager, session.read_only = self, UNENTERED
        self._core.begin(session, sid, request)
        return session

    async def rotate(self, session: Session[T]) -> str:
        """Give the session a new id, at login for one; the old one is dead at once. See `Core.rotate`."""
        await self.load(session)
        return await self._core.rotate(session)

    async def destroy(self, session: Session[T] | str) -> bool:
        """End a session, given as such or by its id; False when there was none."""
        return await self._core.destroy(session)

    async def touch(self, session: Session[T]) -> Saved:
        """Put off the session's end, whether that is due or not."""
        await self.load(session)
        return await self._core.touch(session)

    async def sessions_of(self, principal: str) -> list[Record]:
        """The records of a principal's sessions, oldest first: when each began and was last written."""
        return await self._core.sessions_of(principal)

    async def end_all(self, principal: str, *, except_: Session[T] | str | None = None) -> int:
        """End the sessions of a principal, all but one; how many were ended."""
        return await self._core.end_all(principal, except_)

    async def close(self) -> None:
        """Let go of the store."""
        await self._port.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


class _Request(Session[T]):
    """A session for one block. What enters and leaves it are no coroutines themselves, to be quicker.

    Attributes:
        manager: what it is read and saved with.
    """

    __slots__ = ("manager",)

    manager: AsyncSessionManager[T]

    def __aenter__(self) -> Coroutine[Any, Any, Session[T]]:
        if self.read_only is UNENTERED:
            self.read_only = ""
        return self.manager._core.read(self)  # noqa: SLF001 - this is a part of the manager

    def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> Coroutine[Any, Any, object]:
        if error is None:
            return self.manager.save(self)
        return self.manager._core.discard(self, error)  # noqa: SLF001
