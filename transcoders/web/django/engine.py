"""The session engine: what `request.session` is, synchronous and asynchronous, by Django's own contract.

Each verb stands once, as a coroutine over the verbs of a manager: without an event loop it is driven to its end by one
step, in one it is awaited. Keys are ids of 256 bits that the store gives, and never takes. What is set is stored, of
any type of the session value set, and what lies inside is compared, so that `modified` need not be set.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest
from django.utils.asyncio import async_unsafe
from django.utils.module_loading import import_string

from transcoders.errors import SessionError, SessionGone, TranscoderError
from transcoders.sessions import ids
from transcoders.sessions.driving import drive
from transcoders.sessions.saving import Saved
from transcoders.sessions.session import Session
from transcoders.web.django.expiry import set_times
from transcoders.web.django.site import Site, site
from transcoders.web.django.verbs import Verbs
from transcoders.web.visit import BEGUN, FAILED, hidden

LOOKED: Final = "it was only looked for"


class SessionStore(SessionBase):  # type: ignore[misc] # Django has no types
    """One session; see `django.contrib.sessions.backends.base.SessionBase`.

    Attributes:
        accessed: whether it was asked for anything.
        aged: whether it was told to end at another time.
    """

    def __init__(self, session_key: str | None = None) -> None:
        self._site: Site = site()
        self._sent: list[str] = [] if session_key is None else [session_key]
        self._request: HttpRequest | None = None
        self._blocking = self._cleared = self.aged = self.accessed = False
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
        """Whether anybody asked for it; too many may be open."""
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
        return held

    # By which manager

    @async_unsafe("You cannot use a session like this from an async context: await its methods that begin with a.")  # type: ignore[untyped-decorator]
    def _here(self) -> Verbs:
        return self._site.verbs

    def _there(self) -> Verbs:
        return self._site.verbs if self._blocking else self._site.here()

    # Reading

    def _get_session(self, no_load: bool = False) -> Session[Any]:  # noqa: FBT001, FBT002 - Django's
        self.accessed, held = True, self._held
        if held is None or not held.loaded or self._cleared:
            held = self.held
            known = held.key is None or no_load
            if not no_load:
                drive(self._load(self._site.verbs if known else self._here()))
        return held

    async def _aget_session(self, no_load: bool = False) -> Session[Any]:  # noqa: FBT001, FBT002 - Django's
        self.accessed, held = True, self._held
        if (held is None or not held.loaded or self._cleared) and not no_load:
            held = await self._load(self._there())
        return self.held if held is None else held

    _session = property(_get_session)

    async def _load(self, verbs: Verbs) -> Session[Any]:
        held = self.held
        if not held.loaded:
            if self._failure is not None:
                raise self._failure  # a store that hangs makes a request wait once
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
        self._sent, self._held, self._failure = [] if key is None else [key], None, None

    @property
    def serializer(self) -> Any:
        """What `encode` and `decode` use; sessions are stored by the transcoder."""
        return import_string(settings.SESSION_SERIALIZER)

    @property
    def modified(self) -> bool:
        """Whether it was changed, in place too; False, when set, gives up what was changed until now."""
        if self._modified is None:
            held = self._held
            return held is not None and held.loaded and not held.read_only and bool(held.changes())
        return self._modified

    @modified.setter
    def modified(self, modified: bool) -> None:
        self._modified = modified

    def is_empty(self) -> bool:
        """Whether it has neither a key nor anything in it; an unread one is not empty."""
        held = self.held
        return held.sid is None and not (held.loaded and held)

    def clear(self) -> None:
        """Remove everything; the key stays."""
        self.accessed = self._modified = self._cleared = True
        if self.held.loaded:
            self._cleared = False
            self.held.clear()

    def set_expiry(self, value: float | datetime | timedelta | None) -> None:
        """See Django."""
        self.aged = True
        super().set_expiry(value)

    async def aset_expiry(self, value: float | datetime | timedelta | None) -> None:
        """See Django."""
        self.aged = True
        await super().aset_expiry(value)

    # Storing

    def load(self) -> Session[Any]:
        """The mapping of what it holds."""
        return self._get_session()

    async def aload(self) -> Session[Any]:
        """See `load`."""
        return await self._aget_session()

    def exists(self, session_key: str | None) -> bool:
        """Whether there is a session of the key."""
        return drive(self._exists(self._here(), session_key))

    async def aexists(self, session_key: str | None) -> bool:
        """See `exists`."""
        return await self._exists(self._there(), session_key)

    async def _exists(self, verbs: Verbs, key: str | None) -> bool:
        if not ids.valid(key):
            return False
        found = self._site.manager.open(key)
        found.read_only = LOOKED
        await verbs.load(found)
        await verbs.discard(found)
        return not found.new

    def create(self) -> None:
        """Become a new session, stored at once, with a key of its own and what the former had."""
        drive(self._create(self._here()))

    async def acreate(self) -> None:
        """See `create`."""
        await self._create(self._there())

    async def _create(self, verbs: Verbs) -> None:
        former, fresh = self._held, self._open([])
        await verbs.load(fresh)
        if former is not None:
            if former.loaded and not self._cleared:
                fresh.update(former.to_dict())
            await verbs.discard(former)
        self._held, self._cleared, self._modified = fresh, False, True
        self._time(fresh)
        await verbs.rotate(fresh)

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's
        """Store it.

        Raises:
            CreateError: it is to be created, and there is one.
            UpdateError: it was ended in the meantime.
            Conflict: another request changed the same in the meantime.
            StoreError: the store failed.
        """
        drive(self._save(self._here(), must_create=must_create))

    async def asave(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's
        """See `save`."""
        await self._save(self._there(), must_create=must_create)

    async def _save(self, verbs: Verbs, *, must_create: bool) -> None:
        held = await self._load(verbs)
        if held.ended:
            raise UpdateError
        if held.new:
            await self._create(verbs)
        elif must_create:
            raise CreateError
        else:
            try:
                await self._store(verbs, held)
            except SessionGone as error:
                raise UpdateError from error

    async def _store(self, verbs: Verbs, held: Session[Any]) -> Saved:
        over = self._time(held) if self._modified else False
        saved = await verbs.save(held)
        if saved is Saved.SKIPPED and self._modified:
            saved = await verbs.touch(held)
        if over:
            await verbs.destroy(held)
        return saved

    def _time(self, held: Session[Any]) -> bool:
        """Let it end when it is to end; True where that is over already."""
        manager = self._site.manager
        return set_times(self, held, manager.policy, manager.now(), anew=self.aged)

    def delete(self, session_key: str | None = None) -> None:
        """End the session of the key, or this one, for good."""
        drive(self._delete(self._here(), session_key))

    async def adelete(self, session_key: str | None = None) -> None:
        """See `delete`."""
        await self._delete(self._there(), session_key)

    async def _delete(self, verbs: Verbs, key: str | None) -> None:
        held = self.held
        if key is not None and key != held.sid:
            await verbs.destroy(key)
        elif held.sid is not None:
            await verbs.destroy(held)

    def flush(self) -> None:
        """End the session for good, at once, and become a new one."""
        drive(self._flush(self._here()))

    async def aflush(self) -> None:
        """See `flush`."""
        await self._flush(self._there())

    async def _flush(self, verbs: Verbs) -> None:
        await self._delete(verbs, None)
        held = self._held = self._open([])
        await verbs.load(held)
        _ = len(held)  # it was asked for, so that a response tells of it
        self._cleared, self._failure, self.accessed, self._modified = False, None, True, True

    def cycle_key(self) -> None:
        """Store it under a new key, at once; the old one is dead then, or after `rotation_grace`.

        Raises:
            SessionInterrupted: it was ended in the meantime.
        """
        drive(self._cycle(self._here()))

    async def acycle_key(self) -> None:
        """See `cycle_key`."""
        await self._cycle(self._there())

    async def _cycle(self, verbs: Verbs) -> None:
        held = await self._load(verbs)
        self._time(held)
        try:
            await verbs.rotate(held)
        except SessionGone as error:
            raise SessionInterrupted("The session was deleted in a concurrent request.") from error
        self.accessed = self._modified = True

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing: stores remove what has expired."""

    @classmethod
    async def aclear_expired(cls) -> None:
        """See `clear_expired`."""

    # Its end

    async def finish(self, verbs: Verbs, code: int) -> Saved:
        """Store what a request changed, unless it failed, and take no more changes.

        Args:
            verbs: of the manager to do it.
            code: the status of the response.

        Raises:
            SessionError: it could not be read, and the response of 500 says no more than that; or not be stored.
            EncodeError: a value cannot be stored.
        """
        if self._held is None:
            with suppress(SessionError):
                await verbs.save(self.held)  # it is counted, no more
        held = self._held
        if held is None:
            return Saved.SKIPPED
        saved, error = Saved.SKIPPED, hidden(held, code)
        try:
            if code < FAILED and self._modified is not False:
                saved = await self._store(verbs, await self._load(verbs) if self._cleared else held)
        finally:
            await verbs.discard(held)
            self._site.manager.discard(held)  # it was opened there, and holds no lock any more
            held.read_only = held.read_only or BEGUN
        if error is not None:
            raise error
        return saved
