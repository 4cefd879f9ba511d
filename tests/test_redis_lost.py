"""Replies that are lost, late or cut: the answer is the right one all the same, and nothing is done twice."""

import asyncio
import itertools
import secrets
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager

import pytest

from tests import servers
from tests.proxy import Proxy
from tests.redis_ports import Face, etag, faces, record, run, shared_face, taken  # noqa: F401 - a fixture
from transcoders.errors import StoreError
from transcoders.sessions.ports import Outcome

HOUR = 3_600_000
FIRST, SECOND, LARGE = record(1, b"a"), record(2, b"b", earlier=(b"a",)), record(2, b"c", bytes(50_000), (b"a",))
SHORT = {"timeout": 400, "connect_timeout": 400}
"""Milliseconds: a stalled attempt costs half of them."""
FACES = list(itertools.product(servers.KINDS, ("blocking", "asyncio")))
CUT = [(face, fault) for fault in ("lose", "drop") for face in FACES]
SILENT = [(face, fault) for fault in ("stall", "late") for face in (("valkey", "blocking"), ("redis", "asyncio"))]


def failures(pairs) -> pytest.MarkDecorator:
    """Run the test with each pair of a face and a fault."""
    names = ["-".join((*face, fault)) for face, fault in pairs]
    return pytest.mark.parametrize(("face", "fault"), pairs, indirect=["face"], ids=names)


@contextmanager
def failing(face):
    """A proxy before the server of the face, and its URL."""
    with Proxy(face.server.port, of=b":{") as proxy:
        yield proxy, face.server.url(port=proxy.port, **SHORT)


def through(face, body, *faults) -> None:
    """Run the body with a port whose next requests fail so, one after the other; an empty fault lets one pass."""
    with failing(face) as (proxy, url):
        face.run(lambda port: body(port, lambda: proxy.plan(*faults)), url)
        assert proxy.faults == Counter(filter(None, faults))


@failures(CUT + SILENT)
def test_a_load_is_repeated(face, fault):
    """The record comes with the second attempt."""

    async def body(port, go_wrong):
        await port.create(face.key, FIRST, HOUR)
        go_wrong()
        assert await port.load(face.key) == FIRST

    through(face, body, fault)


@failures(CUT + SILENT)
def test_a_create_is_not_refused_by_itself(face, fault):
    """What the lost attempt created is known as our own; what another created is not."""

    async def body(port, go_wrong):
        go_wrong()
        assert await port.create(face.key, FIRST, HOUR)
        assert await port.load(face.key) == FIRST
        assert not await port.create(face.key, SECOND, HOUR)

    through(face, body, fault)


@pytest.mark.parametrize("data", [SECOND, LARGE], ids=["small", "large"])
@failures(CUT + SILENT)
def test_a_save_does_not_conflict_with_itself(face, fault, data):
    """The save is SAVED whether the lost attempt had taken effect or not; and it is saved once."""

    async def body(port, go_wrong):
        await port.create(face.key, FIRST, HOUR)
        go_wrong()
        assert await port.save(face.key, data, etag(FIRST), HOUR) is Outcome.SAVED
        assert await port.load(face.key) == data

    through(face, body, fault)


@failures(CUT + SILENT)
def test_a_stale_save_stays_stale(face, fault):
    """Another's write stands there: ours surely never did, however the reply was lost."""

    async def body(port, go_wrong):
        await port.create(face.key, FIRST, HOUR)
        await port.save(face.key, SECOND, etag(FIRST), HOUR)
        go_wrong()
        assert await port.save(face.key, LARGE, etag(FIRST), HOUR) is Outcome.STALE
        assert await port.load(face.key) == SECOND

    through(face, body, fault)


@failures(CUT + SILENT)
def test_a_move_is_not_undone_by_its_repetition(face, fault):
    """The record is under the new key, the trail under the old one, whichever attempt did it."""
    new = f"{face.key}n"

    async def body(port, go_wrong):
        await port.create(face.key, FIRST, HOUR)
        go_wrong()
        assert await port.move(face.key, new, SECOND, etag(FIRST), HOUR, b"trail", 60_000) is Outcome.SAVED
        assert [await port.load(key) for key in (face.key, new)] == [b"trail", SECOND]

    through(face, body, fault)


@pytest.mark.parametrize("passing", range(5))
@failures(CUT)
def test_deletes_touches_and_links_are_repeated(face, fault, passing):
    """A delete whose reply was lost has deleted; a touch and a link are made again."""

    async def body(port, go_wrong):
        await port.create(face.key, FIRST, HOUR)
        go_wrong()
        assert await port.touch(face.key, HOUR)
        await port.link(face.key, "app:x", HOUR)
        assert await port.linked(face.key) == ["app:x"]
        await port.unlink(face.key, "app:x")
        assert await port.linked(face.key) == []
        assert await port.delete(face.key)
        assert await port.load(face.key) is None

    through(face, body, *[""] * passing, fault)


