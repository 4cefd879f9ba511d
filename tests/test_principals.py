"""The sessions of a user are found and ended, all of them, whatever happens beside it."""

import pytest

from transcoders.errors import EncodeError, SessionGone, StoreError
from transcoders.sessions import ids
from transcoders.sessions.saved import Saved

IDLE = 1800


def begun(driver, principal, **attributes):
    """The id of a new session of the principal."""
    with driver.session() as session:
        session.principal = principal
        session.update(attributes)
    return session.sid


def found(driver, principal):
    """The numbers of a principal's sessions, in their order."""
    return [record.value("n") for record in driver.sessions_of(principal)]


def test_sessions_of_a_principal_are_listed_oldest_first(driven):
    """Others are not among them; each says when it began and was written."""
    driver = driven()
    for n, name in enumerate(["user:1", "user:2", "user:1"]):
        begun(driver, name, n=n)
        driver.clock.advance(10)
    assert found(driver, "user:1") == [0, 2]
    assert found(driver, "user:2") == [1]
    assert found(driver, "user:3") == []
    first, second = driver.sessions_of("user:1")
    assert second.created - first.created == 20
    assert first.written == first.created


def test_a_session_becomes_a_principals_at_login(driven):
    """One that was there before, with the write that says so; when it is another's, it is in that list alone."""
    driver = driven()
    sid = driver.begun(n=1)
    for name in ("u", "v", None, "u"):
        with driver.session(sid) as session:
            session.principal = name
        assert [found(driver, other) for other in "uv"] == [[1] if name == other else [] for other in "uv"]
    assert driver.held(sid).principal == "u"


def test_an_ended_session_is_not_listed(driven):
    """Whether it was destroyed, or ended by its time."""
    driver = driven()
    sids = [begun(driver, "u", n=n) for n in range(3)]
    driver.destroy(sids[0])
    assert found(driver, "u") == [1, 2]
    driver.clock.advance(IDLE)
    with driver.session(sids[1]) as session:
        session["x"] = 1
    driver.clock.advance(IDLE)
    assert found(driver, "u") == [1]


def test_all_sessions_of_a_principal_are_ended(driven):
    """How many is said, each is told, and those of others stay."""
    driver = driven()
    sids = [begun(driver, "u", n=n) for n in range(3)]
    other = begun(driver, "v", n=9)
    driver.told()
    assert driver.end_all("u") == 3
    assert [(event.kind, event.principal) for event in driver.events] == [("destroyed", "u")] * 3
    assert [driver.read(sid) for sid in sids] == [None] * 3
    assert driver.read(other) == {"n": 9}
    assert driver.end_all("u") == 0
    assert driver.counters["deletes"] == 3


@pytest.mark.parametrize("by", ["id", "session"])
def test_all_but_one_are_ended(driven, by):
    """The one that asks stays, given by its id or as it is."""
    driver = driven()
    sids = [begun(driver, "u", n=n) for n in range(3)]
    with driver.session(sids[1]) as session:
        assert session["n"] == 1
        assert driver.end_all("u", except_=sids[1] if by == "id" else session) == 2
    assert found(driver, "u") == [1]


def test_ending_all_is_final_for_requests_under_way(driven):
    """A write of a request that had read its session before is refused."""
    driver = driven()
    sid = begun(driver, "u", n=0)
    session = driver.held(sid)
    session["n"] += 1
    assert driver.end_all("u") == 1
    with pytest.raises(SessionGone):
        driver.save(session)
    assert found(driver, "u") == []


@pytest.mark.parametrize("rotated", [False, True])
def test_a_session_that_is_ended_by_its_id_leaves_no_note(driven, rotated):
    """Whose it was stands in its record, also behind the trail of a rotation; the event tells it."""
    driver = driven(rotation_grace=10)
    sid = begun(driver, "u", n=0)
    if rotated:
        with driver.session(sid) as session:
            driver.rotate(session)
    assert driver.destroy(sid)
    assert driver.tap.store.linked(ids.key("u")) == []
    assert driver.events[-1].principal == "u"


def test_a_rotated_session_stays_in_the_list(driven):
    """Once, and it can be ended by its principal."""
    driver = driven()
    sid = begun(driver, "u", n=0)
    with driver.session(sid) as session:
        driver.rotate(session)
    assert found(driver, "u") == [0]
    assert driver.tap.store.linked(ids.key("u")) == [session.key]
    assert driver.end_all("u") == 1


def test_with_grace_a_session_is_listed_and_ended_once(driven):
    """The trail is no session."""
    driver = driven(rotation_grace=10)
    sid = begun(driver, "u", n=0)
    with driver.session(sid) as session:
        driver.rotate(session)
    assert found(driver, "u") == [0]
    assert driver.end_all("u") == 1
    assert driver.read(sid) is None


