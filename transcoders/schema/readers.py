"""Leaves from their plain values, as generated functions call them: short, and raising on whatever is unusual."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Clamped, Context, Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow
from typing import Any, Final
from uuid import UUID

from transcoders.limits import Limits
from transcoders.schema.nodes import Checked, Leaf, Node


def rebinds(node: Node) -> bool:
    """Whether a generated function may give the variable of the node another value: a float for an int."""
    return rebinds(node.node) if isinstance(node, Checked) else node == Leaf("float")


SALTED: Final = frozenset(("none", "bool", "float", "str", "bytes", "date"))
"""Leaves whose hash nobody can choose; see `collisions`."""


def decimals(limits: Limits) -> Context:
    """What raises for Decimals beyond the limits."""
    return Context(
        prec=limits.digits, Emax=limits.exponent, Emin=-limits.exponent,
        traps=[Overflow, Underflow, Subnormal, Clamped, Inexact, Rounded, InvalidOperation],
    )  # fmt: skip


def short(limits: Limits) -> int:
    """The most characters of a Decimal without an exponent that is within the limits whatever they are; 0 for none."""
    return min(32, limits.digits, limits.exponent) if limits.exponent >= _UNWRITTEN else 0


_UNWRITTEN: Final = 6
"""How small an exponent may be before it is written."""


def _timedelta(wire: int) -> timedelta:
    return timedelta(microseconds=wire)


UUID_PARTS: Final = (object.__new__, vars(UUID)["int"].__set__, vars(UUID)["is_safe"].__set__, int.from_bytes)
"""What makes a UUID of 16 bytes without the checks and conversions of its constructor, at a third of its cost."""

PARSE: Final[dict[str, Callable[[Any], Any]]] = {
    "datetime": datetime.fromisoformat, "date": date.fromisoformat, "time": time.fromisoformat,
    "timedelta": _timedelta,
}  # fmt: skip
WRITTEN: Final = {
    "date": "len({0}) == 10 and {0}[7] == '-'", "time": "len({0}) >= 8 and {0}[2] == ':'", "datetime": "len({0}) >= 19",
    "decimal": "{0}.isascii()",
}  # fmt: skip
"""How text looks that `notation.parse` reads; what stands in PARSE reads more."""