@failures(CUT + SILENT)
def test_a_lock_is_not_taken_by_oneself(face, fault):
    """The lost attempt may have taken the lock: the token is known, and the record comes with it."""

    async def body(port, go_wrong):
        await port.create(face.key, FIRST, HOUR)
        go_wrong()
        assert await port.acquire(face.key, "me", 60_000) == (0, FIRST)
        assert face.server.ask("GET", f"tc:l:{{{face.key}}}") == b"me"
        assert (await port.acquire(face.key, "other", 60_000)).wait > 59_000
        await port.release(face.key, "other")

    through(face, body, fault)


@failures(CUT + SILENT)
def test_a_release_is_repeated(face, fault):
    """The lock is free, whichever attempt freed it, and a save that releases saves once."""

    async def body(port, go_wrong):
        await port.create(face.key, FIRST, HOUR)
        assert not (await port.acquire(face.key, "me", 60_000)).wait
        go_wrong()
        assert await port.save(face.key, SECOND, etag(FIRST), HOUR, "me") is Outcome.SAVED
        assert face.server.ask("EXISTS", f"tc:l:{{{face.key}}}") == 0
        assert await port.renew(face.key, "me", 1000) is False

    through(face, body, fault)


@pytest.mark.parametrize("passing", range(6))
@failures(CUT)
def test_a_waiter_is_not_lost(face, fault, passing):
    """Queueing, leaving and claiming go on after a lost reply, and the queue is empty in the end."""

    async def body(port, go_wrong):
        await port.acquire(face.key, "holder", 60_000)
        await port.acquire(face.key, "first", 60_000)
        go_wrong()
        assert (await port.acquire(face.key, "second", 60_000)).wait
        await port.release(face.key, "first")
        await port.release(face.key, "holder")
        answer = await port.acquire(face.key, "second", 60_000)
        assert answer == (0, None)
        await port.release(face.key, "second")
        assert face.server.ask("EXISTS", f"tc:l:{{{face.key}}}", f"tc:q:{{{face.key}}}") == 0

    through(face, body, *[""] * passing, fault)


@faces("blocking", "asyncio")
def test_silence_until_the_end_is_an_unknown_outcome(face):
    """A save whose every reply is lost is a StoreError that says the outcome is unknown; a load says nothing of it."""

    async def body(port, proxy):
        await port.create(face.key, FIRST, HOUR)
        proxy.chance(1.0, "lose")
        with pytest.raises(StoreError, match=r"did not answer within 0.4 s \(timeout\): ") as caught:
            await port.save(face.key, SECOND, etag(FIRST), HOUR)
        assert (caught.value.retryable, caught.value.unknown) == (True, True)
        assert face.key not in str(caught.value)
        proxy.chance(0)

    with failing(face) as (proxy, url):
        face.run(lambda port: body(port, proxy), url)
    assert face.server.ask("GET", f"tc:r:{{{face.key}}}") == SECOND


@faces("blocking", "asyncio")
def test_an_operation_takes_no_longer_than_its_timeout(face):
    """Attempts that stall end with the timeout, give or take a twentieth of it and a slow machine."""

    async def body(port, proxy):
        await port.create(face.key, FIRST, HOUR)
        proxy.chance(1.0, "stall")
        began = time.monotonic()
        with pytest.raises(StoreError, match="no answer in time"):
            await port.save(face.key, SECOND, etag(FIRST), HOUR)
        assert 0.35 < time.monotonic() - began < 2
        proxy.chance(0)
        proxy.release()

    with failing(face) as (proxy, url):
        face.run(lambda port: body(port, proxy), url)


def in_thread(face, verb, url) -> tuple[threading.Thread, list]:
    """A thread that runs the verb with a port of its own, and what it will have returned or raised."""
    found = []

    def work():
        try:
            found.append(face.run(verb, url))
        except StoreError as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, found


@pytest.mark.parametrize(
    ("others", "expected"), [(1, Outcome.STALE), (3, Outcome.STALE), (4, "unknown")], ids="{} others".format
)
@faces("blocking", "asyncio")
def test_others_who_saved_after_a_lost_reply(face, others, expected):
    """While the ring of write ids reaches back to the base, an absent id means not applied; beyond it nobody knows."""
    face.server.ask("SET", f"tc:r:{{{face.key}}}", FIRST)
    with failing(face) as (proxy, url):
        proxy.plan("drop", "late")
        thread, found = in_thread(face, lambda port: port.save(face.key, SECOND, etag(FIRST), HOUR), url)
        proxy.wait_for("late")
        later = record(1 + others, b"z", earlier=(b"y", b"x"))
        face.server.ask("SET", f"tc:r:{{{face.key}}}", later)
        proxy.release()
        thread.join()
    if expected == "unknown":
        assert found[0].unknown
        assert "too many saved after it" in str(found[0])
    else:
        assert found == [expected]


