"""The time, passed in: the machine's own here, one that tests move by hand in `tests/clock.py`."""

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def tick(self) -> float:
        """Seconds of a clock that never goes back."""
        ...


class SystemClock:
    """The machine's clocks; without a call of Python around them, because every verb asks."""

    __slots__ = ()

    now = staticmethod(time.time)
    tick = staticmethod(time.monotonic)
