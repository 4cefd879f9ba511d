"""`flask.session` as Flask's own: lifetimes, flags, flashes, the test client; and what comes when it cannot be had."""

import logging
import threading
from datetime import timedelta
from secrets import token_hex

import flask
import pytest
from markupsafe import Markup
from werkzeug.exceptions import Conflict, ServiceUnavailable

from tests import guide, servers
from tests.driving import Tap
from transcoders import EncodeError, SpecError
from transcoders.errors import SessionError, StoreError
from transcoders.sessions import AsyncSessionManager, MemoryStore, SessionManager
from transcoders.sessions.settings import settings
from transcoders.web import Cookie
from transcoders.web.flask import Sessions, Unavailable, session


@pytest.fixture
def tap():
    """A store that notes what is asked of it, and goes wrong when it is told to."""
    return Tap(MemoryStore())


@pytest.fixture
def made(tap):
    """What makes an application, with a page for each function; `config` is Flask's."""

    def make(*pages, config=None, cookie=None, **given):
        app = flask.Flask("shop")
        app.config.update(config or {})
        app.session_interface = Sessions(tap, "msgpack", cookie=cookie, **given)
        for page in pages:
            app.add_url_rule(f"/{page.__name__}", page.__name__, page, methods=["GET", "POST"])
        return app

    return make


def put():
    """Set what the query string says."""
    name, _, value = flask.request.query_string.decode().partition("=")
    flask.session[name] = value
    return value


def read():
    """Everything there is."""
    return dict(flask.session)


def header(answer, name="Set-Cookie"):
    """The value of a header of an answer."""
    return answer.headers.get(name, "")


# As a mapping


def test_a_mapping(made):
    """Every way to read and to change it."""

    def page():
        flask.session.update(a=1, b=[2], c="x")
        assert (len(flask.session), "a" in flask.session, "z" in flask.session) == (3, True, False)
        assert [*flask.session] == ["a", "b", "c"]
        assert dict(flask.session) == {"a": 1, "b": [2], "c": "x"}
        assert flask.session.setdefault("b", 0) == [2]
        assert flask.session.pop("c") == "x"
        assert flask.session.get("c", "gone") == "gone"
        del flask.session["a"]
        with pytest.raises(KeyError):
            flask.session.pop("a")
        flask.session["b"].append(3)
        assert "'b'" not in repr(flask.session)
        return flask.session["b"]

    browser = made(page, read).test_client()
    assert browser.get("/page").json == [2, 3]
    assert browser.get("/read").json == {"b": [2, 3]}


def test_new(made):
    """Until it is stored."""

    def page():
        new = flask.session.new
        flask.session["a"] = 1
        return [new, flask.session.new]

    browser = made(page).test_client()
    assert browser.get("/page").json == [True, True]
    assert browser.get("/page").json == [False, False]


def test_modified(made):
    """Set by changes, found in place, and settable."""

    def page():
        told = [flask.session.modified]
        flask.session.get("list")
        told.append(flask.session.modified)
        flask.session.setdefault("list", []).append(1)
        return [*told, flask.session.modified]

    browser = made(page).test_client()
    assert browser.get("/page").json == [False, False, True]
    assert browser.get("/page").json == [False, False, True]


def test_what_is_given_up(made):
    """`modified = False` stores nothing of what was changed until then."""

    def page():
        flask.session["a"] = 1
        flask.session.modified = False
        return ""

    def later():
        page()
        flask.session["b"] = 2
        return ""

    browser = made(put, page, later, read).test_client()
    browser.get("/put?x=1")
    browser.get("/page")
    assert browser.get("/read").json == {"x": "1"}
    browser.get("/later")
    assert browser.get("/read").json == {"x": "1", "a": 1, "b": 2}


def test_what_is_forced(made, tap):
    """`modified = True` puts the end off, though nothing has changed."""

    def page():
        flask.session.modified = True
        return ""

    browser = made(put, page).test_client()
    browser.get("/put?x=1")
    tap.asked()
    browser.get("/page")
    assert tap.asked() == ["touch"] or tap.asked() == []


def test_accessed(made):
    """It may be set, and the response varies then."""

    def page():
        flask.session.accessed = True
        return ""

    def plain():
        return ""

    browser = made(page, plain).test_client()
    assert "Cookie" in header(browser.get("/page"), "Vary")
    assert not header(browser.get("/plain"), "Vary")


# The end of it


