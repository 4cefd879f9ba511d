"""The floors: the bytes of a session as JSON, fetched, or fetched and stored again, by redis-py and nothing else."""

from itertools import count
from typing import Any

import orjson
import redis
import redis.asyncio

from bench.requests.floors import TTL
from bench.web.calls import Answer, Call, Make
from bench.web.site import CHANGE, FILL, Site


def blocking(site: Site) -> Make:
    """redis.Redis."""
    client: Any = redis.Redis(port=site.port, db=site.database)
    fill = _Filling(site, client)

    def make(act: str, cookie: str) -> Call:
        key = cookie.partition("=")[2]

        def call() -> Answer:
            if act == FILL:
                return fill()
            data = client.get(key)
            if act == CHANGE:
                client.set(key, data, px=TTL)
            return _answer(data)

        return call

    return make


def awaited(site: Site) -> Make:
    """redis.asyncio.Redis."""
    client: Any = redis.asyncio.Redis(port=site.port, db=site.database)
    fill = _Filling(site, redis.Redis(port=site.port, db=site.database))

    def make(act: str, cookie: str) -> Call:
        key = cookie.partition("=")[2]

        async def call() -> Answer:
            if act == FILL:
                return fill()
            data = await client.get(key)
            if act == CHANGE:
                await client.set(key, data, px=TTL)
            return _answer(data)

        return call

    return make


class _Filling:
    """Stores what is pending, and answers as the login of a site does."""

    def __init__(self, site: Site, client: "redis.Redis") -> None:
        self._site, self._client, self._numbers = site, client, count()

    def __call__(self) -> Answer:
        key = f"floor-{next(self._numbers)}"
        self._client.set(key, orjson.dumps(self._site.pending), px=TTL)
        return Answer(200, [f"session={key}; Path=/"], b"")


def _answer(data: bytes | None) -> Answer:
    return Answer(404 if data is None else 200, [], b"")