def test_a_principal_who_keeps_a_session_for_long_is_not_forgotten(driven):
    """Reading alone, writing alone: the list is kept as long as the session."""
    driver = driven()
    read, written = begun(driver, "u", n=0), begun(driver, "u", n=1)
    for step in range(40):
        driver.clock.advance(IDLE)
        with driver.session(read) as session:
            assert session["n"] == 0
        with driver.session(written) as session:
            session["x"] = step
    assert found(driver, "u") == [0, 1]


def test_a_session_that_gets_a_longer_life_is_not_forgotten(driven):
    """The list follows the times of the session."""
    driver = driven(max_inactive_interval=10)
    sid = begun(driver, "u", n=0)
    with driver.session(sid) as session:
        session.set_timeout(idle=100_000)
    driver.clock.advance(90_000)
    assert found(driver, "u") == [0]


def test_sessions_with_an_age_are_listed_until_then(driven):
    """Also when nobody asks for them in between."""
    driver = driven(absolute_timeout=86_400, max_inactive_interval=0)
    begun(driver, "u", n=0)
    driver.clock.advance(86_399)
    assert found(driver, "u") == [0]
    driver.clock.advance(1)
    assert found(driver, "u") == []


def test_noting_costs_a_verb_where_it_is_due_and_none_elsewhere(driven):
    """A session is noted when it becomes somebody's; writes after that are one step."""
    driver = driven()
    sid = begun(driver, "u", n=0)
    assert driver.tap.asked() == ["link", "create"]
    for n in range(3):
        with driver.session(sid) as session:
            session["n"] = n + 1
        assert driver.tap.asked() == ["load", "save"]


def test_a_list_that_cannot_be_written_stops_the_login_and_nothing_else(driven):
    """Before the write the failure is told; after it, it is counted, since what was asked for is stored."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.tap.wrong["link"] = StoreError("cut")
    with pytest.raises(StoreError), driver.session(sid) as session:
        session.principal = "u"
    assert driver.held(sid).principal is None
    driver.tap.wrong.clear()
    sid = begun(driver, "u", n=0)
    driver.tap.wrong["link"] = driver.tap.wrong["unlink"] = StoreError("cut")
    driver.clock.advance(IDLE)
    with driver.session(sid) as session:
        assert session["n"] == 0
    assert driver.counters["touches"] == 1
    failures = driver.counters["store_failures"]
    assert driver.destroy(driver.held(sid)) is True
    assert driver.counters["store_failures"] == failures + 1


def test_what_cannot_be_read_is_nobodys(driven):
    """A record in the list that is broken, or of another principal, is left out."""
    driver = driven()
    sids = [begun(driver, "u", n=n) for n in range(3)]
    store = driver.tap.store
    store._records[ids.key(sids[0])] = b"rubbish", float("inf")
    store._records[ids.key(sids[1])] = store._records[ids.key(begun(driver, "v", n=7))]
    assert found(driver, "u") == [2]
    assert driver.end_all("u") == 1


def test_a_store_that_fails_is_told(driven):
    """Nobody takes a failure for the end of all sessions."""
    driver = driven()
    begun(driver, "u", n=0)
    driver.tap.wrong["linked"] = StoreError("cut")
    with pytest.raises(StoreError):
        driver.sessions_of("u")
    with pytest.raises(StoreError):
        driver.end_all("u")
    driver.tap.wrong.clear()
    driver.tap.wrong["move"] = StoreError("cut", unknown=True)
    with pytest.raises(StoreError):
        driver.end_all("u")
    assert driver.counters["store_failures"] == 2
    assert driver.counters["unknown_outcomes"] == 1


@pytest.mark.parametrize("principal", ["", 7, b"u", ["u"]])
def test_a_principal_is_a_text_that_says_something(driven, principal):
    """Whatever else is refused where it is set."""
    driver = driven()
    session = driver.open()
    with pytest.raises(EncodeError, match="principal"):
        session.principal = principal
    assert driver.save(session) is Saved.SKIPPED


@pytest.mark.parametrize("principal", ["user:42", "a b\n\r", "Ü" * 1000, "\x00"])
def test_any_text_is_a_principal(driven, principal):
    """What is in it never reaches a key."""
    driver, seen = driven(), []
    driver.tap.wrong["link"] = lambda name, key, _ttl: seen.extend((name, key))
    begun(driver, principal, n=0)
    assert found(driver, principal) == [0]
    assert all(key.isascii() and key.isprintable() and " " not in key for key in seen)


def test_prefixes_keep_applications_apart(driven):
    """A principal of one application is none of another on the same store."""
    driver = driven(storage_key_prefix="static:shop")
    other = driven(tap=driver.tap, clock=driver.clock, storage_key_prefix="static:admin")
    begun(driver, "u", n=0)
    begun(other, "u", n=1)
    assert (found(driver, "u"), found(other, "u")) == ([0], [1])
    assert driver.end_all("u") == 1
    assert found(other, "u") == [1]
