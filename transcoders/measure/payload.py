"""Payloads: the values that a study encodes and decodes, and the places they are loaded from.

A source is one text: a file, a function, or a name under the entry-point group `transcoders.payloads`. What
cannot be taken as it stands there is refused, never mended. This file knows no codec and no clock; the
bundled payloads are reached by name only, because the wheel does not carry them.
"""

import json
import math
import re
import sys
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path
from typing import Never

from transcoders.errors import SpecError

MOST_VARIANTS = 256
LARGEST_FILE = 64 << 20

_GROUP = "transcoders.payloads"
_BUNDLED = "bundled"
_BUNDLE = "bench.payloads:families"
_FORMS = "FILE.json, FILE.jsonl, module:function, bundled, or a bundled family's name"
_NO_BUNDLE = "the bundled payloads live in the source tree: give --payload FILE.json, or run from a clone"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"\[\]{},:]+')


@dataclass(frozen=True, slots=True)
class Payload:
    """A named value in one or more variants.

    Attributes:
        name: stands in benchmark names and in file names.
        variants: distinct values of one shape; a timed loop rotates through them, so that no branch predictor
            and no cache learns a single one by heart.
        note: one line on what the payload stands for, or what was done to it.
    """

    name: str
    variants: tuple[object, ...]
    note: str = ""

    def __post_init__(self) -> None:
        """Raise SpecError on a name that cannot be shown or stored, and on a payload without a value."""
        if not self.name.strip() or not self.name.isprintable() or "/" in self.name:
            raise SpecError(f"a payload's name is printable text without '/', not {self.name!r}")
        if not self.variants:
            raise SpecError(f"payload {self.name}: expected one variant or more, found none")


def load(source: str) -> list[Payload]:
    """The payloads that a source holds.

    * `FILE.json`: one value is one payload, named after the file.
    * `FILE.jsonl`: each line is a variant of one payload. Blank lines are skipped; of more than 256 lines,
      256 evenly spaced ones are taken.
    * `module:function`, the current directory being importable. It takes no argument and returns a `Payload`
      or several (a list, tuple or iterator of nothing else); any other value is one payload, named after it.
    * an entry point of group `transcoders.payloads`, whole (`bundled`) or in part (`bundled:login,flash`): a
      function `families(*names)` that returns the payloads so named, or all of them without names.
    * the name of a bundled family, such as `cart-5`.

    Raises:
        SpecError: the source is none of these, or what it holds cannot be a payload.
    """
    if source.endswith(".json"):
        return [_json_file(Path(source))]
    if source.endswith(".jsonl"):
        return [_jsonl_file(Path(source))]
    name, colon, rest = source.partition(":")
    # A clone that is not installed has the bundle, and no entry points.
    offers = {_BUNDLED: _BUNDLE} | {offer.name: offer.value for offer in entry_points(group=_GROUP)}
    if name in offers:
        return _offered(name, offers[name], rest.split(",") if colon else [])
    if colon:
        with _here_importable():
            return _called(source)
    if Path(source).exists():
        raise SpecError(f"{source}: expected {_FORMS}, found a path with another ending; rename it")
    try:
        return _offered(_BUNDLED, offers[_BUNDLED], [source])
    except SpecError as exc:
        raise SpecError(f"payload {source!r}: expected {_FORMS}; {exc}") from exc


# Functions: what runs here is somebody else's code, and may raise anything.


def _offered(origin: str, reference: str, names: Sequence[str]) -> list[Payload]:
    remedy = _NO_BUNDLE if origin == _BUNDLED else f"mend the package that offers {origin!r}"
    found = {payload.name: payload for payload in _called(reference, *names, remedy=remedy)}
    if not found.keys() >= set(names):
        raise SpecError(f"{origin}: expected {', '.join(names)}, found {', '.join(found)}; {remedy}")
    return [found[name] for name in dict.fromkeys(names or found)]


def _called(reference: str, *names: str, remedy: str = "check the name") -> list[Payload]:
    """What the function `module:attribute` returns, as payloads."""
    module, _, attribute = reference.partition(":")
    try:
        function = attrgetter(attribute)(import_module(module))
    except Exception as exc:
        raise SpecError(f"{reference}: cannot be imported: {type(exc).__name__}: {exc}; {remedy}") from exc
    if not callable(function):
        raise SpecError(f"{reference}: expected a function, found {type(function).__name__}; {remedy}")
    try:
        return _payloads(function(*names), attribute, reference)
    except SpecError:
        raise
    except Exception as exc:
        raise SpecError(f"{reference}: failed: {type(exc).__name__}: {exc}; mend the function") from exc


