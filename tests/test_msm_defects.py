"""The ten things that memcached-session-manager does and this manager does not: a test for each, or a few."""

import logging

import pytest

from tests import servers
from tests.driving import Driver
from tests.proxy import Proxy
from transcoders import transcoder
from transcoders.errors import DecodeError, LockTimeout, ReadOnly, Refused, SessionGone, SpecError, StoreError
from transcoders.sessions import ids
from transcoders.sessions.core import BURIED
from transcoders.sessions.merge import counter
from transcoders.sessions.policy import FOREVER, Policy
from transcoders.sessions.saved import Saved

IDLE = 1800
MONTH = 30 * 86_400


def keys(driver):
    """The keys of the records in the store."""
    return [key for key in driver.tap.store._records if driver.tap.store.load(key) is not None]


# 1. One record instead of a session and its validity; a touch instead of a rewrite; a time to live with a small margin


def test_1_a_session_is_one_record(driven):
    """Created, read, changed and read for long, it is under one key, and reading alone never writes it."""
    driver = driven()
    sid = driver.begun(n=0)
    with driver.session(sid) as session:
        session["n"] += 1
    data = driver.tap.store.load(ids.key(sid))
    for _ in range(20):
        driver.clock.advance(IDLE / 2)
        with driver.session(sid) as session:
            assert session["n"] == 1
    assert keys(driver) == [ids.key(sid)]
    assert driver.tap.store.load(ids.key(sid)) == data
    assert driver.counters["saves"] == 1


def test_1_the_margin_is_the_touch_share(driven):
    """Not twice the idle time: a session is gone a tenth of it after its time."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.clock.advance(IDLE * 1.1 - 0.001)
    assert driver.tap.store.load(ids.key(sid)) is not None
    driver.clock.advance(0.002)
    assert driver.tap.store.load(ids.key(sid)) is None


# 2. Writes compare before they write: nothing is overwritten unseen, and a logout is final


def test_2_a_write_on_an_old_version_overwrites_nothing(driven):
    """What another request stored in the meantime is still there."""
    driver = driven()
    sid = driver.begun(a=0, b=0)
    late = driver.held(sid)
    late["a"] += 1
    with driver.session(sid) as session:
        session["b"] += 1
    driver.save(late)
    assert driver.read(sid) == {"a": 1, "b": 1}


def test_2_a_logout_is_not_undone_by_requests_under_way(driven):
    """Neither by one that reads, at the moment it would put the end off, nor by one that writes."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.clock.advance(IDLE / 2)
    reader, writer = driver.held(sid), driver.held(sid)
    writer["n"] += 1
    other = driven(tap=driver.tap, clock=driver.clock)
    assert other.destroy(sid) is True
    assert reader["n"] == 0
    assert driver.save(reader) is Saved.SKIPPED
    with pytest.raises(SessionGone):
        driver.save(writer)
    assert driver.read(sid) is None
    driver.clock.advance(BURIED / 1000)
    assert keys(driver) == []


# 3. A lock has an owner and a time: who was too slow frees nobody else's; who waits in vain does what the policy says


def test_3_a_slow_holder_does_not_free_the_lock_of_the_next(driven):
    """Its token is not the holder's any more."""
    driver = driven(locking_mode="all", lock_expiration=5.0, lock_timeout=0.0, on_lock_timeout="error")
    sid = driver.begun(n=0)
    slow = driver.held(sid)
    driver.clock.advance(5.1)
    holder = driver.held(sid)
    driver.discard(slow)
    with pytest.raises(LockTimeout):
        driver.held(sid)
    driver.discard(holder)
    driver.discard(driver.held(sid))


def test_3_a_lock_ends_by_itself(driven):
    """Also one whose owner never got the reply."""
    driver = driven(locking_mode="all", lock_expiration=5.0, lock_timeout=10.0)
    sid = driver.begun(n=0)
    driver.tap.lost["acquire"] = StoreError("cut")
    driver.tap.wrong["release"] = StoreError("cut")
    with pytest.raises(StoreError):
        driver.held(sid)
    driver.tap.lost.clear()
    driver.tap.wrong.clear()
    before = driver.clock.tick()
    driver.discard(driver.held(sid))
    assert 0 < driver.clock.tick() - before < 5.1


