"""`python -m bench.web` prints the report and keeps it in results/web; the arguments narrow it.

It ends with exit code 1 when we are not first in a column.
"""

import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench.requests.sessions import SIZES
from bench.rig import parse, parser, publish, say
from bench.web.report import record, report
from bench.web.roster import FRAMEWORKS
from bench.web.run import Wish, run
from transcoders.measure.machine import versions

TURNS = 40
CALLS = 32
_PEERS = (
    *("flask", "flask-session", "django", "django-redis", "starlette", "starsessions", "litestar", "aiohttp"),
    "aiohttp-session",
)


def main(arguments: Sequence[str]) -> int:
    """Run, print the report, or the record with --json, and keep both; the exit code."""
    options, sizes = parser("bench.web", __doc__), tuple(one.name for one in SIZES)
    options.set_defaults(output=place())
    options.add_argument("--framework", action="append", choices=FRAMEWORKS, help="one or more (default: all)")
    options.add_argument("--size", action="append", choices=sizes, help="one or more (default: all)")
    options.add_argument("--transcoder", default="msgpack", metavar="SPEC", help="of ours (default: msgpack)")
    options.add_argument("--turns", type=int, default=TURNS, help=f"batches of each page (default: {TURNS})")
    options.add_argument("--calls", type=int, default=CALLS, help=f"requests of a batch (default: {CALLS})")
    chosen, occasion = parse(options, arguments)
    if chosen.turns < 1 or chosen.calls < 1:
        options.error("--turns and --calls take numbers from 1")
    wish = Wish(
        tuple(chosen.framework or FRAMEWORKS), tuple(chosen.size or sizes), chosen.transcoder, chosen.turns,
        chosen.calls,
    )  # fmt: skip
    occasion.versions.update(versions(_PEERS))
    found = run(wish, say)
    publish(chosen, report(found, occasion), record(found, occasion))
    return 0 if all(one.judged is None or one.judged.reached is not False for one in found.columns) else 1


def place(folder: Path = Path("results", "web")) -> Path:
    """The directory of a run of today on this machine, with a number from the second one on."""
    python = "".join(platform.python_version_tuple()[:2])
    name = f"{datetime.now(UTC):%Y-%m-%d}-{platform.system().lower()}-{platform.machine()}-py{python}"
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(path for path in map(folder.joinpath, names) if not path.exists())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
