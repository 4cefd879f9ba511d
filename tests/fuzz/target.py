"""A target: what reads bytes, its oracle, and what to start from."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from tests.fuzz.mutation import Mutator

CORPUS = Path(__file__).parent / "corpus"


def _nothing() -> Iterator[bytes]:
    return iter(())


class Target(NamedTuple):
    """What is fuzzed.

    Attributes:
        name: as in the command; also its directory of the corpus.
        check: what becomes of the bytes, in a few words; any exception is a bug.
        seeds: inputs to start from beside the corpus.
        bombs: large inputs that are checked once, before the fuzzing.
        written: the format of the bodies, if they have one.
        headers: what may stand before a body.
    """

    name: str
    check: Callable[[bytes], str]
    seeds: Callable[[], Iterable[bytes]]
    bombs: Callable[[], Iterable[bytes]] = _nothing
    written: ModuleType | None = None
    headers: tuple[bytes, ...] = ()

    def corpus(self) -> dict[str, bytes]:
        """The committed inputs by name."""
        return {path.name: path.read_bytes() for path in sorted((CORPUS / self.name).glob("*"))}

    def mutator(self) -> Mutator:
        """A mutator over the corpus and the seeds."""
        return Mutator(self.written, self.headers, [*self.corpus().values(), *self.seeds()])
