"""Under asyncio: who is cancelled lets go of the lock, whatever it was doing; nothing is lost by many at once."""

import asyncio
import gc
import threading
from contextlib import suppress

import pytest

from tests.driving import Tap
from transcoders.errors import LockTimeout, SessionError, SpecError
from transcoders.sessions import ids
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.merge import counter
from transcoders.sessions.ports import Capabilities
from transcoders.sessions.runtime import Blocking
from transcoders.sessions.stores.memory import MemoryStore

SOON = 10.0
"""Seconds in which anything here happens, on a machine however slow."""
LOCKED = {"locking_mode": "all", "lock_timeout": 60.0, "lock_expiration": 60.0, "on_lock_timeout": "error"}


class Slow(Tap):
    """A store in memory that is called in threads, because its verbs may wait; they do where the test says so."""

    capabilities = Capabilities("slow")

    def __init__(self):
        super().__init__(MemoryStore())
        self.reached, self.go_on = threading.Event(), threading.Event()

    def hold(self, name):
        """Have the verb wait, before its effect, until `go_on` is set."""

        def wait(*_arguments):
            self.reached.set()
            assert self.go_on.wait(SOON)

        self.wrong[name] = wait


@pytest.fixture(params=["in place", "in threads"])
def store(request):
    """A store whose verbs are called in place, or in threads."""
    return Tap(MemoryStore()) if request.param == "in place" else Slow()


def locks(store):
    """The locks that are held or waited for."""
    return store.store._locks._locks


async def begun(manager, **attributes):
    """The id of a new session."""
    async with manager.session() as session:
        session.update(attributes)
    return session.sid


async def settled(manager):
    """Let everything end that goes on by itself."""
    await manager.close()


async def until(true):
    """Return when it is true."""
    async with asyncio.timeout(SOON):
        while not true():  # noqa: ASYNC110 - what it looks at is inside the manager, and tells nobody
            await asyncio.sleep(0)


