"""`transcoders bench`: from what was typed to a run on disk and a verdict on the terminal."""

import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from transcoders.cli import console
from transcoders.errors import SpecError
from transcoders.measure.operations import OPERATIONS
from transcoders.measure.plan import DEFAULT, FAST, PAYLOADS, RIGOROUS, SPECS, VIA_OPS, VIA_PAYLOADS, Plan, plan
from transcoders.measure.report import Report, render
from transcoders.measure.shares import LAYERS, shares
from transcoders.measure.study import Step, run
from transcoders.measure.via import via

RUNS = Path("results") / "runs"
PRESETS = {"fast": FAST, "rigorous": RIGOROUS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was typed."""

    specs: tuple[str, ...]
    payloads: tuple[str, ...]
    ops: str | None
    rounds: int | None
    preset: str | None
    baseline: str
    affinity: str
    label: str
    output: Path | None
    resume: bool
    via: str | None = None

    def plan(self) -> Plan:
        """The plan it asks for; raises SpecError."""
        usual = (VIA_PAYLOADS, VIA_OPS) if self.via else (PAYLOADS, tuple(OPERATIONS))
        return plan(
            self.specs or SPECS,
            self.payloads or usual[0],
            self.ops.split(",") if self.ops else usual[1],
            preset=PRESETS.get(self.preset or "", DEFAULT),
            rounds=self.rounds,
            baseline=self.baseline,
            affinity=self._affinity(),
            via=via(self.via) if self.via else None,
        )

    def folder(self) -> Path:
        """Where the run goes: results/runs/DATE-MACHINE-LABEL, with a number where that exists."""
        if self.output:
            return self.output
        if self.resume:
            raise SpecError("--resume needs --output: the folder of the run to go on with")
        if not re.fullmatch(r"[\w.-]{1,60}", self.label):
            raise SpecError(f"--label takes letters, digits, dots and dashes, not {self.label!r}")
        version = "".join(platform.python_version_tuple()[:2])
        name = f"{datetime.now(UTC):%Y-%m-%d}-{platform.system().lower()}-{platform.machine()}-py{version}-{self.label}"
        folders = (RUNS / (name + (f"-{number}" if number > 1 else "")) for number in range(1, 1000))
        return next(folder for folder in folders if not folder.exists())

    def _affinity(self) -> int | Literal["auto", "none"]:
        if self.affinity in {"auto", "none"}:
            return "auto" if self.affinity == "auto" else "none"
        if not self.affinity.isdecimal():
            raise SpecError(f"--affinity takes a CPU number, auto or none, not {self.affinity!r}")
        return int(self.affinity)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run."""

    folder: Path
    report: Report

    @property
    def noise(self) -> float:
        """The noise floor of the verdict, as a share."""
        return self.report.verdict.floor.overall

    def record(self) -> dict[str, Any]:
        """The verdict as JSON holds it."""
        verdict = self.report.verdict
        return {
            "winner": verdict.winner,
            "sentence": verdict.sentence,
            "runner_up": verdict.runner_up,
            "noise_floor": self.noise,
            "baseline": verdict.baseline,
            "mix": list(verdict.mix),
            "rows": [
                {"rank": row.rank, "tie": row.tie, "spec": row.spec, "time": row.time.median, "low": row.time.low,
                 "high": row.time.high, "bytes": row.bytes}
                for row in verdict.rows
            ],
            "excluded": verdict.excluded,
            "advice": list(verdict.advice),
            "folder": str(self.folder),
            "report": str(self.folder / "report.html"),
            "cost": list(self.report.comparison.cost),
            "via": self.report.comparison.results.via,
            "requests": self._requests(),
        }  # fmt: skip

    def _requests(self) -> list[dict[str, Any]]:
        """Whole requests by transcoder, in microseconds; nothing when they were not measured."""
        comparison = self.report.comparison
        if not comparison.results.via:
            return []
        return [
            {
                "spec": spec,
                "request": request,
                **{layer: round(getattr(parts, layer) * 1e6, 3) for layer in LAYERS},
                "calls": {name: comparison.results.calls[spec][name][request] for name in comparison.mix},
            }
            for spec in comparison.ranked
            for request in comparison.cost
            for parts in [shares(comparison, spec, request)]
        ]

    def show(self) -> None:
        """Print the verdict, its table, and where the report lies."""
        verdict = self.report.verdict
        columns = [("rank", True), ("transcoder", False), ("time", True), ("95 % interval", True), ("bytes", True)]
        rows = [
            (
                f"{row.rank}{' tie' if row.tie else ''}",
                row.spec,
                f"{row.time.median:.2f}",
                f"{row.time.low:.2f} to {row.time.high:.2f}",
                f"{row.bytes:.2f}",
            )
            for row in verdict.rows
        ]
        cost = " + ".join(self.report.comparison.cost)
        where = f" on {self.report.comparison.results.via}" if self.report.comparison.results.via else ""
        console.table(f"{cost}{where}, and bytes, as ratios to {verdict.baseline}", columns, rows)
        self._show_requests()
        for line in (verdict.sentence, verdict.runner_up, *verdict.advice):
            if line:
                console.say(line)
        for spec, reason in verdict.excluded.items():
            console.say(f"Left out: {spec}: {reason}")
        console.say(f"Noise floor of this run: {self.noise:.1%}; nearer than {verdict.floor.overall_tie:.1%} is a tie.")
        console.say(f"Report: {self.folder / 'report.html'}")

    def _show_requests(self) -> None:
        """Print where the time of whole requests goes."""
        found = self._requests()
        if found:
            columns = [("transcoder", False), ("request", False), ("µs", True), *((layer, True) for layer in LAYERS)]
            rows = [
                (one["spec"], one["request"], f"{sum(one[layer] for layer in LAYERS):.1f}",
                 *(f"{one[layer]:.1f}" for layer in LAYERS))
                for one in found
            ]  # fmt: skip
            console.table("where the time of a request goes, µs, mean over the payloads", columns, rows)


def bench(request: Request, *, quiet: bool) -> Outcome:
    """The outcome of the study that was asked for.

    Raises:
        SpecError: something in the request is wrong; MissingExtra when a package is missing.
    """
    planned, folder = request.plan(), request.folder()
    with console.progress("measuring", quiet=quiet) as advance:

        def show(step: Step) -> None:
            advance(step.done, step.total, f"{step.what}, {step.seconds_left:.0f} s left")

        run(planned, folder, show, resume=request.resume)
    return Outcome(folder, render(folder))
