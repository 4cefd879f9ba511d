"""The verbs of a Redis or Valkey store, written once over a wire that blocks or is awaited.

Every request may be repeated as it is (`asking`), so what an answer says is read knowing that an earlier attempt may
have taken effect: writes carry an id, locks a token. Records, locks, queues and staged records of a session have
names with the same part in braces, so that they live together.

`load`, `save` and `acquire` are what requests wait for: they make the first attempt themselves, with a request of
`forms`, and are done when it is answered as usual. All else is for `asking`.
"""

import time
from collections.abc import Coroutine
from typing import Any, Final

from transcoders.errors import StoreError
from transcoders.sessions import layout
from transcoders.sessions.clock import Clock
from transcoders.sessions.ports import ETAG, Acquired, Capabilities, Outcome
from transcoders.sessions.stores.redis import forms, scripts
from transcoders.sessions.stores.redis.asking import Asking
from transcoders.sessions.stores.redis.resp import Command
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.waiters import Listener, Waiter
from transcoders.sessions.stores.redis.wire import Lost, Reply, Wire

CAPABILITIES: Final = Capabilities("redis")
STAGED: Final = 4096
"""Bytes of a record above which it does not go through a script: it is put beside the record and renamed."""
QUEUE: Final = 60_000
"""Milliseconds for which a queue outlasts the last question of a waiter."""
_SAVED: Final = Outcome.SAVED
_TRIES: Final = 3
"""How often a record is staged whose staged copy the server evicts."""


