"""A small Django site for tests: a login, a cart, and a page that says who is there."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command


@cache
def start():
    """Configure Django, once for the process, with a database of its own in a directory that goes with it."""
    directory = tempfile.TemporaryDirectory(prefix="django-site-")
    atexit.register(directory.cleanup)
    path = Path(directory.name)
    settings.configure(
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF="tests.django_site",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": path / "site.sqlite"}},
        SESSION_FILE_PATH=path,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User

    User.objects.create_user("ann", password="secret")


def login(request):
    """Log in as the user that everybody knows."""
    from django.contrib.auth import authenticate
    from django.contrib.auth import login as log_in
    from django.http import HttpResponse

    log_in(request, authenticate(request, username="ann", password="secret"))
    return HttpResponse("in")


def add(request):
    """Put one more into the cart."""
    from django.http import HttpResponse

    request.session["cart"] = [*request.session.get("cart", []), request.GET["item"]]
    return HttpResponse(str(len(request.session["cart"])))


def who(request):
    """Say who is there, and with what in the cart."""
    from django.http import JsonResponse

    return JsonResponse({"user": request.user.get_username(), "cart": request.session.get("cart", [])})


def __getattr__(name):
    """The URLs, made when Django asks for them."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import path

    return [path("login", login), path("add", add), path("who", who)]
