"""The half of the session that reads: which session it is, by which manager, and what Django asks without storing it.

A session is opened when it is asked for, and read when it is asked for anything: by the manager for threads, or, where
that is awaited, by that of the event loop. One that could not be read says so again without asking the store, so that a
store that hangs makes a request wait once.
"""

from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.asyncio import async_unsafe
from django.utils.module_loading import import_string

from transcoders.errors import EncodeError, TranscoderError
from transcoders.sessions.driving import drive
from transcoders.sessions.session import Session
from transcoders.web.django.site import Site, site
from transcoders.web.django.verbs import Verbs
from transcoders.web.visit import BEGUN

_NONE: Final = object()


class Reading(SessionBase):  # type: ignore[misc] # Django has no types
    """See `engine.SessionStore`."""

    def __init__(self, session_key: str | None = None) -> None:
        self._site: Site = site()
        self._sent: list[str] = [] if session_key is None else [session_key]
        self._request: HttpRequest | None = None
        self._blocking = self._cleared = self._finished = self.aged = self.accessed = False
        self._held: Session[Any] | None = None
        self._failure: TranscoderError | None = None
        self._modified: bool | None = None

    def serve(self, site: Site, request: HttpRequest, sent: list[str], *, blocking: bool) -> Self:
        """Be the session of a request, which `finish` ends; itself.

        Args:
            site: the managers.
            request: the request.
            sent: the ids in its cookies.
            blocking: whether it has a thread of its own, so that what is awaited may as well block.
        """
        self._site, self._request, self._sent, self._blocking = site, request, sent, blocking
        return self

    @property
    def opened(self) -> bool:
        """Whether anybody asked for it."""
        return self._held is not None

    @property
    def held(self) -> Session[Any]:
        """The session as every other face has it; not read perhaps. Raises TooManySessions."""
        if self._held is None:
            self._held = self._open(self._sent)
        return self._held

    def _open(self, sent: list[str]) -> Session[Any]:
        manager, request = self._site.manager, self._request
        if request is None:
            return manager.open(sent)
        held = manager.open(sent, request=f"{request.method} {request.path}")
        route = getattr(request.resolver_match, "route", None)
        if route is not None and manager.policy.locking_mode == "auto":
            held.request = f"{request.method} /{route}"  # one name for all carts that the route stands for
        if self._finished:
            held.read_only = BEGUN
        return held

    # By which manager

    @async_unsafe("You cannot use a session like this from an async context: await its methods that begin with a.")  # type: ignore[untyped-decorator]
    def _here(self) -> Verbs:
        return self._site.verbs

    def _there(self) -> Verbs:
        return self._site.verbs if self._blocking else self._site.here()

    # What it holds

    def _get_session(self, no_load: bool = False) -> Session[Any]:  # noqa: FBT001, FBT002 - Django's
        self.accessed, held = True, self._held
        if held is None or not held.loaded or self._cleared:
            held = self.held
            if not no_load:  # nor does the store have anything of a session without a key
                drive(self._load(self._site.verbs if held.key is None else self._here()))
        return held

    async def _aget_session(self, no_load: bool = False) -> Session[Any]:  # noqa: FBT001, FBT002 - Django's
        self.accessed, held = True, self._held
        if held is None or not held.loaded or self._cleared:
            held = self.held
            if not no_load:
                await self._load(self._there())
        return held

    _session = property(_get_session)

    async def _load(self, verbs: Verbs) -> Session[Any]:
        """The session, read."""
        held = self.held
        if not held.loaded:
            if self._failure is not None:
                raise self._failure
            try:
                await verbs.load(held)
            except TranscoderError as error:
                self._failure = held.failure = error
                raise
            if self._request is None and held.token:
                await verbs.discard(held)  # nobody says when it is over
        if self._cleared:
            self._cleared = False
            held.clear()
        return held

    @property
    def _session_cache(self) -> Session[Any]:
        if self._held is None or not self._held.loaded:
            raise AttributeError("_session_cache")
        return self._held

    @property
    def session_key(self) -> str | None:
        """The id; None where it has none."""
        return self.held.sid

    @property
    def _session_key(self) -> str | None:
        return self.held.sid

    @_session_key.setter
    def _session_key(self, key: str | None) -> None:
        if self._held is not None and self._held.token:
            drive(self._site.verbs.discard(self._held))
        self._sent, self._held, self._failure = [] if key is None else [key], None, None

    @property
    def serializer(self) -> Any:
        """What `encode` and `decode` use; sessions are stored by the transcoder."""
        return import_string(settings.SESSION_SERIALIZER)

    # What changed

    @property
    def modified(self) -> bool:
        """Whether it was changed, in place too; False, when set, gives up what was changed until now."""
        if self._modified is None:
            held = self._held
            try:
                return held is not None and held.loaded and not held.read_only and bool(held.changes())
            except EncodeError:
                return True  # into something that saving complains of
        return self._modified

    @modified.setter
    def modified(self, modified: bool) -> None:
        self._modified = modified

    def pop(self, key: str, default: Any = _NONE) -> Any:
        """See Django."""
        return self._pop(self._get_session(), key, default)

    async def apop(self, key: str, default: Any = _NONE) -> Any:
        """See Django."""
        return self._pop(await self._aget_session(), key, default)

    def _pop(self, held: Session[Any], key: str, default: Any) -> Any:
        if key in held:
            self._modified = True
        return held.pop(key) if default is _NONE else held.pop(key, default)

    def clear(self) -> None:
        """Remove everything; the key stays."""
        self.accessed = self._modified = self._cleared = True
        if self.held.loaded:
            self._cleared = False
            self.held.clear()

    def is_empty(self) -> bool:
        """Whether it has neither a key nor anything in it; an unread one is not empty."""
        held = self.held
        return held.sid is None and not (held.loaded and held)

    def set_expiry(self, value: float | datetime | timedelta | None) -> None:
        """See Django."""
        self.aged = True
        super().set_expiry(value)

    async def aset_expiry(self, value: float | datetime | timedelta | None) -> None:
        """See Django."""
        self.aged = True
        await super().aset_expiry(value)
