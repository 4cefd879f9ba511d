"""Sessions for ASGI applications, as a middleware: Starlette, FastAPI, Litestar, Quart, or none.

    app = SessionMiddleware(app, "redis://localhost", "msgpack")
    app.add_middleware(SessionMiddleware, source="redis://localhost", transcoder="msgpack")  # Starlette, FastAPI

The session is `scope["session"]`, which these frameworks know as `request.session`. A request with an id reads it
before the application is called, since access cannot wait; when that fails, access raises, and a page without the
session is served all the same. It is saved before the response begins, whether it is streamed or not, and takes no
changes after. A response of 500 and above, or an error, stores nothing.

A websocket is opened with the session, which is saved when it is accepted and again when it is closed; between the two
no lock is held.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from transcoders.errors import SessionError, TranscoderError
from transcoders.pipeline import Transcoder
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.settings import Settings
from transcoders.sessions.shadow import Shadow
from transcoders.web import Cookie, Site
from transcoders.web.exchange import Exchange
from transcoders.web.visit import BUSY, FAILED, Visit, refusal, status

KEY: Final = "session"
"""Where a scope has the session of its request."""
TRY_AGAIN: Final = 1013
"""The code of a websocket that is closed because its session cannot be had (IANA, WebSocket Close Code Numbers)."""
POLICY: Final = 1008
"""The code of a websocket that is closed for what its session has come to (RFC 6455, section 7.4.1)."""
_STARTS: Final = {"http.response.start", "websocket.http.response.start"}
_FULL: Final = 2  # starlette.routing.Match.FULL

Scope = Any
"""A mapping; each framework has a type of its own for it, which ours must not contradict."""
Message = Any
"""The same."""
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class SessionMiddleware:
    """An ASGI application with sessions.

    Args:
        app: the application.
        source: an AsyncSessionManager; Settings; or the store, a URL or an object.
        transcoder: see SessionManager.
        cookie: the cookie of the session; one with safe defaults when None.
        url_parameter: the name of the parameter that has the id instead, in URLs; no cookie is read or set then.
        key: where the scope has the session.
        settings: those of SessionManager, by keyword.

    Attributes:
        manager: the manager; it is closed when the server tells the application to shut down.

    Raises:
        SpecError: the configuration is wrong.
    """

    def __init__(  # noqa: PLR0913 - all but three by keyword
        self,
        app: App,
        source: AsyncSessionManager[Any] | Settings | Store | Port | str,
        transcoder: str | Transcoder[Any] | Shadow | None = None,
        *,
        cookie: Cookie | None = None,
        url_parameter: str | None = None,
        key: str = KEY,
        **settings: Any,
    ) -> None:
        site: Site[AsyncSessionManager[Any]] = Site(
            AsyncSessionManager, source, transcoder, cookie, url_parameter, settings
        )
        self._app, self._key, self._way, self.manager = app, key, site.way, site.manager
        self._by_cookie = url_parameter is None
        self._by_route = self.manager.policy.locking_mode != "none"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, a websocket or the lifespan; see the ASGI specification."""
        kind = scope["type"]
        if kind in {"http", "websocket"}:
            await self._serve(scope, receive, send)
        elif kind == "lifespan":
            await self._app(scope, receive, self._closing(send))
        else:
            await self._app(scope, receive, send)

    def _closing(self, send: Send) -> Send:
        async def tell(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self.manager.close()
            await send(message)

        return tell

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(self._way, _cookies(scope) if self._by_cookie else scope.get("query_string", b""))
        reply = _Reply(scope, self._key, receive, send)
        try:
            session = self.manager.begin(visit.sent, request=self._label(scope))
        except SessionError as error:
            await reply.refuse(error)
            return
        scope[self._key] = session
        reply.exchange = Exchange(self.manager, visit, session)
        try:
            await self.manager.load(session)
        except TranscoderError as error:
            session.fail(error)
        await reply.serve(self._app)

    def _label(self, scope: Scope) -> str:
        """Method and path; the route in place of the path, when it is known and locks go by it."""
        path = self._route(scope) if self._by_route else None
        return f"{scope.get('method', 'GET')} {scope['path'] if path is None else path}"

    def _route(self, scope: Scope) -> str | None:
        if template := scope.get("path_template"):  # Litestar, or whatever stands before this middleware
            return str(template)
        for route in _flat(getattr(scope.get("app", self._app), "routes", ())):  # Starlette, FastAPI
            if hasattr(route, "endpoint") and route.matches(scope)[0].value == _FULL:
                return str(route.path) or None
        return None


class _Reply:
    """What one request, or one websocket, is answered.

    Attributes:
        exchange: what becomes of its session, once it has one.
    """

    __slots__ = ("_key", "_left", "_receive", "_refused", "_scope", "_send", "exchange")

    def __init__(self, scope: Scope, key: str, receive: Receive, send: Send) -> None:
        self._scope, self._key, self._receive, self._send = scope, key, receive, send
        self.exchange: Exchange
        self._left = False
        self._refused: SessionError | None = None

    async def serve(self, app: App) -> None:
        """Call the application, and let go of the session whatever it does."""
        receive = self.receive if self._scope["type"] == "websocket" else self._receive
        try:
            await app(self._scope, receive, self.send)
        except BaseException as error:  # noqa: BLE001 - it is raised again, unless it is answered
            await self._fail(error)
        else:
            await self.exchange.end()

    async def _fail(self, error: BaseException) -> None:
        """Let go of the session after an error, and answer it, or raise it again."""
        if self._refused is not None:
            if self._refused not in _causes(error):
                raise error
            return
        if self._left and isinstance(error, Exception):
            await self.exchange.end()  # the application may say by an exception that the client has left
        else:
            await self.exchange.fail()
        if not isinstance(error, SessionError) or self.exchange.begun or status(error) == FAILED:
            raise error
        await self.refuse(error)

    async def receive(self) -> Message:
        """The application's `receive`, for a websocket."""
        message = await self._receive()
        self._left |= message["type"] == "websocket.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """The application's `send`. When the session cannot be saved, the response is ours, and the error is raised."""
        if self._refused is not None:
            return
        if not self.exchange.begun:
            try:
                if message["type"] in _STARTS:
                    self._adopt()
                    message = self._told(message, await self.exchange.begin(message["status"]))
                elif message["type"] == "websocket.accept":
                    self._adopt()
                    message = self._told(message, await self.exchange.accept())
            except SessionError as error:
                await self.refuse(error)
                raise
        if message["type"] == "websocket.close":
            await self.exchange.end()
        await self._send(message)

    def _adopt(self) -> None:
        """Take what somebody put in the place of the session, as `set_session` and `clear_session` of Litestar do."""
        session, there = self.exchange.session, self._scope.get(self._key)
        if there is session:
            return
        if isinstance(there, Mapping):
            session.clear()
            session.update(there)
        else:
            session.logout()
        self._scope[self._key] = session

    def _told(self, message: Message, cookie: str | None) -> Message:
        """The beginning of a response, with what has to be said of the session."""
        session, visit = self.exchange.session, self.exchange.visit
        if cookie is not None or session.accessed:
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]

            def before(name: str) -> str:
                wanted = name.lower().encode()
                return ", ".join([value.decode("latin-1") for key, value in headers if key.lower() == wanted])

            changed = {name.lower().encode(): value for name, value in visit.caching(session, cookie, before).items()}
            told = [pair for pair in headers if pair[0].lower() not in changed]
            told += [(name, value.encode("latin-1")) for name, value in changed.items()]
            if cookie is not None:
                told.append((b"set-cookie", cookie.encode("latin-1")))
            message = {**message, "headers": told}
        self.exchange.told()
        return message

    async def refuse(self, error: SessionError) -> None:
        """Answer in place of the application; raises the error where it is a mistake."""
        told, self._refused = refusal(error), error
        socket, extensions = self._scope["type"] == "websocket", self._scope.get("extensions") or {}
        if socket and "websocket.http.response" not in extensions:
            code = TRY_AGAIN if told.status == BUSY else POLICY
            await self._send({"type": "websocket.close", "code": code, "reason": told.reason})
            return
        kind = "websocket.http" if socket else "http"
        headers = [(name.lower().encode(), value.encode()) for name, value in told.headers]
        body = b"" if self._scope.get("method") == "HEAD" else told.body
        await self._send({"type": f"{kind}.response.start", "status": told.status, "headers": headers})
        await self._send({"type": f"{kind}.response.body", "body": body, "more_body": False})


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    """The routes, and those of FastAPI's routers among them."""
    for route in routes:
        contexts = getattr(route, "effective_route_contexts", None)
        yield from contexts() if contexts else (route,)


def _cookies(scope: Scope) -> bytes:
    """The cookies of a request; HTTP/2 may send them in several headers."""
    return b"; ".join([value for name, value in scope["headers"] if name == b"cookie"])


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised from or while."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
