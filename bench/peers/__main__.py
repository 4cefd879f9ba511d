"""`python -m bench.peers` prints the report; the arguments narrow it, or say where it is kept."""

import sys
from collections.abc import Sequence

from bench.peers.pipeline import CODECS
from bench.peers.record import record
from bench.peers.report import report
from bench.peers.run import run
from bench.peers.values import PAYLOADS
from bench.rig import parse, parser, publish, say

TURNS = 80


def main(arguments: Sequence[str]) -> None:
    """Run, then print the report, or the record with --json; with --output keep both."""
    options = parser("bench.peers", __doc__)
    names = tuple(payload.name for payload in PAYLOADS)
    options.add_argument("--payload", action="append", choices=names, help="one or more (default: all)")
    options.add_argument("--codec", action="append", choices=CODECS, help="one or more (default: all)")
    options.add_argument("--turns", type=int, default=TURNS, help=f"slices of each (default: {TURNS})")
    chosen, occasion = parse(options, arguments)
    if chosen.turns < 1:
        options.error("--turns takes a number from 1")
    found = run(chosen.payload or names, chosen.codec or CODECS, chosen.turns, occasion.command, say)
    publish(chosen, report(found), record(found))


if __name__ == "__main__":
    main(sys.argv[1:])
