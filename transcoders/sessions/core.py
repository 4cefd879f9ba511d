"""The choreography of a session's life, written once: coroutines over a port, which own no event loop.

A request reads its record once and writes it at most once (`opening`, `saving`). Locks (`holding`) spare conflicts;
whether there is one or not, lost or expired, the comparison in the store decides. Here are the verbs of both managers,
and the promise that the lock is let go of whatever happens.
"""

from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from transcoders.errors import DecodeError, SessionGone, StoreError
from transcoders.sessions import events, ids
from transcoders.sessions.attributes import read_only
from transcoders.sessions.events import Event
from transcoders.sessions.holding import Holding
from transcoders.sessions.locking import locking
from transcoders.sessions.opening import Opening
from transcoders.sessions.ports import ETAG, Outcome
from transcoders.sessions.principals import Principals
from transcoders.sessions.record import Record
from transcoders.sessions.saved import Saved
from transcoders.sessions.saving import TRIES, Header, Saving
from transcoders.sessions.session import Session
from transcoders.sessions.world import World

R = TypeVar("R")
T = TypeVar("T")
ROUNDS: Final = 10
"""Times that the sessions of a principal are listed to end them all: more of them may begin meanwhile."""
BURIED: Final = 1000
"""Milliseconds for which something stands under the key that nobody knows, in the place of a session that was ended."""
LEFT: Final = 60_000
"""Milliseconds for which a rotation without grace leaves a trail: no request follows it, but a logout does."""


