"""A run: stores, kinds of concurrency and numbers of waiters, one after another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.fleet import sail
from bench.handover.findings import Findings, findings
from bench.handover.worker import HOLD, SETTINGS
from bench.stores import Place, store
from transcoders.errors import TranscoderError
from transcoders.sessions.manager import SessionManager

PROCESSES = 2
WARM = 0.2
"""The share of the time that is not counted: connections are made, and the queue fills."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be measured, for how many seconds each."""

    stores: Sequence[str]
    kinds: Sequence[str] = ("threads", "asyncio")
    waiters: Sequence[int] = (2, 8, 32)
    seconds: float = 3.0


def run(wish: Wish, say: Callable[[str], None]) -> list[Findings]:
    """Measure; `say` hears what is on."""
    found = []
    for name in wish.stores:
        with store(name) as place:
            for kind in wish.kinds:
                for waiters in wish.waiters:
                    say(f"{place.name}, {kind}, {waiters} waiters")
                    found.append(measure(place, kind, waiters, wish.seconds))
    return found


def measure(place: Place, kind: str, waiters: int, seconds: float) -> Findings:
    """Let so many requests of two processes wait for one lock.

    Raises:
        TranscoderError: an update was lost.
    """
    with SessionManager[Any](place.url, "json", **SETTINGS) as manager:
        with manager.session() as session:
            session["n"] = 0
        job = {"url": place.url, "sid": session.sid, "kind": kind, "tasks": waiters // PROCESSES, "seconds": seconds}
        looks = _Looks(place, seconds)
        told = sail("bench.handover.worker:work", [job] * PROCESSES, looks.look)
        with manager.session(session.sid) as final:
            stored = final["n"]
    sections = [(asked, had, ended) for one in told for asked, had, ended in one]
    if stored != len(sections):
        raise TranscoderError(f"{len(sections)} increments were acknowledged, and {stored} are stored")
    counted = [one for one in sections if looks.began + WARM * seconds < one[0] < looks.began + seconds]
    return findings((place.name, kind, waiters), counted, looks.connections, looks.listening, looks.hiccup)


class _Looks:
    """What the server has to say of connections, half-way through; and how the machine treats one who only sleeps."""

    def __init__(self, place: Place, seconds: float) -> None:
        self._server, self._seconds = place.server, seconds
        self.connections, self.listening = 0.0, None if place.server is None else 0.0
        self.hiccup = 0.0

    def look(self) -> None:
        self.began = time.monotonic()
        self._sleep(WARM)
        self.hiccup = 0.0  # what was before is not counted
        self._sleep(0.5)
        self._ask()
        self._sleep(1.0)

    def _sleep(self, share: float) -> None:
        """Until that share of the time is over, a moment at a time."""
        until = self.began + share * self._seconds
        while (now := time.monotonic()) < until:
            time.sleep(HOLD)
            self.hiccup = max(self.hiccup, time.monotonic() - now - HOLD)

    def _ask(self) -> None:
        if self._server is None:
            return
        with self._server.client() as client:
            mine = str(client.client_id())
            seen = [one for one in client.client_list() if one["id"] != mine]
        listening = [one for one in seen if one["sub"] != "0"]
        # One connection is that of the manager here, which made the session.
        self.connections, self.listening = (len(seen) - 1) / PROCESSES, len(listening) / PROCESSES
