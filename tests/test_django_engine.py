"""Django's session engine by the contract of `SessionBase`, each verb called and awaited; after Django's own tests."""

import asyncio
import inspect
import threading
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.test import override_settings
from django.utils import timezone

from tests import child, django_site, servers
from tests.clock import VirtualClock
from transcoders import EncodeError
from transcoders.errors import Conflict, SessionError, StoreError
from transcoders.sessions import MemoryStore
from transcoders.sessions.ids import LENGTH, valid
from transcoders.web import django
from transcoders.web.django import SessionStore

UNKNOWN = "F" * LENGTH
AGE = 1000


@pytest.fixture(scope="module", autouse=True)
def site():
    """The site's settings and database."""
    django_site.start()
    yield
    from django.db import connections

    connections.close_all()


@pytest.fixture(autouse=True)
def switched():
    """Settings of an engine in memory, until the test ends; called with more of them."""
    entered = []

    def switch(**changes):
        entered.append(override_settings(**changes))
        entered[-1].enable()

    switch(SESSION_ENGINE="transcoders.web.django", TRANSCODERS_SESSION="memory:", SESSION_COOKIE_AGE=AGE)
    yield switch
    for one in reversed(entered):
        one.disable()


class Asked:
    """A session whose verbs are called, or awaited in a loop, and are named as if they were called."""

    def __init__(self, runner, store):
        self.runner, self.store = runner, store

    def __getattr__(self, name):
        found = getattr(self.store, f"a{name}", None) if self.runner else None
        if found is None:
            return getattr(self.store, name)
        return lambda *arguments, **named: self.runner.run(found(*arguments, **named))

    def set(self, name, value):
        """Set an attribute."""
        if self.runner:
            self.runner.run(self.store.aset(name, value))
        else:
            self.store[name] = value


@pytest.fixture(params=["called", "awaited"])
def runner(request):
    """A loop that awaits, which ends before the connections do; or None."""
    if request.param == "called":
        yield None
    else:
        with asyncio.Runner() as runner:
            yield runner


@pytest.fixture
def backend(runner):
    """What makes sessions."""
    return lambda key=None: Asked(runner, SessionStore(key))


@pytest.fixture
def session(backend):
    """A new session."""
    return backend()


def test_a_new_session(session):
    """It was neither changed nor asked for anything."""
    assert (session.modified, session.accessed) == (False, False)
    assert session.session_key is None
    assert session.is_empty()


def test_what_is_not_there(session):
    """`get` gives None."""
    assert session.get("cat") is None
    assert session.get("cat", "dog") == "dog"


def test_store(session):
    """What is set is there, and the session is changed."""
    session.set("cat", "dog")
    assert session.modified
    assert session.pop("cat") == "dog"


def test_pop(session):
    """What was there, the default or a KeyError; popping nothing changes nothing."""
    session.set("some key", "exists")
    session.save()
    session.store.modified = False
    assert session.pop("some key") == "exists"
    assert session.modified
    session.store.modified = False
    assert session.pop("some key", "none") == "none"
    assert session.pop("some key", default="none") == "none"
    assert session.modified is False
    with pytest.raises(KeyError):
        session.pop("some key")


def test_setdefault(session):
    """It sets what is not there, and leaves what is."""
    assert session.setdefault("foo", "bar") == "bar"
    assert session.setdefault("foo", "baz") == "bar"
    assert (session.accessed, session.modified) == (True, True)


def test_update(session):
    """Several at once."""
    session.update({"update key": 1})
    assert (session.accessed, session.modified) == (True, True)
    assert session.get("update key") == 1


def test_reading_changes_nothing(session):
    """`has_key`, `keys`, `values` and `items` only ask."""
    session.set("x", 1)
    session.store.modified = session.store.accessed = False
    assert session.has_key("x")
    assert list(session.keys()) == ["x"]
    assert list(session.values()) == [1]
    assert list(session.items()) == [("x", 1)]
    assert (session.accessed, session.modified) == (True, False)


@pytest.mark.parametrize("read", [False, True])
def test_clear(backend, read):
    """It is empty, and keeps its key; what was never read is not read for it by then."""
    first = backend()
    first.update({"x": 1, "y": [2]})
    first.save()
    session = backend(first.session_key)
    if read:
        session.get("x")
    session.clear()
    assert (session.accessed, session.modified, session.is_empty()) == (True, True, False)
    session.save()
    assert list(session.items()) == []
    assert list(backend(session.session_key).items()) == []
    assert backend().exists(session.session_key)


def test_save(backend, session):
    """It gets a key, and is there."""
    session.set("x", 1)
    session.save()
    assert valid(session.session_key)
    assert session.exists(session.session_key)
    assert backend(session.session_key).get("x") == 1


