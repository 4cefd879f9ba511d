"""Hints for threads: one thread of the process reads what comes over its channel, while anybody waits.

When the connection is lost, everybody is woken, because hints may have been lost with it, and the thread connects
again. A process in which nobody waits lets it be. While there is no connection, waiters ask again by themselves.
"""

import socket
import threading
import time

from transcoders.errors import StoreError
from transcoders.sessions import forks
from transcoders.sessions.stores.redis import connecting, resp
from transcoders.sessions.stores.redis.resp import PENDING
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.verbs import CAPABILITIES
from transcoders.sessions.stores.redis.waiters import LONGEST, PAUSE, Waiter, Waiters
from transcoders.sessions.stores.redis.wire import Lost, Refusal


class ThreadListener:
    """See `Listener`.

    Args:
        target: the server.
    """

    def __init__(self, target: Target) -> None:
        self._seconds = target.number("connect_timeout") / 1000
        self._open = connecting.blocking(target)
        self._socket: socket.socket | None = None
        self.after_fork()
        forks.watch(self)

    def after_fork(self) -> None:
        """Listen to a channel of its own, in a child; the parent's connection goes on there."""
        if self._socket is not None:
            self._socket.close()
        self._waiters: Waiters[threading.Event] = Waiters()
        self.channel, self.find, self.leave = self._waiters.channel, self._waiters.find, self._waiters.remove
        self._starting = threading.Lock()
        self._settled = threading.Event()
        self._listens = False
        self._thread: threading.Thread | None = None
        self._socket = None
        self._closed = threading.Event()

    @property
    def refused(self) -> str:
        """See Listener.refused."""
        return self._waiters.refused

    async def join(self, token: str, deadline: float, /) -> Waiter[threading.Event]:
        """See Listener.join."""
        waiter = self._waiters.add(token, threading.Event())
        if not self._listens:
            with self._starting:
                if self._thread is None and not self._closed.is_set():
                    self._settled.clear()
                    self._thread = threading.Thread(target=self._run, name="transcoders-locks", daemon=True)
                    self._thread.start()
            self._settled.wait(max(0.0, deadline - time.monotonic()))
        return waiter

    async def wait(self, token: str, seconds: float, /) -> None:
        """See Listener.wait."""
        waiter = self._waiters.find(token)
        if waiter is not None:
            waiter.bell.wait(min(seconds, CAPABILITIES.recheck))

    async def close(self) -> None:
        """See Listener.close."""
        self._closed.set()
        thread, opened = self._thread, self._socket
        if opened is not None:
            _shut(opened)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        pause = PAUSE
        while True:
            try:
                self._listen()
            except (Lost, StoreError, OSError, Refusal):
                pause = PAUSE if self._listens else min(2 * pause, LONGEST)
            self._listens = False
            self._settled.set()
            self._waiters.wake()
            with self._starting:
                if self._closed.is_set() or not self._waiters:
                    self._thread = None
                    return
            self._closed.wait(pause)

    def _listen(self) -> None:
        opened = self._open(self._seconds)
        try:
            self._socket = opened
            opened.sendall(resp.packer()((("SUBSCRIBE", self.channel),)))
            reader = resp.reader()
            while not self._closed.is_set():
                while (message := reader.gets()) is not PENDING:
                    self._take(message, opened)
                data = opened.recv(4096)
                if not data:
                    return
                reader.feed(data)
        finally:
            self._socket = None
            opened.close()

    def _take(self, message: object, opened: socket.socket) -> None:
        self._waiters.told(message)
        if not self._listens:
            opened.settimeout(None)  # from here on, silence is no failure
            self._listens = True
            self._settled.set()
            self._waiters.wake()


def _shut(opened: socket.socket) -> None:
    """End a read of another thread."""
    try:
        opened.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
