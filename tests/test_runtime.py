"""Blocking stores as ports: who is called where, what wakes, what goes on when its caller is gone, and what ends."""

import asyncio
import os
import threading
import time
from contextlib import suppress

import pytest

from tests.clock import VirtualClock
from tests.store_contract import LONG, SOON, Rig, drive, record
from transcoders.errors import StoreError
from transcoders.sessions.ports import ETAG, Acquired, Capabilities, Outcome
from transcoders.sessions.runtime import Blocking, InPlace, Threaded
from transcoders.sessions.stores.memory import MemoryStore

VERBS = {
    "load": (("k",), b"data"),
    "create": (("k", b"data", 1), True),
    "save": (("k", b"data", b"base", 1, "t"), Outcome.STALE),
    "touch": (("k", 1, "t"), True),
    "delete": (("k", "t"), True),
    "move": (("k", "l", b"data", b"base", 1, b"trail", 2, "t"), Outcome.GONE),
    "acquire": (("k", "t", 1), Acquired(0, b"data")),
    "release": (("k", "t"), None),
    "link": (("p", "k", 1), None),
    "unlink": (("p", "k"), None),
    "linked": (("p",), ["k"]),
}
"""Each verb of a port with arguments, and what the store below answers."""


class Noted:
    """A store that notes its calls, and by which thread they came."""

    capabilities = Capabilities("noted", recheck=0.02)

    def __init__(self):
        self.calls = []
        self.renewed = threading.Semaphore(0)

    def __getattr__(self, verb):
        def call(*arguments):
            self.calls.append((verb, arguments, threading.current_thread().name))
            if verb == "renew":
                self.renewed.release()
                return True
            return VERBS[verb][1] if verb in VERBS else None

        return call

    def verbs(self):
        """The verbs called, in order."""
        return [verb for verb, _, _ in self.calls]


@pytest.fixture(params=[Blocking, InPlace, Threaded])
def rig(request):
    """A port over a store that notes its calls."""
    rig = Rig(request.param(Noted()), asynchronous=request.param is not Blocking)
    yield rig
    rig.close()


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_pass_through(rig, verb):
    """Arguments go to the store as they are and its answer comes back; by threads of its own where it is threaded."""
    arguments, answer = VERBS[verb]
    assert rig.run(getattr(rig.port, verb)(*arguments)) == answer
    ((called, given, thread),) = rig.port.store.calls
    assert (called, given) == (verb, arguments)
    assert thread.startswith("transcoders-store") is isinstance(rig.port, Threaded)


@pytest.mark.parametrize("kind", [Blocking, InPlace, Threaded])
def test_the_time_is_passed_in(kind):
    """A port tells the time of the clock that it was given."""
    clock = VirtualClock()
    rig = Rig(kind(Noted(), clock), asynchronous=kind is not Blocking)
    before = rig.port.now(), rig.port.tick()
    clock.advance(5)
    assert (rig.port.now() - before[0], rig.port.tick() - before[1]) == (5, 5)
    rig.close()


# Locks.


def test_waiting_watches_and_ends(rig):
    """A wait is bounded by its seconds and by the store's recheck, and leaves nobody watched."""
    for seconds in (0.0, SOON):
        began = time.monotonic()
        rig.run(rig.port.wait("k", "t", seconds))
        assert time.monotonic() - began < SOON / 2
    assert rig.port.store.verbs() == ["watch", "unwatch"] * 2


@pytest.mark.parametrize("kind", [InPlace, Threaded])
def test_a_cancelled_wait_leaves_nobody_watched(kind):
    """Who is cancelled while it waits is forgotten; a wake that comes later, also after the loop, harms nobody."""
    port = kind(Noted())

    async def cancelled():
        task = asyncio.create_task(port.wait("k", "t", SOON))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert port.store.verbs() == ["watch", "unwatch"]
    _, (_, wake), _ = port.store.calls[0]
    wake()
    asyncio.run(port.close())


