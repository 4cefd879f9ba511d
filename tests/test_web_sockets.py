"""Websockets: the session is saved with the handshake and at the end, and nobody waits for its lock in between."""

import asyncio
from contextlib import suppress

import pytest
from aiohttp import ClientSession, WSServerHandshakeError, web

from tests.asking import scope
from tests.clock import VirtualClock
from tests.driving import Tap
from transcoders.errors import ReadOnly, SessionError, SessionGone, StoreError
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.web.aiohttp import SESSION, setup
from transcoders.web.asgi import SessionMiddleware


@pytest.fixture
def tap():
    """A store that notes what is asked of it."""
    return Tap(MemoryStore(clock=VirtualClock()))


def manager(tap, **settings):
    """A manager over it."""
    return AsyncSessionManager(tap, clock=VirtualClock(), **settings)


async def begun(tap, **attributes):
    """The id of a session with these attributes."""
    async with manager(tap).session() as session:
        session.update(attributes)
    tap.asked()
    return session.sid


async def read(tap, sid):
    """What is in the session now; None when there is none."""
    async with manager(tap).session(sid) as session:
        return None if session.new else session.to_dict()


class Socket:
    """A websocket of a browser, as a server sees it; for use as an asynchronous context.

    Attributes:
        sent: what the application sent.
    """

    def __init__(self, app, sid=None, **more):
        cookie = f"session={sid}" if sid else ""
        self._scope = scope("/live", cookie) | {"type": "websocket", "scheme": "wss", "subprotocols": [], **more}
        del self._scope["method"]
        self._app, self.sent, self._to = app, [], asyncio.Queue()
        self._told = asyncio.Event()

    async def __aenter__(self):
        await self._to.put({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(self._app(self._scope, self._to.get, self._send))
        return self

    async def _send(self, message):
        self.sent.append(message)
        self._told.set()

    async def answered(self, count=1):
        """Return when the application has sent so many messages, or ended."""
        while len(self.sent) < count and not self.task.done():
            self._told.clear()
            told = asyncio.ensure_future(self._told.wait())
            await asyncio.wait({told, self.task}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
        return self.sent

    async def say(self, text):
        """Send the application a text."""
        await self._to.put({"type": "websocket.receive", "text": text})

    async def leave(self):
        """Close it; what the application raises is raised."""
        await self._to.put({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self.task, 10)

    async def __aexit__(self, *_):
        self.task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self.task

    @property
    def cookie(self):
        """The id that the handshake set."""
        headers = dict(self.sent[0].get("headers", ()))
        return headers.get(b"set-cookie", b"").decode().partition(";")[0].removeprefix("session=")


def echo(before=None, each=None, after=None):
    """An application that calls these with the session: before it accepts, for each text, and when the client left."""

    async def app(scope, receive, send):
        session = scope["session"]
        assert (await receive())["type"] == "websocket.connect"
        if before:
            before(session)
        await send({"type": "websocket.accept", "headers": [(b"x-own", b"1")]})
        while (message := await receive())["type"] == "websocket.receive":
            try:
                each(session, message["text"])
            except SessionError as error:
                await send({"type": "websocket.send", "text": type(error).__name__})
            else:
                await send({"type": "websocket.send", "text": "ok"})
        if after:
            after(session)

    return app


def put(session, text):
    """Set an attribute to a text."""
    session["said"] = text


def test_the_handshake_sets_the_cookie(tap):
    """What was stored before the websocket was accepted is there at once, and the headers of the application stay."""

    async def story():
        app = SessionMiddleware(echo(lambda session: session.update(a=1)), manager(tap))
        async with Socket(app) as socket:
            await socket.answered()
            headers = dict(socket.sent[0]["headers"])
            assert (headers[b"x-own"], headers[b"vary"]) == (b"1", b"Cookie")
            assert await read(tap, socket.cookie) == {"a": 1}
            await socket.leave()

    asyncio.run(story())


def test_the_end_saves_the_rest(tap):
    """What is set while it is open is stored when the client has left, and merged with what others stored meanwhile."""

    async def story():
        sid = await begun(tap, user="ann")
        app = SessionMiddleware(echo(each=put, after=lambda session: session.update(left=True)), manager(tap))
        async with Socket(app, sid) as socket:
            await socket.say("hello")
            await socket.answered(2)
            assert socket.cookie == ""
            assert await read(tap, sid) == {"user": "ann"}
            async with manager(tap).session(sid) as other:
                other["seen"] = True
            await socket.leave()
        assert await read(tap, sid) == {"user": "ann", "seen": True, "said": "hello", "left": True}

    asyncio.run(story())


def test_no_lock_is_held_while_it_is_open(tap):
    """With locks for all, other requests of the session go on."""

    async def story():
        sid = await begun(tap, user="ann")
        settings = {"locking_mode": "all", "on_lock_timeout": "error", "lock_timeout": 0.0}
        app = SessionMiddleware(echo(lambda session: session["user"], put), manager(tap, **settings))
        async with Socket(app, sid) as socket:
            await socket.answered()
            assert tap.asked() == ["acquire", "release"]
            async with manager(tap, **settings).session(sid) as other:
                other["seen"] = True
            await socket.say("hello")
            await socket.leave()
        assert await read(tap, sid) == {"user": "ann", "seen": True, "said": "hello"}

    asyncio.run(story())


def test_a_session_that_was_not_stored_cannot_be_any_more(tap):
    """Its id could not reach the browser, so whoever stores something later is told."""

    async def story():
        app = SessionMiddleware(echo(lambda session: session.get("user"), put), manager(tap))
        async with Socket(app) as socket:
            await socket.say("hello")
            assert (await socket.answered(2))[1]["text"] == "ReadOnly"
            await socket.leave()
        assert tap.asked() == []

    asyncio.run(story())


def test_a_new_id_needs_a_response(tap):
    """To log in over an open websocket is an error, and the session stays as it was; to log out is none."""

    async def story():
        sid = await begun(tap, user="ann")
        app = SessionMiddleware(echo(each=lambda session, _: session.login("user:bob")), manager(tap))
        async with Socket(app, sid) as socket:
            await socket.say("login")
            with pytest.raises(SessionError, match="log in before it is accepted"):
                await socket.leave()
        assert await read(tap, sid) == {"user": "ann"}
        app = SessionMiddleware(echo(each=lambda session, _: session.logout()), manager(tap))
        async with Socket(app, sid) as socket:
            await socket.say("logout")
            await socket.leave()
        assert await read(tap, sid) is None
        sid = await begun(tap, user="ann")
        app = SessionMiddleware(
            echo(each=lambda session, _: session.logout(), after=lambda session: put(session, "x")), manager(tap)
        )
        async with Socket(app, sid) as socket:
            await socket.say("logout")
            with pytest.raises(SessionError, match="takes no new id to the browser"):
                await socket.leave()
        assert await read(tap, sid) is None
        assert tap.asked()[-2:] == ["move", "load"]

    asyncio.run(story())


def test_a_logout_elsewhere_is_not_undone(tap):
    """Who is logged out while the websocket is open stays so, and what it wanted to store is an error."""

    async def story():
        sid = await begun(tap, user="ann")
        app = SessionMiddleware(echo(lambda session: session["user"], put), manager(tap))
        async with Socket(app, sid) as socket:
            await socket.answered()
            assert await manager(tap).destroy(sid)
            await socket.say("hello")
            with pytest.raises(SessionGone):
                await socket.leave()
        assert await read(tap, sid) is None

    asyncio.run(story())


def test_it_may_end_by_an_exception(tap):
    """Frameworks raise when the client has left: what was set is stored. Another exception stores nothing."""

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            scope["session"]["said"] = message["text"]
            if message["text"] == "error":
                raise ZeroDivisionError
        raise EOFError  # as WebSocketDisconnect of Starlette

    async def story():
        sid = await begun(tap, user="ann")
        async with Socket(SessionMiddleware(app, manager(tap)), sid) as socket:
            await socket.say("hello")
            with pytest.raises(EOFError):
                await socket.leave()
        assert (await read(tap, sid))["said"] == "hello"
        async with Socket(SessionMiddleware(app, manager(tap)), sid) as socket:
            await socket.say("error")
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(socket.task, 10)
        assert (await read(tap, sid))["said"] == "hello"

    asyncio.run(story())


def test_the_application_may_end_it(tap):
    """What was set is stored before the browser learns that it is closed, and nothing can be set after."""

    async def app(scope, receive, send):
        session = scope["session"]
        await receive()
        await send({"type": "websocket.accept"})
        session["said"] = "bye"
        await send({"type": "websocket.close", "code": 1000})
        with pytest.raises(ReadOnly):
            session["late"] = True

    async def story():
        sid = await begun(tap, user="ann")
        async with Socket(SessionMiddleware(app, manager(tap)), sid) as socket:
            await socket.task
        assert (await read(tap, sid)) == {"user": "ann", "said": "bye"}

    asyncio.run(story())


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize(("verb", "status", "code"), [("load", 503, 1013), ("save", 503, 1013), ("delete", 409, 1008)])
def test_a_session_that_cannot_be_had_denies_it(tap, extended, verb, status, code):
    """The handshake fails with a status where the server can send one, else by a close with a code."""

    async def story():
        sid = await begun(tap, user="ann")

        def change(session):
            session["n"] = session["user"]
            if verb == "delete":
                tap.store.delete(session.key)

        if verb != "delete":
            tap.wrong[verb] = StoreError("down")
        more = {"extensions": {"websocket.http.response": {}}} if extended else {}
        async with Socket(SessionMiddleware(echo(change), manager(tap)), sid, **more) as socket:
            await asyncio.wait_for(socket.task, 10)
        if extended:
            start, body = socket.sent
            assert (start["type"], start["status"]) == ("websocket.http.response.start", status)
            assert body["body"]
        else:
            (close,) = socket.sent
            assert (close["type"], close["code"]) == ("websocket.close", code)

    asyncio.run(story())


def test_the_application_may_deny_it(tap):
    """With a response, or a close; a session that exists is saved, and a new one is not."""

    async def app(scope, receive, send):
        scope["session"]["denied"] = True
        await receive()
        if scope["query_string"] == b"response":
            await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
            await send({"type": "websocket.http.response.body"})
        else:
            await send({"type": "websocket.close"})

    async def story():
        async with Socket(SessionMiddleware(app, manager(tap)), query_string=b"response") as socket:
            await socket.task
            assert await read(tap, socket.cookie) == {"denied": True}
        tap.asked()
        async with Socket(SessionMiddleware(app, manager(tap))) as socket:
            await socket.task
        assert tap.asked() == []

    asyncio.run(story())


# aiohttp


async def serve(app):
    """A running server of an application, and its URL."""
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


def test_websockets_of_aiohttp(tap):
    """The handshake sets the cookie, the end saves the rest, and a store that is down denies it."""

    async def live(request):
        session = request[SESSION]
        session["began"] = True
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            session["said"] = message.data
            await socket.send_str("ok")
        session["left"] = True
        return socket

    async def story():
        app = web.Application()
        app.router.add_get("/live", live)
        setup(app, manager(tap))
        runner, url = await serve(app)
        async with ClientSession() as client:
            socket = await client.ws_connect(f"{url}/live")
            sid = client.cookie_jar.filter_cookies(url).get("session")
            header = socket._response.headers["Set-Cookie"]
            sid = header.partition(";")[0].removeprefix("session=")
            assert await read(tap, sid) == {"began": True}
            await socket.send_str("hello")
            await socket.receive()
            await socket.close()
            tap.wrong["create"] = StoreError("down")
            with pytest.raises(WSServerHandshakeError) as caught:
                await client.ws_connect(f"{url}/live")
            assert caught.value.status == 503
        await runner.cleanup()
        assert await read(tap, sid) == {"began": True, "said": "hello", "left": True}

    asyncio.run(story())
