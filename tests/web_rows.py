"""A row of the table of faces: a scenario, and what is to come of it in each of them."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.web_rig import Rig

Scenario = Callable[[Rig], str]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        title: what it is about, in a few words.
        what: what is done; the outcomes of its steps stand behind it.
        run: does it; the outcome.
        outcome: of each face.
        but: of faces for which it is another, by name; `sync` and `async` stand for all of a kind.
    """

    title: str
    what: str
    run: Scenario
    outcome: str
    but: dict[str, str]

    def outcome_of(self, name: str, kind: str) -> str:
        """The outcome of a face of that name and kind."""
        return self.but.get(name, self.but.get(kind, self.outcome))


ROWS: dict[str, Row] = {}


def scenario(title: str, outcome: str, **but: str) -> Callable[[Scenario], Scenario]:
    """Make a function a row of the table; its docstring says what is done."""

    def enter(run: Scenario) -> Scenario:
        ROWS[run.__name__] = Row(title, " ".join(str(run.__doc__).split()), run, outcome, but)
        return run

    return enter


def steps(*outcomes: object) -> str:
    """The outcomes of several steps."""
    return "; ".join(map(str, outcomes))
