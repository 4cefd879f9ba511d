"""A lock is kept while its request lives, and let go of however the request ends."""

import pytest

from transcoders.errors import Conflict, DecodeError, EncodeError, LockTimeout, SessionGone, StoreError
from transcoders.sessions import ids
from transcoders.sessions.merge import counter
from transcoders.sessions.saved import Saved


def free(driver):
    """Whether no lock is held, and nobody waits for one."""
    return driver.tap.store._locks._locks == {}


def test_a_lock_is_renewed_while_its_request_lives(driven):
    """From the moment that it is held until the request ends, however it ends."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    kept = driver.port._renewal._held.locks
    session = driver.held(sid)
    assert list(kept) == [session.token]
    driver.discard(session)
    assert kept == {}
    with driver.session(sid) as session:
        session["n"] += 1
        assert list(kept) == [session.token]
    assert kept == {}


def test_a_holder_that_was_too_slow_frees_nobody_elses_lock(driven):
    """Its lock is over and another's; its write is compared, and the other's lock stays."""
    driver = driven(locking_mode="all", lock_expiration=5.0, lock_timeout=0.0, on_lock_timeout="error")
    sid = driver.begun(n=0, theme="light")
    slow = driver.held(sid)
    driver.clock.advance(5.1)
    other = driver.held(sid)
    other["n"] += 1
    slow["theme"] = "dark"
    assert driver.save(slow) is Saved.WRITTEN
    with pytest.raises(LockTimeout), driver.session(sid) as session:
        _ = session["n"]
    assert driver.save(other) is Saved.WRITTEN
    assert driver.read(sid) == {"n": 1, "theme": "dark"}
    assert free(driver)


def test_a_busy_session_is_written_in_turn(driven):
    """Without locks, a write that found newer records takes the lock to put its changes on top of the next."""
    driver = driven(merge={"n": counter})
    sid = driver.begun(n=0)
    mine, theirs = driver.held(sid), driver.held(sid)
    mine["n"] += 1
    theirs["n"] += 1
    driver.save(theirs)
    real, left = driver.tap.store.save, [3]

    def interfere(*arguments):
        if left[0]:
            left[0] -= 1
            other = driver.manager._wire.read(driver.tap.store.load(arguments[0]), arguments[0])
            changed = other.build({"n": other.value("n") + 1}, int(driver.clock.now()))
            real(arguments[0], changed, other.etag, 0)

    driver.tap.wrong["save"] = interfere
    driver.tap.asked()
    assert driver.save(mine) is Saved.WRITTEN
    assert "acquire" in driver.tap.asked()
    assert driver.read(sid) == {"n": 5}
    assert free(driver)


# ------------------------------------------------------------------------------------------------ letting go


class Unstorable:
    """What no session can hold."""


def fails_to_encode(driver, session):
    """The session is given what it cannot hold."""
    session["n"] = Unstorable()
    with pytest.raises(EncodeError):
        driver.save(session)


def conflicts(driver, session):
    """Another request changed the same attribute."""
    key = session.key
    record = driver.manager._wire.read(driver.tap.store.load(key), key)
    driver.tap.store.save(key, record.build({"n": 7}, 0), record.etag, 0)
    session["n"] += 1
    with pytest.raises(Conflict):
        driver.save(session)


def goes(driver, session):
    """The session ended meanwhile."""
    session["n"] += 1
    driver.tap.store.delete(session.key)
    with pytest.raises(SessionGone):
        driver.save(session)


def fails_to_write(driver, session):
    """The store fails the write."""
    session["n"] += 1
    driver.tap.wrong["save"] = StoreError("cut")
    with pytest.raises(StoreError):
        driver.save(session)


def fails_to_touch(driver, session):
    """The store fails the touch."""
    driver.clock.advance(1.0)
    driver.tap.wrong["touch"] = StoreError("cut")
    with pytest.raises(StoreError):
        driver.save(session)


def fails_to_rotate(driver, session):
    """The store fails the new id."""
    driver.tap.wrong["move"] = StoreError("cut")
    with pytest.raises(StoreError):
        driver.rotate(session)
    driver.discard(session)


def fails_to_end(driver, session):
    """The store fails the logout."""
    driver.tap.wrong["move"] = StoreError("cut")
    with pytest.raises(StoreError):
        driver.destroy(session)
    driver.discard(session)


def ends(driver, session):
    """The session ends."""
    assert driver.destroy(session)
    assert driver.save(session) is Saved.SKIPPED


def moves(driver, session):
    """The session gets a new id."""
    assert driver.rotate(session)
    assert driver.save(session) is Saved.SKIPPED


def touches(driver, session):
    """Its end is put off."""
    assert driver.touch(session) is Saved.TOUCHED
    assert driver.save(session) is Saved.SKIPPED


def skips(driver, session):
    """Nothing happens."""
    assert driver.save(session) is Saved.SKIPPED


def discards(driver, session):
    """What was changed is thrown away."""
    session["n"] += 1
    driver.discard(session)


@pytest.mark.parametrize(
    "way",
    [
        *(fails_to_encode, conflicts, goes, fails_to_write, fails_to_touch, fails_to_rotate, fails_to_end),
        *(ends, moves, touches, skips, discards),
    ],
)
def test_every_end_of_a_request_lets_go_of_the_lock(driven, way):
    """No lock is held afterwards, none is renewed, and the next request has it at once."""
    settings = {"max_inactive_interval": 1, "touch_share": 1.0} if way is fails_to_touch else {}
    driver = driven(locking_mode="all", lock_timeout=0.0, on_lock_timeout="error", **settings)
    sid = driver.begun(n=0)
    way(driver, driver.held(sid))
    assert free(driver)
    assert driver.port._renewal._held.locks == {}


@pytest.mark.parametrize("on_undecodable", ["new", "raise"])
def test_a_record_that_cannot_be_read_leaves_no_lock(driven, on_undecodable):
    """Whether that is raised or begins a new session."""
    driver = driven(locking_mode="all", on_undecodable=on_undecodable)
    sid = driver.begun(n=0)
    key = ids.key(sid)
    driver.tap.store._records[key] = b"rubbish", float("inf")
    if on_undecodable == "raise":
        with pytest.raises(DecodeError):
            driver.held(sid)
    else:
        assert driver.held(sid).new
    assert free(driver)


def test_an_unknown_id_leaves_no_lock(driven):
    """The lock that was taken to read it is let go of at once, since the request goes on with a new session."""
    driver = driven(locking_mode="all")
    session = driver.held("A" * 43)
    assert session.new
    assert free(driver)
    driver.discard(session)


def test_a_lock_whose_reply_was_lost_is_let_go_of(driven):
    """The request fails, and no lock without an owner is left behind."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    driver.tap.lost["acquire"] = StoreError("cut")
    with pytest.raises(StoreError):
        driver.held(sid)
    assert free(driver)
    assert driver.counters["store_failures"] == 1
