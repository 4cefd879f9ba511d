"""Flask-Session over a transcoder and a real Valkey: the change logs nobody out, and broken records lock nobody out."""

import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from secrets import token_hex

import flask
import flask_session
import pytest
import redis
from cachelib import SimpleCache

from tests import guide, servers
from transcoders import EncodeError, Foreign, SpecError, peek
from transcoders.embed.flask_session import Session

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
BROKEN = (
    b"\xff", b"\xc1T\x01", b"[1, 2]", b"5", pickle.dumps({"user": "mallory"}), b"\x92\x01\x02", b"[" * 5000,
    json.dumps({"user": "ann"}).encode()[:-1],
)  # fmt: skip


@pytest.fixture(scope="module")
def client():
    """A client of the server of this run."""
    with redis.Redis(port=servers.shared("valkey").port) as connected:
        yield connected


@pytest.fixture
def site(client):
    """Makes the site, with its sessions where every site of the test has them."""
    prefix = f"{token_hex(4)}:"

    def make(extension, **settings):
        app = flask.Flask("shop")
        app.testing = True
        app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client, SESSION_KEY_PREFIX=prefix, **settings)
        extension(app)

        @app.get("/login")
        def login():
            flask.session.update(user="ann", at=MOMENT)
            return "in"

        @app.get("/add")
        def add():
            flask.session["cart"] = [*flask.session.get("cart", []), "apple"]
            return "more"

        @app.get("/rich")
        def rich():
            flask.session["rich"] = {"price": Decimal("1.10"), "roles": {"a"}, 5: (1, 2)}
            return "kept"

        @app.get("/bad")
        def bad():
            flask.session["bad"] = object()
            return "never"

        @app.get("/who")
        def who():
            return {name: repr(value) for name, value in flask.session.items() if name != "_permanent"}

        return app

    make.keys = lambda: client.keys(f"{prefix}*")
    return make


def moved(app, other):
    """A browser at another replica, with its cookies."""
    browser = other.test_client()
    for cookie in app._cookies.values():
        browser.set_cookie(cookie.key, cookie.value)
    return browser


@pytest.mark.parametrize("former", ["msgpack", "json"])
@pytest.mark.parametrize("spec", ["msgpack+zlib", {"spec": "json"}, "cbor"])
def test_the_change_logs_nobody_out(client, site, former, spec):
    """A session that Flask-Session wrote goes on under ours, and is written by ours from then on."""
    before = site(flask_session.Session, SESSION_SERIALIZATION_FORMAT=former).test_client()
    before.get("/login")
    after = moved(before, site(Session, TRANSCODERS=spec))
    shown = repr(MOMENT) if former == "msgpack" else repr("2026-01-01T00:00:00Z")
    assert after.get("/who").json == {"user": "'ann'", "at": shown}
    after.get("/add")
    (key,) = site.keys()
    assert peek(client.get(key)).codec == str(spec if isinstance(spec, str) else spec["spec"]).partition("+")[0]
    assert moved(after, site(Session, TRANSCODERS=spec)).get("/who").json["cart"] == "['apple']"


def test_values_come_back_with_their_types(site):
    """What msgspec would turn into texts and lists comes back as it was."""
    browser = site(Session, TRANSCODERS="msgpack").test_client()
    browser.get("/rich")
    assert browser.get("/who").json == {"rich": "{'price': Decimal('1.10'), 'roles': {'a'}, 5: (1, 2)}"}


def test_what_cannot_be_kept_is_told(site):
    """A value outside the session value set is an EncodeError with its path."""
    with pytest.raises(EncodeError, match=r"^\$\.bad: "):
        site(Session).test_client().get("/bad")


@pytest.mark.parametrize("broken", BROKEN, ids=lambda data: repr(data[:8]))
def test_a_broken_record_is_no_session(client, site, caplog, broken):
    """Whatever stands in the store, the browser gets a page and a new session, and nothing in it is run or believed."""
    app = site(Session, TRANSCODERS="msgpack")
    browser = app.test_client()
    browser.get("/login")
    (key,) = site.keys()
    client.set(key, broken)
    assert browser.get("/who").json == {}
    assert "stored bytes cannot be read: " in caplog.text
    assert client.get(key) == broken
    browser.get("/login")
    assert browser.get("/who").json["user"] == "'ann'"
    assert len(site.keys()) == 2


def test_an_error_when_asked_for(client, site):
    """With `on_undecodable` the error reaches the application instead."""
    browser = site(Session, TRANSCODERS={"on_undecodable": "raise"}).test_client()
    browser.get("/login")
    (key,) = site.keys()
    client.set(key, b"\xff\xfe")
    with pytest.raises(Foreign):
        browser.get("/who")


def test_the_factory_pattern(site):
    """The extension is made first and given its app later, as Flask's documentation has it."""
    browser = site(Session().init_app, TRANSCODERS="cbor").test_client()
    browser.get("/login")
    assert browser.get("/who").json["user"] == "'ann'"


@pytest.mark.filterwarnings("ignore:.*filesystem:DeprecationWarning")
@pytest.mark.parametrize("kind", ["filesystem", "cachelib"])
def test_stores_without_a_serializer_are_told(tmp_path, kind):
    """A session type that would ignore the transcoder is a SpecError that says where it goes instead."""
    app = flask.Flask("shop")
    app.config.update(
        SESSION_TYPE=kind, SESSION_FILE_DIR=str(tmp_path), SESSION_CACHELIB=SimpleCache(), TRANSCODERS="json"
    )  # fmt: skip
    with pytest.raises(SpecError, match=r"transcoders\.embed\.cachelib\.Serializer"):
        Session(app)


def test_wrong_settings_fail_at_start(site):
    """A spec that is wrong is a SpecError when the app is made."""
    with pytest.raises(SpecError, match="did you mean 'json'"):
        site(Session, TRANSCODERS="jsn")
    with pytest.raises(SpecError, match="set 'legacy' to True until"):
        site(Session, TRANSCODERS={"spec": "json+hmac", "keys": [b"k" * 16]})


def test_the_guide(client, monkeypatch):
    """The block of the guide makes an app whose sessions are ours."""
    monkeypatch.setenv("REDIS_URL", servers.shared("valkey").url())
    app = guide.run("Flask-Session")["app"]
    app.add_url_rule("/", view_func=lambda: str(flask.session.setdefault("visits", (1, 2))))
    browser = app.test_client()
    assert [browser.get("/").text, browser.get("/").text] == ["(1, 2)", "(1, 2)"]
    sid = browser.get_cookie("session").value
    assert peek(client.get(f"session:{sid}")).codec == "msgpack"
    app.config["SESSION_REDIS"].close()
