"""One exchange of an asynchronous face: when the session of a request, or of a websocket, is saved, and when let go of.

A response: it is saved before the response begins, and takes no changes after. A websocket: it is saved when the
handshake is accepted and again at the end, and no lock is held between the two. A response of 500 and above, or an
error, stores nothing.
"""

from collections.abc import Awaitable
from typing import Any, Final, Protocol

from transcoders.errors import SessionError
from transcoders.sessions.saved import Saved
from transcoders.sessions.session import Session
from transcoders.web.visit import BEGUN, FAILED, Visit, hidden

OPEN: Final = "the websocket is open, and a new session cannot reach the browser any more; store something before"
"""Why a session that was not stored when a websocket was accepted takes no changes any more."""


class Manager(Protocol):
    """What an exchange asks of a manager."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def save(self, session: Session[Any], /) -> Awaitable[Saved]:
        """Store what changed in the session, and let go of it."""
        ...

    def discard(self, session: Session[Any], /) -> Awaitable[None]:
        """Let go of the session."""
        ...


class Exchange:
    """What becomes of the session of one request.

    Attributes:
        session: the session.
        visit: what the request sent.
        begun: whether the response has begun, or the websocket is open.
    """

    __slots__ = ("_ended", "_manager", "_open", "begun", "session", "visit")

    def __init__(self, manager: Manager, visit: Visit, session: Session[Any]) -> None:
        self._manager, self.visit, self.session = manager, visit, session
        self.begun = self._open = self._ended = False

    async def begin(self, code: int) -> str | None:
        """Save the session, because a response of that status begins; the value of its Set-Cookie header.

        Raises:
            SessionError: the session cannot be saved, or it is the reason for a response of 500.
        """
        session, saved = self.session, Saved.SKIPPED
        if error := hidden(session, code):
            raise error
        if code >= FAILED:
            await self._manager.discard(session)
        else:
            saved = await self._manager.save(session)
        self.begun = True
        return self.visit.set_cookie(session, saved, self._manager.now())

    async def accept(self) -> str | None:
        """Save the session, because a websocket is accepted; the value of the Set-Cookie header of the handshake.

        Raises:
            SessionError: the session cannot be saved.
        """
        saved = await self._manager.save(self.session)
        self.begun = self._open = True
        return self.visit.set_cookie(self.session, saved, self._manager.now())

    def told(self) -> None:
        """The headers are made; what changes from now on cannot be told to the browser."""
        if not self._open:
            self.session.finish(BEGUN)
        elif self.session.new:
            self.session.finish(OPEN)

    async def end(self) -> None:
        """Save what changed since a websocket was accepted, or let go of a session that no response began with.

        Raises:
            SessionError: the session cannot be saved, or it was to get an id that cannot reach the browser.
        """
        if self._ended or (self.begun and not self._open):
            return
        self._ended, session = True, self.session
        over = session.leaving is not None
        unheard = self._open and (session.renewed or (over and len(session) > 0))
        if unheard and over:
            session.logout()  # of what was set since the logout nothing is left
        if self._open and (over or not (session.new or unheard)):
            await self._manager.save(session)
        else:
            await self._manager.discard(session)
        session.finish(BEGUN)
        if unheard:
            raise SessionError("a websocket that is open takes no new id to the browser: log in before it is accepted")

    async def fail(self) -> None:
        """Let go of the session after an error; what was changed and not saved is not stored."""
        if not self._ended and (self._open or not self.begun):
            self._ended = True
            await self._manager.discard(self.session)
