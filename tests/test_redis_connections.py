"""Connections of the Redis store: TLS, users, databases, sockets, forks, loops, bounds, and what goes wrong."""

import asyncio
import gc
import os
import socket
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import servers
from tests.proxy import Proxy
from tests.redis_ports import MODES, Face, etag, faces, record, run, shared_face  # noqa: F401 - a fixture
from transcoders.errors import StoreError
from transcoders.sessions.ports import Outcome
from transcoders.sessions.stores.redis import resp
from transcoders.sessions.stores.redis.pool import Pool
from transcoders.sessions.stores.redis.url import parse
from transcoders.sessions.stores.redis.wire import Lost

HOUR = 3_600_000
FIRST, SECOND = record(1, b"a"), record(2, b"b", earlier=(b"a",))
SECRET = "hush/hush:#?@ %41"
RIGHTS = "~tc:* &tc:* +@read +@write +@connection +@scripting +@transaction +@pubsub -@dangerous +time"
"""The least a user needs, as docs/decisions/011-redis.md has it."""


async def used(port, key: str) -> None:
    """Use every verb, and wait for a lock."""
    assert await port.create(key, FIRST, HOUR)
    assert await port.acquire(key, "one", 60_000) == (0, FIRST)
    assert (await port.acquire(key, "two", 60_000)).wait
    assert await port.renew(key, "one", 60_000)
    assert await port.save(key, SECOND, etag(FIRST), HOUR, "one") is Outcome.SAVED
    await port.wait(key, "two", 10)
    assert await port.acquire(key, "two", 60_000) == (0, SECOND)
    await port.release(key, "two")
    large = record(3, b"c", bytes(50_000))
    assert await port.save(key, large, etag(SECOND), HOUR) is Outcome.SAVED
    assert await port.touch(key, HOUR)
    assert await port.move(key, f"{key}n", record(4, b"d"), etag(large), HOUR, b"trail", 1000) is Outcome.SAVED
    await port.link(key, f"{key}n", HOUR)
    assert await port.linked(key) == [f"{key}n"]
    await port.unlink(key, f"{key}n")
    assert await port.delete(f"{key}n")


PROTECTED = ("--requirepass", SECRET, "--user", "sessions", "on", f">{SECRET}", *RIGHTS.split())


@pytest.fixture(scope="module", params=servers.KINDS)
def guarded(request):
    """A server with a password, and a user who may do what we need."""
    with servers.running(request.param, *PROTECTED) as server:
        yield server


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """The same with TLS, and its certificate; the wheel of Valkey is built without TLS, so this is Redis."""
    certificate = servers.Certificate(tmp_path_factory.mktemp("tls"))
    with servers.running("redis", *PROTECTED, tls=certificate) as server:
        yield server, certificate


def login(server, *command):
    """What the server answers to its owner."""
    return server.ask(*command, login=(SECRET,))


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("mode", MODES)
def test_a_user_needs_no_more_rights_than_these(guarded, mode, protocol):
    """As a user with the least rights, every verb works."""
    face = Face(guarded, mode)
    face.run(lambda port: used(port, face.key), guarded.url("sessions", SECRET, protocol=protocol))


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("mode", MODES)
def test_tls(secure, mode, protocol):
    """Over TLS every verb works, and connections are used again."""
    server, certificate = secure
    face, before = Face(server, mode), accepted(server)
    url = server.secure_url("sessions", SECRET, ca=certificate.cert, protocol=protocol)
    face.run(lambda port: used(port, face.key), url)
    assert accepted(server) - before <= 4


def accepted(server) -> int:
    """How many connections the server has had."""
    return int(login(server, "INFO", "stats").split(b"total_connections_received:")[1].split()[0])


@pytest.mark.parametrize("mode", MODES)
def test_sockets_of_this_machine_and_databases(guarded, mode):
    """Over a socket, as the default user, in a database of one's own."""
    server = guarded
    face = Face(server, mode)
    face.run(lambda port: port.create(face.key, FIRST, HOUR), server.local_url(password=SECRET, db=3))
    assert server.ask("GET", f"tc:r:{{{face.key}}}", db=3, login=(SECRET,)) == FIRST
    assert server.ask("GET", f"tc:r:{{{face.key}}}", login=(SECRET,)) is None
    face.run(lambda port: used(port, f"{face.key}2"), server.url(password=SECRET, db=5))


