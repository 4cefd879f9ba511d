"""What a process serves a Django site with: a manager for its threads, one for each of its event loops, and the cookie.

All of it is made of Django's settings, once, when it is first needed. Connections of an event loop belong to it: they
are opened in it, and closed when it ends, by a generator that the loop itself ends (PEP 525). So `async_to_sync`, which
has a loop of its own for each call, leaves none behind.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from transcoders.errors import SpecError
from transcoders.sessions.aio import AsyncSessionManager
from transcoders.sessions.driving import drive
from transcoders.sessions.manager import SessionManager
from transcoders.web import Cookie, configured
from transcoders.web.cookies import LONGEST
from transcoders.web.django.verbs import InPlace

SETTING: Final = "TRANSCODERS_SESSION"
"""The setting that has those of a manager: a mapping, or the URL of the store."""
OURS: Final = {
    "max_inactive_interval": "SESSION_COOKIE_AGE, in seconds",
    "touch_share": "SESSION_SAVE_EVERY_REQUEST, True or False",
}
"""Settings of a manager for which Django has its own."""
_MADE_OF: Final = {SETTING, "SESSION_COOKIE_AGE", "SESSION_SAVE_EVERY_REQUEST"}


class Site:
    """The managers of a process.

    Args:
        given: what the setting says.
        others: arguments of the manager.

    Attributes:
        manager: the one for threads, which opens the sessions of both.
        verbs: its verbs.

    Raises:
        ImproperlyConfigured: it is wrong.
    """

    def __init__(self, given: Any, **others: Any) -> None:
        try:
            for name in OURS.keys() & (given if isinstance(given, dict) else ()):
                raise SpecError(f"{name!r} does not belong into {SETTING}: Django has {OURS[name]}")  # noqa: TRY301
            others["max_inactive_interval"] = int(settings.SESSION_COOKIE_AGE)
            if not settings.SESSION_SAVE_EVERY_REQUEST:
                others["touch_share"] = 0
            self.manager: SessionManager[Any] = configured(SessionManager, given, SETTING, **others)
        except SpecError as error:
            raise ImproperlyConfigured(str(error)) from error
        self.verbs = InPlace(self.manager)
        self._loops: dict[asyncio.AbstractEventLoop, tuple[AsyncSessionManager[Any], AsyncGenerator[None]]] = {}

    def here(self) -> AsyncSessionManager[Any]:
        """The manager of the running event loop."""
        loop = asyncio.get_running_loop()
        found = self._loops.get(loop)
        if found is None:
            manager: AsyncSessionManager[Any] = AsyncSessionManager.beside(self.manager)
            found = self._loops[loop] = manager, self._life(loop, manager)
            drive(anext(found[1]))  # from here on the loop knows it
        return found[0]

    async def _life(self, loop: asyncio.AbstractEventLoop, manager: AsyncSessionManager[Any]) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._loops.pop(loop, None)
            await manager.close()


_making = threading.Lock()
_sites: list[Site] = []


def site() -> Site:
    """The process's own, made when it is first asked for. Raises ImproperlyConfigured."""
    if not _sites:
        with _making:
            if not _sites:
                _sites.append(Site(getattr(settings, SETTING, {})))
    return _sites[0]


def _changed(*, setting: str, **_told: Any) -> None:
    if setting.startswith("SESSION_"):
        cookie.cache_clear()
    if setting in _MADE_OF and _sites:
        _sites.pop().manager.close()


setting_changed.connect(_changed)


@lru_cache(256)
def cookie(age: int | None) -> Cookie:
    """The cookie as the settings have it, for so many seconds, or until the browser is closed.

    Raises:
        SpecError: browsers would refuse it.
    """
    same_site = settings.SESSION_COOKIE_SAMESITE  # of which Django takes more spellings than we do
    return Cookie(
        name=settings.SESSION_COOKIE_NAME,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN or None,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        http_only=bool(settings.SESSION_COOKIE_HTTPONLY),
        same_site=same_site.title() if same_site else None,
        partitioned=bool(getattr(settings, "SESSION_COOKIE_PARTITIONED", False)),
        max_age=None if age is None else min(max(1, age), LONGEST),
    )