def test_save_of_nothing_makes_a_key(backend, session):
    """An empty session is stored when it is told to: `if not session.session_key: session.save()`."""
    session.save()
    assert session.exists(session.session_key)
    again = backend(session.session_key)
    assert list(again.items()) == []
    assert again.session_key == session.session_key


def test_delete(session):
    """By its key, or as it is."""
    for arguments in (lambda: [session.session_key], list):
        session.create()
        key = session.session_key
        session.delete(*arguments())
        assert not session.exists(key)
        session.store._session_key = None
        session.delete()  # there is none


def test_delete_another(backend, session):
    """The session of another key is ended, and this one goes on; what is no key is none."""
    session.set("x", 1)
    session.save()
    other = backend()
    other.create()
    session.delete(other.session_key)
    session.delete("no key")
    assert not session.exists(other.session_key)
    assert session.exists(session.session_key)


def test_flush(session):
    """It is ended at once, and a new one that has nothing begins."""
    session.set("foo", "bar")
    session.save()
    before = session.session_key
    session.flush()
    assert not session.exists(before)
    assert session.session_key is None
    assert (session.accessed, session.modified, session.is_empty()) == (True, True, True)
    session.set("message", "bye")
    session.save()
    assert session.session_key not in {None, before}
    assert dict(session.items()) == {"message": "bye"}


def test_flush_of_one_that_was_not_read(backend, session):
    """The same."""
    session.create()
    unread = backend(session.session_key)
    unread.flush()
    assert not session.exists(session.session_key)
    assert unread.session_key is None


def test_flush_without_a_session(session):
    """Nothing is ended."""
    session.flush()
    assert session.is_empty()


def test_cycle(backend, session):
    """Another key at once, and the same attributes; what was set before is stored."""
    session.update({"a": "c", "b": "d"})
    session.save()
    before = session.session_key
    session.set("late", 1)
    session.cycle_key()
    assert session.session_key != before
    assert not session.exists(before)
    assert dict(session.items()) == {"a": "c", "b": "d", "late": 1}
    assert dict(backend(session.session_key).items()) == {"a": "c", "b": "d", "late": 1}


def test_cycle_of_one_that_was_not_read(backend, session):
    """The same."""
    session.update({"a": "c", "b": "d"})
    session.save()
    unread = backend(session.session_key)
    assert not hasattr(unread.store, "_session_cache")
    unread.cycle_key()
    assert dict(unread.items()) == {"a": "c", "b": "d"}
    assert dict(unread.store._session_cache) == {"a": "c", "b": "d"}


def test_cycle_of_a_new_one(session):
    """It is stored, and has a key."""
    session.set("a", 1)
    session.cycle_key()
    assert session.exists(session.session_key)


def test_cycle_of_one_that_is_gone(backend, session):
    """SessionInterrupted, whatever the middleware: nothing brings it back."""
    session.set("a", 1)
    session.save()
    other = backend(session.session_key)
    other.get("a")
    session.flush()
    with pytest.raises(SessionInterrupted):
        other.cycle_key()


def test_saving_keeps_what_is_held(session):
    """What was set is there after, and may be changed on."""
    session.set("a", ["b"])
    session.save()
    assert session.get("a") == ["b"]
    session.get("a").append("c")
    assert session.modified
    session.save()
    session.set("d", 1)
    session.save()
    assert session.load() == {"a": ["b", "c"], "d": 1}


@pytest.mark.parametrize("key", ["1", "12345678", "", "a" * 32, "x" * 300, UNKNOWN[1:] + "\0"])
def test_a_malformed_key(backend, key):
    """It is no key: the session is new, and gets one of its own."""
    session = backend(key)
    assert session.session_key is None
    assert session.get("cat") is None
    session.save()
    assert session.session_key != key
    assert not session.exists(key)
    session.delete()


def test_the_key_is_read_only(session):
    """As in Django."""
    with pytest.raises(AttributeError):
        session.store.session_key = "x"


def test_loading_an_unknown_key(backend):
    """Nothing is stored for it, and the key is not taken."""
    session = backend(UNKNOWN)
    assert session.session_key == UNKNOWN
    assert session.load() == {}
    assert session.session_key is None
    assert not session.exists(UNKNOWN)


def test_saving_under_an_unknown_key(backend):
    """It gets another."""
    session = backend(UNKNOWN)
    session.set("a", 1)
    session.save()
    assert session.session_key != UNKNOWN


