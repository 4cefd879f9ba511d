"""The managers as a whole: what they count and tell, threads that share one, and what they are not given."""

import logging
import sys
import threading
from contextlib import closing

import pytest

from tests.driving import Driver
from transcoders.errors import Conflict, SessionError, SpecError
from transcoders.sessions import ids
from transcoders.sessions.events import COUNTERS, KINDS
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.merge import counter
from transcoders.sessions.ports import Capabilities
from transcoders.sessions.runtime import InPlace
from transcoders.sessions.saved import Saved
from transcoders.sessions.stores.memory import MemoryStore

SOON = 10.0
"""Seconds in which anything here happens, on a machine however slow."""


# ------------------------------------------------------------------------------------------------ counted and told


def test_everything_is_counted_once(driven):
    """A small life of sessions, and what each counter says afterwards; others are zero."""
    driver = driven(merge={"n": counter})
    with driver.session() as session:
        assert not session
    sid = driver.begun(n=0, cart=[])
    with driver.session(sid) as session:
        assert session["n"] == 0
    with driver.session(sid) as session:
        session["n"] += 1
    mine = driver.held(sid)
    mine["n"] += 1
    with driver.session(sid) as session:
        session["n"] += 1
    driver.save(mine)
    driver.clock.advance(200)
    with driver.session(sid) as session:
        assert session["n"] == 3
    with driver.session(sid) as session:
        sid = driver.rotate(session)
    with driver.session(sid) as session:
        driver.destroy(session)
    with driver.session(sid) as session:
        assert not session
    with driver.session("rubbish") as session:
        assert not session
    counted = driver.counters
    sizes = {name: counted.pop(name) for name in list(counted) if name.endswith("_bytes")}
    assert counted == {
        "requests_without_session": 2, "requests_with_session": 8, "ids_malformed": 1, "ids_unknown": 1,
        "requests_without_change": 6, "requests_with_change": 4, "requests_without_access": 1,
        "loads": 7 - (driver.kind == "sync"), "creates": 1, "saves": 3, "touches": 1, "rotations": 1, "deletes": 1,
        "conflicts": 1, "merges": 1, "locks": 1,
    }  # fmt: skip
    assert set(sizes) <= set(COUNTERS)


def test_the_numbers_are_measured(driven):
    """Sizes and times of what was read and written, as many as there were."""
    driver = driven()
    sid = driver.begun(n=0, cart=[])
    with driver.session(sid) as session:
        session["n"] += 1
    found = driver.manager.statistics.snapshot()["distributions"]
    assert found["loaded_bytes"]["count"] == found["load_seconds"]["count"] == 1
    assert found["saved_bytes"]["count"] == found["save_seconds"]["count"] == 2
    assert found["loaded_bytes"]["total"] == len(driver.tap.store.load(ids.key(sid))) - 4
    assert (found["encode_seconds"]["count"], found["decode_seconds"]["count"]) == (1, 0)  # a number is no segment


def test_what_was_decoded_counts_once(driven):
    """A request that saves twice has decoded once."""
    driver = driven()
    session = driver.open(driver.begun(cart=[1]))
    assert session["cart"] == [1]
    driver.save(session)
    session["n"] = 1
    driver.save(session)
    found = driver.manager.statistics.snapshot()
    assert found["counters"]["decoded_bytes"] == len(session.record.stored("cart"))
    assert found["distributions"]["decode_seconds"]["count"] == 1


def test_decoding_and_ending_are_measured(driven):
    """How long values took that are no scalars, once for a request; and how long it took to end a session."""
    driver = driven()
    sid = driver.begun(cart=[1], path=["a"])
    for _ in range(2):
        with driver.session(sid) as session:
            assert (session["cart"], session["path"]) == ([1], ["a"])
    assert driver.destroy(sid)
    assert not driver.destroy(sid)
    found = driver.manager.statistics.snapshot()["distributions"]
    assert (found["decode_seconds"]["count"], found["delete_seconds"]["count"]) == (2, 1)


