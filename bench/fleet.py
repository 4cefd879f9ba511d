"""A fleet: worker processes that get ready, start together, and answer when they are done.

What a worker does is a generator function, named as `module:function`. It takes its job, yields once when it is ready,
and then its result. Jobs and results are JSON. `python -m bench.fleet module:function` is one worker.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from transcoders.measure.member import Member

Job = Mapping[str, Any]
Work = Callable[[Any], Iterator[Any]]


def member(work: str, job: Job) -> Member:
    """A worker with its job."""
    made = Member((sys.executable, "-m", "bench.fleet", work), work)
    made.tell(json.dumps(job).encode() + b"\n")
    return made


def sail(work: str, jobs: Sequence[Job], meanwhile: Callable[[], object] = lambda: None) -> list[Any]:
    """The results of one worker for each job, all started at the same moment; `meanwhile` is called while they work.

    Raises:
        TranscoderError: one of them failed; its last words are in the message.
    """
    with ExitStack() as stack:
        members = [stack.enter_context(member(work, job)) for job in jobs]
        for one in members:
            one.answer()
        for one in members:
            one.tell(b"\n")
        meanwhile()
        return [json.loads(one.answer()) for one in members]


def main() -> None:
    """Be one worker."""
    module, _, name = sys.argv[1].partition(":")
    work: Work = getattr(import_module(module), name)
    steps = work(json.loads(sys.stdin.buffer.readline()))
    next(steps)
    _reply(None)
    sys.stdin.buffer.readline()
    _reply(next(steps))


def _reply(result: object) -> None:
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
