"""The end of a request: what it changed goes on top of the newest record, in one write that compares before it writes.

When another request wrote in the meantime, the changes are put on top of its record and sent again, under the lock, so
that a busy session is written in turn. A session that is gone is never written: neither logout nor expiry can be undone
by a request that was under way.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from transcoders.errors import Conflict, SessionGone, StoreError
from transcoders.sessions import events, ids
from transcoders.sessions.events import Event
from transcoders.sessions.holding import Holding
from transcoders.sessions.layout import EXT
from transcoders.sessions.locking import Locking, pattern, remember
from transcoders.sessions.merge import rebase, rebase_header
from transcoders.sessions.ports import Outcome
from transcoders.sessions.principals import Life, Principals
from transcoders.sessions.record import Record, Stored
from transcoders.sessions.saved import SKIPPED, WRITTEN, Saved
from transcoders.sessions.session import Session
from transcoders.sessions.world import World

BUSY: Final = 1.0
"""Seconds for which a session that had a conflict is written under the lock, so that its writers do not race."""
TRIES: Final = 12
"""Writes that may find a newer record before it is a conflict, whatever changed."""
TRAILS: Final = 3
"""Rotations within their grace that a write follows."""

Changes = dict[str, Stored]
Header = Mapping[str, Any]
"""What changes of `principal`, `idle` and `absolute`."""
Send = Callable[[bytes, Record, Header, float], Awaitable[Outcome]]
"""Sends the new bytes, which were built on the base with these changes of its header, to the store."""


_SAVED: Final = Outcome.SAVED
"""As `saved.WRITTEN`: looked up once."""


class Saving:
    """Writes sessions."""

    def __init__(self, world: World, holding: Holding, locks: Locking, principals: Principals) -> None:
        self._port, self._wire, self._policy, probe, self._tell, self._prefix = world
        self._holding, self._locks, self._principals = holding, locks, principals
        self._counts, self._took = probe.counts, probe.pair("save_seconds", "saved_bytes")
        self._decoding, self._encoding = probe.adder("decode_seconds"), probe.adder("encode_seconds")
        kept = self._policy.session_attribute_filter
        self._kept = pattern("session_attribute_filter", kept).fullmatch if kept is not None else None
        self._learns = self._policy.locking_mode == "auto"
        self._watches = self._learns or self._policy.max_active_sessions > 0
        self._now, self._tick = self._port.now, self._port.tick
        self._usually = self._policy.max_inactive_interval, 0
        self._usual = self._policy.ttl(0, *self._usually, 0.0)
        self._touched: dict[str, float] = {}
        self._busy: dict[str, float] = {}

    def rests(self, session: Session[Any]) -> bool:
        """Whether there is nothing to do at the end of a request, which is counted then: most only read."""
        if not session.unchanged or session.token or session.ended or self._watches:
            return False
        if not session.loaded:
            if session.accessed:
                return False
            self._counts["requests_without_access"] += 1
            return True
        if self._due(session):
            return False
        if session.decoded:
            self._note_coded(session, {})
        self._counts["requests_without_change"] += 1
        return True

    async def close(self, session: Session[Any]) -> None:
        """Store what the request changed, and let go of the session; see Core.close.

        Most writes are one step, which stands here, since every call counts in it. One that is refused is made anew,
        under the lock.
        """
        counts, token = self._counts, ""
        try:
            base = session.record
            changes, header = self.changes(session, base)
            if session.decoded or session.encoded:
                self._note_coded(session, changes)
            if not changes and not header:
                counts["requests_without_change"] += 1
                session.saved = SKIPPED if session.new else await self._rest(session)
                return
            counts["requests_with_change"] += 1
            if session.read_only:
                session.check_open()  # which says why not
            begin = self._tick()
            if session.new:
                size = await self.create(session, changes, header)
            elif header or self._learns or (self._busy and self._hot(base.key)):
                size = await self._rewrite(session, changes, header)
            else:
                now, head = self._now(), base.head
                data, token = base.build(changes, int(now)), session.token and self._holding.spend(session)
                ttl = self._usual if head[6:8] == self._usually else self._ttl(base, header, now)
                outcome = await self._port.save(base.key, data, base.data[4:12], ttl, token)  # ETAG
                token, size = "", len(data)
                if outcome is _SAVED:
                    session.unsettled = data
                    counts["saves"] += 1
                    if head[0] & EXT:  # its principal is there, if it has one
                        await self._keep_noted(base)
                else:
                    self._refused(base, outcome)
                    size = await self._rewrite(session, changes, header)
        except BaseException as error:
            session.token = session.token or token  # nobody knows whether the store let go of it
            self.failed(error)
            await self._holding.abandon(session, error)
            raise
        self._took(self._tick() - begin, size)
        session.saved = WRITTEN

    def _note_coded(self, session: Session[Any], changes: Changes) -> None:
        """Measure what a request decoded and encoded."""
        counts = self._counts
        if session.decoded:
            counts["decoded_bytes"] += session.decoded
            self._decoding(session.decoding)
        if session.encoded:
            counts["encoded_bytes"] += sum(len(stored) for stored in changes.values() if type(stored) is bytes)
            self._encoding(session.encoding)
        session.decoded = session.encoded = 0
        session.decoding = session.encoding = 0.0

    def changes(self, session: Session[Any], base: Record) -> tuple[Changes, Header]:
        """The attributes and the parts of the header that the request changed."""
        changes, header = session.changes(base), session.header() if session.told else {}
        if self._kept is not None:
            changes = {name: stored for name, stored in changes.items() if self._kept(name)}
        if not changes and not header:
            return changes, header
        if not base.head[1] and base.data:  # it moved in, without times of ours
            header = {"idle": self._policy.max_inactive_interval, "absolute": self._policy.absolute_timeout} | header
        return changes, header

    async def _rest(self, session: Session[Any]) -> Saved:
        """The end of a request that changed nothing: a touch, when it is due."""
        if self._learns:
            self._locks.learn(session.request, False, self._port.now())  # noqa: FBT003
        if self._due(session):
            return await self.touch(session)
        await self._holding.let_go(session)
        return SKIPPED

    def _due(self, session: Session[Any]) -> bool:
        """Whether to put off the end of a session that was not changed; this process knows its own touches."""
        if session.new:
            return False
        record, now, due = session.record, self._now(), self._policy.touch_due
        _, _, _, _, _, written, idle, _ = record.head
        return due(idle, written, now) and not session.read_only and due(idle, self._last(record), now)

    def _last(self, record: Record) -> float:
        return self._touched.get(record.key, 0.0)

    async def touch(self, session: Session[Any]) -> Saved:
        """Put off the session's end; SKIPPED when there is none, or it is gone already."""
        if session.new:
            return SKIPPED
        record, now = session.record, self._port.now()
        life, token = self.life(record, {}, now), self._holding.spend(session)
        try:
            if not await self._put_off(record, self._policy.ttl(*life, now), token):
                return SKIPPED
        except BaseException:
            session.token = token  # nobody knows whether the store let go of it
            raise
        await self._note(record.key, session.principal, life, now)
        self._counts["touches"] += 1
        return Saved.TOUCHED

    async def _put_off(self, record: Record, ttl: int, token: str) -> bool:
        """Put off the end of a record, but not of a trail that stands in its place; whether that was done."""
        if self._policy.rotation_grace:
            return await self._port.save(record.key, record.data, record.etag, ttl, token) is Outcome.SAVED
        return await self._port.touch(record.key, ttl, token)

    async def create(self, session: Session[Any], changes: Changes, header: Header) -> int:
        """Store a new session under a new id; the bytes stored."""
        base = session.record
        while True:
            now, sid = self._port.now(), ids.make()
            key, life = ids.key(sid, self._prefix), self.life(base, header, now)
            data = base.build(changes, int(now), key=key, **header)
            await self._principals.link(session.principal, key, life, now)
            if await self._port.create(key, data, self._policy.ttl(*life, now)):
                break
        self.noted(key, session.principal, now)
        session.sid, session.key, session.new = sid, key, False
        session.settle(self._wire.read(data, key))
        self._counts["creates"] += 1
        self._tell(Event(events.CREATED, key, session.request, session.principal))
        return len(data)

    async def _rewrite(self, session: Session[Any], changes: Changes, header: Header) -> int:
        """Store the changes on top of the newest record; the bytes stored."""
        now = self._now()
        base, data = await self.write(session, changes, header, self._sender(session))
        record = self._wire.read(data, base.key)
        session.settle(record)
        self._counts["saves"] += 1
        if header:
            self.noted(record.key, record.principal, now)
        await self._keep_noted(record)
        return len(data)

    def _sender(self, session: Session[Any]) -> Send:
        async def send(data: bytes, base: Record, header: Header, now: float) -> Outcome:
            life = self.life(base, header, now)
            if header:
                await self._principals.link(header.get("principal", base.principal), base.key, life, now)
            token = self._holding.spend(session)
            return await self._port.save(base.key, data, base.etag, self._ttl(base, header, now), token)

        return send

    async def _keep_noted(self, record: Record) -> None:
        """Note the session under its principal for longer, once in a while."""
        now = self._port.now()
        if record.principal is not None and self._policy.link_due(record.idle, self._last(record), now):
            await self._note(record.key, record.principal, self.life(record, {}, now), now)

    async def write(
        self, session: Session[Any], changes: Changes, header: Header, send: Send, key: str = ""
    ) -> tuple[Record, bytes]:
        """Send the changes until they stand on top of the newest record; the record they were put on, and the bytes.

        Args:
            session: the session.
            changes: of its attributes.
            header: of its header.
            send: sends the bytes.
            key: the key that the record is to stand under; the one it stands under when empty.

        Raises:
            SessionGone: the session was ended in the meantime.
            Conflict: the same attributes were changed, or others write faster than this request can.
        """
        base = session.record
        if self._learns:
            self._locks.learn(session.request, True, self._port.now())  # noqa: FBT003
        if not session.token and self._hot(base.key):
            changes, header, base = await self._again(session, base, changes, header)
        for _ in range(TRIES):
            now, token = self._port.now(), session.token
            data = base.build(changes, int(now), key=key or base.key, **header)
            try:
                outcome = await send(data, base, header, now)
            except BaseException:
                session.token = token  # nobody knows whether the store let go of it
                raise
            if outcome is Outcome.SAVED:
                return base, data
            self._refused(base, outcome)
            changes, header, base = await self._again(session, base, changes, header)
        raise self._conflict(session, f"{TRIES} other writes came first", tuple(changes))

    def _refused(self, base: Record, outcome: Outcome) -> None:
        """Take note of a conflict; raises SessionGone where there is no record any more."""
        if outcome is Outcome.GONE:
            raise self._gone()
        self._counts["conflicts"] += 1
        remember(self._busy, base.key, self._port.tick() + BUSY)

    def _hot(self, key: str) -> bool:
        """Whether the session had a conflict a moment ago."""
        return bool(self._busy) and self._port.tick() < self._busy.get(key, 0.0)

    def _ttl(self, base: Record, header: Header, now: float) -> int:
        """Milliseconds that the record lives which is built on the base."""
        return self._policy.ttl(*self.life(base, header, now), now)

    def life(self, base: Record, header: Header, now: float) -> Life:
        """When the session that is built on the base was created, and how long it lives."""
        head = base.head
        if not header:
            return head[4] or int(now), head[6], head[7]
        return head[4] or int(now), header.get("idle", head[6]), header.get("absolute", head[7])

    async def _again(
        self, session: Session[Any], base: Record, changes: Changes, header: Header
    ) -> tuple[Changes, Header, Record]:
        """The changes to make to the record that stands there now, and that record; with its lock, if it can be had."""
        theirs = await self._newest(session)
        if theirs.etag == base.etag:
            return changes, header, theirs
        policy = self._policy
        try:
            left = rebase(base, changes, theirs, policy, session.asked), rebase_header(base, header, theirs, policy)
        except Conflict as error:
            raise self._conflict(session, str(error), error.names) from None
        self._counts["merges"] += 1
        return *left, theirs

    async def _newest(self, session: Session[Any]) -> Record:
        """The record that stands under the session's key now, or where a rotation took it a moment ago."""
        for _ in range(TRAILS):
            answer, key = await self._holding.queue(session), str(session.key)
            data = answer.data if answer is not None else await self._port.load(key)
            theirs = self._wire.read(data, key) if data is not None else None
            if theirs is None:
                break
            if theirs.moved is None:
                return theirs.declared(session.record.attributes)
            await self._holding.let_go(session)
            if not self._policy.rotation_grace:
                break
            session.sid, session.key = None, theirs.moved
        raise self._gone()

    def noted(self, key: str, principal: str | None, now: float) -> None:
        """Remember that the session was noted under its principal just now."""
        if principal is not None:
            remember(self._touched, key, now)

    async def _note(self, key: str, principal: str | None, life: Life, now: float) -> None:
        """Remember that the session's end was put off just now, and keep it noted under its principal for longer."""
        remember(self._touched, key, now)
        await self._principals.prolong(principal, key, life, now)

    def failed(self, error: BaseException) -> None:
        """Count what the store failed at."""
        if isinstance(error, StoreError):
            self._counts["unknown_outcomes" if error.unknown else "store_failures"] += 1

    def _gone(self) -> SessionGone:
        self._counts["gone"] += 1
        return SessionGone("the session was ended while this request was under way; its changes are not stored")

    def _conflict(self, session: Session[Any], reason: str, names: tuple[str, ...]) -> Conflict:
        self._counts["conflicts_raised"] += 1
        self._tell(Event(events.CONFLICT, str(session.key), session.request, session.principal, ", ".join(names)))
        return Conflict(reason, names)
