"""A new id at login, an end at logout: asked for in a request, done when its session is saved, undone by what fails."""

import pytest

from tests.driving import KINDS_OF_MANAGER, Driver
from transcoders import errors
from transcoders.errors import ReadOnly, SessionError, SessionGone, StoreError
from transcoders.sessions.saved import Saved


@pytest.fixture
def made():
    """What makes managers, and closes them."""
    drivers = []

    def make(*arguments, **settings):
        drivers.append(Driver(*arguments, **settings))
        return drivers[-1]

    yield make
    for one in drivers:
        one.end()


@pytest.fixture(params=KINDS_OF_MANAGER)
def driver(request, made):
    """A manager of each kind."""
    return made(request.param)


def test_login_takes_one_write(driver):
    """Principal, attributes and the new id are stored in one step, and the old id is dead."""
    sid = driver.begun(cart=["tea"])
    driver.tap.asked()
    with driver.session(sid) as session:
        session.login("user:ann")
        session["user"] = "ann"
        assert (session.sid, session.principal) == (sid, "user:ann")
    assert driver.tap.asked() == ["load", "link", "move"]
    assert session.sid != sid
    assert driver.read(sid) is None
    assert driver.read(session.sid) == {"cart": ["tea"], "user": "ann"}
    assert [one.key for one in driver.sessions_of("user:ann")] == [session.key]
    assert not session.renewed


def test_login_needs_no_session(driver):
    """Without a session, or with an id that none has, login begins one."""
    for sid in (None, "F" * 43):
        with driver.session(sid) as session:
            session.login("user:ann")
        assert session.sid not in {None, sid}
        assert driver.read(session.sid) == {}
    assert len(driver.sessions_of("user:ann")) == 2


@pytest.mark.parametrize("principal", [None, "", 5])
def test_login_is_somebodys(driver, principal):
    """A login without a principal is an error of the caller; None is nobody's, and allowed as a way to say so."""
    sid = driver.begun(a=1)
    with driver.session(sid) as session:
        if principal is None:
            session.login(None)
        else:
            with pytest.raises(errors.EncodeError):
                session.login(principal)
    assert (session.sid != sid) is (principal is None)


def test_renew_keeps_everything(driver):
    """A new id for the same session, though nothing in it was asked for."""
    sid = driver.begun(a=1)
    with driver.session(sid) as session:
        session.renew()
    assert driver.read(sid) is None
    assert driver.read(session.sid) == {"a": 1}
    assert driver.counters["rotations"] == 1
    with driver.session() as session:
        session.renew()
    assert session.sid is None


def test_logout_is_final(driver):
    """The session is gone, its principal has none, and a request that was under way does not bring it back."""
    sid = driver.begun(user="ann")
    with driver.session(sid) as session:
        session.login("user:ann")
    sid, slow = session.sid, driver.open(session.sid)
    slow["late"] = slow["user"]
    with driver.session(sid) as session:
        assert session["user"] == "ann"
        session.logout()
        assert (dict(session), session.principal, session.new) == ({}, None, True)
        assert driver.read(sid) == {"user": "ann"}  # until it is saved
    assert session.sid is session.key is None
    assert driver.read(sid) is None
    assert driver.sessions_of("user:ann") == []
    with pytest.raises(SessionGone):
        driver.save(slow)
    assert driver.read(sid) is None


def test_what_is_set_after_logout_is_a_new_session(driver):
    """A message for the next page goes into a session of its own, with the usual times and nobody's."""
    sid = driver.begun(user="ann", cart=[1])
    with driver.session(sid) as session:
        session.login("user:ann")
        session.set_timeout(idle=7, absolute=9)
    sid = session.sid
    with driver.session(sid) as session:
        session["cart"].append(2)
        session.logout()
        session["flash"] = "bye"
    assert session.sid not in {None, sid}
    assert driver.read(sid) is None
    with driver.session(session.sid) as again:
        assert (again.to_dict(), again.principal, again.idle, again.absolute) == ({"flash": "bye"}, None, 1800, 0)
        assert again.record.created == driver.clock.now()


def test_another_user_after_logout(driver):
    """Logout and login in one request end one session and begin another."""
    sid = driver.begun(user="ann")
    with driver.session(sid) as session:
        session.logout()
        session.login("user:bob")
        session["user"] = "bob"
    assert driver.read(sid) is None
    assert driver.read(session.sid) == {"user": "bob"}
    assert len(driver.sessions_of("user:bob")) == 1


