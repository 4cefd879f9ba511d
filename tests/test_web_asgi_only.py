"""What ASGI alone has: scopes, lifespan, routes, frameworks' own ways with a session, and applications that go on."""

import asyncio
import json

import pytest

from tests.asking import ask, scope
from tests.clock import VirtualClock
from tests.driving import Tap
from tests.web_replica import Lifespan
from tests.web_rig import told
from transcoders.errors import DecodeError, ReadOnly, SessionError, SpecError, StoreError
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.web.asgi import SessionMiddleware


@pytest.fixture
def tap():
    """A store that notes what is asked of it."""
    return Tap(MemoryStore(clock=VirtualClock()))


def manager(tap, **settings):
    """A manager over it."""
    return AsyncSessionManager(tap, clock=VirtualClock(), **settings)


async def begun(tap, **attributes):
    """The Cookie header of a session with these attributes."""
    async with manager(tap).session() as session:
        session.update(attributes)
    tap.asked()
    return f"session={session.sid}"


async def read(tap, cookie):
    """What is in the session now; None when there is none."""
    async with manager(tap).session(cookie.removeprefix("session=")) as session:
        return None if session.new else session.to_dict()


def answering(work, status=200, headers=(), pieces=(b"",)):
    """An application that does something with its session, then answers."""

    async def app(scope, receive, send):
        work(scope["session"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    return app


# The protocol


def test_headers_of_the_application_stay(tap):
    """Its own cookies, Vary and Cache-Control are kept, one header is made of several, and pairs may be lists."""
    own = [[b"vary", b"Accept"], (b"set-cookie", b"x=y"), (b"Vary", b"Origin"), (b"cache-control", b"max-age=9")]
    app = SessionMiddleware(answering(lambda session: session.update(a=1), headers=own), manager(tap))
    answer = asyncio.run(ask(app, "/"))
    assert told(answer) == "200, cookie set"
    assert answer.header("vary") == "Accept, Origin, Cookie"
    assert answer.header("cache-control") == "max-age=9, private"
    cookies = [value.partition("=")[0] for name, value in answer.headers if name == "set-cookie"]
    assert cookies == ["x", "session"]


def test_cookies_may_come_in_several_headers(tap):
    """As HTTP/2 may send them."""

    async def story():
        cookie = await begun(tap, user="ann")
        seen = []
        app = SessionMiddleware(answering(lambda session: seen.append(session.get("user"))), manager(tap))
        parts = [(b"cookie", b"a=b"), (b"cookie", cookie.encode()), (b"cookie", b"c=d")]

        async def send(message):
            assert message["type"]

        await app(scope("/") | {"headers": parts}, None, send)
        assert seen == ["ann"]

    asyncio.run(story())


def test_ids_in_urls(tap):
    """With a parameter, cookies are neither read nor set, and caches keep nothing."""

    async def story():
        cookie = await begun(tap, user="ann")
        app = SessionMiddleware(answering(lambda session: session["user"]), manager(tap), url_parameter="session")
        answer = await ask(app, f"/?a=b&{cookie}")
        assert (told(answer), answer.header("cache-control"), answer.header("vary")) == ("200", "private", "")
        with pytest.raises(KeyError):
            await ask(app, "/", cookie)

    asyncio.run(story())


def test_the_session_may_have_another_name(tap):
    """Where the framework's own sessions stay beside it."""

    async def app(scope, receive, send):
        assert "session" not in scope
        scope["shared"]["a"] = 1
        await send({"type": "http.response.start", "status": 204})

    assert told(asyncio.run(ask(SessionMiddleware(app, manager(tap), key="shared"), "/"))) == "204, cookie set"


def test_scopes_of_other_kinds_pass(tap):
    """What is no request has no session."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    asyncio.run(SessionMiddleware(app, manager(tap))({"type": "mystery"}, None, None))
    assert seen == [{"type": "mystery"}]


@pytest.mark.parametrize("end", ["complete", "failed"])
def test_the_lifespan_closes_the_manager(tap, end):
    """Once the application has shut down, and before the server is told."""
    closed = []
    tap.store.close = lambda: closed.append("store")

    async def app(scope, receive, send):
        for what in ("startup.complete", f"shutdown.{end}"):
            await receive()
            closed.append(what)
            await send({"type": f"lifespan.{what}"})

    async def story():
        lifespan = Lifespan(SessionMiddleware(app, manager(tap)))
        await lifespan.start()
        assert closed == ["startup.complete"]
        assert await lifespan.tell("shutdown") == f"lifespan.shutdown.{end}"
        assert closed == ["startup.complete", f"shutdown.{end}", "store"]
        await lifespan.task

    asyncio.run(story())


def test_an_application_without_a_lifespan(tap):
    """It raises, as the specification has it, and the server goes on without."""

    async def app(scope, receive, send):
        assert scope["type"] == "http"

    async def story():
        with pytest.raises(AssertionError):
            await SessionMiddleware(app, manager(tap))({"type": "lifespan"}, None, None)

    asyncio.run(story())


def test_an_application_that_never_answers(tap):
    """The session is let go of."""

    async def app(scope, receive, send):
        scope["session"]["n"] = scope["session"]["user"]

    async def story():
        cookie = await begun(tap, user="ann")
        with pytest.raises(ValueError, match="not enough values"):
            await ask(SessionMiddleware(app, manager(tap, locking_mode="all")), "/", cookie)
        assert tap.asked() == ["acquire", "release"]

    asyncio.run(story())


# Failures


def test_what_is_refused_stops_the_application(tap):
    """The browser sees our response alone; the application's `send` raises, so that nothing follows that was to."""
    done = []

    async def app(scope, receive, send):
        scope["session"]["a"] = 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        finally:
            await send({"type": "http.response.body", "body": b"secret"})
        done.append("mail")

    tap.wrong["create"] = StoreError("the password is hunter2")
    answer = asyncio.run(ask(SessionMiddleware(app, manager(tap)), "/"))
    assert (told(answer), done) == ("503, retry", [])
    assert answer.body.startswith(b"The session is not available")
    assert answer.header("cache-control") == "no-store"
    assert asyncio.run(ask(SessionMiddleware(app, manager(tap)), "/", method="HEAD")).body == b""


@pytest.mark.parametrize("way", ["swallows", "from", "while"])
def test_an_application_may_do_what_it_likes_with_that_error(tap, way):
    """It may answer it, wrap it, or fail because of it: the response is ours, and nobody logs it as a failure."""

    async def app(scope, receive, send):
        scope["session"]["a"] = 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except SessionError as error:
            if way == "from":
                raise RuntimeError from error
            if way == "while":
                _ = 1 / 0
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"mine"})

    tap.wrong["create"] = StoreError("down")
    answer = asyncio.run(ask(SessionMiddleware(app, manager(tap)), "/"))
    assert (told(answer), b"mine" in answer.body) == ("503, retry", False)


