"""Caches and queues over a transcoder: cachelib, aiocache, dogpile.cache, kombu and Celery."""

import asyncio
import io
import json
import pickle
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from secrets import token_hex

import msgpack
import pytest
import redis
from aiocache import RedisCache as AioRedisCache
from aiocache import caches
from aiocache.serializers import JsonSerializer
from cachelib import FileSystemCache, RedisCache, SimpleCache
from cachelib.serializers import FileSystemSerializer, RedisSerializer
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging
from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE, CantDeserializeException
from kombu import Connection, serialization
from kombu.exceptions import ContentDisallowed
from kombu.exceptions import DecodeError as KombuDecodeError

from tests import guide, servers
from transcoders import EncodeError, SpecError, peek
from transcoders.embed import aiocache, cachelib, dogpile, kombu

VALUE = {"at": datetime(2026, 1, 1, tzinfo=UTC), "price": Decimal("1.10"), "place": (1, 2), "roles": {"a"}}
BROKEN = (b"", b"\xff\xfe", b"\xc1T\x01\x02", b"!\xff", pickle.dumps(print), b"!" + pickle.dumps(print))


# cachelib.


@pytest.fixture(params=["memory", "file"])
def cache(request, tmp_path):
    """A cache of cachelib over MessagePack."""
    made = SimpleCache() if request.param == "memory" else FileSystemCache(str(tmp_path))
    made.serializer = cachelib.Serializer("msgpack+zlib")
    return made


def test_cachelib_keeps_values(cache):
    """What was set is what is got, with its types; a key that is not there is None."""
    assert cache.set("key", VALUE)
    assert cache.get("key") == VALUE
    assert cache.get_many("key", "other") == [VALUE, None]
    assert cache.add("key", 1) is False
    assert cache.set("number", 5)
    assert cache.inc("number", 2) == 7
    assert cache.get("number") == 7
    assert cache.delete("key")
    assert cache.get("key") is None


def test_cachelib_refuses_what_would_change(cache):
    """A value outside the session value set is an EncodeError, and the file cache leaves no half of it."""
    with pytest.raises(EncodeError):
        cache.set("key", {"v": object()})
    assert cache.get("key") is None


@pytest.mark.parametrize("broken", BROKEN)
def test_cachelib_misses_what_cannot_be_read(broken, caplog):
    """Broken bytes are a miss that is logged, from memory as from a file, and run nothing."""
    serializer = cachelib.Serializer("json")
    assert serializer.loads(broken) is None
    assert serializer.load(io.BytesIO(broken)) is None
    assert caplog.text.count("stored bytes cannot be read") == 2
    assert serializer.loads(None) is None


def test_cachelib_pickles_are_read_when_asked_for():
    """What cachelib pickled, in Redis and in files, is read as data where `accept` says so."""
    asked, other = cachelib.Serializer({"accept": ["raw-pickle"]}), cachelib.Serializer("json")
    for value in (VALUE, 5, "text", [True]):
        for former in (RedisSerializer(), FileSystemSerializer()):
            assert asked.loads(former.dumps(value)) == value
    file = io.BytesIO()
    FileSystemSerializer().dump(VALUE, file)
    assert asked.load(io.BytesIO(file.getvalue())) == VALUE
    assert other.loads(RedisSerializer().dumps(VALUE)) is None
    assert other.loads(b'{"a":1}') == {"a": 1}


# aiocache.


@pytest.fixture
def configured():
    """A cache that aiocache makes of a configuration."""
    before = caches.get_config()
    settings = {"class": "transcoders.embed.aiocache.Serializer", "spec": "msgpack", "accept": ["raw-pickle"]}
    caches.set_config(before | {"shop": {"cache": "aiocache.SimpleMemoryCache", "serializer": settings}})
    yield caches.get("shop")
    caches.set_config(before)


def test_aiocache_keeps_values(configured):
    """A cache from a configuration gives back what was set, counts, and misses what is not there or broken."""

    async def use():
        await configured.set("key", VALUE)
        assert peek(await configured.raw("get", "key")).codec == "msgpack"
        assert await configured.get("key") == VALUE
        assert await configured.multi_get(["key", "other"]) == [VALUE, None]
        await configured.set("number", 5)
        assert await configured.raw("get", "number") == b"5"
        assert await configured.get("number") == 5
        for former in (json.dumps({"a": 1}).encode(), msgpack.dumps({"a": 1}), pickle.dumps({"a": 1})):
            await configured.raw("__setitem__", "former", former)
            assert await configured.get("former") == {"a": 1}
        for broken in BROKEN:
            await configured.raw("__setitem__", "broken", broken)
            assert await configured.get("broken") is None

    asyncio.run(use())


