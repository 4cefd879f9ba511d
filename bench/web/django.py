"""Django with our session engine and middleware, and with its cache engine on django-redis.

Its settings are those of the process, so each stack can be built once.
"""

from types import ModuleType
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.web.calls import HOST, Make, wsgi
from bench.web.site import CHANGE, Site

_SERIALIZERS = {
    "pickle": "django_redis.serializers.pickle.PickleSerializer",
    "msgpack": "django_redis.serializers.msgpack.MSGPackSerializer",
}


def bare(site: Site) -> Make:
    """No sessions."""
    settings.configure(**_usual(site, marks=False))
    return _served()


def ours(site: Site) -> Make:
    """The three settings of our engine."""
    settings.configure(
        **_usual(site, marks=False),
        MIDDLEWARE=["transcoders.web.django.SessionMiddleware"],
        SESSION_ENGINE="transcoders.web.django",
        TRANSCODERS_SESSION={"store": site.url, "transcoder": site.transcoder},
    )
    return _served()


def peer_pickle(site: Site) -> Make:
    """The cache engine on django-redis as it comes."""
    return _peer(site, "pickle")


def peer_msgpack(site: Site) -> Make:
    """The same with its serializer for MessagePack."""
    return _peer(site, "msgpack")


def _peer(site: Site, serializer: str) -> Make:
    settings.configure(
        **_usual(site, marks=True),
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        SESSION_ENGINE="django.contrib.sessions.backends.cache",
        CACHES={
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": site.url,
                "OPTIONS": {"SERIALIZER": _SERIALIZERS[serializer]},
            }
        },
    )
    return _served()


def _usual(site: Site, *, marks: bool) -> dict[str, Any]:
    """Settings of all; with `marks` a change is announced, since the sessions do not look inside of values."""

    def page(request: HttpRequest, act: str) -> HttpResponse:
        session = getattr(request, "session", None)
        text = site.page(act, session)
        if marks and act == CHANGE:
            request.session.modified = True
        return HttpResponse(text)

    urls = ModuleType("urls")
    urls.urlpatterns = [path("<act>", page)]  # type: ignore[attr-defined]
    return {"SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": [HOST], "ROOT_URLCONF": urls}


def _served() -> Make:
    django.setup()
    return wsgi(WSGIHandler())
