"""The manager for threads: the verbs of the core, each driven to its end by one step.

The core's coroutines never suspend over a blocking port, so one `send(None)` runs them; there is no event loop and no
thread. A session reads its record on first access: a request that asks nothing of it costs no round trip.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

from transcoders.errors import TranscoderError
from transcoders.sessions.attributes import UNENTERED
from transcoders.sessions.driving import drive, settle
from transcoders.sessions.managing import Managing
from transcoders.sessions.record import Record
from transcoders.sessions.saved import SKIPPED, WRITTEN, Saved
from transcoders.sessions.session import Session

T = TypeVar("T")


class SessionManager(Managing[T]):
    """Sessions shared by every process that uses the same store, for threads.

    Args:
        store: a URL (`memory:`, `sqlite:PATH`, `redis://…`), or a store.
        transcoder: a config string, a transcoder, or a Shadow of two.
        schema: the type of the session, whose fields are its attributes; any attributes of any type when None.
        keys, accept, limits: see `transcoder`.
        policy: the settings; keywords by the names of Policy's fields change single ones.
        clock: the time, for tests.

    Raises:
        SpecError: the configuration is wrong.
    """

    _asynchronous = False

    def open(self, sid: str | Sequence[str] | None = None, *, request: str = "") -> Session[T]:
        """The session of the id, which is read when it is first asked for anything.

        Args:
            sid: what the client sent, whatever it is; or several, of which the first that has a session counts. An id
                that is none, or of no session, gives a new session, which gets an id of its own when it is first saved
                with something in it.
            request: method and path, such as `GET /cart`; locking modes and the ignore pattern go by it.

        Raises:
            TooManySessions: as many sessions are open in this process as `max_active_sessions` allows.
        """
        session: Session[T] = Session(self._wire, self._load)
        self._core.begin(session, sid, request)
        return session

    def _load(self, session: Session[T]) -> None:
        try:
            settle(self._core.fetch(session))
        except TranscoderError as error:
            session.failure = error
            raise

    def save(self, session: Session[T]) -> Saved:
        """Store what changed in the session, and let go of it; see `Core.close` for what is raised."""
        core = self._core
        if core.rests(session):
            return SKIPPED
        settle(core.close(session))
        saved = session.saved
        if self._shadow is not None and saved is WRITTEN:
            self._shadow.observe(session.live(), session.record.attributes)
        return saved

    def discard(self, session: Session[T]) -> None:
        """Let go of the session; what changed in it is not stored."""
        drive(self._core.discard(session))

    def session(self, sid: str | Sequence[str] | None = None, *, request: str = "") -> "_Request[T]":
        """A context that opens the session, and saves it at the end; when the block raises, nothing is stored."""
        session: _Request[T] = _Request(self._wire)
        session.manager, session.read_only = self, UNENTERED
        self._core.begin(session, sid, request)
        return session

    def rotate(self, session: Session[T]) -> str:
        """Give the session a new id, at login for one; the old one is dead at once. See `Core.rotate`."""
        _ = session.record
        return drive(self._core.rotate(session))

    def destroy(self, session: Session[T] | str) -> bool:
        """End a session, given as such or by its id; False when there was none."""
        return drive(self._core.destroy(session))

    def touch(self, session: Session[T]) -> Saved:
        """Put off the session's end, whether that is due or not."""
        _ = session.record
        return drive(self._core.touch(session))

    def sessions_of(self, principal: str) -> list[Record]:
        """The records of a principal's sessions, oldest first: when each began and was last written."""
        return drive(self._core.sessions_of(principal))

    def end_all(self, principal: str, *, except_: Session[T] | str | None = None) -> int:
        """End the sessions of a principal, all but one; how many were ended."""
        return drive(self._core.end_all(principal, except_))

    def close(self) -> None:
        """Let go of the store."""
        drive(self._port.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class _Request(Session[T]):
    """A session for one block.

    Attributes:
        manager: what it is saved with.
    """

    __slots__ = ("manager",)

    manager: SessionManager[T]

    def __enter__(self) -> Session[T]:
        self._loader = self.manager._load  # noqa: SLF001 - this is a part of the manager
        if self.read_only is UNENTERED:
            self.read_only = ""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.manager.save(self)
        else:
            self.manager.discard(self)
