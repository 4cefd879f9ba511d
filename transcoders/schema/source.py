"""Source of a generated function: lines, pending conditions, and the objects that its names stand for.

Conditions are gathered and written as one `if`, ranges of integers as one for all of them, because a session is mostly
leaves and each check costs about as much as the attribute it looks at. A failed condition raises `Stop`; the caller
then asks the interpreter what was wrong.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from transcoders.schema.nodes import Checked
from transcoders.schema.notation import HIGH, LOW, SHORT


class Stop(Exception):  # noqa: N818 - an answer, not a failure
    """The generated function does not handle this value."""


class Unsupported(Exception):  # noqa: N818
    """No function is generated for this shape; the interpreter does it."""


class Source:
    """A function being written."""

    __slots__ = ("_conditions", "_floats", "_indent", "_numbers", "_types", "_whole", "checks", "lines", "names")

    def __init__(self, *, checks: bool = True) -> None:
        """Without `checks`, types are taken for granted, and only what would change without a word is looked for."""
        self.checks = checks
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"Stop": Stop}
        self._indent, self._numbers = 1, count(1)
        self._conditions: list[str] = []
        self._types: dict[str, list[str]] = {}
        self._floats: dict[str, bool] = {}
        self._whole: list[str] = []

    def line(self, text: str) -> None:
        """A statement; pending conditions go before it."""
        self.flush()
        self.lines.append("    " * self._indent + text)

    @property
    def size(self) -> int:
        """Lines and pending conditions so far."""
        return sum(map(len, (self.lines, self._conditions, self._types, self._floats, self._whole)))

    def fresh(self) -> str:
        """A variable that is not used yet."""
        return f"v{next(self._numbers)}"

    def name(self, value: object, stem: str = "c") -> str:
        """The name under which the function finds an object."""
        for name, known in self.names.items():
            if known is value:
                return name
        name = f"{stem}_{next(self._numbers)}"
        self.names[name] = value
        return name

    def require(self, condition: str) -> None:
        """What must be true, else Stop."""
        self._conditions.append(condition)

    def check(self, condition: str) -> None:
        """The same for what a type checker could tell."""
        if self.checks:
            self._conditions.append(condition)

    def exact(self, variable: str, cls: type) -> None:
        """The exact type that a variable must have, else Stop."""
        if self.checks:
            name = self.name(cls, cls.__name__ if cls.__name__.isidentifier() else "t")
            self._types.setdefault(name, []).append(variable)

    def number(self, variable: str, *, short: bool) -> None:
        """That a variable holds a float, or an int, which then becomes one; one without an exponent, if so asked."""
        self._floats[variable] = short

    def narrow(self, variable: str) -> None:
        """That a variable holds an integer which every format holds by itself."""
        self._whole.append(variable)

    def flush(self) -> None:
        """Write the pending conditions as one `if`, what is needed for floats before it."""
        self._numbered()
        tests = [f"type({one}) is {cls}" for cls, variables in self._types.items() for one in variables]
        tests += self._conditions
        if self._whole:
            tests.append(ranges(self._whole))
        self._types, self._conditions, self._whole = {}, [], []
        if tests:
            self.lines.append("    " * self._indent + f"if not ({' and '.join(tests)}): raise Stop")

    def _numbered(self) -> None:
        floats, indent = self._floats, "    " * self._indent
        if not floats:
            return
        self._floats, cast = {}, self.name(to_float, "to_float")
        if self.checks:
            tests = " is ".join(f"type({one})" for one in floats)
            casts = "; ".join(f"{one} = {cast}({one})" for one in floats)
            self.lines.append(f"{indent}if not ({tests} is float): {casts}")
        if short := [f"{one} * {one}" for one in floats if floats[one]]:
            self.require(f"{' + '.join(short)} < {SHORT * SHORT}")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """A compound statement around what is written inside."""
        self.line(head)
        self._indent += 1
        yield
        self.flush()
        self._indent -= 1

    def alone(self) -> "Source":
        """A source for another function with the same names."""
        other = Source(checks=self.checks)
        other.names, other._numbers = self.names, self._numbers
        return other

    def function(self, name: str, head: str, result: str) -> None:
        """Define a function of the lines so far under the name, for the functions that call it."""
        self.flush()
        text = "\n".join((f"def {head}:", *self.lines, f"    return {result}"))
        exec(compile(text, f"<schema {name}>", "exec"), self.names)  # noqa: S102 - made of names and numbers of ours


def ranges(variables: list[str]) -> str:
    """The condition that all of these integers are held by every format; where none is negative, it is one test."""
    exact = " and ".join(f"{LOW} <= {one} < {HIGH}" for one in variables)
    return f"(0 <= {' | '.join(variables)} < {HIGH} or ({exact}))" if len(variables) > 1 else exact


def to_float(value: object) -> float:
    """The float of a float or an int; raises Stop on anything else."""
    if type(value) is not int and type(value) is not float:
        raise Stop
    return float(value)


def constraints(source: Source, node: Checked, variable: str) -> None:
    """The constraints of a node as conditions on a variable."""
    for _, check in node.checks:
        source.require(f"{source.name(check, 'check')}({variable})")


def compiled(template: str, body: list[str], result: str, names: dict[str, Any], name: str) -> Callable[..., Any]:
    """The function `f` of a template, with the body in the place of `#body` and the result in that of `RESULT`."""
    lines = []
    for line in template.splitlines():
        if line.strip() == "#body":
            indent = line[: -len(line.lstrip())]
            lines += [indent + one[4:] for one in body]
        else:
            lines.append(line.replace("RESULT", result))
    exec(compile("\n".join(lines), f"<schema {name}>", "exec"), names)  # noqa: S102 - made of names and numbers of ours
    made: Callable[..., Any] = names["f"]
    return made
