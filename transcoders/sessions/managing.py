"""What both managers are made of: store, record, policy, numbers and listeners, put together around one core."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from transcoders.errors import SpecError
from transcoders.limits import Limits
from transcoders.options import nearest
from transcoders.pipeline import Transcoder
from transcoders.pipeline import transcoder as build
from transcoders.sessions.clock import Clock
from transcoders.sessions.core import Core
from transcoders.sessions.events import KINDS, Event
from transcoders.sessions.policy import SETTINGS, Policy
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.settings import Settings
from transcoders.sessions.shadow import Shadow
from transcoders.sessions.stats import Silent, Statistics
from transcoders.sessions.stores import open_store
from transcoders.sessions.wire import Wire
from transcoders.sessions.world import World

T = TypeVar("T")
Listener = Callable[[Event], object]
PLACES: Final = ("host", "context", "webapp_version")
"""Settings that say what `storage_key_prefix` stands for."""
_LOG = logging.getLogger("transcoders.sessions")


class Managing(Generic[T]):
    """The parts of a manager, and what is the same for both kinds.

    Attributes:
        policy: the settings in force.
        statistics: what was counted and measured; None when `enable_statistics` is off.
    """

    _asynchronous: ClassVar[bool]

    def __init__(  # noqa: PLR0913 - all but two by keyword
        self,
        store: str | Store | Port = "memory:",
        transcoder: str | Transcoder[Any] | Shadow = "json",
        *,
        schema: type[T] | None = None,
        keys: Iterable[bytes] = (),
        accept: Iterable[str] = (),
        limits: Limits | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> None:
        places = {name: settings.pop(name) for name in PLACES if name in settings}
        self.policy = _policy(policy, settings)
        self._shadow = transcoder if isinstance(transcoder, Shadow) else None
        chosen = transcoder.primary if isinstance(transcoder, Shadow) else transcoder
        if isinstance(chosen, str):
            chosen = build(chosen, keys=keys, accept=accept, limits=limits)
        self.statistics = Statistics() if self.policy.enable_statistics else None
        self._listeners: dict[str, list[Listener]] = {kind: [] for kind in KINDS}
        self._store, self._clock = store, clock or Clock()
        self._wire = Wire(chosen, schema, self._clock.tick if self.statistics else float)
        self._prefix = Settings(policy=self.policy, **places).prefix()
        self._connect()

    def _connect(self) -> None:
        policy, probe = self.policy, self.statistics or Silent()
        self._port = open_store(
            self._store,
            asynchronous=self._asynchronous,
            clock=self._clock,
            operation_timeout=policy.operation_timeout,
        )
        if not self._port.capabilities.shared:
            self._store = getattr(self._port, "store", self._store)  # opened by its URL again, it were another one
        self._core = Core(World(self._port, self._wire, policy, probe, self._tell, self._prefix))

    @classmethod
    def beside(cls, other: "Managing[T]") -> Self:
        """A manager of this kind beside one of the other: the same settings, sessions, numbers and listeners.

        For a process with threads and event loops. Each has connections of its own, and is closed by itself.
        """
        made = cls.__new__(cls)
        vars(made).update(vars(other))
        made._connect()  # noqa: SLF001 - it is one of this class
        return made

    @classmethod
    def from_settings(cls, settings: Settings, **others: Any) -> Self:
        """The manager that the settings describe; see `settings.settings` for where they come from.

        Args:
            settings: store, transcoder, keys and policy.
            others: `schema`, `limits`, `clock`; and what is to stand in place of the settings', such as a store that
                is an object.

        Raises:
            SpecError: the configuration is wrong.
        """
        given: dict[str, Any] = {
            "store": settings.store,
            "transcoder": settings.transcoder,
            "keys": settings.keys(),
            "accept": settings.accept,
            "policy": settings.policy,
            **settings.places(),
        }
        return cls(**(given | others))

    def unasked(self, sids: Sequence[str]) -> None:
        """Count a request that asked its session for nothing, and that none was opened for; the ids that it brought."""
        if self.statistics is not None:
            counts = self.statistics.counts
            counts["requests_with_session" if sids else "requests_without_session"] += 1
            counts["requests_without_access"] += 1

    def now(self) -> float:
        """Seconds since 1970, by the manager's clock."""
        return self._port.now()

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

    def __repr__(self) -> str:
        """The store's name and the spec; no address, no keys."""
        return f"<{type(self).__name__} {self._port.capabilities.name} {self._wire.spec}>"


def _policy(policy: Policy | None, settings: dict[str, Any]) -> Policy:
    for name in settings:
        if name not in SETTINGS:
            raise SpecError(f"there is no setting {name!r}{nearest(name, SETTINGS)}")
    return replace(policy or Policy(), **settings)
