"""The time, passed in: the machine's own here, one that tests move by hand in `tests/clock.py`."""

import time


class Clock:
    """The machine's clocks, `now` in seconds since 1970 and `tick` in seconds of one that never goes back.

    They are not wrapped into functions of Python, because every verb asks for the time.
    """

    __slots__ = ()

    now = staticmethod(time.time)
    tick = staticmethod(time.monotonic)