def test_aiocache_takes_one_setting():
    """A config string, too, is all it takes."""
    serializer = aiocache.Serializer("cbor")
    assert serializer.loads(serializer.dumps(VALUE)) == VALUE
    assert serializer.encoding is None
    with pytest.raises(SpecError, match="settings of aiocache have no 'speck'"):
        aiocache.Serializer(speck="cbor")


# dogpile.cache.


def test_dogpile_keeps_values_and_makes_broken_ones_anew(caplog):
    """A region gives back what was made; what cannot be read counts as not there, and is made again."""
    region = make_region(**dogpile.coding("msgpack+zlib")).configure("dogpile.cache.memory")
    made = []

    def make():
        made.append(1)
        return VALUE

    for _ in range(2):
        assert region.get_or_create("key", make) == VALUE
    stored = region.backend._cache["key"]
    metadata, _, payload = stored.partition(b"|")
    assert peek(payload).codec == "msgpack"
    for count, broken in enumerate(BROKEN, 2):
        region.backend._cache["key"] = metadata + b"|" + broken
        assert region.get("key") is NO_VALUE
        assert region.get_or_create("key", make) == VALUE
        assert len(made) == count
    assert "stored bytes cannot be read" in caplog.text


def test_dogpile_pickles_are_read_when_asked_for():
    """What dogpile pickled is read as data where `accept` says so, JSON in any case."""
    assert dogpile.coding({"accept": ["raw-pickle"]})["deserializer"](pickle.dumps(VALUE)) == VALUE
    with pytest.raises(CantDeserializeException):
        dogpile.coding()["deserializer"](pickle.dumps(VALUE))
    assert dogpile.coding()["deserializer"](b'{"a":1}') == {"a": 1}


# On a real server.


@pytest.fixture
def port():
    """Where the Valkey of this run listens."""
    return servers.shared("valkey").port


def stored(port, pattern):
    """The only value under such keys."""
    with redis.Redis(port=port) as client:
        (key,) = client.keys(pattern)
        return client.get(key)


def test_cachelib_on_a_server(port):
    """Values and counters of cachelib's Redis cache lie in Valkey as a frame and as digits."""
    prefix = token_hex(4)
    cache = RedisCache("127.0.0.1", port, key_prefix=prefix)
    cache.serializer = cachelib.Serializer({"spec": "msgpack", "accept": ["raw-pickle"]})
    former = RedisCache("127.0.0.1", port, key_prefix=prefix)
    former.set("former", VALUE)
    cache.set("key", VALUE)
    cache.set("number", 5)
    assert [cache.get("former"), cache.get("key"), cache.inc("number"), cache.get("number")] == [VALUE, VALUE, 6, 6]
    assert peek(stored(port, f"{prefix}key")).codec == "msgpack"
    for one in (cache, former):
        one._write_client.close()


def test_aiocache_on_a_server(port):
    """Values and counters of aiocache's Redis cache lie in Valkey as a frame and as digits."""

    async def use():
        prefix = token_hex(4)
        arguments = {"endpoint": "127.0.0.1", "port": port, "namespace": prefix}
        cache = AioRedisCache(**arguments, serializer=aiocache.Serializer("cbor"))
        former = AioRedisCache(**arguments, serializer=JsonSerializer())
        try:
            await former.set("former", {"a": [1]})
            await cache.set("key", VALUE)
            await cache.set("number", 5)
            assert await cache.increment("number") == 6
            found = await cache.multi_get(["former", "key", "number", "none"])
            assert found == [{"a": [1]}, VALUE, 6, None]
            assert peek(stored(port, f"{prefix}*key")).codec == "cbor"
        finally:
            for one in (cache, former):  # aiocache's own close leaves connections open
                await one.client.connection_pool.disconnect()

    asyncio.run(use())


def test_dogpile_on_a_server(port):
    """Values of dogpile's Redis backend lie in Valkey as a frame behind dogpile's metadata."""
    prefix = token_hex(4)
    region = make_region(key_mangler=prefix.__add__, **dogpile.coding("msgpack"))
    region.configure("dogpile.cache.redis", arguments={"host": "127.0.0.1", "port": port})
    assert region.get("key") is NO_VALUE
    region.set("key", VALUE)
    assert region.get("key") == VALUE
    assert peek(stored(port, f"{prefix}key").partition(b"|")[2]).codec == "msgpack"
    region.backend.reader_client.close()
    region.backend.writer_client.close()


# kombu and Celery.


