"""What requests do to a session, in the explorer's stories: coroutine functions of an app and the id of a session."""

from collections import Counter
from typing import Any

from tests.stepping import Port
from transcoders import transcoder
from transcoders.sessions import ids
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.core import Core
from transcoders.sessions.events import KINDS
from transcoders.sessions.policy import Policy
from transcoders.sessions.wire import Wire
from transcoders.sessions.world import World

WIRE: Wire[Any] = Wire(transcoder("json"))
FORGED = "F" * ids.LENGTH


class Probe:
    """Counts, and measures nothing."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def adder(self, name, /):
        """See events.Probe."""
        return lambda value: None

    def pair(self, times, sizes, /):
        """See events.Probe."""
        return lambda seconds, size: None


class App(AsyncSessionManager[Any]):
    """A process with a manager over the explorer's port.

    Attributes:
        acked: increments that it was told are stored.
    """

    def __init__(self, port: Port, policy: Policy) -> None:
        self.policy, self._wire, self._shadow, self._port = policy, WIRE, None, port  # type: ignore[assignment]
        self.statistics = self.probe = Probe()  # type: ignore[assignment]
        self._listeners = {kind: [] for kind in KINDS}
        self._core = Core(World(port, WIRE, policy, self.probe, self._tell))  # type: ignore[arg-type]
        self.acked = 0


# ---------------------------------------------------------------------------------------------------- what is there


async def session(app: App) -> str:
    """One session with a counter and two texts."""
    async with app.session() as found:
        found.update(n=0, a="", b="", log=[])
    return str(found.sid)


async def session_of_u(app: App) -> str:
    """One session of the principal u, that is as old as the setup."""
    async with app.session() as found:
        found.principal = "u"
        found["old"] = True
    return str(found.sid)


# ---------------------------------------------------------------------------------------------------- requests


async def increment(app: App, sid: str) -> str:
    """Read the counter, and add one to it."""
    async with app.session(sid, request="POST /n") as found:
        if found.new:
            return "anonymous"
        found["n"] += 1
    app.acked += 1
    return "counted"


async def increment_slowly(app: App, sid: str) -> str:
    """The same, with something to wait for between reading and saving."""
    async with app.session(sid, request="POST /n") as found:
        if found.new:
            return "anonymous"
        await app._port.linked("whatever the application waits for")
        found["n"] += 1
    app.acked += 1
    return "counted"


async def increment_by_get(app: App, sid: str) -> str:
    """The same in a request that was taken for one that only reads."""
    async with app.session(sid, request="GET /n") as found:
        found["n"] += 1
    app.acked += 1
    return "counted"


async def increment_twice(app: App, sid: str) -> str:
    """Add one to the counter, save, and do it again in the same request."""
    found = await app.open(sid, request="POST /n")
    try:
        for _ in range(2):
            found["n"] += 1
            await app.save(found)
            app.acked += 1
    finally:
        await app.discard(found)
    return "counted"


async def append(app: App, sid: str) -> str:
    """Append to a list in place."""
    async with app.session(sid, request="POST /log") as found:
        found["log"].append(app._port.run.current.name)
    return "appended"


async def write_a(app: App, sid: str) -> str:
    """Set one attribute."""
    async with app.session(sid, request="POST /a") as found:
        if found.new:
            return "anonymous"
        found["a"] = "A"
    return "written"


async def write_b(app: App, sid: str) -> str:
    """Set another attribute."""
    async with app.session(sid, request="POST /b") as found:
        if found.new:
            return "anonymous"
        found["b"] = "B"
    return "written"


async def read(app: App, sid: str) -> str:
    """Read an attribute; what is put off at the end of the request is its end."""
    async with app.session(sid, request="GET /a") as found:
        return "anonymous" if found.new else "read"


async def logout(app: App, sid: str) -> str:
    """End the session by its id."""
    return "ended" if await app.destroy(sid) else "gone"


async def logout_after_reading(app: App, sid: str) -> str:
    """End the session that was read."""
    async with app.session(sid, request="POST /logout") as found:
        return "ended" if not found.new and await app.destroy(found) else "gone"


async def login(app: App, sid: str) -> str:
    """Give the session a new id, and note who it is."""
    async with app.session(sid, request="POST /login") as found:
        if found.new:
            return "anonymous"
        found["a"] = "in"
        return await app.rotate(found)


async def login_at_the_end(app: App, sid: str) -> str:
    """The same with the write of what the request changed."""
    async with app.session(sid, request="POST /login") as found:
        if found.new:
            return "anonymous"
        found["a"] = "in"
        found.login("u")
    return str(found.sid)


async def logout_at_the_end(app: App, sid: str) -> str:
    """End the session when it is saved; what is set then is another's."""
    async with app.session(sid, request="POST /logout") as found:
        if found.new:
            return "gone"
        found.logout()
        found["message"] = "bye"
    return "left"


async def become_v(app: App, sid: str) -> str:
    """Make it the session of v."""
    async with app.session(sid, request="POST /v") as found:
        found.principal = "v"
    return "v"


async def become_w(app: App, sid: str) -> str:
    """Make it the session of w."""
    async with app.session(sid, request="POST /w") as found:
        found.principal = "w"
    return "w"


async def become_nobody(app: App, sid: str) -> str:
    """Make it nobody's session."""
    async with app.session(sid, request="POST /nobody") as found:
        found.principal = None
    return "nobody"


async def end_all(app: App, sid: str) -> int:
    """End the sessions of u."""
    return await app.end_all("u")


async def begin_forged(app: App, sid: str) -> str:
    """Store something under an id that nobody gave out."""
    async with app.session(FORGED, request="POST /a") as found:
        found["a"] = "A"
    return str(found.sid)


async def is_new(app: App, sid: str) -> bool:
    """Whether the id is of no session."""
    found = await app.open(sid)
    await app.discard(found)
    return bool(found.new)
