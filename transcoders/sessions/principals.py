"""Whose sessions are whose: the store's list of a principal's sessions, and what the records themselves say.

The list and the records lie apart, so a crash may leave one without the other. A session is therefore noted before it
is stored and forgotten after it is gone: the list may name too many, never too few, and who reads it asks the records.
"""

from transcoders.errors import DecodeError
from transcoders.sessions import ids
from transcoders.sessions.record import Record
from transcoders.sessions.world import World

Life = tuple[int, int, int]
"""When a session was created, its idle time and its age, in seconds."""


class Principals:
    """The sessions of principals, in one store."""

    def __init__(self, world: World) -> None:
        self._port, self._wire, self._policy, self._prefix = world.port, world.wire, world.policy, world.prefix

    async def link(self, principal: str | None, key: str, life: Life, now: float) -> None:
        """Note the record under the key as a session of the principal, where there is one."""
        if principal is not None:
            await self._port.link(ids.key(principal, self._prefix), key, self._policy.link_ttl(*life, now))

    async def unlink(self, principal: str | None, key: str) -> None:
        """Forget that the record under the key is a session of the principal."""
        if principal is not None:
            await self._port.unlink(ids.key(principal, self._prefix), key)

    async def sessions(self, principal: str) -> list[Record]:
        """The records of the principal's sessions, oldest first."""
        found = []
        for key in await self._port.linked(ids.key(principal, self._prefix)):
            data = await self._port.load(key)
            try:
                record = self._wire.read(data, key) if data is not None else None
            except DecodeError:
                continue  # nothing says that it is theirs
            if record is not None and record.principal == principal:
                found.append(record)
        return sorted(found, key=lambda record: record.created)
