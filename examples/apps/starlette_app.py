"""A shop in Starlette: `uvicorn starlette_app:app`."""

import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from transcoders.web.asgi import SessionMiddleware

sessions = Middleware(SessionMiddleware, os.environ.get("SESSION_STORE", "redis://localhost"), "msgpack")


async def shop(request):
    """The session as JSON."""
    shown = {"user": request.session.get("user"), "cart": request.session.get("cart", [])}
    return JSONResponse({"framework": "starlette", "process": os.getpid(), **shown})


async def login(request):
    """Log in; a real shop would ask for a password."""
    request.session["user"] = request.path_params["user"]
    request.session.login(f"user:{request.path_params['user']}")
    return await shop(request)


async def add(request):
    """Put something into the cart."""
    request.session.setdefault("cart", []).append(request.path_params["product"])
    return await shop(request)


async def logout(request):
    """Log out."""
    request.session.logout()
    return await shop(request)


app = Starlette(
    middleware=[sessions],
    routes=[
        Route("/", shop),
        Route("/login/{user}", login, methods=["POST"]),
        Route("/cart/{product}", add, methods=["POST"]),
        Route("/logout", logout, methods=["POST"]),
    ],
)
