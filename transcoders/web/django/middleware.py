"""The middleware that says when a request is over. Django's own works as well; this one adds what it cannot do.

Locks are let go of, whatever the view did. A store that fails is a 503, and no page of 500. Under ASGI nothing waits in
a thread. Reads put the session's end off only when that is due, and set no cookie before. Several cookies of the name
are looked at. Cookies may be partitioned, and what browsers would refuse is refused when the process starts.
"""

from http.cookies import Morsel
from typing import Any

from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as Stock
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from transcoders.errors import SessionError, SessionGone, SpecError
from transcoders.sessions.driving import drive
from transcoders.sessions.saved import Saved
from transcoders.web.django.engine import SessionStore
from transcoders.web.django.expiry import cookie_age
from transcoders.web.django.site import Site, cookie, site
from transcoders.web.django.verbs import Verbs
from transcoders.web.visit import FAILED, Visit, refusal, status


class SessionMiddleware(Stock):  # type: ignore[misc] # Django has no types
    """In the place of `django.contrib.sessions.middleware.SessionMiddleware`.

    Attributes:
        site: the managers.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if not issubclass(self.SessionStore, SessionStore):
            raise ImproperlyConfigured("SESSION_ENGINE = 'transcoders.web.django' is what this middleware is for")
        self.site: Site = site()
        try:
            cookie(None)
        except SpecError as error:
            raise ImproperlyConfigured(str(error)) from error

    def __call__(self, request: HttpRequest) -> Any:
        """The response, with what it says of the session."""
        if self.async_mode:
            return self.__acall__(request)
        store, visit, verbs = *self._begin(request, blocking=True), self.site.verbs
        try:
            response = self.get_response(request)
        except BaseException:
            drive(store.finish(verbs, FAILED))
            raise
        return drive(self._end(request, store, visit, response, verbs))

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """The same, awaited."""
        store, visit, verbs = *self._begin(request, blocking=False), self.site.here()
        try:
            response = await self.get_response(request)
        except BaseException:
            await store.finish(verbs, FAILED)
            raise
        return await self._end(request, store, visit, response, verbs)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The response to a view that was refused its session."""
        if isinstance(exception, SessionError) and status(exception) != FAILED:
            return self.refused(request, exception)
        return None

    def refused(self, request: HttpRequest, error: SessionError) -> HttpResponse:  # noqa: ARG002 - for those who override
        """The response for a session that cannot be had or saved, 503 or 409; a subclass may give another.

        Raises:
            SessionError: it is a mistake of the application.
        """
        told = refusal(error)
        return HttpResponse(told.body, status=told.status, headers=dict(told.headers))

    def _begin(self, request: HttpRequest, *, blocking: bool) -> tuple[SessionStore, Visit]:
        visit = Visit(cookie(None), request.META.get("HTTP_COOKIE", ""))
        store: SessionStore = self.SessionStore(visit.sent[0] if visit.sent else None)
        request.session = store.serve(self.site, request, visit.sent, blocking=blocking)
        return store, visit

    async def _end(
        self, request: HttpRequest, begun: SessionStore, visit: Visit, response: HttpResponseBase, verbs: Verbs
    ) -> HttpResponseBase:
        store = getattr(request, "session", None)
        if store is not begun:  # somebody put another in its place
            await begun.finish(verbs, FAILED)
        if not isinstance(store, SessionStore):
            return response
        try:
            saved = await store.finish(verbs, response.status_code)
        except SessionGone as error:
            raise SessionInterrupted("The session was deleted before the request completed.") from error
        except SessionError as error:
            return self.refused(request, error)
        if store.opened:
            _tell(store, visit, response, saved, self.site.manager.now())
        return response


def _tell(store: SessionStore, visit: Visit, response: HttpResponseBase, saved: Saved, now: float) -> None:
    """Tell the browser of the cookie, and caches whose response it is."""
    held = store.held
    kept = saved is Saved.SKIPPED and held.sid in visit.sent  # most cookies stay as they are
    if held.loaded and not kept:
        visit.way = cookie(cookie_age(store, held))
    told = visit.set_cookie(held, saved, now, anew=store.aged and saved is Saved.WRITTEN)
    caching = visit.caching(held, told, lambda name: response.headers.get(name, ""))
    for name, value in caching.items():
        response.headers[name] = value
    if store.accessed and not caching:
        patch_vary_headers(response, ("Cookie",))
    if told is not None:
        morsel = _Morsel.of(told)
        response.cookies[morsel.key] = morsel


class _Morsel(Morsel[str]):
    """A cookie as Django keeps it in responses; `Partitioned` is an attribute of Python's own from 3.14 on."""

    partitioned = False

    @classmethod
    def of(cls, header: str) -> "_Morsel":
        """That of the value of a Set-Cookie header."""
        first, *parts = header.split("; ")
        made, (name, _, value) = cls(), first.partition("=")
        made.set(name, value, value)
        for part in parts:
            key, _, text = part.partition("=")
            if made.isReservedKey(key):
                made[key] = text or True
            else:
                made.partitioned = True
        return made

    def OutputString(self, attrs: Any = None) -> str:  # noqa: N802 - Python's
        """Its text."""
        return super().OutputString(attrs) + ("; Partitioned" if self.partitioned else "")
