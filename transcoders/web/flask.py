"""Flask: `flask.session`, shared by every process of the site.

    app.session_interface = transcoders.web.flask.Sessions("redis://localhost", "msgpack")

or `Sessions(app)`, with `SESSION_TRANSCODERS = {"store": "redis://localhost", "transcoder": "msgpack"}` among the
configuration. Flask opens the session of every request; the store is asked when the session is. It is saved when the
response is ready, before a streamed body begins, and read only from then on. A response of 500 and above, or an error,
stores nothing. A session that is emptied is ended. A store that fails is a 503 that `app.errorhandler(503)` may dress.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NoReturn, cast

import flask
from flask.sessions import NullSession, SessionInterface, SessionMixin
from markupsafe import Markup
from werkzeug.exceptions import Conflict, ServiceUnavailable

from transcoders.errors import SessionError, SpecError
from transcoders.pipeline import Transcoder
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.saving import Saved
from transcoders.sessions.session import Session
from transcoders.sessions.settings import Settings
from transcoders.sessions.shadow import Shadow
from transcoders.web import Cookie, Site, configured
from transcoders.web.cookies import LONGEST
from transcoders.web.visit import BEGUN, CONFLICT, FAILED, RETRY_AFTER, Visit, hidden, refusal, status

CONFIG: Final = "SESSION_TRANSCODERS"
"""The key of an application's configuration that has the settings: a mapping, or the URL of the store."""
EXTENSION: Final = "transcoders"
PERMANENT: Final = "_permanent"
"""Flask's name for an attribute: whether the cookie outlives the browser."""
FLASHES: Final = "_flashes"
"""Flask's name for an attribute: messages for the next page, with their categories."""


class Unavailable(ServiceUnavailable):
    """The session is not to be had now: its store fails, its lock is taken, or too many are open; see `__cause__`."""


class Changed(Conflict):
    """Another request changed or ended the session in the meantime; see `__cause__`."""


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
                _refuse(error)
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
                _refuse(self._failure)  # a store that hangs makes a request wait once
            try:
                _ = held.record
            except SessionError as error:
                self._failure = error
                _refuse(error)
        return held

    def _open(self) -> Session[Any]:
        """The session, open for changes."""
        held = self.held
        try:
            held.check_open()
        except SessionError as error:
            _refuse(error)
        return held

    # A mapping

    def __getitem__(self, name: str) -> Any:
        value = self._read()[name]
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
            held.set_timeout(idle=_seconds(app) if permanent else self.manager.policy.max_inactive_interval)

    def set_cookie(self, saved: Saved) -> str | None:
        """The value of the Set-Cookie header; None where the browser's cookie is good."""
        return self.visit.set_cookie(self.held, saved, self.manager.now(), anew=self._aged and saved is Saved.WRITTEN)

    def discard(self) -> None:
        """Let go of it; what was changed is not stored."""
        self.finished = True
        if self._held is not None:
            self.manager.discard(self._held)


session: FlaskSession = cast("FlaskSession", flask.session)
"""`flask.session`, for type checkers: `from transcoders.web.flask import session`."""


class Sessions(SessionInterface):
    """The sessions of applications.

    Args:
        source: a SessionManager; Settings; the store, a URL or an object; or an application, for `init_app`.
        transcoder: see SessionManager.
        cookie: the cookie of the session; what `SESSION_COOKIE_…` of the configuration say when None.
        settings: those of SessionManager, by keyword.

    Raises:
        SpecError: the configuration is wrong.
    """

    null_session_class = Unconfigured

    def __init__(
        self,
        source: SessionManager[Any] | Settings | Store | Port | str | flask.Flask | None = None,
        transcoder: str | Transcoder[Any] | Shadow | None = None,
        *,
        cookie: Cookie | None = None,
        **settings: Any,
    ) -> None:
        app = source if isinstance(source, flask.Flask) else None
        self._cookie, self._manager = cookie, cast("SessionManager[Any] | None", None)
        if source is not None and app is None:
            site = Site(SessionManager, source, transcoder, cookie, None, settings)  # type: ignore[arg-type]
            self._manager = _watched(site.manager)
        elif transcoder is not None or settings:
            raise SpecError(f"without a store, the settings stand in app.config[{CONFIG!r}], all of them")
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        """Serve the application; its configuration says how where no store was given here.

        Raises:
            SpecError: the configuration is wrong.
        """
        if self._manager is None:
            if CONFIG not in app.config:
                raise SpecError(f"sessions have no store: app.config[{CONFIG!r}] = {{'store': 'redis://…'}}")
            app.extensions[EXTENSION] = _watched(configured(SessionManager, app.config[CONFIG], CONFIG))
        app.session_interface = self
        self._way(app)

    def manager(self, app: flask.Flask | None = None) -> SessionManager[Any] | None:
        """The manager of the application, the current one when none is given; None where nothing is configured."""
        return self._manager or (app or flask.current_app).extensions.get(EXTENSION)

    def open_session(self, app: flask.Flask, request: flask.Request) -> FlaskSession | None:
        """See Flask. Nothing is asked of the store."""
        manager = self.manager(app)
        if manager is None:
            return None
        return FlaskSession(manager, Visit(self._way(app), request.environ.get("HTTP_COOKIE", "")), request)

    def save_session(self, app: flask.Flask, session: SessionMixin, response: flask.Response) -> None:
        """See Flask. Where the session cannot be saved, the response says so, and nothing else."""
        if not isinstance(session, FlaskSession) or session.finished:
            return
        session.finished = True
        if session.untouched:
            with suppress(Unavailable):
                session.save(app)  # it is counted, no more
            return
        try:
            self._save(app, session, response)
        except SessionError as error:
            session.discard()
            _replace(app, response, error)
        except ServiceUnavailable as error:  # too many are open
            _replace(app, response, error)

    def _save(self, app: flask.Flask, session: FlaskSession, response: flask.Response) -> None:
        saved, held = Saved.SKIPPED, session.held
        if error := hidden(held, response.status_code):
            raise error
        if response.status_code >= FAILED:
            session.discard()
        else:
            saved = session.save(app)
        if saved is Saved.TOUCHED and not app.config["SESSION_REFRESH_EACH_REQUEST"]:
            saved = Saved.SKIPPED
        kept = saved is Saved.SKIPPED and held.sid in session.visit.sent  # most cookies stay as they are
        if not kept and held.loaded and held.live().get(PERMANENT):
            session.visit.way = self._way(app, _seconds(app))
        _tell(session, held, response, session.set_cookie(saved))
        held.read_only = held.read_only or BEGUN

    def _way(self, app: flask.Flask, lifetime: int | None = None) -> Cookie:
        """The cookie as the configuration has it, for so many seconds."""
        if self._cookie is not None:
            return self._cookie if lifetime is None else _aged(self._cookie, lifetime)
        return _cookie(
            self.get_cookie_name(app),
            self.get_cookie_path(app),
            self.get_cookie_domain(app),
            self.get_cookie_secure(app),
            self.get_cookie_httponly(app),
            self.get_cookie_samesite(app),
            self.get_cookie_partitioned(app),
            lifetime,
        )


