"""A new id at login: the old one is dead at once, or leads to the session for a while; nothing is lost on the way."""

import pytest

from transcoders.errors import Conflict, ReadOnly, SessionGone, StoreError
from transcoders.sessions import ids
from transcoders.sessions.merge import counter
from transcoders.sessions.saved import Saved

GRACE = 10.0


def test_the_old_id_is_dead_at_once(driven):
    """In one step of the store; the session is what it was, under an id of the same strength."""
    driver = driven()
    old = driver.begun(n=1)
    driver.tap.asked()
    with driver.session(old) as session:
        new = driver.rotate(session)
    assert driver.tap.asked() == ["load", "move"]
    assert new != old
    assert ids.valid(new)
    assert (session.sid, session.key) == (new, ids.key(new))
    assert driver.read(old) is None
    assert driver.read(new) == {"n": 1}


def test_rotation_stores_what_the_request_changed_until_then(driven):
    """And what it changes afterwards is stored at its end, on top."""
    driver = driven()
    old = driver.begun(n=1, cart=[])
    driver.tap.asked()
    with driver.session(old) as session:
        session["n"] = 2
        session["cart"].append(1)
        session.principal = "u"
        new = driver.rotate(session)
        assert driver.read(new) == {"n": 2, "cart": [1]}
        session["n"] += 1
        session["cart"].append(2)
    assert [verb for verb in driver.tap.asked() if verb != "load"] == ["link", "move", "save"]
    assert driver.read(new) == {"n": 3, "cart": [1, 2]}
    assert driver.read(old) is None


def test_rotating_a_new_session_stores_it(driven):
    """Even an empty one, since the id is given out."""
    driver = driven()
    with driver.session() as session:
        sid = driver.rotate(session)
    assert driver.tap.asked() == ["create"]
    with driver.session(sid) as again:
        assert again.record.version == 1
    assert not again.new


def test_a_request_under_way_on_the_old_id_changes_nothing(driven):
    """Its write is refused, its touch finds nothing, and the session under the new id stays as it is."""
    driver = driven()
    old = driver.begun(n=0)
    writer, reader = driver.held(old), driver.held(old)
    with driver.session(old) as session:
        new = driver.rotate(session)
    writer["n"] += 1
    with pytest.raises(SessionGone):
        driver.save(writer)
    assert reader["n"] == 0
    driver.clock.advance(200)
    assert driver.save(reader) is Saved.SKIPPED
    assert driver.read(old) is None
    assert driver.read(new) == {"n": 0}


def test_rotation_merges_with_what_others_wrote(driven):
    """A newer record is taken along; a conflict leaves the session where it was."""
    driver = driven(merge={"n": counter})
    sid = driver.begun(n=0, a=0)
    session = driver.held(sid)
    session["n"] += 1
    with driver.session(sid) as other:
        other["n"] += 1
    sid = driver.rotate(session)
    driver.discard(session)
    assert driver.read(sid) == {"n": 2, "a": 0}
    session = driver.held(sid)
    session["a"] += 1
    with driver.session(sid) as other:
        other["a"] += 2
    with pytest.raises(Conflict):
        driver.rotate(session)
    driver.discard(session)
    assert driver.read(sid) == {"n": 2, "a": 2}


def test_an_ended_session_gets_no_new_id(driven):
    """Whether it was ended in this request or in another."""
    driver = driven()
    sid = driver.begun(n=0)
    mine, other = driver.held(sid), driver.held(sid)
    driver.destroy(mine)
    for session in (mine, other):
        with pytest.raises(SessionGone):
            driver.rotate(session)
        driver.discard(session)
    assert driver.counters["rotations"] == 0


def test_rotations_are_counted_and_told(driven):
    """The event has both keys and the principal."""
    driver = driven()
    old = driver.begun(n=0)
    driver.told()
    with driver.session(old, request="POST /login") as session:
        session.principal = "user:1"
        new = driver.rotate(session)
    assert [tuple(event) for event in driver.events] == [
        ("rotated", ids.key(old), "POST /login", "user:1", ids.key(new)),
    ]
    assert driver.counters["rotations"] == 1


# ------------------------------------------------------------------------------------------------ at the end


def test_login_and_renew_wait_for_the_end_of_the_request(driven):
    """The new id comes with the write of what changed, in one step."""
    driver = driven()
    old = driver.begun(n=0)
    driver.tap.asked()
    with driver.session(old) as session:
        session.login("user:1")
        session["n"] += 1
        assert session.sid == old
    assert driver.tap.asked() == ["load", "link", "move"]
    assert driver.read(old) is None
    assert driver.read(session.sid) == {"n": 1}
    assert [record.key for record in driver.sessions_of("user:1")] == [ids.key(session.sid)]
    before = session.sid
    with driver.session(before) as session:
        session.renew()
    assert driver.read(before) is None
    assert driver.read(session.sid) == {"n": 1}


def test_a_request_that_fails_logs_nobody_in_or_out(driven):
    """The session is as it was, under its id."""
    driver = driven()
    sid = driver.begun(n=0)

    def fails(act):
        with pytest.raises(KeyError), driver.session(sid) as session:
            _ = act(session), session["missing"]
        assert driver.read(sid) == {"n": 0}

    fails(lambda session: session.login("u"))
    fails(lambda session: session.logout())
    fails(lambda session: session.renew())
    assert driver.sessions_of("u") == []


