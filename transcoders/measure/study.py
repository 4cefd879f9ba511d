"""The study: runs a plan, round by round, and leaves a run directory. Times nothing itself and prints nothing.

Interleaving is the point. On a noisy machine one transcoder measured against itself, one file after the other, was 28 %
off; taking turns within each round, for the same time, 0.3 %. What was done is logged when it is done, and a run that
was interrupted goes on with the round it was in.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from transcoders.errors import SpecError
from transcoders.measure import directory, machine, results, timings
from transcoders.measure.candidate import file_name
from transcoders.measure.comparison import Comparison
from transcoders.measure.crew import crew
from transcoders.measure.directory import FORMAT, Record, RunDirectory
from transcoders.measure.plan import Plan
from transcoders.measure.worker import Job


@dataclass(frozen=True, slots=True)
class Step:
    """Where a study stands.

    Attributes:
        done: steps that are finished, of `total`.
        what: what starts now, in words.
        seconds_left: the plan's estimate, corrected by how long the steps so far took.
    """

    done: int
    total: int
    what: str
    seconds_left: float


Progress = Callable[[Step], None]
"""Told before each step, and once at the end, when `done` equals `total`."""


def run(plan: Plan, path: Path, progress: Progress = lambda _: None, *, resume: bool = False) -> None:
    """Run the plan into the directory; with `resume`, only the rounds that are not there yet.

    Raises:
        SpecError: the directory holds a run and `resume` is not set, or the run of another plan; or the baseline
            carries none of the payloads.
        TranscoderError: a worker failed; its last words are in the message.
    """
    _Study(plan, RunDirectory(path), _Clock(plan, progress), resume=resume).run()


class _Clock:
    """Tells the progress, and how long the rest will take."""

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self._progress = progress
        self._done = 0
        self._total = len(plan.candidates) + plan.rounds * (1 + plan.values * len(plan.benchmarks))
        self._left = plan.duration
        self._planned = self._took = 0.0

    @contextmanager
    def step(self, what: str, planned: float) -> Iterator[None]:
        """A step that was planned to take so many seconds."""
        self._tell(what)
        started = perf_counter()
        yield
        self._took += perf_counter() - started
        self._planned += planned
        self._left -= planned
        self._done += 1

    def end(self) -> None:
        """Every step is done."""
        self._tell("done")

    def _tell(self, what: str) -> None:
        pace = self._took / self._planned if self._planned else 1.0
        self._progress(Step(self._done, self._total, what, max(0.0, self._left * pace)))


class _Study:
    def __init__(self, plan: Plan, files: RunDirectory, clock: _Clock, *, resume: bool) -> None:
        self._plan = plan
        self._files = files
        self._clock = clock
        self._record = self._resumed() if resume and files.run.exists() else self._begun()
        self._checks: Record = directory.read(files.checks) if files.checks.exists() else {}
        self._sizes: Record = directory.read(files.sizes) if files.sizes.exists() else {}

    def run(self) -> None:
        for spec in self._plan.specs:
            with self._clock.step(f"checking {spec}", self._plan.survey_seconds):
                if spec not in self._record["loops"]:
                    self._survey(spec)
        if not any(found["ok"] for found in self._checks[self._plan.baseline].values()):
            raise SpecError(f"the baseline {self._plan.baseline} carries none of the payloads: choose another")
        self._files.time("").parent.mkdir(exist_ok=True)
        present = {label: _rounds(self._files.time(label)) for label in self._plan.slots}
        for round_ in range(self._plan.rounds):
            self._round(round_, [label for label in self._plan.slots if present[label] <= round_])
        self._record["noise_floor"] = asdict(Comparison(results.load(self._files.path)).floor)
        self._save()
        self._clock.end()

    def _survey(self, spec: str) -> None:
        with crew({spec: self._job(spec, loops={}, append=None)}) as surveyor:
            report = surveyor.reports[spec]
        self._checks[spec] = report["checks"]
        self._sizes[spec] = report["sizes"]
        self._record["loops"][spec] = report["loops"]
        self._record["calls"][spec] = report["calls"]
        self._save()

    def _round(self, round_: int, missing: list[str]) -> None:
        """One process for each transcoder; each benchmark by all of them in turn, in an order that keeps changing."""
        benchmarks = self._plan.benchmarks * self._plan.values
        words = f"round {round_ + 1} of {self._plan.rounds}"
        planned = self._plan.round_seconds / (1 + len(benchmarks))
        started = _now()
        jobs = {label: self._timing_job(label) for label in self._plan.order(round_) if label in missing}
        with ExitStack() as stack:
            with self._clock.step(f"{words}: starting", planned):
                workers = stack.enter_context(crew(jobs))
                self._note_failures(workers.reports)
            for turn, benchmark in enumerate(benchmarks, round_):
                with self._clock.step(f"{words}: {benchmark}", planned):
                    workers.time(benchmark, [label for label in self._plan.order(turn) if label in missing])
        if missing:
            self._record["order"].append({"round": round_, "started": started, "ended": _now(), "workers": list(jobs)})
            self._save()

    def _note_failures(self, reports: Mapping[str, Record]) -> None:
        """A payload may come back whole under one hash seed and not under the next: it fails when it fails once."""
        for label, report in reports.items():
            for name, found in report["checks"].items():
                if not found["ok"]:
                    self._checks[self._plan.slots[label]][name] = found

    def _timing_job(self, label: str) -> Job:
        spec = self._plan.slots[label]
        return self._job(spec, loops=self._record["loops"][spec], append=str(self._files.time(label)))

    def _job(self, spec: str, *, loops: Mapping[str, int], append: str | None) -> Job:
        plan = self._plan
        payloads = {subject.payload.name: subject.payload.variants for subject in plan.subjects}
        url = plan.via.url if plan.via else None
        return Job(spec, payloads, plan.ops, plan.seconds, plan.cpu, loops, append, url, plan.requests)

    def _begun(self) -> Record:
        if self._files.run.exists():
            raise SpecError(f"{self._files.path} holds a run already: resume it, or give another directory")
        return {
            "format": FORMAT,
            "started": _now(),
            "plan": _recorded(self._plan),
            "machine": machine.machine(),
            "versions": machine.versions(),
            "commit": machine.commit(),
            "loops": {},
            "calls": {},
            "order": [],
        }

    def _resumed(self) -> Record:
        record = directory.read(self._files.run)
        if record["plan"] != json.loads(json.dumps(_recorded(self._plan))):
            raise SpecError(f"{self._files.path} holds the run of another plan: give its options, or another directory")
        return record

    def _save(self) -> None:
        directory.write(self._files.checks, self._checks)
        directory.write(self._files.sizes, self._sizes)
        directory.write(self._files.run, self._record)


def _recorded(plan: Plan) -> Record:
    """The plan with the names of its files, and without the values of its payloads."""
    return {
        "candidates": [asdict(found) for found in plan.candidates],
        "baseline": plan.baseline,
        "sources": plan.sources,
        "payloads": [
            {
                "name": subject.payload.name,
                "note": subject.payload.note,
                "fingerprint": subject.fingerprint,
                "profile": subject.profile.row(),
            }
            for subject in plan.subjects
        ],
        "ops": plan.ops,
        "rounds": plan.rounds,
        "values": plan.values,
        "seconds": plan.seconds,
        "cpu": plan.cpu,
        "files": {label: file_name(label) for label in plan.slots},
        "via": plan.via.shown if plan.via else None,
        "requests": plan.requests,
    }


def _rounds(path: Path) -> int:
    """How many rounds a timing file holds already."""
    return max(map(len, timings.load(path).values()), default=0)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