@pytest.fixture
def installed():
    """The serializer, under a name of the test's own."""
    kombu.install("msgpack", "shop")
    yield "shop"
    serialization.unregister("shop")


def test_kombu_carries_messages(installed):
    """A message goes through a queue and comes out as it was; what is not accepted is not read."""
    with Connection("memory://") as connection, connection.SimpleQueue("shop-queue", serializer=installed) as queue:
        queue.consumer.accept = {kombu.CONTENT_TYPE}
        queue.put(VALUE | {"options": OrderedDict(a=1)})
        message = queue.get(timeout=1)
        assert message.payload == VALUE | {"options": {"a": 1}}
        assert (message.content_type, message.content_encoding) == (kombu.CONTENT_TYPE, "binary")
        message.ack()
        queue.put([1], serializer="pickle")
        with pytest.raises(ContentDisallowed):
            queue.get(timeout=1).decode()


@pytest.mark.parametrize("broken", BROKEN[1:])
def test_kombu_tells_what_cannot_be_read(installed, broken):
    """Broken bodies are kombu's own DecodeError, which its consumers handle."""
    with pytest.raises(KombuDecodeError):
        serialization.loads(broken, kombu.CONTENT_TYPE, "binary")


@pytest.fixture
def tame(monkeypatch):
    """A worker of Celery stops at once, not within 2 seconds, and leaves the log as it is."""
    drain = Connection.drain_events
    monkeypatch.setattr(Connection, "drain_events", lambda self, **_: drain(self, timeout=0.01))

    def leave(**_):
        """A receiver of the signal, which is enough."""

    setup_logging.connect(leave)
    yield
    setup_logging.disconnect(leave)


@pytest.mark.usefixtures("tame")
def test_celery_runs_tasks(installed):
    """Arguments, links and results of tasks go through the serializer, and so does what fails."""
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(task_serializer=installed, result_serializer=installed, accept_content=[installed])
    app.conf.broker_transport_options = {"polling_interval": 0.01}
    app.conf.worker_redirect_stdouts = False

    @app.task(name="shop.total")
    def total(prices, extra=Decimal(0), **_):
        return {"total": sum(prices, extra), "at": VALUE["at"]}

    @app.task(name="shop.pay")
    def pay(done):
        return done["total"] * 2

    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=10):
        result = total.delay([Decimal("1.10"), Decimal("2.20")], extra=Decimal(1))
        assert result.get(timeout=10, interval=0.01) == {"total": Decimal("4.30"), "at": VALUE["at"]}
        assert (total.s([Decimal("1.10")]) | pay.s()).delay().get(timeout=10, interval=0.01) == Decimal("2.20")
        failed = pay.delay({})
        with pytest.raises(KeyError):
            failed.get(timeout=10, interval=0.01)


# The guide.


def test_the_guide_on_cachelib(port, monkeypatch):
    """The block of the guide makes a cache whose values are ours."""
    monkeypatch.setenv("REDIS_URL", servers.shared("valkey").url())
    cache, key = guide.run("cachelib")["cache"], token_hex(4)
    cache.set(key, VALUE)
    assert cache.get(key) == VALUE
    assert peek(stored(port, key)).codec == "msgpack"
    cache._write_client.close()


def test_the_guide_on_aiocache(port):
    """The block of the guide makes a cache whose values are ours."""

    async def use():
        cache, key = guide.run("aiocache", host="127.0.0.1", port=port)["cache"], token_hex(4)
        await cache.set(key, VALUE)
        assert await cache.get(key) == VALUE
        assert peek(stored(port, key)).codec == "msgpack"
        await cache.client.connection_pool.disconnect()

    asyncio.run(use())


def test_the_guide_on_dogpile(port, monkeypatch):
    """The block of the guide makes a region whose values are ours."""
    monkeypatch.setenv("REDIS_URL", servers.shared("valkey").url())
    region, key = guide.run("dogpile.cache")["region"], token_hex(4)
    assert region.get_or_create(key, lambda: VALUE) == region.get(key) == VALUE
    assert peek(stored(port, key).partition(b"|")[2]).codec == "msgpack"
    region.backend.reader_client.close()
    region.backend.writer_client.close()


@pytest.mark.usefixtures("tame")
def test_the_guide_on_celery():
    """The block of the guide makes an app whose messages and results are ours."""
    app = guide.run("kombu and Celery")["app"]
    app.conf.broker_transport_options = {"polling_interval": 0.01}
    app.conf.worker_redirect_stdouts = False

    @app.task
    def echo(value):
        return value

    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=10):
        assert echo.delay(VALUE).get(timeout=10, interval=0.01) == VALUE
    serialization.unregister("transcoders")
