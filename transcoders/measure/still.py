"""A store that does nothing but keep what it is given: what a request takes on it is the library's own."""

from transcoders.sessions.ports import Outcome
from transcoders.sessions.stores.memory import MemoryStore


class Still(MemoryStore):
    """Records without end, comparison or mutex: for one thread that measures."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, bytes] = {}

    def load(self, key: str, /) -> bytes | None:
        """The record."""
        return self._kept.get(key)

    def create(self, key: str, data: bytes, ttl: int, /) -> bool:  # noqa: ARG002 - it ends with the process
        """Keep a record."""
        self._kept[key] = data
        return True

    def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:  # noqa: ARG002
        """Keep another one in its place."""
        self._kept[key] = data
        return Outcome.SAVED
