"""python -m tests.fuzz [TARGET …] --seconds 60 --seed 0: each target in a child; 1 is the exit code of a bug.

Failing inputs are saved under tests/fuzz/crashes/<target>/, as they were found and shrunk. With --grow, the shortest
input of each new outcome joins the corpus.
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fuzz.child import BOX, digest
from tests.fuzz.shrinking import shrunk
from tests.fuzz.target import CORPUS
from tests.fuzz.targets import LEFT_OUT, TARGETS

CRASHES = Path(__file__).parent / "crashes"
_CHILD = (sys.executable, "-m", "tests.fuzz.child")
_DEATHS = 4
"""Deaths of children after which a target is given up."""
_TRIES, _TOLD = 12, 3000
_MOST, _LONGEST = 40, 300
"""Files of a target's corpus, and bytes of each, up to which --grow adds to it."""


class Hunt:
    """The children of one target, one after another when they die, and what they told."""

    def __init__(self, name: str, seconds: float, seed: int, crashes: Path = CRASHES) -> None:
        self.name, self.seconds, self.seed = name, seconds, seed
        self.bugs: dict[str, Path] = {}
        self.found: dict[str, bytes] = {}
        self._crashes = crashes / _slug(name)
        self._kinds: Counter[str] = Counter()
        self._runs, self._spent, self._new = 0, 0.0, 0

    def __call__(self) -> None:
        """Run until the time is up."""
        skipped: list[str] = []
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place)
            for death in range(_DEATHS):
                (directory / "box").write_bytes(bytes(BOX))
                left = max(self.seconds - self._spent, 0.1)
                more = (f"--seconds={left}", f"--seed={self.seed + death}", f"--skip={','.join(skipped)}")
                code = self._run(directory, *more)
                if code == 0:
                    return
                if code > 0:
                    self._broken((directory / "errors").read_text(errors="replace"))
                    return
                box = (directory / "box").read_bytes()
                data = box[8 : 8 + int.from_bytes(box[:8], "big")]
                skipped.append(digest(data))
                why = signal.Signals(-code).name
                why += ": more than 5 seconds of work on one input" if why == "SIGPROF" else ""
                self._save(f"killed by {why}", data, shrunk(data, lambda piece: self._dies(directory, piece), _TRIES))

    def _run(self, directory: Path, *more: str) -> int:
        command, told = [*_CHILD, self.name, str(directory), *more], {}
        with (
            (directory / "errors").open("wb") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as child,  # noqa: S603 - our own module
        ):
            for line in child.stdout or ():
                told = self._heard(told, json.loads(line))
            code = child.wait()
        self._runs, self._spent = self._runs + told.get("runs", 0), self._spent + told.get("seconds", 0)
        self._kinds.update(told.get("kinds", {}))
        return code

    def _broken(self, errors: str) -> None:
        last = next((line for line in reversed(errors.splitlines()) if "Error" in line), "no error was told")
        self.bugs[f"the target is broken: {last}"] = self._crashes
        sys.stdout.write(f"\n{errors[-_TOLD:]}\n  BUG {self.name}: the target is broken: {last}\n")

    def _heard(self, told: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        if "bug" in line:
            self._save(line["bug"], bytes.fromhex(line["data"]), bytes.fromhex(line["shrunk"]))
        elif "found" in line:
            self.found |= {name: bytes.fromhex(data) for name, data in line["found"].items()}
        else:
            self._new = line["new"]
            return line
        return told

    def _dies(self, directory: Path, data: bytes) -> bool:
        (directory / "input").write_bytes(data)
        command = [*_CHILD, self.name, str(directory), f"--replay={directory / 'input'}"]
        return subprocess.run(command, capture_output=True, check=False).returncode < 0  # noqa: S603 - our own module

    def _save(self, kind: str, data: bytes, short: bytes) -> None:
        self._crashes.mkdir(parents=True, exist_ok=True)
        name = _slug(kind)
        (self._crashes / f"{name}.found").write_bytes(data)
        path = self._crashes / f"{name}.shrunk"
        path.write_bytes(short)
        self.bugs[kind] = path
        shown = short.hex() if len(short) <= 100 else f"{short[:100].hex()}… ({len(short)} bytes)"
        sys.stdout.write(f"\n  BUG {self.name}: {kind}\n    {path}\n    {shown}\n")

    def __str__(self) -> str:
        """One line: how many, how fast, what came out, what is new."""
        kinds = " ".join(f"{kind} {count}" for kind, count in self._kinds.most_common())
        rate = self._runs / max(self._spent, 1)
        return (
            f"{self.name:24} {self._runs:9,} inputs {rate:7,.0f}/s  new {self._new:3}  bugs {len(self.bugs)}  {kinds}"
        )


def grow(hunt: Hunt) -> Iterator[Path]:
    """Add the shortest inputs with new outcomes to the corpus, until there are enough."""
    directory = CORPUS / hunt.name
    directory.mkdir(parents=True, exist_ok=True)
    for outcome, data in sorted(hunt.found.items(), key=lambda found: len(found[1])):
        path = directory / _slug(outcome)
        if outcome != "BUG" and not path.exists() and len(list(directory.iterdir())) < _MOST and len(data) <= _LONGEST:
            path.write_bytes(data)
            yield path


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")[:80]


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grow", action="store_true", help="add inputs with new outcomes to the corpus")
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target is named {', '.join(unknown)}; there is {', '.join(TARGETS)}")
    if LEFT_OUT:
        sys.stdout.write(f"{LEFT_OUT}\n")
    bugs = 0
    for name in given.targets or TARGETS:
        hunt = Hunt(name, given.seconds, given.seed)
        hunt()
        sys.stdout.write(f"{hunt}\n")
        sys.stdout.flush()
        bugs += len(hunt.bugs)
        for path in grow(hunt) if given.grow else ():
            sys.stdout.write(f"  kept {path.name}\n")
    return 1 if bugs else 0


if __name__ == "__main__":
    sys.exit(main())
