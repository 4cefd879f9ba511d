"""`python -m bench.requests` prints the report; the arguments narrow it, or say where it is kept."""

import sys
from collections.abc import Sequence

from bench.requests.lanes import LANES
from bench.requests.report import record, report
from bench.requests.run import Wish, run
from bench.requests.sessions import SIZES
from bench.rig import parse, parser, publish, say
from bench.servers import binaries

TURNS = 150


def main(arguments: Sequence[str]) -> None:
    """Run, then print the report, or the record with --json; with --output keep both."""
    options = parser("bench.requests", __doc__)
    here, sizes = tuple(binaries()), tuple(one.name for one in SIZES)
    options.add_argument(
        "--server", action="append", choices=("valkey", "redis"), help="one or more (default: all here)"
    )
    options.add_argument("--size", action="append", choices=sizes, help="one or more (default: all)")
    options.add_argument("--lane", action="append", choices=LANES, help="one or more (default: all)")
    options.add_argument("--transcoder", default="json", metavar="SPEC", help="of the sessions (default: json)")
    options.add_argument("--turns", type=int, default=TURNS, help=f"slices of each (default: {TURNS})")
    options.add_argument("--apart", action="store_true", help="client and server on two cores: latency, not work")
    chosen, occasion = parse(options, arguments)
    if chosen.turns < 1:
        options.error("--turns takes a number from 1")
    wish = Wish(
        tuple(chosen.server or here), tuple(chosen.size or sizes), tuple(chosen.lane or LANES), chosen.transcoder,
        chosen.turns, chosen.apart,
    )  # fmt: skip
    found = run(wish, say)
    publish(chosen, report(found, occasion), record(found, occasion))


if __name__ == "__main__":
    main(sys.argv[1:])
