"""A session in a request: its attributes, whose it is, how long it lives, and the same seen as a declared type."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from transcoders.errors import DecodeError, EncodeError, SessionError, SpecError, TranscoderError
from transcoders.sessions.attributes import Attributes
from transcoders.sessions.layout import HIGHEST
from transcoders.sessions.record import ABSENT, Record
from transcoders.sessions.saved import SKIPPED, Saved
from transcoders.sessions.stored import located
from transcoders.sessions.wire import Wire

if TYPE_CHECKING:
    from transcoders.sessions.declared import Declared

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
"""What a session was told that was told nothing."""
T = TypeVar("T")
U = TypeVar("U")


class Session(Attributes, Generic[T]):
    """One session: a mapping of names to values.

    Attributes:
        sid: its id; None while it has none.
        key: the key of the store for it.
        others: ids that the client sent beside it, to be tried when it has no record.
        new: whether it was never stored.
        request: method and path of the request.
        saved: what the last save came to that had something to do.
        token: of the lock it holds.
        read_only: why it takes no changes; empty when it does.
        renewed: whether it gets a new id when it is saved.
        told: what it was told of `principal`, `idle` and `absolute`.
        leaving: the record that is ended when it is saved; None where there is none.
        ended: whether it was ended.
        adrift: whether its store failed, so that nobody knows what it holds.
        outdated: whether the id that was sent was given up a moment ago, at a login for one, for another that the
            browser has by now, or is about to get.
    """

    __slots__ = (
        *("_view", "_wire", "__weakref__"),
        *("adrift", "ended", "key", "leaving", "others", "outdated", "renewed", "request", "saved", "sid", "token"),
        "told",
    )  # fmt: skip

    def __init__(
        self, wire: Wire[T], loader: "Callable[[Session[T]], None] | None" = None, record: Record | None = None
    ) -> None:
        """A session over a record, over one that the loader loads when it is needed, or one that is to be loaded."""
        self._loader, self._record, self.loaded = loader, record, record is not None
        self._wire, self.told = wire, NOTHING
        self._view: T | None = None
        self.unsettled = self.failure = None
        self._live, self._watched, self._assigned, self._encoded = {}, {}, {}, {}
        self.asked = set()
        self.decoded = self.encoded = 0
        self.decoding = self.encoding = 0.0
        self.new, self.accessed, self.read_only = record is not None and not record.data, False, ""
        self.ended = self.adrift = self.renewed = self.outdated = False
        self.leaving: Record | None = None
        self.sid: str | None = None
        self.key: str | None = None
        self.others: Sequence[str] = ()
        self.token = self.request = ""
        self.saved: Saved = SKIPPED

    @property
    def unchanged(self) -> bool:
        """Whether nothing of it can have changed, as far as that is known without a look at its values."""
        return not (self._assigned or self._watched or self.told or self.renewed or self.leaving)

    def settle(self, record: Record) -> None:
        """Go on from the record that was stored; values stay, unless others were stored in their place."""
        super().settle(record)
        self._forget_told()

    def _forget_told(self) -> None:
        self.told, self.renewed = NOTHING, False

    def renew(self) -> None:
        """Get a new id when the session is saved, in the same step; the old one is dead then, or after its grace.

        Nothing happens before: a request that fails leaves its session as it was. `manager.rotate` does it at once.

        Raises:
            ReadOnly: the session takes no changes.
        """
        self.check_open()
        self.renewed = self.accessed = True

    def login(self, principal: str) -> None:
        """Make it the session of a principal, such as `user:42`, under a new id; see `renew`.

        Raises:
            EncodeError: the principal is no text, or empty.
            ReadOnly: the session takes no changes.
        """
        self.principal = principal
        self.renewed = True

    def logout(self) -> None:
        """End the session when it is saved; what is set from now on goes into a new one, with an id of its own.

        Nothing happens before: a request that fails leaves its session as it was. `manager.destroy` does it at once.

        Raises:
            ReadOnly: the session takes no changes.
        """
        self.check_open()
        record = self.record
        if not self.new:
            self.leaving = record
        self._restart(self._wire.blank("", 0, record.idle, record.absolute))
        self._forget_told()

    def mark_modified(self) -> None:
        """Nothing: what changed is found without being told; for code that was written for Starlette's sessions."""

    def fail(self, error: TranscoderError) -> None:
        """Raise the error when the session is asked for anything, because it could not be read."""
        self.failure, self._loader = error, _raise

    def finish(self, reason: str) -> None:
        """Take no more changes; a session that was not asked for anything until now is not read any more either."""
        self.read_only = reason
        if not self.accessed:
            self._record, self._loader, self.loaded = None, _refuse, False

    @property
    def principal(self) -> str | None:
        """Whose session it is, such as `user:42`."""
        return self._now("principal")  # type: ignore[no-any-return]

    @principal.setter
    def principal(self, principal: str | None) -> None:
        self.check_open()
        if principal is not None and (type(principal) is not str or not principal):
            raise EncodeError(f"the principal of a session is a str that says something, or None, not {principal!r}")
        self._tell(principal=principal)

    @property
    def idle(self) -> int:
        """Seconds without a request after which the session ends; 0 for never."""
        return self._now("idle")  # type: ignore[no-any-return]

    @property
    def absolute(self) -> int:
        """Seconds after its creation at which the session ends; 0 for never."""
        return self._now("absolute")  # type: ignore[no-any-return]

    def set_timeout(self, *, idle: int | None = None, absolute: int | None = None) -> None:
        """Let this session end after other times than others, in seconds; 0 for never."""
        self.check_open()
        given = {name: each for name, each in (("idle", idle), ("absolute", absolute)) if each is not None}
        for seconds in given.values():
            if not (type(seconds) is int and 0 <= seconds <= HIGHEST):
                raise EncodeError(f"a timeout is a whole number of seconds from 0 to {HIGHEST}, not {seconds!r}")
        self._tell(**given)

    def _now(self, name: str) -> Any:
        """What it was told, or what its record says."""
        try:
            return self.told[name]
        except KeyError:
            return getattr(self.record, name)

    def _tell(self, **told: Any) -> None:
        self.told, self.accessed = {**self.told, **told}, True

    def header(self) -> dict[str, Any]:
        """What changes of `principal`, `idle` and `absolute`; empty when nothing was told, or what is so already."""
        record = self.record
        return {name: value for name, value in self.told.items() if value != getattr(record, name)}

    @property
    def data(self) -> T:
        """The session as its declared type: an attribute for each field, which can be read, set and deleted.

        Raises:
            SessionError: it has no declared type.
        """
        if self._view is None:
            schema = self._wire.schema
            if schema is None:
                raise SessionError("the session has no declared type: SessionManager(…, schema=YourClass)")
            self._view = schema.view(self)
        return self._view

    def as_(self, cls: type[U]) -> U:
        """The session as another declared type, whose fields are of their types from now on, in the mapping as well.

        Raises:
            SpecError: no session can have that type, or a field of it is of another type already.
            SchemaMismatch: an attribute was changed in place before, and is not of its type.
        """
        schema, record = self._wire.declared(cls), self.record
        fresh = {name: one for name, one in schema.attributes.items() if name not in record.attributes}
        for name, one in schema.attributes.items():
            if name not in fresh and one.hint != record.attributes[name].hint:
                raise SpecError(f"{cls.__name__} declares {name!r} as another type than it has in this session already")
        for name, one in fresh.items():
            self._retype(name, one)
        if fresh:
            self._record = record.declared({**record.attributes, **fresh})
        return schema.view(self)  # type: ignore[no-any-return]

    def _retype(self, name: str, attribute: "Declared") -> None:
        """Let a value that was read without a type be read again; one that was changed is made one of the type."""
        if name not in self._live or name in self._assigned:
            return
        if name in self._watched and self._moved(self.record, name) is not ABSENT:
            try:
                self._live[name] = attribute.adopt(self._live[name])
            except DecodeError as error:
                located(error, name)
                raise
            self._assigned[name] = None
        else:
            del self._live[name]
        self._watched.pop(name, None)

    def __repr__(self) -> str:
        """The names of its attributes, never their values; a debugger that shows it has not asked it for anything."""
        if self._record is None:
            return "<Session, not read yet>"
        return f"<Session of {', '.join(self._listed()) or 'nothing'}>"


def _raise(session: Session[Any]) -> None:
    raise session.failure or SessionError("the session could not be read")


def _refuse(session: Session[Any]) -> None:
    raise SessionError(f"the session can be read no more, because nobody asked for it before: {session.read_only}")
