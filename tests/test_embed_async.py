"""starsessions and aiohttp-session over a transcoder and a real Valkey, and a cookie that holds the session itself."""

import asyncio
import json
import pickle
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from secrets import token_hex

import aiohttp_session
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp_session.cookie_storage import EncryptedCookieStorage
from aiohttp_session.redis_storage import RedisStorage
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starsessions import JsonSerializer, SessionAutoloadMiddleware, SessionMiddleware
from starsessions.stores.redis import RedisStore

from tests import guide, servers
from tests.asking import ask
from transcoders import EncodeError, Foreign, SpecError, peek
from transcoders.embed.aiohttp_session import coding
from transcoders.embed.starsessions import Serializer

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")  # aiohttp-session's own
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
BROKEN = (
    b"\x01", b"[1]", b"5", b'"text"', b'{"user": "ann"', b"[" * 5000, b"{}", b'{"session": [1], "created": 5}',
    b'{"session": {"user": "ann"}, "created": "then"}', b"wVQBBAAx", b"wVQ\xc3\xa9", b"wVQ!", b"w",
)  # fmt: skip


@asynccontextmanager
async def connected():
    """A client of the server of this run, and a prefix of the test's own."""
    client = Redis(port=servers.shared("valkey").port)
    try:
        yield client, f"{token_hex(4)}:"
    finally:
        await client.aclose()


# starsessions.


def starlette_site(client, prefix, serializer=None):
    """A site of Starlette whose sessions every request loads."""

    async def login(request):
        request.session.update(user="ann")
        return JSONResponse("in")

    async def rich(request):
        request.session["rich"] = {"at": MOMENT, 5: (1, 2)}
        return JSONResponse("kept")

    async def who(request):
        return JSONResponse({name: repr(value) for name, value in request.session.items()})

    site = Starlette(routes=[Route("/login", login), Route("/rich", rich), Route("/who", who)])
    store = RedisStore(connection=client, prefix=prefix)
    return SessionMiddleware(SessionAutoloadMiddleware(site), store, lifetime=60, rolling=True, serializer=serializer)


@pytest.mark.parametrize("spec", ["msgpack+zlib", {"spec": "json"}])
def test_starsessions_keeps_everybody_logged_in(spec):
    """A session that its JSON serializer wrote goes on under ours, and comes back with its types from then on."""

    async def scenario():
        async with connected() as (client, prefix):
            before = starlette_site(client, prefix, JsonSerializer())
            after = starlette_site(client, prefix, Serializer(spec))
            sid = (await ask(before, "/login")).cookie("session")
            cookie = f"session={sid}"
            assert json.loads((await ask(after, "/who", cookie)).body) == {"user": "'ann'"}
            await ask(after, "/rich", cookie)
            assert not peek(await client.get(prefix + sid)).foreign
            shown = json.loads((await ask(after, "/who", cookie)).body)
            assert shown == {"user": "'ann'", "rich": repr({"at": MOMENT, 5: (1, 2)})}

    asyncio.run(scenario())


def test_starsessions_gives_an_empty_session_for_broken_records():
    """Whatever stands in the store, the browser gets a page, is nobody, and can log in again."""

    async def scenario():
        async with connected() as (client, prefix):
            site = starlette_site(client, prefix, Serializer("msgpack"))
            sid = (await ask(site, "/login")).cookie("session")
            cookie = f"session={sid}"
            for broken in (*BROKEN[:6], b"", b"\xff", pickle.dumps({"user": "mallory"})):
                await client.set(prefix + sid, broken)
                assert json.loads((await ask(site, "/who", cookie)).body) == {}
                assert await client.get(prefix + sid) == broken
                await ask(site, "/login", cookie)
                assert json.loads((await ask(site, "/who", cookie)).body) == {"user": "'ann'"}

    asyncio.run(scenario())


def test_starsessions_raises_when_asked_to():
    """With `on_undecodable` the error reaches the application; no bytes at all are always a session that is new."""
    serializer = Serializer({"on_undecodable": "raise"})
    assert serializer.deserialize(b"") == {}
    with pytest.raises(Foreign):
        serializer.deserialize(b"\xff")
    with pytest.raises(EncodeError, match=r"^\$\.a: "):
        serializer.serialize({"a": object()})
    with pytest.raises(SpecError):
        Serializer("jsn")


# aiohttp-session.


@asynccontextmanager
async def aiohttp_site(storage):
    """A browser at a site of aiohttp with that storage."""

    async def login(request):
        (await aiohttp_session.new_session(request)).update(user="ann")
        return web.Response(text="in")

    async def rich(request):
        (await aiohttp_session.get_session(request))["rich"] = {"at": MOMENT, 5: (1, 2)}
        return web.Response(text="kept")

    async def who(request):
        session = await aiohttp_session.get_session(request)
        return web.json_response({name: repr(value) for name, value in session.items()})

    app = web.Application()
    aiohttp_session.setup(app, storage)
    app.add_routes([web.get("/login", login), web.get("/rich", rich), web.get("/who", who)])
    async with TestClient(TestServer(app)) as browser:
        yield browser