async def cancelled(task):
    """Cancel the task, and wait for its end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# ------------------------------------------------------------------------------------------------ many at once


@pytest.mark.parametrize(
    "settings",
    [LOCKED, {"locking_mode": "auto", "lock_timeout": 60.0, "merge": {"n": counter}}, {"merge": {"n": counter}}],
    ids=["all", "auto", "merge"],
)
def test_tasks_lose_no_increment(store, settings):
    """Sixty-four tasks count in one session, and something is waited for in between; nothing is lost or doubled."""

    async def run():
        async with AsyncSessionManager(store, **settings) as manager:
            sid = await begun(manager, n=0)

            async def count():
                for _ in range(3):
                    async with manager.session(sid, request="POST /n") as session:
                        await asyncio.sleep(0)
                        session["n"] += 1

            await asyncio.wait_for(asyncio.gather(*(count() for _ in range(64))), SOON * 3)
            async with manager.session(sid) as session:
                assert session["n"] == 192
        assert locks(store) == {}

    asyncio.run(run())


def test_one_task_more_than_may_wait_is_refused(store):
    """The bound counts those that wait for the lock of one session."""

    async def run():
        async with AsyncSessionManager(store, max_lock_waiters=3, **LOCKED) as manager:
            sid = await begun(manager, n=0)
            holder = await manager.open(sid)
            waiting = manager._core._holding._waiting
            tasks = [asyncio.create_task(manager.open(sid)) for _ in range(3)]
            await until(lambda: len(waiting.get(ids.key(sid), ())) == 3)
            with pytest.raises(LockTimeout):
                await manager.open(sid)
            await manager.discard(holder)
            for _ in tasks:
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=SOON)
                for task in done:
                    await manager.discard(await task)
        assert waiting == {}
        assert locks(store) == {}

    asyncio.run(run())


# ------------------------------------------------------------------------------------------------ cancellation


def test_cancelled_in_the_block(store):
    """Nothing is stored, and the lock is free when the cancellation is through."""

    async def run():
        async with AsyncSessionManager(store, **LOCKED) as manager:
            sid = await begun(manager, n=0)
            entered = asyncio.Event()

            async def request():
                async with manager.session(sid) as session:
                    session["n"] += 1
                    entered.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(request())
            await entered.wait()
            await cancelled(task)
            assert locks(store) == {}
            async with manager.session(sid) as session:
                assert session["n"] == 0

    asyncio.run(run())


def test_cancelled_while_it_waits_for_the_lock(store):
    """It leaves the queue, and the next in it gets the lock."""

    async def run():
        async with AsyncSessionManager(store, **LOCKED) as manager:
            sid = await begun(manager, n=0)
            holder = await manager.open(sid)
            waiting = manager._core._holding._waiting
            first = asyncio.create_task(manager.open(sid))
            await until(lambda: len(waiting.get(ids.key(sid), ())) == 1)
            second = asyncio.create_task(manager.open(sid))
            await until(lambda: len(waiting.get(ids.key(sid), ())) == 2)
            await cancelled(first)
            await manager.discard(holder)
            await manager.discard(await asyncio.wait_for(second, SOON))
            assert waiting == {}
        assert locks(store) == {}

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["acquire", "save", "release", "touch", "move", "end"])
def test_cancelled_in_the_middle_of_a_verb(verb):
    """The thread goes on with the verb; whether that takes the lock or keeps it, it is let go of afterwards."""

    async def run():
        store = Slow()
        async with AsyncSessionManager(store, **LOCKED) as manager:
            sid = await begun(manager, n=0)
            store.hold("move" if verb == "end" else verb)

            async def request():
                async with manager.session(sid) as session:
                    if verb == "save":
                        session["n"] += 1
                    elif verb == "touch":
                        await manager.touch(session)
                    elif verb == "end":
                        await manager.destroy(session)
                    elif verb == "move":
                        await manager.rotate(session)

            task = asyncio.create_task(request())
            await asyncio.to_thread(store.reached.wait, SOON)
            store.wrong.clear()
            before = store.calls.count("release")
            task.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):  # where letting go does not wait for the verb, it comes first
                    await until(lambda: store.calls.count("release") > before)
            store.go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            await settled(manager)
            assert locks(store) == {}

    asyncio.run(run())


def test_cancelled_twice(store):
    """A second cancellation, while the lock is let go of, does not keep it."""

    async def run():
        async with AsyncSessionManager(store, **LOCKED) as manager:
            sid = await begun(manager, n=0)
            entered = asyncio.Event()

            async def request():
                async with manager.session(sid):
                    entered.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(request())
            await entered.wait()
            task.cancel()
            await asyncio.sleep(0)
            await cancelled(task)
            await settled(manager)
            assert locks(store) == {}

    asyncio.run(run())


def test_a_timeout_around_a_request_is_no_different(store):
    """asyncio.timeout cancels what is in it; the next request has the lock at once."""

    async def run():
        async with AsyncSessionManager(store, **LOCKED) as manager:
            sid = await begun(manager, n=0)

            async def request():
                async with manager.session(sid) as session:
                    session["n"] += 1
                    await asyncio.Event().wait()

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(request(), 0.01)
            async with asyncio.timeout(SOON), manager.session(sid) as session:
                assert session["n"] == 0

    asyncio.run(run())


def test_an_error_in_a_group_of_tasks_frees_every_lock(store):
    """A task group that fails cancels its requests, those that wait and the one that holds."""

    async def run():
        async with AsyncSessionManager(store, **LOCKED) as manager:
            sid = await begun(manager, n=0)

            async def request():
                async with manager.session(sid) as session:
                    session["n"] += 1
                    await asyncio.sleep(0.001)

            async def fails():
                await until(lambda: len(manager._core._holding._waiting.get(ids.key(sid), ())) >= 5)
                raise ZeroDivisionError

            async def all_of_them():
                async with asyncio.TaskGroup() as group:
                    for _ in range(50):
                        group.create_task(request())
                    group.create_task(fails())

            with pytest.raises(ExceptionGroup):
                await all_of_them()
            await settled(manager)
            assert locks(store) == {}

    asyncio.run(run())


# ------------------------------------------------------------------------------------------------ thrown away


@pytest.mark.parametrize("where", ["block", "acquire", "wait"])
def test_a_coroutine_that_is_thrown_away_ends_quietly(where, recwarn):
    """Closing it while it is suspended raises nothing and awaits nothing; its lock is renewed no more."""

    async def run():
        store = Slow()
        manager = AsyncSessionManager(store, **LOCKED)
        sid = await begun(manager, n=0)
        if where == "wait":
            store.store.acquire(ids.key(sid), "holder", 60_000)
        elif where == "acquire":
            store.hold("acquire")

        async def request():
            async with manager.session(sid) as session:
                session["n"] += 1
                await asyncio.Event().wait()

        work = request()
        waits_for = None
        while True:
            waits_for = work.send(None)  # as the loop does, but by hand
            if waits_for is None or (where == "acquire"):
                break
            if isinstance(waits_for, asyncio.Future) and not waits_for.done():
                done, _ = await asyncio.wait([waits_for], timeout=0.05)
                if not done:
                    break
        work.close()
        store.go_on.set()
        assert manager._port._renewal._held.locks == {}
        await manager.close()

    asyncio.run(run())
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


# ------------------------------------------------------------------------------------------------ use


def test_a_session_that_is_not_read_cannot_be_asked():
    """`begin` gives one that `load` reads; before that it says what to do."""

    async def run():
        async with AsyncSessionManager("memory:") as manager:
            sid = await begun(manager, n=0)
            session = manager.begin(sid)
            with pytest.raises(SessionError, match="load"):
                _ = session["n"]
            await manager.load(session)
            await manager.load(session)
            assert session["n"] == 0
            await manager.save(session)
            assert manager.statistics.counters["loads"] == 1

    asyncio.run(run())


def test_a_session_that_is_not_read_may_be_told():
    """What is set is put on top of what is there when it is saved."""

    async def run():
        async with AsyncSessionManager("memory:") as manager:
            sid = await begun(manager, n=0)
            session = manager.begin(sid)
            session["m"] = 1
            await manager.save(session)
            session = manager.begin(sid)
            await manager.save(session)
            async with manager.session(sid) as found:
                assert found.to_dict() == {"n": 0, "m": 1}
            assert manager.statistics.counters["loads"] == 2

    asyncio.run(run())


def test_a_manager_serves_one_loop_after_another():
    """As in tests, or in a server that starts its loop anew."""
    store = Tap(MemoryStore())
    manager = asyncio.run(made(store))
    sid = asyncio.run(begun(manager, n=0))

    async def count():
        async with manager.session(sid) as session:
            session["n"] += 1
            return session["n"]

    assert [asyncio.run(count()) for _ in range(3)] == [1, 2, 3]
    asyncio.run(manager.close())


async def made(store):
    """A manager that locks."""
    return AsyncSessionManager(store, **LOCKED)


def test_a_store_for_threads_alone_is_refused():
    """A port that blocks the loop is not taken."""
    with pytest.raises(SpecError, match="other kind"):
        AsyncSessionManager(Blocking(MemoryStore()))