def test_another_error_after_that_is_raised(tap):
    """What has nothing to do with it is not hidden."""

    async def app(scope, receive, send):
        scope["session"]["a"] = 1
        with pytest.raises(StoreError):
            await send({"type": "http.response.start", "status": 200, "headers": []})
        _ = 1 / 0

    tap.wrong["create"] = StoreError("down")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask(SessionMiddleware(app, manager(tap)), "/"))


def test_mistakes_are_raised(tap):
    """What is wrong with the application, or the stored bytes, is an error that the server shows, and no 503."""

    async def story():
        cookie = await begun(tap, user="ann")
        writing = answering(lambda session: session.update(a=1))
        with pytest.raises(ReadOnly, match="request_uri_ignore_pattern"):
            await ask(SessionMiddleware(writing, manager(tap, request_uri_ignore_pattern="/.*")), "/", cookie)
        tap.wrong["load"] = lambda key: tap.store.save(key, b"\xff", tap.store.load(key)[4:12], 0)
        strict = manager(tap, on_undecodable="raise")
        with pytest.raises(DecodeError):
            await ask(SessionMiddleware(answering(lambda session: session["user"]), strict), "/", cookie)
        answer = await ask(SessionMiddleware(answering(lambda session: None), strict), "/", cookie)
        assert told(answer) == "200"

    asyncio.run(story())


def test_a_request_that_is_cancelled_lets_go(tap):
    """The server may cancel a request whose client has left: its lock is free at once, and nothing is stored."""

    async def app(scope, receive, send):
        scope["session"]["n"] = scope["session"]["user"]
        entered.set()
        await asyncio.Event().wait()

    entered = asyncio.Event()

    async def story():
        cookie = await begun(tap, user="ann")
        request = asyncio.ensure_future(ask(SessionMiddleware(app, manager(tap, locking_mode="all")), "/", cookie))
        await entered.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert tap.asked() == ["acquire", "release"]
        assert await read(tap, cookie) == {"user": "ann"}

    asyncio.run(story())


# Frameworks


def labelled(tap, locked):
    """A manager that locks the requests of that name alone."""
    return manager(tap, locking_mode=f"uriPattern:{locked}")


