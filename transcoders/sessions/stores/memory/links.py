"""Which sessions are whose: keys by principal, each with its end."""

from typing import Final

from transcoders.sessions.stores.memory.ends import Ends

_A_FEW: Final = 8
"""Ended links removed by one that is added."""


class Links:
    """The links of a store; callers hold its mutex."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, float]] = {}
        self._count = 0
        self._ends = Ends(self._end)

    def add(self, principal: str, key: str, end: float, now: float) -> None:
        """Note that the session is the principal's until then; a few that have ended are forgotten."""
        self._sweep(now)
        keys = self._keys.setdefault(principal, {})
        noted = keys.get(key)
        keys[key] = end
        if noted is None:
            self._count += 1
        if noted is None or end < noted:
            self._ends.add(f"{principal} {key}", end)

    def remove(self, principal: str, key: str) -> None:
        """Forget it."""
        keys = self._keys.get(principal)
        if keys is not None and keys.pop(key, None) is not None:
            self._count -= 1
            if not keys:
                del self._keys[principal]

    def of(self, principal: str, now: float) -> list[str]:
        """The keys of the principal that have not ended."""
        return [key for key, end in self._keys.get(principal, {}).items() if end > now]

    def _end(self, name: str) -> float | None:
        principal, _, key = name.partition(" ")
        return self._keys.get(principal, {}).get(key)

    def _sweep(self, now: float) -> None:
        if self._ends.crowded(self._count):
            self._ends.renew(f"{principal} {key}" for principal, keys in self._keys.items() for key in keys)
        for _ in range(_A_FEW):
            name = self._ends.first(now)
            if name is None:
                return
            principal, _, key = name.partition(" ")
            self.remove(principal, key)