@pytest.mark.parametrize("way", ["clear", "pop", "popitem", "del"])
def test_what_is_emptied_is_ended(made, tap, way):
    """As in Flask, the cookie is deleted; the session is gone for good, for whoever has its id."""

    def leave():
        if way == "clear":
            flask.session.clear()
        elif way == "pop":
            flask.session.pop("user")
        elif way == "popitem":
            flask.session.popitem()
        else:
            del flask.session["user"]
        return ""

    app = made(put, leave, read)
    browser = app.test_client()
    sid = header(browser.get("/put?user=ann")).partition(";")[0].partition("=")[2]
    assert "session=;" in header(browser.get("/leave"))
    thief = app.test_client()
    thief.set_cookie("session", sid)
    assert thief.get("/read").json == {}
    assert tap.store.load(SessionManager(tap).open(sid).key) is None


def test_clear_and_login(made):
    """A login on an emptied session goes on, though nothing else is in it."""

    def page():
        flask.session.clear()
        session.login("user:bob")
        return ""

    app = made(put, page, read)
    browser = app.test_client()
    before = header(browser.get("/put?user=ann"))
    assert header(browser.get("/page")) not in {"", before}
    assert browser.get("/read").json == {}
    assert len(app.session_interface.manager(app).sessions_of("user:bob")) == 1


def test_login_renew_and_logout(made):
    """Under a new id each time, done when the response is ready; the manager lists and ends a user's sessions."""

    def login():
        session.login("user:ann")
        session["user"] = "ann"
        return [session.principal, len(session.manager.sessions_of("user:ann"))]

    def renew():
        session.renew()
        return ""

    def others():
        return [session.manager.end_all("user:ann", except_=session.held)]

    def logout():
        session.logout()
        flask.flash("bye")
        return [session.principal]

    app = made(put, login, renew, others, logout, read)
    browser, other = app.test_client(), app.test_client()
    cookies = [header(browser.get("/put?cart=tea"))]
    answer = browser.get("/login")
    assert answer.json == ["user:ann", 0]
    cookies += [header(answer), header(browser.get("/renew"))]
    assert len(set(cookies)) == 3
    assert browser.get("/read").json == {"cart": "tea", "user": "ann"}
    other.get("/login")
    assert browser.get("/others").json == [1]
    assert other.get("/read").json == {}
    assert browser.get("/logout").json == [None]
    assert "_flashes" in browser.get("/read").json


# Lifetimes and cookies


def keep():
    """Let it outlive the browser, or not."""
    flask.session.permanent = flask.request.query_string == b"yes"
    return [flask.session.permanent]


def test_permanent(made, tap):
    """The cookie and the session live for PERMANENT_SESSION_LIFETIME; as others do again when that is taken back."""
    app = made(put, keep, config={"PERMANENT_SESSION_LIFETIME": timedelta(hours=2)}, max_inactive_interval=60)
    browser = app.test_client()

    def idle():
        (record,) = [one[0] for one in tap.store._records.values()]
        return SessionManager(tap, "msgpack")._wire.read(record, "").idle

    assert "Max-Age" not in header(browser.get("/put?a=1"))
    assert idle() == 60
    assert "Max-Age=7200" in header(browser.get("/keep?yes"))
    assert idle() == 7200
    assert "Max-Age=7200" in header(browser.get("/put?a=2"))
    assert not header(browser.get("/put?a=2"))
    told = header(browser.get("/keep?no"))
    assert told
    assert "Max-Age" not in told
    assert idle() == 60
    assert not header(browser.get("/put?a=3"))


@pytest.mark.parametrize(("each", "renewed"), [(True, True), (False, False)])
def test_refresh_each_request(made, tap, each, renewed):
    """SESSION_REFRESH_EACH_REQUEST: whether the cookie of a session that is only read begins anew, when it is due."""
    app = made(keep, put, read, config={"SESSION_REFRESH_EACH_REQUEST": each}, touch_share=0.001)
    app.config["PERMANENT_SESSION_LIFETIME"] = 1  # seconds, of which a thousandth passes
    browser = app.test_client()
    browser.get("/keep?yes")
    tap.asked()
    while "touch" not in tap.asked():
        answer = browser.get("/read")
    assert bool(header(answer)) is renewed
    assert header(browser.get("/put?a=1"))


