"""aiohttp with our sessions, and with those of aiohttp-session on Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import aiohttp_session
import redis.asyncio
from aiohttp import web
from aiohttp_session.redis_storage import RedisStorage

from bench.web.calls import Make, protocol
from bench.web.site import CHANGE, Site
from transcoders.web.aiohttp import SESSION, setup


def bare(site: Site) -> Make:
    """No sessions."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=site.page(request.match_info["act"], None))

    return _served(_app(page))


def ours(site: Site) -> Make:
    """Our middleware."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=site.page(request.match_info["act"], request[SESSION]))

    app = _app(page)
    setup(app, site.url, site.transcoder)
    return _served(app)


def peer(site: Site) -> Make:
    """aiohttp-session with its Redis storage: JSON."""

    async def page(request: web.Request) -> web.Response:
        session, act = await aiohttp_session.get_session(request), request.match_info["act"]
        text = site.page(act, session)
        if act == CHANGE:
            session.changed()  # it does not look inside of values
        return web.Response(text=text)

    app = _app(page)
    client = redis.asyncio.Redis(port=site.port, db=site.database)
    aiohttp_session.setup(app, RedisStorage(client))
    return _served(app)


def _app(page: Callable[[web.Request], Awaitable[web.Response]]) -> web.Application:
    app = web.Application()
    app.router.add_get("/{act}", page)
    return app


def _served(app: web.Application) -> Make:
    """Calls of what aiohttp's server would give a connection."""
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=3600)
    asyncio.get_event_loop().run_until_complete(runner.setup())
    return protocol(cast("web.Server", runner.server)())
