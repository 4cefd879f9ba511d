"""The document: what a report consists of, before it is Markdown or HTML. Text may mark code with backticks.

Both renderings show the same blocks; this file knows neither of them, and nothing of what was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from transcoders.measure.stats import Estimate


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what counts.
        detail: what stands behind it, smaller.
        mark: one word, such as `tie`.
        strong: whether it is the best of its row.
        colour: of the transcoder that it names; empty for other cells.
    """

    text: str
    detail: str = ""
    mark: str = ""
    strong: bool = False
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head.

    Attributes:
        text: which columns hold text; the others hold numbers.
        folded: whether it is shown only on demand; such a table has a title.
    """

    kind: ClassVar = "table"

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    caption: str = ""
    text: tuple[int, ...] = (0,)
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `lead` is the sentence to read if only one is read."""

    kind: ClassVar = "text"

    text: str
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar = "bullets"

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by its name; `alt` says what it shows to who cannot see it."""

    kind: ClassVar = "figure"

    name: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines to type."""

    kind: ClassVar = "listing"

    lines: tuple[str, ...]


Block = Table | Text | Bullets | Figure | Listing


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part of the report."""

    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        """The title as the end of a link."""
        return self.title.lower().replace(" ", "-")


def cells(texts: Sequence[str]) -> tuple[Cell, ...]:
    """Plain cells."""
    return tuple(map(Cell, texts))


def microseconds(seconds: float) -> str:
    """The time in microseconds, without its unit: three digits, and never fewer than the whole ones."""
    return _number(seconds * 1e6)


def ratio(value: float) -> str:
    """A ratio, marked as one."""
    return "\N{MULTIPLICATION SIGN}" + _number(value)


def interval(estimate: Estimate, scale: float = 1.0) -> str:
    """The interval of an estimate, from low to high."""
    return f"{_number(estimate.low * scale)}\N{EN DASH}{_number(estimate.high * scale)}"


def whole(value: float) -> str:
    """A number of bytes."""
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """A share, such as `2.4 %`."""
    return f"{share * 100:.1f} %"


def _number(value: float) -> str:
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"