def test_logout_without_a_session(driver):
    """Nothing to end, nothing asked of the store; what was set before is not stored."""
    with driver.session() as session:
        session["a"] = 1
        session.logout()
    assert (session.sid, driver.tap.asked()) == (None, [])
    driver.destroy(sid := driver.begun(a=1))
    with driver.session(sid) as session:
        session.logout()
    assert session.sid is None


@pytest.mark.parametrize("verb", ["login", "renew", "logout"])
def test_a_request_that_fails_changes_nothing(driver, verb):
    """What was asked for is done when the session is saved, and not when it is discarded."""
    sid = driver.begun(user="ann")

    with pytest.raises(ZeroDivisionError), driver.session(sid) as session:  # noqa: PT012 - the block is the handler
        getattr(session, verb)(*["user:bob"] * (verb == "login"))
        _ = 1 / 0
    assert driver.read(sid) == {"user": "ann"}
    assert session.sid == sid


@pytest.mark.parametrize(("verb", "asked"), [("login", "move"), ("logout", "move")])
@pytest.mark.parametrize("mode", ["none", "all"])
def test_a_store_that_fails_at_the_end(driver, verb, asked, mode, made):
    """The error is raised and counted once, the lock is let go of, and the session is as it was."""
    driver = made(driver.kind, locking_mode=mode)
    sid = driver.begun(user="ann")
    driver.tap.wrong[asked] = StoreError("down")
    with pytest.raises(StoreError), driver.session(sid) as session:
        getattr(session, verb)(*["user:bob"] * (verb == "login"))
    driver.tap.wrong.clear()
    assert session.token == ""
    assert driver.counters["store_failures"] == 1
    assert driver.read(sid) == {"user": "ann"}


def test_locks_end_with_the_session(driver, made):
    """With locks, login and logout let go of them in the same step."""
    driver = made(driver.kind, locking_mode="all")
    sid = driver.begun(user="ann")
    driver.tap.asked()
    with driver.session(sid) as session:
        session.renew()
    assert driver.tap.asked() == ["acquire", "move"]
    with driver.session(session.sid) as session:
        session.logout()
    assert driver.tap.asked() == ["acquire", "move"]


def test_a_session_that_takes_no_changes_takes_no_login(driver, made):
    """What is opened for reading only refuses each verb, says why, and says whether to try again."""
    driver = made(driver.kind, request_uri_ignore_pattern="/static/.*")
    sid = driver.begun(user="ann")
    with driver.session(sid, request="GET /static/a.css") as session:
        for verb in (session.renew, session.logout, lambda: session.login("user:ann")):
            with pytest.raises(ReadOnly, match="takes no changes: request_uri_ignore_pattern") as caught:
                verb()
            assert not caught.value.retryable
    assert driver.read(sid) == {"user": "ann"}


def test_a_store_that_failed_is_a_reason_to_try_again(made):
    """An empty session in place of one that cannot be read says so to whoever changes it."""
    driver = made("sync", on_store_failure="anonymous")
    sid = driver.begun(user="ann")
    driver.tap.wrong["load"] = StoreError("down")
    session = driver.open(sid)
    assert dict(session) == {}
    with pytest.raises(ReadOnly, match="its store failed") as caught:
        session["a"] = 1
    assert caught.value.retryable


def test_showing_a_session_is_no_access(driver):
    """What a debugger or a log shows of it asks it for nothing."""
    session = driver.open(driver.begun(user="ann"))
    assert repr(session) == ("<Session, not read yet>" if driver.kind == "sync" else "<Session of user>")
    assert not session.accessed
    driver.discard(session)


def test_a_finished_session_takes_no_changes(driver):
    """After the response has begun what was read stays readable, and everything else is refused with the reason."""
    sid = driver.begun(user="ann")
    session = driver.open(sid)
    assert session["user"] == "ann"
    assert driver.save(session) is Saved.SKIPPED
    session.finish("too late")
    assert session["user"] == "ann"
    with pytest.raises(ReadOnly, match="takes no changes: too late"):
        session["a"] = 1
    untouched = driver.open(sid)
    driver.save(untouched)
    untouched.finish("too late")
    driver.tap.asked()
    with pytest.raises(SessionError, match="nobody asked for it before: too late"):
        untouched.get("user")
    assert driver.tap.asked() == []
