"""The store in a file: the contract, several processes, what may be wrong with a file, and memory beside it."""

import gc
import itertools
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from functools import partial
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import VirtualClock
from tests.store_contract import LONG, SOON, Rig, StoreContract, after, record
from transcoders.errors import SpecError, StoreError
from transcoders.sessions.clock import Clock
from transcoders.sessions.ports import ETAG, Outcome
from transcoders.sessions.runtime import Blocking, Threaded
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.sessions.stores.sqlite import SqliteStore, connect
from transcoders.sessions.stores.sqlite.watcher import Watcher


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A file that stays open, so that the stores of many tests need not make theirs."""
    path = tmp_path_factory.mktemp("shared") / "sessions.db"
    with closing(SqliteStore(str(path))):
        yield path


class TestSqlite(StoreContract):
    """The contract, in the caller's thread and through threads under asyncio."""

    @pytest.fixture(params=[Blocking, Threaded])
    def rig(self, request, shared):
        """A port to a store in the file."""
        clock = VirtualClock()
        store = SqliteStore(str(shared), clock=clock)
        rig = Rig(request.param(store, clock), asynchronous=request.param is Threaded, clock=clock)
        yield rig
        rig.close()


@pytest.fixture
def path(tmp_path):
    """Where the file is, or will be."""
    return tmp_path / "sessions.db"


@pytest.fixture
def clock():
    """The time of the stores here."""
    return VirtualClock()


@pytest.fixture
def opened(path, clock):
    """Stores in the file, as many as are asked for; closed at the end."""
    stores = []

    def open_one(**options):
        stores.append(SqliteStore(str(path), clock=options.pop("clock", clock), **options))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@contextmanager
def raw(path, *statements):
    """The file as SQLite sees it, after these statements."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        yield connection


def refused(store_or_path, match):
    """The error that opening or using a store gives; it names the file and nothing that was stored."""
    data = record(body=b"the-data" * 1000)
    if isinstance(store_or_path, Path):
        use = partial(SqliteStore, str(store_or_path))
    else:
        use = partial(store_or_path.create, "the-key", data, LONG)
    with pytest.raises(StoreError, match=match) as told:
        use()
    assert "sessions.db" in str(told.value)
    assert "the-key" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ or told.value.__context__ is None
    return told.value


# Several processes.

WORKER = """
import sys
from tests.store_contract import LONG, after, drive
from transcoders.sessions.ports import ETAG, Outcome
from transcoders.sessions.runtime import Blocking
from transcoders.sessions.stores.sqlite import SqliteStore

path, name, rounds, locked = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "locked"
port = Blocking(SqliteStore(path, timeout=20))

async def add(token):
    answer = None
    while locked and (answer is None or answer.wait):
        if answer is not None:
            await port.wait("counter", token, answer.wait / 1000)
        answer = await port.acquire("counter", token, LONG)
    data = answer.data if answer else await port.load("counter")
    new = after(data, b"%d" % (int(data[29 + 4 * (data[12] >> 4):]) + 1))
    return await port.save("counter", new, data[ETAG], LONG, token if locked else "")

async def work():
    stale = 0
    for turn in range(rounds):
        while (outcome := await add(f"{name}-{turn}-{stale}")) is not Outcome.SAVED:
            assert outcome is Outcome.STALE and not locked
            stale += 1
    await port.close()

drive(work())
"""


def started(code, *arguments):
    """A process that runs the code."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our code


@pytest.mark.parametrize("how", ["locked", "free"])
def test_processes_lose_no_update(path, opened, how):
    """Processes that count together, under the lock or by trying again, arrive at the sum."""
    store = opened(clock=Clock())
    store.create("counter", record(body=b"0"), LONG)
    workers = [started(WORKER, path, name, 100, how) for name in "abc"]
    for worker in workers:
        worker.communicate(timeout=3 * SOON)
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert store.load("counter").endswith(b"300")