def test_waiting_is_measured(driven):
    """How long a request waited for its lock; one that did not wait is not in it."""
    driver = driven(locking_mode="all", lock_timeout=10.0, lock_expiration=2.0)
    sid = driver.begun(n=0)
    driver.discard(driver.held(sid))
    driver.tap.store.acquire(ids.key(sid), "dead", 2000)
    driver.discard(driver.held(sid))
    found = driver.manager.statistics.snapshot()["distributions"]["lock_seconds"]
    assert found["count"] == 1
    assert 2.0 <= found["total"] < 2.1
    assert (driver.counters["locks"], driver.counters["locks_waited"]) == (2, 1)


def test_listeners_are_told_in_the_request(driven, caplog):
    """Each of them, in order; what one raises is logged, and stops neither the others nor the request."""
    driver, seen = driven(), []

    def fails(_event):
        raise ZeroDivisionError

    driver.manager.on("created", fails)
    driver.manager.on("created", lambda event: seen.append(event.request))
    with driver.session(None, request="POST /x") as session:
        session["n"] = 1
    assert seen == ["POST /x"]
    assert [event.kind for event in driver.events] == ["created"]
    assert "ZeroDivisionError" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


def test_there_are_no_other_events(driven):
    """A name that is no event is refused, with those that are."""
    driver = driven()
    with pytest.raises(SpecError, match=", ".join(KINDS)):
        driver.manager.on("logout", print)


def test_no_event_holds_an_id(driven):
    """Whatever happens to a session, what is told is its key."""
    driver = driven()
    sid = driver.begun(n=0)
    mine = driver.held(sid)
    mine["n"] += 1
    with driver.session(sid) as session:
        session["n"] += 2
    with pytest.raises(Conflict):
        driver.save(mine)
    with driver.session(sid) as session:
        new = driver.rotate(session)
    driver.destroy(new)
    assert driver.events
    assert not any(secret in str(event) for event in driver.events for secret in (sid, new))


def test_a_manager_shows_no_secret():
    """Its store by name and its spec; no address, no keys."""
    with SessionManager("memory:", "json+hmac", keys=[b"sixteen secret bytes"]) as manager:
        assert repr(manager) == "<SessionManager memory json+hmac>"


def test_a_wrong_configuration_is_told_at_once():
    """An unknown setting with the nearest name, a value out of range, an unknown store."""
    with pytest.raises(SpecError, match="locking_mode"):
        SessionManager("memory:", lockingmode="all")
    with pytest.raises(SpecError, match="lock_timeout"):
        SessionManager("memory:", lock_timeout=-1)
    with pytest.raises(SpecError):
        SessionManager("nowhere:")


# ------------------------------------------------------------------------------------------------ several managers


def test_processes_share_what_is_in_the_store(driven):
    """A session of one manager is read, changed and ended by another."""
    driver = driven(locking_mode="all")
    other = driven(tap=driver.tap, clock=driver.clock)
    sid = driver.begun(n=0)
    for n, manager in enumerate([other, driver, other]):
        with manager.session(sid) as session:
            assert session["n"] == n
            session["n"] += 1
    assert other.destroy(sid) is True
    assert driver.read(sid) is None


def test_sync_and_async_share_what_is_in_the_store():
    """A manager for threads and one for asyncio, over one store."""
    driver = Driver("sync")
    other = Driver("async", tap=driver.tap, clock=driver.clock)
    sid = driver.begun(n=0)
    with other.session(sid) as session:
        session["n"] += 1
    assert driver.read(sid) == {"n": 1}
    driver.end()
    other.end()


# ------------------------------------------------------------------------------------------------ threads


