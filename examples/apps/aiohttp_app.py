"""A shop in aiohttp: `gunicorn -k aiohttp.GunicornWebWorker aiohttp_app:app`."""

import os

from aiohttp import web

from transcoders.web.aiohttp import SESSION, setup


async def shop(request):
    """The session as JSON."""
    session = request[SESSION]
    shown = {"user": session.get("user"), "cart": session.get("cart", [])}
    return web.json_response({"framework": "aiohttp", "process": os.getpid(), **shown})


async def login(request):
    """Log in; a real shop would ask for a password."""
    request[SESSION]["user"] = request.match_info["user"]
    request[SESSION].login(f"user:{request.match_info['user']}")
    return await shop(request)


async def add(request):
    """Put something into the cart."""
    request[SESSION].setdefault("cart", []).append(request.match_info["product"])
    return await shop(request)


async def logout(request):
    """Log out."""
    request[SESSION].logout()
    return await shop(request)


app = web.Application()
setup(app, os.environ.get("SESSION_STORE", "redis://localhost"), "msgpack")
app.add_routes(
    [
        web.get("/", shop),
        web.post("/login/{user}", login),
        web.post("/cart/{product}", add),
        web.post("/logout", logout),
    ]
)