@pytest.mark.parametrize(("policy", "outcome"), [("proceed", None), ("read-only", ReadOnly), ("error", LockTimeout)])
def test_3_waiting_in_vain_goes_by_policy(driven, policy, outcome):
    """On without the lock, on without changes, or an error; never overwriting."""
    driver = driven(locking_mode="all", on_lock_timeout=policy)
    sid = driver.begun(a=0, b=0)
    holder = driver.held(sid)
    holder["a"] += 1

    def write():
        with driver.session(sid) as session:
            session["b"] = session["b"] + 1

    if outcome is None:
        write()
    else:
        with pytest.raises(outcome):
            write()
    driver.save(holder)
    assert driver.read(sid) == {"a": 1, "b": int(outcome is None)}


# 4. `auto` goes by method and path, wants several clean observations, forgets, and costs a merge when it is wrong


def test_4_a_wrong_guess_loses_nothing(driven):
    """The first write of a request that only read until then is compared like every other."""
    driver = driven(locking_mode="auto", merge={"n": counter})
    sid = driver.begun(n=0)
    for page in range(3):
        with driver.session(sid, request=f"GET /cart?page={page}") as session:
            assert session["n"] == 0
    driver.tap.asked()
    one, other = (driver.held(sid, request=f"GET /cart?page={page}") for page in (7, 8))
    assert "acquire" not in driver.tap.asked()
    for session in (one, other):
        session["n"] += 1
        driver.save(session)
    assert driver.read(sid) == {"n": 2}
    driver.tap.asked()
    driver.discard(driver.held(sid, request="GET /cart"))
    assert "acquire" in driver.tap.asked()


def test_4_a_session_that_does_not_end_can_be_read_without_locks(driven):
    """`auto` does not turn into `all` when there is no idle time."""
    driver = driven(locking_mode="auto", max_inactive_interval=0)
    sid = driver.begun(n=0)
    for _ in range(4):
        driver.tap.asked()
        with driver.session(sid, request="GET /") as session:
            assert session["n"] == 0
    assert driver.tap.asked() == ["load"]


# 5. Whichever codec is data; principals go through the record; codec and version are in the bytes, lengths are wide


@pytest.mark.parametrize("codec", ["json", "msgpack", "cbor", "pickle"])
def test_5_no_codec_runs_code(driven, codec):
    """A pickle of a class in place of a session, or of an attribute, is refused."""
    import os
    import pickle

    class Evil:
        def __reduce__(self):
            return os.abort, ()

    driver = driven(codec, on_undecodable="raise")
    sid = driver.begun(n=[1])
    driver.tap.store._records[ids.key(sid)] = pickle.dumps(Evil()), float("inf")
    with pytest.raises(DecodeError):
        driver.held(sid)
    sid = driver.begun(n=[1])
    record = driver.manager._wire.read(driver.tap.store.load(ids.key(sid)), ids.key(sid))
    segment = bytes((4, 0)) + pickle.dumps(Evil())
    driver.tap.store._records[ids.key(sid)] = record.build({"n": segment}, 1), float("inf")
    with pytest.raises(DecodeError):
        driver.held(sid)["n"]


def test_5_pickle_needs_to_be_named_to_be_read(driven):
    """A manager that writes another codec does not read it without being told."""
    driver = driven("pickle")
    sid = driver.begun(cart=[1])
    other = driven("json", tap=driver.tap, clock=driver.clock)
    with pytest.raises(Refused):
        other.held(sid)["cart"]
    told = driven("json", tap=driver.tap, clock=driver.clock, accept=["pickle"])
    assert told.read(sid) == {"cart": [1]}


def test_5_whole_objects_need_a_seal():
    """What could run code is refused before it is configured."""
    with pytest.raises(SpecError):
        Driver("sync", "pickle:objects=yes")


def test_5_the_header_holds_more_than_32_kilobytes(driven):
    """A principal of any sensible length, as text and not as an object."""
    driver = driven()
    principal = "user:" + "x" * 40_000
    with driver.session() as session:
        session.principal = principal
    assert driver.held(session.sid).principal == principal


