"""The records of a store in memory, and how much there may be of them.

A record that is new or grows needs room. What has ended makes room, in the order in which it ended; when that does not
suffice the record is refused, or, where the shelf drops, those that would end soonest go. A record that could never fit
drops nobody, and no record makes room for itself.
"""

from math import inf
from typing import Final

from transcoders.errors import StoreError
from transcoders.sessions.stores.memory.ends import Ends

OVERHEAD: Final = 300
"""Bytes that a record takes beside its data: key, entry, end."""
_A_FEW: Final = 8
"""Ended records removed by one that is added."""


class Shelf:
    """The records; callers that change them hold the store's mutex.

    Args:
        max_records: records at most.
        max_bytes: bytes at most, counting OVERHEAD for each record.
        drop: whether records are dropped that have not ended.
    """

    def __init__(self, max_records: int, max_bytes: int, *, drop: bool) -> None:
        self._max_records, self._max_bytes, self._drop = max_records, max_bytes, drop
        self.records: dict[str, tuple[bytes, float]] = {}
        self.bytes = 0
        self._ends = Ends(self._end)

    def alive(self, key: str, now: float) -> bytes | None:
        """The record; one that has ended is removed."""
        record = self.records.get(key)
        if record is None:
            return None
        if record[1] <= now:
            self.remove(key)
            return None
        return record[0]

    def put(self, key: str, data: bytes, end: float, now: float) -> None:
        """Set a record.

        Raises:
            StoreError: there is no room for it; it is as it was.
        """
        there = self.records.get(key)
        if there is not None:
            size = self.bytes + len(data) - len(there[0])
            if end >= there[1] and size <= self._max_bytes:  # nearly every write
                self.bytes = size
                self.records[key] = data, end
                return
        self._put(key, data, end, now)

    def _put(self, key: str, data: bytes, end: float, now: float) -> None:
        """Set a record that is new, needs room that is not there, or ends earlier than was noted."""
        there = self.records.get(key)
        if there is None:
            self._sweep(now)
            grown, noted = len(data) + OVERHEAD, inf
        else:
            grown, noted = len(data) - len(there[0]), there[1]
        if (grown > 0 or there is None) and not self._fits(grown, there is None):
            self._make_room(key, len(data), grown, now)
        self.bytes += grown
        self.records[key] = data, end
        if end < noted:
            self._ends.add(key, end)

    def remove(self, key: str) -> None:
        """Remove a record that is there."""
        self.bytes -= len(self.records.pop(key)[0]) + OVERHEAD

    def replace(  # noqa: PLR0913, PLR0917 - two records change at once
        self, old: str, trail: bytes, grace: float, new: str, data: bytes, end: float, now: float
    ) -> None:
        """Remove one record, or leave a trail in its place, and set another.

        Raises:
            StoreError: there is no room for that; everything is as it was.
        """
        before, before_end = self.records[old]
        self.remove(old)
        try:
            if trail:
                self.put(old, trail, grace, now)
            self.put(new, data, end, now)
        except StoreError:
            if old in self.records:
                self.remove(old)
            self.bytes += len(before) + OVERHEAD
            self.records[old] = before, before_end
            self._ends.add(old, before_end)
            raise

    def _fits(self, grown: int, new: bool) -> bool:  # noqa: FBT001 - of a record that grows so, or is new
        return self.bytes + grown <= self._max_bytes and not (new and len(self.records) >= self._max_records)

    def _make_room(self, key: str, size: int, grown: int, now: float) -> None:
        there = self.records.get(key)
        until = inf if self._drop and size + OVERHEAD <= self._max_bytes else now
        passed = False
        while not (fits := self._fits(grown, there is None)) and (first := self._ends.first(until)) is not None:
            if first == key:
                passed = True
            else:
                self.remove(first)
        if passed and there is not None:
            self._ends.add(key, there[1])
        if not fits:
            raise StoreError(
                f"the memory store is full: {len(self.records)} sessions in {self.bytes} bytes, of at most "
                f"{self._max_records} and {self._max_bytes} (max_records, max_bytes), and none of them has expired"
            )

    def _end(self, key: str) -> float | None:
        record = self.records.get(key)
        return None if record is None else record[1]

    def _sweep(self, now: float) -> None:
        """Remove a few records that have ended, in the order in which they did."""
        if self._ends.crowded(len(self.records)):
            self._ends.renew(self.records)
        for _ in range(_A_FEW):
            key = self._ends.first(now)
            if key is None:
                return
            self.remove(key)
