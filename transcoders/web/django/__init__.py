"""Django: a session engine, in three settings.

    SESSION_ENGINE = "transcoders.web.django"
    TRANSCODERS_SESSION = {"store": "redis://localhost", "transcoder": "msgpack"}
    MIDDLEWARE = ["transcoders.web.django.SessionMiddleware", …]  # in the place of Django's own

The last is optional; see `middleware` for what it adds. Times and cookies are those of Django's settings. The login of
`django.contrib.auth` makes a session that of its user, so that `sessions_of` lists them and `end_all` ends them.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from transcoders.sessions.manager import SessionManager
from transcoders.sessions.record import Record
from transcoders.sessions.session import Session
from transcoders.web.django.engine import SessionStore
from transcoders.web.django.middleware import SessionMiddleware
from transcoders.web.django.site import SETTING, Site, site

__all__ = [
    "SessionMiddleware", "SessionStore", "Site", "aend_all", "asessions_of", "end_all", "manager", "principal",
    "sessions_of",
]  # fmt: skip


def manager() -> SessionManager[Any]:
    """The manager of this process: its statistics, and `on` for events, of threads and event loops alike."""
    return site().manager


def principal(user: Any) -> str:
    """What a user is called in the sessions: `user:` and the primary key."""
    return f"user:{user.pk}"


def sessions_of(user: Any) -> list[Record]:
    """The records of a user's sessions, oldest first: when each began and was last written."""
    return site().manager.sessions_of(principal(user))


async def asessions_of(user: Any) -> list[Record]:
    """See `sessions_of`."""
    return await site().here().sessions_of(principal(user))


def end_all(user: Any, *, except_: SessionStore | None = None) -> int:
    """End the sessions of a user, all but the given one, such as `request.session`; how many were ended."""
    if except_ is not None:
        except_.has_key("")  # read it, for several ids may have been sent
    return site().manager.end_all(principal(user), except_=_held(except_))


async def aend_all(user: Any, *, except_: SessionStore | None = None) -> int:
    """See `end_all`."""
    if except_ is not None:
        await except_.ahas_key("")
    return await site().here().end_all(principal(user), except_=_held(except_))


def _held(store: SessionStore | None) -> Session[Any] | None:
    return None if store is None else store.held


def _logged_in(*, request: Any, user: Any, **_told: Any) -> None:
    store = getattr(request, "session", None)
    if isinstance(store, SessionStore):
        store.held.principal = principal(user)


user_logged_in.connect(_logged_in)


def _serves(path: str) -> bool:
    found = import_string(path)
    return isinstance(found, type) and issubclass(found, SessionMiddleware)


def _check() -> None:
    """Make the manager, so that wrong settings show up when the process starts."""
    if site().manager.policy.locking_mode != "none" and not any(map(_serves, settings.MIDDLEWARE)):
        raise ImproperlyConfigured(
            f"'locking_mode' in {SETTING} needs 'transcoders.web.django.SessionMiddleware' in MIDDLEWARE, in the place "
            "of Django's own, which does not say when a request is over"
        )


if settings.configured and settings.SESSION_ENGINE == "transcoders.web.django":
    _check()
