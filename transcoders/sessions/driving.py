"""Running a coroutine that never suspends, in the caller's own thread: one step, and no event loop."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from transcoders.errors import SessionError

T = TypeVar("T")


def drive(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends.

    Raises:
        SessionError: it suspended; a manager for threads was given a store for asyncio.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    work.close()
    raise SessionError("the store is one for asyncio: take AsyncSessionManager, or a store for threads")
