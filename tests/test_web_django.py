"""Django, by the contract of all faces, under WSGI and under ASGI."""

import asyncio
from typing import ClassVar

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from tests import django_site
from tests.web_contract import AsyncFace, Face, FaceContract
from tests.web_pages import PAGES
from transcoders.web import django

VERBS = ("login", "logout", "bye", "renew")


@pytest.fixture(scope="module", autouse=True)
def site():
    """The site's settings and database."""
    django_site.start()
    yield
    from django.db import connections

    connections.close_all()


class SessionStore(django.SessionStore):
    """The engine, with what the pages ask of a session beside Django's own."""

    def __iter__(self):
        return iter(self.keys())


class Process:
    """A process of the site, with the settings that the contract asks for, in Django's words."""

    replicas: ClassVar[list[tuple[django.Site, tuple[object, ...]]]] = []

    def __init__(self, store, transcoder, *, clock=None, **given):
        self._changed = []
        self.change(
            SESSION_COOKIE_AGE=given.pop("max_inactive_interval", 1800),
            SESSION_SAVE_EVERY_REQUEST=True,
            SESSION_ENGINE=__name__,
            TRANSCODERS_SESSION="memory:",
            MIDDLEWARE=[f"{__name__}.Middleware"],
        )
        self.site = django.Site({"store": store, "transcoder": transcoder, **given}, clock=clock)

    def change(self, **settings):
        """Change settings, until the process ends."""
        self._changed.append(override_settings(**settings))
        self._changed[-1].enable()

    def serve(self, handler, cookie, routes):
        """The application."""
        self.change(
            SESSION_COOKIE_NAME=cookie.name,
            SESSION_COOKIE_SECURE=cookie.secure,
            SESSION_EXPIRE_AT_BROWSER_CLOSE=cookie.max_age is None,
        )
        self.replicas.append((self.site, tuple(path(name, page) for name, page in routes.items())))
        return handler()

    def close(self):
        """End it."""
        self.site.manager.close()
        for one in reversed(self._changed):
            one.disable()


class Middleware(django.SessionMiddleware):
    """That of the process that is being made, with its pages."""

    def __init__(self, get_response):
        super().__init__(get_response)
        self.site, self.routes = Process.replicas[-1]

    def _begin(self, request, *, blocking):
        request.urlconf = self.routes
        return super()._begin(request, blocking=blocking)


class Django(Face):
    """Views that are functions."""

    name = "Django"
    manager = Process

    def login(self, session, principal):
        """See Face."""
        session.cycle_key()
        session.held.principal = principal

    def logout(self, session):
        """See Face."""
        session.flush()

    def renew(self, session):
        """See Face."""
        session.cycle_key()

    def application(self, manager, cookie, pages):
        """See Face."""

        def page(name):
            return lambda request: HttpResponse(pages.show(name, request.session, value(request)))

        def slow(request):
            return HttpResponse(pages.slow(request.session, value(request)))

        def stream(request):
            return StreamingHttpResponse(pages.stream(request.session, value(request))())

        routes = {name: page(name) for name in PAGES}
        routes |= {"slow": slow, "stream": stream, "plain": lambda _request: HttpResponse("plain")}
        return manager.serve(WSGIHandler, cookie, routes)


class AsyncProcess(Process):
    """A process with an event loop."""

    def serve(self, handler, cookie, routes):
        """The application, which knows no lifespan; servers are used to that."""
        django = super().serve(handler, cookie, routes)

        async def app(scope, receive, send):
            if scope["type"] == "http":
                await django(scope, receive, send)

        return app

    async def close(self):
        """End it, as a server ends its loop."""
        await asyncio.get_running_loop().shutdown_asyncgens()
        super().close()


class AsyncDjango(AsyncFace):
    """Views that are coroutines."""

    name = "Django, async"
    manager = AsyncProcess

    def application(self, manager, cookie, pages):
        """See Face."""

        def page(name):
            async def view(request):
                session, said = request.session, value(request)
                if name in VERBS:
                    return HttpResponse(await verb(name, session, said))
                await session.akeys()
                return HttpResponse(pages.show(name, session, said))

            return view

        async def slow(request):
            session, said = request.session, value(request)
            await session.akeys()
            seen = pages.before(session, said)
            await asyncio.to_thread(pages.wait)
            return HttpResponse(pages.after(session, said, seen))

        async def stream(request):
            await request.session.akeys()
            pieces = pages.stream(request.session, value(request))()

            async def body():
                for piece in pieces:
                    yield piece

            return StreamingHttpResponse(body())

        async def plain(_request):
            return HttpResponse("plain")

        routes = {name: page(name) for name in PAGES} | {"slow": slow, "stream": stream, "plain": plain}
        return manager.serve(ASGIHandler, cookie, routes)


async def verb(name, session, said):
    """What the pages do that Django has coroutines for."""
    if name == "login":
        await session.acycle_key()
        session.held.principal = f"user:{said}"
        await session.aset("user", said)
    elif name == "renew":
        await session.acycle_key()
    else:
        await session.aflush()
    if name == "bye":
        await session.aset("message", said)
    return "done"


def value(request):
    """What the URL asks for."""
    return request.META["QUERY_STRING"]


class TestDjango(FaceContract):
    """The contract, under WSGI."""

    face = Django()


class TestAsyncDjango(FaceContract):
    """The contract, under ASGI."""

    face = AsyncDjango()
