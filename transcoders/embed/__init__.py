"""Our transcoders inside session backends and caches that people already run: what the modules of this package share.

One setting says how: a config string, a mapping of the settings below, or a Transcoder. What the backend's former
serializer wrote stays readable, so that the change logs nobody out; pickles are read only where `accept` names
`raw-pickle`, and then as data. Bytes that cannot be read are no session, and the backend's log tells why.

Settings: `spec` (the config string; default `json`), `accept`, `keys`, `retired` and `schema` as in `transcoder()`
(`schema` also as text, `package.module:Class`), `limits` (a Limits, or a mapping of its fields), and

- `legacy`: whether the former serializer's bytes are read; True unless it is set. With a seal in the spec it has to be
  set, because a seal protects nothing while bytes without one are read as well;
- `plain`: whether instances of subclasses of builtins (SafeString, OrderedDict …) are stored as the builtin, as the
  former serializer did where the backend's default is True, or refused;
- `on_undecodable`: `new`, or `raise` for an error that reaches the application, as far as the backend lets it through.
"""

import logging
import pkgutil
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from transcoders.chain import Chain
from transcoders.errors import DecodeError, EncodeError, Malformed, SpecError
from transcoders.limits import Limits
from transcoders.options import nearest
from transcoders.pipeline import Transcoder, transcoder
from transcoders.registry import REGISTRY
from transcoders.subclasses import Plain

Settings = str | Mapping[str, Any] | Transcoder[Any]

JSON: Final = ("raw-json",)
"""The readers of what was stored as JSON."""
MSGPACK: Final = ("raw-json", "raw-msgpack")
"""The readers of what was stored as JSON or MessagePack; no map of the one is a text of the other."""
NAMES: Final = ("spec", "accept", "keys", "retired", "schema", "limits", "legacy", "plain", "on_undecodable")
_DIGITS = re.compile(rb"-?[0-9]{1,20}").fullmatch