def test_a_session_that_was_ended_elsewhere_stays_so(backend):
    """UpdateError, and nothing is stored."""
    first = backend()
    first.set("a", "one")
    first.save(must_create=True)
    second = backend(first.session_key)
    second.set("b", "two")
    first.delete()
    with pytest.raises(UpdateError):
        second.save()
    assert first.load() == {}
    first.set("a", 1)
    first.save()  # it has begun anew, as `load` said


def test_saving_after_deleting(session):
    """UpdateError too."""
    session.set("a", 1)
    session.save()
    session.delete()
    session.set("a", 2)
    with pytest.raises(UpdateError):
        session.save()


def test_must_create(session):
    """CreateError where there is one."""
    session.set("a", 1)
    session.save(must_create=True)
    with pytest.raises(CreateError):
        session.save(must_create=True)


def test_create_keeps_what_is_held(backend, session):
    """A second session with the same in it; the first goes on."""
    session.set("a", [1])
    session.save()
    first = session.session_key
    session.create()
    assert session.session_key != first
    assert dict(backend(session.session_key).items()) == dict(backend(first).items()) == {"a": [1]}


@pytest.mark.parametrize("verb", ["save", "create"])
def test_whose_it_is_is_kept(session, verb):
    """What a login said stays, when the session is first stored and when it is created again."""
    session.set("a", 1)
    session.store.held.principal = f"user:{verb}"
    getattr(session, verb)()
    session.create()
    assert len(django.manager().sessions_of(f"user:{verb}")) == 2


def test_test_cookies(session):
    """Set, seen, and deleted."""
    assert not session.test_cookie_worked()
    session.set_test_cookie()
    assert session.test_cookie_worked()
    session.delete_test_cookie()
    assert not session.test_cookie_worked()


def test_two_writers(backend, session):
    """Different attributes are both stored; the same one is a Conflict, and the first stays."""
    session.update({"n": 0, "m": 0})
    session.save()
    first, second, third = (backend(session.session_key) for _ in range(3))
    for one, name in ((first, "n"), (second, "m"), (third, "n")):
        one.set(name, one.get(name) + 1)
    first.save()
    second.save()
    with pytest.raises(Conflict):
        third.save()
    assert session.load() == {"n": 1, "m": 1}


# When it ends


def test_the_usual_end(session):
    """SESSION_COOKIE_AGE, and not at the close of the browser."""
    assert session.get_expiry_age() == AGE
    assert not session.get_expire_at_browser_close()
    session.set_expiry(0)
    assert session.get_expiry_age() == AGE
    assert session.get_expire_at_browser_close()
    session.set_expiry(None)
    assert session.get_expiry_age() == AGE
    assert not session.get_expire_at_browser_close()


@pytest.mark.parametrize(
    "value", [10, timedelta(seconds=10), lambda now: now + timedelta(seconds=10)], ids=["seconds", "after", "at"]
)
def test_another_end(session, value):
    """Seconds, a timedelta or a date."""
    now = timezone.now()
    session.set_expiry(value(now) if callable(value) else value)
    assert session.get_expiry_date(modification=now) >= now + timedelta(seconds=10)
    assert session.get_expiry_age(modification=now) == 10
    session.save()
    assert session.get_expiry_age() in {9, 10}


def test_an_expiry_that_is_given(session):
    """As an argument, without asking the session."""
    now = timezone.now()
    assert session.get_expiry_age(modification=now, expiry=5) == 5
    assert session.get_expiry_date(modification=now, expiry=None) == now + timedelta(seconds=AGE)


def test_close_of_the_browser(switched, session):
    """By the setting, or by the session."""
    switched(SESSION_EXPIRE_AT_BROWSER_CLOSE=True)
    assert session.get_expire_at_browser_close()
    session.set_expiry(10)
    assert not session.get_expire_at_browser_close()


@pytest.mark.parametrize("value", [-5, timedelta(seconds=-5)])
@pytest.mark.parametrize("stored", [False, True])
def test_an_end_that_is_over(backend, session, value, stored):
    """It is gone at once."""
    session.set("foo", "bar")
    if stored:
        session.save()
    session.set_expiry(value)
    session.save()
    assert not session.exists(session.session_key)
    assert backend(session.session_key).get("foo") is None


@pytest.fixture
def timed(switched, backend, monkeypatch):
    """A clock that is moved, for the store and for Django."""
    clock = VirtualClock()
    sites = []

    def start(**changes):
        switched(**changes)
        sites.append(django.Site({"store": MemoryStore(clock=clock)}, clock=clock))
        monkeypatch.setattr("transcoders.web.django.reading.site", lambda: sites[-1])
        return clock

    monkeypatch.setattr(timezone, "now", lambda: datetime.fromtimestamp(clock.now(), UTC))
    return start


