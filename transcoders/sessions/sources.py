"""Where settings are written: in code, in the environment, in a TOML file; each with the words that say where.

The environment is passed in: a mapping of names and texts.
"""

import re
import tomllib
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from transcoders.errors import SpecError

PREFIX: Final = "TRANSCODERS_"
"""What stands before a setting's name, in capitals, in the environment."""
FILE: Final = "TRANSCODERS_SETTINGS"
"""The environment variable that names the file."""
TABLES: Final = ("tool.transcoders.session", "session")
"""Where a file has its settings; the second not in a `pyproject.toml`."""
_NAMING: Final = ("keys_env", "transcoder", "accept")
"""Settings that name environment variables with keys."""


class Given(NamedTuple):
    """A setting that is given.

    Attributes:
        layer: `file`, `environment`, `mapping` or `keyword`; in each a setting stands once.
        source: where exactly.
        before: how messages about it begin.
        written: its name there.
        value: as it stands there.
    """

    layer: str
    source: str
    before: str
    written: object
    value: object


def in_code(layer: str, given: Mapping[str, object]) -> Iterator[Given]:
    """Settings of a mapping, or keywords."""
    for name, value in given.items():
        yield Given(layer, layer, "", name, value)


def in_file(path: Path) -> Iterator[Given]:
    """Settings of a file; raises SpecError when it has none, or cannot be read."""
    name, table = _table(path)
    for written, value in table.items():
        yield Given("file", f"{path} [{name}]", f"{path}, [{name}]: ", written, value)


def in_environment(variables: Mapping[str, str], others: Container[str]) -> Iterator[Given]:
    """Settings of variables that begin with PREFIX; the others are for something else."""
    for variable, text in sorted(variables.items()):
        if variable.startswith(PREFIX) and variable not in others:
            source, name = f"environment variable {variable}", variable.removeprefix(PREFIX).lower()
            yield Given("environment", source, f"{source}: ", name, text)


def keyed(given: Iterable[Given], variables: Mapping[str, str]) -> set[str]:
    """Variables with keys, which may begin as ours do: every word of the settings that may name one."""
    texts = [one.value for one in given if one.written in _NAMING]
    texts += [variables.get(f"{PREFIX}{name.upper()}", "") for name in _NAMING]
    return {word for text in texts for word in re.findall(r"\w+", str(text))}


def _table(path: Path) -> tuple[str, Mapping[str, object]]:
    """The table of settings in a file, and its name."""
    try:
        document: Any = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path} is no TOML: {error}") from None
    found: dict[str, Any] = {}
    for name in TABLES[: 1 if path.name == "pyproject.toml" else 2]:
        table = document
        for part in name.split("."):
            table = table.get(part, {}) if isinstance(table, dict) else {}
        if table:
            found[name] = table
    if len(found) > 1:
        raise SpecError(f"{path} has both [{'] and ['.join(found)}]: take one of them")
    for name, table in found.items():
        if not isinstance(table, dict):
            raise SpecError(f"{path}: {name} is {type(table).__name__}, expected a table [{name}]")
        return name, table
    raise SpecError(f"{path} has no table [{'] or ['.join(TABLES)}] with settings in it")
