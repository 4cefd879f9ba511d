"""Ordinary sessions, and a zstd dictionary that was trained on such."""

import os
from pathlib import Path
from typing import Any

from bench.payloads import plain
from bench.payloads.dice import Dice
from tests.specs import body
from transcoders import Transcoder, transcoder

SESSIONS_DICT = Path(os.path.relpath(Path(__file__).parent / "vectors" / "sessions.dict"))
"""A golden dictionary of 1 kB, trained on JSON bodies; never changed. Relative, because a clone may lie anywhere, and
not every path can stand in a config string."""
SESSIONS_ID = 35222


def session(number: int) -> dict[str, object]:
    """An ordinary session of 0.2 kB."""
    return plain.small(Dice("trained", number))


def bodies(codec: str, count: int) -> list[bytes]:
    """What the codec writes for so many sessions."""
    return [body(transcoder(codec).encode(session(number))) for number in range(count)]


def zstd(*options: str) -> Transcoder[Any]:
    """The transcoder of `json+zstd` with these options."""
    return transcoder("json+zstd:" + ",".join(options))
