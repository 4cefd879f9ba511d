"""The terminal: tables, progress and messages through rich; plain text where the output is no terminal."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, done: int, total: int, text: str, /) -> None:
        """Show that so much of the total is done, and what is being done."""
        ...


def say(text: str = "") -> None:
    """Print a line to standard output, wrapped at words."""
    Console(highlight=False).print(escape(text), soft_wrap=True)


def complain(text: str) -> None:
    """Print a line to standard error."""
    console = Console(stderr=True, highlight=False)
    console.print(escape(text), style="red" if console.is_terminal else None, soft_wrap=True)


def emit(record: Any) -> None:
    """Print the record as JSON."""
    sys.stdout.write(json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n")


def table(title: str, columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; a column is its heading and whether it holds numbers."""
    made = Table(title=title or None, title_justify="left", title_style="bold")
    for heading, number in columns:
        made.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in rows:
        made.add_row(*map(escape, row))
    Console(highlight=False).print(made)


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Advance]:
    """A bar on standard error, gone when it is full; none where that is no terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int, text: str, /) -> None:
            bar.update(task, completed=done, total=total, description=escape(text))

        yield advance
