"""A shop in FastAPI: `uvicorn fastapi_app:app`."""

import os

from fastapi import FastAPI, Request

from transcoders.web.asgi import SessionMiddleware

app = FastAPI()
app.add_middleware(SessionMiddleware, source=os.environ.get("SESSION_STORE", "redis://localhost"), transcoder="msgpack")


@app.get("/")
async def shop(request: Request):
    """The session as JSON."""
    shown = {"user": request.session.get("user"), "cart": request.session.get("cart", [])}
    return {"framework": "fastapi", "process": os.getpid(), **shown}


@app.post("/login/{user}")
async def login(request: Request, user: str):
    """Log in; a real shop would ask for a password."""
    request.session["user"] = user
    request.session.login(f"user:{user}")
    return await shop(request)


@app.post("/cart/{product}")
async def add(request: Request, product: str):
    """Put something into the cart."""
    request.session.setdefault("cart", []).append(product)
    return await shop(request)


@app.post("/logout")
async def logout(request: Request):
    """Log out."""
    request.session.logout()
    return await shop(request)
