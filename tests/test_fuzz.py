"""The short run of the fuzzing: the corpus, a few mutations of each target, and bugs that are planted and found."""

from random import Random

import pytest

from tests.fuzz.__main__ import Hunt
from tests.fuzz.shrinking import shrunk
from tests.fuzz.target import CORPUS
from tests.fuzz.targets import TARGETS, WRITTEN, target
from tests.golden import GOLDEN
from tests.specs import made
from transcoders import frame

every_target = pytest.mark.parametrize("name", TARGETS)
MUTATIONS = 100


@every_target
def test_the_corpus_holds(name):
    """Each committed input of the target is a value that comes back or a DecodeError."""
    failed = []
    for path, data in target(name).corpus().items():
        try:
            target(name).check(data)
        except Exception as error:  # noqa: BLE001 - each is a bug, and all of them are to be told
            failed.append(f"{path}: {error!r:.200}")
    assert failed == []


@every_target
def test_mutations_hold(name):
    """Mutations of the target's corpus and seeds are values that come back or DecodeErrors."""
    found = target(name)
    inputs, mutate, rng = [*found.corpus().values(), *found.seeds()], found.mutator(), Random(7)  # noqa: S311
    outcomes = {found.check(mutate(rng.choice(inputs), rng)) for _ in range(MUTATIONS)}
    assert len(outcomes) > 3


def test_every_corpus_has_its_target():
    """No directory of the corpus is left without a target that replays it."""
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)


def test_mutations_are_the_same_again():
    """A seed gives the same inputs each time, so that a run can be repeated."""
    mutate, seeds = target("msgpack").mutator(), list(target("msgpack").seeds())
    runs = [[mutate(seed, Random(5)) for seed in seeds] for _ in range(2)]  # noqa: S311
    assert runs[0] == runs[1]
    assert runs[0] != seeds


class Calm(Random):
    """Chance without surprises: the writers of hostile bytes are on their best behaviour."""

    def random(self) -> float:
        """The middle."""
        return 0.5


@pytest.mark.parametrize("name", WRITTEN)
def test_formats_write_what_they_read(name):
    """The fuzzing's own writers of trees are right where they do not err on purpose."""
    written = WRITTEN[name]
    frames = [made(name).encode(value) for value in GOLDEN.values()]
    for data in frames:
        if not data[4] & frame.BUFFERS:
            tree = written.read(data[frame.FIXED :])
            assert repr(written.read(written.write(tree, Calm()))) == repr(tree)


def test_shrinking_keeps_what_fails():
    """What is left of a failing input is what makes it fail."""
    assert shrunk(b"x" * 500 + b"needle" + b"y" * 500, lambda data: b"needle" in data, 5000) == b"needle"


def test_planted_bugs_are_found(tmp_path, capsys, monkeypatch):
    """An exception, too much memory and the end of the process are told apart, saved, and shrunk."""
    monkeypatch.setattr("tests.fuzz.__main__._TRIES", 1)
    hunt = Hunt("tests.fuzz.planted:TARGET", seconds=0.1, seed=3, crashes=tmp_path)
    hunt()
    kinds = {kind.partition(" in ")[0]: path.read_bytes() for kind, path in hunt.bugs.items()}
    assert kinds == {"KeyError": b"\xff", "MemoryError": b"memory", "killed by SIGABRT": b"the end"}
    assert capsys.readouterr().out.count("BUG tests.fuzz.planted:TARGET") == 3
    assert "bugs 3" in str(hunt)
