"""`transcoders settings`: the settings of a session manager that are in force here, as rows and as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transcoders.registry import environment
from transcoders.sessions.settings import Settings, settings, shown, table
from transcoders.sessions.sources import FILE, TABLES

COLUMNS = [(name, False) for name in ("setting", "in force", "takes", "what it means")]


def found(file: Path | None) -> Settings:
    """The settings of the environment and the file; raises SpecError when one of them is wrong."""
    return settings(file=file if file or FILE in environment(FILE) else _here())


def _here() -> Path | None:
    """The file of this folder that has settings, where there is one."""
    own, project = Path("transcoders.toml"), Path("pyproject.toml")
    if own.is_file():
        return own
    return project if project.is_file() and f"[{TABLES[0]}" in project.read_text("utf-8", "replace") else None


def rows(made: Settings) -> Iterator[tuple[str, ...]]:
    """Name, value with its source, range and meaning of each setting."""
    values = made.record()
    for name, _, takes, meaning in table():
        source = f"\n({made.sources[name]})" if name in made.sources else ""
        yield name, shown(values[name]) + source, takes, meaning


def record(made: Settings) -> dict[str, Any]:
    """The settings as JSON holds them, and where those stand that are no defaults."""
    return {"settings": made.record(), "sources": dict(made.sources)}
