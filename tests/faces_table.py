"""Writes docs/faces.md, what each face does in each scenario. Run: python -m tests.faces_table."""

from pathlib import Path

from tests.web_rows import Row
from tests.web_scenarios import SCENARIOS

PAGE = Path(__file__).parent.parent / "docs" / "faces.md"
FACES = {
    "Flask": "sync", "Django": "sync", "Django, async": "async", "WSGI": "sync", "Starlette": "async",
    "FastAPI": "async", "Litestar": "async", "Quart": "async", "aiohttp": "async", "ASGI": "async",
}  # fmt: skip
"""The faces by name, and the kind of each, in the order of the columns; WSGI and ASGI are those without a framework."""
_HEAD = """# What each face does

One site in every framework, the same scenarios on each, seen as a browser sees them: `python -m tests.faces_table`
writes this page from what `tests.web_scenarios` holds every face to. Processes of the site share a store; the faults
happen in a proxy before a real Valkey. [The guide](web.md) says how to use the faces.

An outcome has a part for each step: the status of the answer, what it does to the cookie, whether it says
`Retry-After`; what the store was asked; what a page shows. `=` is the outcome that stands before it.

"""


def row(one: Row) -> str:
    """A scenario, its outcome, and where a face differs."""
    cells = [one.outcome_of(name, kind) for name, kind in FACES.items()]
    usual = max(cells, key=cells.count)
    marks = ["=" if cell == usual else cell for cell in cells]
    return f"| {one.title} | {usual} | {' | '.join(marks)} |"


def page() -> str:
    """The page, from the data that the tests hold the faces to."""
    head = f"| scenario | outcome | {' | '.join(FACES)} |\n|{'---|' * (len(FACES) + 2)}\n"
    table = "\n".join(map(row, SCENARIOS.values()))
    steps = "\n".join(f"- **{one.title}**: {one.what}" for one in SCENARIOS.values())
    return f"{_HEAD}{head}{table}\n\nWhat is done:\n\n{steps}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
