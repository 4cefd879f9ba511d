"""The crew: the worker processes of one round, which take turns. Only one of them works at a time.

All are started first, then each benchmark is timed by one worker after the other before the next benchmark begins:
what is to be compared lies hundredths of a second apart, and whatever slows the machine for longer slows both sides.
Measured on a noisy virtual machine, six rounds, default plan: with one worker after the other going through all of its
benchmarks, the controls lay up to 34 % apart in the overall ratio and 29 % in single numbers; in turns of one
benchmark, 4 % and 21 %; in turns of one value, 2.5 % and 5.5 %.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, NoReturn, Self, cast

from transcoders.errors import TranscoderError
from transcoders.measure.directory import Record
from transcoders.measure.worker import Job, send

_COMMAND = (sys.executable, "-m", "transcoders.measure.worker")


class Crew:
    """Workers by label.

    Attributes:
        reports: what each of them replied to its job.
    """

    def __init__(self, members: Mapping[str, "_Member"]) -> None:
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
        members = {label: stack.enter_context(_Member(job)) for label, job in jobs.items()}
        for label, job in jobs.items():
            members[label].tell(send(job))
        yield Crew(members)
        for member in members.values():
            member.finish()


class _Member:
    """One worker process; what it writes to stderr is kept for the message of a failure."""

    def __init__(self, job: Job) -> None:
        self._spec = job.spec
        self._errors = TemporaryFile()  # noqa: SIM115 - open until the worker has ended
        self._process = subprocess.Popen(  # noqa: S603 - our own worker
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        with suppress(BrokenPipeError):
            self._stdin.close()
        self._stdout.close()
        self._process.wait()
        self._errors.close()

    def tell(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except BrokenPipeError:
            self._failed()

    def answer(self) -> bytes:
        return self._stdout.readline() or self._failed()

    def finish(self) -> None:
        self._stdin.close()
        if self._process.wait():
            self._failed()

    def _failed(self) -> NoReturn:
        self._process.kill()
        status = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
        raise TranscoderError(f"the worker of {self._spec} failed with status {status}: {words[-1]}")
