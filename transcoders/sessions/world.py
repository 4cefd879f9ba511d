"""What one core is given: the store and the time, how records are read, what is decided, and who is told."""

from collections.abc import Callable
from typing import Any, NamedTuple

from transcoders.sessions.events import Event, Probe
from transcoders.sessions.policy import Policy
from transcoders.sessions.ports import Port
from transcoders.sessions.wire import Wire


class World(NamedTuple):
    """What the parts of a core share.

    Attributes:
        port: the store, and the time.
        wire: how records are read and written.
        policy: what is decided.
        probe: what is counted.
        tell: what events are told to; it must not raise.
        prefix: what stands before keys in the store.
    """

    port: Port
    wire: Wire[Any]
    policy: Policy
    probe: Probe
    tell: Callable[[Event], None]
    prefix: str = ""
