"""Options of a stage: declared once as data, checked in one place, shown by `transcoders list`.

A factory declares `Option`s; `read` turns the text of a stage into typed values or one `SpecError` that says what
the option takes. An option that equals its default is dropped from the canonical spec.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from transcoders.errors import SpecError

OptionValue = int | str | bool
Options = Mapping[str, OptionValue]


class Option(NamedTuple):
    """One option of a codec or filter.

    Attributes:
        name: the key in the config string.
        kind: what its value is: `int` (with low and high), `flag` (yes or no), `choice`, `text` or `path`.
        default: the value when it is not written; None when there is none.
        help: one line for `transcoders list`.
    """

    name: str
    kind: Literal["int", "flag", "choice", "text", "path"]
    default: OptionValue | None
    help: str
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()

    @property
    def takes(self) -> str:
        """What the option takes, in words."""
        return {
            "int": f"a whole number from {self.low} to {self.high}",
            "flag": "yes or no",
            "choice": "one of " + ", ".join(self.choices),
            "text": "text",
            "path": "a path",
        }[self.kind]

    @property
    def usage(self) -> str:
        """How the option is written."""
        span = f"{self.low}-{self.high}" if self.high < 1000 else "BYTES"
        values = {"int": span, "flag": "yes|no", "choice": "|".join(self.choices), "text": "NAME", "path": "FILE"}
        return f"{self.name}={values[self.kind]}"

    def read(self, text: str) -> OptionValue:
        """The typed value of the text; raises SpecError when the option does not take it."""
        value = self._value(text)
        if value is None:
            raise SpecError(f"option {self.name!r} takes {self.takes}, not {text!r}")
        return value

    def _value(self, text: str) -> OptionValue | None:
        if self.kind == "int":
            small = len(text) <= 20 and text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()
            return int(text) if small and self.low <= int(text) <= self.high else None
        if self.kind == "flag":
            return {"yes": True, "no": False}.get(text)
        return text if self.kind in {"text", "path"} or text in self.choices else None


def read(declared: Iterable[Option], given: Mapping[str, str], stage: str) -> dict[str, OptionValue]:
    """The typed options of a stage, defaults filled in.

    Raises:
        SpecError: an unknown option, or a value outside what the option takes.
    """
    known = {option.name: option for option in declared}
    for name in given:
        if name not in known:
            raise SpecError(f"{stage!r} has no option {name!r}{nearest(name, known)}")
    values = {name: option.default for name, option in known.items() if option.default is not None}
    return values | {name: known[name].read(text) for name, text in given.items()}


def written(declared: Iterable[Option], values: Options) -> dict[str, str]:
    """The options as canonical text, those at their default left out."""
    defaults = {option.name: option.default for option in declared}
    text = {True: "yes", False: "no"}
    return {
        name: text[value] if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value != defaults.get(name)
    }


def nearest(name: str, names: Iterable[str]) -> str:
    """A did-you-mean clause for an unknown name, or the names there are."""
    import difflib  # noqa: PLC0415 - only when something is wrong

    names = sorted(names)
    if close := difflib.get_close_matches(name.lower(), names, n=2, cutoff=0.6):
        return "; did you mean " + " or ".join(map(repr, close)) + "?"
    return "; there is " + ", ".join(names) if names else "; it takes none"
