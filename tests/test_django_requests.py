"""Django's requests on our engine: login and logout, cookies, errors, with Django's middleware and with ours."""

import asyncio
from contextlib import contextmanager, suppress

import pytest
from django.contrib.auth import aauthenticate, alogin, alogout, authenticate, login, logout
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path

from tests import asking, django_site, guide, servers
from transcoders.web import django
from transcoders.web.django import SessionMiddleware, SessionStore

STOCK = "django.contrib.sessions.middleware.SessionMiddleware"
OURS = "transcoders.web.django.SessionMiddleware"
BEHIND = [
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
NAME = "sessionid"


@pytest.fixture(scope="module", autouse=True)
def site():
    """The site's settings and database."""
    django_site.start()
    yield
    from django.db import connections

    connections.close_all()


@pytest.fixture(params=[STOCK, OURS], ids=["stock", "ours"])
def middleware(request):
    """The middleware that a site may have."""
    return request.param


@pytest.fixture(autouse=True)
def switched(middleware):
    """Settings of an engine in memory, until the test ends; called with more of them."""
    entered = []

    def switch(**changes):
        entered.append(override_settings(**changes))
        entered[-1].enable()

    switch(
        SESSION_ENGINE="transcoders.web.django",
        TRANSCODERS_SESSION="memory:",
        MIDDLEWARE=[middleware, *BEHIND],
        MESSAGE_STORAGE="django.contrib.messages.storage.session.SessionStorage",
        ROOT_URLCONF=__name__,
    )
    yield switch
    for one in reversed(entered):
        one.disable()


ours = pytest.mark.parametrize("middleware", [OURS], ids=["ours"])


@pytest.fixture
def browser():
    """A browser that keeps its cookies, and sees pages of errors."""
    return Client(raise_request_exception=False)


def stored(browser):
    """What the store has of the browser's session."""
    return SessionStore(browser.cookies[NAME].value).load()


@pytest.fixture
def user():
    """The user that everybody knows."""
    from django.contrib.auth.models import User

    return User.objects.get(username="ann")


# Views


def log_in(request):
    """Log in."""
    login(request, authenticate(request, username="ann", password="secret"))
    return HttpResponse("in")


def log_out(request):
    """Log out."""
    logout(request)
    return HttpResponse("out")


def put(request, name):
    """Set what the query string says."""
    request.session[name] = request.META["QUERY_STRING"]
    return HttpResponse(request.session.held.request)


def read(request):
    """Everything, and the user."""
    return JsonResponse({"user": request.user.get_username(), **dict(request.session.items())})


def cart(request):
    """Put something into a list inside a dict, and say so to nobody."""
    if "cart" not in request.session:
        request.session["cart"] = {"items": []}
    request.session["cart"]["items"].append(request.META["QUERY_STRING"])
    return HttpResponse()


def plain(_request):
    """A page without the session."""
    return HttpResponse()


def fail(request):
    """An error, behind a change and a new key."""
    request.session["half"] = "done"
    if request.META["QUERY_STRING"]:
        request.session.cycle_key()
    raise RuntimeError


def expire(request):
    """Let the session end at another time."""
    request.session.set_expiry({"": None}.get(text := request.META["QUERY_STRING"], text and int(text)))
    return HttpResponse()


def elsewhere(request):
    """End the session in another request, while this one changes it."""
    request.session["late"] = 1
    SessionStore(request.session.session_key).flush()
    return HttpResponse()


def both(request):
    """Change what another request changes at the same time."""
    request.session["n"] = request.session.get("n", 0) + 1
    other = SessionStore(request.session.session_key)
    other["n"] = 5
    other.save()
    return HttpResponse()


def swap(request):
    """Put another session in the place of the request's own."""
    request.session.get("a")
    request.session = SessionStore()
    request.session["swapped"] = True
    return HttpResponse()


def untouch(request):
    """Change something, and give it up."""
    request.session["given up"] = True
    request.session.modified = False
    return HttpResponse()


def devices(request):
    """End all sessions of the user but this one."""
    return HttpResponse(django.end_all(request.user, except_=request.session))


def flash(request):
    """Show the messages, and leave one."""
    from django.contrib import messages

    shown = [str(one) for one in messages.get_messages(request)]
    messages.info(request, request.META["QUERY_STRING"])
    return JsonResponse(shown, safe=False)


def drop(request):
    """Have no session any more."""
    request.session.get("a")
    del request.session
    return HttpResponse()


def stop(request):
    """End the process, as a signal to a worker does."""
    request.session["half"] = request.session.get("a")
    raise SystemExit


def again(request):
    """Be the session of another key, while it is held."""
    key = request.session.session_key
    request.session.get("a")
    request.session._session_key = key
    return HttpResponse(request.session["a"])


def reader(request):
    """A page of which the session is read only when it is sent."""

    def body():
        yield request.session.get("a", "nothing")

    return StreamingHttpResponse(body())


async def alog_in(request):
    """Log in, awaited."""
    await alogin(request, await aauthenticate(request, username="ann", password="secret"))
    return HttpResponse("in")


async def alog_out(request):
    """Log out, awaited."""
    await alogout(request)
    return HttpResponse("out")


async def aread(request):
    """Everything, and the user, awaited."""
    user = await request.auser()
    return JsonResponse({"user": user.get_username(), **dict(await request.session.aitems())})


async def acount(request):
    """Count, awaited."""
    await request.session.aset("n", await request.session.aget("n", 0) + 1)
    return HttpResponse(await request.session.aget("n"))


async def wait(request):
    """Hold the session for ever."""
    await request.session.aget("a")
    WAITING.set()
    await asyncio.Event().wait()


WAITING = asyncio.Event()
PAGES = (
    log_in, log_out, read, cart, plain, fail, expire, elsewhere, both, swap, untouch, devices, flash, drop, stop, again,
    reader, alog_in,
    alog_out, aread, acount, wait,
)  # fmt: skip
urlpatterns = [path(page.__name__, page) for page in PAGES] + [path("put/<slug:name>", put)]


# Login and logout


def test_login_rotates_and_says_whose_it_is(browser, user):
    """A visitor's session goes on under a new key, as one of the user's."""
    browser.get("/cart?tea")
    before = browser.cookies[NAME].value
    browser.get("/log_in")
    assert browser.cookies[NAME].value != before
    assert not SessionStore().exists(before)
    found = browser.get("/read").json()
    assert (found["user"], found["cart"]) == ("ann", {"items": ["tea"]})
    (record,) = [
        one for one in django.sessions_of(user) if one.key == SessionStore(browser.cookies[NAME].value).held.key
    ]
    assert record.principal == django.principal(user) == f"user:{user.pk}"


def test_log_out_everywhere(browser, user):
    """All sessions of the user are ended but one; then that one too, and nobody else's."""
    other, visitor = Client(), Client()
    for one in (browser, other):
        one.get("/log_in")
    visitor.get("/cart?tea")
    assert browser.get("/devices").content == b"1"
    assert other.get("/read").json()["user"] == ""
    assert browser.get("/read").json()["user"] == "ann"
    assert len(django.sessions_of(user)) == 1
    assert django.end_all(user) == 1
    assert browser.get("/read").json()["user"] == ""
    assert visitor.get("/read").json()["cart"]


def test_logout_ends_the_session(browser, user):
    """The key is dead, the cookie deleted, the list of the user's sessions empty."""
    browser.get("/log_in")
    key = browser.cookies[NAME].value
    answer = browser.get("/log_out")
    assert answer.cookies[NAME]["max-age"] == 0 or answer.cookies[NAME]["max-age"] == "0"
    assert answer.cookies[NAME].value == ""
    assert not SessionStore().exists(key)
    assert django.sessions_of(user) == []


def test_another_user_gets_another_session(browser, user):
    """Login over somebody else's session flushes it first, as Django does."""
    from django.contrib.auth.models import User

    bob = User.objects.create_user("bob", password="secret")
    try:
        browser.force_login(bob)
        session = browser.session
        session["secret"] = "of bob"
        session.save()
        key = session.session_key
        browser.get("/log_in")
        assert "secret" not in browser.get("/read").json()
        assert not SessionStore().exists(key)
        assert len(django.sessions_of(user)) == 1
    finally:
        bob.delete()


def test_the_test_client(browser, user):
    """`client.session`, `force_login` and `logout` of Django's test client."""
    session = browser.session
    session["a"] = 1
    session.save()
    assert browser.get("/read").json()["a"] == 1
    browser.force_login(user)
    assert browser.get("/read").json()["user"] == "ann"
    assert len(django.sessions_of(user)) == 1
    browser.logout()
    assert browser.get("/read").json()["user"] == ""
    assert django.sessions_of(user) == []


def test_a_password_that_changes_ends_other_sessions(browser, user):
    """By Django's own hash in the session; the one that is told of it goes on under a new key."""
    from django.contrib.auth import update_session_auth_hash

    browser.get("/log_in")
    other = Client()
    other.get("/log_in")
    hashed = user.password
    try:
        user.set_password("new")
        user.save()
        request = RequestFactory().get("/")
        request.user, request.session = user, SessionStore(browser.cookies[NAME].value)
        update_session_auth_hash(request, user)
        request.session.save()
        browser.cookies[NAME] = request.session.session_key
        assert browser.get("/read").json()["user"] == "ann"
        assert other.get("/read").json()["user"] == ""
    finally:
        user.password = hashed
        user.save()


# What is stored, and what the browser is told


def test_nested_change(browser):
    """Found without `modified`, with Django's middleware too."""
    for item in ("tea", "milk"):
        browser.get(f"/cart?{item}")
    assert stored(browser) == {"cart": {"items": ["tea", "milk"]}}


def test_headers(browser):
    """A page without the session says nothing of it; one that reads varies; one that stores sets the cookie."""
    assert "Vary" not in browser.get("/plain").headers
    answer = browser.get("/read")
    assert "Cookie" in answer["Vary"]
    assert NAME not in answer.cookies
    answer = browser.get("/put/a?1")
    assert "Cookie" in answer["Vary"]
    assert NAME not in browser.get("/read").cookies


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({}, {"httponly": True, "samesite": "Lax", "path": "/", "secure": "", "domain": "", "max-age": 1209600}),
        (
            {"SESSION_COOKIE_HTTPONLY": False, "SESSION_COOKIE_SAMESITE": "Strict"},
            {"httponly": "", "samesite": "Strict"},
        ),
        ({"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "None"}, {"secure": True, "samesite": "None"}),
        ({"SESSION_COOKIE_SAMESITE": False}, {"samesite": ""}),
        (
            {"SESSION_COOKIE_PATH": "/put", "SESSION_COOKIE_DOMAIN": ".example.com"},
            {"path": "/put", "domain": ".example.com"},
        ),
        ({"SESSION_EXPIRE_AT_BROWSER_CLOSE": True}, {"max-age": ""}),
        ({"SESSION_COOKIE_AGE": 100}, {"max-age": 100}),
    ],
)
def test_cookie_flags(switched, browser, settings, flags):
    """Those of Django's settings; they also stand where the cookie is deleted."""
    switched(**settings)
    morsel = browser.get("/put/a?1").cookies[NAME]
    assert {name: str(morsel[name]) for name in flags} == {name: str(value) for name, value in flags.items()}
    assert browser.cookies[NAME].value
    browser.cookies.load({NAME: morsel.value})
    gone = browser.get("/log_out").cookies[NAME]
    assert (gone.value, gone["path"], gone["domain"]) == ("", morsel["path"], morsel["domain"])


@ours
def test_partitioned_cookies(switched, browser):
    """A setting of ours in Django's style."""
    switched(SESSION_COOKIE_PARTITIONED=True, SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="None")
    answer = browser.get("/put/a?1")
    assert "; Partitioned" in answer.cookies[NAME].output()
    browser.cookies.load({NAME: answer.cookies[NAME].value})
    assert "; Partitioned" in browser.get("/log_out").cookies[NAME].output()


@ours
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"SESSION_COOKIE_NAME": "__Host-id"}, "secure"),
        ({"SESSION_COOKIE_PARTITIONED": True}, "secure"),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "secure"),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.db"}, "SESSION_ENGINE"),
    ],
)
def test_cookies_that_browsers_refuse(switched, browser, settings, told):
    """Are refused when the process starts."""
    switched(**settings)
    with pytest.raises(ImproperlyConfigured, match=told):
        browser.get("/plain")


