"""Plain WSGI applications, by the contract of all faces, and what PEP 3333 alone has."""

import sys
from wsgiref.validate import validator

import pytest

from tests.asking import Answer
from tests.clock import VirtualClock
from tests.driving import Tap
from tests.web_contract import Face, FaceContract
from tests.web_pages import PAGES
from tests.web_replica import Browser, wsgi
from tests.web_rig import told
from transcoders.errors import DecodeError, LockTimeout, ReadOnly, SessionError, SpecError, StoreError
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.settings import settings
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.web import Cookie
from transcoders.web.wsgi import KEY, SessionMiddleware


class Wsgi(Face):
    """Applications without a framework."""

    name = "WSGI"

    def application(self, manager, cookie, pages):
        """See Face."""

        def app(environ, start_response):
            page, value = environ["PATH_INFO"][1:], environ["QUERY_STRING"]
            session = environ[KEY]
            if page == "stream":
                body = pages.stream(session, value)()
            elif page == "slow":
                body = [pages.slow(session, value).encode()]
            else:
                body = [(pages.show(page, session, value) if page in PAGES else "plain").encode()]
            start_response("200 OK", [("Content-Type", "application/json")])
            return body

        return SessionMiddleware(app, manager, cookie=cookie)


class TestWsgi(FaceContract):
    """The contract."""

    face = Wsgi()


@pytest.fixture
def tap():
    """A store that notes what is asked of it."""
    return Tap(MemoryStore(clock=VirtualClock()))


def begun(tap, **attributes):
    """A browser with a session in the store."""
    with SessionManager(tap, clock=VirtualClock()).session() as session:
        session.update(attributes)
    tap.asked()
    return Browser(session.sid)


def asked(app, tap, browser=None, path="/", method="GET", **options):
    """The answer of an application behind the middleware, and what the store was asked."""
    browser = browser or Browser()
    middleware = SessionMiddleware(app, SessionManager(tap, clock=VirtualClock()), **options)
    return browser.take(wsgi(middleware, path, browser.cookie, method)), tap.asked()


# How an application may answer


def test_an_application_may_be_a_generator(tap):
    """What it does before its first piece counts, though the server asked for that before it knew of the response."""

    def app(environ, start_response):
        environ[KEY]["a"] = 1
        start_response("200 OK", [])
        environ[KEY]["b"] = 2
        yield b"one "
        try:
            environ[KEY]["c"] = 3
        except ReadOnly:
            yield b"two"

    browser = Browser()
    answer, _ = asked(app, tap, browser)
    assert (told(answer), answer.body) == ("200, cookie set", b"one two")
    with SessionManager(tap, clock=VirtualClock()).session(browser.sid) as session:
        assert dict(session) == {"a": 1, "b": 2}


def test_an_application_may_write(tap):
    """With the callable that `start_response` returns, the response begins when something is written."""

    def app(environ, start_response):
        write = start_response("200 OK", [])
        environ[KEY]["a"] = 1
        write(b"one ")
        with pytest.raises(ReadOnly):
            environ[KEY]["b"] = 1
        write(b"two ")
        return [b"three"]

    answer, calls = asked(app, tap)
    assert (told(answer), answer.body, calls) == ("200, cookie set", b"one two three", ["create"])


def test_a_body_is_passed_through(tap):
    """The server gets the application's own object, which it may know how to send fast, and closes it."""

    class Body:
        """What `wsgi.file_wrapper` makes."""

        closed = 0

        def __iter__(self):
            return iter([b"file"])

        def close(self):
            self.closed += 1

    body = Body()

    def app(environ, start_response):
        start_response("200 OK", [])
        return body

    middleware = SessionMiddleware(app, SessionManager(tap))
    assert middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: None) is body
    asked(app, tap)
    assert body.closed == 1


def test_a_late_body_is_closed(tap):
    """A generator is closed by the server, whether it was read to its end or not."""
    closed = []

    def app(environ, start_response):
        try:
            start_response("200 OK", [])
            yield b"one"
            yield b"two"
        finally:
            closed.append(True)

    body = SessionMiddleware(app, SessionManager(tap))({"REQUEST_METHOD": "GET"}, lambda *_: None)
    assert next(iter(body)) == b"one"
    body.close()
    assert closed == [True]


