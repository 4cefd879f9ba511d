"""Sessions for aiohttp applications.

    manager = setup(app, "redis://localhost", "msgpack")

    async def page(request):
        session = request[SESSION]

A request with an id reads the session before its handler is called, since access cannot wait; when that fails, access
raises, and a page without the session is served all the same. It is saved when the handler has made its response, or
before the headers of one that the handler prepares itself; `HTTPException` is a response like any other. A response of
500 and above, or an error, stores nothing. A websocket is prepared with the session saved, and saves it again when its
handler returns; between the two no lock is held.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from transcoders.errors import SessionError, TranscoderError
from transcoders.pipeline import Transcoder
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.session import Session
from transcoders.sessions.settings import Settings
from transcoders.sessions.shadow import Shadow
from transcoders.web import Cookie, Parameter, Site
from transcoders.web.exchange import Exchange
from transcoders.web.visit import Visit, refusal

SESSION: Final[web.RequestKey[Session[Any]]] = web.RequestKey("transcoders.session", Session)
"""Where a request has its session."""
_EXCHANGE: Final = web.RequestKey("transcoders.exchange", Exchange)
_CHUNKED: Final = web.RequestKey("transcoders.chunked", bool)
"""Whether a response that did not come about has told the connection to send in chunks."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def setup(
    app: web.Application,
    source: AsyncSessionManager[Any] | Settings | Store | Port | str,
    transcoder: str | Transcoder[Any] | Shadow | None = None,
    *,
    cookie: Cookie | None = None,
    url_parameter: str | None = None,
    **settings: Any,
) -> AsyncSessionManager[Any]:
    """Give every request of the application a session; the manager, which is closed when the application is cleaned up.

    Args:
        app: the application.
        source: an AsyncSessionManager; Settings; or the store, a URL or an object.
        transcoder: see SessionManager.
        cookie: the cookie of the session; one with safe defaults when None.
        url_parameter: the name of the parameter that has the id instead, in URLs; no cookie is read or set then.
        settings: those of SessionManager, by keyword.

    Raises:
        SpecError: the configuration is wrong.
    """
    site: Site[AsyncSessionManager[Any]] = Site(
        AsyncSessionManager, source, transcoder, cookie, url_parameter, settings
    )
    sessions = _Sessions(site)

    async def close(_app: web.Application) -> None:
        await site.manager.close()

    app.middlewares.append(sessions.serve)
    app.on_response_prepare.append(sessions.prepare)
    app.on_cleanup.append(close)
    return site.manager


class _Sessions:
    """The middleware, and the signal of responses that handlers prepare themselves."""

    def __init__(self, site: Site[AsyncSessionManager[Any]]) -> None:
        self._manager, self._way = site.manager, site.way
        self._by_route = site.manager.policy.locking_mode != "none"

    @web.middleware
    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Open the session, call the handler, and save the session, or let go of it."""
        try:
            session = self._manager.begin((visit := self._visit(request)).sent, request=self._label(request))
        except SessionError as error:
            return _refused(request, error)
        exchange = Exchange(self._manager, visit, session)
        request[SESSION], request[_EXCHANGE] = session, exchange
        try:
            await self._manager.load(session)
        except TranscoderError as error:
            session.fail(error)
        try:
            return await self._answered(request, handler, exchange)
        except web.HTTPException as response:
            if not exchange.begun:
                try:
                    await _begin(exchange, response)
                except SessionError as error:
                    return await self._failed(request, exchange, error)
            raise
        except SessionError as error:
            return await self._failed(request, exchange, error)
        except BaseException:
            del request[_EXCHANGE]
            await exchange.fail()
            raise

    async def _answered(self, request: web.Request, handler: Handler, exchange: Exchange) -> web.StreamResponse:
        response = await handler(request)
        if exchange.begun:
            await exchange.end()
        else:
            await _begin(exchange, response)
        return response

    async def _failed(self, request: web.Request, exchange: Exchange, error: SessionError) -> web.StreamResponse:
        """The response in place of the handler's; raises the error where it is a mistake, or the response has begun."""
        del request[_EXCHANGE]  # what is answered now is not a response with this session
        await exchange.fail()
        if exchange.begun:
            raise error
        return _refused(request, error)

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Save the session, before the headers of a response that the handler has prepared are sent."""
        exchange = request.get(_EXCHANGE)
        if exchange is not None and not exchange.begun:
            try:
                await _begin(exchange, response)
            except SessionError:
                request[_CHUNKED] = "Transfer-Encoding" in response.headers
                raise

    def _visit(self, request: web.Request) -> Visit:
        if isinstance(self._way, Parameter):
            return Visit(self._way, request.rel_url.raw_query_string)
        return Visit(self._way, "; ".join(request.headers.getall("Cookie", ())))

    def _label(self, request: web.Request) -> str:
        """Method and path; the route in place of the path when locks go by it."""
        resource = request.match_info.route.resource if self._by_route else None
        return f"{request.method} {request.path if resource is None else resource.canonical}"


async def _begin(exchange: Exchange, response: web.StreamResponse) -> None:
    """Save the session, and put what has to be said of it into the headers."""
    if isinstance(response, web.WebSocketResponse):
        set_cookie = await exchange.accept()
    else:
        set_cookie = await exchange.begin(response.status)
    headers = response.headers

    def before(name: str) -> str:
        return ", ".join(headers.getall(name, ()))

    headers.update(exchange.visit.caching(exchange.session, set_cookie, before))
    if set_cookie is not None:
        headers.add("Set-Cookie", set_cookie)
    exchange.told()


def _refused(request: web.Request, error: SessionError) -> web.Response:
    """The response in place of the handler's; raises the error where it is a mistake."""
    told = refusal(error)
    headers = {name: value for name, value in told.headers if name != "Content-Length"}
    response = web.Response(status=told.status, headers=headers, body=told.body)
    if request.get(_CHUNKED):
        response.enable_chunked_encoding()
    return response
