"""Django: its own session engines and signed values over a transcoder, and nobody logged out by the change."""

import json
import pickle
from datetime import UTC, datetime
from secrets import token_hex

import pytest

from tests import child, django_site, guide, servers
from transcoders import DecodeError, EncodeError, peek

MODULE = "transcoders.embed.django"
OURS = f"{MODULE}.Serializer"
ENGINES = ("db", "file", "signed_cookies")


@pytest.fixture(scope="module", autouse=True)
def site():
    """The site's settings and database."""
    django_site.start()
    yield
    from django.db import connections

    connections.close_all()


@pytest.fixture
def switched():
    """Settings that hold until the test ends; called with more of them."""
    from django.test import override_settings

    entered = []

    def switch(**changes):
        entered.append(override_settings(**changes))
        entered[-1].enable()

    yield switch
    for one in reversed(entered):
        one.disable()


@pytest.fixture
def browser():
    """A browser that keeps its cookies, and shows errors as pages."""
    from django.test import Client

    return Client(raise_request_exception=True)


def stored(browser):
    """The session of the browser in the database, undone as Django signed it: the serializer's bytes."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.core import signing

    (row,) = Session.objects.filter(session_key=browser.cookies["sessionid"].value)

    class Bytes:
        @staticmethod
        def loads(data):
            return data

    return row, signing.loads(row.session_data, salt=SessionStore().key_salt, serializer=Bytes)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("spec", ["msgpack", {"spec": "cbor+zstd"}, "json"])
def test_the_change_logs_nobody_out(switched, browser, engine, spec):
    """A session that Django's JSON serializer wrote goes on under ours, and is written by ours from then on."""
    switched(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}")
    browser.get("/login")
    browser.get("/add?item=apple")
    switched(SESSION_SERIALIZER=OURS, TRANSCODERS=spec)
    assert browser.get("/who").json() == {"user": "ann", "cart": ["apple"]}
    browser.get("/add?item=pear")
    assert browser.get("/who").json() == {"user": "ann", "cart": ["apple", "pear"]}
    if engine == "db":
        assert peek(stored(browser)[1]).foreign is False


def test_values_of_the_session_value_set_come_back(switched):
    """What JSON refuses or changes comes back as it was."""
    from decimal import Decimal

    from django.contrib.sessions.backends.db import SessionStore

    switched(SESSION_SERIALIZER=OURS, TRANSCODERS="msgpack")
    session = {"at": datetime(2026, 1, 1, tzinfo=UTC), "price": Decimal("1.10"), 5: {"a"}, "place": (1, 2)}
    first = SessionStore()
    first.update(session)
    first.save()
    assert dict(SessionStore(first.session_key).items()) == session


def test_djangos_own_subclasses_are_stored_as_text(switched):
    """A SafeString is stored as a str, as Django's serializer does; with `plain` off it is refused."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils.safestring import mark_safe

    switched(SESSION_SERIALIZER=OURS, TRANSCODERS={})
    store = SessionStore()
    store["name"] = mark_safe("Ann")
    store.save()
    assert type(SessionStore(store.session_key)["name"]) is str
    switched(TRANSCODERS={"plain": False})
    with pytest.raises(EncodeError, match=r"\$\.name"):
        store.save()


def test_what_cannot_be_read_is_an_empty_session(switched, browser, caplog):
    """Signed bytes that are no frame give an anonymous page, no error, and a line in the log."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.core import signing

    browser.get("/login")
    switched(SESSION_SERIALIZER=OURS, TRANSCODERS="msgpack")

    class Bytes:
        @staticmethod
        def dumps(data):
            return data

    row, _ = stored(browser)
    for broken in (b"\xff", b"", pickle.dumps({"_auth_user_id": "1"}), b"\xc1T\x01", json.dumps([1]).encode()[:-1]):
        row.session_data = signing.dumps(broken, salt=SessionStore().key_salt, serializer=Bytes)
        row.save()
        assert browser.get("/who").json() == {"user": "", "cart": []}
        assert "stored bytes cannot be read: " in caplog.text
        caplog.clear()
    row.session_data = "!" * 50
    row.save()
    assert browser.get("/who").json()["user"] == ""
    assert "Session data corrupted" in caplog.text


