"""What is decided: the settings of a manager, and what follows from them, as plain functions of numbers.

Names are those of memcached-session-manager in snake case where it has the setting. Each field carries its range, unit
and meaning, from which the checks, the messages and the table in docs/settings.md are made. Times given by users are
seconds; times to live are milliseconds, because stores take them so.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import partial
from typing import Any, Final, NamedTuple

from transcoders.errors import SpecError
from transcoders.sessions.locking import locking, pattern
from transcoders.sessions.prefix import parse

Merge = Callable[[Any, Any, Any], Any]
"""Makes one value of three: as it was loaded, as this request left it, as another request left it in the meantime."""

FOREVER: Final = 0
"""The time to live of what does not end by itself."""
_LONGEST: Final = 4_294_967_295
"""Seconds that fit into a record's four bytes."""


class Range(NamedTuple):
    """What a setting means and takes: numbers from low to high, or one of the choices."""

    text: str
    low: float = 0
    high: float = _LONGEST
    choices: tuple[str, ...] = ()
    unit: str = ""


def setting(default: Any, text: str, *choices: str, low: float = 0, high: float = _LONGEST, unit: str = "") -> Any:
    """A field of settings."""
    return field(default=default, metadata={"range": Range(text, low, high, choices, unit)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The settings of a manager.

    Raises:
        SpecError: a setting has the wrong type, or is out of its range.
    """

    locking_mode: str = setting(
        "none", "which requests lock their session: `none`, `all`, `auto` (all but those known to only read), "
        "`uriPattern:REGEX` (those whose path, or method and path, it matches as a whole)",
    )  # fmt: skip
    lock_expiration: float = setting(
        5.0, "a lock is renewed while its request lives, and free so long after its process died", low=0.1, high=3600,
        unit="s",
    )  # fmt: skip
    lock_timeout: float = setting(1.0, "how long a request waits for a lock", high=3600, unit="s")
    max_lock_waiters: int = setting(
        100, "requests of one process that wait for the lock of one session; a further one does not wait", low=1
    )
    on_lock_timeout: str = setting(
        "proceed", "what a request does that may wait no longer: go on without the lock (its write is compared all the "
        "same), go on but refuse changes, or raise LockTimeout", "proceed", "read-only", "error",
    )  # fmt: skip
    operation_timeout: float = setting(
        1.0, "for one operation of the store, repeated tries included", low=0.01, high=600, unit="s"
    )
    max_inactive_interval: int = setting(1800, "idle time after which a session ends; 0 for never", unit="s")
    absolute_timeout: int = setting(0, "age at which a session ends, however busy; 0 for never", unit="s")
    touch_share: float = setting(
        0.1, "the share of the idle time that must have passed before a request that changes nothing puts the end off; "
        "a session lives by as much longer than its idle time; 0: only changes put the end off", high=1,
    )  # fmt: skip
    rotation_grace: float = setting(
        0.0, "how long an id stays valid after it was rotated, for requests under way; 0: it is dead at once", high=60,
        unit="s",
    )  # fmt: skip
    on_conflict: str = setting(
        "raise", "when two requests changed the same attribute and no merge function is set for it: raise Conflict, or "
        "take the change of the other or of this one", "raise", "theirs", "mine",
    )  # fmt: skip
    merge: Mapping[str, Merge] = field(
        default_factory=dict,
        hash=False,
        metadata={"range": Range("a function for each attribute that both may change: of the value as loaded, mine and "
                                 "theirs; `counter` and `union` are built in")},
    )  # fmt: skip
    on_undecodable: str = setting(
        "new", "when the stored record cannot be read: begin a new session and leave the record alone, or raise the "
        "DecodeError; an attribute alone that cannot be read raises when it is touched", "new", "raise",
    )  # fmt: skip
    on_store_failure: str = setting(
        "error", "when the store fails before the session was read: raise StoreError, or serve the request an empty "
        "session that refuses changes", "error", "anonymous",
    )  # fmt: skip
    max_active_sessions: int = setting(0, "sessions that this process may have open at once; 0 for any number")
    storage_key_prefix: str = setting(
        "", "what stands before the keys in the store, parts separated by commas: `static:TEXT`, `host`, `host.hash`, "
        "`context`, `context.hash`, `webappVersion`",
    )  # fmt: skip
    request_uri_ignore_pattern: str | None = setting(
        None, "requests whose path it matches as a whole may read a session, and neither change, touch nor lock it"
    )
    session_attribute_filter: str | None = setting(
        None, "attributes whose whole name it matches are stored, others last for the request"
    )
    enable_statistics: bool = setting(True, "whether to count and to measure")  # noqa: FBT003 - a default
    enabled: bool = setting(True, "when false, every request has a session of its own that is never stored")  # noqa: FBT003

    def __post_init__(self) -> None:
        for one in SETTINGS.values():
            check(one, getattr(self, one.name))
        object.__setattr__(self, "merge", dict(self.merge))  # whoever gave it may change it

    @property
    def lock_ttl(self) -> int:
        """Milliseconds for which a lock is held without being renewed."""
        return int(self.lock_expiration * 1000)

    def ttl(self, created: int, idle: int, absolute: int, now: float) -> int:
        """Milliseconds that a record lives from now: its idle time and the share, or what is left of its age."""
        if not absolute:
            return int(idle * (1 + self.touch_share) * 1000)  # FOREVER when there is no idle time
        left = created + absolute - now
        return max(1, int(min(left, idle * (1 + self.touch_share) if idle else left) * 1000))

    def link_ttl(self, created: int, idle: int, absolute: int, now: float) -> int:
        """Milliseconds for which a session is noted under its principal: its age, or ten times its idle time."""
        if absolute:
            return max(1, int((created + absolute - now) * 1000))
        return 10 * self.ttl(created, idle, 0, now)

    def touch_due(self, idle: int, last: float, now: float) -> bool:
        """Whether a session that was last touched then is to be touched now."""
        return 0 < idle * self.touch_share <= now - last

    def link_due(self, idle: int, last: float, now: float) -> bool:
        """Whether a session that was last noted under its principal then is to be noted for longer now."""
        return 0 < idle * (self.touch_share or 1) <= now - last


def over(created: int, absolute: int, now: float) -> bool:
    """Whether the session has reached its age."""
    return absolute > 0 and now >= created + absolute


SETTINGS: Final[Mapping[str, Field[Any]]] = {one.name: one for one in fields(Policy)}
"""The settings by name, with what each takes in their metadata."""
_TEXTS: Final[Mapping[str, Callable[[str], object]]] = {
    "locking_mode": locking,
    "storage_key_prefix": parse,
    "request_uri_ignore_pattern": partial(pattern, "request_uri_ignore_pattern"),
    "session_attribute_filter": partial(pattern, "session_attribute_filter"),
}
"""What reads the texts that have a grammar."""
_KINDS: Final[Mapping[Any, str]] = {
    bool: "True or False",
    str: "text",
    str | None: "text or None",
    tuple[str, ...]: "texts",
    int: "a whole number",
    float: "a number",
}


def check(one: Field[Any], value: object) -> None:
    """Raise SpecError when the setting does not take the value."""
    if not _fits(one, value):
        raise SpecError(f"{one.name} takes {takes(one)}, not {value!r}")
    if one.name in _TEXTS and value is not None:
        _TEXTS[one.name](str(value))


def takes(one: Field[Any]) -> str:
    """What a setting takes, in words: its type, its range and its unit."""
    allowed: Range = one.metadata["range"]
    if allowed.choices:
        return " or ".join(repr(choice) for choice in allowed.choices)
    text = _KINDS.get(one.type, "a mapping of attribute names to functions")
    if one.type in {int, float}:
        text += f" from {allowed.low:.10g} to {allowed.high:.10g}{allowed.unit and f' ({allowed.unit})'}"
    return text


def _fits(one: Field[Any], value: Any) -> bool:
    allowed: Range = one.metadata["range"]
    if allowed.choices:
        return type(value) is str and value in allowed.choices
    if one.type in {int, float}:
        exact = type(value) is int or (type(value) is float and one.type is float)
        return exact and allowed.low <= value <= allowed.high
    if one.type in {bool, str}:
        return type(value) is one.type
    if one.type == str | None:
        return value is None or type(value) is str
    if one.type == tuple[str, ...]:
        return type(value) is tuple and all(type(item) is str for item in value)
    return isinstance(value, Mapping) and all(type(name) is str and callable(value[name]) for name in value)
