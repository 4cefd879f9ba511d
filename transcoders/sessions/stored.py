"""What is stored of an attribute: a scalar that stands in the index as itself, a segment of bytes, or nothing.

A segment is a frame without its first three bytes: codec tag, shape, stamp and body. A `bytes` value is a segment like
every other value that is no scalar, so that bytes in the index are always segments.
"""

import re
from enum import Enum
from types import NoneType
from typing import Final

from transcoders import frame
from transcoders.errors import DecodeError, EncodeError
from transcoders.fidelity import ROOT, path

START: Final = frame.MAGIC + bytes((frame.VERSION,))
"""What a frame has before what a segment holds."""
LONGEST: Final = 128
"""Characters of a str that is a scalar."""
NAMES: Final = 1024
"""Attributes in a session, at most."""
NAME: Final = 255
"""Bytes of a name in UTF-8, at most."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]").search
_LOW, _HIGH = -(1 << 63), 1 << 64
_ALWAYS: Final = frozenset((NoneType, bool, float))


class Absent(Enum):
    """The type of ABSENT."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""There is no such attribute."""
Scalar = str | int | float | bool | None
Stored = Scalar | bytes | Absent


def scalar(value: object) -> bool:
    """Whether the value stands in the index as itself: exact types, what MessagePack holds, and short text."""
    kind = type(value)
    if kind is str:
        text: str = value  # type: ignore[assignment]
        return len(text) <= LONGEST and (text.isascii() or not _SURROGATE(text))
    if kind is int:
        return _LOW <= value < _HIGH  # type: ignore[operator]
    return kind in _ALWAYS


def check_name(name: object) -> None:
    """Raise EncodeError when no attribute can have that name."""
    if type(name) is not str:
        raise EncodeError(f"attributes of sessions are named by str, not by {type(name).__name__}")
    try:
        size = len(name) if name.isascii() else len(name.encode())
    except UnicodeEncodeError:
        raise EncodeError("the name of an attribute holds a lone surrogate, which is no Unicode text") from None
    if not 0 < size <= NAME:
        raise EncodeError(f"the name of an attribute takes 1 to {NAME} bytes in UTF-8, this one {size}")


def located(error: DecodeError | EncodeError, name: str) -> None:
    """Put the name of the attribute into the paths of an error, so that `$[3].price` is `$.cart[3].price`."""
    root = path((ROOT, name, 1))
    problems = [type(one)(root + one.path[1:], one.message) for one in getattr(error, "problems", ())]
    text = str(error)
    if problems:
        from transcoders.typed import words  # noqa: PLC0415 - declared types have loaded it

        text = f"{problems[0].path}: {words(problems)}"
        error.problems = tuple(problems)  # type: ignore[union-attr]
    elif isinstance(error, EncodeError):
        text = root + text[1:]
    else:
        text = f"{root}: {text}"
    if isinstance(error, EncodeError):
        error.path = root + error.path[1:]
    error.args = (text,)
