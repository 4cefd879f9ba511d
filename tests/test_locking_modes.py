"""Which requests lock, how long they wait, and what they do when they wait in vain."""

import pytest

from transcoders.errors import LockTimeout, ReadOnly
from transcoders.sessions import ids
from transcoders.sessions.merge import counter
from transcoders.sessions.saved import Saved

READ, WRITE = "GET /cart", "POST /cart"


def free(driver):
    """Whether no lock is held, and nobody waits for one."""
    return driver.tap.store._locks._locks == {}


def locked(driver, sid, request):
    """Whether a request took the lock to read the session."""
    driver.tap.asked()
    with driver.session(sid, request=request) as session:
        assert session["n"] is not None
    return "acquire" in driver.tap.asked()


# ------------------------------------------------------------------------------------------------ modes


@pytest.mark.parametrize(("mode", "expected"), [("none", False), ("all", True)])
def test_none_and_all(driven, mode, expected):
    """Every request locks, or none does."""
    driver = driven(locking_mode=mode)
    sid = driver.begun(n=0)
    assert [locked(driver, sid, request) for request in (READ, WRITE, "")] == [expected] * 3


@pytest.mark.parametrize(
    ("pattern", "request_", "expected"),
    [
        ("/cart", READ, True),
        ("/cart", "GET /cart?x=1", True),
        ("/cart", "GET /cart/1", False),
        ("/(cart|user).*", "GET /user/1", True),
        ("POST .*", WRITE, True),
        ("POST .*", READ, False),
        ("POST /cart", "POST /cart?next=/x", True),
    ],
)
def test_a_pattern_matches_the_path_or_the_method_and_the_path(driven, pattern, request_, expected):
    """As a whole, without the query string."""
    driver = driven(locking_mode=f"uriPattern:{pattern}")
    assert locked(driver, driver.begun(n=0), request_) is expected


def test_auto_learns_which_requests_only_read(driven):
    """After three requests of a name that changed nothing the fourth takes no lock, whatever its query string is."""
    driver = driven(locking_mode="auto")
    sid = driver.begun(n=0)
    assert [locked(driver, sid, f"{READ}?page={page}") for page in range(5)] == [True] * 3 + [False] * 2
    assert locked(driver, sid, WRITE)


def test_auto_locks_a_request_that_writes(driven):
    """A name that wrote once locks from then on, however often it only reads afterwards."""
    driver = driven(locking_mode="auto")
    sid = driver.begun(n=0)
    for _ in range(3):
        assert locked(driver, sid, WRITE)
    with driver.session(sid, request=WRITE) as session:
        session["n"] += 1
    assert [locked(driver, sid, WRITE) for _ in range(5)] == [True] * 5


def test_auto_forgets_after_six_hours(driven):
    """A writer that only reads since then may become a reader, and a reader is looked at again."""
    driver = driven(locking_mode="auto", max_inactive_interval=0)
    sid = driver.begun(n=0)
    with driver.session(sid, request=WRITE) as session:
        session["n"] += 1
    for _ in range(4):
        locked(driver, sid, READ)
    assert not locked(driver, sid, READ)
    driver.clock.advance(6 * 3600 + 1)
    assert locked(driver, sid, READ)
    assert [locked(driver, sid, WRITE) for _ in range(4)] == [True] * 3 + [False]


def test_auto_takes_a_login_for_a_write(driven):
    """Giving the session a new id is a change, though the attributes are as they were."""
    driver = driven(locking_mode="auto")
    sid = driver.begun(n=0)
    for _ in range(4):
        with driver.session(sid, request="POST /login") as session:
            sid = driver.rotate(session)
    assert locked(driver, sid, "POST /login")


def test_auto_always_locks_a_request_without_a_name(driven):
    """There is nothing to remember about it."""
    driver = driven(locking_mode="auto")
    sid = driver.begun(n=0)
    assert [locked(driver, sid, "") for _ in range(5)] == [True] * 5


def test_auto_that_guessed_wrong_loses_nothing(driven):
    """A request taken for a reader that writes is caught by the version, merged, and locks from then on."""
    driver = driven(locking_mode="auto", merge={"n": counter})
    sid = driver.begun(n=0)
    while locked(driver, sid, READ):
        pass
    one, other = driver.held(sid, request=READ), driver.held(sid, request=READ)
    one["n"] += 1
    other["n"] += 1
    assert [driver.save(one), driver.save(other)] == [Saved.WRITTEN] * 2
    assert driver.read(sid) == {"n": 2}
    assert locked(driver, sid, READ)
    assert driver.counters["merges"] == 1


@pytest.mark.parametrize("mode", ["none", "all", "auto", "uriPattern:/cart"])
def test_reading_keeps_a_session_alive_in_every_mode(driven, mode):
    """The touch at the end of a request lets go of the lock as well, where there is one."""
    driver = driven(locking_mode=mode)
    sid = driver.begun(n=0)
    driver.tap.asked()
    for _ in range(6):
        driver.clock.advance(900)
        with driver.session(sid, request=READ) as session:
            assert session["n"] == 0
        assert len(driver.tap.asked()) == 2
    assert free(driver)