HOLDER = """
import sys
from transcoders.sessions.stores.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
print(store.acquire("k", sys.argv[2], int(sys.argv[3])).wait, flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_ends(path, opened):
    """The lock of a process that was killed is another's after its time, and its place in the queue is passed over."""
    store = opened(clock=Clock())
    holder = started(HOLDER, path, "dies", 300)
    assert holder.stdout.readline() == "0\n"
    assert store.acquire("k", "lives", LONG).wait <= 300
    holder.kill()
    holder.communicate()
    woken = threading.Event()
    while (wait := store.acquire("k", "lives", LONG).wait) > 0:
        woken.wait(wait / 1000)
    assert store.load("k") is None


def test_processes_hand_over(path, opened):
    """A process that waits is woken by the release of another one, without asking itself."""
    store = opened(clock=Clock())
    holder = started(HOLDER, path, "other", LONG)
    assert holder.stdout.readline() == "0\n"
    woken = threading.Event()
    assert store.acquire("k", "mine", LONG).wait
    store.watch("mine", woken.set)
    release = "store.release('k', 'other')"
    helper = started(HOLDER.replace("sys.stdin.read()", release), path, "third", LONG)
    assert woken.wait(SOON)
    store.unwatch("mine")
    assert store.acquire("k", "mine", LONG).wait == 0
    for process in (holder, helper):
        process.communicate("", timeout=SOON)


def test_stores_of_one_file_wake_each_other(opened):
    """Two stores of one process behave as two processes do; a hand-over before the watch counts."""
    here, there = opened(), opened()
    here.acquire("k", "a", LONG)
    assert there.acquire("k", "b", LONG).wait
    for early in (False, True):
        woken = threading.Event()
        if early:
            here.release("k", "a")
        there.watch("b", woken.set)
        if not early:
            here.release("k", "a")
        assert woken.wait(SOON)
        there.unwatch("b")
        assert there.acquire("k", "b", LONG).wait == 0
        there.release("k", "b")
        here.acquire("k", "a", LONG)
        there.acquire("k", "b", LONG)


def test_who_stopped_asking_is_passed_over(opened, clock):
    """A ticket whose owner has not asked for five seconds is skipped at the hand-over; one that keeps asking is not."""
    store = opened()
    for token in ("holder", "dead", "alive"):
        store.acquire("k", token, LONG)
    for _ in range(4):
        clock.advance(2)
        assert store.acquire("k", "alive", LONG).wait
    store.release("k", "holder")
    assert store.acquire("k", "alive", LONG).wait == 0
    assert store.acquire("k", "dead", LONG).wait