@lru_cache(256)
def _cookie(  # noqa: PLR0913, PLR0917 - what Flask configures
    name: str,
    path: str,
    domain: str | None,
    secure: bool,  # noqa: FBT001
    http_only: bool,  # noqa: FBT001
    same_site: str | None,
    partitioned: bool,  # noqa: FBT001
    lifetime: int | None,
) -> Cookie:
    """The cookie of the configuration, of which Flask takes more spellings than we do."""
    return Cookie(
        name=name,
        path=path,
        domain=domain.partition(":")[0].lstrip(".").encode("idna").decode() if domain else None,
        secure=bool(secure or partitioned),
        http_only=bool(http_only),
        same_site=same_site.title() if same_site else None,  # type: ignore[arg-type]
        partitioned=bool(partitioned),
        max_age=lifetime,
    )


@lru_cache(256)
def _aged(cookie: Cookie, lifetime: int) -> Cookie:
    return replace(cookie, max_age=lifetime)


def _seconds(app: flask.Flask) -> int:
    """The lifetime of a permanent session, as far as browsers keep cookies."""
    return min(max(1, int(app.permanent_session_lifetime.total_seconds())), LONGEST)


def _refuse(error: SessionError) -> NoReturn:
    """Raise what Flask makes a response of; the error itself where it is a mistake."""
    if status(error) == FAILED:
        raise error
    raise _http(error)


def _http(error: SessionError) -> Unavailable | Changed:
    told = refusal(error)
    text = told.body.decode().strip()
    made = Changed(text) if told.status == CONFLICT else Unavailable(text, retry_after=int(RETRY_AFTER))
    made.__cause__ = error
    return made


def _replace(app: flask.Flask, response: flask.Response, error: SessionError | ServiceUnavailable) -> None:
    """Make the response one that says what went wrong, as the application has it; raise what is a mistake."""
    if isinstance(error, SessionError) and status(error) == FAILED:
        raise error
    told = error if isinstance(error, ServiceUnavailable) else _http(error)
    made = app.make_response(app.handle_http_exception(told))
    with suppress(AttributeError):
        response.response.close()  # type: ignore[union-attr]
    response.status, response.headers, response.response = made.status, made.headers, made.response
    response.direct_passthrough = False
    response.vary.add("Cookie")
    response.cache_control.no_store = True


def _tell(session: FlaskSession, held: Session[Any], response: flask.Response, cookie: str | None) -> None:
    """Tell the browser of the cookie, and caches whose response it is."""
    headers = response.headers
    told = session.visit.caching(held, cookie, lambda name: ", ".join(headers.getlist(name)))
    for name, value in told.items():
        headers[name] = value
    if cookie is not None:
        headers.add("Set-Cookie", cookie)
    if not told and session.accessed:
        response.vary.add("Cookie")


def _watched(manager: SessionManager[Any]) -> SessionManager[Any]:
    """The manager; where its sessions hold a lock or a place, they are let go of at the end of every request."""
    if manager.policy.locking_mode != "none" or manager.policy.max_active_sessions:
        flask.request_tearing_down.connect(_let_go)
    return manager


def _let_go(_app: flask.Flask, **_told: Any) -> None:
    """Let go of a session that no response was made of, as when Flask raises errors to tests and debuggers."""
    with suppress(AssertionError):  # opening it has failed
        session = flask.session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - of Werkzeug's API
        if isinstance(session, FlaskSession) and not session.finished:
            session.discard()


def _lowered(flashes: Any) -> Any:
    """Messages as they are stored: HTML as text that is marked as such, since Markup is no value of a session."""
    if type(flashes) is not list:
        return flashes
    return [
        (one[0], str(one[1].__html__()), "html") if len(one) == 2 and hasattr(one[1], "__html__") else one
        for one in flashes
    ]


def _raised(flashes: Any) -> Any:
    """Messages as Flask has them."""
    if type(flashes) is not list:
        return flashes
    return [(one[0], Markup(one[1])) if len(one) == 3 else one for one in flashes]  # noqa: S704 - it was HTML
