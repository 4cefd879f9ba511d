"""`python -m bench.updates` prints the report; the arguments narrow it, or say where it is kept.

It ends with exit code 1 when an update was lost or doubled.
"""

import sys
from collections.abc import Sequence

from bench.rig import parse, parser, publish, say
from bench.stores import KINDS as STORES
from bench.stores import here
from bench.updates.matrix import KINDS, MODES, Wish, run
from bench.updates.report import record, report, wrong

_SHORT = {mode.partition(":")[0]: mode for mode in MODES}


def main(arguments: Sequence[str]) -> int:
    """Run, then print the report, or the record with --json; with --output keep both."""
    options, usual = parser("bench.updates", __doc__), Wish(())
    options.add_argument("--store", action="append", choices=STORES, help="one or more (default: all here)")
    options.add_argument("--mode", action="append", choices=tuple(_SHORT), help="locking, one or more (default: all)")
    options.add_argument("--kind", action="append", choices=KINDS, help="one or more (default: all)")
    options.add_argument("--tasks", action="append", type=int, metavar="N", help="one or more (default: 8 and 64)")
    options.add_argument(
        "--seconds", type=float, default=usual.seconds, help=f"of each cell (default: {usual.seconds})"
    )
    chosen, occasion = parse(options, arguments)
    if any(count < 2 or count % 2 for count in chosen.tasks or ()):
        options.error("--tasks takes an even number from 2: half of them run in each process")
    wish = Wish(
        chosen.store or here(),
        [_SHORT[mode] for mode in chosen.mode or _SHORT],
        chosen.kind or usual.kinds,
        chosen.tasks or usual.tasks,
        usual.pauses,
        chosen.seconds,
    )
    found = run(wish, say)
    publish(chosen, report(found, occasion), record(found, occasion))
    return 1 if wrong(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