@pytest.fixture
def hasty():
    """Threads take turns after a few microseconds, so that they meet in the middle of things."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(count, work):
    """Run the work in so many threads at once; what each returned or raised."""
    results = [None] * count
    start = threading.Barrier(count)

    def run(at):
        start.wait(SOON)
        try:
            results[at] = work(at)
        except Exception as error:  # noqa: BLE001 - it is looked at by the test
            results[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()
    return results


@pytest.mark.parametrize(
    "settings",
    [
        {"locking_mode": "all", "lock_timeout": 60.0, "on_lock_timeout": "error"},
        {"locking_mode": "auto", "lock_timeout": 60.0, "merge": {"n": counter}},
        {"merge": {"n": counter}},
    ],
    ids=["all", "auto", "merge"],
)
@pytest.mark.usefixtures("hasty")
def test_threads_lose_no_increment(settings):
    """Eight threads count in one session, through one manager and through two; nothing is lost or doubled."""
    store = MemoryStore()
    with SessionManager(store, **settings) as manager, SessionManager(store, **settings) as other:
        with manager.session() as session:
            session["n"] = 0

        def work(at):
            for _ in range(25):
                with (manager, other)[at % 2].session(session.sid, request="POST /n") as mine:
                    mine["n"] += 1

        assert together(8, work) == [None] * 8
        with manager.session(session.sid) as found:
            assert found["n"] == 200


@pytest.mark.usefixtures("hasty")
def test_a_waiting_thread_is_woken():
    """Not when it looks again, but when the lock is let go of."""
    with SessionManager("memory:", locking_mode="all", lock_timeout=60.0, on_lock_timeout="error") as manager:
        with manager.session() as session:
            session["n"] = 0
        holder = manager.open(session.sid)
        holder["n"] += 1
        waiting = manager._core._holding._waiting

        def work(at):
            if at:
                with manager.session(session.sid) as mine:
                    mine["n"] += 1
                return
            while not waiting:
                pass
            manager.save(holder)

        assert together(2, work) == [None, None]
        with manager.session(session.sid) as found:
            assert found["n"] == 2
    assert manager.statistics.counters["locks_waited"] == 1


@pytest.mark.usefixtures("hasty")
def test_threads_read_one_session_without_a_lock():
    """Many at once, each with a session object of its own."""
    with SessionManager("memory:") as manager:
        with manager.session() as session:
            session["cart"] = list(range(100))

        def work(_at):
            found = []
            for _ in range(20):
                with manager.session(session.sid) as mine:
                    found.append(sum(mine["cart"]))
            return set(found)

        assert together(8, work) == [{4950}] * 8
        assert manager.statistics.counters["loads"] == 160


# ------------------------------------------------------------------------------------------------ the wrong store


class _Never:
    """What is waited for in vain."""

    def __await__(self):
        yield


def test_a_store_for_asyncio_is_told_from_one_for_threads():
    """Where the manager is made, with what to give instead."""
    with pytest.raises(SpecError, match="other kind"):
        SessionManager(InPlace(MemoryStore()))


def test_one_that_is_not_known_by_its_type_is_told_at_its_first_verb():
    """The guard throws the suspended coroutine away, and it lets go of its lock by the time of it."""

    class Foreign:
        """A port of somebody else's, for asyncio."""

        def __init__(self):
            self.forgotten, self.capabilities = [], Capabilities("foreign")

        def now(self):
            return 0.0

        tick = now

        async def acquire(self, key, token, ttl, /):
            await _Never()

        async def load(self, key, /):
            await _Never()

        async def wait(self, key, token, seconds, /):
            """Nothing."""

        async def shield(self, work, /):
            raise AssertionError("nothing can be waited for when a coroutine is thrown away")

        def keep(self, key, token, ttl, /):
            """Nothing."""

        def forget(self, token, /):
            self.forgotten.append(token)

    port = Foreign()
    manager = SessionManager(port, locking_mode="all")
    session = manager.open("A" * 43)
    with pytest.raises(SessionError, match="AsyncSessionManager"):
        _ = session["n"]
    assert len(port.forgotten) == 1
    assert session.token == ""


def test_a_closed_manager_may_be_closed_again():
    """Close, the end of the block, and close once more."""
    with closing(SessionManager("memory:")) as manager, manager:
        assert manager.save(manager.open()) is Saved.SKIPPED
