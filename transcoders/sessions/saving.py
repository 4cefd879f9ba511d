"""The end of a request: what it changed goes on top of the newest record, in one write that compares before it writes.

When another request wrote in the meantime, the changes are put on top of its record and sent again. After a few of
those the lock is taken, so that a busy session is written in turn. A session that is gone is never written: neither
logout nor expiry can be undone by a request that was under way.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from typing import Any, Final

from transcoders.errors import Conflict, ReadOnly, SessionGone
from transcoders.sessions import events, ids
from transcoders.sessions.events import Event, Probe
from transcoders.sessions.holding import Holding
from transcoders.sessions.locking import Locking, pattern
from transcoders.sessions.merge import rebase
from transcoders.sessions.policy import Policy
from transcoders.sessions.ports import Outcome, Port
from transcoders.sessions.principals import Principals
from transcoders.sessions.record import Record, Stored
from transcoders.sessions.session import Session
from transcoders.sessions.wire import Wire

FREE: Final = 2
"""Writes that may find a newer record before the lock is taken."""
TRIES: Final = 12
"""Writes that may find a newer record before it is a conflict, whatever changed."""
_TOUCHES: Final = 10_000
"""Sessions whose last touch a process remembers."""

Changes = dict[str, Stored]
Send = Callable[[Record, Record, float], Awaitable[Outcome]]
"""Sends the new record, which was built on the base, to the store."""


class Saved(IntEnum):
    """What saving a session came to."""

    SKIPPED = 0
    """Nothing changed, and nothing was written."""
    TOUCHED = 1
    """Nothing changed; the session's end was put off."""
    WRITTEN = 2
    """What changed is stored."""


