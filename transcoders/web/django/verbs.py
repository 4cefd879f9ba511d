"""What is done with a session: AsyncSessionManager has it, and InPlace for threads; so the engine is written once."""

from typing import Any, Protocol

from transcoders.sessions.manager import SessionManager
from transcoders.sessions.saved import Saved
from transcoders.sessions.session import Session


class Verbs(Protocol):
    """What is done with a session, by whichever manager; see AsyncSessionManager."""

    async def load(self, session: Session[Any], /) -> None:
        """Read it, unless that is done."""
        ...

    async def save(self, session: Session[Any], /) -> Saved:
        """Store what changed in it, and let go of it."""
        ...

    async def discard(self, session: Session[Any], /) -> None:
        """Let go of it."""
        ...

    async def rotate(self, session: Session[Any], /) -> str:
        """Store it under a new id."""
        ...

    async def touch(self, session: Session[Any], /) -> Saved:
        """Put off its end."""
        ...

    async def destroy(self, session: Session[Any] | str, /) -> bool:
        """End it."""
        ...


class InPlace:
    """The verbs of the manager for threads, as coroutines that never suspend."""

    def __init__(self, manager: SessionManager[Any]) -> None:
        self._manager = manager

    async def load(self, session: Session[Any], /) -> None:
        """See Verbs."""
        _ = session.record

    async def save(self, session: Session[Any], /) -> Saved:
        """See Verbs."""
        return self._manager.save(session)

    async def discard(self, session: Session[Any], /) -> None:
        """See Verbs."""
        self._manager.discard(session)

    async def rotate(self, session: Session[Any], /) -> str:
        """See Verbs."""
        return self._manager.rotate(session)

    async def touch(self, session: Session[Any], /) -> Saved:
        """See Verbs."""
        return self._manager.touch(session)

    async def destroy(self, session: Session[Any] | str, /) -> bool:
        """See Verbs."""
        return self._manager.destroy(session)
