"""A visit: what a response says of its session, and which status stands for which error."""

import pytest

from tests.clock import VirtualClock
from transcoders import errors
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.saved import Saved
from transcoders.web import Cookie, Parameter
from transcoders.web.visit import Visit, hidden, refusal, status

FORGED = "F" * 43


@pytest.fixture
def clock():
    """The time, which stands still."""
    return VirtualClock()


@pytest.fixture
def manager(clock):
    """A manager of sessions that end when they are 100 s old."""
    with SessionManager("memory:", clock=clock, absolute_timeout=100) as manager:
        yield manager


def begun(manager):
    """The id of a session."""
    with manager.session() as session:
        session["user"] = "ann"
    return session.sid


def said(manager, sid, use, *, cookie=None, saved=None):
    """The Set-Cookie header of a response whose request did that with its session."""
    visit = Visit(cookie or Cookie(max_age=60), f"session={sid}" if sid else "")
    session = manager.open(visit.sent)
    use(session)
    outcome = manager.save(session)
    return visit.set_cookie(session, outcome if saved is None else saved, manager.now())


@pytest.mark.parametrize(
    ("sent", "use", "begins"),
    [
        (False, lambda session: None, None),
        (False, lambda session: session.get("a"), None),
        (False, lambda session: session.update(a=1), "session=new"),
        (False, lambda session: session.logout(), None),
        (True, lambda session: None, None),
        (True, lambda session: session["user"], None),
        (True, lambda session: session.update(a=1), "session=old"),
        (True, lambda session: session.renew(), "session=new"),
        (True, lambda session: session.logout(), "session=;"),
        (True, lambda session: (session.logout(), session.update(a=1)), "session=new"),
    ],
)
def test_the_cookie_of_a_response(manager, sent, use, begins):
    """It is set for a new id, renewed with what was written, and deleted with the session."""
    sid = begun(manager) if sent else None
    header = said(manager, sid, use)
    if begins is None:
        assert header is None
    elif begins == "session=new":
        assert header.startswith("session=")
        assert header[8 : 8 + 43] not in {sid, ""}
    else:
        assert header.startswith(begins.replace("old", str(sid)))


def test_an_unknown_id_is_forgotten_by_who_asks(manager):
    """A page that has no session takes no cookie away: it may be that of a login a moment ago."""
    assert said(manager, FORGED, lambda session: None) is None
    assert said(manager, FORGED, lambda session: session.get("user")).startswith("session=; Max-Age=0")


def test_a_session_that_nobody_can_read_leaves_the_cookie():
    """Nobody knows whether the browser's id is good, when the store fails."""

    def down(_key):
        raise errors.StoreError("down")

    manager = SessionManager("memory:", on_store_failure="anonymous")
    manager._port.store.load = down
    assert said(manager, FORGED, dict) is None


def test_an_immediate_end_deletes_the_cookie(manager):
    """`manager.destroy` in a request, of a session that was sent or was not; and one that never was."""
    sid = begun(manager)
    assert said(manager, sid, manager.destroy).startswith("session=; Max-Age=0")
    assert said(manager, None, manager.destroy) is None


def test_the_cookie_lives_no_longer_than_its_session(manager, clock):
    """What is left of the session's age, where that is less than the cookie's own time."""
    cookie = Cookie(max_age=3600)
    assert "; Max-Age=100;" in said(manager, None, lambda session: session.update(a=1), cookie=cookie)
    sid = begun(manager)
    clock.advance(70)
    assert "; Max-Age=30;" in said(manager, sid, lambda session: session.update(a=1), cookie=cookie)
    assert "; Max-Age=30;" in said(manager, sid, lambda session: session["user"], cookie=cookie, saved=Saved.TOUCHED)


def test_caches_are_told(manager):
    """Nothing of a page without the session; `Vary` of one that looked; `private` of one that sets an id."""
    visit = Visit(Cookie(), f"session={begun(manager)}")
    session = manager.open(visit.sent)
    assert visit.caching(session, None, {"Vary": "Accept"}.get) == {}
    session.get("user")
    before = {"Vary": "Accept", "Cache-Control": "max-age=9"}.__getitem__
    assert visit.caching(session, None, before) == {"Vary": "Accept, Cookie"}
    told = {"Vary": "Accept, Cookie", "Cache-Control": "max-age=9, private"}
    assert visit.caching(session, "session=x", before) == told
    visit = Visit(Parameter("sid"), "")
    assert visit.caching(session, None, before) == {"Cache-Control": "max-age=9, private"}
    assert visit.set_cookie(session, Saved.WRITTEN, 0.0) is None
    manager.discard(session)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.StoreError("hunter2"), 503), (errors.StoreError("hunter2", unknown=True), 503),
        (errors.LockTimeout("hunter2"), 503), (errors.TooManySessions("hunter2"), 503),
        (errors.ReadOnly("hunter2", retryable=True), 503), (errors.Conflict("hunter2", ["a"]), 409),
        (errors.SessionGone("hunter2"), 409), (errors.ReadOnly("hunter2"), 500), (errors.SessionError("hunter2"), 500),
    ],
)  # fmt: skip
def test_each_error_has_a_status(manager, error, code):
    """Trying again helps, or it does not, or it is a mistake, which is raised; no text of an error gets out."""
    assert status(error) == code
    session = manager.open()
    assert hidden(session, 500) is None
    session.fail(error)
    assert hidden(session, 503) is None
    if code == 500:
        assert hidden(session, 500) is None
        with pytest.raises(type(error)):
            refusal(error)
        return
    assert hidden(session, 500) is error
    told = refusal(error)
    headers = dict(told.headers)
    assert (told.status, headers["Content-Length"]) == (code, str(len(told.body)))
    assert headers.get("Retry-After") == ("1" if code == 503 else None)
    assert headers["Cache-Control"] == "no-store"
    assert b"hunter2" not in told.body
    assert told.reason


def test_bytes_that_cannot_be_read_are_no_reason_to_try_again(manager):
    """A DecodeError is a mistake of somebody's, and stays a 500."""
    session = manager.open()
    session.fail(errors.Malformed("broken"))
    assert hidden(session, 500) is None
    with pytest.raises(errors.Malformed):
        session.get("user")