def test_another_end_tells_the_browser(browser):
    """Until the browser is closed, for some time, and as usual again."""
    assert browser.get("/put/a?1").cookies[NAME]["max-age"]
    assert not browser.get("/expire?0").cookies[NAME]["max-age"]
    assert int(browser.get("/expire?50").cookies[NAME]["max-age"]) == 50
    assert int(browser.get("/expire").cookies[NAME]["max-age"]) == 1209600
    assert NAME in browser.get("/expire?-1").cookies
    assert stored(browser) == {} if browser.cookies[NAME].value else True


def test_an_error_stores_nothing(browser):
    """A response of 500 and above, as in Django."""
    browser.get("/put/a?1")
    assert browser.get("/fail").status_code == 500
    assert stored(browser) == {"a": "1"}


@ours
def test_an_error_behind_a_new_key(browser):
    """The browser gets the key, because the old one is dead; with Django's middleware it has lost its session."""
    browser.get("/put/a?1")
    assert browser.get("/fail?cycle").status_code == 500
    assert browser.get("/read").json()["a"] == "1"


def test_a_session_that_was_ended_meanwhile(browser):
    """SessionInterrupted, which is a 400; and it stays ended."""
    browser.get("/put/a?1")
    key = browser.cookies[NAME].value
    assert browser.get("/elsewhere").status_code == 400
    assert not SessionStore().exists(key)