def starlette_site(source):
    """Two routes with a parameter, one of them mounted."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route

    async def item(request):
        request.session["n"] = request.session["user"]
        return PlainTextResponse("ok")

    app = Starlette(routes=[Mount("/in", routes=[Route("/item/{id}", item)]), Route("/item/{id}", item)])
    app.add_middleware(SessionMiddleware, source=source)
    return app


def fastapi_site(source):
    """The same in FastAPI, with a router, and the middleware around all of it."""
    from fastapi import APIRouter, FastAPI, Request

    app, router = FastAPI(), APIRouter()

    @router.get("/item/{id}")
    def item(request: Request, id: str):  # noqa: A002
        request.session["n"] = request.session["user"]

    app.include_router(router)
    inner = FastAPI()
    inner.include_router(router)
    app.mount("/in", inner)
    return SessionMiddleware(app, source)


def litestar_site(source):
    """The same in Litestar."""
    from litestar import Litestar, Request, get
    from litestar.middleware import DefineMiddleware

    @get(["/item/{id:str}", "/in/item/{id:str}"])
    async def item(request: Request) -> None:
        request.session["n"] = request.session["user"]

    return Litestar([item], middleware=[DefineMiddleware(SessionMiddleware, source=source)], openapi_config=None)


@pytest.mark.parametrize(
    ("site", "path", "name"),
    [
        (starlette_site, "/item/5", "GET /item/{id}"),
        (starlette_site, "/in/item/5", "GET /in/item/5"),
        (fastapi_site, "/item/5", "GET /item/{id}"),
        (fastapi_site, "/in/item/5", "GET /in/item/5"),
        (litestar_site, "/item/5", "GET /item/{id}"),
        (litestar_site, "/in/item/5", "GET /in/item/{id}"),
        (starlette_site, "/nowhere", "GET /nowhere"),
    ],
)
def test_locks_go_by_routes(tap, site, path, name):
    """A request is named by its route where the framework knows that, and by its path elsewhere."""

    async def story():
        cookie = await begun(tap, user="ann")
        await ask(site(labelled(tap, name)), path, cookie)
        assert tap.asked()[0] == "acquire"
        await ask(site(labelled(tap, f"{name}x")), path, cookie)
        assert tap.asked()[0] == "load"

    asyncio.run(story())


def test_a_session_that_litestar_replaces(tap):
    """`set_session` makes it hold what is given, `clear_session` ends it."""
    from litestar import Litestar, Request, get

    @get("/put")
    async def put(request: Request) -> None:
        assert request.session == {"user": "ann", "cart": [1]}
        request.set_session({"user": "bob"})

    @get("/end")
    async def end(request: Request) -> None:
        request.clear_session()

    async def story():
        cookie = await begun(tap, user="ann", cart=[1])
        app = SessionMiddleware(Litestar([put, end], openapi_config=None), manager(tap))
        assert told(await ask(app, "/put", cookie)) == "200"
        assert await read(tap, cookie) == {"user": "bob"}
        assert told(await ask(app, "/end", cookie)) == "200, cookie deleted"
        assert await read(tap, cookie) is None

    asyncio.run(story())


def test_what_starlettes_own_sessions_can(tap):
    """Code that was written for `starlette.middleware.sessions` goes on, and its flags cost nothing."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def page(request):
        session = request.session
        session |= {"a": 1}
        session.setdefault("list", []).append(session.pop("a"))
        session.mark_modified()
        session.update({"b": 2}, c=3)
        assert "b" in session
        del session["b"]
        assert bool(session)
        assert sorted(session) == ["c", "list"]
        return JSONResponse(dict(session))

    async def clear(request):
        request.session.clear()
        return JSONResponse(len(request.session))

    async def got(request):
        return JSONResponse(request.session is not None)

    async def story():
        app = Starlette(routes=[Route("/", page), Route("/clear", clear), Route("/got", got)])
        app.add_middleware(SessionMiddleware, source=manager(tap))
        answer = await ask(app, "/")
        assert json.loads(answer.body) == {"list": [1], "c": 3}
        cookie = f"session={answer.cookie('session')}"
        assert await read(tap, cookie) == {"list": [1], "c": 3}
        tap.asked()
        answer = await ask(app, "/got", cookie)
        assert (tap.asked(), answer.header("vary")) == (["load"], "")
        assert told(await ask(app, "/clear", cookie)) == "200"
        assert await read(tap, cookie) == {}

    asyncio.run(story())


def test_middlewares_and_handlers_of_starlette(tap):
    """A middleware of the old kind streams every response, and an exception handler may look into the session."""
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    done = []

    async def page(request):
        request.session["user"] = "ann"
        return PlainTextResponse("ok", background=BackgroundTask(done.append, "mail"))

    async def broken(request):
        request.session["n"] = request.session.get("n", 0) + 1
        raise ValueError

    def handled(request, _error):
        request.session["tries"] = 1
        return PlainTextResponse(request.session["user"], status_code=400)

    async def passing(request, call_next):
        request.session["passed"] = True
        return await call_next(request)

    async def story():
        app = Starlette(routes=[Route("/", page), Route("/broken", broken)], exception_handlers={ValueError: handled})
        app.add_middleware(BaseHTTPMiddleware, dispatch=passing)
        app.add_middleware(SessionMiddleware, source=manager(tap))
        answer = await ask(app, "/")
        assert (told(answer), done) == ("200, cookie set", ["mail"])
        cookie = f"session={answer.cookie('session')}"
        answer = await ask(app, "/broken", cookie)
        assert (told(answer), answer.body) == ("400", b"ann")
        assert await read(tap, cookie) == {"user": "ann", "passed": True, "n": 1, "tries": 1}
        tap.wrong["save"] = StoreError("down")
        assert told(await ask(app, "/broken", cookie)) == "503, retry"
        assert done == ["mail"]

    asyncio.run(story())


def test_what_is_wrong_with_it_is_said_at_once():
    """A manager for threads is none for asyncio."""
    with pytest.raises(SpecError, match="takes a AsyncSessionManager, not a SessionManager"):
        SessionMiddleware(answering(lambda _: None), SessionManager())