def test_an_empty_body_has_a_cookie_too(tap):
    """A redirect after a login, whose body has no piece, neither from a list nor from a generator."""

    def plain(environ, start_response):
        environ[KEY].login("user:ann")
        start_response("303 See Other", [("Location", "/")])
        return []

    def late(environ, start_response):
        yield from plain(environ, start_response)

    for app in (plain, late):
        assert told(asked(app, tap)[0]) == "303, cookie set"


def test_an_error_behind_the_start_is_replaced(tap):
    """PEP 3333: `start_response` may be called again with an error, before anything is sent, and headers stay told."""

    def app(environ, start_response):
        start_response("200 OK", [])
        environ[KEY]["a"] = 1
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            start_response("500 Oh", [("X-Why", "broken")], sys.exc_info())
        return [b"sorry"]

    answer, calls = asked(app, tap)
    assert (told(answer), answer.header("x-why"), calls) == ("500", "broken", [])

    def late(environ, start_response):
        start_response("200 OK", [])
        environ[KEY]["a"] = 1
        yield b""
        start_response("404 No", [], sys.exc_info())
        yield b"no"

    answer, calls = asked(late, tap)
    assert (told(answer), answer.body, calls) == ("404, cookie set", b"no", ["create"])


def test_it_keeps_to_the_protocol(tap):
    """The validator of the standard library finds nothing, on either side."""

    def app(environ, start_response):
        environ[KEY]["a"] = environ[KEY].get("a", 0) + 1
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    middleware = validator(SessionMiddleware(validator(app), SessionManager(tap)))
    browser = Browser()
    for _ in range(2):
        browser.take(wsgi(middleware, "/", browser.cookie, "GET"))
    with SessionManager(tap).session(browser.sid) as session:
        assert session["a"] == 2


def test_an_application_that_never_answers(tap):
    """The session is let go of, and the server says what is missing."""

    def app(environ, start_response):
        environ[KEY]["a"] = 1
        return []

    with pytest.raises(IndexError):
        asked(app, tap)
    assert tap.asked() == []


# Failures


def test_a_body_that_is_refused_is_closed(tap):
    """When the session cannot be saved, the application's body is closed, and nobody sees it."""
    closed = []

    class Body(list):
        """A body that says when it is closed."""

        def close(self):
            closed.append(True)

    def app(environ, start_response):
        environ[KEY]["a"] = 1
        start_response("200 OK", [("X-Secret", "a")])
        return Body([b"secret"])

    tap.wrong["create"] = StoreError("the password is hunter2")
    answer, _ = asked(app, tap)
    assert told(answer) == "503, retry"
    assert answer.body.startswith(b"The session is not available")
    assert (answer.header("x-secret"), answer.header("cache-control"), closed) == ("", "no-store", [True])
    assert b"hunter2" not in answer.body
    assert asked(app, tap, method="HEAD")[0].body == b""


@pytest.mark.parametrize(("error", "outcome"), [(StoreError("x"), "503, retry"), (LockTimeout("x"), "503, retry")])
def test_a_framework_that_makes_a_page_of_the_error(tap, error, outcome):
    """A 500 that stands for a session that could not be read is a 503; a page that the application chose stays."""
    browser = begun(tap, user="ann")
    tap.wrong["load"] = error

    def app(environ, start_response):
        try:
            environ[KEY]["user"]
        except SessionError:
            start_response(f"{environ['PATH_INFO'][1:]} Oh", [])
            return [b"page"]
        raise AssertionError

    assert told(asked(app, tap, browser, "/500")[0]) == outcome
    for chosen in ("503", "200"):
        answer = asked(app, tap, browser, f"/{chosen}")[0]
        assert (told(answer), answer.body) == (chosen, b"page")


