"""How settings are written where there are only texts, in environment variables and often in files.

    true, false          yes or no
    30m                  a time: a number and one of `ms s m h d`; a number alone is seconds
    json; raw-json       several texts, semicolons between, because config strings have commas
    visits=counter       merge functions: attribute and function, commas between
    (nothing)            None, where a setting may be None

Whatever is not written so is left as it is, for the check of the setting to refuse.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field
from fractions import Fraction
from typing import Any, Final

from transcoders.errors import SpecError
from transcoders.options import nearest
from transcoders.registry import imported
from transcoders.sessions.merge import MERGES

UNITS: Final = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600), "d": Fraction(86400)}
_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([a-z]*)").fullmatch


def read(one: Field[Any], given: object) -> object:
    """What a setting is given, as its type; unchanged where it is not text, or no text of that type.

    Raises:
        SpecError: a merge function is unknown.
    """
    if one.name == "merge":
        return _merges(given)
    if one.type == tuple[str, ...]:
        texts = [text.strip() for text in given.split(";") if text.strip()] if isinstance(given, str) else given
        return tuple(texts) if isinstance(texts, list) else texts
    if not isinstance(given, str):
        return given
    if one.type is bool:
        return {"true": True, "false": False}.get(given, given)
    if one.type in {int, float}:
        return _number(one, given)
    return None if not given and one.type == str | None else given


def _number(one: Field[Any], text: str) -> object:
    timed = one.metadata["range"].unit == "s"
    match = _NUMBER(text)
    if match is None or (match[2] and not (timed and match[2] in UNITS)):
        return text
    number = Fraction(match[1]) * UNITS[match[2] or "s"]
    if one.type is float:
        return float(number)
    return int(number) if number.denominator == 1 else text


def _merges(given: object) -> object:
    if isinstance(given, str):
        pairs = [pair.partition("=") for pair in given.split(",") if pair.strip()]
        if any(not equals for _, equals, _ in pairs):
            raise SpecError(f"merge takes attribute=function, commas between, not {given!r}")
        given = {name.strip(): text.strip() for name, _, text in pairs}
    if not isinstance(given, Mapping):
        return given
    return {name: _function(name, made) if isinstance(made, str) else made for name, made in given.items()}


def _function(name: object, text: str) -> Callable[..., Any]:
    if text in MERGES:
        return MERGES[text]
    if ":" in text:
        return imported(text, f"the merge function {text!r}")  # type: ignore[no-any-return]
    known = (*MERGES, "package.module:function")
    raise SpecError(f"merge has no function {text!r} for {name!r}{nearest(text, known)}")
