"""One visit: from the ids of a request to the headers of its response, and from what went wrong to a status.

The same for every framework. A cookie is set when the session got an id that the browser does not have, renewed when
the session's end was put off, and deleted when it stands for no session and somebody asked. When nobody knows, because
the store failed, the browser keeps what it has: an outage logs nobody out. A response that was made of a session, or
sets its cookie, is nobody else's, and says so to caches.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from transcoders.errors import (
    Conflict,
    LockTimeout,
    ReadOnly,
    SessionError,
    SessionGone,
    StoreError,
    TooManySessions,
)
from transcoders.sessions.saved import SKIPPED, Saved
from transcoders.sessions.session import Session
from transcoders.web.cookies import Cookie, Parameter, private, vary

BUSY: Final = 503
"""The store is down, the lock is taken, or too many sessions are open: the same request may succeed in a moment."""
CONFLICT: Final = 409
"""Another request changed or ended the session in the meantime (RFC 9110, section 15.5.10)."""
RETRY_AFTER: Final = "1"
"""Seconds after which a client may try again."""
FAILED: Final = 500
"""The status from which on a response says that its request failed; what that changed in the session is not stored."""
BEGUN: Final = "the response has begun; change the session before it does"
"""Why a session takes no changes any more."""
_REASONS: Final = {BUSY: "Service Unavailable", CONFLICT: "Conflict"}
_BODIES: Final = {
    BUSY: b"The session is not available at the moment. Please try again.\n",
    CONFLICT: b"Another request changed or ended this session in the meantime. Please reload the page.\n",
}


class Visit:
    """What a request sent, and what its response is to say.

    Args:
        way: how ids travel.
        text: the value of the Cookie header, or the query string of the URL, whichever that way takes.

    Attributes:
        way: how ids travel; a face may put another cookie there, which lives as long as the session asks for.
        sent: the ids in it, in its order.
    """

    __slots__ = ("sent", "way")

    def __init__(self, way: Cookie | Parameter, text: str | bytes) -> None:
        self.way, self.sent = way, way.candidates(text)

    def set_cookie(self, session: Session[Any], saved: Saved, now: float, *, anew: bool = False) -> str | None:
        """The value of the Set-Cookie header; None where the browser's cookie is good.

        Args:
            session: after it was saved, or ended.
            saved: what saving it came to.
            now: seconds since 1970.
            anew: whether the browser's cookie is not good any more, since it is to live for another time.
        """
        cookie, sid = self.way, session.sid
        if isinstance(cookie, Parameter) or session.adrift:
            return None
        if sid in self.sent and not (session.ended or anew):  # as most are
            return None if saved is SKIPPED or not cookie.renews else cookie.set(str(sid), _left(session, now))
        if session.ended:
            return cookie.delete() if self.sent or sid is not None else None
        if sid is None:
            # A request that was under way while another logged in must not take the new cookie away.
            gone = bool(self.sent) and session.key is None and session.accessed and not session.outdated
            return cookie.delete() if gone else None
        return cookie.set(sid, _left(session, now))

    def caching(self, session: Session[Any], set_cookie: str | None, before: Callable[[str], str]) -> dict[str, str]:
        """The headers that tell caches whose response it is, by name; each to stand in place of what stood there.

        Args:
            session: the session, when the response is about to begin.
            set_cookie: the value of the Set-Cookie header that the response gets.
            before: gives the value of a header until now, several of the name joined by commas; empty for none.
        """
        if set_cookie is None and not session.accessed:
            return {}
        if isinstance(self.way, Parameter):
            return {"Cache-Control": private(before("Cache-Control"))}
        found = {"Vary": vary(before("Vary"))}
        if set_cookie is not None:
            found["Cache-Control"] = private(before("Cache-Control"))
        return found


def _left(session: Session[Any], now: float) -> float | None:
    """Seconds until the session reaches its age; None when it has none."""
    return session.record.created + session.absolute - now if session.absolute else None


def status(error: SessionError) -> int:
    """The HTTP status for a session that cannot be had or saved: 503 where trying again helps, 409, else 500."""
    if isinstance(error, Conflict | SessionGone):
        return CONFLICT
    if isinstance(error, StoreError | LockTimeout | TooManySessions):
        return BUSY
    return BUSY if isinstance(error, ReadOnly) and error.retryable else FAILED


def hidden(session: Session[Any], code: int) -> SessionError | None:
    """The error of the session behind a response of 500, which a framework made of it; None when there is none."""
    error = session.failure
    return error if code == FAILED and isinstance(error, SessionError) and status(error) != FAILED else None


class Refusal(NamedTuple):
    """The response in place of the application's, which says nothing that is secret.

    Attributes:
        status: 503 or 409.
        reason: the words for it.
        headers: names and values.
        body: plain text.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def refusal(error: SessionError) -> Refusal:
    """The response for a session that cannot be had or saved; the error itself is raised where it is a mistake."""
    code = status(error)
    if code == FAILED:
        raise error
    body = _BODIES[code]
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *[("Retry-After", RETRY_AFTER)] * (code == BUSY),
    ]
    return Refusal(code, _REASONS[code], headers, body)
