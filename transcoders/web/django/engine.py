"""The session engine: what `request.session` is, synchronous and asynchronous, by Django's own contract.

Each verb stands once, as a coroutine over the verbs of a manager: without an event loop it is driven to its end by one
step, in one it is awaited. Keys are ids of 256 bits that are given, and never taken. What is set is stored, of any type
of the session value set, and what lies inside is compared, so that `modified` need not be set.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from transcoders.errors import EncodeError, SessionGone
from transcoders.registry import REGISTRY
from transcoders.sessions.driving import drive
from transcoders.sessions.saved import Saved
from transcoders.sessions.session import Session
from transcoders.subclasses import Plain
from transcoders.web.django.expiry import set_times
from transcoders.web.django.reading import Reading
from transcoders.web.django.verbs import Verbs
from transcoders.web.visit import BEGUN, FAILED, hidden

R = TypeVar("R")
LOOKED: Final = "it was only looked for"


class SessionStore(Reading):
    """One session; see `django.contrib.sessions.backends.base.SessionBase`.

    Attributes:
        accessed: whether it was asked for anything.
        aged: whether it was told to end at another time.
    """

    def load(self) -> dict[str, Any]:
        """What the store has of it now; nothing, and no key any more, where it has none."""
        return drive(self._loaded(self._here()))

    async def aload(self) -> dict[str, Any]:
        """See `load`."""
        return await self._loaded(self._there())

    async def _loaded(self, verbs: Verbs) -> dict[str, Any]:
        found = await self._look(verbs, self._sent if self._held is None else [str(self._held.sid)])
        if found.new and not found.adrift:
            self._session_key = None
        return found.to_dict()

    async def _look(self, verbs: Verbs, sent: list[str]) -> Session[Any]:
        found = self._site.manager.open(sent)
        found.read_only = LOOKED
        await verbs.load(found)
        await verbs.discard(found)
        return found

    def exists(self, session_key: str | None) -> bool:
        """Whether there is a session of the key."""
        return drive(self._exists(self._here(), session_key))

    async def aexists(self, session_key: str | None) -> bool:
        """See `exists`."""
        return await self._exists(self._there(), session_key)

    async def _exists(self, verbs: Verbs, key: str | None) -> bool:
        return not (await self._look(verbs, [] if key is None else [key])).new

    def create(self) -> None:
        """Become a new session, stored at once, with a key of its own and what the former had."""
        drive(self._create(self._here()))

    async def acreate(self) -> None:
        """See `create`."""
        await self._create(self._there())

    async def _create(self, verbs: Verbs) -> None:
        former, kept, whose = self._held, {}, None
        if former is not None:
            if former.loaded and not self._cleared:
                kept, whose = former.to_dict(), former.principal
            await verbs.discard(former)
        fresh = self._open([])
        await verbs.load(fresh)
        fresh.update(kept)
        fresh.principal = whose
        self._held, self._cleared = fresh, False
        await self._begin(verbs, fresh)

    async def _begin(self, verbs: Verbs, held: Session[Any]) -> None:
        """Store a session that was never stored, whether there is anything in it or not."""
        over = self._time(held)
        await _stored(verbs.rotate, held)
        if over:
            await verbs.destroy(held)
        self._modified = True

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
            await self._begin(verbs, held)
        elif must_create:
            raise CreateError
        else:
            try:
                await self._store(verbs, held)
            except SessionGone as error:
                raise UpdateError from error

    async def _store(self, verbs: Verbs, held: Session[Any]) -> Saved:
        over = self._time(held) if self._modified else False
        saved = await _stored(verbs.save, held)
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
            await _stored(verbs.rotate, held)
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
        held, self._finished = self._held, True
        if held is None:
            self._site.manager.unasked(self._sent)
            return Saved.SKIPPED
        saved, error = Saved.SKIPPED, hidden(held, code)
        try:
            if code < FAILED and self._modified is not False:
                saved = await self._store(verbs, await self._load(verbs) if self._cleared else held)
            else:
                await verbs.discard(held)
        except BaseException:
            await verbs.discard(held)
            raise
        finally:
            held.read_only = held.read_only or BEGUN
            if verbs is not self._site.verbs:
                self._site.manager.discard(held)  # it was opened there, and holds no lock any more
        if error is not None:
            raise error
        return saved


async def _stored(verb: Callable[[Session[Any]], Awaitable[R]], held: Session[Any]) -> R:
    """What the verb comes to. Members of TextChoices, SafeStrings and the like are stored as what they are made of, as
    Django has always done. Raises EncodeError on what is nothing of the kind."""  # noqa: D205, D209 - one thought
    try:
        return await verb(held)
    except EncodeError:
        plain = Plain(frozenset(REGISTRY.types.values()))
        with suppress(RecursionError):
            for name, value in held.live().items():
                held[name] = plain(value)
        return await verb(held)
