"""A member of a crew: one worker process, which is told lines and answers lines, and whose failure is told in words."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, NoReturn, Self, cast

from transcoders.errors import TranscoderError


class Member:
    """A worker process; what it writes to stderr is kept for the message of a failure.

    Args:
        command: what starts it.
        name: what it is called in that message.

    Attributes:
        process: the process; it is killed at the end of the block.
    """

    def __init__(self, command: Sequence[str], name: str) -> None:
        self._name = name
        self._errors = TemporaryFile()  # noqa: SIM115 - open until the worker has ended
        self.process = subprocess.Popen(  # noqa: S603 - our own worker
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self._stdin = cast("IO[bytes]", self.process.stdin)
        self._stdout = cast("IO[bytes]", self.process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        with suppress(BrokenPipeError):
            self._stdin.close()
        self._stdout.close()
        self.process.wait()
        self._errors.close()

    def tell(self, data: bytes) -> None:
        """Send it something; raises TranscoderError when it has failed."""
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except BrokenPipeError:
            self._failed()

    def answer(self) -> bytes:
        """The next line of its answer; raises TranscoderError when it has failed."""
        return self._stdout.readline() or self._failed()

    def finish(self) -> None:
        """Let it come to its end; raises TranscoderError when that is a failure."""
        self._stdin.close()
        if self.process.wait():
            self._failed()

    def _failed(self) -> NoReturn:
        self.process.kill()
        status = self.process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
        raise TranscoderError(f"the worker of {self._name} failed with status {status}: {words[-1]}")