async def who(browser, **options):
    """What the page says is in the session."""
    async with browser.get("/who", **options) as response:
        assert response.status == 200
        return await response.json()


@pytest.mark.parametrize("spec", ["msgpack+zlib", {"spec": "json"}])
def test_aiohttp_session_keeps_everybody_logged_in(spec):
    """A session that `json.dumps` wrote goes on under ours, and comes back with its types from then on."""

    async def scenario():
        async with connected() as (client, prefix):
            async with aiohttp_site(RedisStorage(client, cookie_name=prefix[:-1])) as browser:
                await browser.get("/login")
                cookies = {one.key: one.value for one in browser.session.cookie_jar}
            async with aiohttp_site(RedisStorage(client, cookie_name=prefix[:-1], **coding(spec))) as browser:
                assert await who(browser, cookies=cookies) == {"user": "'ann'"}
                await browser.get("/rich", cookies=cookies)
                assert await who(browser, cookies=cookies) == {"user": "'ann'", "rich": repr({"at": MOMENT, 5: (1, 2)})}
                (key,) = await client.keys(f"{prefix[:-1]}_*")
                assert (await client.get(key)).startswith(b"wVQ")

    asyncio.run(scenario())


def test_aiohttp_session_gives_an_empty_session_for_broken_records():
    """Whatever text stands in the store, the browser gets a page and is nobody."""

    async def scenario():
        async with connected() as (client, prefix):
            storage = RedisStorage(client, cookie_name=prefix[:-1], **coding("msgpack"))
            async with aiohttp_site(storage) as browser:
                await browser.get("/login")
                (key,) = await client.keys(f"{prefix[:-1]}_*")
                for broken in BROKEN:
                    await client.set(key, broken)
                    assert await who(browser) == {}
                await browser.get("/rich")
                assert (await who(browser)).keys() == {"rich"}

    asyncio.run(scenario())


def test_a_cookie_may_hold_the_session():
    """The text of a frame fits into the encrypted cookie of aiohttp-session, which JSON in it goes over to."""

    async def scenario():
        former, ours = EncryptedCookieStorage(b"k" * 32), EncryptedCookieStorage(b"k" * 32, **coding("cbor+zlib"))
        async with aiohttp_site(former) as browser:
            await browser.get("/login")
            cookies = {m.key: m.value for m in browser.session.cookie_jar}
        async with aiohttp_site(ours) as browser:
            assert await who(browser, cookies=cookies) == {"user": "'ann'"}
            browser.session.cookie_jar.update_cookies(cookies, browser.make_url("/"))
            await browser.get("/rich")
            assert await who(browser) == {"user": "'ann'", "rich": repr({"at": MOMENT, 5: (1, 2)})}

    asyncio.run(scenario())


def test_the_text_is_that_of_a_cookie():
    """An encoder's text needs no escape in a cookie or a URL, and no padding."""
    codec = coding("json")
    for size in range(50, 54):
        session = {"session": {"text": "é?" * size}, "created": size}
        text = codec["encoder"](session)
        assert re.fullmatch(r"wVQ[A-Za-z0-9_-]+", text)
        assert codec["decoder"](text) == session


# The guide.


def test_the_guide_on_starsessions(monkeypatch):
    """The block of the guide makes an app whose sessions are ours."""
    monkeypatch.setenv("REDIS_URL", servers.shared("valkey").url())

    async def scenario():
        names = guide.run("starsessions")
        app = names["app"]

        async def visit(request):
            return JSONResponse(repr(request.session.setdefault("visits", (1, 2))))

        app.add_route("/", visit)
        sid = (await ask(app, "/")).cookie("session")
        assert (await ask(app, "/", f"session={sid}")).body == b'"(1, 2)"'
        async with connected() as (client, _):
            assert peek(await client.get(f"starsessions.{sid}")).codec == "msgpack"
        await app.user_middleware[0].kwargs["store"]._connection.aclose()

    asyncio.run(scenario())


def test_the_guide_on_aiohttp_session(monkeypatch):
    """The block of the guide makes an app whose sessions are ours."""
    monkeypatch.setenv("REDIS_URL", servers.shared("valkey").url())

    async def visit(request):
        return web.Response(text=repr((await aiohttp_session.get_session(request)).setdefault("visits", (1, 2))))

    async def scenario():
        app = guide.run("aiohttp-session")["app"]
        app.add_routes([web.get("/", visit)])
        async with TestClient(TestServer(app)) as browser:
            for _ in range(2):
                assert await (await browser.get("/")).text() == "(1, 2)"
            (cookie,) = browser.session.cookie_jar
        async with connected() as (client, _):
            assert (await client.get(f"AIOHTTP_SESSION_{cookie.value}")).startswith(b"wVQ")

    asyncio.run(scenario())
