"""A run: contests of payloads and codecs one after another, and what has to be known to repeat it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from bench.peers.contest import Contest, hold
from bench.peers.roster import roster
from bench.peers.values import PAYLOADS
from bench.peers.verdict import Verdict, judge
from transcoders.measure.machine import commit, machine, versions

_PACKAGES = (
    *("transcoders", "msgspec", "serpyco-rs", "pydantic", "cattrs", "attrs", "mashumaro", "itsdangerous"),
    *("msgspec-cbor", "cbor2", "libipld", "msgpack", "orjson"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured, when, and on what.

    Attributes:
        command: which repeats it.
        seconds: that it took.
        absent: files of peers that could not be loaded, and why.
    """

    command: str
    turns: int
    made: str
    seconds: float
    machine: dict[str, str]
    versions: dict[str, str]
    commit: str | None
    absent: dict[str, str]
    contests: tuple[Contest, ...]

    @property
    def verdicts(self) -> list[Verdict]:
        """Of all contests."""
        return [verdict for contest in self.contests for verdict in judge(contest)]


def run(payloads: Sequence[str], codecs: Sequence[str], turns: int, command: str, say: Callable[[str], None]) -> Run:
    """Hold the contests of those payloads and codecs; `say` hears which one is on."""
    made, start = datetime.now(UTC), perf_counter()
    pipelines, absent = roster()
    contests = []
    for payload in PAYLOADS:
        for codec in codecs if payload.name in payloads else ():
            say(f"{payload.name} {codec}")
            if contest := hold(payload, codec, pipelines, turns):
                contests.append(contest)
    return Run(
        command,
        turns,
        made.strftime("%Y-%m-%d %H:%M UTC"),
        perf_counter() - start,
        machine(),
        versions(_PACKAGES),
        commit(),
        absent,
        tuple(contests),
    )
