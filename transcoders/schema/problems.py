"""What is wrong with a payload, all of it at once, each with its path."""

import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from transcoders.collisions import crowd, prone
from transcoders.limits import Limits
from transcoders.numerals import Numerals
from transcoders.schema.nodes import Checked, Node, described
from transcoders.schema.notation import HIGH, LOW, TYPES, Notation

MOST: Final = 50
"""Problems reported for one payload."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]").search
_SIZED: Final = frozenset((str, bytes, bytearray, list, tuple, dict, set, frozenset))


class Problem(NamedTuple):
    """What is wrong with one place of a payload.

    Attributes:
        path: as `$.cart[3].price`.
        message: what was expected there, and what was found, by its type and size.
    """

    path: str
    message: str

    def __str__(self) -> str:
        """Both, as one line."""
        return f"{self.path}: {self.message}"


class Missing:
    """Stands for what could not be made; what would hold it is not made either."""


class Bounds:
    """The limits of typed values; one object per transcoder, free of state."""

    __slots__ = ("collisions", "depth", "numerals")

    def __init__(self, limits: Limits) -> None:
        self.depth, self.collisions, self.numerals = limits.depth, limits.collisions, Numerals(limits)


class Pass:
    """One way through one payload, with the problems met on it."""

    __slots__ = ("bounds", "depth", "notation", "problems", "trials")

    def __init__(self, notation: Notation, bounds: Bounds) -> None:
        self.notation, self.bounds, self.depth, self.trials = notation, bounds, bounds.depth, 0
        self.problems: list[Problem] = []

    def problem(self, path: str, message: str) -> Any:
        """Note a problem; returns Missing."""
        if len(self.problems) < MOST:
            self.problems.append(Problem(path, message))
        return Missing

    def wrong(self, node: Node, value: Any, path: str) -> Any:
        """Note that this is not what the node expects; returns Missing."""
        return self.problem(path, f"expected {described(node)}, found {found(value)}")

    def worse(self, before: int) -> bool:
        """Whether something was wrong since there were so many problems; at the most of them, it is taken to be."""
        return len(self.problems) > before or before >= MOST

    def fault(self, value: Any) -> str | None:
        """What no codec takes about a leaf of the right type: half a character, a number that is too large; or None."""
        if type(value) is str:
            return None if value.isascii() or not _SURROGATE(value) else "expected Unicode text, found a lone surrogate"
        if type(value) is int and not LOW <= value < HIGH:
            return self.bounds.numerals.excess(value)
        return self.bounds.numerals.decimal_excess(value, str(value)) if type(value) is Decimal else None

    def spread(self, members: Collection[Any], path: str) -> bool:
        """Whether few enough of the keys or members could have one hash; notes it when not."""
        most = self.bounds.collisions
        if len(members) <= most or prone(members) <= most:
            return True
        self.problem(path, f"{crowd(most)}: seal the transcoder, +hmac?")
        return False

    def meets(self, node: Checked, value: Any, path: str) -> bool:
        """Whether the value meets the node's constraints; notes the first that it does not."""
        for words, check in node.checks:
            try:
                met = check(value)
            except (TypeError, ArithmeticError):
                met = False
            if not met:
                self.problem(path, f"expected {words}, found {found(value)}")
                return False
        return True


def found(value: object) -> str:
    """The value in a few words for a message: its type and size, never what it says."""
    name = "None" if value is None else type(value).__name__
    return f"{name} of {len(value)}" if type(value) in _SIZED else name  # type: ignore[arg-type]


def several(names: Iterable[object]) -> str:
    """Up to five names for a message, each cut short."""
    return ", ".join(sorted(map(_shown, names))[:5])


def inside(path: str, name: object) -> str:
    """The path of a member, of whose name at most 40 characters are shown."""
    plain = type(name) is str and name.isidentifier()
    return f"{path}.{name[:40]}" if plain else f"{path}[{_shown(name)}]"  # type: ignore[index]


def _shown(name: object) -> str:
    """A name or key as it stands in Python; by its type where that may be long or is the user's code."""
    if type(name) is int and name.bit_length() > 128:
        return found(name)
    short = name[:40] if isinstance(name, str | bytes | bytearray) else name
    return repr(short)[:40] if type(name) in TYPES.values() else found(name)
