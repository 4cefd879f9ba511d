"""The store in memory: the contract, its bounds, and that it is not larger than what lives in it."""

import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import VirtualClock
from tests.store_contract import LONG, Rig, StoreContract, after, record
from transcoders.errors import StoreError
from transcoders.sessions.ports import ETAG, Outcome
from transcoders.sessions.runtime import Blocking, InPlace, Threaded
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.sessions.stores.memory.shelf import OVERHEAD

BODY = 71
"""Bytes that make a record of 100."""
ROOM = 100 + OVERHEAD
"""What a record with that body takes."""


class TestMemory(StoreContract):
    """The contract, in the caller's thread, in place under asyncio, and through threads."""

    @pytest.fixture(params=[Blocking, InPlace, Threaded])
    def rig(self, request):
        """A port to a new store."""
        clock = VirtualClock()
        port = request.param(MemoryStore(clock=clock), clock)
        rig = Rig(port, asynchronous=request.param is not Blocking, clock=clock)
        yield rig
        rig.close()


@pytest.fixture
def clock():
    """The time of the stores here."""
    return VirtualClock()


def small(size: int = 100) -> bytes:
    """A record of so many bytes."""
    return record(body=bytes(size - 29))


# The bounds.


@pytest.mark.parametrize("bounds", [{"max_records": 3}, {"max_bytes": 3 * ROOM}])
def test_a_full_store_refuses(clock, bounds):
    """What is there stays and can be written; a new record is refused, with the figures and without the key."""
    store, data = MemoryStore(clock=clock, **bounds), small()
    for key in "abc":
        store.create(key, data, LONG)
    with pytest.raises(
        StoreError, match=r"the memory store is full: 3 sessions in 1200 bytes.*none .* expired"
    ) as told:
        store.create("the-key", small(), LONG)
    assert told.value.retryable
    assert "the-key" not in str(told.value)
    assert store.save("a", after(data, bytes(67)), data[ETAG], LONG) is Outcome.SAVED
    assert store.touch("b", LONG)
    store.delete("c")
    assert store.create("d", small(), LONG)


def test_a_record_that_grows_needs_room(clock):
    """A save that does not fit is refused and changes nothing but the lock, which is released; a smaller one fits."""
    store, data = MemoryStore(clock=clock, max_bytes=2 * ROOM), small()
    store.create("a", data, LONG)
    store.create("b", data, LONG)
    store.acquire("a", "t", LONG)
    with pytest.raises(StoreError, match="is full"):
        store.save("a", after(data, bytes(BODY)), data[ETAG], LONG, "t")
    assert store.load("a") == data
    assert store.acquire("a", "u", LONG).wait == 0
    smaller = after(data, b"s")
    assert store.save("a", smaller, data[ETAG], LONG) is Outcome.SAVED
    assert store.save("b", after(data, bytes(BODY)), data[ETAG], LONG) is Outcome.SAVED


def test_what_has_expired_makes_room(clock):
    """A full store takes new records in place of those whose time is over."""
    store = MemoryStore(clock=clock, max_records=3)
    for key, ttl in (("a", 1000), ("b", 2000), ("c", 0)):
        store.create(key, small(), ttl)
    clock.advance(1.5)
    assert store.create("d", small(), LONG)
    with pytest.raises(StoreError):
        store.create("e", small(), LONG)
    clock.advance(1)
    assert store.create("e", small(), LONG)
    assert [bool(store.load(key)) for key in "abcde"] == [False, False, True, True, True]


def test_dropping_takes_what_would_end_soonest(clock):
    """With full=drop, records that end soon make room for new ones; one that has no end never does."""
    store = MemoryStore(clock=clock, max_records=3, full="drop")
    for key, ttl in (("late", 9000), ("soon", 1000), ("never", 0)):
        store.create(key, small(), ttl)
    store.touch("late", 500)
    assert store.create("a", small(), 5000)
    assert [bool(store.load(key)) for key in ("late", "soon", "never")] == [False, True, True]
    assert store.create("b", small(), 0)
    assert store.create("c", small(), 0)
    assert [bool(store.load(key)) for key in ("soon", "a", "never", "b", "c")] == [False, False, True, True, True]
    with pytest.raises(StoreError, match="is full"):
        store.create("d", small(), LONG)


@pytest.mark.parametrize("full", ["refuse", "drop"])
def test_what_is_larger_than_the_store(clock, full):
    """A record that can never fit is refused, new or grown, and drops nothing that is worth less than the error."""
    store, data = MemoryStore(clock=clock, max_bytes=4 * ROOM, full=full), small()
    store.create("a", data, LONG)
    for _ in range(2):
        with pytest.raises(StoreError, match="is full"):
            store.create("b", small(5 * ROOM), LONG)
    assert store.create("a", data, LONG)
    with pytest.raises(StoreError, match="is full"):
        store.save("a", after(data, bytes(5 * ROOM)), data[ETAG], LONG)
    assert store.load("a") == data
    assert store.save("a", after(data), data[ETAG], LONG) is Outcome.SAVED


def test_a_record_that_grows_may_drop_others(clock):
    """With full=drop, a record that grows takes the place of others, and stays itself even where it would end first."""
    store, data = MemoryStore(clock=clock, max_bytes=3 * ROOM, full="drop"), small()
    for key, ttl in (("a", 1000), ("b", 3000), ("c", 2000)):
        store.create(key, data, ttl)
    assert store.save("a", after(data, bytes(BODY + 100)), data[ETAG], 1000) is Outcome.SAVED
    assert [bool(store.load(key)) for key in "abc"] == [True, True, False]
    clock.advance(1.5)
    assert [bool(store.load(key)) for key in "abc"] == [False, True, False]