def test_a_conflict(middleware, browser):
    """The same attribute, changed by two: 409 with our middleware, 500 with Django's; the first change stays."""
    browser.get("/put/a?1")
    answer = browser.get("/both")
    assert answer.status_code == (409 if middleware == OURS else 500)
    assert stored(browser)["n"] == 5


def test_giving_up(browser):
    """`modified = False` stores nothing."""
    browser.get("/put/a?1")
    browser.get("/untouch")
    assert stored(browser) == {"a": "1"}


def test_another_session_in_its_place(browser):
    """It is that one that the browser gets."""
    browser.get("/put/a?1")
    browser.get("/swap")
    assert stored(browser) == {"swapped": True}


def test_messages(browser):
    """Django's messages in the session."""
    assert browser.get("/flash?hello").json() == []
    assert browser.get("/flash?bye").json() == ["hello"]


def test_reading_when_the_response_is_sent(browser):
    """What was never read before may be read then, as in Django; nothing is stored by that."""
    browser.get("/put/a?1")
    assert browser.get("/reader").getvalue() == b"1"


# Failures of the store


@contextmanager
def outage(switched, browser):
    """A browser that is logged in, and its server of sessions gone; then back, as it was."""
    with servers.running("valkey") as server:
        switched(TRANSCODERS_SESSION={"store": server.url(), "operation_timeout": 0.2})
        browser.get("/log_in")
        server.freeze()
        yield
        server.thaw()
        switched(TRANSCODERS_SESSION="memory:")