def test_a_session_of_another_spec_goes_on(switched, browser):
    """From one spec of ours to the next, with `accept` for as long as the old sessions live."""
    switched(SESSION_SERIALIZER=OURS, TRANSCODERS="json")
    browser.get("/login")
    switched(TRANSCODERS="cbor")
    assert browser.get("/who").json()["user"] == ""
    switched(TRANSCODERS={"spec": "cbor", "accept": ["json"]})
    assert browser.get("/who").json()["user"] == "ann"


def test_a_seal_needs_no_decision(switched, browser, monkeypatch):
    """Django's signature vouches for the former sessions, so that a spec with a seal reads them at once."""
    monkeypatch.setenv("SITE_KEYS", "a key of more than sixteen bytes")
    browser.get("/login")
    switched(SESSION_SERIALIZER=OURS, TRANSCODERS="json+hmac:env=SITE_KEYS")
    assert browser.get("/who").json()["user"] == "ann"


def test_wrong_settings_fail_at_once():
    """A spec that is wrong is an error when Django makes its first session, and not an anonymous page."""
    code = (
        "from django.conf import settings\n"
        f"settings.configure(SESSION_SERIALIZER={OURS!r}, TRANSCODERS='jsn')\n"
        "from django.contrib.sessions.backends.signed_cookies import SessionStore\n"
        "try: SessionStore()\n"
        "except ValueError as error: print(type(error).__name__, error)\n"
    )
    assert child.run(code).startswith("SpecError there is no codec or transcoder 'jsn'")


def test_signed_values(switched):
    """`signing` takes the serializer: rich values in links and cookies, signed, compressed and dated by Django."""
    from django.core import signing

    from transcoders.embed.django import Serializer

    switched(TRANSCODERS="msgpack")
    text = signing.dumps({"id": (1, 2)}, salt="shop", serializer=Serializer, compress=True)
    assert signing.loads(text, salt="shop", serializer=Serializer, max_age=60) == {"id": (1, 2)}
    former = signing.dumps({"id": 1}, salt="shop")
    assert signing.loads(former, salt="shop", serializer=Serializer) == {"id": 1}
    with pytest.raises(signing.BadSignature):
        signing.loads(text, salt="other", serializer=Serializer)
    with pytest.raises(DecodeError):
        Serializer().loads(b"\xff")


# Through caches.


@pytest.fixture
def cached(switched):
    """Called with a kind of cache, and settings of the transcoder or a former serializer: sessions go through it."""
    prefix, location = token_hex(4), servers.shared("valkey").url()

    def switch(kind, given=None, former=None, engine="cache"):
        if kind == "django":
            backend, options = "django.core.cache.backends.redis.RedisCache", {}
            if given is not None:
                options["serializer"] = f"{MODULE}.CacheSerializer"
        else:
            backend, options = "django_redis.cache.RedisCache", {"SERIALIZER": former} if former else {}
            if given is not None:
                options |= {"SERIALIZER": "transcoders.embed.django_redis.Serializer", "TRANSCODERS": given}
        caches = {"default": {"BACKEND": backend, "LOCATION": location, "KEY_PREFIX": prefix, "OPTIONS": options}}
        switched(CACHES=caches, TRANSCODERS=given or {}, SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}")

    yield switch
    disconnect()


def disconnect():
    """Close the connections of the cache that the settings name."""
    from django.core.cache import cache

    for client in clients(cache):
        client.connection_pool.disconnect()


def clients(cache):
    """The clients of Redis that a cache of either kind has."""
    return [cache._cache.get_client()] if hasattr(cache, "_cache") else [cache.client.get_client()]


def raw(browser):
    """The client, and the key of the browser's session in it."""
    from django.core.cache import cache

    (client,) = clients(cache)
    (key,) = client.keys(f"*{browser.cookies['sessionid'].value}")
    return client, key


every_kind = pytest.mark.parametrize("kind", ["django", "django_redis"])


