"""Results: everything that a run directory says, read and typed. It computes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcoders.difference import Difference
from transcoders.errors import SpecError
from transcoders.measure import directory, timings
from transcoders.measure.candidate import Candidate
from transcoders.measure.directory import FORMAT, RunDirectory
from transcoders.measure.plan import CONTROLS
from transcoders.measure.roundtrip import Check
from transcoders.measure.sizes import Sizes

Rounds = tuple[tuple[float, ...], ...]
"""Seconds per operation: the values of each round. The same place of two transcoders is the same turn."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A payload as it was measured: the columns of its profile, and the digest of its values."""

    name: str
    note: str
    fingerprint: str
    profile: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run.

    Attributes:
        times: by label (a spec or a control), payload and operation; absent where the round trip failed.
        sizes, checks: by spec and payload.
        values: timed values behind each round.
        order: start, end and labels of each round, as they ran.
        via: the store of whole requests; None when they were not measured.
        parts: of whole requests, timed like them.
        calls: of the store, by spec, payload and request.
    """

    path: Path
    started: str
    candidates: tuple[Candidate, ...]
    baseline: str
    sources: tuple[str, ...]
    payloads: tuple[Measured, ...]
    ops: tuple[str, ...]
    rounds: int
    values: int
    seconds: float
    cpu: int | None
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    commit: str | None
    files: Mapping[str, str]
    loops: Mapping[str, Mapping[str, int]]
    order: tuple[Mapping[str, Any], ...]
    times: Mapping[tuple[str, str, str], Rounds]
    sizes: Mapping[tuple[str, str], Sizes]
    checks: Mapping[tuple[str, str], Check]
    via: str | None = None
    requests: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    calls: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)

    @property
    def specs(self) -> tuple[str, ...]:
        """The canonical specs, in the order of the plan."""
        return tuple(found.spec for found in self.candidates)

    def candidate(self, spec: str) -> Candidate:
        """What is known of the transcoder."""
        return next(found for found in self.candidates if found.spec == spec)


def load(path: Path) -> Results:
    """The results in a run directory.

    Raises:
        SpecError: the directory holds no run, an unfinished one, or one of another format.
    """
    files = RunDirectory(path)
    record = directory.read(files.run)
    if record.get("format") != FORMAT:
        raise SpecError(f"expected a run of format {FORMAT}, found {record.get('format')}: measure again")
    plan = record["plan"]
    checks = _by_pair(directory.read(files.checks), _check)
    return Results(
        path=path,
        started=record["started"],
        candidates=tuple(Candidate(**found) for found in plan["candidates"]),
        baseline=plan["baseline"],
        sources=tuple(plan["sources"]),
        payloads=tuple(Measured(**found) for found in plan["payloads"]),
        ops=tuple(plan["ops"]),
        rounds=plan["rounds"],
        values=plan["values"],
        seconds=plan["seconds"],
        cpu=plan["cpu"],
        machine=record["machine"],
        versions=record["versions"],
        commit=record["commit"],
        files=plan["files"],
        loops=record["loops"],
        order=tuple(record["order"]),
        times=_times(files, plan, checks),
        sizes=_by_pair(directory.read(files.sizes), lambda found: Sizes(**found)),
        checks=checks,
        # Runs of earlier releases know nothing of requests.
        via=plan.get("via"),
        requests=tuple(op for op in plan.get("requests", ()) if ":" not in op),
        parts=tuple(op for op in plan.get("requests", ()) if ":" in op),
        calls=record.get("calls", {}),
    )


def _times(
    files: RunDirectory, plan: Mapping[str, Any], checks: Mapping[tuple[str, str], Check]
) -> dict[tuple[str, str, str], Rounds]:
    specs = {found["spec"]: found["spec"] for found in plan["candidates"]} | dict.fromkeys(CONTROLS, plan["baseline"])
    times: dict[tuple[str, str, str], Rounds] = {}
    for label, spec in specs.items():
        for benchmark, runs in timings.load(files.time(label)).items():
            payload, _, op = benchmark.partition("/")
            if not checks[spec, payload].ok:
                continue
            if len(runs) != plan["rounds"]:
                raise SpecError(
                    f"{files.path}: expected {plan['rounds']} rounds of {label}, found {len(runs)}: resume it"
                )
            times[label, payload, op] = tuple(runs)
    return times


def _by_pair(record: Mapping[str, Any], read: Callable[[dict[str, Any]], Any]) -> dict[tuple[str, str], Any]:
    return {
        (spec, payload): read(found) for spec, by_payload in record.items() for payload, found in by_payload.items()
    }


def _check(found: dict[str, Any]) -> Check:
    differs = found["found"]
    return Check(**found | {"found": Difference(**differs) if isinstance(differs, dict) else differs})
