"""Sessions for WSGI applications, as a middleware (PEP 3333).

    application = SessionMiddleware(application, "redis://localhost", "msgpack")

    def application(environ, start_response):
        session = environ["transcoders.session"]

The session is read when it is first asked for anything, and saved when the application's response begins: when the call
returns, or with the first piece of a body whose `start_response` came that late. What does not fit into this is refused
in words; nothing is lost in silence. A response of 500 and above, or an error, stores nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final

from transcoders.errors import SessionError
from transcoders.pipeline import Transcoder
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.saved import Saved
from transcoders.sessions.session import Session
from transcoders.sessions.settings import Settings
from transcoders.sessions.shadow import Shadow
from transcoders.web import Cookie, Site
from transcoders.web.visit import BEGUN, FAILED, Visit, hidden, refusal

KEY: Final = "transcoders.session"
"""Where a request has its session."""
Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Failure = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
Write = Callable[[bytes], object]
Start = Callable[..., Write]
Application = Callable[[Environ, Start], Iterable[bytes]]


class SessionMiddleware:
    """A WSGI application with sessions.

    Args:
        app: the application.
        source: a SessionManager; Settings; or the store, a URL or an object.
        transcoder: see SessionManager.
        cookie: the cookie of the session; one with safe defaults when None.
        url_parameter: the name of the parameter that has the id instead, in URLs; no cookie is read or set then.
        key: where `environ` has the session.
        settings: those of SessionManager, by keyword.

    Attributes:
        manager: the manager; `close` it when the process ends.

    Raises:
        SpecError: the configuration is wrong.
    """

    def __init__(  # noqa: PLR0913 - all but three by keyword
        self,
        app: Application,
        source: SessionManager[Any] | Settings | Store | Port | str,
        transcoder: str | Transcoder[Any] | Shadow | None = None,
        *,
        cookie: Cookie | None = None,
        url_parameter: str | None = None,
        key: str = KEY,
        **settings: Any,
    ) -> None:
        site: Site[SessionManager[Any]] = Site(SessionManager, source, transcoder, cookie, url_parameter, settings)
        self._app, self._key, self._way, self.manager = app, key, site.way, site.manager
        self._text = "QUERY_STRING" if url_parameter else "HTTP_COOKIE"

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Serve a request; see PEP 3333."""
        visit = Visit(self._way, environ.get(self._text, ""))
        label = f"{environ.get('REQUEST_METHOD')} {environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
        try:
            session = self.manager.open(visit.sent, request=label)
        except SessionError as error:
            return _refuse(error, environ, start_response)
        environ[self._key] = session
        return _Reply(self.manager, visit, session, start_response).serve(self._app, environ)


class _Reply:
    """One request's response, until it begins."""

    __slots__ = ("_begun", "_cookie", "_head", "_manager", "_seen", "_session", "_start_response", "_visit", "_write")

    def __init__(
        self, manager: SessionManager[Any], visit: Visit, session: Session[Any], start_response: Start
    ) -> None:
        self._manager, self._visit, self._session, self._start_response = manager, visit, session, start_response
        self._head: tuple[str, Headers] | None = None
        self._begun = self._seen = False
        self._cookie: str | None = None

    def serve(self, app: Application, environ: Environ) -> Iterable[bytes]:
        body: Iterable[bytes] = ()
        try:
            body = app(environ, self.start)
            if self._head is None:
                body = _Primed(body)
            if not self._begun:
                self._begin()
        except SessionError as error:
            self._give_up(body)
            if self._begun:
                raise
            return _refuse(error, environ, self._start_response)
        except BaseException:
            self._give_up(body)
            raise
        return body

    def start(self, status: str, headers: Headers, exc_info: Failure | None = None) -> Write:
        """The application's `start_response`; PEP 3333 allows it once, and again when something went wrong."""
        if self._begun:
            return self._start_response(status, self._told(headers), exc_info)
        self._head = status, headers
        return self.write

    def write(self, data: bytes) -> None:
        """What `start_response` returns, for applications that write instead of returning."""
        if not self._begun:
            self._begin()
        self._write(data)

    def _begin(self) -> None:
        """Save the session, and tell the server of the response."""
        if self._head is None:
            self._manager.discard(self._session)
            return  # the server says what is missing
        status, headers = self._head
        session, saved = self._session, Saved.SKIPPED
        code = int(status[:3])
        if error := hidden(session, code):
            raise error
        if code >= FAILED:
            self._manager.discard(session)
        else:
            saved = self._manager.save(session)
        self._cookie = self._visit.set_cookie(session, saved, self._manager.now())
        self._seen = session.accessed
        session.finish(BEGUN)
        self._begun = True
        self._write = self._start_response(status, self._told(headers))

    def _told(self, headers: Headers) -> Headers:
        """The headers with what has to be said of the session."""
        if self._cookie is None and not self._seen:
            return headers

        def before(name: str) -> str:
            wanted = name.lower()
            return ", ".join([value for key, value in headers if key.lower() == wanted])

        changed = self._visit.caching(self._session, self._cookie, before)
        gone = {name.lower() for name in changed}
        kept = [pair for pair in headers if pair[0].lower() not in gone]
        return [*kept, *changed.items(), *([("Set-Cookie", self._cookie)] if self._cookie is not None else ())]

    def _give_up(self, body: Iterable[bytes]) -> None:
        """Let go of the session and the body; what the request changed is not stored."""
        self._manager.discard(self._session)
        if hasattr(body, "close"):
            body.close()


class _Primed:
    """A body of which the first piece was asked for, because `start_response` is called by then."""

    __slots__ = ("_body", "_first", "_rest")

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body
        self._rest = iter(body)
        self._first = next(self._rest, None)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._rest) if first is None else first

    def close(self) -> None:
        """Close the body."""
        if hasattr(self._body, "close"):
            self._body.close()


def _refuse(error: SessionError, environ: Environ, start_response: Start) -> Iterable[bytes]:
    """The response in place of the application's; raises the error where it is a mistake."""
    told = refusal(error)
    start_response(f"{told.status} {told.reason}", told.headers)
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [told.body]
