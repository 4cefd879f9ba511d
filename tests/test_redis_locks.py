"""Locks of the Redis store: handed over in turn, and never stuck, whoever dies, sleeps or is cut off."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager

import pytest

from tests import servers
from tests.proxy import Proxy
from tests.redis_ports import Face, etag, faces, record, run, shared_face, taken  # noqa: F401 - a fixture
from transcoders.errors import StoreError
from transcoders.sessions.ports import Outcome
from transcoders.sessions.stores.redis.scripts import CLAIM

HOUR = 3_600_000
FIRST, SECOND = record(1, b"a"), record(2, b"b", earlier=(b"a",))


def lock(face) -> str:
    """The key of its lock."""
    return f"tc:l:{{{face.key}}}"


def queue(face) -> list[bytes]:
    """Who stands in the queue, by token."""
    return [entry.rpartition(b"|")[2] for entry in face.server.ask("LRANGE", f"tc:q:{{{face.key}}}", 0, -1)]


def until(done: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return when it is so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never was so"


async def later(done: Callable[[], object], turns: int = 10_000) -> None:
    """Return when it is so, after as many turns of the loop as that takes."""
    for _ in range(turns):
        if done():
            return
        await asyncio.sleep(0)
    pytest.fail("it never was so")


@pytest.mark.parametrize("size", [0, 50_000])
@faces("blocking", "asyncio")
def test_a_locked_request_is_two_round_trips(face, size):
    """Lock and record come in one, save and release go in one, whatever the size; nobody listens for it."""
    with Proxy(face.server.port, of=face.key.encode()) as proxy:

        async def body(port):
            await port.create(face.key, FIRST, HOUR)
            base = FIRST
            for number in range(2, 5):  # the first is when the server gets to know the scripts
                begin = proxy.trips
                await port.acquire(face.key, "me", HOUR)
                data = record(number, b"b", bytes(size))
                assert await port.save(face.key, data, etag(base), HOUR, "me") is Outcome.SAVED
                base = data
            assert proxy.trips == begin + 2

        face.run(body, face.server.url(port=proxy.port))
    assert face.server.ask("EXISTS", lock(face)) == 0
    assert b"tc:w:" not in face.server.ask("CLIENT", "LIST")


@faces()
def test_one_holds_the_lock(face):
    """A second token waits, is told for how long, and is not let in by releasing what it does not hold."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        assert await port.acquire(face.key, "one", 60_000) == (0, FIRST)
        assert await port.acquire(face.key, "one", 60_000) == (0, FIRST)
        wait, data = await port.acquire(face.key, "two", 60_000)
        assert 59_000 < wait <= 60_000
        assert data is None
        await port.release(face.key, "three")
        assert face.server.ask("GET", lock(face)) == b"one"
        await port.release(face.key, "one")
        await port.wait(face.key, "two", 10)
        assert face.server.ask("GET", lock(face)) == b"two"
        assert face.server.ask("PTTL", lock(face)) <= CLAIM
        assert await port.acquire(face.key, "two", 60_000) == (0, FIRST)
        assert face.server.ask("PTTL", lock(face)) > 59_000
        await port.release(face.key, "two")

    face.run(body)
    assert face.server.ask("EXISTS", lock(face)) == 0


@faces("blocking", "asyncio")
def test_every_verb_with_a_token_releases(face):
    """Save, touch, delete and move free the lock, also when there was nothing to do."""
    new = f"{face.key}n"

    async def body(port):
        verbs = [
            lambda: port.touch(face.key, HOUR, "t"),
            lambda: port.touch(face.key, 0, "t"),
            lambda: port.save(face.key, SECOND, etag(FIRST), HOUR, "t"),
            lambda: port.save(face.key, record(9, b"z", bytes(9999)), etag(FIRST), HOUR, "t"),
            lambda: port.move(face.key, new, record(3, b"c"), etag(SECOND), HOUR, b"", 0, "t"),
            lambda: port.move(face.key, new, record(3, b"c"), etag(SECOND), HOUR, b"", 0, "t"),
            lambda: port.delete(face.key, "t"),
            lambda: port.release(face.key, "t"),
        ]
        await port.create(face.key, FIRST, HOUR)
        for verb in verbs:
            assert not (await port.acquire(face.key, "t", 60_000)).wait
            await verb()
            assert face.server.ask("EXISTS", lock(face)) == 0

    face.run(body)