def test_a_child_process_has_connections_of_its_own(path, opened):
    """No file of the database is open in a child before it asks, and then parent and child see each other's writes."""
    store = opened(clock=Clock())
    store.create("parents", record(), LONG)
    if (child := os.fork()) == 0:  # pragma: no cover - another process
        alone = not any(str(path) in str(fd.resolve()) for fd in Path("/proc/self/fd").iterdir())
        seen = store.load("parents") is not None and store.create("childs", record(), LONG)
        os._exit(0 if alone and seen and store.acquire("k", "c", LONG).wait == 0 else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert store.load("childs")
    assert store.acquire("k", "p", LONG).wait


def test_a_fork_beside_writers(opened):
    """A child of a process whose other threads write works at once, and so does the parent."""
    store, stop = opened(clock=Clock(), timeout=SOON), threading.Event()

    def write(name):
        for n in itertools.count():
            if stop.is_set():
                return
            store.create(f"{name}{n}", record(), LONG)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for n in range(5):
        if (child := os.fork()) == 0:  # pragma: no cover - another process
            os._exit(0 if store.create(f"child{n}", record(), LONG) else 1)
        assert os.waitpid(child, 0)[1] == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert all(store.load(f"child{n}") for n in range(5))


# The file.


def test_the_file_is_its_owners(path, opened):
    """The file and those beside it are made with mode 0600."""
    opened().create("k", record(), LONG)
    beside = sorted(path.parent.iterdir())
    assert [file.name for file in beside] == ["sessions.db", "sessions.db-shm", "sessions.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in beside} == {0o600}


def test_sessions_survive_a_restart(opened):
    """What was stored is there for a store that is opened later; its time goes on meanwhile."""
    clock = VirtualClock()
    store = opened(clock=clock)
    store.create("stays", record(), LONG)
    store.create("goes", record(), 1000)
    store.link("p", "stays", LONG)
    store.close()
    clock.advance(2)
    store = opened(clock=clock)
    assert [bool(store.load(key)) for key in ("stays", "goes")] == [True, False]
    assert store.linked("p") == ["stays"]


def test_what_is_no_database(path):
    """A file of something else is refused, and stays as it was."""
    path.write_bytes(b"something else " * 1000)
    assert not refused(path, "is no database of SQLite").retryable
    assert path.read_bytes() == b"something else " * 1000


def test_a_database_of_others(path):
    """A database of another application is refused, and stays as it was."""
    with raw(path, "CREATE TABLE theirs (x)"):
        pass
    before = path.read_bytes()
    assert not refused(path, "is a database of another application").retryable
    assert path.read_bytes() == before
    assert not Path(f"{path}-wal").exists()


def test_a_store_of_a_newer_release(path, opened):
    """A file with a later version of the tables is refused."""
    opened().close()
    with raw(path, "PRAGMA user_version = 2"):
        pass
    assert not refused(path, "is of a newer release of transcoders").retryable


def test_a_damaged_file(path, opened):
    """Damage is told when it is met, with what to do, and not as an absent session."""
    store = opened()
    for n in range(200):
        store.create(f"k{n}", record(body=bytes(500)), LONG)
    store.close()
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    store = opened()
    with pytest.raises(StoreError, match=r"sessions\.db is damaged: stop all that use it, then restore it") as told:
        store.load("k7")
    assert not told.value.retryable
    assert not refused(store, "is damaged").retryable


def test_a_missing_directory(tmp_path):
    """A path that leads nowhere is refused with what must be there."""
    error = refused(
        tmp_path / "missing" / "sessions.db", r"cannot be made: No such file or directory; its directory must"
    )
    assert not error.retryable


def test_a_directory(tmp_path):
    """A directory is no file."""
    (tmp_path / "sessions.db").mkdir()
    assert not refused(tmp_path / "sessions.db", "cannot be opened").retryable


@contextmanager
def nobody(*paths):
    """Be a user who may read these paths and not write them."""
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(0)
        for path in paths:
            path.chmod(0o755)


def test_a_file_that_cannot_be_written(path, opened):
    """A file, or a directory, without permission to write is refused."""
    opened().close()
    for parent in takewhile(lambda one: "pytest-" in str(one), path.parents):
        parent.chmod(0o755)
    with nobody(path, path.parent):
        assert not refused(path, "cannot be (written|opened).* permissions of the file and its directory").retryable
        assert not refused(path.with_name("other-sessions.db"), "cannot be made: Permission denied").retryable


def test_a_full_disk(opened):
    """When there is no room, writes are refused and may be tried later; reading goes on, and logouts make room."""
    store = opened(max_mb=1)
    stored = []

    def fill():
        for n in range(1000):
            store.create(f"k{n}", record(body=bytes(5000)), LONG)
            stored.append(f"k{n}")

    with pytest.raises(StoreError, match="is full: there is no room on the disk, or below max_mb") as told:
        fill()
    assert told.value.retryable
    assert not told.value.unknown
    assert 100 < len(stored) < 210
    assert all(store.load(key) for key in stored)
    for key in stored[:10]:
        assert store.delete(key)
    assert store.create("again", record(body=bytes(5000)), LONG)


def test_a_transaction_that_fails_changes_nothing(opened):
    """A rotation that finds no room leaves the record where it was, and the lock held."""
    store, data = opened(max_mb=1), record()
    store.create("old", data, LONG)
    store.acquire("old", "t", LONG)
    with pytest.raises(StoreError, match="is full"):
        store.move("old", "new", after(data, bytes(2 << 20)), data[ETAG], LONG, b"trail", LONG, "t")
    assert (store.load("old"), store.load("new")) == (data, None)
    assert store.acquire("old", "u", LONG).wait
    assert store.save("old", after(data), data[ETAG], LONG, "t") is Outcome.SAVED
    assert store.acquire("old", "u", LONG).wait == 0


class Interrupting(sqlite3.Connection):
    """A connection during whose next statement but one the user gives up."""

    patience = 1

    def execute(self, sql, parameters=()):
        cursor = super().execute(sql, parameters)
        if sql == "BEGIN IMMEDIATE" and Interrupting.patience:
            Interrupting.patience -= 1
            raise KeyboardInterrupt
        return cursor


def test_an_interrupted_writer_leaves_no_lock(opened, monkeypatch):
    """Who is interrupted while it begins, or halfway, changes nothing, and others write at once."""
    store, other = opened(), opened()
    store.create("stays", record(), LONG)

    def give_up():
        with store._database.transaction() as run:
            run("DELETE FROM records")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up()
    assert other.load("stays")
    assert other.create("k", record(), LONG)
    store.close()
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Interrupting))
    store = opened()
    with pytest.raises(KeyboardInterrupt), store._database.transaction():
        pytest.fail("it has not begun")
    assert other.touch("k", LONG)
    assert store.touch("k", LONG)