class Verbs:
    """See `Port`, whose verbs these are."""

    def __init__(self, target: Target, wire: Wire, listener: Listener, clock: Clock) -> None:
        self._target, self._wire, self._listener = target, wire, listener
        self._seconds = target.number("timeout") / 1000
        self._replicas = target.number("wait")
        self.now, self.tick = clock.now, clock.tick
        self._asking = Asking(target, wire)
        self._ask, self._call, self._half = self._asking.ask, wire.call, self._asking.half

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._target}>"

    @property
    def capabilities(self) -> Capabilities:
        """See Store.capabilities."""
        return CAPABILITIES

    async def load(self, key: str, /) -> bytes | None:
        """See Store.load."""
        request, began = forms.load(key), time.monotonic()
        try:
            answer = self._call(request, 1, began + self._half, bulk=True)
            found = answer if type(answer) is list else await answer  # type: ignore[misc]
        except Lost as failure:
            found = failure
        else:
            data = found[0]
            if type(data) is bytes or data is None:
                return data
        replies, _ = await self._asking.settle(found, request, 1, began, bulk=True)
        return _data(replies[0])

    async def create(self, key: str, data: bytes, ttl: int, /) -> bool:
        """See Store.create."""
        record = f"tc:r:{{{key}}}"
        replies, _ = await self._write(("SET", record, data, "NX", *_lasting(ttl)))
        if replies[0] is not None:
            return True
        replies, _ = await self._ask(("GETRANGE", record, 0, scripts.HEAD - 1))
        return bool(_written(_data(replies[0]), data, data[ETAG]))

    async def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """See Store.save."""
        if self._replicas:
            return await self._save_confirmed(key, data, base, ttl, token)
        began = time.monotonic()
        if len(data) <= STAGED:
            request, count = forms.save(key, data, base, ttl, token), 1
        else:
            request, count = forms.commit(key, data, base, ttl, token), 2
        try:
            answer = self._call(request, count, began + self._half)
            found = answer if type(answer) is list else await answer  # type: ignore[misc]
        except Lost as failure:
            found = failure
        else:
            if found[-1] == scripts.SAVED:
                return _SAVED
        replies, lost = await self._asking.settle(found, request, count, began)
        for _ in range(_TRIES - 1):
            if replies[-1] != scripts.AGAIN:
                break
            replies, again = await self._asking.send(request, count)
            lost |= again
        return self._outcome(replies[-1], data, base, lost=lost)

    async def _save_confirmed(self, key: str, data: bytes, base: bytes, ttl: int, token: str) -> Outcome:
        """As `save`, confirmed by replicas before the lock is free."""
        form, count = (forms.save, 1) if len(data) <= STAGED else (forms.commit, 2)
        for _ in range(_TRIES):
            request = form(key, data, base, ttl, "")
            replies, lost = await self._confirmed(request, count, self._freeing(key, token))
            if replies[count - 1] != scripts.AGAIN:
                break
        return self._outcome(replies[count - 1], data, base, lost=lost)

    def _outcome(self, answer: Reply, data: bytes, base: bytes, *, lost: bool) -> Outcome:
        if answer == scripts.SAVED:
            return Outcome.SAVED
        if answer == scripts.GONE:
            return Outcome.GONE
        if answer == scripts.AGAIN:
            raise StoreError(f"the store at {self._target} is full: it evicts records while they are being written")
        if isinstance(answer, list):  # it is saved, but the lock could not be freed
            raise self._asking.refused(answer[1], lost=True)
        ours = _written(_data(answer), data, base)
        if ours is None and lost:
            raise StoreError(
                f"the store at {self._target} lost the answer to a save, and too many saved after it to tell its "
                "outcome",
                unknown=True,
            )
        return Outcome.SAVED if ours else Outcome.STALE

    async def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """See Store.touch."""
        record = f"tc:r:{{{key}}}"
        touch: tuple[Command, ...] = (("PEXPIRE", record, ttl),) if ttl else (("PERSIST", record), ("EXISTS", record))
        replies, _ = await self._ask(*touch, *self._freeing(key, token))
        return replies[len(touch) - 1] == 1

    async def delete(self, key: str, token: str = "", /) -> bool:
        """See Store.delete."""
        (count, *_), lost = await self._write(("DEL", f"tc:r:{{{key}}}"), key=key, token=token)
        return count == 1 or lost

    async def move(  # noqa: PLR0913, PLR0917 - see Store.move
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """See Store.move."""
        keys = f"tc:r:{{{old}}}", f"tc:r:{{{new}}}"
        move = ("EVALSHA", self._asking.lua.move.sha, 2, *keys, base, data, ttl, trail, grace)
        (answer, *_), _ = await self._write(move, key=old, token=token)
        if answer == scripts.SAVED:
            return Outcome.SAVED
        left, moved = answer if isinstance(answer, list) else (b"", b"")
        if _written(moved, data, base):
            return Outcome.SAVED
        return Outcome.STALE if left or moved else Outcome.GONE

    async def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """See Store.acquire."""
        waiter = self._listener.find(token)
        if waiter is not None:
            return await self._queue(key, token, ttl, waiter)
        request, began = forms.acquire(key, token, ttl), time.monotonic()
        try:
            answer = self._call(request, 3, began + self._half)
            found = answer if type(answer) is list else await answer  # type: ignore[misc]
        except Lost as failure:
            found = failure
        else:
            taken, data, waits = found
            if taken == b"OK" and waits == 0 and (type(data) is bytes or data is None):
                return Acquired(0, data)
        (taken, data, waits), lost = await self._asking.settle(found, request, 3, began)
        if taken is not None:
            if not waits:
                return Acquired(0, _data(data))
            await self._ask(*self._freeing(key, token))  # a holder's time was over: the first in the queue is next
        elif lost and (held := await self._held(key, token, ttl)):
            return held
        waiter = await self._listener.join(token, time.monotonic() + self._seconds)
        if why := self._listener.refused:
            self._listener.leave(token)
            raise StoreError(f"the store at {self._target} {why}", retryable=False)
        return await self._queue(key, token, ttl, waiter)

    async def _queue(self, key: str, token: str, ttl: int, waiter: Waiter[Any]) -> Acquired:
        """Take the lock in turn."""
        waiter.bell.clear()
        if waiter.handed:
            waiter.handed = False
            if held := await self._held(key, token, ttl):
                self._listener.leave(token)
                return held
        keys = f"tc:l:{{{key}}}", f"tc:q:{{{key}}}"
        entry = waiter.entry(self._listener.channel, token, int(time.time() * 1000))
        acquire = ("EVALSHA", self._asking.lua.acquire.sha, 2, *keys, token, ttl, entry, scripts.CLAIM, QUEUE)
        (answer, data), _ = await self._ask(acquire, ("GET", f"tc:r:{{{key}}}"))
        if answer == 1:
            self._listener.leave(token)
            return Acquired(0, _data(data))
        return Acquired(-_number(answer), None)

    async def _held(self, key: str, token: str, ttl: int) -> Acquired | None:
        hold = ("EVALSHA", self._asking.lua.hold.sha, 1, f"tc:l:{{{key}}}", token, ttl)
        (held, data), _ = await self._ask(hold, ("GET", f"tc:r:{{{key}}}"))
        return Acquired(0, _data(data)) if held == 1 else None

    async def renew(self, key: str, token: str, ttl: int, /) -> bool:
        """See Store.renew."""
        replies, _ = await self._ask(("EVALSHA", self._asking.lua.hold.sha, 1, f"tc:l:{{{key}}}", token, ttl))
        return replies[0] == 1

    async def release(self, key: str, token: str, /) -> None:
        """See Store.release."""
        waiter = self._listener.leave(token)
        if waiter is None or not waiter.entered:
            await self._asking.send(forms.release(self._asking.lua.release, key, token), 1)
            return
        keys = f"tc:l:{{{key}}}", f"tc:q:{{{key}}}"
        await self._ask(("EVALSHA", self._asking.lua.leave.sha, 2, *keys, token, scripts.CLAIM, waiter.entered))

    async def link(self, principal: str, key: str, ttl: int, /) -> None:
        """See Store.link."""
        now = int(self.now() * 1000)
        until = now + ttl if ttl else "inf"
        await self._ask(("EVALSHA", self._asking.lua.link.sha, 1, f"tc:p:{{{principal}}}", key, until, ttl, now))

    async def unlink(self, principal: str, key: str, /) -> None:
        """See Store.unlink."""
        await self._ask(("ZREM", f"tc:p:{{{principal}}}", key))

    async def linked(self, principal: str, /) -> list[str]:
        """See Store.linked."""
        now = int(self.now() * 1000)
        (keys,), _ = await self._ask(("ZRANGEBYSCORE", f"tc:p:{{{principal}}}", f"({now}", "+inf"))
        return [str(key, "utf-8") for key in keys] if isinstance(keys, list) else []

    async def wait(self, key: str, token: str, seconds: float, /) -> None:  # noqa: ARG002 - a token has one lock
        """See Port.wait."""
        await self._listener.wait(token, seconds)

    async def close(self) -> None:
        """See Store.close."""
        await self._listener.close()
        await self._wire.close()

    def _freeing(self, key: str, token: str) -> tuple[Command, ...]:
        """What releases the lock; nothing without a token."""
        if not token:
            return ()
        return (
            ("EVALSHA", self._asking.lua.release.sha, 2, f"tc:l:{{{key}}}", f"tc:q:{{{key}}}", token, scripts.CLAIM),
        )

    def _write(
        self, *commands: Command, key: str = "", token: str = ""
    ) -> Coroutine[Any, Any, tuple[list[Reply], bool]]:
        """As `_ask`, with what has replicas confirm the write, and what releases the lock, behind it."""
        freeing = self._freeing(key, token)
        if self._replicas:
            return self._confirmed(self._asking.pack(commands), len(commands), freeing)
        return self._ask(*commands, *freeing)

    async def _confirmed(self, request: bytes, count: int, freeing: tuple[Command, ...]) -> tuple[list[Reply], bool]:
        wait = ("WAIT", self._replicas, max(1, int(self._seconds * 250)))
        request += self._asking.pack((wait, *freeing))
        replies, lost = await self._asking.send(request, count + 1 + len(freeing), bulk=True)
        written, confirmed = replies[count - 1 : count + 1]
        if not isinstance(written, list) and written in {1, b"OK"} and _number(confirmed) < self._replicas:
            raise StoreError(
                f"the store at {self._target} has the write, but fewer than {self._replicas} replicas confirmed it "
                "in time",
                unknown=True,
            )
        return replies, lost


def _written(head: bytes | None, data: bytes, base: bytes) -> bool | None:
    """Whether a record holds the write of the data, made from a record with that etag; None when nobody can tell."""
    if not head:
        return None
    return head[8:12] == data[8:12] or layout.written_by(head, data[8:12], int.from_bytes(base[:4], "big"))


def _lasting(ttl: int) -> tuple[str | int, ...]:
    return ("PX", ttl) if ttl else ()


def _data(reply: Reply) -> bytes | None:
    return reply if isinstance(reply, bytes) else None


def _number(reply: Reply) -> int:
    return reply if isinstance(reply, int) else 0