class Saving:
    """Writes sessions."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of one core
        self,
        port: Port,
        wire: Wire,
        policy: Policy,
        holding: Holding,
        locking: Locking,
        principals: Principals,
        probe: Probe,
        tell: Callable[[Event], None],
        prefix: str,
    ) -> None:
        self._port, self._wire, self._policy, self._holding, self._locking = port, wire, policy, holding, locking
        self._principals, self._prefix = principals, prefix
        self._count, self._measure, self._tell = probe.count, probe.measure, tell
        kept = policy.session_attribute_filter
        self._kept = pattern("session_attribute_filter", kept).fullmatch if kept is not None else None
        self._touched: dict[str, float] = {}

    async def close(self, session: Session) -> Saved:
        """Store what the request changed; see Core.close."""
        if session.ended or not session.loaded:
            self._count("requests_without_access")
            return Saved.SKIPPED
        changes, header = self.changes(session)
        if not changes and not header:
            self._count("requests_without_change")
            return Saved.SKIPPED if session.new else await self._rest(session)
        self._count("requests_with_change")
        if session.read_only:
            raise ReadOnly("the session was opened for reading only, and was changed")
        if not self._policy.enabled:
            return Saved.SKIPPED
        begin = self._port.tick()
        record = await (self.create if session.new else self._save)(session, changes, header)
        self._measure("save_seconds", self._port.tick() - begin)
        self._measure("saved_bytes", len(record.data))
        return Saved.WRITTEN

    def changes(self, session: Session) -> tuple[Changes, dict[str, Any]]:
        """The attributes and the parts of the header that the request changed."""
        changes, record = session.changes(), session.record
        if self._kept is not None:
            changes = {name: stored for name, stored in changes.items() if self._kept(name)}
        header: dict[str, Any] = {}
        for name in ("principal", "idle", "absolute"):
            if (value := getattr(session, name)) != getattr(record, name):
                header[name] = value
        return changes, header

    async def _rest(self, session: Session) -> Saved:
        """The end of a request that changed nothing: a touch, when it is due."""
        record, now = session.record, self._port.now()
        self._locking.learn(session.request, False, now)  # noqa: FBT003
        if not session.read_only and self._due(record, max(record.written, self._touched.get(record.key, 0.0)), now):
            return await self.touch(session)
        if session.token:
            await self._holding.let_go(session)
        return Saved.SKIPPED

    def _due(self, record: Record, last: float, now: float) -> bool:
        return self._policy.touch_due(record.idle, last, now)

    async def touch(self, session: Session) -> Saved:
        """Put off the session's end; SKIPPED when there is none, or it is gone already."""
        if session.new:
            return Saved.SKIPPED
        record, now = session.record, self._port.now()
        if not await self._port.touch(record.key, self.ttl(record, now), self._holding.spend(session)):
            return Saved.SKIPPED
        await self._note(record, now)
        self._count("touches")
        return Saved.TOUCHED

    async def create(self, session: Session, changes: Changes, header: Mapping[str, Any]) -> Record:
        """Store a new session under a new id; the record stored."""
        while True:
            now, sid = self._port.now(), ids.make()
            key = ids.key(sid, self._prefix)
            record = self._built(session.record, changes, header, key, now)
            await self._principals.link(record, now)
            if await self._port.create(key, record.data, self.ttl(record, now)):
                break
        session.sid, session.key, session.new = sid, key, False
        session.settle(record)
        self._count("creates")
        self._tell(Event(events.CREATED, key, session.request, record.principal))
        return record

    async def _save(self, session: Session, changes: Changes, header: Mapping[str, Any]) -> Record:
        """Store the changes on top of the newest record; the record stored."""
        key = session.record.key
        self._locking.learn(session.request, True, self._port.now())  # noqa: FBT003

        async def send(record: Record, base: Record, now: float) -> Outcome:
            if "principal" in header:
                await self._principals.link(record, now)
            token = self._holding.spend(session)
            return await self._port.save(key, record.data, base.etag, self.ttl(record, now), token)

        base, record = await self.write(session, changes, header, key, send)
        session.settle(record)
        if "principal" in header:
            await self._principals.unlink(base.principal, key)
        elif record.principal is not None:
            now = self._port.now()
            if self._due(record, self._touched.get(key, 0.0), now):
                await self._note(record, now)
        self._count("saves")
        return record

    async def write(  # noqa: PLR0913, PLR0917 - what is written, where to and how
        self, session: Session, changes: Changes, header: Mapping[str, Any], key: str, send: Send
    ) -> tuple[Record, Record]:
        """Send the changes until they stand on top of the newest record; the record they were put on, and the new one.

        Raises:
            SessionGone: the session was ended in the meantime.
            Conflict: the same attributes were changed, or others write faster than this request can.
        """
        base = session.record
        for attempt in range(TRIES):
            now = self._port.now()
            record = self._built(base, changes, header, key, now)
            outcome = await send(record, base, now)
            if outcome is Outcome.SAVED:
                return base, record
            if outcome is Outcome.GONE:
                raise self._gone()
            theirs = await self._newer(session, lock=attempt >= FREE)
            changes, base = self._rebased(session, base, changes, theirs), theirs
        raise self._conflict(session, f"{TRIES} other writes came first", tuple(changes))

    def _built(self, base: Record, changes: Changes, header: Mapping[str, Any], key: str, now: float) -> Record:
        return self._wire.read(base.build(changes, int(now), key=key, **header), key).declared(base.attributes)

    async def _newer(self, session: Session, *, lock: bool) -> Record:
        """The record that stands where this session's was; with its lock, where that can be had."""
        self._count("conflicts")
        key = session.record.key
        answer = await self._holding.queue(session) if lock else None
        data = answer.data if answer is not None else await self._port.load(key)
        record = self._wire.read(data, key) if data is not None else None
        if record is None or record.moved is not None:
            raise self._gone()
        return record.declared(session.record.attributes)

    def _rebased(self, session: Session, base: Record, changes: Changes, theirs: Record) -> Changes:
        try:
            left = rebase(base, changes, theirs, self._policy, session.asked)
        except Conflict as error:
            raise self._conflict(session, str(error), error.names) from None
        self._count("merges")
        return left

    async def _note(self, record: Record, now: float) -> None:
        """Remember that the session's end was put off just now, and keep it noted under its principal for longer."""
        touched = self._touched
        touched.pop(record.key, None)
        touched[record.key] = now
        if len(touched) > _TOUCHES:
            touched.pop(next(iter(touched), ""), None)  # another thread may have made room already
        await self._principals.link(record, now)

    def ttl(self, record: Record, now: float) -> int:
        """Milliseconds that the record lives from now."""
        return self._policy.ttl(record.created, record.idle, record.absolute, now)

    def _gone(self) -> SessionGone:
        self._count("gone")
        return SessionGone("the session was ended while this request was under way; its changes are not stored")

    def _conflict(self, session: Session, reason: str, names: tuple[str, ...]) -> Conflict:
        self._count("conflicts_raised")
        self._tell(Event(events.CONFLICT, str(session.key), session.request, session.principal, ", ".join(names)))
        return Conflict(reason, names)
