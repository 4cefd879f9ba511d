"""Tables: Markdown whose columns are padded, so that a terminal shows them as a forge does."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text: int) -> list[str]:
    """The lines of a table; the first so many columns hold text, the others numbers."""
    widths = [max(3, *(len(row[column]) for row in (head, *rows))) for column in range(len(head))]
    rule = ["-" * width if column < text else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return ["| " + " | ".join(_padded(row, widths, text)) + " |" for row in (head, rule, *rows)]


def _padded(row: Sequence[str], widths: Sequence[int], text: int) -> list[str]:
    return [
        cell.replace("|", "/").ljust(width) if column < text else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