@pytest.mark.parametrize("login", [("sessions", f"{SECRET}x"), ("nobody", SECRET), ("", f"{SECRET}x"), ("", "")])
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_a_wrong_password_is_told_at_once(guarded, mode, protocol, login):
    """It is not tried again, and no message or cause shows it."""
    server = guarded
    face = Face(server, mode)
    with pytest.raises(StoreError) as caught:
        face.run(lambda port: port.load(face.key), server.url(*login, protocol=protocol))
    assert "password" in str(caught.value)
    assert not caught.value.retryable
    error: BaseException | None = caught.value
    while error is not None:
        assert "hush" not in repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_a_certificate_that_nobody_vouches_for(secure, mode):
    """The message says what is wrong with it; `verify=no` takes it as it is."""
    server, certificate = secure
    face = Face(server, mode)
    with pytest.raises(StoreError, match=r"is not trusted: self.signed certificate") as caught:
        face.run(lambda port: port.load(face.key), server.secure_url(password=SECRET))
    assert not caught.value.retryable
    face.run(lambda port: used(port, face.key), server.secure_url(password=SECRET, verify="no"))
    other = f"rediss://127.0.0.1:{server.tls_port}?ca={certificate.cert}"
    with pytest.raises(StoreError, match="is not trusted: IP address mismatch"):
        face.run(lambda port: port.load(face.key), other)


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_a_right_that_is_missing_is_named(guarded, mode):
    """Which command the user may not use stands in the message."""
    server = guarded
    login(server, "ACL", "SETUSER", "poor", "on", ">pass", "~tc:*", "&other", "+@connection", "+get", "+evalsha")
    face = Face(server, mode)

    async def body(port):
        assert await port.load(face.key) is None
        with pytest.raises(StoreError, match="does not allow this user the command set: see its ACL") as caught:
            await port.create(face.key, FIRST, HOUR)
        assert not caught.value.retryable

    face.run(body, server.url("poor", "pass"))


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_a_user_without_a_channel_cannot_wait(guarded, mode, protocol):
    """Without the right to be woken a lock is to be had when it is free; to wait for it is an error that says why."""
    login(guarded, "ACL", "SETUSER", "deaf", "on", ">pass", *RIGHTS.replace("&tc:*", "resetchannels").split())
    face = Face(guarded, mode)

    async def body(port):
        assert not (await port.acquire(face.key, "one", 60_000)).wait
        for _ in range(2):
            with pytest.raises(StoreError, match=r"may not listen to the channels tc:w:\*: see its ACL") as caught:
                await port.acquire(face.key, "two", 60_000)
            assert not caught.value.retryable
            await port.release(face.key, "two")
        await port.release(face.key, "one")
        assert not (await port.acquire(face.key, "two", 60_000)).wait

    face.run(body, guarded.url("deaf", "pass", protocol=protocol))


@faces("blocking", "asyncio")
def test_there_is_no_such_database(face):
    """A database that the server does not have is told at once."""
    with pytest.raises(StoreError, match="refuses the handshake: is there no such database") as caught:
        face.run(lambda port: port.load(face.key), face.server.url(db=4096))
    assert not caught.value.retryable


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_there_is_no_server(mode, tmp_path):
    """A refused connection is tried again until the time is over, and the outcome of a write is then known."""
    for url in (f"redis://127.0.0.1:{servers.free_port()}?timeout=100", f"unix://{tmp_path}/none?timeout=100"):
        face = Face(None, mode)
        with pytest.raises(
            StoreError, match=r"did not answer within 0\.1 s \(timeout\): (connection|no such)"
        ) as caught:
            face.run(lambda port: port.delete("app:x"), url)
        assert (caught.value.retryable, caught.value.unknown) == (True, False)


@pytest.mark.parametrize("mode", ["blocking", "asyncio"])
def test_a_server_that_lets_in_and_says_nothing(mode):
    """A connection that never gets through its handshake costs the timeout, and nothing was sent."""
    face = Face(None, mode)

    async def body(port):
        verbs = [port.delete("app:x"), port.delete("app:y")]
        works = asyncio.gather(*verbs, return_exceptions=True) if mode == "asyncio" else None
        for error in await works if works else [await caught(verb) for verb in verbs]:
            assert "did not answer within 0.1 s (timeout): no connection in time" in str(error)
            assert not error.unknown

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}?timeout=100&connect_timeout=5000"
        face.run(body, url)


