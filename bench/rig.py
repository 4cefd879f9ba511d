"""What every rig's command has in common: where its findings go, and what has to be known to repeat it."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from transcoders.measure.machine import commit, machine, versions

FORMAT = 1
"""Version of what the records of rigs hold."""
_PACKAGES = ("transcoders", "redis", "hiredis", "uvloop", "orjson", "msgpack", "ormsgpack", "msgspec", "cbor2")


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and on what a rig ran.

    Attributes:
        command: which repeats it.
    """

    command: str
    made: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    machine: dict[str, str] = field(default_factory=machine)
    versions: dict[str, str] = field(default_factory=lambda: versions(_PACKAGES))
    commit: str | None = field(default_factory=commit)
    began: float = field(default_factory=perf_counter)

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "format": FORMAT,
            "command": self.command,
            "made": self.made,
            "seconds": round(perf_counter() - self.began, 1),
            "machine": self.machine,
            "versions": self.versions,
            "commit": self.commit,
        }

    def lines(self) -> list[str]:
        """As the end of a report."""
        facts = {
            **self.machine,
            "versions": ", ".join(f"{name} {number}" for name, number in self.versions.items()),
            "commit": self.commit or "unknown",
            "made": f"{self.made}, in {perf_counter() - self.began:.0f} s",
        }
        return ["## This run", "", *(f"- {name}: {value}" for name, value in facts.items())]


def parser(name: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser with what all rigs take."""
    options = argparse.ArgumentParser(f"python -m {name}", description=doc)
    options.add_argument("--json", action="store_true", help="print JSON")
    options.add_argument("--output", type=Path, metavar="DIR", help="write results.json and report.md there")
    return options


def parse(options: argparse.ArgumentParser, arguments: Sequence[str]) -> tuple[argparse.Namespace, Occasion]:
    """What was typed, and the occasion; ends the process where that is wrong."""
    chosen = options.parse_args(arguments)
    if chosen.output and chosen.output.exists():
        options.error(f"{chosen.output} exists: results are not overwritten")
    return chosen, Occasion(shlex.join([*options.prog.split(), *arguments]))


def publish(chosen: argparse.Namespace, text: str, record: dict[str, Any]) -> None:
    """Print the report, or with --json the record; with --output keep both."""
    plain = json.dumps(record, indent=1)
    if chosen.output:
        chosen.output.mkdir(parents=True)
        (chosen.output / "report.md").write_text(text, "utf-8")
        (chosen.output / "results.json").write_text(plain + "\n", "utf-8")
    print(plain if chosen.json else text)


def say(text: str) -> None:
    """Tell what is on, beside the findings."""
    print(text, file=sys.stderr, flush=True)