@faces("blocking", "asyncio")
def test_who_gives_up_leaves_the_queue(face):
    """The next one in the queue is served instead, and nothing is left of it all."""

    async def body(port):
        await port.acquire(face.key, "holder", 60_000)
        for token in ("first", "second"):
            assert (await port.acquire(face.key, token, 60_000)).wait
        assert queue(face) == [b"first", b"second"]
        await port.release(face.key, "first")
        assert queue(face) == [b"second"]
        await port.release(face.key, "holder")
        assert face.server.ask("GET", lock(face)) == b"second"
        await port.release(face.key, "second")
        assert face.server.ask("EXISTS", lock(face), f"tc:q:{{{face.key}}}") == 0

    face.run(body)


@faces("blocking")
def test_threads_are_served_in_turn(face):
    """Waiters of two processes hold the lock in the order in which they came, and never two at once."""
    ports, served, held = (face.port(), face.port()), [], []
    run("blocking", ports[0].acquire(face.key, "holder", 60_000))

    def work(number: int) -> None:
        port, token = ports[number % 2], f"t{number}"
        run("blocking", taken(port, face.key, token))
        held.append(token)
        served.append((number, list(held)))
        held.remove(token)
        run("blocking", port.release(face.key, token))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        until(lambda number=number: len(queue(face)) == number)
    run("blocking", ports[0].release(face.key, "holder"))
    for thread in threads:
        thread.join()
    assert served == [(number, [f"t{number}"]) for number in range(8)]
    for port in ports:
        run("blocking", port.close())


@faces("asyncio", "uvloop")
def test_tasks_are_served_in_turn(face):
    """The same with 32 tasks of two ports, over one connection each and one that listens."""

    async def body(port):
        other, served = face.port(), []
        await port.acquire(face.key, "holder", 60_000)

        async def work(number: int) -> None:
            mine, token = (port, other)[number % 2], f"t{number}"
            await taken(mine, face.key, token)
            served.append(number)
            await mine.release(face.key, token)

        tasks = []
        for number in range(32):
            tasks.append(asyncio.create_task(work(number)))
            await later(lambda number=number: len(queue(face)) > number)
        await port.release(face.key, "holder")
        await asyncio.gather(*tasks)
        assert served == list(range(32))
        await other.close()

    face.run(body)


@faces("asyncio")
def test_a_cancelled_waiter_can_leave(face):
    """A task that is cancelled while it waits leaves the queue by `release`, and the connection stays good."""

    async def body(port):
        await port.acquire(face.key, "holder", 60_000)
        task = asyncio.create_task(taken(port, face.key, "waiter"))
        await later(lambda: queue(face))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await port.shield(port.release(face.key, "waiter"))
        assert queue(face) == []
        loads = [asyncio.create_task(port.load(face.key)) for _ in range(20)]
        await asyncio.sleep(0)
        for load in loads[::2]:
            load.cancel()
        await port.create(face.key, FIRST, HOUR)
        assert await port.load(face.key) == FIRST

    face.run(body)


@faces("blocking", "asyncio")
def test_a_lock_whose_time_is_over_goes_to_the_first_in_the_queue(face):
    """A holder that never comes back costs its time to live, and no more."""

    async def body(port):
        assert not (await port.acquire(face.key, "holder", 150)).wait
        began = time.monotonic()
        assert (await port.acquire(face.key, "first", 60_000)).wait
        assert (await port.acquire(face.key, "second", 60_000)).wait
        await taken(port, face.key, "first")
        assert 0.1 < time.monotonic() - began < 1
        assert not await port.renew(face.key, "holder", 60_000)
        await port.release(face.key, "holder")
        assert face.server.ask("GET", lock(face)) == b"first"
        assert queue(face) == [b"second"]
        await port.release(face.key, "first")
        await port.release(face.key, "second")

    face.run(body)


@faces("blocking", "asyncio")
def test_a_kept_lock_outlives_its_time(face):
    """It is renewed until it is forgotten, and then ends."""

    async def body(port):
        await port.acquire(face.key, "holder", 300)
        port.keep(face.key, "holder", 300)
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            await port.load(face.key)
            assert face.server.ask("GET", lock(face)) == b"holder"
        port.forget("holder")
        until(lambda: face.server.ask("GET", lock(face)) is None)

    face.run(body)


