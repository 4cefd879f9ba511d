"""What both managers are made of: store, record, policy, numbers and listeners, put together around one core."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Generic, TypeVar

from transcoders.errors import SpecError
from transcoders.limits import Limits
from transcoders.pipeline import Transcoder
from transcoders.pipeline import transcoder as build
from transcoders.sessions.clock import Clock
from transcoders.sessions.core import Core
from transcoders.sessions.events import KINDS, Event
from transcoders.sessions.policy import Policy
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.prefix import prefix
from transcoders.sessions.session import Session
from transcoders.sessions.shadow import Shadow
from transcoders.sessions.stats import Silent, Statistics
from transcoders.sessions.stores import open_store
from transcoders.sessions.wire import Wire
from transcoders.sessions.world import World

T = TypeVar("T")
Listener = Callable[[Event], object]
_LOG = logging.getLogger("transcoders.sessions")


class Managing(Generic[T]):
    """The parts of a manager, and what is the same for both kinds.

    Attributes:
        policy: the settings in force.
        statistics: what was counted and measured; None when `enable_statistics` is off.
    """

    def __init__(  # noqa: PLR0913 - all but two by keyword
        self,
        store: str | Store | Port = "memory:",
        transcoder: str | Transcoder[Any] | Shadow = "json",
        *,
        asynchronous: bool,
        schema: type[T] | None = None,
        keys: Iterable[bytes] = (),
        accept: Iterable[str] = (),
        limits: Limits | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        context: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        self.policy = _policy(policy, settings)
        self._shadow = transcoder if isinstance(transcoder, Shadow) else None
        chosen = transcoder.primary if isinstance(transcoder, Shadow) else transcoder
        if isinstance(chosen, str):
            chosen = build(chosen, keys=keys, accept=accept, limits=limits)
        self._wire = Wire(chosen, schema)
        self.statistics = Statistics() if self.policy.enable_statistics else None
        self._listeners: dict[str, list[Listener]] = {kind: [] for kind in KINDS}
        self._port = open_store(
            store,
            asynchronous=asynchronous,
            clock=clock or Clock(),
            operation_timeout=self.policy.operation_timeout,
        )
        where = prefix(self.policy.storage_key_prefix, **(context or {}))
        self._core = Core(World(self._port, self._wire, self.policy, self.statistics or Silent(), self._tell, where))

    def on(self, kind: str, listener: Listener) -> None:
        """Have the listener called with each event of a kind: `created`, `rotated`, `destroyed`, `expired`, `conflict`
        or `undecodable`. It is called in the request; what it raises is logged.

        Raises:
            SpecError: there is no such kind.
        """  # noqa: D205 - the kinds are the point
        if kind not in self._listeners:
            raise SpecError(f"there is no event {kind!r}: expected one of {', '.join(KINDS)}")
        self._listeners[kind].append(listener)

    def _tell(self, event: Event) -> None:
        for listener in self._listeners[event.kind]:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - a listener may be anybody's
                _LOG.exception("a listener of %r failed", event.kind)

    def _observe(self, session: Session[Any]) -> None:
        """Let the shadow see what the request wrote."""
        if self._shadow is not None:
            self._shadow.observe(session.live())

    def __repr__(self) -> str:
        """The store's name and the spec; no address, no keys."""
        return f"<{type(self).__name__} {self._port.capabilities.name} {self._wire.spec}>"


def _policy(policy: Policy | None, settings: dict[str, Any]) -> Policy:
    names = [one.name for one in fields(Policy)]
    for name in settings:
        if name not in names:
            from difflib import get_close_matches  # noqa: PLC0415 - only for the message

            near = get_close_matches(name, names, 1)
            hint = f": did you mean {near[0]!r}?" if near else f": expected one of {', '.join(names)}"
            raise SpecError(f"there is no setting {name!r}{hint}")
    return replace(policy or Policy(), **settings)
