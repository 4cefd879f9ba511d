"""The run directory: which file holds what. It reads and writes JSON and text, and knows nothing of what they mean.

run.json        plan, machine, versions, loops, order log        time/*.json    pyperf, one file a transcoder
checks.json     round trips                                      figures/*.svg  as in the report
sizes.json      exact bytes                                      report.md  report.html
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcoders.errors import SpecError
from transcoders.measure.candidate import file_name

FORMAT = 1
"""Version of what `run.json` holds."""

Record = dict[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The files of one run."""

    path: Path

    @property
    def run(self) -> Path:
        """The plan and the log."""
        return self.path / "run.json"

    @property
    def checks(self) -> Path:
        """The round trips, by spec and payload."""
        return self.path / "checks.json"

    @property
    def sizes(self) -> Path:
        """The sizes, by spec and payload."""
        return self.path / "sizes.json"

    @property
    def markdown(self) -> Path:
        """The report for a forge."""
        return self.path / "report.md"

    @property
    def html(self) -> Path:
        """The report for a browser."""
        return self.path / "report.html"

    def time(self, label: str) -> Path:
        """The timing file of a spec or control."""
        return self.path / "time" / f"{file_name(label)}.json"

    def figure(self, name: str) -> Path:
        """A figure."""
        return self.path / "figures" / f"{name}.svg"


def read(path: Path) -> Record:
    """The JSON object in the file.

    Raises:
        SpecError: there is no such file, or no JSON object in it.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise SpecError(f"expected a run directory with {path.name}, found {path.parent}: {exc}") from exc
    if not isinstance(record, dict):
        raise SpecError(f"expected a JSON object in {path.name}, found {type(record).__name__}")
    return record


def write(path: Path, content: str | Record) -> None:
    """Write the file whole or not at all, so that an interrupted run can be resumed."""
    text = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8", newline="\n")
    os.replace(part, path)  # noqa: PTH105 - the name says that the file is replaced at once
