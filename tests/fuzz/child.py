"""One target in its own process: limits, the fuzzing loop, and what was found, as lines of JSON on its output.

An input is written to the box, a file in memory, before it is checked, so that the parent knows what killed this
process: five seconds of work on one input (SIGPROF), a crash of a library, or the end of its address space.
"""

import argparse
import contextlib
import hashlib
import json
import math
import mmap
import os
import pkgutil
import re
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.fuzz.mutation import LONGEST
from tests.fuzz.shrinking import shrunk

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

SECONDS = 5
"""Of work on one input."""
MEMORY = 1 << 30
BOX = (2 << 20) + 8
Mutate = Callable[[bytes, Random], bytes]
_TOLD = 9
"""The descriptor of what this process tells its parent."""
_TRIES, _PATIENCE = 3000, 10


def limit() -> None:
    """Limit the address space of this process, and let work beyond its time end it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


def signature(error: BaseException) -> str:
    """The kind of a failure: its type, where it was raised, and its message without details."""
    if isinstance(error, RecursionError | MemoryError):
        return type(error).__name__
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).stem}.{last.name}"
    message = str(error).encode("utf-8", "backslashreplace").decode()
    return f"{type(error).__name__} in {place}: {re.sub(r'[0-9]+', 'N', message)[:80]}"


class Run:
    """What happened so far to the inputs of one target."""

    def __init__(self, target: "Target", box: mmap.mmap, seconds: float) -> None:
        self._target, self._box, self._seconds = target, box, seconds
        self._start, self._end = time.monotonic(), math.inf
        self._next, self._count = self._start + 1, 0
        self._kinds: Counter[str] = Counter()
        self._outcomes: set[str] = set()
        self._bugs: set[str] = set()
        self._new: dict[str, bytes] | None = None

    def __call__(self, data: bytes) -> bool:
        """Check the input; whether its outcome is a new one. Ends the process when the time is up."""
        now = time.monotonic()
        if now > min(self._next, self._end):
            self._tell(now)
        found = self._checked(data)
        self._count += 1
        self._kinds[found.partition(":")[0]] += 1
        new = found not in self._outcomes
        self._outcomes.add(found)
        if self._new is not None and (new or len(data) < len(self._new.get(found, b""))):
            self._new[found] = data
        return new

    def check(self, data: bytes) -> None:
        """The same for a caller that wants no answer."""
        self(data)

    def start(self) -> None:
        """From here on, outcomes are news, and the time runs."""
        self._start, self._count, self._new = time.monotonic(), 0, {}
        self._end = self._start + self._seconds

    def _checked(self, data: bytes) -> str:
        try:
            return self._once(data)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a bug
            kind = signature(error)
            if kind not in self._bugs:
                self._bugs.add(kind)
                end = time.monotonic() + _PATIENCE
                short = shrunk(data, lambda piece: time.monotonic() < end and self._fails(piece, kind), _TRIES)
                _say(bug=kind, data=data.hex(), shrunk=short.hex())
            return "BUG"

    def _once(self, data: bytes) -> str:
        self._box[:8] = len(data).to_bytes(8, "big")
        self._box[8 : 8 + len(data)] = data
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        return self._target.check(data)

    def _fails(self, data: bytes, kind: str) -> bool:
        try:
            self._once(data)
        except BaseException as error:  # noqa: BLE001 - as above
            return signature(error) == kind
        return False

    def _tell(self, now: float) -> None:
        self._next = now + 1
        seconds = 0 if self._new is None else now - self._start
        _say(runs=self._count, seconds=seconds, kinds=dict(self._kinds), new=len(self._new or ()))
        if now > self._end:
            _say(found={name: data.hex() for name, data in (self._new or {}).items()})
            os._exit(0)  # libFuzzer's loop has no other end


def by_outcome(run: Run, mutate: Mutate, seeds: list[bytes], seed: int) -> None:
    """Mutate and check until the run ends the process; inputs with new outcomes are mutated in turn."""
    rng, inputs = Random(seed), list(seeds) or [b""]  # noqa: S311 - to be the same again
    while True:
        data = mutate(rng.choice(inputs), rng)
        if run(data):
            inputs.append(data)


def by_coverage(run: Run, mutate: Mutate, seed: int, pool: Path) -> None:
    """The same under libFuzzer, which takes inputs from the pool and adds those that reach new lines of the package."""
    import atheris

    def mutated(data: bytes, most: int, number: int) -> bytes:
        rng = Random(number)  # noqa: S311 - to be the same again
        try:
            changed = atheris.Mutate(data, most) if rng.random() < 0.2 else mutate(data, rng)
        except Exception:  # noqa: BLE001 - libFuzzer would wait for ever
            traceback.print_exc()
            os._exit(1)
        return changed[:most]

    limits = (
        f"-max_len={LONGEST}",
        "-len_control=0",
        "-rss_limit_mb=0",
        "-timeout=1000000",
        f"-artifact_prefix={pool.parent}/",
    )
    signals = (
        f"-handle_{name}=0" for name in ("abrt", "bus", "fpe", "ill", "int", "segv", "term", "usr1", "usr2", "xfsz")
    )
    options = (f"-seed={seed % (1 << 32) or 1}", "-verbosity=0", *limits, *signals, str(pool))
    atheris.Setup([sys.argv[0], *options], run.check, custom_mutator=mutated)
    atheris.Fuzz()


def _say(**found: Any) -> None:
    os.write(_TOLD, json.dumps(found).encode() + b"\n")


def _loaded(name: str) -> "Target":
    if ":" in name:
        return pkgutil.resolve_name(name)
    from tests.fuzz.targets import target

    return target(name)


def digest(data: bytes) -> str:
    """The name of an input that has no other."""
    return hashlib.sha256(data).hexdigest()[:16]


def main() -> None:
    """Replay one input, or fuzz for so many seconds."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.child")
    parser.add_argument("target")
    parser.add_argument("directory", type=Path, help="the box, and a place for a pool")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip", default="", help="digests of inputs to leave out; nor are bombs checked again")
    parser.add_argument("--replay", type=Path, help="check this input alone")
    given = parser.parse_args()
    limit()
    os.dup2(1, _TOLD)
    os.dup2(2, 1)  # where libFuzzer and libraries print
    with (given.directory / "box").open("r+b") as file:
        box = mmap.mmap(file.fileno(), BOX)
    if given.replay:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        _loaded(given.target).check(given.replay.read_bytes())
        return
    try:
        import atheris
    except ImportError:
        atheris = None
    with atheris.instrument_imports(include=["transcoders"]) if atheris else contextlib.nullcontext():
        target = _loaded(given.target)
    run = Run(target, box, given.seconds)
    inputs = dict.fromkeys([*target.corpus().values(), *target.seeds()])
    seeds = [data for data in inputs if digest(data) not in given.skip.split(",")]
    for data in (*seeds, *(() if given.skip else target.bombs())):
        run(data)
    run.start()
    if atheris is None:
        by_outcome(run, target.mutator(), seeds, given.seed)
    pool = given.directory / "pool"
    pool.mkdir(exist_ok=True)
    for data in seeds:
        (pool / digest(data)).write_bytes(data)
    by_coverage(run, target.mutator(), given.seed, pool)


if __name__ == "__main__":
    main()