@contextmanager
def child(work: Callable[[], None]):
    """A process that does the work and sleeps on; it is killed at the end."""
    if (pid := os.fork()) == 0:  # pragma: no cover - another process
        try:
            work()
            signal.pause()
        finally:
            os._exit(1)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def waits(face, token: str) -> Callable[[], None]:
    """What a process does that waits for the lock of the face."""
    other = Face(face.server, "blocking")
    return lambda: run("blocking", taken(other.port(), face.key, token))


@faces("blocking")
def test_a_holder_that_is_killed_costs_its_time(face):
    """The waiter is in when the lock's time is over."""

    async def body(port):
        with child(lambda: run("blocking", face.port().acquire(face.key, "killed", 300))):
            until(lambda: face.server.ask("GET", lock(face)) == b"killed")
        began = time.monotonic()
        await taken(port, face.key, "me")
        assert time.monotonic() - began < 0.3 + 0.4
        await port.release(face.key, "me")

    face.run(body)


@faces("blocking", "asyncio")
def test_a_waiter_that_is_killed_costs_nothing(face):
    """The store knows that nobody listens to its channel, and hands the lock to the next at once."""

    async def body(port):
        await port.acquire(face.key, "holder", 60_000)
        with child(waits(face, "killed")):
            until(lambda: queue(face) == [b"killed"])
        assert (await port.acquire(face.key, "next", 60_000)).wait
        until(lambda: b"sub=1" not in b"".join(clients(face, b"killed")))
        await port.release(face.key, "holder")
        assert face.server.ask("GET", lock(face)) == b"next"
        await port.release(face.key, "next")

    face.run(body)


def clients(face, token: bytes) -> list[bytes]:
    """Channels that somebody listens to and that the queue names with the token."""
    entries = face.server.ask("LRANGE", f"tc:q:{{{face.key}}}", 0, -1)
    channels = [entry.split(b"|")[1] for entry in entries if entry.endswith(token)]
    return [b"sub=1" for channel in channels if face.server.ask("PUBSUB", "NUMSUB", channel)[1]]


@faces("blocking")
def test_a_waiter_that_is_frozen_costs_its_claim(face):
    """It was handed the lock and does not come: a second later the next one has it."""

    async def body(port):
        await port.acquire(face.key, "holder", 60_000)
        with child(waits(face, "frozen")) as pid:
            until(lambda: queue(face) == [b"frozen"])
            os.kill(pid, signal.SIGSTOP)
            assert (await port.acquire(face.key, "next", 60_000)).wait
            await port.release(face.key, "holder")
            assert face.server.ask("GET", lock(face)) == b"frozen"
            began = time.monotonic()
            await taken(port, face.key, "next")
            assert 0.9 < time.monotonic() - began < 1.7
            await port.release(face.key, "next")

    face.run(body)


@faces("blocking", "asyncio")
def test_a_listener_that_is_cut_off_comes_back(face):
    """Its waiters are woken when it listens again, and get the lock that was freed meanwhile without a hint."""

    async def body(port):
        await port.acquire(face.key, "holder", 60_000)
        waiting = asyncio.create_task(taken(port, face.key, "waiter")) if face.mode == "asyncio" else None
        thread = None
        if waiting is None:
            thread = threading.Thread(target=run, args=("blocking", taken(port, face.key, "waiter")))
            thread.start()
        while not queue(face):
            await port.load(face.key)
        began = time.monotonic()
        for channel in clients_of(face):
            face.server.ask("CLIENT", "KILL", "ID", channel)
        await port.release(face.key, "holder")
        if waiting is not None:
            await waiting
        if thread is not None:
            thread.join()
        assert time.monotonic() - began < 0.45
        await port.release(face.key, "waiter")

    with servers.running(face.server.kind) as own:
        face.server = own
        face.run(body)


def clients_of(face) -> list[bytes]:
    """The ids of the connections that listen."""
    lines = face.server.ask("CLIENT", "LIST", "TYPE", "pubsub").split(b"\n")
    return [line.split()[0].removeprefix(b"id=") for line in lines if line]


