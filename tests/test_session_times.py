"""Sessions end when they are idle, and at their age; requests put the end off, and pay little for it."""

from transcoders.sessions.saved import Saved

IDLE = 1800
SHARE = 180
"""A tenth of the idle time: a request that changes nothing puts the end off when so much of it has passed."""


def test_an_idle_session_ends(driven):
    """After the idle time and the touch share the record is gone, and its id is of no session."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.clock.advance(IDLE + SHARE - 1)
    assert driver.read(sid) == {"n": 0}
    driver.clock.advance(IDLE + SHARE)
    assert driver.read(sid) is None
    assert driver.counters["ids_unknown"] == 1


def test_reading_alone_keeps_a_session_alive(driven):
    """Requests that change nothing put the end off, without writing the record, for as long as they come."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.tap.asked()
    for _ in range(10):
        driver.clock.advance(IDLE / 2)
        with driver.session(sid) as session:
            assert session["n"] == 0
    assert driver.tap.asked() == ["load", "touch"] * 10
    assert driver.counters["touches"] == 10


def test_a_touch_is_due_after_a_share_of_the_idle_time(driven):
    """Before that nothing is sent; and what another process touched is not known, which costs a touch and no more."""
    driver = driven()
    sid = driver.begun(n=0)
    other = driven(tap=driver.tap, clock=driver.clock)
    driver.tap.asked()
    for manager, passed, verbs in [
        (driver, SHARE - 1, ["load"]),
        (driver, 1, ["load", "touch"]),
        (driver, 1, ["load"]),
        (other, 1, ["load", "touch"]),
        (driver, SHARE, ["load", "touch"]),
    ]:
        driver.clock.advance(passed)
        with manager.session(sid) as session:
            assert session["n"] == 0
        assert driver.tap.asked() == verbs


def test_a_write_puts_the_end_off_too(driven):
    """No touch is due right after a write, and the record lives on from it."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.clock.advance(IDLE)
    with driver.session(sid) as session:
        session["n"] = 1
    driver.clock.advance(IDLE)
    driver.tap.asked()
    with driver.session(sid) as session:
        assert session["n"] == 1
    assert driver.tap.asked() == ["load", "touch"]


def test_the_share_is_a_setting(driven):
    """touch_share=1 touches after the whole idle time, and lets a session live twice as long."""
    driver = driven(touch_share=1.0)
    sid = driver.begun(n=0)
    driver.tap.asked()
    driver.clock.advance(IDLE - 1)
    assert driver.read(sid) is not None
    with driver.session(sid) as session:
        assert session["n"] == 0
    assert "touch" not in driver.tap.asked()
    driver.clock.advance(IDLE - 1)
    with driver.session(sid) as session:
        assert session["n"] == 0
    assert "touch" in driver.tap.asked()


def test_a_session_may_live_from_its_last_change_on(driven):
    """touch_share=0: requests that change nothing put off nothing, and its principal keeps it in the list."""
    driver = driven(touch_share=0)
    with driver.session() as session:
        session.login("user:ann")
        session["n"] = 0
    sid = session.sid
    for _ in range(12):
        driver.clock.advance(IDLE - 1)
        with driver.session(sid) as session:
            session["n"] += 1
    assert len(driver.sessions_of("user:ann")) == 1
    driver.tap.asked()
    for _ in range(2):
        driver.clock.advance(IDLE / 2)
        with driver.session(sid) as session:
            session.get("n")
    assert driver.tap.asked() == ["load", "load"]
    assert driver.read(sid) is None


def test_a_session_ends_at_its_age_however_busy(driven):
    """The absolute timeout counts from the creation; neither touches nor writes put it off."""
    driver = driven(absolute_timeout=3600)
    sid = driver.begun(n=0)
    for n in range(1, 6):
        driver.clock.advance(600)
        with driver.session(sid) as session:
            session["n"] = n
    driver.clock.advance(599)
    assert driver.read(sid) == {"n": 5}
    driver.clock.advance(1)
    assert driver.read(sid) is None


def test_a_record_that_outlived_its_age_is_no_session(driven):
    """Where a store kept it for longer, it is counted as expired, told, and not served."""
    driver = driven(absolute_timeout=3600, max_inactive_interval=0)
    sid = driver.begun(n=0)
    key, (data, _end) = next(iter(driver.tap.store._records.items()))
    driver.tap.store._records[key] = data, float("inf")
    driver.clock.advance(3600)
    driver.told()
    assert driver.read(sid) is None
    assert driver.told() == ["expired"]
    assert driver.counters["expired"] == 1


def test_a_session_without_timeouts_never_ends(driven):
    """max_inactive_interval=0: no time to live, no touch, no rewriting."""
    driver = driven(max_inactive_interval=0)
    sid = driver.begun(n=0)
    driver.tap.asked()
    driver.clock.advance(10 * 365 * 86400)
    with driver.session(sid) as session:
        assert session["n"] == 0
    assert driver.tap.asked() == ["load"]


def test_a_session_may_have_times_of_its_own(driven):
    """A session with set_timeout ends after that, and others as before."""
    driver = driven()
    sid = driver.begun(n=0)
    with driver.session(sid) as session:
        session.set_timeout(idle=10, absolute=100)
    other = driver.begun(n=1)
    driver.clock.advance(12)
    assert driver.read(sid) is None
    assert driver.read(other) == {"n": 1}


def test_touch_puts_the_end_off_at_once(driven):
    """The verb does not wait for the share; it says TOUCHED, and SKIPPED where there is no session."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.clock.advance(5)
    session = driver.open(sid)
    assert driver.touch(session) is Saved.TOUCHED
    driver.discard(session)
    session = driver.open()
    assert driver.touch(session) is Saved.SKIPPED
    driver.discard(session)
    session = driver.open(sid)
    assert session["n"] == 0
    driver.destroy(sid)
    assert driver.touch(session) is Saved.SKIPPED
    driver.discard(session)
    assert driver.read(sid) is None