class Core:
    """What managers do, for one store and one kind of record."""

    def __init__(self, world: World) -> None:
        self.port, self._wire, self.policy, probe, self._tell, self._prefix = world
        self._counts = probe.counts
        self._usual = self.policy.enabled and not self.policy.max_active_sessions
        self._ending = probe.adder("delete_seconds")
        self._holding, self._principals = Holding(world), Principals(world)
        locks = locking(self.policy.locking_mode)
        self._opening = Opening(world, self._holding, locks)
        self._saving = Saving(world, self._holding, locks, self._principals)
        self.begin, self.fetch, self.touch = self._opening.begin, self._opening.fetch, self._saving.touch
        self.rests = self._saving.rests

    async def read(self, session: Session[T]) -> Session[T]:
        """The session, read if that was not done; it is let go of when that fails. See `Opening.fetch`."""
        if not session.loaded:
            try:
                await self.fetch(session)
            except BaseException as error:
                await self.discard(session, error)
                raise
        return session

    def close(self, session: Session[Any]) -> Coroutine[Any, Any, None]:
        """Store what the request changed, and let go of the session; what that came to is noted in it.

        Raises:
            EncodeError: an attribute cannot be encoded; nothing is stored.
            Conflict: another request changed the same attributes, and the policy is to raise.
            SessionGone: the session was ended in the meantime.
            ReadOnly: it was changed, and takes no changes.
            StoreError: the store failed; when `unknown`, the write may have taken effect all the same.
        """
        if self._usual and session.loaded and not (session.ended or session.renewed or session.leaving):
            return self._saving.close(session)  # as nearly all are, and with no coroutine around it
        return self._close(session)

    async def _close(self, session: Session[Any]) -> None:
        try:
            if await self._ready(session):
                await self._saving.close(session)
        finally:
            self._opening.end(session)

    async def _ready(self, session: Session[Any]) -> bool:
        """Whether there is something to save, once the session was left, read or given its new id."""
        try:
            if session.leaving is not None:
                await self._leave(session, session.leaving)
            if session.ended or not session.loaded:
                if session.ended or not session.accessed:
                    self._counts["requests_without_access"] += 1
                    session.saved = Saved.SKIPPED
                    return False
                await self.fetch(session)  # it was told without being asked for anything
            if not self.policy.enabled:
                done = "requests_without_change" if session.unchanged else "requests_with_change"
                self._counts[done] += 1
                session.saved = Saved.SKIPPED
                return False
            if session.renewed and not session.new:
                await self._renew(session)
                session.saved = Saved.WRITTEN
                return False
        except BaseException as error:
            if session.loaded:  # else `fetch` has counted it
                self._saving.failed(error)
            await self._holding.abandon(session, error)
            raise
        return True

    async def discard(self, session: Session[Any], error: BaseException | None = None) -> None:
        """Let go of the session, because of an error perhaps; what the request changed is not stored."""
        self._opening.end(session)
        await self._holding.abandon(session, error)

    async def rotate(self, session: Session[Any]) -> str:
        """Give the session a new id, and store what the request changed until now; the id.

        The old id is dead at once, or after `rotation_grace`, in the same step of the store. A session that was never
        stored is stored now.

        Raises:
            ReadOnly: it takes no changes.
            SessionGone: it was ended in the meantime; see `close` for the rest.
        """
        if session.read_only:
            raise read_only(session.read_only)
        if session.ended:
            raise SessionGone("the session was ended in this request")
        if not self.policy.enabled:
            return ids.make()  # as good as any: nothing is stored under it
        return await self._noting(self._rotate(session))

    async def _renew(self, session: Session[Any]) -> None:
        """Rotate the session, because the request asked for a new id at its end."""
        if session.read_only:
            raise read_only(session.read_only)
        await self._rotate(session)
        self._counts["requests_with_change"] += 1

    async def _leave(self, session: Session[Any], record: Record) -> None:
        """End the session that was logged out of; what was set since then is a new one."""
        await self._end(session, record)
        session.leaving = None
        session.load(self._opening.blank(session))

    async def _rotate(self, session: Session[Any]) -> str:
        changes, header = self._saving.changes(session, session.record)
        if session.new:
            await self._saving.create(session, changes, header)
            return str(session.sid)
        sid = ids.make()
        key, grace = self._key(sid), int(self.policy.rotation_grace * 1000) or LEFT

        async def send(data: bytes, base: Record, header: Header, now: float) -> Outcome:
            life, trail = self._saving.life(base, header, now), self._wire.trail(key, base.key)
            await self._principals.link(header.get("principal", base.principal), key, life, now)
            token, ttl = self._holding.spend(session), self.policy.ttl(*life, now)
            return await self.port.move(base.key, key, data, base.etag, ttl, trail, grace, token)

        base, data = await self._saving.write(session, changes, header, send, key)
        session.sid, session.key = sid, key
        session.settle(self._wire.read(data, key))
        self._saving.noted(key, session.principal, self.port.now())
        await self._principals.unlink(base.principal, base.key)
        self._counts["rotations"] += 1
        self._tell(Event(events.ROTATED, base.key, session.request, session.principal, key))
        return sid

    async def destroy(self, session: Session[Any] | str) -> bool:
        """End a session, given as such or by its id, for good; False when it was gone already.

        No request under way brings it back.

        Raises:
            StoreError: the store failed; the session may be there still.
        """
        if isinstance(session, str):
            return ids.valid(session) and await self._noting(self._delete(self._key(session), None))
        self._opening.end(session)
        there = await self._noting(self._destroy(session))
        session.ended = True
        return there

    async def _destroy(self, session: Session[Any]) -> bool:
        if session.key is None or (session.loaded and session.new and not session.adrift):
            return False
        if session.loaded and not session.new:
            return await self._end(session, session.record)
        for key in (session.key, *map(self._key, session.others)):
            if await self._delete(key, None, session.request):
                return True
        return False

    async def _end(self, session: Session[Any], record: Record) -> bool:
        """End the session of the record, which this one was read from; False when it was gone already."""
        token = self._holding.spend(session)
        try:
            return await self._delete(record.key, record, session.request, token)
        except BaseException:
            session.token = token  # nobody knows whether the store let go of it
            raise

    async def sessions_of(self, principal: str) -> list[Record]:
        """The records of the principal's sessions, oldest first."""
        return await self._noting(self._principals.sessions(principal))

    async def end_all(self, principal: str, except_: Session[Any] | str | None) -> int:
        """End the sessions of a principal, all but the given one; how many. A login that races with it is a new one."""
        kept = self._key(except_) if isinstance(except_, str) else except_ and except_.key
        ended = 0
        for _ in range(ROUNDS):
            records = [one for one in await self.sessions_of(principal) if one.key != kept]
            for record in records:
                ended += await self._noting(self._delete(record.key, record))
            if not records:
                break
        return ended

    async def _delete(self, key: str, record: Record | None, request: str = "", token: str = "") -> bool:
        """End the session under the key, or where a rotation took it a moment ago; False when there is none."""
        begin = self.port.tick()
        key, principal, there = await self._bury(key, record, token)
        await self._principals.unlink(principal, key)
        if there:
            self._counts["deletes"] += 1
            self._ending(self.port.tick() - begin)
            self._tell(Event(events.DESTROYED, key, request, principal))
        return there

    async def _bury(self, key: str, record: Record | None, token: str) -> tuple[str, str | None, bool]:
        """Remove the record under the key, or where a trail leads from there: its key and principal, if there was one.

        To delete what stands under a key might delete a trail that was left there a moment ago, and not the session.
        So it is moved, which compares, to a key that nobody knows, and something that says nothing put in its place.

        Args:
            key: of the record.
            record: what stands there, as far as it is known.
            token: of the lock on the key.
        """
        port, grave, lock, there = self.port, self._key(ids.make()), key, False
        data, principal = (None, None) if record is None else (record.data, record.principal)
        nothing = self._wire.trail(grave, grave)
        for _ in range(TRIES):
            data = await port.load(key) if data is None else data
            if data is None:
                break
            moved, principal = self._said(data, key)
            if moved is not None:
                key, data = moved, None
                continue
            mine = token if key == lock else ""
            outcome = await port.move(key, grave, nothing, data[ETAG], BURIED, b"", 0, mine)
            if outcome is not Outcome.STALE:
                return key, principal, outcome is Outcome.SAVED
            data = None
        else:
            there = await port.delete(key)
        if token:
            await port.release(lock, token)
        return key, principal, there

    def _key(self, sid: str) -> str:
        return ids.key(sid, self._prefix)

    def _said(self, data: bytes, key: str) -> tuple[str | None, str | None]:
        """Where the record is now that was under the key, and its principal; None for what nothing says."""
        try:
            record = self._wire.read(data, key)
            said = record.moved, record.principal
        except DecodeError:
            return None, None
        return said

    async def _noting(self, work: Coroutine[Any, Any, R]) -> R:
        """The result of the work; when the store fails, that is counted."""
        try:
            return await work
        except StoreError as error:
            self._saving.failed(error)
            raise
