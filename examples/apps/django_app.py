"""A shop in Django, in one file: `gunicorn django_app:application`; a site with users has `login` of Django's auth."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST

settings.configure(
    SECRET_KEY=os.environ.get("SECRET_KEY", "only for this example"),
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_COOKIE_NAME="session",  # as the other frameworks have it, so that they share it
    SESSION_ENGINE="transcoders.web.django",
    TRANSCODERS_SESSION={
        "store": os.environ.get("SESSION_STORE", "redis://localhost"),
        "transcoder": "msgpack",
    },
)


def shop(request):
    """The session as JSON."""
    shown = {"user": request.session.get("user"), "cart": request.session.get("cart", [])}
    return JsonResponse({"framework": "django", "process": os.getpid(), **shown})


@require_POST
def login(request, user):
    """Log in; a real shop would ask for a password."""
    request.session.cycle_key()
    request.session["user"] = user
    return shop(request)


@require_POST
def add(request, product):
    """Put something into the cart."""
    request.session.setdefault("cart", []).append(product)
    return shop(request)


@require_POST
def logout(request):
    """Log out."""
    request.session.flush()
    return shop(request)


urlpatterns = [
    path("", shop),
    path("login/<user>", login),
    path("cart/<product>", add),
    path("logout", logout),
]
application = get_wsgi_application()