async def caught(verb) -> Exception:
    """What the verb raises."""
    with pytest.raises(StoreError) as error:
        await verb
    return error.value


@faces("blocking", "asyncio")
def test_a_server_that_comes_back(face):
    """Connections of a server that was restarted are replaced without an error."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        assert await port.load(face.key) == FIRST
        for proxy in proxies:
            proxy.cut()
        assert await port.load(face.key) == FIRST
        assert await port.save(face.key, SECOND, etag(FIRST), HOUR) is Outcome.SAVED

    with Proxy(face.server.port) as proxy:
        proxies = [proxy]
        face.run(body, face.server.url(port=proxy.port))


@faces("blocking", "asyncio")
def test_a_frozen_server_is_an_error_in_time(face):
    """A server that does nothing costs the timeout, and is used again when it goes on."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        face.server.freeze()
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"did not answer within 0\.3 s"):
            await port.load(face.key)
        assert time.monotonic() - began < 1
        face.server.thaw()
        assert face.server.ask("PING") == b"PONG"
        assert await port.load(face.key) == FIRST

    with servers.running(face.server.kind) as face.server:
        face.run(body, face.server.url(timeout=300))


@faces("blocking", "asyncio")
def test_a_replica_is_not_written_to(face):
    """READONLY is tried again over new connections, and a load is answered all the same."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        face.server.ask("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(StoreError, match="it is a replica") as caught:
            await port.save(face.key, SECOND, etag(FIRST), HOUR)
        assert not caught.value.unknown
        face.server.ask("REPLICAOF", "NO", "ONE")
        assert await port.save(face.key, SECOND, etag(FIRST), HOUR) is Outcome.SAVED

    with servers.running(face.server.kind) as face.server:
        face.run(body, face.server.url(timeout=600))


@pytest.mark.parametrize("face", [("valkey", "blocking"), ("redis", "asyncio")], indirect=True, ids="-".join)
def test_writes_wait_for_replicas(face):
    """`wait=1` is an error of unknown outcome without a replica, and works with one, locks and all."""
    with pytest.raises(StoreError, match="fewer than 1 replicas confirmed it") as caught:
        face.run(lambda port: port.create(face.key, FIRST, HOUR), face.server.url(wait=1, timeout=1000))
    assert caught.value.unknown

    async def refused(port):
        assert not await port.create(face.key, record(1, b"z"), HOUR)
        assert await port.save(face.key, SECOND, b"anything", HOUR) is Outcome.STALE
        moved = await port.move(face.key, f"{face.key}2", SECOND, b"anything", HOUR, b"", 0)
        assert moved is Outcome.STALE
        assert not await port.delete(f"{face.key}2")

    face.run(refused, face.server.url(wait=1, timeout=1000))
    with (
        servers.running(face.server.kind, "--repl-diskless-sync-delay", "0") as face.server,
        servers.running(face.server.kind, "--replicaof", f"127.0.0.1 {face.server.port}"),
    ):
        end = time.monotonic() + 20
        while b"state=online" not in face.server.ask("INFO", "replication"):
            assert time.monotonic() < end, "the replica never came"
        face.run(lambda port: used(port, face.key), face.server.url(wait=1, timeout=5000))


@faces("blocking")
def test_the_pool_is_bounded(face):
    """Sixteen threads share three connections."""
    with Proxy(face.server.port, of=face.key.encode()) as proxy:
        port = face.port(face.server.url(port=proxy.port, max_connections=3))
        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(lambda _: run("blocking", port.load(face.key)), range(300))) == {None}
        run("blocking", port.close())
    assert 1 <= proxy.connections <= 3


@faces("blocking")
def test_waiting_for_a_connection_is_bounded(face):
    """Who gets none in time is told so, before anything is sent; when one is given back, the next has it."""
    request = resp.packer()((("EXISTS", f"tc:r:{{{face.key}}}"),))
    with Proxy(face.server.port, of=face.key.encode()) as proxy:
        pool, answers = Pool(parse(face.server.url(port=proxy.port, max_connections=1))), []
        proxy.plan("stall")

        def call(seconds: float):
            answers.append(pool.call(request, 1, time.monotonic() + seconds))

        first, second = (threading.Thread(target=call, args=(20,)) for _ in "12")
        first.start()
        proxy.wait_for("stall")
        with pytest.raises(Lost, match="all 1 connections were busy") as caught:
            call(0.02)
        assert not caught.value.sent
        second.start()
        proxy.release()
        first.join()
        second.join()
        assert answers == [[0], [0]]
        run("blocking", pool.close())


@faces("blocking")
def test_a_signal_in_the_middle_of_a_call(face):
    """An exception out of nowhere drops the connection: the next call gets its own answer."""
    main = threading.main_thread().ident
    face.run(lambda port: port.create(face.key, FIRST, HOUR))
    with Proxy(face.server.port, of=face.key.encode()) as proxy:
        port = face.port(face.server.url(port=proxy.port, timeout=20_000))
        proxy.plan("stall")

        def interrupt():
            proxy.wait_for("stall")
            import signal

            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            run("blocking", port.load(face.key))
        thread.join()
        proxy.release()
        assert run("blocking", port.linked(face.key)) == []
        assert run("blocking", port.load(face.key)) == FIRST
        run("blocking", port.close())


def forked(work) -> bool:
    """Whether the work was true in a child process."""
    read, write = os.pipe()
    if (pid := os.fork()) == 0:  # pragma: no cover - another process
        answer = b"0"
        try:
            answer = b"1" if work() else b"0"
        finally:
            os.write(write, answer)
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        return pipe.read(1) == b"1"


@faces("blocking")
def test_a_child_process_has_its_own_connections(face):
    """After a fork, parent and child each get their own answers and hints, from a port made before it."""
    port = face.port()
    mine, other = f"{face.key}p", f"{face.key}c"

    def busy(key: str, body: bytes) -> bool:
        data = record(1, b"f", body)
        run("blocking", port.create(key, data, HOUR))
        return all(run("blocking", port.load(key)) == data for _ in range(300))

    def queued(key: str) -> bool:
        assert not run("blocking", port.acquire(key, "one", 60_000)).wait
        assert run("blocking", port.acquire(key, "two", 60_000)).wait
        run("blocking", port.release(key, "one"))
        began = time.monotonic()
        run("blocking", port.wait(key, "two", 5))
        return time.monotonic() - began < 0.4 and not run("blocking", port.acquire(key, "two", 60_000)).wait

    assert busy(mine, b"parent")
    assert queued(mine)
    done = []
    beside = threading.Thread(target=lambda: done.append(forked(lambda: busy(other, b"child") and queued(other))))
    beside.start()
    assert busy(f"{mine}2", b"parent")
    assert queued(f"{mine}2")
    beside.join()
    assert done == [True]
    run("blocking", port.close())


@faces("asyncio", "uvloop")
def test_a_child_process_has_its_own_loop(face):
    """A port that was used under asyncio works in a child process, in a loop of the child, and in the parent still."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)

        def in_child() -> bool:
            asyncio.set_event_loop(None)
            asyncio._set_running_loop(None)
            loop = asyncio.new_event_loop()
            return loop.run_until_complete(port.load(face.key)) == FIRST

        if face.mode == "asyncio":
            assert forked(in_child)
        for _ in range(50):
            assert await port.load(face.key) == FIRST

    face.run(body)