def test_a_step_that_cannot_end(opened):
    """An error at the end of a transaction is told like any other, by SQLite's name for it."""
    store = opened()
    with pytest.raises(StoreError, match=r"failed: SQLITE_ERROR"), store._database.transaction() as run:
        run("COMMIT")
    assert store.create("k", record(), LONG)


class OnANetwork(sqlite3.Connection):
    """A connection to a file system on which there is no WAL."""

    def execute(self, sql, parameters=()):
        return super().execute(sql.replace("= wal", "= delete"), parameters)


def test_a_file_system_without_shared_memory(path, monkeypatch):
    """Where SQLite does not turn to WAL, processes could not share the file: it is refused."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=OnANetwork))
    assert not refused(path, "is on a file system without shared memory").retryable


def test_a_database_locked_by_others(path, opened):
    """Writers wait for another process for the time they were given, and are told; readers do not wait at all."""
    store, data = opened(timeout=0.03), record()
    store.create("k", data, LONG)
    with raw(path, "BEGIN IMMEDIATE"):
        assert refused(store, r"was kept locked by other processes for 0\.03 s").retryable
        with pytest.raises(StoreError, match="was kept locked"):
            store.save("k", after(data), data[ETAG], LONG, "t")
        assert store.load("k") == data
        with pytest.raises(StoreError, match="was kept locked"):
            store.acquire("k", "t", LONG)
    assert store.save("k", after(data), data[ETAG], LONG) is Outcome.SAVED


def test_a_writer_waits_its_turn(path, opened):
    """A write goes through when the other process lets go in time; readers of other threads do not wait meanwhile."""
    store, data = opened(timeout=SOON), record()
    store.create("k", data, LONG)
    written = threading.Event()

    def write():
        store.create("other", record(), LONG)
        written.set()

    thread = threading.Thread(target=write)
    with raw(path, "BEGIN IMMEDIATE") as connection:
        thread.start()
        assert not written.wait(0.05)
        assert store.load("k") == data
        connection.execute("COMMIT")
    assert written.wait(SOON)
    thread.join()


def test_threads_wait_no_longer_than_they_may(opened):
    """A thread that finds another one writing waits for as long as an operation may take."""
    store = opened(timeout=0.03)
    with store._database.transaction(), pytest.raises(StoreError, match=r"kept locked by other threads for 0\.03 s"):
        store._database.change("DELETE FROM records", ())


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
def test_a_closed_store(path):
    """After close every verb is told so; nothing is left open, and nothing is left beside the file."""
    store = SqliteStore(str(path))
    store.create("k", record(), LONG)
    store.close()
    store.close()
    assert not refused(store, "is closed").retryable
    with pytest.raises(StoreError, match="is closed"):
        store.load("k")
    assert [file.name for file in path.parent.iterdir()] == ["sessions.db"]
    del store
    gc.collect()


def test_expired_rows_go(path, opened, clock):
    """Those who create remove what has expired, a few at a time: the file holds what lives, and not much beside."""
    store = opened()
    for n in range(300):
        store.create(f"old{n}", record(), 1000)
        store.link(f"p{n}", "k", 1000)
        store.acquire(f"lock{n}", "t", 1000)
    store.create("stays", record(), LONG)
    clock.advance(100)
    for n in range(200):
        store.create(f"new{n}", record(), LONG)
    with raw(path) as connection:
        counts = "SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM links), (SELECT count(*) FROM tickets)"
        assert connection.execute(counts).fetchone() == (201, 0, 0)
    assert store.load("stays")


def test_a_watcher_is_closed_just_before_it_sleeps():
    """A close that comes when the thread has just looked for one ends it all the same."""
    watcher = Watcher(lambda _key: None)

    class Bell(threading.Event):
        def clear(self):
            watcher._closed.set()
            self.set()
            super().clear()

    watcher._bell = Bell()
    watcher.add("t", "k", print)
    watcher.remove("t")
    watcher._thread.join(SOON)
    assert not watcher._thread.is_alive()
    watcher.close()


# The URL.


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:{dir}/a.db", "a.db"),
        ("sqlite://{dir}/a.db", "a.db"),
        ("sqlite:{dir}/with%20space%3F.db?synchronous=full&timeout=500&max_mb=9", "with space?.db"),
        ("sqlite:~/home.db", "home.db"),
        ("sqlite:relative.db", "relative.db"),
    ],
)
def test_urls_of_files(tmp_path, monkeypatch, url, name):
    """A path stands behind the colon, absolute, relative or from the home directory, percent-encoded where needed."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with closing(connect(url.format(dir=tmp_path), asynchronous=False, clock=Clock(), operation_timeout=1.0)) as store:
        store.create("k", record(), LONG)
        monkeypatch.chdir("/")
        assert store.load("k")
        assert (tmp_path / name).is_file()
        full = store._database.read("SELECT * FROM pragma_synchronous", ()) == [(2,)]
        assert full is ("full" in url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlite:", "expected the path of a file"),
        ("sqlite:dir/", "expected the path of a file"),
        ("sqlite:a%00b", "expected the path of a file"),
        ("sqlite::memory:", "write memory: for a store in memory"),
        ("sqlite://host/a.db", "found a host, and a file has none"),
        ("sqlite://a.db", "three slashes"),
        ("sqlite:a.db?timeout=5s", "option 'timeout' takes a whole number from 10 to 600000, not '5s'"),
        ("sqlite:a.db?synchronous=off", "option 'synchronous' takes one of normal, full"),
        ("sqlite:a.db?syncronous=full", "did you mean 'synchronous'"),
        ("sqlite:a.db?max_mb=1&max_mb=2", "written twice: max_mb"),
    ],
)
def test_urls_that_are_wrong(tmp_path, monkeypatch, url, told):
    """What is wrong with a URL is told before a file is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecError, match=told):
        connect(url, asynchronous=False, clock=Clock(), operation_timeout=1.0)
    assert list(tmp_path.iterdir()) == []


# Beside the store in memory.

KEYS, TOKENS, TTLS = st.sampled_from("klm"), st.sampled_from("tuv"), st.sampled_from([0, 300, 1000, 5000])
PICK = st.integers(0, 5)
VERB = st.one_of(
    st.tuples(st.just("create"), KEYS, PICK, TTLS),
    st.tuples(st.just("save"), KEYS, PICK, PICK, TTLS, st.sampled_from(["", "t", "u"])),
    st.tuples(st.just("touch"), KEYS, TTLS, st.sampled_from(["", "t", "u"])),
    st.tuples(st.just("delete"), KEYS, st.sampled_from(["", "t", "u"])),
    st.tuples(st.just("move"), KEYS, KEYS, PICK, PICK, TTLS, st.booleans(), TTLS, st.sampled_from(["", "t"])),
    st.tuples(st.just("acquire"), KEYS, TOKENS, TTLS),
    st.tuples(st.just("renew"), KEYS, TOKENS, TTLS),
    st.tuples(st.just("release"), KEYS, TOKENS),
    st.tuples(st.just("link"), KEYS, KEYS, TTLS),
    st.tuples(st.just("unlink"), KEYS, KEYS),
    st.tuples(st.just("pass"), st.sampled_from([0.13, 0.33, 0.43])),
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A store in memory and one in a file, at the same time."""
    clock = VirtualClock()
    stores = MemoryStore(clock=clock), SqliteStore(str(tmp_path_factory.mktemp("pair") / "s.db"), clock=clock)
    yield clock, stores, itertools.count()
    for store in stores:
        store.close()


