"""The table of the faces is what the contract holds them to, and each of its columns has a face."""

import re
from pathlib import Path

from tests.faces_table import FACES, PAGE, page, row
from tests.web_rows import Row
from tests.web_scenarios import SCENARIOS


def test_the_page_is_up_to_date():
    """docs/faces.md is what `python -m tests.faces_table` writes."""
    assert PAGE.read_text("utf-8") == page()


def test_every_column_is_tested():
    """A name in the table is the name of a face in a test module, and the other way round."""
    tests = Path(__file__).parent.glob("test_web_*.py")
    named = {
        name for file in tests for name in re.findall(r'^    name = "(.*)"$', file.read_text("utf-8"), re.MULTILINE)
    }
    assert named == set(FACES)


def test_differences_are_shown():
    """The outcome of most stands once, and the others in their columns; exceptions name faces and kinds that exist."""
    assert all(one.but.keys() <= {*FACES, "sync", "async"} for one in SCENARIOS.values())
    one = Row("title", "what", lambda _: "", "200", {"async": "409", "Flask": "500"})
    assert row(one) == "| title | 409 | 500 | 200 | = | 200 | = | = | = | = | = | = |"
