"""docs/web.md is true: each framework's block serves a shop on a real Valkey, and the others do what they say."""

import asyncio
import json

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from tests import guide, servers
from tests.test_web_aiohttp import Server
from tests.web_pages import Pages
from tests.web_replica import AsyncReplica, Browser, Replica, wsgi
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.web import Cookie

SHOPS = {
    "Flask": (Replica, "app", lambda app: app.session_interface.manager(app).close()),
    "Starlette and FastAPI": (AsyncReplica, "app", None),
    "Litestar": (AsyncReplica, "app", None),
    "Quart, and ASGI without a framework": (AsyncReplica, "app", None),
    "aiohttp": (Server, "app", None),
    "WSGI": (Replica, "application", lambda app: app.manager.close()),
}
"""Below each heading: what serves the application, its name in the block, and what closes it if nothing else does."""


def block(heading, number=0, **given):
    """What the names of a block stand for after it has run."""
    given["__name__"] = __name__  # frameworks look up the module of what they are given
    return guide.run(heading, number, page="web.md", url=servers.shared("valkey").url(), **given)


@pytest.mark.parametrize("heading", SHOPS)
def test_a_shop_keeps_its_cart(heading):
    """Two items, one after the other; the second finds the first."""
    names, (kind, name, close) = block(heading), SHOPS[heading]
    app = names[name]

    async def nothing():
        """The application has closed its manager."""

    replica = kind(Pages(None), app, (lambda: close(app)) if close else nothing)
    browser = Browser()
    try:
        for item in ("tea", "milk"):
            answer = browser.get(replica, f"/cart/{item}", "POST")
        assert json.loads(answer.body) == ["tea", "milk"]
    finally:
        replica.close()


def test_the_settings_of_django_are_settings_of_django():
    """Two of them, by the names that Django and our engine know."""
    names = {name for name in block("Django") if name.isupper()}
    assert names == {"SESSION_ENGINE", "TRANSCODERS_SESSION"}


def test_login_and_logout():
    """One write each; the message after logout is in another session, and nobody's."""
    names = block("Login and logout")
    with SessionManager() as manager:
        with manager.session() as session:
            names["login"](session, 42)
        sid = session.sid
        assert len(manager.sessions_of("user:42")) == 1
        with manager.session(sid) as session:
            names["logout"](session)
        assert manager.sessions_of("user:42") == []
        with manager.session(session.sid) as session:
            assert (dict(session), session.principal) == ({"message": "Come back soon."}, None)
        assert session.sid != sid


def test_a_conflict_that_the_page_answers():
    """The page saves before it answers, and says what happened."""

    async def story():
        manager = AsyncSessionManager(MemoryStore())
        buy = block("When it is saved", manager=manager, JSONResponse=JSONResponse)["buy"]
        async with manager.session() as session:
            session["user"] = "ann"
        first, second = [await manager.open(session.sid) for _ in range(2)]
        assert (await buy(Request({"type": "http", "session": first}))).body == b'"bought"'
        assert (await buy(Request({"type": "http", "session": second}))).status_code == 409

    asyncio.run(story())


def test_the_cookie_of_the_guide():
    """Of one host, for a fortnight."""

    async def app(scope, receive, send):
        """No application."""

    names = block("Cookies", app=app)
    assert names["cookie"] == Cookie(name="__Host-session", max_age=1209600)
    assert names["application"].manager.policy.max_inactive_interval == 1209600


def test_every_block_is_run():
    """No heading with a block is missing here."""
    tested = {*SHOPS, "Django", "Login and logout", "When it is saved", "Cookies"}
    elsewhere = {"Flask": 2, "Django": 3}  # test_flask_session and test_django_requests run the others
    blocks = {heading: len(blocks) for heading, blocks in guide.sections("web.md").items()}
    assert blocks == dict.fromkeys(tested, 1) | elsewhere


def test_a_wsgi_shop_is_plain():
    """The application of the guide answers without a server of ours."""
    names = block("WSGI")
    assert wsgi(names["application"], "/cart/tea", "", "POST").body == b'["tea"]'
    names["application"].manager.close()
