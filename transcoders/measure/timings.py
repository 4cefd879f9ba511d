"""Timing files: pyperf's format, written and read by pyperf itself. The only file that imports pyperf.

pyperf's `Runner` starts one process for each benchmark and worker: 64 benchmarks of 8 transcoders in 6 rounds would be
3,072 processes and a quarter of an hour. It can time many benchmarks in one process only through options that its
documentation reserves for internal use (`--worker`), so this file takes the public parts instead: `Run`, `Benchmark`,
`BenchmarkSuite`, `add_runs`, and pyperf's own collection of metadata. What `--append` would write is what is written.

No host name and no path may get into a file that is published: metadata pass through a list of what is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from transcoders.errors import MissingExtra

Metadata = dict[str, str | int | float | list[str]]

_KEPT = frozenset({
    "aslr", "cpu_affinity", "cpu_config", "cpu_count", "cpu_freq", "cpu_machine", "cpu_model_name", "date",
    "load_avg_1min", "perf_version", "platform", "python_compiler", "python_gc", "python_hash_seed",
    "python_implementation", "python_version", "timer",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timing:
    """What one worker process measured of one benchmark: one pyperf run.

    Attributes:
        payload: the payload's name, also the tag by which pyperf groups its tables.
        op: the operation's name.
        loops: outer loops of each value; `inner_loops` is the number of variants that each of them goes through.
        warmups: what is not counted: the loops, and seconds per operation.
        values: what is counted, in seconds per operation.
        duration: seconds for all of it.
    """

    payload: str
    op: str
    loops: int
    inner_loops: int
    warmups: tuple[tuple[int, float], ...]
    values: tuple[float, ...]
    duration: float

    @property
    def name(self) -> str:
        """The benchmark's name; it leaves the transcoder out, so that files of two transcoders compare."""
        return f"{self.payload}/{self.op}"


def metadata() -> Metadata:
    """What pyperf knows of this process and machine, host name and paths left out."""
    collected: Metadata = _pyperf().Run([1.0]).get_metadata()
    return {name: value for name, value in collected.items() if name in _KEPT}


def append(path: Path, timings: Iterable[Timing], shared: Mapping[str, str | int | float | list[str]]) -> None:
    """Add one run to each benchmark of the file, as pyperf's `--append` does; `shared` metadata goes to all."""
    pyperf = _pyperf()
    benchmarks = [pyperf.Benchmark([_run(pyperf, timing, shared)]) for timing in timings]
    if benchmarks:
        pyperf.add_runs(str(path), pyperf.BenchmarkSuite(benchmarks))


def _run(pyperf: ModuleType, timing: Timing, shared: Mapping[str, str | int | float | list[str]]) -> object:
    return pyperf.Run(
        timing.values,
        warmups=timing.warmups,
        metadata={
            **shared,
            "name": timing.name,
            "tags": [timing.payload],
            "unit": "second",
            "loops": timing.loops,
            "inner_loops": timing.inner_loops,
            "duration": timing.duration,
        },
        collect_metadata=False,
    )


def load(path: Path) -> dict[str, list[tuple[float, ...]]]:
    """The values of each benchmark in the file, by run; nothing when there is no file."""
    if not path.exists():
        return {}
    suite = _pyperf().BenchmarkSuite.load(str(path))
    return {benchmark.get_name(): [run.values for run in benchmark.get_runs()] for benchmark in suite}


def _pyperf() -> ModuleType:
    try:
        import pyperf  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise MissingExtra("timing", "bench") from exc
    module: ModuleType = pyperf
    return module
