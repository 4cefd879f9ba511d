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
from threading import get_ident
from types import coroutine
from typing import Final

from transcoders.sessions.stores.redis import resp
from transcoders.sessions.stores.redis.resp import PENDING
from transcoders.sessions.stores.redis.wire import Lost, Refusal, Reply, reason

_LARGE: Final = 4096
"""Bytes from which it is quicker to cut a value out than to have it parsed, which copies it twice."""


class Turn:
    """A request in the line, and the task that waits for its replies.

    For that task it is a future (see `asyncio.isfuture`), but one that goes on with the task where the replies are
    read. A future of asyncio has the loop do that, after it has looked at all its sockets once more.

    Attributes:
        count: how many replies there are to be.
        deadline: when to give up, on the monotonic clock.
        replies: those that came.
        failure: why there will be no more.
        wake: what goes on with the task, in its context; None when it does not wait.
    """

    __slots__ = ("_asyncio_future_blocking", "_loop", "context", "count", "deadline", "failure", "replies", "wake")
    result = bool  # a task asks its future for an error before it goes on; here it then looks for one itself

    def __init__(self, loop: asyncio.AbstractEventLoop, count: int, deadline: float) -> None:
        self._loop, self.count, self.deadline = loop, count, deadline
        self.replies: list[Reply] = []
        self.failure: BaseException | None = None
        self.wake: Callable[[Turn], object] | None = None
        self._asyncio_future_blocking = True

    def add_done_callback(self, wake: Callable[["Turn"], object], *, context: Context) -> None:
        """Have the task woken."""
        self.wake, self.context = wake, context

    def fail(self, failure: BaseException) -> bool:
        """Have the loop go on with the task, which gets the error; False when it does not wait."""
        if self.wake is None:
            return False
        self._loop.call_soon(self.wake, self, context=self.context)
        self.wake, self.failure = None, failure
        return True

    def cancel(self, msg: object = None) -> bool:
        """The task is cancelled."""
        return self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))


class Line(asyncio.Protocol):
    """A connection of the running loop, taken over from the stream that opened it.

    Attributes:
        thread: where the loop runs.
        since: when it was opened, on the monotonic clock.
        usable: whether it takes requests.
        over: set when it is lost or closed.
    """

    def __init__(self, opened: asyncio.StreamWriter) -> None:
        self.loop = asyncio.get_running_loop()
        self.thread = get_ident()
        self.since = time.monotonic()
        self.over = asyncio.Event()
        self._opened = opened  # a stream closes its transport when nobody has it any more
        self._transport = opened.transport
        self._write = self._transport.write
        reader = resp.reader()
        self._feed, self._gets, self._has_more = reader.feed, reader.gets, reader.has_data
        self._between = True  # whether the next byte begins a reply
        self._waiting: deque[Turn] = deque()
        self._alarm = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._retired, self._why = False, "it closed the connection"
        self.usable = not self._transport.is_closing()
        self._transport.set_protocol(self)

    @coroutine
    def ask(self, request: bytes, count: int, deadline: float) -> Generator[Turn, None, list[Reply]]:
        """The replies; raises Lost when they will not come. The request is sent when this is awaited."""
        turn = Turn(self.loop, count, deadline)
        self._waiting.append(turn)
        self._write(request)
        if deadline < self._alarm:
            self._set_alarm(deadline)
        yield turn
        if turn.failure is not None:
            raise turn.failure
        return turn.replies

    def data_received(self, data: bytes) -> None:
        """Give the replies to those who wait, in their order."""
        waiting, gets = self._waiting, self._gets
        try:
            reply: Reply = _value(data) if len(data) > _LARGE and self._between else None
            if reply is None:
                self._feed(data)
                reply = gets()
            while reply is not PENDING:
                turn = waiting[0]
                replies = turn.replies
                replies.append(reply)
                if len(replies) == turn.count:
                    del waiting[0]
                    self._between = between = not self._has_more()
                    if turn.wake is not None:
                        turn.context.run(turn.wake, turn)
                    if between:
                        break
                reply = gets()
            else:
                self._between = False
        except (Refusal, IndexError):
            self.end("it does not speak RESP")
        if self._retired and not waiting:
            self.end(self._why)

    def eof_received(self) -> None:
        """Take no more requests; that it is lost, the loop tells only after all that wants to run now."""
        self.usable = False

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


def _value(data: bytes) -> bytes | None:
    """The value, where the bytes are one reply that is a value, and whole."""
    end = data.find(b"\r\n", 0, 16)
    digits = data[1:end]
    if data[:1] == b"$" and digits.isdigit() and end + int(digits) + 4 == len(data):
        return data[end + 2 : -2]
    return None