def test_a_store_that_comes_back_in_the_request(tap):
    """An application that tried again, and succeeded, is not told that it failed."""
    browser = begun(tap, user="ann")
    tap.wrong["load"] = StoreError("x")

    def app(environ, start_response):
        with pytest.raises(StoreError):
            environ[KEY]["user"]
        tap.wrong.clear()
        assert environ[KEY]["user"] == "ann"
        start_response("500 Something else", [])
        return []

    assert told(asked(app, tap, browser)[0]) == "500"


def test_mistakes_are_raised(tap):
    """What is wrong with the application, or the stored bytes, is an error that the server shows, and no 503."""
    browser = begun(tap, user="ann")

    def changing(environ, start_response):
        environ[KEY]["a"] = 1

    with pytest.raises(ReadOnly, match="request_uri_ignore_pattern"):
        wsgi(SessionMiddleware(changing, tap, request_uri_ignore_pattern="/.*"), "/", browser.cookie, "GET")

    def reading(environ, start_response):
        return environ[KEY]["user"]

    app = SessionMiddleware(reading, SessionManager(tap, "msgpack", clock=VirtualClock(), on_undecodable="raise"))
    tap.store.save(*_record(tap, browser))
    with pytest.raises(DecodeError):
        wsgi(app, "/", browser.cookie, "GET")


def _record(tap, browser):
    """What makes the record of the browser one that cannot be read."""
    from transcoders.sessions import ids

    key = ids.key(browser.sid)
    data = tap.store.load(key)
    return key, data[:36] + b"\xc1" * (len(data) - 36), data[4:12], 0


def test_a_deliberate_5xx_stores_nothing(tap):
    """As with an error: whoever shows one says that the request failed."""

    def app(environ, start_response):
        environ[KEY]["a"] = 1
        start_response("503 Later", [])
        return []

    answer, calls = asked(app, tap)
    assert (told(answer), calls) == ("503", [])


# Ids and headers


def test_ids_in_urls(tap):
    """With a parameter, cookies are neither read nor set, the application says the id, and caches keep nothing."""
    browser = begun(tap, user="ann")

    def app(environ, start_response):
        session = environ[KEY]
        start_response("200 OK", [("Cache-Control", "max-age=60")])
        return [str(session.get("user")).encode()]

    for path, cookie, user in (
        (f"/?sid={browser.sid}", "", b"ann"),
        (f"/?a=b&sid={browser.sid}&c=d", "", b"ann"),
        (f"/?xsid={browser.sid}", "", b"None"),
        ("/", browser.cookie, b"None"),
        (f"/?sid={'F' * 43}", "", b"None"),
        ("/?sid=%0d%0a", "", b"None"),
    ):
        middleware = SessionMiddleware(app, SessionManager(tap, clock=VirtualClock()), url_parameter="sid")
        answer = wsgi(middleware, path, cookie, "GET")
        assert (answer.body, answer.cookie("session")) == (user, None)
        assert (answer.header("cache-control"), answer.header("vary")) == ("max-age=60, private", "")


def test_an_application_links_to_its_session(tap):
    """Where ids are in URLs, the id is there as soon as the session was saved."""

    def app(environ, start_response):
        session = environ[KEY]
        session["a"] = 1
        middleware.manager.save(session)
        start_response("303 See Other", [("Location", f"/?sid={session.sid}")])
        return []

    middleware = SessionMiddleware(app, SessionManager(tap), url_parameter="sid")
    answer = wsgi(middleware, "/", "", "GET")
    assert tap.asked() == ["create"]
    with middleware.manager.session(answer.header("location").partition("=")[2]) as session:
        assert session["a"] == 1


def test_headers_of_the_application_stay(tap):
    """Its own cookies, Vary and Cache-Control are kept, and one header is made of several."""

    def app(environ, start_response):
        environ[KEY]["a"] = 1
        start_response(
            "200 OK",
            [("vary", "Accept"), ("Set-Cookie", "x=y"), ("VARY", "Origin"), ("Cache-Control", "max-age=60, no-cache")],
        )
        return []

    answer = asked(app, tap)[0]
    assert answer.header("vary") == "Accept, Origin, Cookie"
    assert answer.header("cache-control") == "max-age=60, no-cache, private"
    assert [value.partition("=")[0] for name, value in answer.headers if name == "set-cookie"] == ["x", "session"]


