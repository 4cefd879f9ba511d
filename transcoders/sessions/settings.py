"""The configuration of a manager: which store, which transcoder, which policy, from wherever it is written.

    settings(locking_mode="auto")                       keywords
    settings({"locking_mode": "auto"})                  a mapping, of a framework perhaps
    TRANSCODERS_LOCKING_MODE=auto                       the environment
    settings(file="pyproject.toml")                     a table [tool.transcoders.session], or [session] in another file

Of what stands in several places, the first in this order counts. A file is read when it is named, here or by
TRANSCODERS_SETTINGS. Nothing is guessed: names that are none and values that do not fit are errors that say where they
stand, all of them at once. The URL of a store may hold a password, and is never shown as it is.
"""

import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from transcoders.errors import SpecError
from transcoders.options import nearest
from transcoders.registry import environment, secrets
from transcoders.sessions import policy
from transcoders.sessions.msm import ours
from transcoders.sessions.notation import read
from transcoders.sessions.policy import Policy, check, setting, takes
from transcoders.sessions.prefix import parse, prefix
from transcoders.sessions.sources import FILE, PREFIX, Given, in_code, in_environment, in_file, keyed
from transcoders.spec import parse as parse_spec

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Settings:
    """What a manager is made from.

    Attributes:
        policy: the other settings.
        sources: where each setting was found that was given.

    Raises:
        SpecError: a setting has the wrong type, or is out of its range.
    """

    store: str = setting(
        "memory:", "URL of the store: `memory:`, `sqlite:PATH`, `redis://…`; its own options stand in it"
    )
    transcoder: str = setting("json", "config string of the transcoder")
    accept: tuple[str, ...] = setting(
        (), "what is read beside: config strings of sessions written before a change, and `raw-…` readers"
    )
    keys_env: str | None = setting(
        None, "name of the environment variable with the keys of seals and ciphers, newest first, commas between"
    )
    host: str | None = setting(None, "name of the machine, in `storage_key_prefix`; what the machine says when None")
    context: str = setting("", "name of the application, in `storage_key_prefix`")
    webapp_version: str = setting("", "version of the application, in `storage_key_prefix`")
    policy: Policy = field(default_factory=Policy)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)

    def __post_init__(self) -> None:
        for one in _OWN:
            object.__setattr__(self, one.name, _checked(one, getattr(self, one.name)))

    def keys(self) -> tuple[bytes, ...]:
        """The keys, newest first; none where `keys_env` is None.

        Raises:
            SpecError: the variable is not set.
        """
        return secrets(self.keys_env, "keys_env") if self.keys_env else ()

    def places(self) -> dict[str, str]:
        """What the parts of `storage_key_prefix` stand for: `host`, `context`, `webapp_version`."""
        asked = any(part.startswith("host") for part in parse(self.policy.storage_key_prefix))
        host = (socket.gethostname() if asked else "") if self.host is None else self.host
        return {"host": host, "context": self.context, "webapp_version": self.webapp_version}

    def prefix(self) -> str:
        """What stands before keys in the store.

        Raises:
            SpecError: a name cannot stand in a key.
        """
        return prefix(self.policy.storage_key_prefix, **self.places())

    def record(self) -> dict[str, Any]:
        """All settings as JSON holds them; of the store's URL no user, no password."""
        values = {name: getattr(self if one in _OWN else self.policy, name) for name, one in SETTINGS.items()}
        functions = {name: getattr(made, "__qualname__", str(made)) for name, made in self.policy.merge.items()}
        return values | {"store": redacted(self.store), "accept": [*self.accept], "merge": functions}

    def __repr__(self) -> str:
        """The settings that are not the default; of the store's URL no user, no password."""
        plain, values = Settings().record(), self.record().items()
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in values if value != plain[name])})"


_OWN: Final = tuple(one for one in fields(Settings) if "range" in one.metadata)
SETTINGS: Final[Mapping[str, Field[Any]]] = {one.name: one for one in _OWN} | dict(policy.SETTINGS)
"""Every setting by name, with what each takes in its metadata."""


