"""Stores by URL: which names there are, what a store of somebody else's is, and what is told when there is none."""

import importlib.metadata

import pytest

from tests.clock import VirtualClock
from tests.plugin import ReprStore, connect
from tests.store_contract import LONG, Rig, record
from transcoders.errors import MissingExtra, SpecError
from transcoders.registry import REGISTRY, _points
from transcoders.sessions.runtime import Blocking, InPlace, Threaded
from transcoders.sessions.stores import open_store, split
from transcoders.sessions.stores.memory import MemoryStore
from transcoders.sessions.stores.sqlite import SqliteStore


def lacking(url, **given):
    """What needs a package that is not installed."""
    import no_such_package

    return no_such_package.Store(url, **given)


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    """A registry in which nothing but the built-in names is known, for one test."""
    for name, value in vars(type(REGISTRY)()).items():
        monkeypatch.setattr(REGISTRY, name, value)
    monkeypatch.setattr(ReprStore, "opened", [])


def opened(store, *, asynchronous=False, **given):
    """The port, after it was used and closed."""
    port = open_store(store, asynchronous=asynchronous, **given)
    rig = Rig(port, asynchronous=asynchronous)
    assert rig.run(port.create("k", record(), LONG))
    assert rig.run(port.load("k"))
    rig.close()
    return port


@pytest.mark.parametrize(
    ("url", "store", "blocking", "asynchronous"),
    [
        ("memory:", MemoryStore, Blocking, InPlace),
        ("memory://", MemoryStore, Blocking, InPlace),
        ("memory:?max_records=9&full=drop&max_bytes=4096", MemoryStore, Blocking, InPlace),
        ("sqlite:{path}/a.db", SqliteStore, Blocking, Threaded),
    ],
)
def test_built_in_stores(tmp_path, url, store, blocking, asynchronous):
    """Each has the port that fits: in place where a verb never waits, by threads where it may."""
    for kind, flag in ((blocking, False), (asynchronous, True)):
        port = opened(url.format(path=tmp_path), asynchronous=flag)
        assert type(port) is kind
        assert type(port.store) is store
        (tmp_path / "a.db").unlink(missing_ok=True)


def test_stores_and_ports_are_taken_as_they_are():
    """A store of one's own becomes a port, and a port stays what it is."""
    store = MemoryStore()
    assert opened(store).store is store
    port = Threaded(MemoryStore())
    assert opened(port, asynchronous=True) is port


def test_the_clock_reaches_store_and_port():
    """Both tell the time that was passed in."""
    clock = VirtualClock()
    port = open_store("memory:", asynchronous=False, clock=clock)
    rig = Rig(port, asynchronous=False)
    rig.run(port.create("k", record(), 1000))
    clock.advance(2)
    assert rig.run(port.load("k")) is None
    assert port.now() == clock.now()
    rig.close()


def test_registered_stores():
    """A registered name is called with the URL, the kind of port, the clock and the time for one operation."""
    REGISTRY.register("store", "theirs", connect)
    clock = VirtualClock()
    port = opened("theirs://host/x?y=1", asynchronous=True, clock=clock, operation_timeout=2.5)
    assert type(port.store) is ReprStore
    assert ReprStore.opened == [
        ("theirs://host/x?y=1", {"asynchronous": True, "clock": clock, "operation_timeout": 2.5}),
    ]


def test_entry_points(monkeypatch):
    """A package that is installed brings its store by an entry point."""
    point = importlib.metadata.EntryPoint("theirs", "tests.plugin:connect", "transcoders.stores")
    groups = {"transcoders.stores": [point]}
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: groups.get(group, []))
    _points.cache_clear()
    try:
        assert type(opened("theirs:x").store) is ReprStore
        with pytest.raises(SpecError, match="did you mean 'theirs'"):
            open_store("theris:x", asynchronous=False)
    finally:
        _points.cache_clear()


@pytest.mark.parametrize(
    ("behind", "url"),
    [("", "connect:"), (":a/b", "connect:a/b"), ("?y=1", "connect:?y=1"), (":?y=1", "connect:?y=1")],
)
def test_dotted_names(behind, url):
    """`package.module:attribute` stands where a name stands, and the attribute is the name that it is called with."""
    assert type(opened(f"tests.plugin:connect{behind}").store) is ReprStore
    assert [given for given, _ in ReprStore.opened] == [url]


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("memry:", "there is no store 'memry'; did you mean 'memory'"),
        ("sqlite3:a.db", "did you mean 'sqlite'"),
        ("redis+clster://h", "there is no store 'redis\\+clster'; did you mean"),
        ("no.such.module:connect", "store 'no.such.module:connect' is not there"),
        ("memory:x", "something else behind the colon"),
        ("memory:?full=no", "option 'full' takes one of refuse, drop, not 'no'"),
        ("memory:?max_records=0", "takes a whole number from 1"),
        ("memory:?max=1", "'memory' has no option 'max'"),
        ("memory:?full=drop&full=drop", "an option of the store 'memory' is written twice: full"),
        ("memory", "expected the URL of a store, such as memory:, sqlite:sessions.db or redis://localhost"),
        ("", "expected the URL of a store"),
        ("user:s3cret@host", "there is no store 'user'"),
        ("//user:s3cret@host", "expected the URL of a store"),
        (None, "expected the URL of a store, or a Store, found NoneType"),
        (b"memory:", "or a Store, found bytes"),
    ],
)
def test_what_is_no_store(store, told):
    """The error says what was expected, and shows nothing of a URL but its name."""
    with pytest.raises(SpecError, match=told) as error:
        open_store(store, asynchronous=False)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(("kind", "asynchronous"), [(Blocking, True), (InPlace, False), (Threaded, False)])
def test_ports_of_the_other_kind(kind, asynchronous):
    """A port that would block a loop, or suspend without one, is refused where it is given."""
    with pytest.raises(SpecError, match=f"a {kind.__name__} is for managers of the other kind"):
        open_store(kind(MemoryStore()), asynchronous=asynchronous)


def test_a_missing_package():
    """A store whose package is not installed says which extra has it."""
    lacking.extra = "theirs"
    REGISTRY.register("store", "lacking", lacking)
    with pytest.raises(
        MissingExtra, match=r"the store 'lacking' needs a package .* pip install .transcoders\[theirs\]"
    ):
        open_store("lacking:", asynchronous=False)


def test_split_decodes_the_place_and_reads_the_options():
    """Percent-encoding is for the place; options are typed, with their defaults."""
    place, given = split("memory:a%20b%3F?max_records=7", MemoryStore.options)
    assert place == "a b?"
    assert given == {"max_records": 7, "max_bytes": 256 << 20, "full": "refuse"}
