"""Starlette, FastAPI, Litestar, Quart and plain ASGI applications, by the contract of all faces."""

import asyncio

from tests.web_contract import AsyncFace, FaceContract
from tests.web_pages import PAGES
from transcoders.web.asgi import SessionMiddleware


async def waited(pages, session, value):
    """The page `slow`, which holds up nobody."""
    seen = pages.before(session, value)
    await asyncio.to_thread(pages.wait)
    return pages.after(session, value, seen)


class Asgi(AsyncFace):
    """Applications without a framework."""

    name = "ASGI"

    def application(self, manager, cookie, pages):
        """See Face."""

        async def app(scope, receive, send):
            page, value, session = scope["path"][1:], scope["query_string"].decode(), scope["session"]
            if page == "stream":
                body = pages.stream(session, value)()
            elif page == "slow":
                body = [(await waited(pages, session, value)).encode()]
            else:
                body = [(pages.show(page, session, value) if page in PAGES else "plain").encode()]
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for piece in body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})

        return SessionMiddleware(app, manager, cookie=cookie)


class Starlette(AsyncFace):
    """Endpoints that are coroutines."""

    name = "Starlette"

    def application(self, manager, cookie, pages):
        """See Face."""
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse, StreamingResponse
        from starlette.routing import Route

        async def show(request):
            page = request.path_params["page"]
            return PlainTextResponse(pages.show(page, request.session, request.url.query) if page in PAGES else "plain")

        async def slow(request):
            return PlainTextResponse(await waited(pages, request.session, request.url.query))

        async def stream(request):
            return StreamingResponse(pages.stream(request.session, request.url.query)())

        app = Starlette(routes=[Route("/slow", slow), Route("/stream", stream), Route("/{page}", show)])
        app.add_middleware(SessionMiddleware, source=manager, cookie=cookie)
        return app


class FastAPI(AsyncFace):
    """Endpoints that are functions, which FastAPI runs in threads."""

    name = "FastAPI"

    def application(self, manager, cookie, pages):
        """See Face."""
        from fastapi import FastAPI, Request
        from fastapi.responses import PlainTextResponse, StreamingResponse

        app = FastAPI()
        app.add_middleware(SessionMiddleware, source=manager, cookie=cookie)

        @app.get("/slow", response_class=PlainTextResponse)
        async def slow(request: Request):
            return await waited(pages, request.session, request.url.query)

        @app.get("/stream")
        def stream(request: Request):
            return StreamingResponse(pages.stream(request.session, request.url.query)())

        @app.get("/{page}", response_class=PlainTextResponse)
        def show(request: Request, page: str):
            return pages.show(page, request.session, request.url.query) if page in PAGES else "plain"

        return app


class Litestar(AsyncFace):
    """Handlers of both kinds."""

    name = "Litestar"

    def application(self, manager, cookie, pages):
        """See Face."""
        from litestar import Litestar, Request, get
        from litestar.middleware import DefineMiddleware
        from litestar.response import Response, Stream

        @get("/slow", media_type="text/plain")
        async def slow(request: Request) -> str:
            return await waited(pages, request.session, request.url.query)

        @get("/stream")
        async def stream(request: Request) -> Stream:
            return Stream(pages.stream(request.session, request.url.query)())

        @get("/{page:str}", sync_to_thread=True)
        def show(request: Request) -> Response[str]:
            page = request.path_params["page"]
            return Response(pages.show(page, request.session, request.url.query) if page in PAGES else "plain")

        middleware = DefineMiddleware(SessionMiddleware, source=manager, cookie=cookie)
        return Litestar([slow, stream, show], middleware=[middleware], on_shutdown=[manager.close], openapi_config=None)


class Quart(AsyncFace):
    """The middleware around its ASGI application."""

    name = "Quart"

    def application(self, manager, cookie, pages):
        """See Face."""
        from quart import Quart, Response, request

        app = Quart("site")
        app.logger.disabled = True

        @app.get("/slow")
        async def slow():
            return await waited(pages, request.scope["session"], request.query_string.decode())

        @app.get("/stream")
        async def stream():
            async def body():
                for piece in pieces():
                    yield piece

            pieces = pages.stream(request.scope["session"], request.query_string.decode())
            return Response(body())

        @app.get("/<page>")
        async def show(page):
            session, value = request.scope["session"], request.query_string.decode()
            return pages.show(page, session, value) if page in PAGES else "plain"

        app.asgi_app = SessionMiddleware(app.asgi_app, manager, cookie=cookie)
        return app


class TestAsgi(FaceContract):
    """The contract."""

    face = Asgi()


class TestStarlette(FaceContract):
    """The contract."""

    face = Starlette()


class TestFastAPI(FaceContract):
    """The contract."""

    face = FastAPI()


class TestLitestar(FaceContract):
    """The contract."""

    face = Litestar()


class TestQuart(FaceContract):
    """The contract."""

    face = Quart()
