"""One connection under asyncio that any number of tasks use at once: requests go out as they come, replies in turn.

Whoever stops waiting for a reply leaves its place in the line; the reply is dropped when it comes, and the connection
stays good. A reply that does not come in time ends the connection, because all that stand behind it wait as well.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any

from transcoders.sessions.stores.redis import resp
from transcoders.sessions.stores.redis.resp import PENDING
from transcoders.sessions.stores.redis.wire import Lost, Refusal, Reply, reason


class Turn:
    """A request in the line, awaited for its replies by one task.

    For that task it is a future (see `asyncio.isfuture`), but one that goes on with the task where the replies are
    read. A future of asyncio has the loop do that, after it has looked at all its sockets once more.

    Attributes:
        count: how many replies there are to be.
        deadline: when to give up, on the monotonic clock.
        done: whether nobody waits any more.
        wake: what goes on with the task, in its context; None while it does not wait.
    """

    __slots__ = (
        *("_asyncio_future_blocking", "_failure", "_loop", "context", "count", "deadline", "done", "replies", "wake"),
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int, deadline: float) -> None:
        self._loop, self.count, self.deadline = loop, count, deadline
        self.replies: list[Reply] = []
        self.done = self._asyncio_future_blocking = False
        self._failure: BaseException | None = None
        self.wake: Callable[[Turn], object] | None = None

    def __await__(self) -> Generator[Any, None, list[Reply]]:
        if self.done:
            return self.result()
        self._asyncio_future_blocking = True
        yield self  # the task asks for the result, and throws in here what that raises
        return self.replies

    def result(self) -> list[Reply]:
        """The replies; raises Lost, and CancelledError."""
        if self._failure is not None:
            raise self._failure
        return self.replies

    def add_done_callback(self, wake: Callable[["Turn"], object], *, context: Context) -> None:
        """Have the task woken."""
        self.wake, self.context = wake, context

    def fail(self, failure: BaseException) -> bool:
        """Have the loop go on with the task, which gets the error; False when it waits no more."""
        if self.done:
            return False
        self.done, self._failure = True, failure
        if self.wake is not None:
            self._loop.call_soon(self.wake, self, context=self.context)
        return True

    def cancel(self, msg: object = None) -> bool:
        """The task is cancelled."""
        return self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))


class Line(asyncio.Protocol):
    """A connection of the running loop, taken over from the stream that opened it.

    Attributes:
        since: when it was opened, on the monotonic clock.
        usable: whether it takes requests.
        over: set when it is lost or closed.
    """

    def __init__(self, opened: asyncio.StreamWriter) -> None:
        self.loop = asyncio.get_running_loop()
        self.since = time.monotonic()
        self.over = asyncio.Event()
        self._opened = opened  # a stream closes its transport when nobody has it any more
        self._transport = opened.transport
        self._reader = resp.reader()
        self._waiting: deque[Turn] = deque()
        self._alarm = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._retired, self._why = False, "it closed the connection"
        self.usable = not self._transport.is_closing()
        self._transport.set_protocol(self)

    def ask(self, request: bytes, count: int, deadline: float) -> Turn:
        """What is awaited for the replies; it raises Lost when they will not come."""
        turn = Turn(self.loop, count, deadline)
        self._waiting.append(turn)
        self._transport.write(request)
        if deadline < self._alarm:
            self._set_alarm(deadline)
        return turn

    def data_received(self, data: bytes) -> None:
        """Give the replies to those who wait, in their order."""
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not PENDING:
                turn = waiting[0]
                replies = turn.replies
                replies.append(reply)
                if len(replies) == turn.count:
                    del waiting[0]
                    if not turn.done:
                        turn.done = True
                        if turn.wake is not None:
                            turn.context.run(turn.wake, turn)
        except (Refusal, IndexError):
            self.end("it does not speak RESP")
        if self._retired and not waiting:
            self.end(self._why)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait."""
        if isinstance(exc, OSError):
            self._why = reason(exc)
        self.usable = False
        self.over.set()
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            self._waiting.popleft().fail(Lost(self._why, sent=True))

    def retire(self) -> None:
        """Take no more requests, and end when those that wait have their replies."""
        self._retired, self.usable = True, False
        if not self._waiting:
            self.end(self._why)

    def end(self, why: str) -> None:
        """End the connection now."""
        self._why, self.usable = why, False
        self._transport.abort()

    def _set_alarm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._alarm = when
        self._timer = self.loop.call_later(max(0.0, when - time.monotonic()), self._ring)

    def _ring(self) -> None:
        """Look whose time is over: one timer serves all requests, and is rarely due before they are done."""
        earliest = min((turn.deadline for turn in self._waiting), default=math.inf)
        if earliest <= time.monotonic():
            self.end("no answer in time")
            return
        self._timer, self._alarm = None, math.inf
        if earliest < math.inf:
            self._set_alarm(earliest)