def test_a_full_store_moves(clock):
    """A rotation needs no room of its own; its trail does, and where there is none nothing happens."""
    store, data = MemoryStore(clock=clock, max_records=2), small()
    store.create("a", data, 5000)
    store.create("b", data, LONG)
    with pytest.raises(StoreError, match="is full"):
        store.move("a", "new", after(data), data[ETAG], LONG, b"trail", 1000)
    assert (store.load("a"), store.load("new")) == (data, None)
    moved = after(data)
    assert store.move("a", "new", moved, data[ETAG], LONG, b"", 0) is Outcome.SAVED
    assert (store.load("a"), store.load("new")) == (None, moved)


def test_what_could_not_be_moved_expires_as_before(clock):
    """A move that was refused leaves the record its own end."""
    store, data = MemoryStore(clock=clock, max_records=2), small()
    store.create("a", data, 1000)
    store.create("b", data, LONG)
    with pytest.raises(StoreError):
        store.move("a", "new", after(data), data[ETAG], LONG, b"trail", LONG)
    clock.advance(1.1)
    assert store.load("a") is None
    assert store.create("c", data, LONG)


# What is dead goes.


def test_expired_records_go(clock):
    """Those who create remove what has expired: the store holds what lives, and not much beside."""
    store = MemoryStore(clock=clock)
    for n in range(1000):
        store.create(f"old{n}", small(), 1000)
    clock.advance(2)
    for n in range(200):
        store.create(f"new{n}", small(), LONG)
    assert len(store._records) == 200
    assert store._shelf.bytes == 200 * ROOM


def test_sessions_that_come_and_go_leave_nothing(clock):
    """Logins followed by logouts, touches, and links leave no trace of their ends."""
    store = MemoryStore(clock=clock)
    for n in range(2000):
        store.create(str(n), small(), LONG)
        store.link("p", str(n), LONG)
        store.touch(str(n), 1000)
        store.delete(str(n))
        store.unlink("p", str(n))
    assert (store._records, store._shelf.bytes, store._links._keys) == ({}, 0, {})
    assert len(store._shelf._ends._heap) < 100
    assert len(store._links._ends._heap) < 100


def test_links_that_end_go(clock):
    """Those who link remove what has ended, whoever's it was."""
    store = MemoryStore(clock=clock)
    for n in range(500):
        store.link(f"p{n % 50}", str(n), 1000)
    clock.advance(2)
    for n in range(100):
        store.link("q", str(n), LONG)
    assert set(store._links._keys) == {"q"}


def test_locks_that_nobody_let_go_of_go(clock):
    """Locks of crashed requests, with and without others that waited, are removed when there are many."""
    store = MemoryStore(clock=clock)
    for n in range(2500):
        store.acquire(str(n), "a", 1000)
        store.acquire(str(n), "b", 1000)
        clock.advance(0.1)
    assert len(store._locks._locks) < 1700
    clock.advance(100)
    for n in range(2500, 5000):
        store.acquire(str(n), "a", LONG)
    assert len(store._locks._locks) == 2500


VERBS = st.lists(
    st.tuples(
        st.sampled_from(["create", "save", "touch", "delete", "move", "pass"]), st.integers(0, 5), st.integers(0, 400)
    ),
    max_size=60,
)


@given(VERBS, st.sampled_from(["refuse", "drop"]))
@settings(deadline=None)
def test_the_books_are_right(verbs, full):
    """Whatever was done, the bytes counted are the bytes held, and neither bound is passed."""
    clock = VirtualClock()
    store, data = MemoryStore(clock=clock, max_records=4, max_bytes=4 * ROOM, full=full), small()
    for verb, n, size in verbs:
        key = str(n)
        try:
            there = store.load(key) or data
            if verb == "create":
                store.create(key, small(29 + size), size * 10)
            elif verb == "save":
                store.save(key, after(there, bytes(size)), there[ETAG], size * 10)
            elif verb == "touch":
                store.touch(key, size * 10)
            elif verb == "delete":
                store.delete(key)
            elif verb == "move":
                store.move(
                    key,
                    str(size % 6),
                    after(there, bytes(size)),
                    there[ETAG],
                    LONG,
                    small(29) if size % 3 else b"",
                    1000,
                )
            else:
                clock.advance(size / 100)
        except StoreError:
            pass
        held = store._records.values()
        assert store._shelf.bytes == sum(len(data) + OVERHEAD for data, _ in held) <= 4 * ROOM
        assert len(held) <= 4


def test_a_fork_beside_writers(clock):
    """A child of a process whose other threads write has a whole copy, and is not locked out of it."""
    store, stop = MemoryStore(clock=clock), threading.Event()
    store.create("k", small(), LONG)

    def write():
        while not stop.is_set():
            store.create("busy", small(), LONG)
            store.delete("busy")

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        if (child := os.fork()) == 0:  # pragma: no cover - another process
            held = sum(len(data) + OVERHEAD for data, _ in store._records.values())
            os._exit(0 if store._shelf.bytes == held and store.delete("k") else 1)
        assert os.waitpid(child, 0)[1] == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert store.load("k")


def test_shared_stores_outlive_their_ports(clock):
    """A manager that closes its port leaves the sessions to others that were given the same store."""
    store = MemoryStore(clock=clock)
    one, two = Rig(Blocking(store), asynchronous=False), Rig(Blocking(store), asynchronous=False)
    one.run(one.port.create("k", small(), LONG))
    one.close()
    assert two.run(two.port.load("k"))
    two.close()
