"""`python -m bench.soak` prints the report; it ends with exit code 1 when a promise was broken."""

import sys
from collections.abc import Sequence

from bench.rig import parse, parser, publish, say
from bench.soak.report import record, report, told
from bench.soak.run import Wish, run
from bench.stores import KINDS, here


def main(arguments: Sequence[str]) -> int:
    """Run, then print the report, or the record with --json; with --output keep both."""
    options, usual = parser("bench.soak", __doc__), Wish("", 0)
    options.add_argument("--store", choices=KINDS, default=here()[0], help=f"where (default: {here()[0]})")
    options.add_argument("--minutes", type=float, default=10.0, help="for how long (default: 10)")
    options.add_argument("--workers", type=int, default=usual.workers, help=f"processes (default: {usual.workers})")
    options.add_argument("--tasks", type=int, default=usual.tasks, help=f"requests of each (default: {usual.tasks})")
    options.add_argument("--kill-every", type=float, default=usual.kill_every, metavar="SECONDS",
                         help=f"on average (default: {usual.kill_every:g})")  # fmt: skip
    chosen, occasion = parse(options, arguments)
    if min(chosen.workers, chosen.tasks) < 1 or min(chosen.minutes, chosen.kill_every) <= 0:
        options.error("--workers and --tasks take a number from 1, --minutes and --kill-every one above 0")
    seconds = chosen.minutes * 60
    wish = Wish(
        chosen.store, seconds, chosen.workers, chosen.tasks, kill_every=chosen.kill_every,
        look_every=max(0.5, min(30.0, seconds / 20)),
    )  # fmt: skip
    found = run(wish, lambda look: say(told(look)))
    publish(chosen, report(found, occasion), record(found, occasion))
    return 0 if found.sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
