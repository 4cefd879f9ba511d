"""What ends, in the order in which it ends: a heap beside a dictionary.

The heap holds an entry for each thing, with the end that was known when the entry was made. An end that is put off
costs nothing: an entry that comes up too early goes back with the end that holds by then. Entries of things removed
before their end stay until it comes, or until they are the greater part.
"""

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from math import inf
from typing import Final

_FEW: Final = 64
"""Entries that may be there before the heap is made anew."""


class Ends:
    """When things end.

    Args:
        end: the end of the thing of that name, infinite when it has none; None when there is no such thing.
    """

    def __init__(self, end: Callable[[str], float | None]) -> None:
        self._end = end
        self._heap: list[tuple[float, str]] = []

    def add(self, name: str, end: float) -> None:
        """Note an end that is new, or earlier than what was noted."""
        if end != inf:
            heappush(self._heap, (end, name))

    def first(self, now: float) -> str | None:
        """The name of what ends first, taken off the heap; None when `now` is before every end."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            noted, name = heappop(heap)
            end = self._end(name)
            if end is None or end == inf:
                continue
            if end <= noted:
                return name
            heappush(heap, (end, name))
        return None

    def crowded(self, living: int) -> bool:
        """Whether most entries are of things that are gone, when so many live."""
        return len(self._heap) > _FEW + 2 * living

    def renew(self, names: Iterable[str]) -> None:
        """Make the heap anew, of the things there are."""
        ends = ((self._end(name), name) for name in names)
        self._heap = [(end, name) for end, name in ends if end is not None and end != inf]
        heapify(self._heap)