@every_kind
@pytest.mark.parametrize("engine", ["cache", "cached_db"])
def test_sessions_through_a_cache(cached, browser, kind, engine):
    """A cached session is a frame in Valkey, in whichever cache and engine."""
    cached(kind, "msgpack+zlib", engine=engine)
    browser.get("/login")
    browser.get("/add?item=apple")
    assert browser.get("/who").json() == {"user": "ann", "cart": ["apple"]}
    client, key = raw(browser)
    assert peek(client.get(key)).codec == "msgpack"


@every_kind
def test_pickles_in_a_cache_are_read_when_asked_for(cached, browser, kind):
    """Both caches pickle by default: those sessions go on where `accept` says so, read as data."""
    cached(kind)
    browser.get("/login")
    client, key = raw(browser)
    cookies = browser.cookies.copy()
    cached(kind, "json")
    assert browser.get("/who").json()["user"] == ""
    browser.cookies = cookies  # for Django has deleted it
    cached(kind, {"accept": ["raw-pickle"]})
    assert browser.get("/who").json()["user"] == "ann"
    browser.get("/add?item=apple")
    assert peek(client.get(key)).codec == "json"


@pytest.mark.parametrize("former", ["json.JSONSerializer", "msgpack.MSGPackSerializer"])
def test_django_redis_keeps_everybody_logged_in(cached, browser, former):
    """Sessions of django-redis's serializers of JSON and MessagePack go on."""
    cached("django_redis", former=f"django_redis.serializers.{former}")
    browser.get("/login")
    cached("django_redis", "cbor")
    assert browser.get("/who").json()["user"] == "ann"


@every_kind
@pytest.mark.parametrize("broken", [b"\xff\xfe", b"\xc1T\x01", b"", pickle.dumps({"_auth_user_id": "1"})])
def test_a_broken_cache_entry_is_no_session(cached, browser, kind, broken):
    """Whatever stands in the cache, the browser gets a page, is nobody, and can log in again."""
    cached(kind, "json")
    browser.get("/login")
    client, key = raw(browser)
    client.set(key, broken)
    assert browser.get("/who").json() == {"user": "", "cart": []}
    browser.get("/login")
    assert browser.get("/who").json()["user"] == "ann"


@every_kind
def test_caches_count(cached, kind):
    """Integers are digits, so that `incr` works, and other values come back with their types."""
    from django.core.cache import cache

    cached(kind, "msgpack")
    cache.set("visits", 5)
    assert cache.incr("visits") == 6
    assert cache.get("visits") == 6
    cache.set_many({"a": (1, 2), "b": True})
    assert cache.get_many(["a", "b", "c"]) == {"a": (1, 2), "b": True}


def test_a_serializer_of_its_own_settings():
    """Django's Redis cache also takes an instance, with settings of its own."""
    from transcoders.embed.django import CacheSerializer

    serializer = CacheSerializer("cbor")
    assert peek(serializer.dumps({"a": 1})).codec == "cbor"
    assert serializer.loads(serializer.dumps({"a": 1})) == {"a": 1}


# The guide.


def test_the_guide_on_sessions(switched, browser):
    """Two settings are all that it takes."""
    browser.get("/login")
    switched(**guide.settings("Django", 0))
    assert browser.get("/who").json()["user"] == "ann"
    browser.get("/add?item=apple")
    assert peek(stored(browser)[1]).codec == "msgpack"


def test_the_guide_on_signed_values(switched):
    """The block's own assertion holds, a datetime in it."""
    switched(TRANSCODERS="msgpack")
    assert guide.run("Django", 1, until=datetime(2026, 1, 1, tzinfo=UTC))["text"]


@pytest.mark.parametrize("block", [2, 3])
def test_the_guide_on_caches(switched, browser, monkeypatch, block):
    """The settings of either cache keep a session that was pickled."""
    monkeypatch.setenv("REDIS_URL", servers.shared("valkey").url(db=7))
    given = guide.settings("Django", block)
    default = given["CACHES"]["default"]
    switched(CACHES={"default": default | {"OPTIONS": {}}}, SESSION_ENGINE=given["SESSION_ENGINE"])
    browser.get("/login")
    switched(**given)
    assert browser.get("/who").json()["user"] == "ann"
    browser.get("/add?item=apple")
    client, key = raw(browser)
    assert peek(client.get(key)).codec == "msgpack"
    disconnect()
