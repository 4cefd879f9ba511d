"""A target with a bug of each sort, to see that the fuzzing finds them."""

import os

from tests.fuzz.mutation import Mutator
from tests.fuzz.target import Target


def check(data: bytes) -> str:
    """Raise, ask for too much memory or end the process on some bytes."""
    if data == b"the end":
        os.abort()
    if b"memory" in data:
        bytes(1 << 31)
    if b"\xff" in data:
        raise KeyError("planted")
    return f"value: {data[:1].hex()}"


class Planted(Target):
    """Its corpus is what stands here."""

    __slots__ = ()

    def corpus(self) -> dict[str, bytes]:
        """No files."""
        return {}

    def mutator(self) -> Mutator:
        """Of bytes."""
        return Mutator(None, (), [b"harmless"])


TARGET = Planted("planted", check, lambda: [b"the end", b"so much memory", b"some \xff bytes"])