def test_5_sessions_of_another_codec_are_read_and_written_on(driven):
    """After the string was changed nobody is logged out, and what is not touched stays as it is."""
    driver = driven("msgpack")
    sid = driver.begun(cart=[1], seen={2})
    other = driven("cbor", tap=driver.tap, clock=driver.clock, accept=["msgpack"])
    with other.session(sid) as session:
        session["cart"].append(2)
    assert other.read(sid) == {"cart": [1, 2], "seen": {2}}
    old = driven("msgpack", tap=driver.tap, clock=driver.clock, accept=["cbor"])
    assert old.read(sid) == {"cart": [1, 2], "seen": {2}}


# 6. An ignored request reads the session that is there; none is created and dropped, and no cookie replaced


def test_6_an_ignored_request_keeps_the_users_session(driven):
    """It has the id that it came with, also when its query string says something."""
    driver = driven(request_uri_ignore_pattern=r".*\.(js|css|png)", locking_mode="all")
    sid = driver.begun(user="ann")
    for request in ("GET /app/x.js?v=1", "GET /app/x.css", "POST /app/x.png"):
        driver.tap.asked()
        with driver.session(sid, request=request) as session:
            assert session["user"] == "ann"
            assert session.sid == sid
        assert driver.tap.asked() == ["load"]


def test_6_an_ignored_request_without_a_session_creates_none(driven):
    """Nothing is stored and no id given out; to change something is an error and not lost without a word."""
    driver = driven(request_uri_ignore_pattern=r".*\.js")
    with driver.session(None, request="GET /x.js") as session:
        assert not session
        with pytest.raises(ReadOnly):
            session["n"] = 1
    assert session.sid is None
    assert keys(driver) == []


# 7. A write that fails is told, and its changes are kept; nothing counts as stored before the store said so


def test_7_a_failed_write_is_told_and_the_next_stores_it(driven):
    """The session knows what is not stored yet."""
    driver = driven()
    sid = driver.begun(cart=[])
    session = driver.held(sid)
    session["cart"].append(1)
    driver.tap.wrong["save"] = StoreError("down")
    with pytest.raises(StoreError):
        driver.save(session)
    assert driver.counters["saves"] == 0
    driver.tap.wrong.clear()
    assert driver.save(session) is Saved.WRITTEN
    assert driver.read(sid) == {"cart": [1]}


