"""The beginning of a request: from the id that a client sent to the record of its session.

The store is asked once, on first access, and with the lock where the request wants it. An id is never adopted: where
there is no record, the session is a new one, and gets an id of its own when it is stored. What cannot be read is never
an empty session without a word: it is counted, told, and by policy raised or left alone.
"""

from collections.abc import Callable

from transcoders.errors import DecodeError, StoreError, TooManySessions
from transcoders.sessions import events, ids
from transcoders.sessions.events import Event, Probe
from transcoders.sessions.holding import Holding
from transcoders.sessions.locking import Locking, path, pattern
from transcoders.sessions.policy import Policy, over
from transcoders.sessions.ports import Port
from transcoders.sessions.record import Record
from transcoders.sessions.session import Session
from transcoders.sessions.wire import Wire

TRAILS = 3
"""Rotations within their grace that a request follows."""


class Opening:
    """Begins sessions, and reads their records."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of one core
        self,
        port: Port,
        wire: Wire,
        policy: Policy,
        holding: Holding,
        locking: Locking,
        probe: Probe,
        tell: Callable[[Event], None],
        prefix: str,
    ) -> None:
        self._port, self._wire, self._policy, self._holding, self._locking = port, wire, policy, holding, locking
        self._count, self._measure, self._tell, self._prefix = probe.count, probe.measure, tell, prefix
        ignored = policy.request_uri_ignore_pattern
        self._ignored = pattern("request_uri_ignore_pattern", ignored).fullmatch if ignored is not None else None
        self._open: set[int] = set()

    def begin(self, session: Session, sid: str | None, request: str) -> None:
        """Make a session out of the id that a client sent; the store is not asked.

        Raises:
            TooManySessions: this process has too many sessions open.
        """
        session.request = request
        if most := self._policy.max_active_sessions:
            if len(self._open) >= most:
                self._count("rejected")
                raise TooManySessions(f"{most} sessions are open in this process, all that max_active_sessions allows")
            self._open.add(id(session))
        if sid is None or not self._policy.enabled:
            self._count("requests_without_session")
        elif ids.valid(sid):
            self._count("requests_with_session")
            session.sid, session.key = sid, ids.key(sid, self._prefix)
        else:
            self._count("ids_malformed")
        if self._ignored is not None and self._ignored(path(request)):
            session.read_only = True

    def end(self, session: Session) -> None:
        """Note that the session is open no more."""
        self._open.discard(id(session))

    async def fetch(self, session: Session) -> Record:
        """The session's record, read from the store; a blank one when there is none.

        Raises:
            StoreError: the store failed, and the policy is to raise.
            LockTimeout: the lock was not to be had, and the policy is to raise.
            DecodeError: the record cannot be read, and the policy is to raise.
        """
        record = None
        if session.key is not None:
            try:
                record = await self._find(session)
            except StoreError:
                self._count("store_failures")
                if self._policy.on_store_failure == "error":
                    raise
                session.read_only = session.adrift = True
        return self._blank(session) if record is None else record

    def _blank(self, session: Session) -> Record:
        policy, session.new = self._policy, True
        if not session.adrift:
            session.sid = session.key = None
        return self._wire.blank("", int(self._port.now()), policy.max_inactive_interval, policy.absolute_timeout)

    async def _find(self, session: Session) -> Record | None:
        """The record under the session's key, with its lock where the request wants it; None when there is none."""
        port, begin = self._port, self._port.tick()
        wants = not session.read_only and self._locking.wants(session.request, port.now())
        for _ in range(TRAILS):
            data = await (self._holding.lock(session) if wants else port.load(str(session.key)))
            try:
                record = self._read(session, data)
            except DecodeError:
                await self._holding.let_go(session)
                raise
            if record is not None and record.moved is None:
                self._count("loads")
                self._measure("load_seconds", port.tick() - begin)
                self._measure("loaded_bytes", len(record.data))
                return record
            await self._holding.let_go(session)
            if record is None:
                return None
            session.sid, session.key = None, record.moved  # the id was rotated a moment ago
        return None

    def _read(self, session: Session, data: bytes | None) -> Record | None:
        """The record in the data, its seal checked; None where it is none, or no more."""
        if data is None:
            self._count("ids_unknown")
            return None
        key = str(session.key)
        try:
            record = self._wire.read(data, key)
            if record.moved is None:
                record.names()
        except DecodeError as error:
            self._count("undecodable")
            self._tell(Event(events.UNDECODABLE, key, session.request, None, str(error)))
            if self._policy.on_undecodable == "raise":
                raise
            return None
        if over(record.created, record.absolute, self._port.now()):
            self._count("expired")
            self._tell(Event(events.EXPIRED, key, session.request, record.principal))
            return None
        return record
