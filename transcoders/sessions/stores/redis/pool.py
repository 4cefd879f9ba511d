"""The blocking wire: a bounded pool of connections, the last used first.

A connection is used by one call at a time, and looked at before: what can be read then is the end of the stream or an
answer nobody waits for, and either way it is closed. Any exception in a call closes its connection too, also one that
a signal or a greenlet raises: nobody could know where in the stream it stands.

The system bounds reads and writes where it can. A socket with a time limit of Python's asks `poll` before each of them,
which is two more system calls in a request. A signal that interrupts a read begins that read's time anew.
"""

import math
import os
import queue
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable

from transcoders.errors import StoreError
from transcoders.sessions import forks
from transcoders.sessions.stores.redis import connecting, resp
from transcoders.sessions.stores.redis.resp import PENDING
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.wire import Lost, Refusal, Reply, reason

_CHUNK = 64 << 10


def _looker(taken: socket.socket) -> Callable[[int], object]:
    """What tells whether something can be read, without waiting when it is given 0."""
    if not hasattr(select, "poll"):  # Windows
        return lambda seconds: select.select([taken], [], [], seconds)[0]
    poll = select.poll()
    poll.register(taken, select.POLLIN)
    pending: Callable[[], int] | None = getattr(taken, "pending", None)  # what TLS has read already
    return poll.poll if pending is None else lambda seconds: poll.poll(seconds) or pending()


def _limiter(taken: socket.socket) -> Callable[[float], None]:
    """What limits the seconds that a read or write of the socket takes."""
    if os.name != "posix" or type(taken).__module__ != "socket":  # TLS and green threads wait in ways of their own
        return taken.settimeout

    def limit(seconds: float) -> None:
        whole, rest = divmod(seconds, 1)
        limited = struct.pack("ll", int(whole), int(rest * 1e6) or 1)  # a timeval; 0 were no limit
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limited)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limited)

    taken.settimeout(None)
    return limit


class Connection:
    """A socket, and the replies that come out of it.

    Attributes:
        since: when it was opened, on the monotonic clock.
        look: given 0, tells whether something can be read.
        close: closes the socket.
    """

    __slots__ = (
        *("_feed", "_gets", "_has_data", "_longest", "_receive", "_send", "_set", "_shortest"),
        *("close", "look", "since"),
    )  # fmt: skip

    def __init__(self, taken: socket.socket) -> None:
        reader, self._shortest, self._longest = resp.reader(), math.inf, -math.inf
        self._feed, self._gets, self._has_data = reader.feed, reader.gets, reader.has_data
        self._send, self._receive, self.close = taken.sendall, taken.recv, taken.close
        self.since = time.monotonic()
        self.look, self._set = _looker(taken), _limiter(taken)

    @property
    def clean(self) -> bool:
        """Whether nothing has come that nobody asked for, the end of the stream included."""
        return not self.look(0)

    def call(self, request: bytes, replies: int, deadline: float) -> list[Reply]:
        """See Wire.call."""
        gets = self._gets
        found: list[Reply] = []
        try:
            if not self._shortest < deadline - time.monotonic() < self._longest:
                self._limit(deadline)
            self._send(request)
            while True:
                data = self._receive(_CHUNK)
                if not data:
                    raise Lost("it closed the connection", sent=True)
                self._feed(data)
                while (reply := gets()) is not PENDING:
                    found.append(reply)
                    if len(found) == replies:
                        if self._has_data():  # it would be taken for the next answer, to another session
                            raise Lost("it sent more than it was asked for", sent=True)
                        return found
                self._limit(deadline)
        except (TimeoutError, BlockingIOError):  # by Python's limit, by the system's
            raise Lost("no answer in time", sent=True, late=True) from None
        except OSError as error:
            raise Lost(reason(error), sent=True) from None
        except Refusal:
            raise Lost("it does not speak RESP", sent=True) from None

    def _limit(self, deadline: float) -> None:
        """Let no read or write outlast the deadline by more than a twentieth: setting the limit is a system call."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if not self._shortest < left < self._longest:
            self._set(left)
            self._shortest, self._longest = left * 0.95, left * 1.05


class Pool:
    """Connections to one server. See `Wire`.

    Args:
        target: the server, and how many connections there may be.
    """

    def __init__(self, target: Target) -> None:
        self._size = target.number("max_connections")
        self._seconds = target.number("connect_timeout") / 1000
        self._open = connecting.blocking(target)
        self._idle: deque[Connection] = deque()
        self._closed = False
        self.after_fork()
        forks.watch(self)

    def after_fork(self) -> None:
        """Begin without connections; a parent's are closed here, and go on there."""
        self.renew(math.inf)
        self._permits: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(self._size):
            self._permits.put(None)

    def call(
        self,
        request: bytes,
        replies: int,
        deadline: float,
        /,
        *,
        bulk: bool = False,  # noqa: ARG002 - each call has a connection of its own
    ) -> list[Reply]:
        """See Wire.call."""
        permits, idle = self._permits, self._idle
        try:
            permits.get_nowait()
        except queue.Empty:
            self._wait(deadline)
        try:
            try:
                connection = idle.pop()
            except IndexError:
                connection = self._connect(deadline)
            else:
                if connection.look(0):
                    connection = self._other(connection, deadline)
            try:
                found = connection.call(request, replies, deadline)
            except BaseException as error:
                connection.close()
                if isinstance(error, Lost) and time.monotonic() >= deadline:
                    self.renew(time.monotonic())  # silence: the way to the server may be gone, for the idle ones too
                raise
            idle.append(connection)
            return found
        finally:
            permits.put(None)
            if self._closed:
                self.renew(math.inf)

    def _wait(self, deadline: float) -> None:
        try:
            self._permits.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise Lost(f"all {self._size} connections were busy", sent=False) from None

    def _other(self, connection: Connection, deadline: float) -> Connection:
        """Another one than that, on which something can be read."""
        while True:
            connection.close()
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connect(deadline)
            if not connection.look(0):
                return connection

    def _connect(self, deadline: float) -> Connection:
        if self._closed:
            raise StoreError("the store was closed", retryable=False)
        seconds = min(self._seconds, deadline - time.monotonic())
        if seconds <= 0:
            raise Lost("no connection in time", sent=False, late=True)
        return Connection(self._open(seconds))

    async def pause(self, seconds: float, /) -> None:
        """See Wire.pause."""
        time.sleep(seconds)  # noqa: ASYNC251 - this wire blocks

    async def close(self) -> None:
        """See Wire.close."""
        self._closed = True
        self.renew(math.inf)

    def renew(self, before: float, /) -> None:
        """See Wire.renew."""
        kept = []
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took the last
                break
            if connection.since < before:
                connection.close()
            else:
                kept.append(connection)
        self._idle.extend(reversed(kept))
