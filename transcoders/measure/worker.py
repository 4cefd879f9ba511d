"""The worker process, `python -m transcoders.measure.worker`: one transcoder, timed when its turn comes.

It reads a job from stdin, checks that every variant survives the round trip, and replies with a line of JSON. A survey
ends there, with sizes and with loops for a value of the wanted length. Otherwise each further line on stdin names a
benchmark to time now; it is answered by an empty line. At the end of stdin everything timed is appended to the timing
file. A payload that does not come back the same gets no number.

The collector stays on, as in a web server; `gc.freeze` only keeps what was set up before out of its sight. A job is a
pickle, because payloads may hold any value; it comes through a pipe from the process that started this one.
"""

import dataclasses
import gc
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transcoders import Limits
from transcoders.chain import Chain
from transcoders.errors import MissingExtra, SpecError
from transcoders.measure import timings
from transcoders.measure.candidate import opened
from transcoders.measure.operations import Timed, calibrated, timed
from transcoders.measure.roundtrip import check
from transcoders.measure.sizes import Compress, sizes
from transcoders.spec import parse


@dataclass(frozen=True, slots=True)
class Job:
    """What one worker is to do.

    Attributes:
        payloads: the variants of each, by name.
        loops: by benchmark; empty for a survey, which finds them.
        append: the timing file; None for a survey.
    """

    spec: str
    payloads: Mapping[str, Sequence[object]]
    ops: tuple[str, ...]
    seconds: float
    cpu: int | None
    loops: Mapping[str, int]
    append: str | None


class Worker:
    """One transcoder with the payloads that it carries."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._subject = opened(job.spec)
        self.checks = {name: check(self._subject, variants) for name, variants in job.payloads.items()}
        self._variants = {name: variants for name, variants in job.payloads.items() if self.checks[name].ok}
        self._encoded = {name: [*map(self._subject.encode, variants)] for name, variants in self._variants.items()}

    def survey(self) -> dict[str, Any]:
        """The sizes of each payload, and the loops of each benchmark."""
        zstd = _zstd()
        return {
            "sizes": {name: asdict(sizes(encoded, zstd)) for name, encoded in self._encoded.items()},
            "loops": {f"{name}/{op}": calibrated(self._loop(name, op), self._job.seconds) for name, op in self._pairs},
        }

    def ready(self) -> None:
        """Set up the loops of every benchmark, and put all that there is by now out of the collector's sight."""
        # A payload that failed in the survey and not here has no loops, and gets no number.
        pairs = [(name, op) for name, op in self._pairs if f"{name}/{op}" in self._job.loops]
        self._benchmarks = {f"{name}/{op}": self._benchmark(name, op) for name, op in pairs}
        gc.collect()
        gc.freeze()

    def time(self, benchmark: str) -> None:
        """Time one value of the benchmark, after half of one that warms up what the turns of others cooled down."""
        if benchmark in self._benchmarks:
            self._benchmarks[benchmark].time()

    def timings(self) -> list[timings.Timing]:
        """Everything that was timed."""
        return [benchmark.timing() for benchmark in self._benchmarks.values()]

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        return [(name, op) for name in self._variants for op in self._job.ops]

    def _benchmark(self, name: str, op: str) -> "_Benchmark":
        return _Benchmark(name, op, self._loop(name, op), self._job.loops[f"{name}/{op}"], len(self._variants[name]))

    def _loop(self, name: str, op: str) -> Timed:
        return timed(op, self._subject, self._variants[name], self._encoded[name])


@dataclass(slots=True)
class _Benchmark:
    """One operation on one payload, and the seconds that it took so far."""

    payload: str
    op: str
    loop: Timed
    loops: int
    inner_loops: int
    warmups: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def time(self) -> None:
        self.warmups.append(self.loop(self._half))
        self.values.append(self.loop(self.loops))

    def timing(self) -> timings.Timing:
        return timings.Timing(
            payload=self.payload,
            op=self.op,
            loops=self.loops,
            inner_loops=self.inner_loops,
            warmups=tuple((self._half, _each(seconds, self._half * self.inner_loops)) for seconds in self.warmups),
            values=tuple(_each(seconds, self.loops * self.inner_loops) for seconds in self.values),
            duration=_each(sum(self.warmups) + sum(self.values), 1),
        )

    @property
    def _half(self) -> int:
        return -(-self.loops // 2)


def _each(seconds: float, times: int) -> float:
    """Seconds of one of so many operations, to six digits: further ones are noise, and half of the file."""
    return float(f"{seconds / times:.6g}")


def _zstd() -> Compress | None:
    """What compresses as the library's own zstd does, or None when that is not installed."""
    try:
        compressor = Chain(parse("json+zstd"), (), Limits()).filters[0]
    except MissingExtra:
        return None
    return lambda data: compressor.apply(data, b"", b"")


def send(job: Job) -> bytes:
    """The job as a worker takes it on stdin.

    Raises:
        SpecError: a payload holds what no other process can be sent.
    """
    fields = {item.name: getattr(job, item.name) for item in dataclasses.fields(job)}
    try:
        return pickle.dumps(fields, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as exc:
        raise SpecError(f"a payload holds what cannot be sent to the measuring process: {exc}") from exc


def serve(job: Job, lines: Iterable[bytes], reply: Callable[[str], object]) -> None:
    """Work through a job; `lines` name the benchmarks, `reply` is called with each line of the answer.

    Raises:
        SpecError: the spec cannot be opened here.
    """
    worker = Worker(job)
    report: dict[str, Any] = {"checks": {name: asdict(found) for name, found in worker.checks.items()}}
    if job.append is None:
        reply(json.dumps(report | worker.survey()))
        return
    known = timings.metadata() | {"transcoder": job.spec}
    worker.ready()
    if job.cpu is not None:  # only now: the workers of a round get ready side by side, on all cores
        os.sched_setaffinity(0, {job.cpu})
        known["cpu_affinity"] = str(job.cpu)
    reply(json.dumps(report))
    for line in lines:
        worker.time(line.decode().rstrip("\n"))
        reply("")
    timings.append(Path(job.append), worker.timings(), known)


def main() -> None:
    """Serve one job."""
    job = Job(**pickle.load(sys.stdin.buffer))  # noqa: S301 - written by the parent process
    replies = sys.stdout
    with redirect_stdout(sys.stderr):  # where a codec or a payload's class may print
        serve(job, sys.stdin.buffer, lambda text: print(text, file=replies, flush=True))


if __name__ == "__main__":
    main()
