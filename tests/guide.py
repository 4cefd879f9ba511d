"""The blocks of docs/embed.md, run by the tests of the libraries that they are about."""

import os
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "embed.md"


def sections() -> dict[str, list[tuple[int, str]]]:
    """The blocks of Python below each heading, with the lines that they start on."""
    found: dict[str, list[tuple[int, str]]] = {}
    heading = ""
    text = PAGE.read_text("utf-8")
    for match in re.finditer(r"^## ([^\n]*)$|^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.setdefault(heading, []).append((text[: match.start()].count("\n") + 1, match[2]))
    return found


def run(heading: str, number: int = 0, **given: object) -> dict[str, Any]:
    """What the names of a block stand for after it has run; `given` stand for what it takes from its surroundings."""
    line, code = sections()[heading][number]
    names: dict[str, Any] = {"__name__": "embed.md", "os": os, **given}
    exec(compile("\n" * line + code, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    return names


def settings(heading: str, number: int) -> dict[str, Any]:
    """The settings of Django that a block makes."""
    return {name: value for name, value in run(heading, number).items() if name.isupper()}