@pytest.mark.parametrize("kind", [Blocking, InPlace, Threaded])
def test_kept_locks_are_renewed(kind):
    """What is kept is renewed through the store, until it is forgotten."""
    rig = Rig(kind(Noted()), asynchronous=kind is not Blocking)
    store = rig.port.store

    async def keeps():
        rig.port.keep("k", "t", 15)
        end = time.monotonic() + SOON
        while not store.renewed.acquire(blocking=False):
            assert time.monotonic() < end
            await rig.moment()
        rig.port.forget("t")

    rig.run(keeps())
    rig.close()
    assert ("renew", ("k", "t", 15)) in [(verb, arguments) for verb, arguments, _ in store.calls]
    assert store.verbs()[-1] == "close"


@pytest.mark.parametrize("kind", [InPlace, Threaded])
def test_many_waiters_keep_no_thread_from_the_holder(kind):
    """More requests that wait than there are threads: each has its turn, because a wait takes no thread."""
    store = MemoryStore()
    port = kind(store, threads=2) if kind is Threaded else kind(store)
    rig = Rig(port, asynchronous=True)
    held = []

    def works(name):
        async def work():
            await rig.lock("k", name)
            held.append(name)
            await asyncio.sleep(0)
            assert held.pop() == name
            await port.release("k", name)

        return work

    rig.together(*(works(str(n)) for n in range(24)))
    rig.close()


# Being shielded.


class Slow(Noted):
    """A store whose release waits for the test."""

    def __init__(self):
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def release(self, *arguments):
        self.entered.set()
        assert self.go.wait(SOON)
        self.calls.append(("release", arguments, threading.current_thread().name))


def test_shielded_work_outlives_its_caller():
    """A caller cancelled while its lock is released goes at once; the release ends, and close waits for it."""
    port = Threaded(Slow())
    ended = []

    async def let_go():
        await port.release("k", "t")
        ended.append(True)

    async def cancelled():
        task = asyncio.create_task(port.shield(let_go()))
        await asyncio.to_thread(port.store.entered.wait, SOON)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ended
        asyncio.get_running_loop().call_later(0.01, port.store.go.set)
        await port.close()

    asyncio.run(cancelled())
    assert ended
    assert port.store.verbs() == ["release", "close"]


def test_what_fails_unseen_is_logged(caplog):
    """Shielded work that fails after its caller has gone is logged by asyncio, and close ends all the same."""
    port = InPlace(Noted())

    async def fails():
        await asyncio.sleep(0.001)
        raise StoreError("cut")

    async def cancelled():
        task = asyncio.create_task(port.shield(fails()))
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await port.close()

    asyncio.run(cancelled())
    assert ["never retrieved" in entry.message for entry in caplog.records] == [True]


def test_the_loop_goes_on_while_a_verb_waits():
    """A verb that blocks its thread blocks nothing else: the loop itself lets it go on."""
    port = Threaded(Slow())

    async def run():
        release = asyncio.create_task(port.release("k", "t"))
        await asyncio.to_thread(port.store.entered.wait, SOON)
        assert await port.load("k") == b"data"
        port.store.go.set()
        await release
        await port.close()

    asyncio.run(run())


def test_a_child_process_has_threads_of_its_own():
    """A port whose threads have run in the parent works in a child, under a loop of the child's."""
    port = Threaded(MemoryStore())

    async def use(key):
        return await asyncio.wait_for(port.create(key, record(), LONG), SOON)

    assert asyncio.run(use("parents"))
    if (child := os.fork()) == 0:  # pragma: no cover - another process
        os._exit(0 if asyncio.run(use("childs")) else 1)
    assert os.waitpid(child, 0)[1] == 0
    asyncio.run(port.close())


# What does not suspend.


def test_a_blocking_port_never_suspends():
    """A whole request, waiting for a lock included, is one send."""
    port, data = Blocking(MemoryStore()), record()

    async def request():
        await port.create("k", data, LONG)
        assert (await port.acquire("k", "other", 20)).wait == 0
        while (answer := await port.acquire("k", "mine", LONG)).wait:
            await port.wait("k", "mine", answer.wait / 1000)
        port.keep("k", "mine", LONG)
        await port.shield(port.link("p", "k", LONG))
        port.forget("mine")
        return await port.save("k", record(2), answer.data[ETAG], LONG, "mine")

    assert drive(request()) is Outcome.SAVED
    drive(port.close())
