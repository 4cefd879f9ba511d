"""What every store keeps to, whatever is behind it: one contract, run through each port that there is to it.

A test module has a class of `StoreContract`, and a fixture `rig` that gives a `Rig` for each port. Tests are coroutines
over the rig's port, run by the rig: for a blocking port each is one `send`, because none of its verbs suspends. Where a
store takes the time from a clock, tests move it; a real server's time is waited for, with times to live of moments.
"""

import asyncio
import functools
import itertools
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tests.clock import VirtualClock
from transcoders.sessions.layout import FIXED, START
from transcoders.sessions.ports import ETAG, Acquired, Outcome, Port

SOON = 20.0
"""Seconds within which everything happens, on a machine however slow."""
LONG = 600_000
"""Milliseconds that no test outlives."""
Work = Coroutine[Any, Any, Any]


def record(
    version: int = 1, write: bytes = b"", earlier: tuple[bytes, ...] = (), tags: bytes = b"", body: bytes = b""
) -> bytes:
    """A record of that version, by a write of that id; `earlier` are the ids of the writes before it, newest first."""
    counts = len(earlier) << 4 | len(tags)
    head = FIXED.pack(START, version, write or secrets.token_bytes(4), counts, 1, 1, 1, 1)
    return b"".join((head, tags, *earlier, body or secrets.token_bytes(8)))


def after(data: bytes, body: bytes = b"", *, keep: int = 4) -> bytes:
    """The record that the next write makes of this one."""
    version, _, counts = int.from_bytes(data[4:8]), data[8:12], data[12]
    ids = (data[8:12], *(data[at : at + 4] for at in range(29, 29 + 4 * (counts >> 4), 4)))
    return record(version + 1, earlier=ids[:keep], body=body)


