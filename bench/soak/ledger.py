"""The ledger: what workers noted before and after each save, in a file of each that outlives them.

A line is a letter and what it is about. An increment that was begun and neither acknowledged nor refused is open: its
worker was killed, or was told that the outcome is unknown. So the counter of a session must be at least what was
acknowledged, and at most that and what is open.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

BEGUN, ACKNOWLEDGED, REFUSED, UNKNOWN, DONE, FAILED, WRONG = "b", "a", "r", "u", "d", "f", "w"
"""An increment is about to be saved, was saved, was not saved, may be saved; something else was done, ended with an
error, or showed that a promise was broken."""


class Notes:
    """The file of one worker, written line by line, so that a kill loses none."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, letter: str, about: object = "") -> None:
        """Add a line."""
        os.write(self._file, f"{letter} {about}\n".encode())


@dataclass(slots=True)
class Ledger:
    """The books of all workers, as far as they were read.

    Attributes:
        begun, acknowledged, refused: increments by session.
        unknown: outcomes that were said to be unknown.
        done: other things by name, `errors` by name.
        wrong: promises that were broken, in words.
    """

    begun: Counter[int] = field(default_factory=Counter)
    acknowledged: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    unknown: int = 0
    done: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _read: dict[Path, int] = field(default_factory=dict)

    def read(self, folder: Path) -> None:
        """Read what has come since, in all files of the folder."""
        for path in sorted(folder.glob("*.notes")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(whole)
            for line in whole.decode().splitlines():
                self._take(*line.split(" ", 1))

    def _take(self, letter: str, about: str) -> None:
        increments = {BEGUN: self.begun, ACKNOWLEDGED: self.acknowledged, REFUSED: self.refused}
        if letter in increments:
            increments[letter][int(about)] += 1
        elif letter == UNKNOWN:
            self.unknown += 1
        elif letter == WRONG:
            self.wrong.append(about)
        else:
            (self.done if letter == DONE else self.errors)[about] += 1

    def open(self, session: int) -> int:
        """Increments of the session of which nobody knows."""
        return self.begun[session] - self.acknowledged[session] - self.refused[session]

    def lost(self, session: int, stored: int) -> int:
        """Acknowledged increments that are not in the counter."""
        return max(0, self.acknowledged[session] - stored)

    def surplus(self, session: int, stored: int) -> int:
        """Increments in the counter that nobody can have made."""
        return max(0, stored - self.acknowledged[session] - self.open(session))
