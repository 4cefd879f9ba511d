"""One visit: from the cookies of a request to the cookie of its response, and from what went wrong to a status.

The same for every framework. A cookie is set when the session got an id that the browser does not have, renewed when
the session's end was put off, and deleted when it stands for no session. When nobody knows, because the store failed,
the browser keeps what it has: an outage logs nobody out.
"""

from typing import Any, Final

from transcoders.errors import Conflict, LockTimeout, SessionError, SessionGone, StoreError, TooManySessions
from transcoders.sessions.saving import Saved
from transcoders.sessions.session import Session
from transcoders.web.cookies import Cookie

BUSY: Final = 503
"""The store is down, the lock is taken, or too many sessions are open: the same request may succeed in a moment."""
CONFLICT: Final = 409
"""Another request changed or ended the session in the meantime (RFC 9110, section 15.5.10)."""
RETRY_AFTER: Final = "1"
"""Seconds after which a client may try again."""


class Visit:
    """What a request sent, and what its response is to say.

    Attributes:
        sent: the ids in its cookies, in the browser's order.
    """

    __slots__ = ("_cookie", "sent")

    def __init__(self, cookie: Cookie, header: str | bytes) -> None:
        self._cookie, self.sent = cookie, cookie.candidates(header)

    def set_cookie(self, session: Session[Any], saved: Saved, now: float) -> str | None:
        """The value of the Set-Cookie header; None where the browser's cookie is good.

        Args:
            session: after it was saved, or ended.
            saved: what saving it came to.
            now: seconds since 1970.
        """
        if session.adrift:
            return None
        if session.ended:
            return self._cookie.delete() if self.sent or session.sid is not None else None
        if session.sid is None:
            gone = session.key is None and session.loaded and bool(self.sent)
            return self._cookie.delete() if gone else None
        if session.sid not in self.sent:
            return self._cookie.set(session.sid, _left(session, now))
        return self._cookie.renew(session.sid, _left(session, now)) if saved is not Saved.SKIPPED else None


def _left(session: Session[Any], now: float) -> float | None:
    """Seconds until the session reaches its age; None when it has none."""
    return session.record.created + session.absolute - now if session.absolute else None


def status(error: SessionError) -> int:
    """The HTTP status for a session that cannot be had or saved: 503 where trying again helps, else 409."""
    if isinstance(error, Conflict | SessionGone):
        return CONFLICT
    if isinstance(error, StoreError | LockTimeout | TooManySessions):
        return BUSY
    return 500
