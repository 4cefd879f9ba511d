"""`flask.session`: what Flask's own has, over a session that is opened and read when it is asked for."""

from collections.abc import Iterator
from typing import Any, Final, NoReturn, cast

import flask
from flask.sessions import NullSession, SessionMixin
from markupsafe import Markup

from transcoders.errors import SessionError
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.saved import Saved
from transcoders.sessions.session import Session
from transcoders.web.cookies import LONGEST
from transcoders.web.flask.refusing import refuse
from transcoders.web.visit import BEGUN, Visit

CONFIG: Final = "SESSION_TRANSCODERS"
"""The key of an application's configuration that has the settings: a mapping, or the URL of the store."""
PERMANENT: Final = "_permanent"
"""Flask's name for an attribute: whether the cookie outlives the browser."""
FLASHES: Final = "_flashes"
"""Flask's name for an attribute: messages for the next page, with their categories."""


class Unconfigured(NullSession):
    """The session of an application that nobody told where sessions are: empty, and takes nothing."""

    def _fail(self, *_arguments: Any, **_keywords: Any) -> NoReturn:
        raise RuntimeError(
            f"sessions have no store: app.config[{CONFIG!r}] = {{'store': 'redis://…'}}, then Sessions(app)"
        )

    __setitem__ = __delitem__ = clear = pop = popitem = update = setdefault = _fail


class FlaskSession(SessionMixin):
    """`flask.session`: names to values, and what Flask's own session has; changes inside of values are found.

    Attributes:
        manager: the manager, for the sessions of a principal and the like.
        finished: whether it was saved, or let go.
    """

    def __init__(self, manager: SessionManager[Any], visit: Visit, request: flask.Request) -> None:
        self.manager, self.visit, self.finished = manager, visit, False
        self._request, self._held = request, cast("Session[Any] | None", None)
        self._touched = self._emptied = self._aged = self._forced = False
        self._modified: bool | None = None
        self._failure: SessionError | None = None

    @property
    def held(self) -> Session[Any]:
        """The session itself, as every other face has it; not read perhaps. Raises Unavailable: too many are open."""
        if self._held is None:
            environ = self._request.environ
            label = f"{self._request.method} {environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
            try:
                held = self._held = self.manager.open(self.visit.sent, request=label)
            except SessionError as error:
                refuse(error)
            if self.finished:
                held.read_only = BEGUN
            rule = self._request.url_rule
            if rule is not None and self.manager.policy.locking_mode == "auto":
                held.request = f"{self._request.method} {rule.rule}"  # one name for all carts that the rule stands for
        return self._held

    @property
    def untouched(self) -> bool:
        """Whether nobody asked for it."""
        return self._held is None and not self._touched

    def _read(self) -> Session[Any]:
        """The session, read."""
        held = self.held
        if not held.loaded:
            if self._failure is not None:
                refuse(self._failure)  # a store that hangs makes a request wait once
            try:
                _ = held.record
            except SessionError as error:
                self._failure = error
                refuse(error)
        return held

    def _open(self) -> Session[Any]:
        """The session, open for changes."""
        held = self.held
        try:
            held.check_open()
        except SessionError as error:
            refuse(error)
        return held

    # A mapping

    def __getitem__(self, name: str) -> Any:
        held = self._held
        value = (self._read() if held is None or not held.loaded else held)[name]
        return _raised(value) if name == FLASHES else value

    def __setitem__(self, name: str, value: Any) -> None:
        self._open()[name] = _lowered(value) if name == FLASHES else value
        self._modified = True
        self._aged |= name == PERMANENT

    def __delitem__(self, name: str) -> None:
        self._read()
        del self._open()[name]
        self._modified = self._emptied = True

    def __contains__(self, name: object) -> bool:
        return name in self._read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def clear(self) -> None:
        """Remove everything, what cannot be decoded too; the session is ended with that, unless something is set."""
        if self._read():
            self._open().clear()
            self._modified = self._emptied = True

    def __repr__(self) -> str:
        """The names of its attributes, as far as it was read."""
        return f"<FlaskSession {self._held!r}>"

    # What Flask's own session has

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether it was never stored."""
        return self._read().new

    @property
    def accessed(self) -> bool:
        """Whether anybody asked for it; the response varies by the cookie then."""
        return self._touched or (self._held is not None and self._held.accessed)

    @accessed.setter
    def accessed(self, accessed: bool) -> None:
        self._touched = accessed

    @property
    def modified(self) -> bool:
        """Whether it was changed, in place too.

        True, when set, puts its end off though nothing has changed; False gives up what was changed until now.
        """
        if self._modified is None:
            return self._held is not None and self._held.loaded and bool(self._held.changes())
        return self._modified

    @modified.setter
    def modified(self, modified: bool) -> None:
        self._modified = self._forced = modified

    # What it has beside

    @property
    def principal(self) -> str | None:
        """Whose session it is, such as `user:42`."""
        return self._read().principal

    def login(self, principal: str) -> None:
        """Make it the session of a principal, under a new id when the response is ready; the old one is dead then.

        Raises:
            EncodeError: the principal is no text, or empty.
        """
        self._open().login(principal)
        self._modified = True

    def logout(self) -> None:
        """End it when the response is ready; what is set from now on goes into a new one."""
        self._read()
        self._open().logout()
        self._modified = True

    def renew(self) -> None:
        """Give it a new id when the response is ready; the old one is dead then."""
        self._open().renew()
        self._modified = True

    # Its end

    def save(self, app: flask.Flask) -> Saved:
        """Store what was changed; the application says how long a permanent session lives. Raises SessionError."""
        held = self.held
        if self._modified is False:
            self.manager.discard(held)
            return Saved.SKIPPED
        if held.accessed and not held.ended:
            _ = held.record
            self._settle(held, app)
        saved = self.manager.save(held)
        return self.manager.touch(held) if saved is Saved.SKIPPED and self._forced and held.loaded else saved

    def _settle(self, held: Session[Any], app: flask.Flask) -> None:
        """Its idle time, and whether it ends because nothing is left in it."""
        if self._emptied and not held.new and held.record.names() and not held and not held.renewed:
            held.logout()
        permanent = held.get(PERMANENT)
        if permanent is not None and not held.read_only:
            held.set_timeout(idle=lifetime(app) if permanent else self.manager.policy.max_inactive_interval)

    def set_cookie(self, saved: Saved) -> str | None:
        """The value of the Set-Cookie header; None where the browser's cookie is good."""
        return self.visit.set_cookie(self.held, saved, self.manager.now(), anew=self._aged and saved is Saved.WRITTEN)

    def discard(self) -> None:
        """Let go of it; what was changed is not stored."""
        self.finished = True
        if self._held is not None:
            self.manager.discard(self._held)


def lifetime(app: flask.Flask) -> int:
    """Seconds that a permanent session lives, as far as browsers keep cookies."""
    return min(max(1, int(app.permanent_session_lifetime.total_seconds())), LONGEST)


def _lowered(flashes: Any) -> Any:
    """Messages as they are stored: HTML as text that is marked as such, since Markup is no value of a session."""
    if type(flashes) is not list:
        return flashes
    return [
        (one[0], str(one[1].__html__()), "html") if type(one) is tuple and hasattr(one[-1], "__html__") else one
        for one in flashes
    ]


def _raised(flashes: Any) -> Any:
    """Messages as Flask has them."""
    if type(flashes) is not list:
        return flashes
    return [(one[0], Markup(one[1])) if type(one) is tuple and len(one) == 3 else one for one in flashes]  # noqa: S704 - it was HTML