@pytest.mark.parametrize(
    ("config", "there", "absent"),
    [
        ({}, ["HttpOnly", "Path=/"], ["Secure", "SameSite", "Domain", "Partitioned"]),
        ({"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "lax"}, ["Secure", "SameSite=Lax"], []),
        ({"SESSION_COOKIE_HTTPONLY": False, "SESSION_COOKIE_PATH": "/put"}, ["Path=/put"], ["HttpOnly"]),
        (
            {"APPLICATION_ROOT": "/put", "SESSION_COOKIE_DOMAIN": ".example.com"},
            ["Path=/put", "Domain=example.com"],
            [],
        ),
        ({"SESSION_COOKIE_PARTITIONED": True}, ["Partitioned", "Secure"], []),
        ({"SESSION_COOKIE_NAME": "__Host-id", "SESSION_COOKIE_SECURE": True}, ["__Host-id=", "Secure"], []),
    ],
)
def test_cookie_flags(made, config, there, absent):
    """Those of Flask's configuration."""
    told = header(made(put, config=config).test_client().get("/put?a=1", base_url="https://www.example.com/"))
    assert all(flag in told for flag in there), told
    assert not any(flag in told for flag in absent), told


def test_a_cookie_of_ours(made):
    """In the place of the configuration; permanent sessions have another lifetime."""
    browser = made(put, keep, cookie=Cookie(name="__Host-id", max_age=50), max_inactive_interval=50).test_client()
    told = header(browser.get("/put?a=1", base_url="https://localhost/"))
    assert told.startswith("__Host-id=")
    assert "Max-Age=50; Path=/; Secure; HttpOnly; SameSite=Lax" in told
    assert "Max-Age=2678400" in header(browser.get("/keep?yes", base_url="https://localhost/"))


def test_caches_are_told(made):
    """Whose a response is, in addition to what it says itself."""

    def page():
        flask.session["a"] = 1
        return "", {"Vary": "Accept", "Cache-Control": "max-age=60"}

    answer = made(page).test_client().get("/page")
    assert header(answer, "Vary") == "Accept, Cookie"
    assert "private" in header(answer, "Cache-Control")


# Flashes, streams, the test client


def test_flashes(made):
    """Messages with their categories, HTML as HTML, once."""

    def leave():
        flask.flash("plain <b>")
        flask.flash(Markup("<b>bold</b>"), "info")
        return ""

    def show():
        return [
            [category, str(Markup.escape(text))] for category, text in flask.get_flashed_messages(with_categories=True)
        ]

    browser = made(leave, show).test_client()
    browser.get("/leave")
    browser.get("/leave")
    pair = [["message", "plain &lt;b&gt;"], ["info", "<b>bold</b>"]]
    assert browser.get("/show").json == pair * 2
    assert browser.get("/show").json == []


def test_flashes_that_are_none(made):
    """Somebody else's attribute of that name is left as it is."""

    def page():
        flask.session["_flashes"] = flask.request.query_string.decode() or [("a", "b", "c", "d"), "xy"]
        return ""

    browser = made(page, read).test_client()
    browser.get("/page?text")
    assert browser.get("/read").json == {"_flashes": "text"}


def test_streams(made):
    """Saved before the body begins; what was not read before may be read then."""

    def page():
        def body():
            yield "a "
            yield flask.session.get("user", "nobody")

        return flask.Response(flask.stream_with_context(body()))

    browser = made(put, page).test_client()
    browser.get("/put?user=ann")
    assert browser.get("/page").text == "a ann"


def test_session_transaction(made):
    """The test client's own way to the session."""
    browser = made(read).test_client()
    with browser.session_transaction() as opened:
        opened["user"] = "ann"
    assert browser.get("/read").json == {"user": "ann"}
    with browser.session_transaction() as opened:
        assert opened["user"] == "ann"
        opened["cart"] = ["tea"]
    assert browser.get("/read").json == {"user": "ann", "cart": ["tea"]}
    with browser.session_transaction(), pytest.raises(RuntimeError):
        raise RuntimeError


def test_views_that_are_awaited(made):
    """Flask runs them in a thread of their own."""

    async def page():
        flask.session["n"] = flask.session.get("n", 0) + 1
        return [flask.session["n"]]

    browser = made(page).test_client()
    assert [browser.get("/page").json for _ in range(2)] == [[1], [2]]


# What it cannot do


def test_an_error_stores_nothing(made):
    """Nor does a response that says so."""

    def error():
        flask.session["half"] = "done"
        raise RuntimeError

    def busy():
        flask.session["half"] = "done"
        return "", 503

    browser = made(put, error, busy, read).test_client()
    browser.get("/put?a=1")
    assert [browser.get(page).status_code for page in ("/error", "/busy")] == [500, 503]
    assert browser.get("/read").json == {"a": "1"}


def test_what_no_session_holds(made, caplog):
    """An EncodeError in the log and a 500; the lock is let go of."""

    def page():
        flask.session["lock"] = threading.Lock()
        return ""

    browser = made(put, page, read, locking_mode="all", lock_timeout=0, on_lock_timeout="error").test_client()
    browser.get("/put?a=1")
    assert browser.get("/page").status_code == 500
    assert "$.lock" in caplog.text
    assert browser.get("/read").json == {"a": "1"}


def test_errors_that_tests_see(made):
    """With `testing`, the error is raised, and the session is let go of all the same."""

    def error():
        flask.session["half"] = flask.session.get("a")
        raise ZeroDivisionError

    app = made(put, error, read, locking_mode="all", lock_timeout=0, on_lock_timeout="error", max_active_sessions=1)
    app.testing = True
    browser = app.test_client()
    browser.get("/put?a=1")
    with pytest.raises(ZeroDivisionError):
        browser.get("/error")
    assert browser.get("/read").json == {"a": "1"}


@pytest.fixture
def outage():
    """What makes an application whose store hangs, and the browser of somebody who is logged in."""
    with servers.running("valkey") as server, SessionManager(server.url(), operation_timeout=0.2) as manager:

        def start(app):
            app.session_interface = Sessions(manager)
            browser = app.test_client()
            browser.get("/put?user=ann")
            server.freeze()
            return browser

        yield start


def test_a_store_that_is_down(made, outage):
    """A 503 that the application dresses; the response says nothing of the cookie."""
    app = made(put, read)

    @app.errorhandler(503)
    def dressed(error):
        return f"{type(error).__name__} {type(error.__cause__).__name__}", 503, {"Retry-After": "9"}

    browser = outage(app)
    for page in ("/read", "/put?a=1"):
        answer = browser.get(page)
        assert (answer.status_code, answer.text) == (503, "Unavailable StoreError")
        assert (header(answer), header(answer, "Retry-After")) == ("", "9")


def test_a_store_that_is_down_is_asked_once(made, tap):
    """However often a page and its error page ask for the session."""

    def page():
        for _ in range(3):
            with pytest.raises(Unavailable):
                flask.session.get("user")
        raise RuntimeError

    app = made(put, page)
    app.register_error_handler(500, lambda _error: (str(flask.session), 500))
    browser = app.test_client()
    browser.get("/put?user=ann")
    tap.wrong["load"] = StoreError("down")
    tap.asked()
    assert browser.get("/page").status_code == 503
    assert tap.asked() == ["load"]


def test_a_response_that_cannot_be_saved(made, outage):
    """Is replaced as a whole: its body is closed, its headers are gone."""
    closed = threading.Event()

    def page():
        def body():
            try:
                yield "secret"
            finally:
                closed.set()

        flask.session["a"] = 1
        pieces = body()
        next(pieces)
        return flask.Response(pieces, headers={"X-Secret": "1", "Set-Cookie": "a=b"})

    answer = outage(made(put, page)).get("/page")
    assert answer.status_code == 503
    assert closed.is_set()
    assert "secret" not in answer.text.lower()
    assert not {"X-Secret", "Set-Cookie"} & {*answer.headers.keys()}


def test_a_conflict(made):
    """A 409 in place of the response, of which handlers are told."""

    def page():
        flask.session["n"] = flask.session.get("n", 0) + 1
        with flask.current_app.test_client() as other:
            other.set_cookie("session", flask.request.cookies["session"])
            other.get("/put?n=5")
        return "done"

    app = made(put, page, read)
    app.register_error_handler(409, lambda error: (type(error).__name__, 409))
    browser = app.test_client()
    browser.get("/put?a=1")
    answer = browser.get("/page")
    assert (answer.status_code, answer.text) == (409, "Changed")
    assert browser.get("/read").json == {"a": "1", "n": "5"}


def test_an_error_that_is_a_mistake(made, monkeypatch, caplog):
    """Is Flask's 500, with the error in the log."""

    def fail(_session):
        raise SessionError("a mistake")

    app = made(put)
    monkeypatch.setattr(app.session_interface.manager(app), "save", fail)
    assert app.test_client().get("/put?a=1").status_code == 500
    assert "a mistake" in caplog.text


def test_the_errors_are_flasks():
    """So that handlers of 503 and 409 have them."""
    from transcoders.web.flask import Changed

    assert issubclass(Unavailable, ServiceUnavailable)
    assert issubclass(Changed, Conflict)


# Where it is told what to do


def test_configuration(tmp_path):
    """A mapping, a URL or a manager among Flask's configuration; several applications with one extension."""
    extension = Sessions()
    url = f"sqlite:{tmp_path / 'sessions.db'}"
    managers = []
    for given in ({"store": url, "transcoder": "msgpack"}, url, settings(store=url, environ={}), SessionManager(url)):
        app = flask.Flask("shop")
        app.config["SESSION_TRANSCODERS"] = given
        extension.init_app(app)
        app.add_url_rule("/put", "put", put)
        assert app.test_client().get("/put?a=1").status_code == 200
        with app.app_context():
            managers.append(app.session_interface.manager())
    assert len(set(map(id, managers))) == 4
    for one in managers:
        one.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "sessions have no store"),
        ({"transcoder": "msgpack"}, "sessions have no store"),
        (5, "SESSION_TRANSCODERS takes a mapping of settings, or the URL of a store, not int"),
        ({"store": "memory:", "lock_mode": "all"}, "did you mean 'locking_mode'"),
        ("nowhere:", "nowhere"),
    ],
)
def test_wrong_configuration(given, told):
    """A SpecError when the application is made."""
    app = flask.Flask("shop")
    app.config["SESSION_TRANSCODERS"] = given
    with pytest.raises(SpecError, match=told):
        Sessions(app)


