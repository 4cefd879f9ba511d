"""`python -m bench.handover` prints the report; the arguments narrow it, or say where it is kept."""

import sys
from collections.abc import Sequence

from bench.handover.report import record, report
from bench.handover.run import Wish, run
from bench.rig import parse, parser, publish, say
from bench.stores import KINDS, here


def main(arguments: Sequence[str]) -> int:
    """Run, then print the report, or the record with --json; with --output keep both. 1 when a lock had two holders."""
    options, usual = parser("bench.handover", __doc__), Wish(())
    options.add_argument("--store", action="append", choices=KINDS, help="one or more (default: all here)")
    options.add_argument("--kind", action="append", choices=usual.kinds, help="one or more (default: all)")
    options.add_argument("--waiters", action="append", type=int, metavar="N", help="one or more (default: 2, 8 and 32)")
    options.add_argument("--seconds", type=float, default=usual.seconds, help=f"of each row (default: {usual.seconds})")
    chosen, occasion = parse(options, arguments)
    if any(count < 2 or count % 2 for count in chosen.waiters or ()):
        options.error("--waiters takes an even number from 2: half of them wait in each process")
    wish = Wish(chosen.store or here(), chosen.kind or usual.kinds, chosen.waiters or usual.waiters, chosen.seconds)
    found = run(wish, say)
    publish(chosen, report(found, occasion), record(found, occasion))
    return 1 if any(one.overlaps for one in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
