"""`python -m bench.peers` prints the report; the arguments narrow it, or say where it is kept."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.peers.pipeline import CODECS
from bench.peers.record import record
from bench.peers.report import report
from bench.peers.run import run
from bench.peers.values import PAYLOADS

TURNS = 80


def main(arguments: Sequence[str]) -> None:
    """Run, then print the report, or the record with --json; with --output keep both."""
    options = argparse.ArgumentParser("python -m bench.peers", description=__doc__)
    names = tuple(payload.name for payload in PAYLOADS)
    options.add_argument("--payload", action="append", choices=names, help="one or more (default: all)")
    options.add_argument("--codec", action="append", choices=CODECS, help="one or more (default: all)")
    options.add_argument("--turns", type=int, default=TURNS, help=f"slices of each (default: {TURNS})")
    options.add_argument("--json", action="store_true", help="print JSON")
    options.add_argument("--output", type=Path, metavar="DIR", help="write results.json and report.md there")
    chosen = options.parse_args(arguments)
    if chosen.turns < 1:
        options.error("--turns takes a number from 1")
    if chosen.output and chosen.output.exists():
        options.error(f"{chosen.output} exists: results are not overwritten")
    command = shlex.join(["python", "-m", "bench.peers", *arguments])
    found = run(chosen.payload or names, chosen.codec or CODECS, chosen.turns, command, _say)
    text, plain = report(found), json.dumps(record(found), indent=1)
    if chosen.output:
        chosen.output.mkdir(parents=True)
        (chosen.output / "report.md").write_text(text, "utf-8")
        (chosen.output / "results.json").write_text(plain + "\n", "utf-8")
    print(plain if chosen.json else text)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
