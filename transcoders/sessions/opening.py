"""The beginning of a request: from the id that a client sent to the record of its session.

The store is asked once, on first access, and with the lock where the request wants it. An id is never adopted: where
there is no record, the session is a new one, and gets an id of its own when it is stored. What cannot be read is never
an empty session without a word: it is counted, told, and by policy raised or left alone.
"""

from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakValueDictionary

from transcoders.errors import DecodeError, StoreError, TooManySessions
from transcoders.sessions import events, ids
from transcoders.sessions.attributes import ADRIFT, IGNORED
from transcoders.sessions.events import Event
from transcoders.sessions.holding import Holding
from transcoders.sessions.locking import Locking, path, pattern
from transcoders.sessions.policy import over
from transcoders.sessions.record import Record
from transcoders.sessions.session import Session
from transcoders.sessions.world import World

TRAILS: Final = 3
"""Rotations within their grace that a request follows."""
MOST: Final = 4
"""Ids of one request that are tried."""


class Opening:
    """Begins sessions, and reads their records."""

    def __init__(self, world: World, holding: Holding, locks: Locking) -> None:
        self._port, self._wire, self._policy, probe, self._tell, self._prefix = world
        self._holding, self._locks = holding, locks
        self._counts, self._took = probe.counts, probe.pair("load_seconds", "loaded_bytes")
        ignored = self._policy.request_uri_ignore_pattern
        self._ignored = pattern("request_uri_ignore_pattern", ignored).fullmatch if ignored is not None else None
        self._most, self._enabled = self._policy.max_active_sessions, self._policy.enabled
        self._locked = self._policy.locking_mode != "none"
        self._load, self._tick, self._now = self._port.load, self._port.tick, self._port.now
        self._opened = self._wire.opened
        self._open: WeakValueDictionary[int, Session[Any]] = WeakValueDictionary()

    def begin(self, session: Session[Any], sids: str | Sequence[str] | None, request: str) -> None:
        """Make a session out of what a client sent; the store is not asked.

        Args:
            session: a new one.
            sids: the id, or several, since a browser may send several cookies of one name: the first that has a
                record counts.
            request: method and path.

        Raises:
            TooManySessions: this process has too many sessions open.
        """
        session.request = request
        if self._most:
            self._admit(session)
        counts = self._counts
        if type(sids) is list and len(sids) == 1:
            sids = sids[0]
        if not sids or not self._enabled:
            counts["requests_without_session"] += 1
        elif type(sids) is str and (key := ids.named(sids, self._prefix)) is not None:  # as below, and quicker
            counts["requests_with_session"] += 1
            session.sid, session.key = sids, key
        elif found := [sid for sid in (sids if isinstance(sids, list | tuple) else (sids,)) if ids.valid(sid)]:
            counts["requests_with_session"] += 1
            session.sid, session.key = found[0], ids.key(found[0], self._prefix)
            if len(found) > 1:
                session.others = found[1:MOST]
        else:
            counts["ids_malformed"] += 1
        if self._ignored is not None and self._ignored(path(request)):
            session.read_only = IGNORED

    def _admit(self, session: Session[Any]) -> None:
        if len(self._open) >= self._most:
            self._counts["rejected"] += 1
            text = f"{self._most} sessions are open in this process, all that max_active_sessions allows"
            raise TooManySessions(text)
        self._open[id(session)] = session

    def end(self, session: Session[Any]) -> None:
        """Note that the session is open no more."""
        if self._most:
            self._open.pop(id(session), None)

    async def fetch(self, session: Session[Any]) -> None:
        """Load the session's record, read from the store; a blank one when there is none.

        Raises:
            StoreError: the store failed, and the policy is to raise.
            LockTimeout: the lock was not to be had, and the policy is to raise.
            DecodeError: the record cannot be read, and the policy is to raise.
        """
        if (key := session.key) is None:
            session.load(self.blank(session))
            return
        begin = self._tick()
        try:
            if self._locked and not session.read_only and self._locks.wants(session.request, self._now()):
                data = await self._holding.lock(session)
            else:
                data = await self._load(key)
            record = self._read(session, data)
            if record is None or record.moved is not None:
                record = await self._elsewhere(session, record)
        except StoreError:
            self._counts["store_failures"] += 1
            if self._policy.on_store_failure == "error":
                raise
            session.read_only, session.adrift = ADRIFT, True
            record = None
        except DecodeError:
            await self._holding.let_go(session)
            raise
        if record is None:
            session.load(self.blank(session))
            return
        session.load(record)
        self._counts["loads"] += 1
        self._took(self._tick() - begin, len(record.data))

    def blank(self, session: Session[Any]) -> Record:
        """The record of a session that is a new one."""
        policy, session.new = self._policy, True
        if not session.adrift:
            session.sid = session.key = None
        return self._wire.blank("", int(self._port.now()), policy.max_inactive_interval, policy.absolute_timeout)

    async def _elsewhere(self, session: Session[Any], record: Record | None) -> Record | None:
        """The record where a rotation took it a moment ago, or that of another id that was sent; None for none."""
        locked, left = bool(session.token), TRAILS
        while True:
            await self._holding.let_go(session)
            if record is not None and left:
                session.sid, session.key, left = None, record.moved, left - 1
            elif session.others:
                sid, *session.others = session.others
                session.sid, session.key = sid, ids.key(sid, self._prefix)
            else:
                return None
            data = await (self._holding.lock(session) if locked else self._port.load(str(session.key)))
            record = self._read(session, data)
            if record is not None and record.moved is None:
                return record

    def _read(self, session: Session[Any], data: bytes | None) -> Record | None:
        """The record in the data, its seal checked; None where it is none, or no more."""
        if data is None:
            self._counts["ids_unknown"] += 1
            return None
        key = str(session.key)
        try:
            record = self._opened(data, key)
            if record.moved is not None and not self._policy.rotation_grace:
                self._counts["ids_unknown"] += 1  # the trail is there for a logout under way
                session.outdated = True
                return None
        except DecodeError as error:
            self._counts["undecodable"] += 1
            self._tell(Event(events.UNDECODABLE, key, session.request, None, str(error)))
            if self._policy.on_undecodable == "raise":
                raise
            return None
        if record.head[7] and over(record.created, record.absolute, self._port.now()):
            self._counts["expired"] += 1
            self._tell(Event(events.EXPIRED, key, session.request, record.principal))
            return None
        return record
