"""The verbs of the Redis store on real servers: blocking, under asyncio and under uvloop."""

import asyncio
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.redis_ports import etag, faces, record, run, shared_face  # noqa: F401 - a fixture
from transcoders.errors import StoreError
from transcoders.sessions.ports import Outcome

HOUR = 3_600_000
FIRST = record(1, b"a")
SIZES = pytest.mark.parametrize("size", [0, 4096, 50_000], ids="{} bytes".format)


@faces()
def test_nothing_is_loaded_where_nothing_is(face):
    """A key without a record answers None to load, False or GONE to all that need one."""

    async def body(port):
        assert await port.load(face.key) is None
        assert await port.save(face.key, record(2, b"b"), etag(FIRST), HOUR) is Outcome.GONE
        assert await port.save(face.key, record(2, b"b", bytes(9000)), etag(FIRST), HOUR) is Outcome.GONE
        assert not await port.touch(face.key, HOUR)
        assert not await port.touch(face.key, 0)
        assert not await port.delete(face.key)
        moved = await port.move(face.key, f"{face.key}n", FIRST, etag(FIRST), HOUR, b"", 0)
        assert moved is Outcome.GONE
        assert await port.load(f"{face.key}n") is None

    face.run(body)


@faces()
def test_a_record_is_created_once(face):
    """Another record under the key refuses; the same write, repeated, is the same."""

    async def body(port):
        assert await port.create(face.key, FIRST, HOUR)
        assert await port.create(face.key, FIRST, HOUR)
        assert not await port.create(face.key, record(1, b"b"), HOUR)
        assert await port.save(face.key, record(2, b"c", earlier=(b"a",)), etag(FIRST), HOUR)
        assert await port.create(face.key, FIRST, HOUR)
        assert await port.load(face.key) == record(2, b"c", earlier=(b"a",))

    face.run(body)


@SIZES
@faces()
def test_a_save_compares(face, size):
    """A save on the record it was based on is stored, on another one it is stale; repeated, it is saved."""
    one, two, other = (record(n, wid, bytes(size)) for n, wid in ((1, b"1"), (2, b"2"), (2, b"3")))

    async def body(port):
        await port.create(face.key, one, HOUR)
        assert await port.save(face.key, two, etag(one), HOUR) is Outcome.SAVED
        assert await port.save(face.key, two, etag(one), HOUR) is Outcome.SAVED
        assert await port.save(face.key, other, etag(one), HOUR) is Outcome.STALE
        assert await port.load(face.key) == two
        later = record(3, b"4", earlier=(b"2", b"1"))
        assert await port.save(face.key, later, etag(two), HOUR) is Outcome.SAVED
        assert await port.save(face.key, two, etag(one), HOUR) is Outcome.SAVED
        assert await port.load(face.key) == later

    face.run(body)
    assert face.server.ask("KEYS", f"tc:s:{{{face.key}}}*") == []


@SIZES
@faces("blocking", "asyncio")
def test_times_to_live_are_kept(face, size):
    """Create, save and touch set the time to live, and 0 is for ever."""
    key = f"tc:r:{{{face.key}}}"
    one, two, three = (record(n, bytes([n]), bytes(size)) for n in (1, 2, 3))

    async def body(port):
        await port.create(face.key, one, 50_000)
        assert 49_000 < face.server.ask("PTTL", key) <= 50_000
        await port.save(face.key, two, etag(one), 70_000)
        assert 69_000 < face.server.ask("PTTL", key) <= 70_000
        assert await port.touch(face.key, 90_000)
        assert 89_000 < face.server.ask("PTTL", key) <= 90_000
        await port.save(face.key, three, etag(two), 0)
        assert face.server.ask("PTTL", key) == -1
        await port.touch(face.key, 90_000)
        assert await port.touch(face.key, 0)
        assert face.server.ask("PTTL", key) == -1
        assert await port.touch(face.key, 0)
        assert await port.touch(face.key, 1)
        while await port.load(face.key) is not None:
            pass

    face.run(body)


