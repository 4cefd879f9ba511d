"""The crew: the worker processes of one round, which take turns. Only one of them works at a time.

All are started first, then each benchmark is timed by one worker after the other before the next benchmark begins:
what is to be compared lies hundredths of a second apart, and whatever slows the machine for longer slows both sides.
Measured on a noisy virtual machine, six rounds, default plan: with one worker after the other going through all of its
benchmarks, the controls lay up to 34 % apart in the overall ratio and 29 % in single numbers; in turns of one
benchmark, 4 % and 21 %; in turns of one value, 2.5 % and 5.5 %.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from transcoders.measure.directory import Record
from transcoders.measure.member import Member
from transcoders.measure.worker import Job, send

_COMMAND = (sys.executable, "-m", "transcoders.measure.worker")


class Crew:
    """Workers by label.

    Attributes:
        reports: what each of them replied to its job.
    """

    def __init__(self, members: Mapping[str, Member]) -> None:
        self._members = members
        self.reports: dict[str, Record] = {label: json.loads(member.answer()) for label, member in members.items()}

    def time(self, benchmark: str, labels: Sequence[str]) -> None:
        """Have the benchmark timed by each of these workers, one after the other.

        Raises:
            TranscoderError: a worker failed; its last words are in the message.
        """
        for label in labels:
            self._members[label].tell(benchmark.encode() + b"\n")
            self._members[label].answer()


@contextmanager
def crew(jobs: Mapping[str, Job]) -> Iterator[Crew]:
    """The workers of these jobs, by label. When the block ends they save what they timed; after an error, nothing.

    Raises:
        SpecError: a payload holds what no other process can be sent.
        TranscoderError: a worker failed; its last words are in the message.
    """
    with ExitStack() as stack:
        members = {label: stack.enter_context(Member(_COMMAND, job.spec)) for label, job in jobs.items()}
        for label, job in jobs.items():
            members[label].tell(send(job))
        yield Crew(members)
        for member in members.values():
            member.finish()