def test_raw_line_ends_get_nowhere(tap):
    """A header that no server would let through is no id either."""

    def app(environ, start_response):
        assert environ[KEY].get("user") is None
        start_response("200 OK", [])
        return []

    for header in (f"session={'F' * 20}\r\nSet-Cookie: x=y", f"session={'F' * 43}\r\n", f"session={'F' * 43}\0"):
        answer = wsgi(SessionMiddleware(app, tap), "/", header, "GET")
        assert (told(answer), tap.asked()) == ("200", [])


def test_a_request_is_named_by_method_and_path(tap):
    """Patterns of the policy go by it, without the query; an application that knows its routes names it better."""

    def app(environ, start_response):
        session = environ[KEY]
        assert session.request == "POST /shop/cart/5"
        session.request = "POST /shop/cart/{id}"
        session["a"] = 1
        start_response("200 OK", [])
        return []

    def mounted(environ, start_response):
        return middleware(environ | {"SCRIPT_NAME": "/shop", "PATH_INFO": "/cart/5"}, start_response)

    middleware = SessionMiddleware(app, SessionManager(tap, locking_mode="uriPattern:POST /shop/cart/{id}"))
    browser = begun(tap, user="ann")
    assert told(wsgi(mounted, "/x?y", browser.cookie, "POST")) == "200"
    assert tap.asked() == ["acquire", "save"]


# Configuration


def test_it_is_made_from_settings(tap, tmp_path, monkeypatch):
    """A URL with keywords, a file with settings, or a manager; each in one line."""

    def app(environ, start_response):
        environ["mine"]["a"] = 1
        start_response("200 OK", [])
        return []

    url = f"sqlite:{tmp_path / 'sessions.db'}"
    file = tmp_path / "sessions.toml"
    file.write_text(f'[session]\nstore = "{url}"\ntranscoder = "cbor"\nlocking_mode = "auto"\n', "utf-8")
    made = (
        SessionMiddleware(app, url, "cbor", key="mine", locking_mode="auto"),
        SessionMiddleware(app, settings(file=file, environ={}), key="mine"),
        SessionMiddleware(app, SessionManager(url, "cbor", locking_mode="auto"), key="mine"),
    )
    for middleware in made:
        assert repr(middleware.manager) == "<SessionManager sqlite cbor>"
        assert middleware.manager.policy.locking_mode == "auto"
        assert told(wsgi(middleware, "/", "", "GET")) == "200, cookie set"
        middleware.manager.close()


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((AsyncSessionManager(),), {}, "takes a SessionManager, not a AsyncSessionManager"),
        ((SessionManager(), "json"), {}, "has its settings already"),
        ((SessionManager(),), {"locking_mode": "all"}, "has its settings already"),
        ((settings(environ={}), "json"), {}, "the transcoder stands in the settings"),
        (("memory:",), {"cookie": "session"}, "cookie= takes a Cookie, not str"),
        (("memory:",), {"cookie": Cookie(), "url_parameter": "sid"}, "give cookie= or url_parameter="),
        (("memory:",), {"url_parameter": "a b"}, "a parameter's name is of letters"),
        (("memory:",), {"locking": "all"}, "did you mean 'locking_mode'"),
        (("nowhere:",), {}, "nowhere"),
    ],
)
def test_what_is_wrong_with_it_is_said_at_once(arguments, keywords, message):
    """A configuration that does not fit is a SpecError before the first request."""
    with pytest.raises(SpecError, match=message):
        SessionMiddleware(lambda *_: [], *arguments, **keywords)


def test_answers_are_those_of_the_driver():
    """The driver of the contract shows what a server would send."""
    answer = wsgi(lambda _, start: start("204 Gone", [("A", "b")]) and [], "/", "", "GET")
    assert answer == Answer(204, [("a", "b")], b"")