def test_it_lives_from_the_last_change(timed, backend, session):
    """Reading puts nothing off, as in Django."""
    clock = timed()
    one = backend()
    one.set("n", 1)
    one.save()
    for _ in range(3):
        clock.advance(AGE - 1)
        again = backend(one.session_key)
        again.set("n", again.get("n") + 1)
        again.save()
    clock.advance(AGE - 1)
    assert backend(one.session_key).get("n") == 4
    clock.advance(2)
    assert backend(one.session_key).get("n") is None


def test_it_lives_from_the_last_request(timed, backend):
    """With SESSION_SAVE_EVERY_REQUEST, where Django saves what was only read."""
    clock = timed(SESSION_SAVE_EVERY_REQUEST=True)
    one = backend()
    one.set("n", 1)
    one.save()
    for _ in range(5):
        clock.advance(AGE * 0.9)
        again = backend(one.session_key)
        assert again.get("n") == 1
        again.save()
    clock.advance(AGE * 1.2)
    assert backend(one.session_key).get("n") is None


def test_it_lives_until_a_date(timed, backend):
    """However busy, and for the usual time again when that is taken back."""
    clock = timed()
    one = backend()
    one.set_expiry(timedelta(seconds=5 * AGE))
    one.save()
    kept = backend(one.session_key)
    for _ in range(4):
        clock.advance(AGE * 1.1)
        kept = backend(one.session_key)
        kept.set("n", 1)
        kept.save()
    other = backend()
    other.update(dict(kept.items()))
    other.save()
    other.set_expiry(None)
    other.save()
    clock.advance(AGE * 0.7)
    assert backend(one.session_key).get("n") is None
    assert backend(other.session_key).get("n") == 1


# Values and errors


def test_values_of_any_type(session):
    """Dates, decimals, sets, tuples, keys that are not text: what JSON could not hold comes back as it was."""
    from decimal import Decimal

    values = {"at": timezone.now(), "price": Decimal("1.10"), "tags": {"a"}, "place": (1, 2), "by": {5: b"x"}}
    session.update(values)
    session.save()
    assert session.load() == values


def test_djangos_own_subclasses(backend, session):
    """Choices and SafeStrings are stored as what they are made of, as Django always did."""
    from django.db.models import TextChoices
    from django.utils.safestring import mark_safe

    class Color(TextChoices):
        RED = "r", "Red"

    session.set("color", Color.RED)
    session.set("names", [mark_safe("Ann")])
    session.save()
    found = backend(session.session_key)
    assert (found.get("color"), type(found.get("color"))) == ("r", str)
    assert type(found.get("names")[0]) is str
    found.get("names").append(mark_safe("Bob"))
    assert found.modified
    found.cycle_key()
    assert backend(found.session_key).get("names") == ["Ann", "Bob"]


def test_what_no_session_holds(session):
    """An EncodeError with its path, before anything is stored."""
    session.set("thread", [threading.Lock()])
    with pytest.raises(EncodeError, match=r"\$\.thread\[0\]"):
        session.save()
    assert session.session_key is None


def test_encode_and_decode(switched, session):
    """Django's, by SESSION_SERIALIZER, for code that has sessions as text."""
    text = session.encode({"a": 1})
    assert session.decode(text) == {"a": 1}
    assert session.decode("bad") == {}
    switched(SESSION_SERIALIZER="transcoders.embed.django.Serializer")
    assert session.decode(session.encode({"a": (1,)})) == {"a": (1,)}


def test_clear_expired(session):
    """Nothing to do: stores do it."""
    session.clear_expired()
    assert SessionStore.clear_expired() is None


def test_a_store_that_is_down(switched, backend):
    """The error comes out of every verb, asked once, and is no empty session."""
    with servers.running("valkey") as server:
        switched(TRANSCODERS_SESSION={"store": server.url(), "operation_timeout": 0.2})
        session = backend()
        session.set("a", 1)
        session.save()
        unread, other = backend(session.session_key), backend()
    for verb in (unread.get, unread.pop, unread.has_key):
        with pytest.raises(StoreError):
            verb("a")
    assert unread.session_key == session.session_key
    assert not unread.is_empty()
    assert unread.modified is False
    for verb in (session.flush, session.cycle_key, other.create, lambda: session.exists(session.session_key)):
        with pytest.raises(SessionError):
            verb()