def test_a_store_that_is_down(switched, middleware, browser):
    """An error, and nobody is logged out: 503 with our middleware, 500 with Django's; pages without it are served."""
    with outage(switched, browser):
        pages = [browser.get(page) for page in ("/plain", "/read", "/put/a?1", "/log_out", "/log_in")]
        code = 503 if middleware == OURS else 500
        assert [answer.status_code for answer in pages] == [200, code, code, code, code]
        assert all(NAME not in answer.cookies for answer in pages)
        assert pages[1].has_header("Retry-After") == (middleware == OURS)
    assert browser.cookies[NAME].value


def greedy(get_response):
    """A middleware that looks into the session before the view."""

    def handle(request):
        request.session.get("a")
        return get_response(request)

    return handle


class Dressed(SessionMiddleware):
    """A site with a page of its own for outages."""

    def refused(self, request, error):
        """See SessionMiddleware."""
        answer = super().refused(request, error)
        answer.content = f"{request.path}: {type(error).__name__}"
        return answer


@ours
def test_a_store_that_is_down_in_a_middleware(switched, browser):
    """A 503 too, though Django makes a page of 500 of what a middleware raises; the page may be the site's own."""
    switched(MIDDLEWARE=[f"{__name__}.Dressed", *BEHIND, f"{__name__}.greedy"])
    with outage(switched, browser):
        answer = browser.get("/plain")
        assert (answer.status_code, answer.content) == (503, b"/plain: StoreError")


# Locks and labels


@ours
@pytest.mark.parametrize(
    "page", ["/read", "/put/a?1", "/fail", "/fail?cycle", "/log_out", "/swap", "/untouch", "/drop", "/stop", "/again"]
)
def test_locks_are_let_go_of(switched, browser, page):
    """Whatever the page did, the next request has the lock at once."""
    switched(
        TRANSCODERS_SESSION={
            "store": "memory:", "locking_mode": "all", "lock_timeout": 0, "on_lock_timeout": "error",
        }
    )  # fmt: skip
    browser.get("/put/a?1")
    with suppress(SystemExit):
        browser.get(page)
    assert browser.get("/read").status_code == 200