def test_no_configuration():
    """A SpecError for an extension; a null session where nothing was said, which reads and does not write."""
    app = flask.Flask("shop")
    with pytest.raises(SpecError, match="SESSION_TRANSCODERS"):
        Sessions(app)
    with pytest.raises(SpecError, match="without a store"):
        Sessions(transcoder="msgpack")
    with pytest.raises(SpecError, match="takes a SessionManager"):
        Sessions(AsyncSessionManager())
    app.session_interface, app.testing = Sessions(), True
    app.add_url_rule("/read", "read", read)
    app.add_url_rule("/put", "put", put)
    browser = app.test_client()
    assert browser.get("/read").json == {}
    with pytest.raises(RuntimeError, match=r"sessions have no store: app\.config"):
        browser.get("/put?a=1")


def test_a_cookie_that_browsers_refuse():
    """Fails at the start, where the application is known by then."""
    app = flask.Flask("shop")
    app.config.update(SESSION_TRANSCODERS="memory:", SESSION_COOKIE_NAME="__Host-id")
    with pytest.raises(SpecError, match="secure"):
        Sessions(app)


def test_labels(made):
    """Where locks are learned, the route stands for all paths it matches; the statistics count every request."""
    labels = []

    def item(number):
        labels.append((flask.session.get("a"), session.held.request)[1])
        return str(number)

    def plain():
        return ""

    for mode in ("none", "auto"):
        app = made(put, plain, locking_mode=mode)
        app.add_url_rule("/item/<int:number>", "item", item)
        browser = app.test_client()
        for page in ("/plain", "/put?a=1", "/item/5"):
            browser.get(page)
        counters = app.session_interface.manager(app).statistics.counters
        assert (counters["requests_without_access"], counters["requests_with_change"]) == (1, 1)
    assert labels == ["GET /item/5", "GET /item/<int:number>"]


