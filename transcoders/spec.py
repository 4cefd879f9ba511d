"""The config string: `codec+filter:key=value,key=value+…` to `Spec` and back to one canonical text.

Stages stand in encode order. This file knows the grammar only: which names exist and which options they take is
for `registry`. No secret can be written in a spec: options name places (`env=SESSION_KEYS`), never keys.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from transcoders.errors import SpecError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"[^+,=\s\x00-\x1f\x7f]+")
_LONGEST = 1000


class Stage(NamedTuple):
    """One name with its options, all still text, sorted by key."""

    name: str
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, name: str, options: Mapping[str, str]) -> "Stage":
        """The stage with these options."""
        return cls(name, tuple(sorted(options.items())))

    def __str__(self) -> str:
        """The stage as written in a config string."""
        options = ",".join(f"{key}={value}" for key, value in self.options)
        return f"{self.name}:{options}" if options else self.name


class Spec(NamedTuple):
    """A whole config string: the codec's stage, then the filters' in encode order."""

    codec: Stage
    filters: tuple[Stage, ...] = ()

    def __str__(self) -> str:
        """The config string that parses to this spec."""
        return "+".join(map(str, (self.codec, *self.filters)))


def parse(text: str) -> Spec:
    """The spec that a config string writes.

    A space reads as `+`, because `parse_qsl` and HTML forms make spaces of pluses.

    Raises:
        SpecError: the text is no config string; the message shows the part that is wrong.
    """
    if type(text) is not str:
        raise SpecError(f"a config string is a str such as 'msgpack+zstd', not {type(text).__name__}")
    if len(text) > _LONGEST:
        raise SpecError(f"a config string has at most {_LONGEST} characters, this one has {len(text)}")
    codec, *filters = (_stage(part, text) for part in text.strip().replace(" ", "+").split("+"))
    return Spec(codec, tuple(filters))


def _stage(part: str, text: str) -> Stage:
    dotted = _DOTTED.match(part)
    name = dotted or NAME.match(part)
    if name is None:
        raise SpecError(f"expected a name such as 'json' or 'zstd', found {part!r} in {_shown(text)}")
    rest = part[name.end() :]
    if not rest:
        return Stage(name.group())
    if not rest.startswith(":") or (dotted is None and "." in name.group()):
        raise SpecError(f"expected ':' and options after {name.group()!r}, found {rest!r} in {_shown(text)}")
    return Stage.of(name.group(), _options(rest[1:], name.group(), text))


def _options(rest: str, name: str, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for item in rest.split(","):
        key, equals, value = item.partition("=")
        if not equals or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise SpecError(f"expected key=value after {name!r}, found {item!r} in {_shown(text)}")
        if key in options:
            raise SpecError(f"option {key!r} of {name!r} stands twice in {_shown(text)}")
        options[key] = value
    return options


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
