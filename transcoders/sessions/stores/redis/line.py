"""One connection under asyncio that any number of tasks use at once: requests go out as they come, replies in turn.

Whoever stops waiting for a reply leaves its place in the line; the reply is dropped when it comes, and the connection
stays good. A reply that does not come in time ends the connection, because all that stand behind it wait as well.
"""

import asyncio
import math
import time
from collections import deque

from transcoders.sessions.stores.redis import resp
from transcoders.sessions.stores.redis.resp import PENDING
from transcoders.sessions.stores.redis.wire import Lost, Refusal, Reply, reason


class _Request:
    __slots__ = ("count", "deadline", "future", "replies")

    def __init__(self, count: int, deadline: float, future: "asyncio.Future[list[Reply]]") -> None:
        self.count, self.deadline, self.future = count, deadline, future
        self.replies: list[Reply] = []


class Line(asyncio.Protocol):
    """A connection of the running loop, taken over from the stream that opened it.

    Attributes:
        since: when it was opened, on the monotonic clock.
        over: set when it is lost or closed.
    """

    def __init__(self, opened: asyncio.StreamWriter) -> None:
        self.loop = asyncio.get_running_loop()
        self.since = time.monotonic()
        self.over = asyncio.Event()
        self._opened = opened  # a stream closes its transport when nobody has it any more
        self._transport = opened.transport
        self._reader = resp.reader()
        self._waiting: deque[_Request] = deque()
        self._alarm = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._retired, self._why = False, "it closed the connection"
        self._transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether it takes requests."""
        return not (self._retired or self.over.is_set() or self._transport.is_closing())

    def ask(self, request: bytes, count: int, deadline: float) -> "asyncio.Future[list[Reply]]":
        """The replies, once they are there; the future raises Lost when they will not come."""
        future: asyncio.Future[list[Reply]] = self.loop.create_future()
        self._waiting.append(_Request(count, deadline, future))
        self._transport.write(request)
        if deadline < self._alarm:
            self._set_alarm(deadline)
        return future

    def data_received(self, data: bytes) -> None:
        """Give the replies to those who wait, in their order."""
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not PENDING:
                request = waiting[0]
                request.replies.append(reply)
                if len(request.replies) == request.count:
                    waiting.popleft()
                    if not request.future.done():
                        request.future.set_result(request.replies)
        except (Refusal, IndexError):
            self.end("it does not speak RESP")
        if self._retired and not waiting:
            self.end(self._why)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait."""
        if isinstance(exc, OSError):
            self._why = reason(exc)
        self.over.set()
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            request = self._waiting.popleft()
            if not request.future.done():
                request.future.set_exception(Lost(self._why, sent=True))

    def retire(self) -> None:
        """Take no more requests, and end when those that wait have their replies."""
        self._retired = True
        if not self._waiting:
            self.end(self._why)

    def end(self, why: str) -> None:
        """End the connection now."""
        self._why = why
        self._transport.abort()

    def _set_alarm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._alarm = when
        self._timer = self.loop.call_later(max(0.0, when - time.monotonic()), self._ring)

    def _ring(self) -> None:
        """Look whose time is over: one timer serves all requests, and is rarely due before they are done."""
        earliest = min((request.deadline for request in self._waiting), default=math.inf)
        if earliest <= time.monotonic():
            self.end("no answer in time")
            return
        self._timer, self._alarm = None, math.inf
        if earliest < math.inf:
            self._set_alarm(earliest)
