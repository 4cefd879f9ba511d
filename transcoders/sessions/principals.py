"""Whose sessions are whose: the store's list of a principal's sessions, and what the records themselves say.

The list and the records lie apart, so a crash may leave one without the other. A session is therefore noted before it
is stored, and forgotten after it is gone, because a key is never used again: the list may name too many, never too few,
and who reads it asks the records. A session that becomes another's stays in the list of the first until its note ends;
to forget it there would undo what a request notes that gives it back at the same time.
"""

from transcoders.errors import DecodeError, StoreError
from transcoders.sessions import ids
from transcoders.sessions.record import Record
from transcoders.sessions.world import World

Life = tuple[int, int, int]
"""When a session was created, its idle time and its age, in seconds."""


class Principals:
    """The sessions of principals, in one store."""

    def __init__(self, world: World) -> None:
        self._port, self._wire, self._policy, self._prefix = world.port, world.wire, world.policy, world.prefix
        self._counts = world.probe.counts

    async def link(self, principal: str | None, key: str, life: Life, now: float) -> None:
        """Note the record under the key as a session of the principal, where there is one."""
        if principal is not None:
            await self._port.link(ids.key(principal, self._prefix), key, self._policy.link_ttl(*life, now))

    async def prolong(self, principal: str | None, key: str, life: Life, now: float) -> None:
        """Note it for longer. What fails is made up for by the next, long before a note ends."""
        try:
            await self.link(principal, key, life, now)
        except StoreError:
            self._counts["store_failures"] += 1

    async def unlink(self, principal: str | None, key: str) -> None:
        """Forget the record under the key, which is gone for good. What fails is left to end by itself."""
        if principal is not None:
            try:
                await self._port.unlink(ids.key(principal, self._prefix), key)
            except StoreError:
                self._counts["store_failures"] += 1

    async def sessions(self, principal: str) -> list[Record]:
        """The records of the principal's sessions, oldest first."""
        port, name = self._port, ids.key(principal, self._prefix)
        found: list[Record] = []
        seen: set[str] = set()
        while fresh := [key for key in await port.linked(name) if key not in seen]:
            for key in fresh:
                record = self._record(await port.load(key), key)
                if record is not None and record.principal == principal:
                    found.append(record)
            seen.update(fresh)  # what was not there any more may have been rotated, and is noted anew
        return sorted(found, key=lambda record: record.created)

    def _record(self, data: bytes | None, key: str) -> Record | None:
        """The record in the data; None where nothing says whose it is."""
        if data is None:
            return None
        try:
            record = self._wire.read(data, key)
            _ = record.principal
        except DecodeError:
            return None
        return record