@faces("asyncio", "uvloop")
def test_a_port_follows_its_loop(face):
    """A port is used in one loop after another, in other threads too; in two at a time it says so."""
    port = face.port()

    async def load():
        assert await port.load(face.key) is None
        assert not (await port.acquire(face.key, "one", 60_000)).wait
        assert (await port.acquire(face.key, "two", 60_000)).wait
        await port.release(face.key, "two")
        await port.release(face.key, "one")

    async def meanwhile():
        await port.load(face.key)
        with pytest.raises(StoreError, match="in use by another event loop"):
            await asyncio.to_thread(run, face.mode, port.load(face.key))
        await port.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the first loop ended with its connections open
        run(face.mode, load())
        run(face.mode, load())
        with ThreadPoolExecutor(1) as other:
            other.submit(run, face.mode, load()).result()
        run(face.mode, meanwhile())
        gc.collect()


@faces()
def test_a_closed_port(face):
    """Closing twice is closing once, and what is asked after it is an error."""

    async def body(port):
        await port.create(face.key, FIRST, HOUR)
        await port.acquire(face.key, "one", 60_000)
        await port.acquire(face.key, "two", 60_000)
        await port.close()
        await port.close()
        with pytest.raises(StoreError, match="the store was closed") as caught:
            await port.load(face.key)
        assert not caught.value.retryable

    face.run(body)
