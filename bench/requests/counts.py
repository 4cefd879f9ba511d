"""Counts: the commands and round trips of a request, in the words of the server.

`INFO commandstats` counts what scripts call inside as well; MONITOR says which those are, and they are told apart. A
round trip is a read of the server from its socket (`total_reads_processed`): commands that came together are one, while
one command of many kB may take several.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.servers import Server

REQUESTS = 16
"""Requests that are counted."""
_PREFIX = "cmdstat_"
_END = "end-of-count"


@dataclass(frozen=True, slots=True)
class Counts:
    """What one request sends, on average.

    Attributes:
        commands: by name, sent by the client.
        inside: by name, called by scripts.
        trips: reads of the server.
    """

    commands: dict[str, float]
    inside: dict[str, float]
    trips: float

    @property
    def sent(self) -> float:
        """Commands in all."""
        return sum(self.commands.values())

    def __str__(self) -> str:
        names = ", ".join(f"{_number(count)} {name}" for name, count in self.commands.items()) or "nothing"
        inside = " ".join(f"{_number(count)} {name}" for name, count in self.inside.items())
        return f"{names}; inside: {inside}" if inside else names


def count(server: Server, once: Callable[[], object], requests: int = REQUESTS) -> Counts:
    """The counts of one request, over so many; it was made before, so that scripts and connections are there."""
    with server.client() as look:
        inside = _inside(look, once)
        before = _state(look)
        for _ in range(requests):
            once()
        after = _state(look)
    calls = after[0] - before[0]
    commands = {name: (number / requests) - inside[name] for name, number in calls.items() if name != "info"}
    return Counts(
        {name: number for name, number in sorted(commands.items()) if number > 0},
        dict(sorted(inside.items())),
        (after[1] - before[1] - 1) / requests,  # one is our own look
    )


def _state(look: Any) -> tuple[Counter[str], int]:
    """Calls of each command, and reads, until now."""
    facts = look.info("everything")
    calls = {name.removeprefix(_PREFIX): facts[name]["calls"] for name in facts if name.startswith(_PREFIX)}
    return Counter(calls), facts["total_reads_processed"]


def _inside(look: Any, once: Callable[[], object]) -> Counter[str]:
    """What scripts call in one request."""
    found: Counter[str] = Counter()
    with look.monitor() as monitor:
        once()
        look.echo(_END)
        while _END not in (entry := monitor.next_command())["command"]:
            if entry["client_type"] == "lua":
                found[entry["command"].split(maxsplit=1)[0].lower()] += 1
    return found


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
