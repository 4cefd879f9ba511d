"""Holding a session's lock: joining the queue, waiting for a bounded time, and letting go whatever happens.

A token is noted in its session before the store is asked for the lock, so that letting go covers a lock whose reply
was lost. Verbs that release the lock with what they do get the token from `spend`, and nobody else has it after that. A
session that is dropped is forgotten: its lock ends by itself.
"""

from typing import Any
from weakref import ref

from transcoders.errors import LockTimeout, StoreError
from transcoders.sessions import ids
from transcoders.sessions.attributes import LOCKED
from transcoders.sessions.ports import Acquired
from transcoders.sessions.session import Session
from transcoders.sessions.world import World

_SLACK = 0.002
"""Seconds after a holder's time is over at which a waiter asks again."""


class _Holder(ref[Session[Any]]):
    """A session that holds a lock, and the lock's token."""

    __slots__ = ("token",)
    token: str


class Holding:
    """The locks that the sessions of a manager hold, or wait for."""

    def __init__(self, world: World) -> None:
        self._port, self._policy, self._ttl = world.port, world.policy, world.policy.lock_ttl
        self._counts, self._waited = world.probe.counts, world.probe.adder("lock_seconds")
        self._waiting: dict[str, set[str]] = {}
        self._holders: dict[str, _Holder] = {}
        self._gone = self._dropped

    async def lock(self, session: Session[Any], *, must: bool = True) -> bytes | None:
        """Take the lock in turn and read the record; the record without the lock, where the policy says so.

        Args:
            session: the session.
            must: whether the policy is asked what to do when the lock was not to be had in time; else that is None.

        Raises:
            LockTimeout: it was not to be had, and the policy is to raise.
            StoreError: the store failed.
        """
        port, token = self._port, ids.token()
        key, begin = session.key or "", port.tick()
        session.token = token
        try:
            answer = await port.acquire(key, token, self._ttl)
            if answer.wait:
                answer = await self._turn(key, token, answer, begin)
        except BaseException as error:
            await self.abandon(session, error)
            raise
        if answer.wait:
            await port.shield(self.let_go(session))
            return await self._without(session) if must else None
        port.keep(key, token, self._ttl)
        holder = self._holders[token] = _Holder(session, self._gone)
        holder.token = token
        self._counts["locks"] += 1
        return answer.data

    async def queue(self, session: Session[Any]) -> Acquired | None:
        """Wait for the lock in turn; None when it was not to be had in time."""
        data = await self.lock(session, must=False)
        return Acquired(0, data) if session.token else None

    async def _without(self, session: Session[Any]) -> bytes | None:
        """The record, read without the lock, where the policy does not say that this is an error."""
        self._counts["lock_timeouts"] += 1
        policy = self._policy
        if policy.on_lock_timeout == "error":
            raise LockTimeout(
                f"other requests held the session's lock for {policy.lock_timeout:g} s (lock_timeout), "
                f"or {policy.max_lock_waiters} wait for it (max_lock_waiters)"
            )
        if policy.on_lock_timeout == "read-only":
            session.read_only = LOCKED
        return await self._port.load(str(session.key))

    def _dropped(self, holder: _Holder) -> None:
        """One that was dropped without being saved is not to be renewed for as long as the process lives."""
        self._forget(holder.token)

    async def _turn(self, key: str, token: str, answer: Acquired, begin: float) -> Acquired:
        """Wait until it is the token's turn, or the time is over; the last answer."""
        port, waiting = self._port, self._waiting
        others = waiting.setdefault(key, set())
        if len(others) >= self._policy.max_lock_waiters:
            return answer
        others.add(token)
        try:
            while answer.wait:
                left = begin + self._policy.lock_timeout - port.tick()
                if left <= 0:
                    return answer
                await port.wait(key, token, min(left, answer.wait / 1000 + _SLACK))
                answer = await port.acquire(key, token, self._ttl)
        finally:
            others.discard(token)
            if not others:
                waiting.pop(key, None)  # one that comes in right now is not counted, which is no harm
        self._counts["locks_waited"] += 1
        self._waited(port.tick() - begin)
        return answer

    def spend(self, session: Session[Any]) -> str:
        """The session's token, for a verb that releases the lock; empty when it has none."""
        token = session.token
        if token:
            session.token = ""
            self._holders.pop(token, None)
            self._port.forget(token)
        return token

    def _forget(self, token: str) -> None:
        self._holders.pop(token, None)
        self._port.forget(token)

    async def abandon(self, session: Session[Any], error: BaseException | None) -> None:
        """Let go of the lock at an unusual end, also when the caller is cancelled."""
        if isinstance(error, GeneratorExit):
            self.spend(session)  # a coroutine that is thrown away cannot wait for the store; its time frees the lock
        elif session.token:
            await self._port.shield(self.let_go(session))

    async def let_go(self, session: Session[Any]) -> None:
        """Release the lock, or leave the queue; nothing when there is no token. A store that fails frees it in time."""
        if token := self.spend(session):
            try:
                await self._port.release(str(session.key), token)
            except StoreError:
                self._counts["store_failures"] += 1
            except BaseException:
                session.token = token  # whoever is cancelled here lets go of it in `abandon`
                raise