def _payloads(found: object, name: str, reference: str) -> list[Payload]:
    members = _members(found)
    payloads = [member for member in members if isinstance(member, Payload)]
    if not payloads and _is_value(found):
        return [Payload(name, (found,))]
    if not payloads or len(payloads) < len(members) or isinstance(found, dict):
        raise SpecError(
            f"{reference}: expected a session's value or payloads, found {type(found).__name__} of "
            f"{len(payloads)} payloads and {len(members) - len(payloads)} other values; "
            "return a list of Payload(name, variants)"
        )
    names = [payload.name for payload in payloads]
    if len(set(names)) < len(names):
        raise SpecError(f"{reference}: expected each name once, found {', '.join(names)}; rename one")
    return payloads


def _members(found: object) -> list[object]:
    if isinstance(found, dict):
        return list(found.values())
    return list(found) if isinstance(found, list | tuple | Iterator) else [found]


def _is_value(found: object) -> bool:
    """Whether this can be meant as a session, as None of a forgotten return and an empty list cannot."""
    if isinstance(found, list | tuple):
        return bool(found)
    return found is not None and not isinstance(found, Iterator)


@contextmanager
def _here_importable() -> Iterator[None]:
    """As `python -m` does it, which the `transcoders` command does not."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        with suppress(ValueError):  # what was imported may have tidied up already
            sys.path.remove(here)


def _json_file(path: Path) -> Payload:
    return Payload(path.stem, (_parse(_read(path), path),))


def _jsonl_file(path: Path) -> Payload:
    # Not splitlines(): JSON strings may hold U+2028 and its like.
    lines = [(number, line) for number, line in enumerate(_read(path).split("\n"), 1) if line.strip()]
    if not lines:
        raise SpecError(f"{path}: expected a JSON value on each line, found no line; write one session a line")
    kept = _evenly_spaced(len(lines))
    values = []
    for index, (number, line) in enumerate(lines):
        value = _parse(line, path, number)  # of lines left out too: a fault is told wherever it stands
        if index in kept:
            values.append(value)
    note = "" if len(values) == len(lines) else f"{len(values)} of {len(lines)} lines, evenly spaced"
    return Payload(path.stem, tuple(values), note)


def _evenly_spaced(count: int) -> Container[int]:
    if count <= MOST_VARIANTS:
        return range(count)
    return {step * (count - 1) // (MOST_VARIANTS - 1) for step in range(MOST_VARIANTS)}


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as exc:  # ValueError: no system has such a path
        raise SpecError(f"{path}: expected a readable file, found: {exc}; check the path") from exc
    if len(data) > LARGEST_FILE:
        raise SpecError(f"{path}: expected at most {LARGEST_FILE >> 20} MiB, found more; take a sample of it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = 1 + data.count(b"\n", 0, exc.start)
        raise SpecError(f"{path}, line {line}: expected UTF-8, found other bytes; convert the file") from exc


class _BadNumberError(ValueError):
    """A token that Python's json reads, and RFC 8259 does not know or no float holds."""


def _parse(text: str, path: Path, first_line: int = 1) -> object:
    """The value that a JSON text writes, with integers exact (RFC 8259)."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as exc:
        line = first_line + exc.lineno - 1
        raise SpecError(f"{path}, line {line}, column {exc.colno}: expected JSON, found: {exc.msg}; mend it") from exc
    except _BadNumberError as exc:
        line = first_line + _lines_before(str(exc), text)
        raise SpecError(f"{path}, line {line}: expected a JSON number, found {exc}; write null or a string") from exc
    except RecursionError as exc:
        raise SpecError(f"{path}, line {first_line}: expected a session, found one nested too deep") from exc
    except ValueError as exc:  # the interpreter's own limit on digits
        raise SpecError(f"{path}, from line {first_line}: {exc}; write such numbers as strings") from exc


def _refuse(token: str) -> Never:
    raise _BadNumberError(token)


def _finite(token: str) -> float:
    number = float(token)
    return number if math.isfinite(number) else _refuse(token)


def _lines_before(token: str, text: str) -> int:
    start = next(match.start() for match in _TOKEN.finditer(text) if match.group().startswith(token))
    return text.count("\n", 0, start)