@faces()
def test_a_save_after_a_delete_is_gone(face):
    """A logout is final: what was loaded before it cannot be saved, touched or moved after it."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        assert await port.delete(face.key)
        assert await port.save(face.key, record(2, b"b"), etag(FIRST), HOUR) is Outcome.GONE
        assert await port.load(face.key) is None

    face.run(body)


@faces()
def test_a_move_is_one_step(face):
    """The record stands under the new key, a trail or nothing under the old; repeated, it is the same move."""
    new, newest = f"{face.key}n", f"{face.key}m"
    second, third = record(2, b"b", earlier=(b"a",)), record(3, b"c", earlier=(b"b", b"a"))

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        moved = face.key, new, second, etag(FIRST), HOUR, b"trail", 60_000
        assert await port.move(*moved) is Outcome.SAVED
        assert await port.move(*moved) is Outcome.SAVED
        assert await port.load(face.key) == b"trail"
        assert face.server.ask("PTTL", f"tc:r:{{{face.key}}}") <= 60_000
        assert await port.load(new) == second
        assert await port.move(face.key, newest, record(2, b"x"), etag(FIRST), HOUR, b"", 0) is Outcome.STALE
        assert await port.move(new, newest, third, etag(second), 0, b"", 0) is Outcome.SAVED
        assert await port.move(new, newest, third, etag(second), 0, b"", 0) is Outcome.SAVED
        assert await port.load(new) is None
        assert face.server.ask("PTTL", f"tc:r:{{{newest}}}") == -1

    face.run(body)


@faces("blocking")
def test_a_move_does_not_overwrite(face):
    """Where something stands under the new key, nothing is moved."""
    new = f"{face.key}n"

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        await port.create(new, record(1, b"z"), HOUR)
        assert await port.move(face.key, new, record(2, b"b"), etag(FIRST), HOUR, b"", 0) is Outcome.STALE
        assert await port.load(face.key) == FIRST
        assert await port.load(new) == record(1, b"z")

    face.run(body)


@pytest.mark.parametrize("foreign", [b"short", b"four", b"x", b"another application's session", b"\0" * 200])
@faces("blocking")
def test_records_of_others_are_replaced_by_comparing_too(face, foreign):
    """What is no record of ours is loaded as it is, and a save based on its bytes 4 to 11 replaces it."""
    face.server.ask("SET", f"tc:r:{{{face.key}}}", foreign)

    async def body(port):
        assert await port.load(face.key) == foreign
        assert not await port.create(face.key, FIRST, HOUR)
        assert await port.save(face.key, FIRST, b"otherone", HOUR) is Outcome.STALE
        assert await port.save(face.key, FIRST, etag(foreign), HOUR) is Outcome.SAVED
        assert await port.load(face.key) == FIRST

    face.run(body)


@faces("blocking", "asyncio")
def test_a_key_of_another_type_is_an_error(face):
    """A list under the key of a record is a StoreError that nobody should retry."""
    face.server.ask("RPUSH", f"tc:r:{{{face.key}}}", "x")

    async def body(port):
        with pytest.raises(StoreError, match="of another program") as caught:
            await port.load(face.key)
        assert not caught.value.retryable
        assert face.key not in str(caught.value)

    face.run(body)


@faces()
def test_sessions_of_a_principal_are_listed(face):
    """Linked keys are listed until they are unlinked or their time is over; linking again prolongs."""
    who = face.key

    async def body(port):
        assert await port.linked(who) == []
        await port.link(who, "app:one", HOUR)
        await port.link(who, "app:two", 0)
        await port.link(who, "app:short", 1)
        while "app:short" in await port.linked(who):
            pass
        assert sorted(await port.linked(who)) == ["app:one", "app:two"]
        assert face.server.ask("PTTL", f"tc:p:{{{who}}}") == -1
        await port.unlink(who, "app:one")
        await port.unlink(who, "app:one")
        await port.link(who, "app:three", HOUR)
        assert sorted(await port.linked(who)) == ["app:three", "app:two"]
        assert face.server.ask("ZCARD", f"tc:p:{{{who}}}") == 2

    face.run(body)


@faces("blocking")
def test_the_index_of_a_principal_lasts_as_long_as_its_longest_session(face):
    """A shorter session does not shorten the index, a longer one prolongs it."""
    index = f"tc:p:{{{face.key}}}"

    async def body(port):
        await port.link(face.key, "app:a", 50_000)
        await port.link(face.key, "app:b", 10_000)
        assert 49_000 < face.server.ask("PTTL", index) <= 50_000
        await port.link(face.key, "app:c", 90_000)
        assert face.server.ask("PTTL", index) > 89_000

    face.run(body)


@faces("blocking", "asyncio")
def test_requests_cost_what_they_should(face):
    """Counted by the server: a read is one GET, a write a GET and one script, and nothing else."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        await port.save(face.key, record(2, b"b"), etag(FIRST), HOUR)
        base = record(3, b"c", bytes(5000))
        await port.save(face.key, base, etag(record(2, b"b")), HOUR)
        face.server.ask("CONFIG", "RESETSTAT")
        await port.load(face.key)
        assert counted(face) == {"get": 1}
        await port.save(face.key, record(4, b"d"), etag(base), HOUR)
        assert counted(face) == {"get": 1, "evalsha": 1, "getrange": 1, "set": 1}
        await port.save(face.key, record(5, b"e", bytes(5000)), etag(record(4, b"d")), HOUR)
        assert counted(face) == {"get": 1, "evalsha": 2, "getrange": 2, "set": 2, "rename": 1}

    face.run(body)


