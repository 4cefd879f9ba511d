"""The blocks of docs/embed.md and docs/web.md, run by the tests of the libraries that they are about."""

import os
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"


def sections(page: str = "embed.md") -> dict[str, list[tuple[int, str]]]:
    """The blocks of Python below each heading, with the lines that they start on."""
    found: dict[str, list[tuple[int, str]]] = {}
    heading = ""
    text = (DOCS / page).read_text("utf-8")
    for match in re.finditer(r"^## ([^\n]*)$|^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.setdefault(heading, []).append((text[: match.start()].count("\n") + 1, match[2]))
    return found


def run(heading: str, number: int = 0, *, page: str = "embed.md", url: str = "", **given: object) -> dict[str, Any]:
    """What the names of a block stand for after it has run.

    Args:
        heading: above the block.
        number: of the block below it.
        page: where it stands.
        url: of the server that stands for `redis://localhost`.
        given: what it takes from its surroundings.
    """
    line, code = sections(page)[heading][number]
    names: dict[str, Any] = {"__name__": page, "os": os, **given}
    code = code.replace("redis://localhost", url or "redis://localhost")
    exec(compile("\n" * line + code, str(DOCS / page), "exec"), names)  # noqa: S102 - our own page
    return names


def settings(heading: str, number: int) -> dict[str, Any]:
    """The settings of Django that a block makes."""
    return {name: value for name, value in run(heading, number).items() if name.isupper()}