def test_logout_ends_the_session_at_the_end_of_the_request(driven):
    """What was set since then is a session of its own; nothing of the old one is in it."""
    driver = driven(locking_mode="all")
    sid = driver.begun(n=0)
    with driver.session(sid) as session:
        session.principal = "u"
    with driver.session(sid) as session:
        session.logout()
        assert not session
    assert driver.read(sid) is None
    assert session.sid is None
    sid = driver.begun(n=0)
    with driver.session(sid) as session:
        session.logout()
        session["message"] = "bye"
    assert driver.read(sid) is None
    assert session.sid not in {None, sid}
    assert driver.read(session.sid) == {"message": "bye"}
    assert driver.counters["deletes"] == 2
    assert driver.tap.store._locks._locks == {}


def test_logout_and_login_in_one_request(driven):
    """The old session ends, the new one is another's."""
    driver = driven()
    with driver.session() as session:
        session["cart"] = [1]
        session.login("u")
    old = session.sid
    with driver.session(old) as session:
        session.logout()
        session.login("v")
    assert driver.read(old) is None
    assert driver.read(session.sid) == {}
    assert [len(driver.sessions_of(name)) for name in "uv"] == [0, 1]


def test_a_request_that_may_not_write_logs_nobody_in(driven):
    """A session that takes no changes gets no new id and is not ended."""
    driver = driven(request_uri_ignore_pattern="/static/.*")
    sid = driver.begun(n=0)
    session = driver.held(sid, request="GET /static/x")
    for act in (session.renew, session.logout, lambda: session.login("u")):
        with pytest.raises(ReadOnly):
            act()
    driver.save(session)
    assert driver.read(sid) == {"n": 0}


# ------------------------------------------------------------------------------------------------ grace


def test_with_grace_the_old_id_leads_to_the_session_for_a_while(driven):
    """Requests under way read it and write it; after the grace the old id is dead."""
    driver = driven(rotation_grace=GRACE)
    old = driver.begun(n=0)
    with driver.session(old) as session:
        new = driver.rotate(session)
    driver.clock.advance(GRACE - 1)
    with driver.session(old) as session:
        session["n"] += 1
    assert driver.read(old) == driver.read(new) == {"n": 1}
    driver.clock.advance(1)
    assert driver.read(old) is None
    assert driver.read(new) == {"n": 1}


def test_with_grace_a_request_that_began_before_it_writes(driven):
    """It follows the session to its new key, and what it changed is merged there."""
    driver = driven(rotation_grace=GRACE, merge={"n": counter})
    old = driver.begun(n=0)
    writer = driver.held(old)
    with driver.session(old) as session:
        session["n"] += 1
        new = driver.rotate(session)
    writer["n"] += 1
    assert driver.save(writer) is Saved.WRITTEN
    assert writer.sid is None
    assert writer.key == ids.key(new)
    assert driver.read(new) == {"n": 2}


def test_a_touch_does_not_prolong_the_grace(driven):
    """A request that read before the rotation puts the end of nothing off."""
    driver = driven(rotation_grace=GRACE)
    old = driver.begun(n=0)
    reader = driver.held(old)
    assert reader["n"] == 0
    with driver.session(old) as session:
        driver.rotate(session)
    assert driver.touch(reader) is Saved.SKIPPED
    driver.discard(reader)
    driver.clock.advance(GRACE)
    assert driver.read(old) is None


def test_with_grace_a_touch_works_as_ever(driven):
    """A session that was not rotated is put off."""
    driver = driven(rotation_grace=GRACE)
    sid = driver.begun(n=0)
    for _ in range(3):
        driver.clock.advance(1000)
        with driver.session(sid) as session:
            assert session["n"] == 0
    assert driver.counters["touches"] == 3


@pytest.mark.parametrize("grace", [0.0, GRACE])
@pytest.mark.parametrize("by", ["id", "session", "session that was read"])
def test_a_logout_under_way_ends_the_session_wherever_it_is(driven, by, grace):
    """The old id leads a logout to the session, though it is dead for all else without grace."""
    driver = driven(rotation_grace=grace)
    old = driver.begun(n=0)
    session = driver.held(old) if by == "session that was read" else driver.open(old)
    with driver.session(old) as other:
        new = driver.rotate(other)
    assert driver.destroy(old if by == "id" else session) is True
    driver.discard(session)
    assert driver.read(new) is None
    assert driver.read(old) is None
    assert driver.destroy(new) is False
    driver.clock.advance(2)
    assert [key for key, (_, end) in driver.tap.store._records.items() if end > driver.clock.tick()] == [ids.key(old)]


def test_so_many_rotations_within_their_grace_are_followed(driven):
    """A chain of trails leads to the session; a longer one is as good as none."""
    driver = driven(rotation_grace=GRACE)
    chain = [driver.begun(n=0)]
    for _ in range(4):
        with driver.session(chain[-1]) as session:
            chain.append(driver.rotate(session))
    assert [driver.read(sid) is not None for sid in chain] == [False, True, True, True, True]


def test_a_trail_is_sealed_like_a_record(driven):
    """With a seal, one that was put under another key is no trail."""
    driver = driven("json+hmac", keys=[b"k" * 32], rotation_grace=GRACE)
    old, other = driver.begun(n=0), driver.begun(n=1)
    with driver.session(old) as session:
        new = driver.rotate(session)
    assert driver.read(old) == driver.read(new) == {"n": 0}
    store = driver.tap.store
    store._records[ids.key(other)] = store._records[ids.key(old)]
    assert driver.read(other) is None
    assert driver.told()[-1] == "undecodable"


def test_a_rotation_whose_reply_was_lost_is_unknown(driven):
    """The request is told; the session is under one of the ids, not under both."""
    driver = driven()
    old = driver.begun(n=0)
    driver.tap.lost["move"] = StoreError("cut", unknown=True)
    session = driver.held(old)
    with pytest.raises(StoreError) as caught:
        driver.rotate(session)
    assert caught.value.unknown
    driver.discard(session)
    assert driver.counters["unknown_outcomes"] == 1
    assert driver.read(old) is None