def test_a_new_session_needs_no_lock(driven):
    """Nobody else knows it."""
    driver = driven(locking_mode="all")
    driver.begun(n=0)
    assert driver.tap.asked() == ["create"]


# ------------------------------------------------------------------------------------------------ waiting


def test_a_waiter_gets_the_lock_when_it_is_let_go_of(driven):
    """It reads what the holder wrote, and both are stored."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    key, store = ids.key(sid), driver.tap.store
    record = driver.manager._wire.read(store.acquire(key, "holder", 5000).data, key)
    driver.port.meanwhile = lambda: store.save(key, record.build({"n": 1}, 0), record.etag, 0, "holder")
    with driver.session(sid) as session:
        session["n"] += 1
    assert driver.read(sid) == {"n": 2}
    assert driver.port.waits == [pytest.approx(1.0)]
    assert driver.counters["locks_waited"] == 1
    assert driver.counters["conflicts"] == 0
    assert free(driver)


def test_waiting_is_bounded_by_lock_timeout(driven):
    """After so many seconds the request has waited in vain, which is counted."""
    driver = driven(locking_mode="all", lock_timeout=3.5, on_lock_timeout="error")
    sid = driver.begun(n=0)
    holder = driver.held(sid)
    before = driver.clock.now()
    with pytest.raises(LockTimeout, match=r"3\.5 s"), driver.session(sid) as session:
        _ = session["n"]
    assert driver.clock.now() - before == pytest.approx(3.5)
    assert driver.counters["lock_timeouts"] == 1
    driver.discard(holder)
    assert free(driver)


def test_waiting_in_vain_may_go_on_without_the_lock(driven):
    """on_lock_timeout=proceed: the write is compared all the same, and merged."""
    driver = driven(locking_mode="all", on_lock_timeout="proceed")
    sid = driver.begun(n=0, theme="light")
    holder = driver.held(sid)
    holder["n"] += 1
    with driver.session(sid) as session:
        session["theme"] = "dark"
    driver.save(holder)
    assert driver.read(sid) == {"n": 1, "theme": "dark"}
    assert free(driver)


def test_waiting_in_vain_may_leave_the_session_read_only(driven):
    """on_lock_timeout=read-only: what is there is read, a change is refused."""
    driver = driven(locking_mode="all", on_lock_timeout="read-only")
    sid = driver.begun(n=0)
    holder = driver.held(sid)
    with driver.session(sid) as session:
        assert session["n"] == 0
        with pytest.raises(ReadOnly, match="lock"):
            session["n"] = 1
    driver.discard(holder)
    assert free(driver)


def test_a_change_made_before_the_session_turned_out_read_only_is_refused():
    """What was set before anything was read is not stored without the lock, and that is told."""
    from tests.driving import Driver

    driver = Driver("sync", locking_mode="all", on_lock_timeout="read-only")
    sid = driver.begun(n=0)
    holder = driver.held(sid)
    session = driver.open(sid)
    session["n"] = 1
    with pytest.raises(ReadOnly):
        driver.save(session)
    driver.discard(holder)
    assert driver.read(sid) == {"n": 0}
    assert free(driver)
    driver.end()


def test_those_who_wait_are_counted_while_they_do(driven):
    """By the session, and no longer than they wait."""
    driver = driven(locking_mode="all", max_lock_waiters=1, on_lock_timeout="error")
    sid = driver.begun(n=0)
    key, store, seen = ids.key(sid), driver.tap.store, []
    waiting = driver.manager._core._holding._waiting

    def meanwhile():
        seen.extend((name, len(tokens)) for name, tokens in waiting.items())
        store.release(key, "holder")

    store.acquire(key, "holder", 5000)
    driver.port.meanwhile = meanwhile
    with driver.session(sid) as session:
        assert session["n"] == 0
    assert seen == [(key, 1)]
    assert waiting == {}


def test_one_more_waiter_is_refused_at_once(driven):
    """The bound counts requests of the process that wait for the same session."""
    driver = driven(locking_mode="all", max_lock_waiters=1, on_lock_timeout="error")
    sid = driver.begun(n=0)
    holder = driver.held(sid)
    driver.manager._core._holding._waiting[ids.key(sid)] = {"somebody"}
    with pytest.raises(LockTimeout), driver.session(sid) as session:
        _ = session["n"]
    assert driver.port.waits == []
    driver.discard(holder)
    assert free(driver)


def test_the_lock_of_a_dead_process_is_free_after_its_time(driven):
    """A waiter asks again right when the holder's time is over."""
    driver = driven(locking_mode="all", lock_timeout=10.0, lock_expiration=5.0, on_lock_timeout="error")
    sid = driver.begun(n=0)
    driver.tap.store.acquire(ids.key(sid), "dead", 5000)
    before = driver.clock.now()
    with driver.session(sid) as session:
        session["n"] += 1
    assert 5.0 <= driver.clock.now() - before < 5.1
    assert driver.read(sid) == {"n": 1}
