"""What every face keeps to, whatever the framework: the same scenarios, on the same pages, seen as a browser sees them.

A face is a subclass of `Face` or `AsyncFace`, and a test module has a class of `FaceContract` with it. Each scenario
gives its outcome in words, made of what was observed; it is compared with the one that stands beside it, of which
`python -m tests.faces_table` makes docs/faces.md.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces_table import FACES
from tests.web_rig import AsyncFace, Face, Rig
from tests.web_scenarios import SCENARIOS

__all__ = ["AsyncFace", "Face", "FaceContract"]


class FaceContract:
    """The scenarios, one test each; a subclass has a face."""

    face: Face

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[Rig]:
        """Replicas that end with the test."""
        rig = Rig(self.face, tmp_path)
        with rig.stack:
            yield rig

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_scenario(self, rig: Rig, name: str) -> None:
        """The outcome is the one that the table has."""
        row = SCENARIOS[name]
        assert row.run(rig) == row.outcome_of(self.face.name, FACES[self.face.name])

    def test_the_table_has_it(self) -> None:
        """There is a column for it in docs/faces.md, of its kind."""
        assert FACES[self.face.name] == ("async" if isinstance(self.face, AsyncFace) else "sync")