def test_locks_need_our_middleware(switched, middleware):
    """Which says when a request is over; without it they are refused when the process starts."""
    switched(TRANSCODERS_SESSION={"store": "memory:", "locking_mode": "all"})
    switched(MIDDLEWARE=[middleware, f"{__name__}.greedy"])
    if middleware == OURS:
        django._check()
    else:
        with pytest.raises(ImproperlyConfigured, match="'locking_mode' in TRANSCODERS_SESSION needs"):
            django._check()


@ours
@pytest.mark.parametrize(("mode", "label"), [("none", "GET /put/a"), ("auto", "GET /put/<slug:name>")])
def test_labels(switched, browser, mode, label):
    """Method and path; where locks are learned, the route."""
    switched(TRANSCODERS_SESSION={"store": "memory:", "locking_mode": mode})
    assert browser.get("/put/a?1").content.decode() == label


@ours
def test_statistics(browser):
    """Requests are counted, those without the session too; events reach listeners."""
    told = []
    django.manager().on("created", told.append)
    for page in ("/plain", "/put/a?1", "/read"):
        browser.get(page)
    counters = django.manager().statistics.counters
    assert (counters["requests_without_access"], counters["requests_with_change"], len(told)) == (1, 1, 1)


@ours
def test_the_guide(switched, browser, user):
    """docs/web.md: the settings serve, other devices are logged out, the cookie is partitioned."""
    url = servers.shared("valkey").url(db=6)
    changes = {}
    for block in (0, 2):
        changes |= {k: v for k, v in guide.run("Django", block, page="web.md", url=url).items() if k.isupper()}
    switched(**changes)
    page = guide.run("Django", 1, page="web.md")["log_out_elsewhere"]
    other = Client()
    for one in (browser, other):
        assert "; Partitioned" in one.get("/log_in", secure=True).cookies[NAME].output()
    request = RequestFactory().get("/")
    request.user, request.session = user, SessionStore(browser.cookies[NAME].value)
    assert page(request).content == b"1 ended, 1 left"
    assert (browser.get("/read").json()["user"], other.get("/read").json()["user"]) == ("ann", "")
    assert django.end_all(user) == 1
    switched(TRANSCODERS_SESSION="memory:")


# Event loops


@pytest.fixture
def runner():
    """A loop that ends before the connections do."""
    with asyncio.Runner() as runner:
        yield runner


def test_requests_that_are_awaited(runner, user):
    """Login, pages of either kind, and logout, under ASGI."""
    browser = AsyncClient(raise_request_exception=False)

    def get(page):
        return runner.run(browser.get(page))

    get("/put/a?1")
    before = browser.cookies[NAME].value
    get("/alog_in")
    assert browser.cookies[NAME].value != before
    assert len(runner.run(django.asessions_of(user))) == 1
    assert get("/aread").json()["user"] == "ann"
    assert get("/read").json()["a"] == "1"
    assert [get("/acount").content for _ in range(2)] == [b"1", b"2"]
    key = browser.cookies[NAME].value
    get("/alog_out")
    assert not SessionStore().exists(key)
    get("/alog_in")
    assert runner.run(django.aend_all(user, except_=SessionStore(browser.cookies[NAME].value))) == 0
    assert runner.run(django.aend_all(user)) == 1


def test_views_that_are_awaited_under_wsgi(browser, user):
    """Each in a loop of its own, of which nothing is left."""
    assert [browser.get("/acount").content for _ in range(2)] == [b"1", b"2"]
    browser.get("/alog_in")
    assert browser.get("/aread").json()["user"] == "ann"
    browser.get("/alog_out")
    assert django.sessions_of(user) == []
    assert django.site()._loops == {}


@ours
def test_a_client_that_leaves(switched, runner):
    """Its view is cancelled, and its lock let go of."""
    from django.core.handlers.asgi import ASGIHandler

    switched(
        TRANSCODERS_SESSION={
            "store": "memory:", "locking_mode": "all", "lock_timeout": 0, "on_lock_timeout": "error",
        }
    )  # fmt: skip
    session = SessionStore()
    session["a"] = 1
    session.save()

    async def run():
        app, cookie = ASGIHandler(), f"{NAME}={session.session_key}"
        sent = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if sent:
                return sent.pop()
            await WAITING.wait()
            return {"type": "http.disconnect"}

        async def send(_message):
            raise AssertionError

        await app(asking.scope("/wait", cookie), receive, send)
        return await asking.ask(app, "/aread", cookie)

    answer = runner.run(run())
    assert answer.status == 200