class Embedded:
    """A transcoder inside somebody else's backend. Immutable; may be used by any number of threads at once.

    Attributes:
        transcoder: what encodes and decodes.
    """

    __slots__ = ("_log", "_name", "_plain", "_raises", "transcoder")

    def __init__(
        self, name: str, settings: Settings, legacy: Iterable[str] = (), *, plain: bool = False, signed: bool = False
    ) -> None:
        """The transcoder of the settings.

        Args:
            name: of the backend, for messages and the log `transcoders.embed.NAME`.
            settings: see the package.
            legacy: the readers of what the former serializer wrote.
            plain: the backend's default of that setting.
            signed: whether the backend itself vouches for what the former serializer wrote.

        Raises:
            SpecError: a setting is unknown or wrong.
        """
        self._name, self._log = name, logging.getLogger(f"transcoders.embed.{name}")
        if isinstance(settings, str | Transcoder):
            settings = {"spec": settings}
        if not isinstance(settings, Mapping):
            kind = type(settings).__name__
            raise SpecError(f"the settings of {name} are a config string, a mapping or a Transcoder, not {kind}")
        for one in settings:
            if one not in NAMES:
                raise SpecError(f"the settings of {name} have no {one!r}{nearest(str(one), NAMES)}")
        undecodable = settings.get("on_undecodable", "new")
        if undecodable not in {"new", "raise"}:
            raise SpecError(f"the setting 'on_undecodable' of {name} takes 'new' or 'raise', not {undecodable!r}")
        self._raises = undecodable == "raise"
        self._plain = self._flag(settings, "plain", default=plain)
        self.transcoder = self._made(settings, tuple(legacy), signed=signed)

    def _made(self, settings: Mapping[str, Any], legacy: tuple[str, ...], *, signed: bool) -> Transcoder[Any]:
        spec = settings.get("spec", "json")
        if isinstance(spec, Transcoder):
            if others := sorted(settings.keys() - {"spec", "plain", "on_undecodable"}):
                raise SpecError(f"{self._name} was given a whole Transcoder: {others[0]!r} belongs into it")
            return spec
        given = {name: settings[name] for name in ("keys", "retired", "accept", "schema", "limits") if name in settings}
        if isinstance(given.get("limits"), Mapping):
            given["limits"] = _limits(given["limits"])
        if isinstance(given.get("schema"), str):
            given["schema"] = _named(given["schema"])
        made = transcoder(spec, **given)
        if not legacy or not self._flag(settings, "legacy", default=True):
            return made
        keys, retired = (tuple(given.get(name, ())) for name in ("keys", "retired"))
        if "legacy" not in settings and not signed and Chain(made.spec, keys, made.limits, retired).sealed:
            raise SpecError(
                f"{made.spec} has a seal, which protects nothing while {self._name} reads bytes without one: set "
                "'legacy' to True until the sessions from before the change have ended, or to False"
            )
        accept = given.get("accept", ())
        given["accept"] = (*((accept,) if isinstance(accept, str) else accept), *legacy)
        return transcoder(spec, **given)

    def _flag(self, settings: Mapping[str, Any], name: str, *, default: bool) -> bool:
        value = settings.get(name, default)
        if type(value) is not bool:
            raise SpecError(f"the setting {name!r} of {self._name} takes True or False, not {value!r}")
        return value

    def encode(self, value: object) -> bytes:
        """The frame of the value.

        Raises:
            EncodeError: the value is outside the session value set or the limits; with its path.
        """
        try:
            return self.transcoder.encode(value)
        except EncodeError:
            if not self._plain:
                raise
            with suppress(RecursionError):
                value = Plain(frozenset(REGISTRY.types.values()))(value)
            return self.transcoder.encode(value)

    def decode(self, data: bytes) -> Any:
        """The value.

        Raises:
            DecodeError: the bytes cannot be read; it is in the log.
        """
        try:
            return self.transcoder.decode(data)
        except DecodeError as error:
            self._tell(error)
            raise

    def read(self, data: bytes) -> Any:
        """The value; None where the bytes cannot be read.

        Raises:
            DecodeError: they cannot be read, and `on_undecodable` is `raise`.
        """
        try:
            return self.decode(data)
        except DecodeError:
            if self._raises:
                raise
            return None

    def session(self, data: bytes) -> dict[str, Any] | None:
        """The session; None where the bytes cannot be read, or are of something else than a dict.

        Raises:
            DecodeError: so it is, and `on_undecodable` is `raise`.
        """
        value = self.read(data)
        if value is None or isinstance(value, dict):
            return value
        error = Malformed(f"expected a session, which is a dict, found {type(value).__name__}")
        self._tell(error)
        if self._raises:
            raise error
        return None

    def cell(self, value: object) -> bytes:
        """The bytes of a cached value: of an int its digits, so that the store can count with it, else its frame.

        Raises:
            EncodeError: see `encode`.
        """
        return b"%d" % value if type(value) is int and -(1 << 63) <= value < 1 << 63 else self.encode(value)

    def value(self, data: bytes | int | None) -> Any:
        """The cached value of `cell`; None where there are no bytes, or they cannot be read.

        Raises:
            DecodeError: see `read`.
        """
        if data is None or type(data) is int:
            return data
        return int(data) if type(data) is bytes and _DIGITS(data) else self.read(data)  # type: ignore[arg-type]

    def _tell(self, error: DecodeError) -> None:
        self._log.warning("stored bytes cannot be read: %s: %s", type(error).__name__, error)

    def __repr__(self) -> str:
        """The backend and the spec; no keys."""
        return f"<{self._name} over {self.transcoder.spec}>"


def _limits(fields: Mapping[str, Any]) -> Limits:
    try:
        return Limits(**fields)
    except TypeError as error:
        raise SpecError(f"limits takes the fields of Limits: {error}") from error


def _named(name: str) -> Any:
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SpecError(f"schema {name!r} is not there: {error}") from error
