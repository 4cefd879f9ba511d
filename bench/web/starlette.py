"""Starlette, which FastAPI is built on, with our sessions, and with those of starsessions."""

import redis.asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starsessions import SessionAutoloadMiddleware
from starsessions import SessionMiddleware as Starsessions
from starsessions.stores.redis import RedisStore

from bench.web.calls import Make, asgi
from bench.web.site import Site
from transcoders.web.asgi import SessionMiddleware


def bare(site: Site) -> Make:
    """No sessions."""
    return asgi(_app(site, sessions=False))


def ours(site: Site) -> Make:
    """Our ASGI middleware."""
    app = _app(site, sessions=True)
    app.add_middleware(SessionMiddleware, source=site.url, transcoder=site.transcoder)  # type: ignore[arg-type]
    return asgi(app)


def peer(site: Site) -> Make:
    """Both middlewares of starsessions, as its README has them."""
    app = _app(site, sessions=True)
    client = redis.asyncio.Redis(port=site.port, db=site.database)
    app.add_middleware(SessionAutoloadMiddleware)
    app.add_middleware(Starsessions, store=RedisStore(connection=client))
    return asgi(app)


def _app(site: Site, *, sessions: bool) -> Starlette:
    async def page(request: Request) -> PlainTextResponse:
        return PlainTextResponse(site.page(request.path_params["act"], request.session if sessions else None))

    return Starlette(routes=[Route("/{act}", page)])
