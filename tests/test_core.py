"""A request pays for what it touches: verbs of the store counted, settings and failures, on both kinds of manager."""

import pytest

from transcoders.errors import ReadOnly, SessionGone, StoreError, TooManySessions
from transcoders.sessions.saved import Saved

IDLE = 1800
SHARE = 180
"""A tenth of the idle time: a request that changes nothing puts the end off when so much of it has passed."""


# ------------------------------------------------------------------------------------------------ verbs of the store


def test_a_session_that_is_not_asked_for_anything_costs_no_verb():
    """Opening reads nothing in the manager for threads, and closing it then does nothing."""
    from tests.driving import Driver

    driver = Driver("sync")
    sid = driver.begun(cart=[1])
    driver.tap.asked()
    with driver.session(sid):
        pass
    assert driver.tap.asked() == []
    assert driver.counters["requests_without_access"] == 1
    driver.end()


def test_a_new_session_that_stays_empty_costs_no_verb(driven):
    """Without an id there is nothing to read, and without attributes nothing to store."""
    driver = driven()
    with driver.session() as session:
        assert not session
        assert session.get("user") is None
    assert driver.tap.asked() == []
    assert session.sid is None


def test_a_request_reads_once_and_writes_at_most_once(driven):
    """One load for a read, a load and a save for a change, however often attributes are asked for and set."""
    driver = driven()
    sid = driver.begun(n=0, cart=[1])
    assert driver.tap.asked() == ["create"]
    with driver.session(sid) as session:
        assert [session["n"], session["cart"], len(session), "x" in session] == [0, [1], 2, False]
    assert driver.tap.asked() == ["load"]
    with driver.session(sid) as session:
        session["n"] += 1
        session["n"] += 1
        session["cart"].append(2)
    assert driver.tap.asked() == ["load", "save"]
    assert driver.read(sid) == {"n": 2, "cart": [1, 2]}


def test_a_locked_request_takes_two_verbs(driven):
    """The lock comes with the record and goes with the write, or with a release where there is none."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    driver.tap.asked()
    with driver.session(sid, request="POST /n") as session:
        session["n"] += 1
    assert driver.tap.asked() == ["acquire", "save"]
    with driver.session(sid, request="GET /n") as session:
        assert session["n"] == 1
    assert driver.tap.asked() == ["acquire", "release"]


def test_setting_without_reading_is_stored(driven):
    """A request that only sets an attribute, a principal or a timeout changes the session it was given."""
    driver = driven()
    sid = driver.begun(n=0)
    with driver.session(sid) as session:
        session["theme"] = "dark"
    with driver.session(sid) as session:
        session.principal = "user:1"
    with driver.session(sid) as session:
        session.set_timeout(idle=60)
    assert driver.read(sid) == {"n": 0, "theme": "dark"}
    session = driver.open(sid)
    assert (session.principal, session.idle) == ("user:1", 60)
    driver.discard(session)


def test_setting_what_is_there_already_writes_nothing(driven):
    """An equal value of the same type is no change; another type is one."""
    driver = driven()
    sid = driver.begun(n=1, cart=[1])
    driver.tap.asked()
    with driver.session(sid) as session:
        session["n"], session["cart"] = 1, [1]
    assert driver.tap.asked() == ["load"]
    with driver.session(sid) as session:
        session["n"] = True
    assert driver.tap.asked() == ["load", "save"]
    assert driver.read(sid)["n"] is True


def test_a_session_may_be_saved_twice_in_a_request(driven):
    """The second save stores what changed since the first, on top of it."""
    driver = driven()
    sid = driver.begun(n=0, cart=[])
    driver.tap.asked()
    session = driver.open(sid)
    session["cart"].append(1)
    assert driver.save(session) is Saved.WRITTEN
    assert driver.save(session) is Saved.SKIPPED
    session["cart"].append(2)
    assert driver.save(session) is Saved.WRITTEN
    assert driver.tap.asked() == ["load", "save", "save"]
    assert driver.read(sid) == {"n": 0, "cart": [1, 2]}


def test_an_exception_in_the_block_stores_nothing(driven):
    """What the request changed is gone, and its lock is free."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    driver.tap.asked()
    with pytest.raises(ZeroDivisionError), driver.session(sid) as session:
        session["n"] = session["n"] / 0
    with pytest.raises(KeyError), driver.session(sid) as session:
        session["n"] = session["m"]
    assert driver.tap.asked() == ["acquire", "release"] * 2
    with driver.session(sid) as session:
        assert session["n"] == 0


# ------------------------------------------------------------------------------------------------ the end of a session


def test_a_destroyed_session_is_gone_for_all(driven):
    """The record is gone, the id is of no session, and a request under way cannot bring it back."""
    driver = driven()
    sid = driver.begun(n=0)
    reader, writer = driver.open(sid), driver.open(sid)
    assert reader["n"] == 0
    writer["n"] += 1
    assert driver.destroy(sid) is True
    assert driver.destroy(sid) is False
    driver.clock.advance(SHARE)
    assert driver.save(reader) is Saved.SKIPPED
    with pytest.raises(SessionGone):
        driver.save(writer)
    assert driver.read(sid) is None
    assert driver.counters["gone"] == 1
    assert driver.counters["deletes"] == 1


