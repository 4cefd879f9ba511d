"""The replicas: processes that are started, stopped and asked in turn.

A replica holds nothing that another needs, so stopping one is a kill. None outlives the crew: each reads its standard
input and ends with it, also when this process is killed. They get no Ctrl-C of their own.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any, Final, Self

from transcoders.demo.page import COLORS
from transcoders.errors import SessionError, SpecError

MOST: Final = len(COLORS)
"""Replicas at most."""


class Replica:
    """A running process.

    Attributes:
        number: from 1.
        port: where it listens, on 127.0.0.1.

    Raises:
        SpecError: what it was told is wrong.
        SessionError: it did not start.
    """

    def __init__(self, number: int, told: dict[str, Any]) -> None:
        command = [sys.executable, "-m", "transcoders.demo.replica"]
        self.number = number
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._stdin.write(json.dumps({"number": number, **told}) + "\n")
        self._stdin.flush()
        self.port = 0

    def ready(self) -> Self:
        """Wait until it listens."""
        line = self._stdout.readline()
        answer = json.loads(line) if line else {}
        if "port" not in answer:
            self.stop()
            if "error" in answer:
                raise SpecError(answer["error"])
            raise SessionError(f"replica {self.number} ended before it served; what it printed says why")
        self.port = answer["port"]
        return self

    @property
    def up(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Kill it; a second time does nothing."""
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()


class Crew:
    """The replicas of one demo, for use as a context manager.

    Args:
        store: the URL of the store that they share; None for a memory of its own each.
        cookie: the name of the cookie.

    Attributes:
        shared: whether they share a store.
    """

    def __init__(self, store: str | None, cookie: str) -> None:
        self.shared = store is not None
        self._told = {"store": store or "memory:", "cookie": cookie, "shared": self.shared}
        self._replicas: dict[int, Replica | None] = {}
        self._lock = threading.Lock()
        self._turn = 0
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._over = True
            for number in self._replicas:
                self._stop(number)

    def states(self) -> dict[int, bool]:
        """The replicas by number, and whether they run."""
        with self._lock:
            return {number: self._up(number) for number in sorted(self._replicas)}

    def turn(self) -> list[Replica]:
        """The running replicas, beginning with the one whose turn it is; the next call begins with the next."""
        with self._lock:
            running = [one for number in sorted(self._replicas) if (one := self._running(number))]
            if not running:
                return []
            begin = self._turn % len(running)
            self._turn = begin + 1
            return running[begin:] + running[:begin]

    def start(self, *numbers: int) -> None:
        """Start replicas that do not run, and wait until they serve.

        Raises:
            SpecError: there is no such number, or what they were told is wrong.
            SessionError: one did not start.
        """
        for number in numbers:
            if not 1 <= number <= MOST:
                raise SpecError(f"replicas are numbered from 1 to {MOST}, not {number}")
        with self._lock:
            begun = [Replica(number, self._told) for number in numbers if not self._up(number)]
        failure = _failure(begun)
        if failure:
            for one in begun:
                one.stop()
            raise failure
        with self._lock:
            for one in begun:
                self._stop(one.number)  # another start of the same number may have been faster
                self._replicas[one.number] = one
                if self._over:
                    self._stop(one.number)

    def stop(self, number: int) -> None:
        """Kill a replica; one that does not run stays as it is.

        Raises:
            SpecError: there is no such replica.
        """
        with self._lock:
            if number not in self._replicas:
                raise SpecError(f"there is no replica {number}")
            self._stop(number)

    def scale(self, size: int) -> None:
        """Start or stop as many as it takes for so many to run, the lowest numbers first.

        Raises:
            SpecError: they are too many, or what they were told is wrong.
            SessionError: one did not start.
        """
        if not 1 <= size <= MOST:
            raise SpecError(f"a demo has 1 to {MOST} replicas, not {size}")
        self.start(*range(1, size + 1))
        with self._lock:
            for number in [number for number in self._replicas if number > size]:
                self._stop(number)
                del self._replicas[number]

    def _running(self, number: int) -> Replica | None:
        one = self._replicas.get(number)
        return one if one and one.up else None

    def _up(self, number: int) -> bool:
        return self._running(number) is not None

    def _stop(self, number: int) -> None:
        one = self._replicas.get(number)
        if one:
            one.stop()
            self._replicas[number] = None


def _failure(begun: Iterable[Replica]) -> SpecError | SessionError | None:
    """Wait for replicas; the first thing that went wrong."""
    failures: list[SpecError | SessionError] = []
    for one in begun:
        try:
            one.ready()
        except (SpecError, SessionError) as error:
            failures.append(error)
    return failures[0] if failures else None
