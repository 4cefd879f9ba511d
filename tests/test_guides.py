"""The guides are true: their code runs, and prints what they say."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

DOCS = Path(__file__).parent.parent / "docs"


class Block(NamedTuple):
    """A block of code, the line it starts on, and what stands behind it as its output."""

    line: int
    code: str
    output: str


def blocks(text: str) -> list[Block]:
    """The blocks of Python in a page."""
    found = re.finditer(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", text, re.MULTILINE | re.DOTALL)
    return [Block(text[: one.start()].count("\n") + 1, one[1], one[2] or "") for one in found]


@pytest.mark.parametrize("name", ["schemas.md", "sessions.md"])
def test_a_guide_runs(capsys, name):
    """Its blocks run one after the other, as one program would, and each prints what stands behind it."""
    found = blocks((DOCS / name).read_text("utf-8"))
    assert len(found) > 5
    names: dict[str, object] = {"__name__": name}
    for block in found:
        exec(compile("\n" * block.line + block.code, str(DOCS / name), "exec"), names)  # noqa: S102 - our own page
        assert capsys.readouterr().out == block.output, f"{name}, line {block.line}"
