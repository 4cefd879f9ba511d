"""Who takes part: each framework bare, with our sessions and with its peers', the floors, and the controls.

A control is a second process of the same stack: how far it is from the first is what luck does.
"""

from dataclasses import dataclass
from typing import Final

OURS: Final = "transcoders"
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stack of the roster.

    Attributes:
        framework: the group that it is compared in; `redis-py` for the floors.
        sessions: whose.
        build: `module:function` below `bench.web`: of a Site it makes a Make.
        awaited: whether it is for asyncio.
        control: whether it is another process of a stack, to see the noise.
    """

    framework: str
    sessions: str
    build: str
    awaited: bool = False
    control: bool = False

    @property
    def floor(self) -> bool:
        """Whether it is a floor."""
        return self.framework == FLOOR

    @property
    def bare(self) -> bool:
        """Whether it is the framework without sessions."""
        return self.sessions == NONE

    @property
    def ours(self) -> bool:
        """Whether the sessions are ours, and it is in the contest."""
        return self.sessions == OURS and not self.control

    def __str__(self) -> str:
        return f"{self.framework}, {self.sessions}{', again' if self.control else ''}"


FLOOR: Final = "redis-py"
ROSTER: Final = (
    Entry(FLOOR, "GET, GET+SET", "redis:blocking"),
    Entry(FLOOR, "asyncio GET, GET+SET", "redis:awaited", awaited=True),
    Entry("Flask", NONE, "flask:bare"),
    Entry("Flask", OURS, "flask:ours"),
    Entry("Flask", OURS, "flask:ours", control=True),
    Entry("Flask", "Flask-Session", "flask:peer"),
    Entry("Flask", "Flask-Session, no refresh", "flask:peer_unrefreshed"),
    Entry("Django", NONE, "django:bare"),
    Entry("Django", OURS, "django:ours"),
    Entry("Django", "django-redis, pickle", "django:peer_pickle"),
    Entry("Django", "django-redis, msgpack", "django:peer_msgpack"),
    Entry("Starlette", NONE, "starlette:bare", awaited=True),
    Entry("Starlette", OURS, "starlette:ours", awaited=True),
    Entry("Starlette", OURS, "starlette:ours", awaited=True, control=True),
    Entry("Starlette", "starsessions", "starlette:peer", awaited=True),
    Entry("Litestar", NONE, "litestar:bare", awaited=True),
    Entry("Litestar", OURS, "litestar:ours", awaited=True),
    Entry("Litestar", "Litestar's own", "litestar:peer", awaited=True),
    Entry("aiohttp", NONE, "aiohttp:bare", awaited=True),
    Entry("aiohttp", OURS, "aiohttp:ours", awaited=True),
    Entry("aiohttp", "aiohttp-session", "aiohttp:peer", awaited=True),
)
FRAMEWORKS: Final = tuple(dict.fromkeys(entry.framework for entry in ROSTER if not entry.floor))


def entries(frameworks: tuple[str, ...]) -> tuple[Entry, ...]:
    """The stacks of those frameworks, and the floors that they are held against."""
    chosen = [entry for entry in ROSTER if entry.framework in frameworks]
    lanes = {entry.awaited for entry in chosen}
    return tuple(entry for entry in ROSTER if entry in chosen or (entry.floor and entry.awaited in lanes))
