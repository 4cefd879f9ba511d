"""Waking those who wait for a lock: at once when this process hands it on, within moments when another one does.

A thread asks the database, every millisecond, who holds the locks that are waited for; it sleeps while nobody
waits, and starts with the first one who does. One thread that asks is cheaper than many who wait and ask.
"""

import threading
from collections.abc import Callable
from typing import Final

from transcoders.errors import StoreError
from transcoders.sessions import forks

EVERY: Final = 0.001
"""Seconds between two looks."""


class Watcher:
    """Those who wait for locks, by token.

    Args:
        holder: the token that holds the lock of a key; None when nobody does. May raise StoreError.
    """

    def __init__(self, holder: Callable[[str], str | None]) -> None:
        self._holder = holder
        self._begin()
        forks.watch(self)

    def _begin(self) -> None:
        self._closed = threading.Event()
        self._waiting: dict[str, tuple[str, Callable[[], object]]] = {}
        self._bell = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, token: str, key: str, wake: Callable[[], object]) -> None:
        """Have it woken when the lock of the key is the token's."""
        self._waiting[token] = key, wake
        self._bell.set()
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="transcoders-sqlite", daemon=True)
                self._thread.start()

    def remove(self, token: str) -> None:
        """Forget the token."""
        self._waiting.pop(token, None)

    def wake(self, token: str) -> None:
        """Wake whoever waits with the token, if it is one of this process."""
        if waiting := self._waiting.get(token):
            waiting[1]()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._bell.set()
        if (thread := self._thread) is not None and thread is not threading.current_thread():
            thread.join()

    def after_fork(self) -> None:
        """In a child: nobody waits, the thread is not here, and what it waited for may be locked for good."""
        closed = self._closed.is_set()
        self._begin()
        if closed:
            self._closed.set()

    def _run(self) -> None:
        bell = self._bell
        while not self._closed.wait(EVERY):
            if not self._waiting:
                bell.clear()
                if not self._waiting and not self._closed.is_set():  # whoever came in between has rung
                    bell.wait()
            for key in {key for key, _ in list(self._waiting.values())}:
                self._look(key)

    def _look(self, key: str) -> None:
        try:
            holder = self._holder(key)
        except StoreError:
            return  # those who wait ask by themselves, and are told
        if holder is not None:
            self.wake(holder)
