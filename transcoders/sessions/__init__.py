"""Sessions that every process shares, whichever of them serves a request.

    from transcoders.sessions import SessionManager

    manager = SessionManager("redis://localhost", "msgpack", locking_mode="auto")
    with manager.session(cookie, request="POST /cart") as session:
        session["cart"].append(item)

Names are loaded when they are first used (PEP 562).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from transcoders.sessions.aio import AsyncSessionManager
    from transcoders.sessions.events import Event
    from transcoders.sessions.manager import SessionManager
    from transcoders.sessions.merge import counter, union
    from transcoders.sessions.policy import Policy
    from transcoders.sessions.ports import Capabilities, Store
    from transcoders.sessions.record import Record
    from transcoders.sessions.saved import Saved
    from transcoders.sessions.session import Session
    from transcoders.sessions.shadow import Shadow
    from transcoders.sessions.stats import Statistics
    from transcoders.sessions.stores.memory import MemoryStore

__all__ = [
    "AsyncSessionManager", "Capabilities", "Event", "MemoryStore", "Policy", "Record", "Saved", "Session",
    "SessionManager", "Shadow", "Statistics", "Store", "counter", "union",
]  # fmt: skip

_HOMES = {
    "AsyncSessionManager": "aio", "Capabilities": "ports", "Event": "events", "MemoryStore": "stores.memory",
    "Policy": "policy", "Record": "record", "Saved": "saved", "Session": "session", "SessionManager": "manager",
    "Shadow": "shadow", "Statistics": "stats", "Store": "ports", "counter": "merge", "union": "merge",
}  # fmt: skip


def __getattr__(name: str) -> "Any":
    """The public name, loaded from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'transcoders.sessions' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value = getattr(import_module(f"transcoders.sessions.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