def test_a_session_before_the_route_is_known(made):
    """Converters of URLs may ask for it; the path is its name then."""
    from werkzeug.routing import BaseConverter

    class Mine(BaseConverter):
        def to_python(self, value):
            return f"{flask.session.get('user')}:{value}"

    app = made(put, locking_mode="auto")
    app.url_map.converters["mine"] = Mine
    app.add_url_rule("/of/<mine:what>", "of", lambda what: what)
    browser = app.test_client()
    browser.get("/put?user=ann")
    assert browser.get("/of/x").text == "ann:x"


def test_a_name_that_is_none(made, caplog):
    """An EncodeError where it is set."""

    def page():
        with pytest.raises(EncodeError):
            flask.session[5] = 1
        return token_hex(2)

    with caplog.at_level(logging.ERROR):
        assert made(page).test_client().get("/page").status_code == 200


def test_the_guide():
    """docs/web.md: login under a new id, other devices logged out, outages dressed."""
    url = servers.shared("valkey").url()
    app = guide.run("Flask", page="web.md", url=url)["app"]
    guide.run("Flask", 1, page="web.md", app=app)
    app.add_url_rule("/read", "read", read)
    app.add_url_rule("/down", "down", lambda: flask.abort(503))
    browser, other = app.test_client(), app.test_client()
    name = token_hex(4)
    for one in (browser, other):
        assert one.post(f"/login/{name}").text == "in"
    assert browser.post("/elsewhere").text == "1 ended"
    assert (browser.get("/read").json, other.get("/read").json) == ({"user": name}, {})
    assert browser.get("/down").text == "Back in a moment."
    app.session_interface.manager(app).close()
