"""Held locks are renewed every third of their time, by a thread or by the event loop, until they are forgotten."""

import asyncio
import gc
import os
import threading
import time
import timeit
from collections.abc import Callable

import pytest

from transcoders.errors import StoreError
from transcoders.sessions.renewal import LoopRenewal, Renewal

SOON = 10.0
"""Seconds in which anything here happens, on a machine however slow."""


class Renewed:
    """A renewal that notes its calls, and answers from a list while there is something in it."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.calls: list[tuple[str, str, int]] = []
        self.answers = list(answers)
        self.called = threading.Semaphore(0)
        self.turn = asyncio.Event()

    def __call__(self, key: str, token: str, ttl: int) -> bool:
        self.calls.append((key, token, ttl))
        answer = self.answers.pop(0) if self.answers else True
        self.called.release()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def later(self, key: str, token: str, ttl: int) -> bool:
        self.turn.set()
        return self(key, token, ttl)

    async def reach(self, done: Callable[[], bool]) -> None:
        """Return when the calls are what is waited for."""
        async with asyncio.timeout(SOON):
            while not done():
                self.turn.clear()
                await self.turn.wait()


@pytest.fixture
def renewed():
    """What the locks are renewed with."""
    return Renewed()


@pytest.fixture
def renewal(renewed):
    """A renewal by thread, closed at the end."""
    made = Renewal(renewed)
    yield made
    made.close()


def test_a_kept_lock_is_renewed_again_and_again(renewal, renewed):
    """The call names key, token and time, every third of that time."""
    began = time.monotonic()
    renewal.keep("app:k", "t", 60)
    for _ in range(3):
        assert renewed.called.acquire(timeout=SOON)
    assert time.monotonic() - began >= 0.06
    assert set(renewed.calls) == {("app:k", "t", 60)}


def test_a_forgotten_lock_is_left_alone(renewal, renewed):
    """Only the other lock is renewed after `forget`, and forgetting twice is no error."""
    renewal.keep("app:k", "gone", 30)
    renewal.keep("app:k", "kept", 30)
    renewal.forget("gone")
    renewal.forget("gone")
    for _ in range(2):
        assert renewed.called.acquire(timeout=SOON)
    assert {token for _, token, _ in renewed.calls} == {"kept"}


def test_a_shorter_lock_does_not_wait_for_a_longer_one(renewal, renewed):
    """The thread that sleeps for the long lock is woken for the short one."""
    renewal.keep("app:long", "a", 3_600_000)
    renewal.keep("app:short", "b", 30)
    assert renewed.called.acquire(timeout=SOON)
    assert renewed.calls[0] == ("app:short", "b", 30)


def test_a_lost_lock_is_not_renewed_again(renewal, renewed):
    """False from the store ends it."""
    renewed.answers.append(False)
    renewal.keep("app:lost", "a", 30)
    renewal.keep("app:kept", "b", 60)
    for _ in range(3):
        assert renewed.called.acquire(timeout=SOON)
    assert [key for key, _, _ in renewed.calls].count("app:lost") == 1


def test_a_failed_renewal_is_repeated_soon(renewal, renewed):
    """An unreachable store is asked again after a twelfth of the time, not after a third."""
    renewed.answers += [StoreError("cut"), StoreError("cut")]
    renewal.keep("app:k", "t", 600)
    began = time.monotonic()
    for _ in range(3):
        assert renewed.called.acquire(timeout=SOON)
    assert time.monotonic() - began >= 0.29


def test_keeping_costs_no_more_than_a_dictionary(renewal):
    """Most requests end long before the first renewal: keep and forget stay below the price of a system call."""
    renewal.keep("app:k", "t", 5000)

    def both():
        renewal.keep("app:k", "u", 5000)
        renewal.forget("u")

    assert min(timeit.repeat(both, number=1000, repeat=20)) < 0.005


def test_short_locks_one_after_the_other_do_not_wake_the_thread(renewal):
    """It was woken for the first, and found that forgotten; it sleeps on through the others, and then for good."""
    forgotten, asleep, for_good, rings = threading.Event(), threading.Event(), threading.Event(), []

    class Bell(threading.Event):
        def set(self):
            rings.append(1)
            super().set()

        def clear(self):
            forgotten.wait(SOON)
            super().clear()

        def wait(self, timeout=None):
            (for_good if timeout is None else asleep).set()
            return super().wait(timeout)

    renewal._bell = Bell()
    renewal.keep("app:k", "t", 600)
    renewal.forget("t")
    forgotten.set()
    assert asleep.wait(SOON)
    for _ in range(20):
        renewal.keep("app:k", "t", 600)
        renewal.forget("t")
    assert len(rings) == 1
    assert for_good.wait(SOON)


def test_closing_ends_the_thread(renewed):
    """Nothing is renewed after close, also when something is kept then; a second close does nothing."""
    renewal = Renewal(renewed)
    renewal.keep("app:k", "t", 30)
    assert renewed.called.acquire(timeout=SOON)
    renewal.close()
    renewal.close()
    count = len(renewed.calls)
    renewal.keep("app:k", "t", 1)
    assert not any(thread.name == "transcoders-renewal" for thread in threading.enumerate())
    assert len(renewed.calls) == count


def test_a_close_is_not_missed_by_a_thread_about_to_sleep(renewal, renewed):
    """A close that comes when the thread has just looked for one ends it all the same."""

    class Bell(threading.Event):
        def clear(self):
            renewal._closed = True
            self.set()
            super().clear()

    renewal._bell = Bell()
    renewal.keep("app:k", "t", 3_600_000)
    renewal._thread.join(SOON)
    assert not renewal._thread.is_alive()


def test_a_child_process_renews_only_its_own(renewal, renewed):
    """After a fork the thread is started again by the first lock of the child, and the parent's locks are not in it."""
    renewal.keep("app:parents", "p", 200)
    gc.collect()
    read, write = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover - another process
        renewed.calls.clear()
        renewal.keep("app:childs", "c", 30)
        done = all(renewed.called.acquire(timeout=SOON) for _ in range(3))
        os.write(write, b"1" if done and {key for key, _, _ in renewed.calls} == {"app:childs"} else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1) == b"1"
    os.close(read)
    os.close(write)


