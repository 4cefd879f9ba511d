"""Which requests lock their session before they read it: none, all, those of a pattern, or all that may write.

A request is named by its method and path, `POST /cart`; the query string is not part of the name. A lock spares
conflicts, it does not guard: an unlocked request that writes is caught by the version of the record. So a wrong guess
of `auto` costs a merge at worst, and is not made twice.
"""

import re
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from transcoders.errors import SpecError
from transcoders.options import nearest

V = TypeVar("V")
CLEAN: Final = 3
"""Requests of one name that changed nothing before `auto` takes the name for one that only reads."""
REMEMBERED: Final = 6 * 3600
"""Seconds for which `auto` remembers what a name did."""
MOST: Final = 10_000
"""Names, or sessions, that are remembered of each kind."""
LONGEST: Final = 250
"""Characters of a name that `auto` remembers; a client may send paths of any length, which stay unknown and lock."""
_PATTERN: Final = "uriPattern:"
_MODES: Final = ("none", "all", "auto", f"{_PATTERN}REGEX")


def name(request: str) -> str:
    """The request without its query string."""
    return request.partition("?")[0]


def path(request: str) -> str:
    """The path of a request: what stands behind the method, without the query string."""
    method, _, rest = name(request).partition(" ")
    return rest if rest and "/" not in method else name(request)


class Locking(Protocol):
    """Decides for each request, and may learn from what became of it."""

    def wants(self, request: str, now: float, /) -> bool:
        """Whether the request locks its session."""
        ...

    def learn(self, request: str, changed: bool, now: float, /) -> None:  # noqa: FBT001 - one answer to one question
        """Take note of whether the request changed its session."""
        ...


class Always:
    """Every request locks, or none does."""

    __slots__ = ("_answer",)

    def __init__(self, *, locks: bool) -> None:
        self._answer = locks

    def wants(self, _request: str, _now: float, /) -> bool:
        """The same for every request."""
        return self._answer

    def learn(self, _request: str, _changed: bool, _now: float, /) -> None:  # noqa: FBT001
        """Nothing is learned."""


class Matching(Always):
    """Requests lock whose path, or method and path, the pattern matches as a whole."""

    __slots__ = ("_pattern",)

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def wants(self, request: str, _now: float, /) -> bool:
        """Whether the pattern matches."""
        matches = self._pattern.fullmatch
        return matches(path(request)) is not None or matches(name(request)) is not None


class Learning:
    """Requests lock until those of their name changed nothing, several times; a name that writes locks on."""

    __slots__ = ("_readers", "_writers")

    def __init__(self) -> None:
        self._readers: dict[str, tuple[int, float]] = {}
        self._writers: dict[str, float] = {}

    def wants(self, request: str, now: float, /) -> bool:
        """Whether the name is not known to only read."""
        times, until = self._readers.get(name(request), (0, 0.0))
        return times < CLEAN or now >= until

    def learn(self, request: str, changed: bool, now: float, /) -> None:  # noqa: FBT001
        """Count the request for its name, or against it; a request without a name, or of a long one, is never known."""
        called = name(request)
        if not 0 < len(called) <= LONGEST:
            return
        until = now + REMEMBERED
        if changed:
            self._readers.pop(called, None)
            remember(self._writers, called, until)
        elif self._writers.get(called, 0.0) <= now:
            self._writers.pop(called, None)
            times, last = self._readers.get(called, (0, 0.0))
            if times < CLEAN or now >= last - REMEMBERED / 2:  # a known reader is noted again once in a while
                remember(self._readers, called, (times + 1 if now < last else 1, until))


def remember(seen: dict[str, V], called: str, value: V) -> None:
    """Remember the name as the latest; the one not noted for the longest time makes room."""
    seen.pop(called, None)
    seen[called] = value
    if len(seen) > MOST:
        with suppress(RuntimeError):  # another thread notes one just now, and makes room too
            seen.pop(next(iter(seen), ""), None)


def locking(mode: str) -> Locking:
    """The way that a mode names: `none`, `all`, `auto`, `uriPattern:REGEX`.

    Raises:
        SpecError: another mode, or a pattern that is no regular expression.
    """
    if mode in {"none", "all"}:
        return Always(locks=mode == "all")
    if mode == "auto":
        return Learning()
    if not mode.startswith(_PATTERN):
        raise SpecError(f"locking_mode has no mode {mode!r}{nearest(mode, _MODES)}")
    return Matching(pattern("locking_mode", mode.removeprefix(_PATTERN)))


def pattern(setting: str, text: str) -> re.Pattern[str]:
    """The regular expression of a setting; raises SpecError where it is none."""
    try:
        return re.compile(text)
    except re.error as error:
        raise SpecError(f"{setting}: {text!r} is no regular expression: {error}") from None
