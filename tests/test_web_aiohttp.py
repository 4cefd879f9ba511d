"""aiohttp, by the contract of all faces, over a real connection; and what it alone has."""

import asyncio
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from aiohttp import web

from tests.asking import Answer
from tests.clock import VirtualClock
from tests.driving import Tap
from tests.web_contract import AsyncFace, FaceContract
from tests.web_pages import PAGES, PATIENCE, Broken, Pages
from tests.web_replica import AsyncReplica, Browser
from tests.web_rig import told
from transcoders.errors import ReadOnly, StoreError
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.web.aiohttp import SESSION, setup


class Server(AsyncReplica):
    """A process that listens on a port of this machine."""

    async def start(self):
        """Listen."""
        self._runner = web.AppRunner(self.app, max_field_size=200_000)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        """Stop listening; the application is cleaned up."""
        await self._runner.cleanup()

    async def reply(self, path, cookie, method):
        """The answer, as it came over the connection."""
        return await asyncio.to_thread(self.fetch, path, cookie, method)

    def fetch(self, path, cookie, method):
        """Ask as a browser does."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers={"Cookie": cookie.encode("latin-1")} if cookie else {})
        response = connection.getresponse()
        answer = Answer(response.status, [(n.lower(), v) for n, v in response.getheaders()], response.read())
        connection.close()
        return answer


class Aiohttp(AsyncFace):
    """An application of aiohttp."""

    name = "aiohttp"
    replica = Server

    def application(self, manager, cookie, pages):
        """See Face."""

        async def show(request):
            page, session, value = request.match_info["page"], request[SESSION], request.query_string
            return web.Response(text=pages.show(page, session, value) if page in PAGES else "plain")

        async def slow(request):
            session, value = request[SESSION], request.query_string
            seen = pages.before(session, value)
            await asyncio.to_thread(pages.wait)
            return web.Response(text=pages.after(session, value, seen))

        async def stream(request):
            pieces, response = pages.stream(request[SESSION], request.query_string), web.StreamResponse()
            await response.prepare(request)
            for piece in pieces():
                await response.write(piece)
            return response

        app = web.Application()
        app.router.add_get("/slow", slow)
        app.router.add_get("/stream", stream)
        app.router.add_get("/{page}", show)
        setup(app, manager, cookie=cookie)
        return app


class TestAiohttp(FaceContract):
    """The contract."""

    face = Aiohttp()


# What it alone has


@pytest.fixture
def tap():
    """A store that notes what is asked of it."""
    return Tap(MemoryStore(clock=VirtualClock()))


@contextmanager
def served(tap, *routes, **options):
    """A server with these handlers, by path."""
    app = web.Application()
    for path, handler in routes:
        app.router.add_get(path, handler)
    manager = AsyncSessionManager(tap, clock=VirtualClock(), **options.pop("policy", {}))
    setup(app, manager, **options)
    server = Server(Pages(Aiohttp()), app, manager.close)
    try:
        yield server
    finally:
        server.close()


def stored(tap, sid):
    """What is in the session now; None when there is none."""
    with SessionManager(tap, clock=VirtualClock()).session(sid) as session:
        return None if session.new else session.to_dict()


def test_exceptions_that_are_responses_are_saved(tap):
    """A redirect that is raised after a login, and a 404: both are responses, and keep what they are."""

    async def redirect(request):
        request[SESSION].login("user:ann")
        raise web.HTTPFound("/")

    async def missing(request):
        request[SESSION]["missed"] = request[SESSION].get("missed", 0) + 1
        raise web.HTTPNotFound(headers={"X-Why": "nowhere"})

    with served(tap, ("/login", redirect), ("/missing", missing)) as server:
        browser = Browser()
        answer = browser.get(server, "/login")
        assert (told(answer), answer.header("location")) == ("302, cookie set", "/")
        answer = browser.get(server, "/missing")
        assert (told(answer), answer.header("x-why")) == ("404", "nowhere")
        assert stored(tap, browser.sid) == {"missed": 1}
        assert told(browser.get(server, "/unknown")) == "404"
        tap.wrong["save"] = StoreError("the password is hunter2")
        answer = browser.get(server, "/missing")
        assert (told(answer), answer.header("x-why")) == ("503, retry", "")
        assert b"hunter2" not in answer.body


def test_a_response_that_failed_stores_nothing(tap):
    """Of 500 and above, returned or raised; and an error of the handler."""

    async def returned(request):
        request[SESSION]["a"] = 1
        return web.Response(status=502)

    async def raised(request):
        request[SESSION]["a"] = 1
        raise web.HTTPServiceUnavailable

    async def broken(request):
        request[SESSION]["a"] = 1
        raise Broken

    with served(tap, ("/returned", returned), ("/raised", raised), ("/broken", broken)) as server:
        outcomes = [told(server.ask(path)) for path in ("/returned", "/raised", "/broken")]
    assert (outcomes, tap.asked()) == (["502", "503", "500"], ["close"])


@pytest.mark.parametrize("length", [None, 3, 100])
def test_a_stream_that_cannot_be_saved_does_not_begin(tap, length):
    """The headers are not sent yet, so the browser gets our response, whole, in place of the stream."""

    async def stream(request):
        request[SESSION]["a"] = 1
        response = web.StreamResponse(headers={"X-Secret": "a"})
        response.content_length = length
        await response.prepare(request)
        raise AssertionError

    tap.wrong["create"] = StoreError("down")
    with served(tap, ("/", stream)) as server:
        for _ in range(2):
            answer = server.ask("/")
            assert (told(answer), answer.header("x-secret")) == ("503, retry", "")
            assert answer.body.startswith(b"The session is not available"[:length])


def test_a_stream_in_chunks_is_saved_before_it_begins(tap):
    """What is set while it runs is refused, with the reason."""

    async def stream(request):
        session, response = request[SESSION], web.StreamResponse()
        session["a"] = 1
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            session["b"] = 1
        except ReadOnly as error:
            await response.write(str(error).encode())
        return response

    with served(tap, ("/", stream)) as server:
        answer = server.ask("/")
        assert answer.body == b"the session takes no changes: the response has begun; change the session before it does"
        assert stored(tap, answer.cookie("session")) == {"a": 1}


def test_locks_go_by_routes(tap):
    """A request is named by its route, where locks go by names."""

    async def item(request):
        session = request[SESSION]
        assert session.request == "GET /item/{id}"
        session["a"] = 1
        return web.Response()

    policy = {"locking_mode": "uriPattern:GET /item/.id."}
    with served(tap, ("/item/{id}", item), policy=policy) as server:
        browser = Browser()
        browser.get(server, "/item/5")
        tap.asked()
        browser.get(server, "/item/6")
        assert tap.asked() == ["acquire", "release"]


def test_ids_in_urls(tap):
    """With a parameter, cookies are neither read nor set."""

    async def page(request):
        request[SESSION]["a"] = 1
        return web.Response(text=str(request[SESSION].sid))

    with SessionManager(tap, clock=VirtualClock()).session() as session:
        session["user"] = "ann"
    with served(tap, ("/", page), url_parameter="sid") as server:
        answer = server.ask(f"/?a=b&sid={session.sid}")
        assert (answer.body.decode(), answer.cookie("session")) == (session.sid, None)
        assert answer.header("cache-control") == "private"


def test_other_middlewares_see_it(tap):
    """Those that are added after it are inside, and may answer in place of the handler."""

    @web.middleware
    async def gate(request, handler):
        if request[SESSION].get("user") is None:
            request[SESSION]["wanted"] = request.path
            raise web.HTTPSeeOther("/login")
        return await handler(request)

    app = web.Application()
    manager = setup(app, "memory:", locking_mode="auto")
    app.middlewares.append(gate)
    server = Server(Pages(Aiohttp()), app, manager.close)
    assert told(server.ask("/anything")) == "303, cookie set"
    assert repr(manager) == "<AsyncSessionManager memory json>"
    server.close()


def test_the_manager_is_closed_with_the_application(tap):
    """Its store is let go of when the application is cleaned up."""
    closed = []
    tap.store.close = lambda: closed.append(True)
    with served(tap):
        assert closed == []
    assert closed == [True]