def settings(
    given: Mapping[str, object] | None = None,
    /,
    *,
    file: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
    **keywords: object,
) -> Settings:
    """The settings that are in force.

    Args:
        given: settings by name, ours or those of memcached-session-manager.
        file: a TOML file; the one that TRANSCODERS_SETTINGS names when None, and none when that is not set.
        environ: the environment; the process's own when None, none when empty.
        keywords: settings by name.

    Raises:
        SpecError: an unknown setting, a value that does not fit, or a file that cannot be read; with where it stands.
    """
    variables = environment(PREFIX) if environ is None else environ
    named, problems = file or variables.get(FILE), []
    try:
        written = [*in_file(Path(named))] if named else []
    except SpecError as error:
        written, problems = [], [str(error)]
    coded = [*in_code("mapping", given or {}), *in_code("keyword", keywords)]
    written += in_environment(variables, {FILE, *keyed([*written, *coded], variables)})
    return _made([*written, *coded], problems)


def _made(given: Iterable[Given], problems: list[str]) -> Settings:
    """The settings of what is given, of which the last counts; raises SpecError with all that is wrong."""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    seen: dict[tuple[str, str], object] = {}
    for layer, source, before, written, value in given:
        try:
            name, ours_now = _named(written, value)
            if (layer, name) in seen:
                raise SpecError(f"{seen[layer, name]} and {written} are the same setting: give one of them")  # noqa: TRY301
            seen[layer, name] = written
            values[name], sources[name] = _checked(SETTINGS[name], ours_now), source
        except SpecError as error:
            problems.append(f"{before}{error}")
    if problems:
        raise SpecError("\n".join(problems))
    others = Policy(**{name: value for name, value in values.items() if name in policy.SETTINGS})
    own = {name: value for name, value in values.items() if name not in policy.SETTINGS}
    made = Settings(**own, policy=others, sources=sources)
    made.prefix()
    return made


def _named(written: object, value: object) -> tuple[str, object]:
    if not isinstance(written, str):
        raise SpecError(f"settings are named by text, not by {written!r}")
    name, value = ours(written, value)
    if name not in SETTINGS:
        raise SpecError(f"there is no setting {written!r}{nearest(written, SETTINGS)}")
    return name, value


def _checked(one: Field[Any], given: object) -> object:
    """The value as the setting keeps it; raises SpecError, in which no secret is shown."""
    value = read(one, given)
    if one.name == "store" and type(value) is not str:
        raise SpecError(f"store takes the URL of a store, not {type(value).__name__}")
    if one.name == "keys_env" and value is not None and not (type(value) is str and _VARIABLE(value)):
        raise SpecError("keys_env takes the name of an environment variable in capitals, never the keys themselves")
    try:
        check(one, value)
    except SpecError as error:
        if isinstance(value, str) and one.metadata["range"].unit == "s":
            raise SpecError(f"{error}; with a unit: 500ms, 5s, 30m, 2h or 1d") from None
        raise
    if one.name == "transcoder":
        try:
            parse_spec(str(value))
        except SpecError as error:
            raise SpecError(f"transcoder: {error}") from None
    return value


def table() -> list[tuple[str, str, str, str]]:
    """Every setting: its name, its default, what it takes and what it means."""
    plain = Settings().record()
    return [(name, shown(plain[name]), takes(one), one.metadata["range"].text) for name, one in SETTINGS.items()]


NOTHING: Final = "nothing"
"""What is shown of a setting that has no value."""


def shown(value: object) -> str:
    """A value of a record as text would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{name}={made}" for name, made in value.items()) or NOTHING
    if isinstance(value, list):
        return "; ".join(value) or NOTHING
    if isinstance(value, float):
        return f"{value:g}"
    return NOTHING if value is None else str(value) or NOTHING


def redacted(url: str) -> str:
    """The URL of a store without what may be a secret: user and password, and what is no host, port or path."""
    name, colon, rest = url.partition(":")
    if not colon:
        return "***"
    place, mark, query = rest.partition("?")
    if "@" in rest:
        place, mark, query = f"//***@{rest.rpartition('@')[2]}".partition("?")
    elif place.startswith("//") and not re.fullmatch(r"//([^:]*|\[[^]]*\])(:[0-9]*)?(/[^:]*)?", place):
        place = "//***"
    query = re.sub(r"(?i)(pass|secret|token|auth|cred)(\w*)=[^&]*", r"\1\2=***", query)
    return f"{name}:{place}{mark}{query}"