def looped(*answers: bool | Exception, calls: int, locks: dict[str, int], forget: str = "") -> Renewed:
    """What a loop renewed until there were so many calls."""
    renewed = Renewed(*answers)

    async def run():
        renewal = LoopRenewal(renewed.later)
        for token, ttl in locks.items():
            renewal.keep(f"app:{token}", token, ttl)
        if forget:
            renewal.forget(forget)
        await renewed.reach(lambda: len(renewed.calls) >= calls)
        await renewal.close()
        count = len(renewed.calls)
        await asyncio.sleep(0)
        assert len(renewed.calls) == count

    asyncio.run(run())
    return renewed


def test_the_loop_renews_too():
    """The timer of the event loop renews what is kept, the short before the long, and nothing that was forgotten."""
    renewed = looped(calls=3, locks={"long": 3_600_000, "short": 30, "gone": 30}, forget="gone")
    assert set(renewed.calls) == {("app:short", "short", 30)}


def test_the_loop_ends_what_is_lost_and_repeats_what_failed():
    """False ends the renewal of a lock, StoreError does not."""
    renewed = looped(*(False, StoreError("cut")), calls=5, locks={"lost": 30, "cut": 31})
    assert [token for _, token, _ in renewed.calls].count("lost") == 1


def test_a_second_loop_renews_like_the_first():
    """What a stopped loop had set does not keep the next one from renewing."""
    renewed = Renewed()
    renewal = LoopRenewal(renewed.later)

    async def run(token):
        renewal.keep("app:k", token, 30)
        await renewed.reach(lambda: ("app:k", token, 30) in renewed.calls)
        renewal.forget(token)

    asyncio.run(run("first"))
    renewed.turn = asyncio.Event()
    asyncio.run(run("second"))
    assert renewed.calls[-1] == ("app:k", "second", 30)
