"""Managers made from settings, and the settings that managers take by keyword."""

import asyncio

import pytest

from transcoders import SpecError
from transcoders.sessions import AsyncSessionManager, MemoryStore, Policy, SessionManager
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


def test_an_unknown_setting():
    """A setting that is none is refused with the one that was meant."""
    with pytest.raises(SpecError, match="no setting 'lock_mode'; did you mean 'locking_mode'"):
        SessionManager(lock_mode="all")
