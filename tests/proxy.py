"""A proxy that goes wrong on purpose, between a client and a server on this machine.

Faults fall on requests: pieces of what the client sends that hold a given text, so that handshakes and subscriptions
pass. `drop`: the request never arrives, and the connection ends. `lose`: it is carried out, its reply is thrown away,
and the connection ends. `stall`: it is carried out, and its reply stays away until `release`. `late`: it stays away
itself until `release`, and arrives then, also when the client has long gone.
"""

import random
import socket
import threading
from collections import Counter, deque
from contextlib import suppress
from typing import Self

FAULTS = ("drop", "lose", "stall", "late")


class Proxy:
    """A proxy on a free port of 127.0.0.1, for use as a context manager.

    Attributes:
        port: where it listens.
        trips: how many times a client of it sent a request, or several at once, and waited for the answer.
        faults: how many of each.
        connections: how many there were.
    """

    def __init__(self, port: int, *, of: bytes = b"tc:r:", seed: int = 1) -> None:
        """Args: the port of the server, the text that makes a piece a request, and where chance begins."""
        self._server, self._of, self._random = port, of, random.Random(seed)  # noqa: S311 - the same each time
        self._planned: deque[tuple[str, bytes]] = deque()
        self._share: tuple[float, tuple[str, ...]] = (0.0, ())
        self._lock, self._released = threading.Lock(), threading.Event()
        self.trips, self.connections, self.faults = 0, 0, Counter[str]()
        self._happened = {fault: threading.Semaphore(0) for fault in FAULTS}
        self._pairs: set[_Pair] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for pair in list(self._pairs):
            pair.close()

    def plan(self, *faults: str, of: bytes = b"") -> None:
        """Have the next requests fail so, one after the other; with `of`, the next that hold that text too."""
        self._released.clear()
        self._planned.extend((fault, of) for fault in faults)

    def chance(self, share: float, *faults: str) -> None:
        """Have so many of a hundred requests fail from now on, in one of these ways each: 0.08 for 8 %."""
        self._share = share, faults

    def wait_for(self, fault: str) -> None:
        """Return when such a fault has happened once more than this was called."""
        assert self._happened[fault].acquire(timeout=10), f"no request failed by {fault}"

    def release(self) -> None:
        """Let what is stalled or late go on."""
        self._released.set()

    def cut(self) -> None:
        """End every connection."""
        for pair in list(self._pairs):
            pair.end()

    def wait_for_release(self) -> None:
        """Return when `release` was called."""
        self._released.wait()

    def fate(self, piece: bytes, *, first: bool) -> str:
        """What becomes of a piece, the first since an answer or not: a fault, or nothing."""
        with self._lock:
            if self._of not in piece:
                return ""
            self.trips += first
            fault = ""
            if self._planned and self._planned[0][1] in piece:
                fault = self._planned.popleft()[0]
            elif self._random.random() < self._share[0]:
                fault = self._random.choice(self._share[1])
            if fault:
                self.faults[fault] += 1
                self._happened[fault].release()
            return fault

    def ended(self, pair: "_Pair") -> None:
        """Forget a connection."""
        self._pairs.discard(pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(self, client, server)
            self._pairs.add(pair)
            self.connections += 1
            pair.start()


class _Pair:
    """A connection through the proxy: one thread each way."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._losing = self._stalled = False
        self._answered = True
        self._upwards = threading.Thread(target=self._up, daemon=True)
        self._downwards = threading.Thread(target=self._down, daemon=True)

    def start(self) -> None:
        self._upwards.start()
        self._downwards.start()

    def close(self) -> None:
        """End it, and wait for its threads."""
        self.end()
        self._downwards.join()

    def end(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _up(self) -> None:
        with suppress(OSError):
            while piece := self._client.recv(1 << 20):
                fault = self._proxy.fate(piece, first=self._answered)
                self._answered = False
                if fault == "drop":
                    break
                self._losing |= fault == "lose"
                self._stalled |= fault == "stall"
                if fault == "late":
                    self._proxy.wait_for_release()
                self._server.sendall(piece)
        self.end()

    def _down(self) -> None:
        with suppress(OSError):
            while piece := self._server.recv(1 << 20):
                self._answered = True
                if self._losing:
                    break
                if self._stalled:
                    self._proxy.wait_for_release()
                    self._stalled = False
                self._client.sendall(piece)
        self.end()
        self._upwards.join()
        self._client.close()
        self._server.close()
        self._proxy.ended(self)
