"""What Flask asks for sessions: it opens that of every request, and saves it when the response is ready."""

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, cast

import flask
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.exceptions import ServiceUnavailable

from transcoders.errors import SessionError, SpecError
from transcoders.pipeline import Transcoder
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.saved import Saved
from transcoders.sessions.session import Session
from transcoders.sessions.settings import Settings
from transcoders.sessions.shadow import Shadow
from transcoders.web import Cookie, Site, configured
from transcoders.web.flask.refusing import substitute
from transcoders.web.flask.session import CONFIG, PERMANENT, FlaskSession, Unconfigured, lifetime
from transcoders.web.visit import BEGUN, FAILED, Visit, hidden

EXTENSION: Final = "transcoders"
"""The key of an application's extensions that has its manager."""


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
            session.manager.unasked(session.visit.sent)
            return
        try:
            self._save(app, session, response)
        except SessionError as error:
            session.discard()
            substitute(app, response, error)
        except ServiceUnavailable as error:  # too many are open
            substitute(app, response, error)

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
            session.visit.way = self._way(app, lifetime(app))
        _tell(session, held, response, session.set_cookie(saved))
        held.read_only = held.read_only or BEGUN

    def _way(self, app: flask.Flask, seconds: int | None = None) -> Cookie:
        """The cookie as the configuration has it, for so many seconds."""
        if self._cookie is not None:
            return self._cookie if seconds is None else _aged(self._cookie, seconds)
        return _cookie(
            self.get_cookie_name(app),
            self.get_cookie_path(app),
            self.get_cookie_domain(app),
            self.get_cookie_secure(app),
            self.get_cookie_httponly(app),
            self.get_cookie_samesite(app),
            self.get_cookie_partitioned(app),
            seconds,
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
    seconds: int | None,
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
        max_age=seconds,
    )


@lru_cache(256)
def _aged(cookie: Cookie, seconds: int) -> Cookie:
    return replace(cookie, max_age=seconds)


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
