"""Managers made from settings, and the settings that managers take by keyword."""

import asyncio
import gc

import pytest

from tests.clock import VirtualClock
from transcoders import SpecError
from transcoders.errors import ReadOnly, SessionError
from transcoders.sessions import AsyncSessionManager, MemoryStore, Policy, SessionManager, ids
from transcoders.sessions.settings import settings


def test_a_manager_from_settings():
    """Store, transcoder, policy and prefix are those of the settings."""
    given = settings({"transcoder": "msgpack", "locking_mode": "all", "storage_key_prefix": "static:shop"}, environ={})
    with SessionManager.from_settings(given) as manager, manager.session() as session:
        session["user"] = 42
        manager.save(session)
        assert session.key.startswith("shop_")
        assert manager.policy.locking_mode == "all"
        assert repr(manager) == "<SessionManager memory msgpack>"


def test_an_asynchronous_manager_from_settings():
    """The same for asyncio."""

    async def run() -> str:
        async with AsyncSessionManager.from_settings(settings(transcoder="cbor", environ={})) as manager:
            return repr(manager)

    assert asyncio.run(run()) == "<AsyncSessionManager memory cbor>"


def test_keywords_change_single_settings():
    """A policy is the ground, and keywords stand on it; what a prefix stands for is a setting too."""
    policy = Policy(locking_mode="all", max_inactive_interval=60)
    store = MemoryStore()
    with SessionManager(store, policy=policy, locking_mode="none", context="shop", storage_key_prefix="context") as one:
        assert (one.policy.locking_mode, one.policy.max_inactive_interval) == ("none", 60)
        with one.session() as session:
            session["n"] = 1
    assert session.key.startswith("shop_")


@pytest.mark.parametrize("kind", [SessionManager, AsyncSessionManager])
def test_a_session_that_was_not_entered_is_of_no_use(kind):
    """Who forgets the `with` is told at once, instead of losing what was set."""
    session = kind().session()
    with pytest.raises(ReadOnly, match="it is for a with block, which has not begun"):
        session["user"] = 42
    with pytest.raises(SessionError, match="not read yet: enter it"):
        session.get("user")


def test_an_unknown_setting():
    """A setting that is none is refused with the one that was meant."""
    with pytest.raises(SpecError, match="no setting 'lock_mode'; did you mean 'locking_mode'"):
        SessionManager(lock_mode="all")


@pytest.mark.parametrize("url", ["memory:", "sqlite:{}/sessions.db"])
def test_a_manager_beside_another(tmp_path, url):
    """Threads and event loops of a process have the same sessions, numbers and listeners."""
    told = []

    async def run(other: SessionManager) -> None:
        async with AsyncSessionManager.beside(other) as manager:
            manager.on("destroyed", told.append)
            assert (manager.policy, manager.statistics) == (other.policy, other.statistics)
            async with manager.session(sid) as session:
                assert session["n"] == 1
                session.logout()

    given = {"storage_key_prefix": "static:shop", "max_inactive_interval": 7}
    with SessionManager(url.format(tmp_path), "msgpack", **given) as manager:
        with manager.session() as session:
            session["n"] = 1
        sid = session.sid
        asyncio.run(run(manager))
        with manager.session(sid) as session:
            assert session.get("n") is None
        assert [event.kind for event in told] == ["destroyed"]
        assert manager.statistics.counters["deletes"] == 1


def test_a_session_goes_on_after_it_was_saved():
    """What is set, deleted or changed in place between two saves is stored by the second, and nothing else."""
    with SessionManager("memory:", "msgpack") as manager, manager.session() as session:
        session.update(n=1, cart=["a"], gone=True)
        manager.save(session)
        sid = session.sid
        for step in range(3):
            session["n"] += 1
            session["cart"].append(step)
            assert manager.save(session).name == "WRITTEN"
            assert manager.save(session).name == "SKIPPED"
        del session["gone"]
        manager.save(session)
        session["cart"].append("z")
        session.principal = "user:1"
        manager.save(session)
        assert manager.open(sid).to_dict() == {"n": 4, "cart": ["a", 0, 1, 2, "z"]}
        assert len(manager.sessions_of("user:1")) == 1


def test_a_session_that_moved_in_lives_as_long_as_others():
    """Bytes from before this library are a session; the first change makes a record of them, with times of ours."""
    store = MemoryStore()
    sid = ids.make()
    store.create(ids.key(sid), b'{"user":42}', 60_000)
    times = {"max_inactive_interval": 600, "absolute_timeout": 3600}
    with SessionManager(store, "msgpack", accept=["raw-json"], **times) as manager:
        with manager.session(sid) as session:
            assert session["user"] == 42
        assert store.load(ids.key(sid)) == b'{"user":42}'  # reading writes nothing
        with manager.session(sid) as session:
            session["seen"] = True
        with manager.session(sid) as session:
            assert session.to_dict() == {"user": 42, "seen": True}
            assert (session.idle, session.absolute) == (600, 3600)
            assert session.record.created > 0


def test_a_lock_ends_with_its_session():
    """A session that is dropped without being saved has its lock renewed no more, so that it ends by itself."""
    with SessionManager("memory:", locking_mode="all", lock_expiration=3600) as manager:
        with manager.session() as session:
            session["n"] = 1
        kept, let = [], []
        keep, forget = manager._port.keep, manager._port.forget
        manager._port.keep = lambda key, token, ttl: (kept.append(token), keep(key, token, ttl))
        manager._port.forget = lambda token: (let.append(token), forget(token))
        manager.open(session.sid)["n"]
        gc.collect()
        assert kept
        assert let == kept


def test_an_id_that_was_given_up_a_moment_ago():
    """The old id is dead, and its session says that the browser has, or gets, another; a minute later nobody knows."""
    clock = VirtualClock()
    with SessionManager("memory:", clock=clock) as manager:
        with manager.session() as session:
            session["cart"] = ["tea"]
        old = session.sid
        with manager.session(old) as session:
            session.login("user:1")
        for outdated in (True, False):
            late = manager.open(old)
            assert late.get("cart") is None
            assert late.outdated is outdated
            clock.advance(61)