@faces("blocking", "asyncio")
def test_a_save_that_is_refused_frees_its_lock(face):
    """Where something of another program stands under the key, nothing is left behind, small or large."""
    face.server.ask("RPUSH", f"tc:r:{{{face.key}}}", "x")

    async def body(port):
        for size in (0, 9999):
            face.server.ask("SET", lock(face), "t")
            with pytest.raises(StoreError, match="of another program"):
                await port.save(face.key, record(2, b"b", bytes(size)), etag(FIRST), HOUR, "t")
            assert face.server.ask("EXISTS", lock(face)) == 0

    face.run(body)
    assert face.server.ask("KEYS", f"tc:s:{{{face.key}}}*") == []


@pytest.mark.parametrize("size", [0, 9999])
@faces("blocking", "asyncio")
def test_a_save_whose_lock_cannot_be_freed_stands(face, size):
    """Nobody may take that for a save that failed; refused, or repeated, it is what it was."""
    data = record(2, b"b", bytes(size))

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        face.server.ask("SET", lock(face), "t")
        face.server.ask("SET", f"tc:q:{{{face.key}}}", "not a queue")
        with pytest.raises(StoreError, match="of another program") as caught:
            await port.save(face.key, data, etag(FIRST), HOUR, "t")
        assert caught.value.unknown
        assert await port.load(face.key) == data
        with pytest.raises(StoreError, match="of another program"):
            await port.save(face.key, data, etag(FIRST), HOUR, "t")
        face.server.ask("DEL", f"tc:q:{{{face.key}}}")
        assert await port.save(face.key, data, etag(FIRST), HOUR, "t") is Outcome.SAVED
        assert face.server.ask("EXISTS", lock(face)) == 0

    face.run(body)


@pytest.mark.parametrize("size", [0, 9999])
@faces("blocking", "asyncio")
def test_a_store_without_memory_still_frees_locks(face, size):
    """With no memory left, creating and locking are refused, renewing, releasing and leaving are not."""
    second = record(2, b"b", bytes(size), earlier=(b"a",))

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        await port.acquire(face.key, "holder", 60_000)
        await port.acquire(face.key, "waiter", 60_000)
        await port.acquire(face.key, "leaver", 60_000)
        face.server.ask("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(StoreError, match="no memory left") as caught:
            await port.acquire(f"{face.key}2", "other", 60_000)
        assert (caught.value.retryable, caught.value.unknown) == (True, False)
        with pytest.raises(StoreError, match="no memory left"):
            await port.create(f"{face.key}2", FIRST, HOUR)
        assert await port.load(face.key) == FIRST
        assert await port.renew(face.key, "holder", 60_000)
        await port.release(face.key, "leaver")
        with pytest.raises(StoreError, match="no memory left"):
            await port.save(face.key, second, etag(FIRST), HOUR, "holder")
        assert face.server.ask("GET", lock(face)) == b"waiter"
        await port.wait(face.key, "waiter", 10)
        assert await port.acquire(face.key, "waiter", 60_000) == (0, FIRST)
        await port.release(face.key, "waiter")
        assert face.server.ask("EXISTS", lock(face), f"tc:q:{{{face.key}}}") == 0

    with servers.running(face.server.kind) as own:
        face.server = own
        face.run(body)


@faces("blocking", "asyncio")
def test_scripts_that_the_server_forgot_are_sent_again(face):
    """SCRIPT FLUSH between any two requests is not noticed."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        base = FIRST
        for number in range(2, 6):
            for size in (9, 9999):
                data = record(number * 2, os.urandom(4), bytes(size))
                for verb in (
                    port.acquire(face.key, "one", 60_000),
                    port.acquire(face.key, "two", 60_000),
                    port.save(face.key, data, etag(base), HOUR, "one"),
                    port.renew(face.key, "two", 60_000),
                    port.link(face.key, face.key, HOUR),
                    port.release(face.key, "two"),
                ):
                    face.server.ask("SCRIPT", "FLUSH")
                    answer = await verb
                    assert answer is not Outcome.STALE
                base = data
        assert await port.load(face.key) == base
        assert face.server.ask("EXISTS", lock(face)) == 0

    with servers.running(face.server.kind) as own:
        face.server = own
        face.run(body)