def test_what_would_block_an_event_loop(backend):
    """Is refused as Django refuses queries; what was read before may be used."""

    async def run():
        session = SessionStore()
        await session.aset("a", 1)
        assert session["a"] == 1
        session["b"] = 2
        await session.asave()
        unread = SessionStore(session.session_key)
        for verb in (lambda: unread["a"], unread.save, unread.flush, unread.cycle_key, unread.create):
            with pytest.raises(SynchronousOnlyOperation, match="await its methods"):
                verb()
        return session.session_key

    key = asyncio.run(run())
    assert dict(SessionStore(key).items()) == {"a": 1, "b": 2}


def test_loops_leave_no_connection(switched):
    """A loop that ends closes what was opened in it, and the next has its own; async_to_sync has one for each call."""
    from asgiref.sync import async_to_sync

    with servers.running("valkey") as server:
        switched(TRANSCODERS_SESSION=server.url())
        session = SessionStore()
        session["n"] = 0
        session.save()

        async def count():
            again = SessionStore(session.session_key)
            await again.aset("n", await again.aget("n") + 1)
            await again.asave()

        for _ in range(3):
            async_to_sync(count)()
        assert SessionStore(session.session_key)["n"] == 3
        assert django.site()._loops == {}
        switched(TRANSCODERS_SESSION="memory:")


def test_threads_and_loops_share_a_store_in_memory():
    """One process, one store."""
    session = SessionStore()
    session["n"] = 1
    session.save()

    async def read():
        return await SessionStore(session.session_key).aget("n")

    assert asyncio.run(read()) == 1


def test_locks_outside_of_requests(switched):
    """Nobody says when a script is done with a session, so it lets go of the lock when it has read it."""
    switched(
        TRANSCODERS_SESSION={"store": "memory:", "locking_mode": "all", "lock_timeout": 0, "on_lock_timeout": "error"}
    )
    session = SessionStore()
    session["n"] = 1
    session.save()
    first, second = SessionStore(session.session_key), SessionStore(session.session_key)
    assert first["n"] == second["n"] == 1


def test_every_verb_of_django_is_there():
    """Whatever a session of Django has, this one has too, with the same arguments."""
    from django.contrib.sessions.backends.base import SessionBase

    for name, theirs in inspect.getmembers(SessionBase, inspect.isfunction):
        ours = getattr(SessionStore, name)
        assert inspect.iscoroutinefunction(ours) is inspect.iscoroutinefunction(theirs), name
        if not name.startswith("_") and ours is not theirs:
            assert [*inspect.signature(ours).parameters] == [*inspect.signature(theirs).parameters], name


# Settings


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "sessions have no store: TRANSCODERS_SESSION"),
        (5, "TRANSCODERS_SESSION takes a mapping of settings, or the URL of a store, not int"),
        ("nowhere:", "nowhere"),
        ({"store": "memory:", "transcoder": "jsn"}, "jsn"),
        ({"store": "memory:", "lock_mode": "all"}, "did you mean 'locking_mode'"),
        ({"store": "memory:", "max_inactive_interval": 5}, "Django has SESSION_COOKIE_AGE"),
        ({"store": "memory:", "schema": "tests.nowhere:Cart"}, "schema 'tests.nowhere:Cart' is not there"),
    ],
)
def test_wrong_settings(switched, given, told):
    """ImproperlyConfigured, with what is wrong."""
    switched(TRANSCODERS_SESSION=given)
    with pytest.raises(ImproperlyConfigured, match=told):
        SessionStore()


def test_wrong_settings_fail_at_the_start():
    """When Django imports the engine, and not with the first request: here, locks that nobody lets go of."""
    code = (
        "from django.conf import settings\n"
        "settings.configure(SESSION_ENGINE='transcoders.web.django',\n"
        "    TRANSCODERS_SESSION={'store': 'memory:', 'locking_mode': 'all'},\n"
        "    MIDDLEWARE=['django.contrib.sessions.middleware.SessionMiddleware'])\n"
        "try: import transcoders.web.django\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    told = "'locking_mode' in TRANSCODERS_SESSION needs 'transcoders.web.django.SessionMiddleware' in MIDDLEWARE"
    assert child.run(code).startswith(f"ImproperlyConfigured {told}")


def test_settings_that_are_objects(switched):
    """A store, a type of the session, merge functions by name or as such."""
    store = MemoryStore()
    switched(
        TRANSCODERS_SESSION={
            "store": store, "schema": "tests.test_django_engine:Shop", "merge": {"n": "counter"}, "transcoder": "cbor",
        }
    )  # fmt: skip
    session = SessionStore()
    session["n"] = 1
    session.save()
    assert session["n"] == 1
    session["n"] = "one"
    with pytest.raises(EncodeError):
        session.save()
    assert repr(django.manager()) == "<SessionManager memory cbor>"


class Shop(TypedDict):
    """The type of a session."""

    n: int