@faces("blocking", "asyncio")
def test_a_save_that_arrives_late_undoes_nothing(face):
    """An attempt that was given up arrives after others saved, and after a delete: nothing changes."""
    later = record(3, b"z", earlier=(b"b", b"a"))

    async def body(port, proxy):
        await port.create(face.key, FIRST, HOUR)
        proxy.plan("late")
        assert await port.save(face.key, SECOND, etag(FIRST), HOUR) is Outcome.SAVED
        assert await port.save(face.key, later, etag(SECOND), HOUR) is Outcome.SAVED
        face.server.ask("CONFIG", "RESETSTAT")
        proxy.release()
        arrived(face, "evalsha")
        assert await port.load(face.key) == later
        proxy.plan("late")
        assert await port.save(face.key, record(4, b"x"), etag(later), HOUR) is Outcome.SAVED
        assert await port.delete(face.key)
        face.server.ask("CONFIG", "RESETSTAT")
        proxy.release()
        arrived(face, "evalsha")
        assert await port.load(face.key) is None

    with failing(face) as (proxy, url):
        face.run(lambda port: body(port, proxy), url)


def arrived(face, command) -> None:
    """Return when the server has carried out such a command."""
    end = time.monotonic() + 10
    while not face.server.calls().get(command):
        assert time.monotonic() < end, "it never arrived"


class Counters:
    """Adds one to a counter in a record, again and again, as processes that know nothing of each other would."""

    def __init__(self, face: Face) -> None:
        self.face, self.tally = face, Counter()

    async def add(self, port, *, locked: bool) -> None:
        """Add one; what is known of it goes to the tally."""
        key, token = self.face.key, secrets.token_hex(8) if locked else ""
        while True:
            try:
                base = await taken(port, key, token, 2000) if token else await port.load(key)
                old = (base[8:12], *(base[at : at + 4] for at in range(29, len(base) - 8, 4)))
                count = int.from_bytes(base[-8:], "big") + 1
                version = int.from_bytes(base[4:8], "big") + 1
                data = record(version, secrets.token_bytes(4), count.to_bytes(8, "big"), old[:15])
                outcome = await port.save(key, data, etag(base), HOUR, token)
            except StoreError as error:
                self.tally["unknown" if error.unknown else "failed"] += 1
                return
            self.tally[outcome.name] += 1
            if outcome is not Outcome.STALE:
                return

    async def work(self, port, until: float, *, locked: bool) -> None:
        """Add until then."""
        while time.monotonic() < until:
            await self.add(port, locked=locked)

    def check(self) -> None:
        """What was acknowledged is in the counter, and nothing else but what is unknown."""
        count = int.from_bytes(self.face.server.ask("GET", f"tc:r:{{{self.face.key}}}")[-8:], "big")
        saved, unknown = self.tally["SAVED"], self.tally["unknown"]
        assert saved <= count <= saved + unknown, self.tally
        assert saved > 20
        assert unknown < saved / 2


@pytest.mark.parametrize("locked", [False, True], ids=["compared", "locked"])
@pytest.mark.parametrize("face", FACES[::3], indirect=True, ids="-".join)
def test_counting_through_a_proxy_that_cuts(face, locked):
    """8 % of the replies and 4 % of the requests are cut: no acknowledged count is lost, and none counts twice."""
    face.server.ask("SET", f"tc:r:{{{face.key}}}", record(1, b"a", bytes(8)))
    counters, until = Counters(face), time.monotonic() + 1
    with Proxy(face.server.port, of=face.key.encode()) as proxy:
        proxy.chance(0.12, "lose", "lose", "drop")
        url = face.server.url(port=proxy.port, timeout=5000)
        if face.mode == "asyncio":

            async def work(port):
                await asyncio.gather(*(counters.work(port, until, locked=locked) for _ in range(6)))

            face.run(work, url)
        else:
            with closing(Threads(face, url)) as threads:
                threads.run(6, lambda port: counters.work(port, until, locked=locked))
        assert proxy.faults["lose"] > proxy.faults["drop"] > 5
    counters.check()


class Threads:
    """Threads that share a blocking port."""

    def __init__(self, face: Face, url: str) -> None:
        self.face, self.port = face, face.port(url)

    def run(self, count: int, work) -> None:
        """Run the work in so many threads, to the end."""
        threads = [threading.Thread(target=run, args=("blocking", work(self.port))) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Close the port."""
        run("blocking", self.port.close())
