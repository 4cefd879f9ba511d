"""Litestar with our sessions, and with its own on its Redis store."""

from typing import Any

import redis.asyncio
from litestar import Litestar, Request, get
from litestar.middleware import DefineMiddleware
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.stores.redis import RedisStore

from bench.web.calls import Make, asgi
from bench.web.site import Site
from transcoders.web.asgi import SessionMiddleware


def bare(site: Site) -> Make:
    """No sessions."""
    return asgi(_app(site, sessions=False))


def ours(site: Site) -> Make:
    """Our ASGI middleware, where Litestar puts middlewares."""
    middleware = DefineMiddleware(SessionMiddleware, source=site.url, transcoder=site.transcoder)
    return _stack(site, middleware=[middleware])


def peer(site: Site) -> Make:
    """Server-side sessions as Litestar has them: JSON, and every request writes."""
    client = redis.asyncio.Redis(port=site.port, db=site.database)
    return _stack(
        site, middleware=[ServerSideSessionConfig().middleware], stores={"sessions": RedisStore(redis=client)}
    )


def _stack(site: Site, **settings: Any) -> Make:
    return asgi(_app(site, sessions=True, **settings))


def _app(site: Site, *, sessions: bool, **settings: Any) -> Litestar:
    @get("/{act:str}", media_type="text/plain")
    async def page(act: str, request: Request[Any, Any, Any]) -> str:
        return site.page(act, request.session if sessions else None)

    return Litestar([page], openapi_config=None, **settings)