def test_a_session_destroyed_in_its_own_request_stays_so(driven):
    """What the request set before is not stored at its end, and its lock is free."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    driver.tap.asked()
    with driver.session(sid) as session:
        session["n"] += 1
        assert driver.destroy(session) is True
    assert driver.tap.asked() == ["acquire", "move"]
    assert driver.read(sid) is None


def test_destroying_what_is_no_session_does_nothing(driven):
    """A new session, an id that cannot be one, and an unknown one: False, and no event."""
    driver = driven()
    with driver.session() as session:
        assert driver.destroy(session) is False
    assert driver.destroy("x" * 43) is False
    assert driver.destroy("; DROP TABLE") is False
    assert driver.told() == []
    assert driver.counters["deletes"] == 0


# ------------------------------------------------------------------------------------------------ settings


def test_so_many_sessions_may_be_open(driven):
    """One more is refused and counted; one that was saved, discarded or forgotten makes room."""
    driver = driven(max_active_sessions=2)
    sid = driver.begun(n=0)
    first, second = driver.open(sid), driver.open()
    with pytest.raises(TooManySessions):
        driver.open()
    assert driver.counters["rejected"] == 1
    assert driver.destroy(sid) is True
    driver.save(first)
    third = driver.open()
    driver.discard(third)
    fourth = driver.open()
    del second, fourth
    assert not driver.open()
    assert not driver.open()


def test_an_ignored_request_reads_and_nothing_else(driven):
    """It sees the session, without a lock and without a touch; a change is refused, and what was there stays."""
    driver = driven(request_uri_ignore_pattern=r".*\.(js|css)", locking_mode="all")
    sid = driver.begun(n=0)
    driver.clock.advance(IDLE / 2)
    driver.tap.asked()
    with driver.session(sid, request="GET /app/x.js?v=1") as session:
        assert session["n"] == 0
    assert driver.tap.asked() == ["load"]
    with pytest.raises(ReadOnly), driver.session(sid, request="GET /x.css") as session:
        session["n"] = 1
    with pytest.raises(ReadOnly), driver.session(sid, request="GET /x.css") as session:
        driver.rotate(session)
    with pytest.raises(ReadOnly), driver.session(None, request="GET /x.css") as session:
        session["n"] = 1
    assert driver.read(sid) == {"n": 0}
    assert driver.counters["creates"] == 1


def test_only_attributes_of_the_filter_are_stored(driven):
    """Others last for the request; to set one of them alone writes nothing."""
    driver = driven(session_attribute_filter="user|cart.*")
    sid = driver.begun(user=1, cart_id=2, scratch=3)
    assert driver.read(sid) == {"user": 1, "cart_id": 2}
    driver.tap.asked()
    with driver.session(sid) as session:
        session["scratch"] = 4
        assert session["scratch"] == 4
    assert driver.tap.asked() == ["load"]


def test_a_manager_that_is_not_enabled_stores_nothing(driven):
    """Every request has an empty session of its own, and no verb is sent, not by rotate either."""
    driver = driven(enabled=False)
    with driver.session("A" * 43) as session:
        assert not session
        session["n"] = 1
        assert driver.rotate(session)
        assert session["n"] == 1
    assert session.sid is None
    assert driver.destroy(session) is False
    assert driver.tap.asked() == []


def test_without_statistics_all_works_the_same(driven):
    """enable_statistics=False: no numbers, the same sessions."""
    driver = driven(enable_statistics=False)
    sid = driver.begun(n=0)
    assert driver.read(sid) == {"n": 0}
    assert driver.manager.statistics is None


# ------------------------------------------------------------------------------------------------ a store that fails

CUT = StoreError("cut")


def test_a_store_that_fails_is_told_by_default(driven):
    """StoreError reaches the request, is counted, and the session is there again with the store."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.tap.wrong["load"] = CUT
    with pytest.raises(StoreError), driver.session(sid) as session:
        _ = session["n"]
    assert driver.counters["store_failures"] == 1
    driver.tap.wrong.clear()
    assert driver.read(sid) == {"n": 0}


def test_a_store_that_fails_may_leave_the_request_anonymous(driven):
    """on_store_failure=anonymous: an empty session that refuses changes; the id is not taken for a dead one."""
    driver = driven(on_store_failure="anonymous")
    sid = driver.begun(n=0)
    driver.tap.wrong["load"] = CUT
    with driver.session(sid) as session:
        assert not session
        assert session.adrift
        assert session.sid == sid
        with pytest.raises(ReadOnly):
            session["n"] = 1
    driver.tap.wrong.clear()
    assert driver.read(sid) == {"n": 0}
    assert driver.counters["store_failures"] == 1


def test_a_logout_while_the_store_fails_is_no_silent_success(driven):
    """A session that could not be read is ended all the same, or the failure is told."""
    driver = driven(on_store_failure="anonymous")
    sid = driver.begun(n=0)
    driver.tap.wrong["load"] = CUT
    with driver.session(sid) as session:
        assert not session
        driver.tap.wrong["move"] = CUT
        with pytest.raises(StoreError):
            driver.destroy(session)
        driver.tap.wrong.clear()
        assert driver.destroy(session) is True
    assert driver.read(sid) is None


def test_a_write_that_fails_is_told_and_may_be_repeated(driven):
    """StoreError reaches the request; the session keeps its changes, and saving it again stores them."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    session = driver.open(sid)
    session["n"] += 1
    driver.tap.wrong["save"] = CUT
    with pytest.raises(StoreError):
        driver.save(session)
    assert driver.tap.store._locks._locks == {}
    driver.tap.wrong.clear()
    assert driver.save(session) is Saved.WRITTEN
    assert driver.read(sid) == {"n": 1}


def test_an_unknown_outcome_is_counted_as_such(driven):
    """A write whose reply was lost is told with `unknown`, and has its own counter."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.tap.lost["save"] = StoreError("cut", unknown=True)
    with pytest.raises(StoreError) as caught, driver.session(sid) as session:
        session["n"] += 1
    assert caught.value.unknown
    driver.tap.lost.clear()
    assert driver.counters["unknown_outcomes"] == 1
    assert driver.read(sid) == {"n": 1}