@given(st.lists(VERB, max_size=40))
@settings(deadline=None)
def test_the_file_does_what_memory_does(pair, verbs):
    """Verb by verb, in any order and at any time, both stores give the same answers and hold the same records."""
    clock, stores, counter = pair
    prefix, passed = f"{next(counter)}:", 0
    made = [record(body=b"first")]
    made += [after(made[0], b"a"), after(made[0], b"b")]
    made += [after(made[1], b"c"), after(made[2], b"d"), after(after(made[1], b"e"), b"f")]
    for verb, *arguments in verbs:
        if verb == "pass":
            passed += 1
            clock.advance(arguments[0] if passed < 6 else 0)
            continue
        one, two = (done(store, made, prefix, verb, *arguments) for store in stores)
        if verb == "acquire":
            assert one.data == two.data
            assert bool(one.wait) is bool(two.wait)
            assert abs(one.wait - two.wait) <= 2
        else:
            assert one == two
        for key in "klm":
            assert len({store.load(prefix + key) for store in stores}) == 1
            assert len({tuple(sorted(store.linked(prefix + key))) for store in stores}) == 1
    clock.advance(10_000)


def done(store, made, prefix, verb, key, *rest):  # noqa: PLR0911 - one for each verb
    """What the verb gives; the numbers in it name records, and tokens are the key's own."""
    key, token = prefix + key, f"{prefix}{key}{rest[-1]}" if rest[-1] in {*"tuv"} else ""
    match verb:
        case "create":
            return store.create(key, made[rest[0]], rest[1])
        case "save":
            return store.save(key, made[rest[0]], made[rest[1]][ETAG], rest[2], token)
        case "touch":
            return store.touch(key, rest[0], token)
        case "delete":
            return store.delete(key, token)
        case "move":
            new, data, base, ttl, trail, grace, _ = rest
            left = b"\xc1T\x12\x00 a trail" if trail else b""
            return store.move(key, prefix + new, made[data], made[base][ETAG], ttl, left, grace, token)
        case "acquire" | "renew":
            return getattr(store, verb)(key, f"{key}{rest[0]}", rest[1])
        case "release":
            return store.release(key, f"{key}{rest[0]}")
        case "link":
            return store.link(key, prefix + rest[0], rest[1])
        case _:
            return store.unlink(key, prefix + rest[0])