def drive(work: Work) -> Any:
    """The result of a coroutine that does not suspend."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    pytest.fail("a blocking port suspended")


class Rig:
    """A store under test.

    Args:
        port: the port to it.
        asynchronous: whether the port is for asyncio.
        clock: what the store takes the time from; None for the time of the world.
        renew: Store.renew as a coroutine function; taken from the store in the port when it is not given.
    """

    def __init__(
        self,
        port: Port,
        *,
        asynchronous: bool,
        clock: VirtualClock | None = None,
        renew: Callable[[str, str, int], Work] | None = None,
    ) -> None:
        self.port, self.clock, self._renew = port, clock, renew
        self._runner = asyncio.Runner() if asynchronous else None
        self.brief = 2_000 if clock else 80
        """Milliseconds that tests can wait for."""

    def run(self, work: Work) -> Any:
        """What the coroutine returns."""
        return self._runner.run(work) if self._runner else drive(work)

    def close(self) -> None:
        """Close the port, and the loop that it was on."""
        self.run(self.port.close())
        if self._runner:
            self._runner.close()

    @staticmethod
    def key() -> str:
        """A key that nothing else uses."""
        return f"app:{secrets.token_hex(8)}"

    async def renew(self, key: str, token: str, ttl: int) -> bool:
        """See Store.renew."""
        return await self._renew(key, token, ttl) if self._renew else self.port.store.renew(key, token, ttl)

    async def passes(self, milliseconds: int) -> None:
        """Let the time pass."""
        if self.clock:
            self.clock.advance(milliseconds / 1000 + 0.001)
        else:
            await self._rest(milliseconds / 1000 + 0.02)

    async def becomes(self, milliseconds: int, check: Callable[[], Awaitable[Any]], then: object) -> None:
        """Let the time pass, after which the check gives `then`: at once where a clock is moved, soon in the world."""
        if self.clock:
            await self.passes(milliseconds)
            assert await check() == then
            return
        end = time.monotonic() + SOON
        while (found := await check()) != then:
            assert time.monotonic() < end, f"still {found!r}, not {then!r}"
            await self.moment()

    async def moment(self) -> None:
        """Let others go on."""
        await self._rest(0.002)

    async def _rest(self, seconds: float) -> None:
        if self._runner:
            await asyncio.sleep(seconds)
        else:
            threading.Event().wait(seconds)

    def together(self, *works: Callable[[], Work]) -> list[Any]:
        """The results of coroutines that run at the same time: in threads, or as tasks."""
        if self._runner:
            return self._runner.run(_gathered(works))
        return _threads([lambda work=work: drive(work()) for work in works])

    async def lock(self, key: str, token: str, ttl: int = LONG) -> Acquired:
        """The lock, waited for as the core does."""
        end = time.monotonic() + SOON
        while (answer := await self.port.acquire(key, token, ttl)).wait:
            assert time.monotonic() < end, "the lock was not handed over"
            await self.port.wait(key, token, min(1.0, answer.wait / 1000))
        return answer


async def _gathered(works: tuple[Callable[[], Work], ...]) -> list[Any]:
    return await asyncio.wait_for(asyncio.gather(*(work() for work in works)), 2 * SOON)


def _threads(works: list[Callable[[], Any]]) -> list[Any]:
    results: list[Any] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(place: int, work: Callable[[], Any]) -> None:
        gate.wait(SOON)
        try:
            results[place] = work()
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            results[place] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * SOON)
        assert not thread.is_alive(), "a verb did not end"
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def scenario(test: Callable[..., Work]) -> Callable[..., None]:
    """A test that is a coroutine over a rig."""

    @functools.wraps(test)
    def run(self: object, rig: Rig, **given: object) -> None:
        rig.run(test(self, rig, **given))

    return run


class StoreContract:
    """The contract; see the module."""

    # ------------------------------------------------------------------------------------------------ records

    @scenario
    async def test_there_is_nothing_at_first(self, rig):
        """What was never stored is not there for any verb."""
        port, key = rig.port, rig.key()
        assert await port.load(key) is None
        assert await port.save(key, record(2), record()[ETAG], LONG) is Outcome.GONE
        assert await port.touch(key, LONG) is False
        assert await port.delete(key) is False
        assert await port.move(key, rig.key(), record(2), record()[ETAG], LONG, b"", 0) is Outcome.GONE

    @scenario
    @pytest.mark.parametrize("size", [0, 200, 5_000, 300_000])
    async def test_what_was_created_is_loaded(self, rig, size):
        """A record comes back byte for byte, whatever its size and its bytes."""
        key, data = rig.key(), record(body=bytes(range(256)) * (size // 256 + 1))
        assert await rig.port.create(key, data, LONG) is True
        loaded = await rig.port.load(key)
        assert type(loaded) is bytes
        assert loaded == data

    @scenario
    async def test_create_never_replaces(self, rig):
        """A second create is refused, and the same create again is not: its reply may have been lost."""
        key, data = rig.key(), record()
        assert await rig.port.create(key, data, LONG) is True
        assert await rig.port.create(key, record(), LONG) is False
        assert await rig.port.create(key, data, LONG) is True
        assert await rig.port.load(key) == data

    @scenario
    async def test_a_repeated_create_changes_nothing(self, rig):
        """The record keeps the end that the first create gave it."""
        key, data = rig.key(), record()
        await rig.port.create(key, data, rig.brief)
        assert await rig.port.create(key, data, LONG) is True
        await rig.becomes(rig.brief, lambda: rig.port.load(key), None)

    @scenario
    async def test_save_replaces_what_it_was_based_on(self, rig):
        """SAVED on the record it knows, STALE on another, which stays."""
        port, key, first = rig.port, rig.key(), record()
        await port.create(key, first, LONG)
        second = after(first)
        assert await port.save(key, second, first[ETAG], LONG) is Outcome.SAVED
        assert await port.load(key) == second
        assert await port.save(key, after(first), first[ETAG], LONG) is Outcome.STALE
        assert await port.load(key) == second

    @scenario
    @pytest.mark.parametrize("size", [100, 20_000])
    async def test_a_repeated_save_is_saved(self, rig, size):
        """A write that stands, or is among the record's earlier writes, was saved; nothing is written again."""
        port, key, first = rig.port, rig.key(), record()
        await port.create(key, first, LONG)
        mine = after(first, b"m" * size)
        assert await port.save(key, mine, first[ETAG], LONG) is Outcome.SAVED
        assert await port.save(key, mine, first[ETAG], LONG) is Outcome.SAVED
        theirs = mine
        for _ in range(3):
            base, theirs = theirs, after(theirs, b"t" * size)
            assert await port.save(key, theirs, base[ETAG], LONG) is Outcome.SAVED
            assert await port.save(key, mine, first[ETAG], LONG) is Outcome.SAVED
        assert await port.load(key) == theirs

    @scenario
    async def test_earlier_writes_stand_behind_the_tags(self, rig):
        """The ring of write ids is found where the record says that it begins; the same bytes elsewhere are none."""
        port, key = rig.port, rig.key()
        stands = record(9, b"newe", (b"old1", b"old2"), b"\1\2\3", b"body")
        await port.create(key, stands, LONG)
        base = record(7)[ETAG]
        assert await port.save(key, record(8, b"old2"), base, LONG) is Outcome.SAVED
        for other in (b"body", b"\1\2\3o", b"1old"):
            assert await port.save(key, record(8, other), base, LONG) is Outcome.STALE

    @scenario
    async def test_a_logout_is_final(self, rig):
        """After delete, neither save nor touch nor move brings the record back; the id may be created anew."""
        port, key, data = rig.port, rig.key(), record()
        await port.create(key, data, LONG)
        assert await port.delete(key) is True
        assert await port.delete(key) is False
        assert await port.save(key, after(data), data[ETAG], LONG) is Outcome.GONE
        assert await port.touch(key, LONG) is False
        assert await port.move(key, rig.key(), after(data), data[ETAG], LONG, b"", 0) is Outcome.GONE
        assert await port.load(key) is None
        assert await port.create(key, record(), LONG) is True

    @scenario
    async def test_a_record_expires(self, rig):
        """After its time a record is not there for any verb, and its key is free."""
        port, key, data = rig.port, rig.key(), record()
        await port.create(key, data, rig.brief)
        await rig.becomes(rig.brief, lambda: port.load(key), None)
        assert await port.save(key, after(data), data[ETAG], LONG) is Outcome.GONE
        assert await port.touch(key, LONG) is False
        assert await port.delete(key) is False
        assert await port.move(key, rig.key(), after(data), data[ETAG], LONG, b"", 0) is Outcome.GONE
        assert await port.create(key, record(), LONG) is True

    @scenario
    async def test_zero_is_for_ever(self, rig):
        """Create, save and touch with 0 take a record's end away."""
        port, keys, data = rig.port, [rig.key() for _ in range(4)], record()
        for key, ttl in zip(keys, (0, rig.brief, rig.brief, rig.brief), strict=True):
            await port.create(key, data, ttl)
        assert await port.save(keys[1], after(data), data[ETAG], 0) is Outcome.SAVED
        assert await port.touch(keys[2], 0) is True
        await rig.becomes(2 * rig.brief, lambda: port.load(keys[3]), None)
        assert all([await port.load(key) for key in keys[:3]])

    @scenario
    async def test_an_end_is_put_off_and_brought_forward(self, rig):
        """Save and touch give a record a new time, longer or shorter than the one it had."""
        port, (one, two, three), data = rig.port, [rig.key() for _ in range(3)], record()
        await port.create(one, data, rig.brief)
        await port.create(two, data, LONG)
        await port.create(three, data, LONG)
        assert await port.touch(one, LONG) is True
        assert await port.touch(two, rig.brief) is True
        assert await port.save(three, after(data), data[ETAG], rig.brief) is Outcome.SAVED
        await rig.becomes(rig.brief, lambda: port.load(two), None)
        await rig.becomes(0, lambda: port.load(three), None)
        assert await port.load(one) == data

    @scenario
    @pytest.mark.parametrize("size", [100, 20_000])
    async def test_move_is_one_step(self, rig, size):
        """The record is under the new key alone; on another base than the one that stands, nothing happens."""
        port, old, new, data = rig.port, rig.key(), rig.key(), record()
        await port.create(old, data, LONG)
        moved = after(data, b"m" * size)
        assert await port.move(old, new, moved, record(5)[ETAG], LONG, b"", 0) is Outcome.STALE
        assert (await port.load(old), await port.load(new)) == (data, None)
        assert await port.move(old, new, moved, data[ETAG], LONG, b"", 0) is Outcome.SAVED
        assert (await port.load(old), await port.load(new)) == (None, moved)

    @scenario
    @pytest.mark.parametrize("size", [100, 20_000])
    async def test_a_repeated_move_is_saved(self, rig, size):
        """A move whose reply was lost is asked for again: it was saved, also when the record has moved on since."""
        port, old, new, data = rig.port, rig.key(), rig.key(), record()
        await port.create(old, data, LONG)
        moved = after(data, b"m" * size)
        for _ in range(2):
            assert await port.move(old, new, moved, data[ETAG], LONG, b"", 0) is Outcome.SAVED
        later = after(moved)
        assert await port.save(new, later, moved[ETAG], LONG) is Outcome.SAVED
        assert await port.move(old, new, moved, data[ETAG], LONG, b"", 0) is Outcome.SAVED
        assert await port.load(new) == later
        await port.delete(new)
        assert await port.move(old, new, moved, data[ETAG], LONG, b"", 0) is Outcome.GONE
        assert await port.load(new) is None

    @scenario
    async def test_a_move_leaves_a_trail_for_its_grace(self, rig):
        """The trail stands under the old key, and ends by itself; the record does not."""
        port, old, new, data = rig.port, rig.key(), rig.key(), record()
        await port.create(old, data, LONG)
        moved, trail = after(data), b"\xc1T\x12\x00 the new key"
        for _ in range(2):
            assert await port.move(old, new, moved, data[ETAG], LONG, trail, rig.brief) is Outcome.SAVED
        assert await port.load(old) == trail
        assert await port.save(old, after(data), data[ETAG], LONG) is Outcome.STALE
        await rig.becomes(rig.brief, lambda: port.load(old), None)
        assert await port.load(new) == moved

    @scenario
    async def test_a_moved_record_expires(self, rig):
        """The new key has the time to live that the move gave it."""
        port, old, new, data = rig.port, rig.key(), rig.key(), record()
        await port.create(old, data, LONG)
        assert await port.move(old, new, after(data), data[ETAG], rig.brief, b"", 0) is Outcome.SAVED
        await rig.becomes(rig.brief, lambda: port.load(new), None)

    # ------------------------------------------------------------------------------------------------ locks

    @scenario
    async def test_acquire_gives_the_record(self, rig):
        """A lock comes with the record that stands then, or none where there is none; asking again is holding."""
        port, key, data = rig.port, rig.key(), record()
        assert await port.acquire(key, "a", LONG) == Acquired(0, None)
        await port.create(key, data, LONG)
        assert await port.acquire(key, "a", LONG) == Acquired(0, data)

    @scenario
    async def test_a_held_lock_is_waited_for(self, rig):
        """Whoever comes second learns how long it may take, and gets no record."""
        port, key = rig.port, rig.key()
        await port.create(key, record(), LONG)
        await port.acquire(key, "a", LONG)
        for _ in range(2):
            answer = await port.acquire(key, "b", LONG)
            assert LONG - 10_000 < answer.wait <= LONG
            assert answer.data is None
        assert (await port.acquire(rig.key(), "b", LONG)).wait == 0

    @scenario
    async def test_locks_are_handed_over_in_turn(self, rig):
        """First come, first served: a release makes the next the holder, and nobody comes in between."""
        port, key = rig.port, rig.key()
        for token in "abcd":
            await port.acquire(key, token, LONG)
        for token, following in itertools.pairwise("abcd"):
            assert [bool((await port.acquire(key, each, LONG)).wait) for each in (token, following)] == [False, True]
            await port.release(key, token)
            assert (await port.acquire(key, "late", LONG)).wait
            assert (await port.acquire(key, following, LONG)).wait == 0

    @scenario
    async def test_release_may_be_repeated_and_leaves_the_queue(self, rig):
        """A release of what one does not hold harms nobody, and takes one out of the queue."""
        port, key = rig.port, rig.key()
        for token in "abc":
            await port.acquire(key, token, LONG)
        await port.release(key, "b")
        await port.release(key, "stranger")
        assert (await port.acquire(key, "c", LONG)).wait
        await port.release(key, "a")
        await port.release(key, "a")
        assert (await port.acquire(key, "c", LONG)).wait == 0
        await port.release(key, "c")
        assert (await port.acquire(key, "d", LONG)).wait == 0

    @scenario
    async def test_a_lock_expires(self, rig):
        """A holder that says nothing more loses the lock after its time to the first who waits."""
        port, key = rig.port, rig.key()
        await port.acquire(key, "a", rig.brief)
        assert 0 < (await port.acquire(key, "b", LONG)).wait <= rig.brief
        await rig.becomes(rig.brief, lambda: self._held(rig, key, "b"), then=True)
        assert (await port.acquire(key, "a", LONG)).wait
        await port.release(key, "a")
        assert (await port.acquire(key, "b", LONG)).wait == 0

    @scenario
    async def test_a_holder_whose_time_is_over_waits_behind_others(self, rig):
        """Who has lost the lock to its time does not pass those who wait."""
        port, key = rig.port, rig.key()
        await port.acquire(key, "a", rig.brief)
        await port.acquire(key, "b", LONG)
        await rig.passes(rig.brief)
        assert await rig.renew(key, "a", LONG) is False
        assert (await port.acquire(key, "a", LONG)).wait
        assert (await port.acquire(key, "b", LONG)).wait == 0

    @scenario
    async def test_an_unclaimed_lock_goes_to_the_next(self, rig):
        """One who does not claim the lock that was handed to it has lost it after a moment."""
        port, key = rig.port, rig.key()
        for token in "abc":
            await port.acquire(key, token, LONG)
        await port.release(key, "a")
        assert 0 < (await port.acquire(key, "c", LONG)).wait <= 1_000
        await rig.becomes(1_000, lambda: self._held(rig, key, "c"), then=True)
        assert (await port.acquire(key, "b", LONG)).wait

    @scenario
    async def test_renewal_holds_a_lock(self, rig):
        """A renewed lock has its new time; one that is another's, free, or over its time is not renewed."""
        port, key = rig.port, rig.key()
        assert await rig.renew(key, "a", LONG) is False
        await port.acquire(key, "a", rig.brief)
        assert await rig.renew(key, "a", LONG) is True
        assert await rig.renew(key, "b", LONG) is False
        assert (await port.acquire(key, "b", rig.brief)).wait > rig.brief
        await port.release(key, "a")
        assert await rig.renew(key, "a", LONG) is False
        assert (await port.acquire(key, "b", rig.brief)).wait == 0
        await rig.passes(rig.brief)
        assert await rig.renew(key, "b", LONG) is False

    @scenario
    @pytest.mark.parametrize("verb", ["save", "stale", "gone", "touch", "delete", "move", "stale move"])
    async def test_verbs_release_the_lock(self, rig, verb):
        """What ends a request releases its lock with it, whatever the outcome; the next in the queue has it then."""
        port, key, new, data = rig.port, rig.key(), rig.key(), record()
        base = record(7)[ETAG] if "stale" in verb else data[ETAG]
        if verb != "gone":
            await port.create(key, data, LONG)
        await port.acquire(key, "a", LONG)
        await port.acquire(key, "b", LONG)
        if "move" in verb:
            await port.move(key, new, after(data), base, LONG, b"", 0, "a")
        elif verb in {"touch", "delete"}:
            await (port.touch(key, LONG, "a") if verb == "touch" else port.delete(key, "a"))
        else:
            await port.save(key, after(data), base, LONG, "a")
        assert (await port.acquire(key, "b", LONG)).wait == 0

    @scenario
    async def test_verbs_release_only_what_the_token_holds(self, rig):
        """A verb with a token that lost its lock leaves the lock to whoever has it."""
        port, key, data = rig.port, rig.key(), record()
        await port.create(key, data, LONG)
        await port.acquire(key, "a", LONG)
        assert await port.save(key, after(data), data[ETAG], LONG, "lost") is Outcome.SAVED
        assert (await port.acquire(key, "b", LONG)).wait

    @scenario
    async def test_waiting_ends(self, rig):
        """Who waits in vain is let go after the seconds it gave, or earlier, and with no trace."""
        port, key = rig.port, rig.key()
        await port.acquire(key, "a", LONG)
        await port.acquire(key, "b", LONG)
        for _ in range(2):
            began = time.monotonic()
            await port.wait(key, "b", 0.01)
            assert time.monotonic() - began < SOON
        await port.release(key, "b")

    @scenario
    async def test_a_hand_over_before_the_wait_counts(self, rig):
        """Between the answer and the wait the lock may be handed over: the wait does not outlast `recheck` for that."""
        port, key = rig.port, rig.key()
        await port.acquire(key, "a", LONG)
        await port.acquire(key, "b", LONG)
        await port.release(key, "a")
        began = time.monotonic()
        await port.wait(key, "b", SOON)
        assert time.monotonic() - began < SOON / 2
        assert (await port.acquire(key, "b", LONG)).wait == 0

    def test_waiters_are_woken(self, rig):
        """A release wakes the next, which has the lock then."""
        key, held = rig.key(), threading.Event()
        rig.run(rig.port.acquire(key, "a", LONG))
        assert rig.run(rig.port.acquire(key, "b", LONG)).wait

        async def waits() -> Acquired:
            held.set()
            return await rig.lock(key, "b")

        async def releases() -> None:
            while not held.is_set():
                await rig.moment()
            await rig.port.release(key, "a")

        answer, _ = rig.together(waits, releases)
        assert answer.wait == 0

    # ------------------------------------------------------------------------------------------------ principals

    @scenario
    async def test_sessions_of_a_principal(self, rig):
        """Keys are noted per principal, once each, and forgotten one by one."""
        port, mine, yours, one, two = rig.port, rig.key(), rig.key(), rig.key(), rig.key()
        assert await port.linked(mine) == []
        for key in (one, two, one):
            await port.link(mine, key, LONG)
        await port.link(yours, one, LONG)
        assert sorted(await port.linked(mine)) == sorted([one, two])
        for _ in range(2):
            await port.unlink(mine, one)
        assert await port.linked(mine) == [two]
        assert await port.linked(yours) == [one]
        await port.unlink(mine, two)
        assert await port.linked(mine) == []

    @scenario
    async def test_links_expire(self, rig):
        """A link ends with its time, which a second link puts off or takes away; links outlive no session but may."""
        port, principal, (one, two, three) = rig.port, rig.key(), [rig.key() for _ in range(3)]
        await port.link(principal, one, rig.brief)
        await port.link(principal, two, rig.brief)
        await port.link(principal, two, LONG)
        await port.link(principal, three, 0)
        await rig.becomes(rig.brief, lambda: self._sorted(port.linked(principal)), sorted([two, three]))

    # ------------------------------------------------------------------------------------------------ races

    @pytest.mark.parametrize("size", [100, 20_000])
    def test_of_saves_at_once_one_is_saved(self, rig, size):
        """Of writes based on the same record one is SAVED and stands, the others are STALE."""
        for _ in range(5):
            key, data = rig.key(), record()
            rig.run(rig.port.create(key, data, LONG))
            mine = [after(data, bytes([n]) * size) for n in range(6)]
            outcomes = rig.together(
                *(lambda new=new: rig.port.save(key, new, data[ETAG], LONG) for new in mine)  # noqa: B023 - used now
            )
            assert sorted(outcomes) == [Outcome.SAVED] + [Outcome.STALE] * 5
            assert rig.run(rig.port.load(key)) == mine[outcomes.index(Outcome.SAVED)]

    def test_of_creates_at_once_one_is_true(self, rig):
        """Of creates of the same key one is True, and its record stands."""
        for _ in range(5):
            key, mine = rig.key(), [record() for _ in range(6)]
            made = rig.together(*(lambda new=new: rig.port.create(key, new, LONG) for new in mine))  # noqa: B023 - now
            assert sorted(made) == [False] * 5 + [True]
            assert rig.run(rig.port.load(key)) == mine[made.index(True)]

    @pytest.mark.parametrize("verb", ["save", "touch", "move"])
    def test_nothing_survives_a_delete_at_the_same_time(self, rig, verb):
        """A logout beside a write: whichever comes first, nothing is under the key afterwards."""
        port = rig.port
        for _ in range(5):
            key, new, data = rig.key(), rig.key(), record()
            rig.run(port.create(key, data, LONG))
            other = {
                "save": lambda: port.save(key, after(data), data[ETAG], LONG),  # noqa: B023 - used now
                "touch": lambda: port.touch(key, LONG),  # noqa: B023
                "move": lambda: port.move(key, new, after(data), data[ETAG], LONG, b"", 0),  # noqa: B023
            }[verb]
            outcome, deleted, _ = rig.together(other, lambda: port.delete(key), lambda: port.load(key))  # noqa: B023
            assert rig.run(port.load(key)) is None
            if verb == "move":
                assert (outcome is Outcome.SAVED) is not deleted
                assert (rig.run(port.load(new)) is not None) is (outcome is Outcome.SAVED)
            else:
                assert deleted is True

    def test_a_move_beside_a_save(self, rig):
        """Of a rotation and a write on the same record one is SAVED, and its record is the only one."""
        port = rig.port
        for _ in range(5):
            old, new, data = rig.key(), rig.key(), record()
            rig.run(port.create(old, data, LONG))
            moved, saved = after(data, b"moved"), after(data, b"saved")
            outcomes = rig.together(
                lambda: port.move(old, new, moved, data[ETAG], LONG, b"", 0),  # noqa: B023 - used now
                lambda: port.save(old, saved, data[ETAG], LONG),  # noqa: B023
            )
            stand = rig.run(port.load(new)), rig.run(port.load(old))
            if outcomes[0] is Outcome.SAVED:
                assert outcomes[1] is Outcome.GONE
                assert stand == (moved, None)
            else:
                assert outcomes == [Outcome.STALE, Outcome.SAVED]
                assert stand == (None, saved)

    def test_moves_at_once(self, rig):
        """Of rotations of the same record one is SAVED, and leaves one record."""
        for _ in range(5):
            old, news, data = rig.key(), [rig.key() for _ in range(4)], record()
            rig.run(rig.port.create(old, data, LONG))
            outcomes = rig.together(
                *(lambda new=new: rig.port.move(old, new, after(data), data[ETAG], LONG, b"", 0) for new in news)  # noqa: B023
            )
            assert sorted(outcomes) == [Outcome.GONE] * 3 + [Outcome.SAVED]
            stand = [rig.run(rig.port.load(key)) for key in (old, *news)]
            assert sum(data is not None for data in stand) == 1

    def test_a_release_beside_an_acquire(self, rig):
        """Whoever asks for a lock while it is released has it, at once or in turn; nobody waits for ever."""
        port = rig.port
        for _ in range(10):
            key = rig.key()
            rig.run(port.acquire(key, "a", LONG))
            _, answer = rig.together(lambda: port.release(key, "a"), lambda: rig.lock(key, "b"))  # noqa: B023 - used now
            assert answer.wait == 0
            assert rig.run(port.acquire(key, "c", LONG)).wait

    def test_those_who_lock_exclude_each_other(self, rig):
        """Read, add one, write, under a lock: every write finds the record it has read, and none is lost."""
        key, workers, rounds = rig.key(), 6, 8
        rig.run(rig.port.create(key, record(body=b"0"), LONG))

        def works(name: str) -> Work:
            async def add() -> list[Outcome]:
                outcomes = []
                for turn in range(rounds):
                    token = f"{name}{turn}"
                    data = (await rig.lock(key, token)).data
                    new = after(data, b"%d" % (int(data[29 + 4 * (data[12] >> 4) :]) + 1))
                    outcomes.append(await rig.port.save(key, new, data[ETAG], LONG, token))
                return outcomes

            return add()

        outcomes = rig.together(*(lambda name=name: works(name) for name in "uvwxyz"))
        assert {outcome for each in outcomes for outcome in each} == {Outcome.SAVED}
        assert rig.run(rig.port.load(key)).endswith(b"%d" % (workers * rounds))

    # ------------------------------------------------------------------------------------------------ the port

    @scenario
    async def test_shielded_work_gives_its_result(self, rig):
        """Shielding changes neither results nor errors."""
        key = rig.key()
        assert await rig.port.shield(rig.port.create(key, record(), LONG)) is True

        async def fails() -> None:
            raise LookupError(key)

        with pytest.raises(LookupError, match=key):
            await rig.port.shield(fails())

    @scenario
    async def test_the_port_knows_the_time(self, rig):
        """Seconds since 1970, and seconds that never go back."""
        assert rig.port.now() > 999_999_999
        assert rig.port.tick() <= rig.port.tick()

    @scenario
    async def test_closing_twice_is_closing(self, rig):
        """A second close does nothing; the rig adds a third."""
        await rig.port.load(rig.key())
        for _ in range(2):
            await rig.port.close()

    @staticmethod
    async def _held(rig: Rig, key: str, token: str) -> bool:
        return not (await rig.port.acquire(key, token, LONG)).wait

    @staticmethod
    async def _sorted(keys: Awaitable[list[str]]) -> list[str]:
        return sorted(await keys)