def test_7_a_failed_login_leaves_the_session_where_it_was(driven):
    """The old id is good, and the new one was never given out."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.tap.wrong["move"] = StoreError("down")
    session = driver.held(sid)
    session.login("u")
    with pytest.raises(StoreError):
        driver.save(session)
    assert session.sid == sid
    assert driver.read(sid) == {"n": 0}


# 8. A time to live is never nothing, however late or long; it hangs on nothing but the session's own times


@pytest.mark.parametrize("idle", [0, 1, 60, IDLE, MONTH, 10 * MONTH, 4_294_967_295])
@pytest.mark.parametrize("absolute", [0, 1, 60, MONTH, 4_294_967_295])
@pytest.mark.parametrize("passed", [0, 0.9999, 59.9999, 60, 10 * MONTH])
def test_8_a_time_to_live_is_at_least_a_millisecond(idle, absolute, passed):
    """Or for ever, when the session never ends."""
    ttl = Policy().ttl(1_000_000_000, idle, absolute, 1_000_000_000 + passed)
    assert type(ttl) is int
    assert (ttl == FOREVER) == (idle == absolute == 0)
    assert ttl == FOREVER or 1 <= ttl <= 1100 * 4_294_967_295


def test_8_sessions_live_longer_than_a_month(driven):
    """Thirty days are no border."""
    driver = driven(max_inactive_interval=3 * MONTH)
    sid = driver.begun(n=0)
    driver.clock.advance(2 * MONTH)
    with driver.session(sid) as session:
        assert session["n"] == 0
    driver.clock.advance(2 * MONTH)
    assert driver.read(sid) == {"n": 0}


def test_8_a_session_at_the_end_of_its_age_is_written_and_ends(driven):
    """A write in its last moment is no error."""
    driver = driven(absolute_timeout=60)
    sid = driver.begun(n=0)
    driver.clock.advance(59.9999)
    with driver.session(sid) as session:
        session["n"] += 1
    driver.clock.advance(0.001)
    assert driver.read(sid) is None


# 9. A connection that failed is never used again; a server that comes back is used; no password is shown


def test_9_a_late_reply_reaches_no_other_request(driven_by_valkey):
    """The connection of a request that timed out is thrown away, with the reply that arrives on it later."""
    driver, proxy = driven_by_valkey
    sids = [driver.begun(n=n) for n in range(4)]
    for _ in range(3):
        proxy.plan("stall", "stall", "stall", "stall", "stall", "stall", "stall", "stall")
        with pytest.raises(StoreError):
            driver.held(sids[0])
        proxy.release()
        proxy._planned.clear()
        assert [driver.read(sid) for sid in sids] == [{"n": n} for n in range(4)]


def test_9_the_manager_goes_on_after_every_connection_was_cut(driven_by_valkey):
    """The sessions are there, and so is the next request's change."""
    driver, proxy = driven_by_valkey
    sid = driver.begun(n=0)
    for n in range(1, 4):
        proxy.cut()
        with driver.session(sid) as session:
            session["n"] += 1
        assert driver.read(sid) == {"n": n}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_9_no_password_is_shown(kind, caplog):
    """Neither by the manager, nor by the error of a server that is not there, nor in the log."""
    caplog.set_level(logging.DEBUG)
    port = servers.free_port()
    driver = Driver.of(kind, f"redis://ann:s3cret@127.0.0.1:{port}/0?connect_timeout=200&timeout=200")
    with pytest.raises(StoreError) as caught:
        driver.begun(n=0)
    driver.end()
    shown = f"{driver.manager!r} {caught.value!r} {caught.value.__cause__!r} {caplog.text}"
    assert "s3cret" not in shown
    assert str(port) in str(caught.value)


@pytest.fixture(params=["sync", "async"])
def driven_by_valkey(request):
    """A manager over a real server, behind a proxy that goes wrong on purpose."""
    server = servers.shared("valkey")
    with Proxy(server.port, of=b":{") as proxy:
        driver = Driver.of(request.param, server.url(port=proxy.port, timeout=300, connect_timeout=1000))
        yield driver, proxy
        proxy.release()
        driver.end()


# 10. Ends are told, and the sessions of a user can be found


def test_10_what_happens_to_sessions_is_told(driven):
    """Begun, rotated, at the end of their age, ended one by one or all at once: each is an event with its key."""
    driver = driven(absolute_timeout=3600, max_inactive_interval=0)
    sid = driver.begun(n=0)
    with driver.session(sid) as session:
        session.principal = "u"
        sid = driver.rotate(session)
    driver.destroy(driver.held(sid))
    other = driver.begun(n=1)
    store = driver.tap.store
    store._records[ids.key(other)] = store.load(ids.key(other)), float("inf")
    driver.clock.advance(3600)
    assert driver.read(other) is None
    kinds = [(event.kind, event.principal) for event in driver.events]
    assert kinds == [
        ("created", None), ("rotated", "u"), ("destroyed", "u"), ("created", None), ("expired", None),
    ]  # fmt: skip
    assert not {sid, other} & {event.key for event in driver.events}


def test_10_the_sessions_of_a_user_are_found(driven):
    """And all but this one ended."""
    driver = driven()
    sids = []
    for n in range(3):
        with driver.session() as session:
            session["n"] = n
            session.login("user:1")
        sids.append(session.sid)
    assert [record.value("n") for record in driver.sessions_of("user:1")] == [0, 1, 2]
    assert driver.end_all("user:1", except_=sids[1]) == 2
    assert [driver.read(sid) is not None for sid in sids] == [False, True, False]


def test_the_default_codec_is_data():
    """Nobody gets pickle without asking for it."""
    assert str(Driver("sync").manager._wire.spec) == "json"
    assert transcoder("json").traits
