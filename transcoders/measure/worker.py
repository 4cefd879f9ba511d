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
from typing import TYPE_CHECKING, Any

from transcoders import Limits
from transcoders.chain import Chain
from transcoders.errors import DecodeError, EncodeError, MissingExtra, SpecError
from transcoders.measure import timings
from transcoders.measure.candidate import opened
from transcoders.measure.operations import Timed, calibrated, timed
from transcoders.measure.roundtrip import Check, check
from transcoders.measure.sizes import Compress, sizes
from transcoders.spec import parse

if TYPE_CHECKING:
    from transcoders.measure.requests import Place, Requests


@dataclass(frozen=True, slots=True)
class Job:
    """What one worker is to do.

    Attributes:
        payloads: the variants of each, by name.
        loops: by benchmark; empty for a survey, which finds them.
        append: the timing file; None for a survey.
        via: the URL of the store that requests go through; None for no requests.
        requests: which ones, and parts of them.
    """

    spec: str
    payloads: Mapping[str, Sequence[object]]
    ops: tuple[str, ...]
    seconds: float
    cpu: int | None
    loops: Mapping[str, int]
    append: str | None
    via: str | None = None
    requests: tuple[str, ...] = ()


class Worker:
    """One transcoder with the payloads that it carries; `close` it.

    Raises:
        SpecError: the spec cannot be opened here.
        StoreError: the store of the requests fails.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._subject = opened(job.spec)
        self.checks = {name: check(self._subject, variants) for name, variants in job.payloads.items()}
        self._variants = {name: variants for name, variants in job.payloads.items() if self.checks[name].ok}
        self._encoded = {name: [*map(self._subject.encode, variants)] for name, variants in self._variants.items()}
        self._place: Place | None = None
        self._requests = {} if job.via is None else self._stored(job.via)

    def _stored(self, url: str) -> "dict[str, Requests]":
        """The requests of each payload whose sessions come back as they were put in; the others fail."""
        from transcoders.measure.requests import Place, Requests  # noqa: PLC0415 - what few need costs all time to load

        place = self._place = Place(url, self._subject)
        found = {}
        for name, variants in list(self._variants.items()):
            try:
                requests = Requests(place, variants)
                differs = requests.differing()
            except (EncodeError, DecodeError) as error:
                differs = f"as a session: {type(error).__name__}: {error}"
            if differs:
                self.checks[name] = Check(ok=False, stable=self.checks[name].stable, found=differs)
                del self._variants[name]
            else:
                found[name] = requests
        return found

    def close(self) -> None:
        """End the sessions that were stored."""
        if self._place is not None:
            self._place.close()

    def survey(self) -> dict[str, Any]:
        """The sizes of each payload, the loops of each benchmark, and how often each request calls the store."""
        zstd = _zstd()
        return {
            "sizes": {name: asdict(sizes(self._encoded[name], zstd)) for name in self._variants},
            "calls": {name: requests.calls() for name, requests in self._requests.items()},
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
        return [(name, op) for name in self._variants for op in (*self._job.ops, *self._job.requests)]

    def _benchmark(self, name: str, op: str) -> "_Benchmark":
        count = self._requests[name].count if op in self._job.requests else len(self._variants[name])
        return _Benchmark(name, op, self._loop(name, op), self._job.loops[f"{name}/{op}"], count)

    def _loop(self, name: str, op: str) -> Timed:
        if op in self._job.requests:
            return self._requests[name].loop(op)
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
        StoreError: the store of the requests fails.
    """
    worker = Worker(job)
    try:
        _serve(worker, job, lines, reply)
    finally:
        worker.close()


def _serve(worker: Worker, job: Job, lines: Iterable[bytes], reply: Callable[[str], object]) -> None:
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
