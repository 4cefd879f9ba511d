"""The choreography of a session's life, written once: coroutines over a port, which own no event loop.

A request reads its record once and writes it at most once (`opening`, `saving`). Locks (`holding`) spare conflicts;
whether there is one or not, lost or expired, the comparison in the store decides. Here are the verbs of both managers,
and the promise that the lock is let go of whatever happens.
"""

from typing import Any, Final

from transcoders.errors import ReadOnly, StoreError
from transcoders.sessions import events, ids
from transcoders.sessions.events import Event
from transcoders.sessions.holding import Holding
from transcoders.sessions.locking import locking
from transcoders.sessions.opening import Opening
from transcoders.sessions.ports import Outcome
from transcoders.sessions.principals import Principals
from transcoders.sessions.record import Record
from transcoders.sessions.saving import Saved, Saving
from transcoders.sessions.session import Session
from transcoders.sessions.world import World

ROUNDS: Final = 10
"""Times that the sessions of a principal are listed to end them all: more of them may begin meanwhile."""


class Core:
    """What managers do, for one store and one kind of record."""

    def __init__(self, world: World) -> None:
        self.port, self._wire, self.policy, probe, self._tell, self._prefix = world
        self._counts = probe.counts
        self._holding, self._principals = Holding(world), Principals(world)
        locks = locking(self.policy.locking_mode)
        self._opening = Opening(world, self._holding, locks)
        self._saving = Saving(world, self._holding, locks, self._principals)
        self.begin, self.fetch, self.touch = self._opening.begin, self._opening.fetch, self._saving.touch
        self.sessions_of = self._principals.sessions

    async def close(self, session: Session[Any]) -> Saved:
        """Store what the request changed, and let go of the session.

        Raises:
            EncodeError: an attribute cannot be encoded; nothing is stored.
            Conflict: another request changed the same attributes, and the policy is to raise.
            SessionGone: the session was ended in the meantime.
            ReadOnly: it was changed, but opened for reading only.
            StoreError: the store failed; when `unknown`, the write may have taken effect all the same.
        """
        try:
            if session.accessed and not session.loaded and not session.ended:
                session.load(await self.fetch(session))  # it was told without being asked for anything
            return await self._saving.close(session)
        except BaseException as error:
            if isinstance(error, StoreError):
                self._counts["unknown_outcomes" if error.unknown else "store_failures"] += 1
            await self.port.shield(self._holding.let_go(session))
            raise
        finally:
            self._opening.end(session)

    async def discard(self, session: Session[Any]) -> None:
        """Let go of the session; what the request changed is not stored."""
        self._opening.end(session)
        if session.token:
            await self.port.shield(self._holding.let_go(session))

    async def rotate(self, session: Session[Any]) -> str:
        """Give the session a new id, and store what the request changed until now; the id.

        The old id is dead at once, or after `rotation_grace`, in the same step of the store. A session that was never
        stored is stored now.

        Raises:
            ReadOnly: it was opened for reading only.
            SessionGone: it was ended in the meantime; see `close` for the rest.
        """
        if session.read_only:
            raise ReadOnly("the session was opened for reading only, so its id stays")
        changes, header = self._saving.changes(session)
        if session.new:
            await self._saving.create(session, changes, header)
            return str(session.sid)
        old, sid = session.record.key, ids.make()
        key, grace = ids.key(sid, self._prefix), int(self.policy.rotation_grace * 1000)
        trail = self._wire.trail(key, old) if grace else b""

        async def send(data: bytes, base: Record, now: float) -> Outcome:
            life = self._saving.life(base, header, now)
            await self._principals.link(session.principal, key, life, now)
            token, ttl = self._holding.spend(session), self.policy.ttl(*life, now)
            return await self.port.move(old, key, data, base.etag, ttl, trail, grace, token)

        base, data = await self._saving.write(session, changes, header, key, send)
        session.sid, session.key = sid, key
        session.settle(self._wire.read(data, key))
        await self._principals.unlink(base.principal, old)
        self._counts["rotations"] += 1
        self._tell(Event(events.ROTATED, old, session.request, session.principal, key))
        return sid

    async def destroy(self, session: Session[Any]) -> bool:
        """End the session, for good; False when it was gone already. No request under way brings it back."""
        if self.policy.rotation_grace and session.key is not None and not session.loaded:
            session.load(await self.fetch(session))  # the id may be an old one, and what it leads to ends
        token, key = self._holding.spend(session), session.key
        principal = session.record.principal if session.loaded else None
        session.ended = True
        self._opening.end(session)
        if key is None or session.new:
            return False
        return await self._delete(key, principal, session.request, token)

    async def end_all(self, principal: str, except_: Session[Any] | str | None) -> int:
        """End the sessions of a principal, all but the given one; how many. A login that races with it is a new one."""
        kept = ids.key(except_, self._prefix) if isinstance(except_, str) else except_ and except_.key
        ended = 0
        for _ in range(ROUNDS):
            records = [one for one in await self.sessions_of(principal) if one.key != kept]
            for record in records:
                ended += await self._delete(record.key, principal, "", "")
            if not records:
                break
        return ended

    async def _delete(self, key: str, principal: str | None, request: str, token: str) -> bool:
        there = await self.port.delete(key, token)
        await self._principals.unlink(principal, key)
        self._counts["deletes"] += 1
        self._tell(Event(events.DESTROYED, key, request, principal))
        return there