def counted(face) -> dict[str, int]:
    """The calls of commands that have to do with sessions."""
    asked = {"info", "select"}
    return {name: count for name, count in face.server.calls().items() if name not in asked and "|" not in name}


@faces("blocking")
def test_of_many_writers_one_is_saved(face):
    """Sixteen threads save on the same record: one is saved, the others are stale."""
    port, outcomes, begin = face.port(), [], threading.Barrier(16)
    run(face.mode, port.create(face.key, FIRST, HOUR))

    def save(number: int) -> None:
        begin.wait()
        data = record(2, bytes([number]), bytes(number * 1000))
        outcomes.append(run(face.mode, port.save(face.key, data, etag(FIRST), HOUR)))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.SAVED] + [Outcome.STALE] * 15
    run(face.mode, port.close())


@faces("asyncio", "uvloop")
def test_of_many_tasks_one_is_saved(face):
    """The same with tasks, which share one connection."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        data = [record(2, bytes([number]), bytes(number * 1000)) for number in range(16)]
        outcomes = await asyncio.gather(*(port.save(face.key, each, etag(FIRST), HOUR) for each in data))
        assert sorted(outcomes) == [Outcome.SAVED] + [Outcome.STALE] * 15
        assert await port.load(face.key) == data[outcomes.index(Outcome.SAVED)]

    face.run(body)


WRITES = st.lists(st.sampled_from(["create", "save", "save late", "save large", "delete", "touch", "move"]), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WRITES)
@faces("blocking")
def test_any_order_of_verbs_is_what_a_dictionary_would_hold(face, writes):
    """Verbs in any order, each of them sent twice, leave what a model of them holds, and answer as it does."""
    port = face.port()
    key, other = f"{face.key}{hash(tuple(writes))}", f"{face.key}{hash(tuple(writes))}n"
    for each in (key, other):
        run("blocking", port.delete(each))
    kept: dict[str, bytes] = {}
    for number, write in enumerate(writes, 1):
        wid, base = bytes([number, 1]), kept.get(key, FIRST)
        data = record(number + 1, wid, bytes(9000 if write == "save large" else 9))
        if write == "create":
            expected = key not in kept
            kept.setdefault(key, data)
            found = [port.create(key, data, HOUR) for _ in "12"]
        elif write == "delete":
            assert run("blocking", port.delete(key)) == (kept.pop(key, None) is not None)
            continue
        elif write == "touch":
            expected = key in kept
            found = [port.touch(key, HOUR) for _ in "12"]
        elif write == "move":
            free = other not in kept
            expected = Outcome.SAVED if key in kept and free else Outcome.STALE if kept else Outcome.GONE
            found = [port.move(key, other, data, etag(base), HOUR, b"", 0) for _ in "12"]
            if expected is Outcome.SAVED:
                kept = {other: data}
        else:
            late = write == "save late"
            expected = Outcome.GONE if key not in kept else Outcome.STALE if late else Outcome.SAVED
            found = [port.save(key, data, b"anything" if late else etag(base), HOUR) for _ in "12"]
            if expected is Outcome.SAVED:
                kept[key] = data
        assert [run("blocking", each) for each in found] == [expected] * 2
        assert [run("blocking", port.load(each)) for each in (key, other)] == [kept.get(key), kept.get(other)]
    run("blocking", port.close())
