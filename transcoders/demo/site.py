"""The shop: a login, a cart and a counter, kept in a session, and a page that tells who answered.

A WSGI application. Every page that is posted to answers at once instead of leading elsewhere, so that a click is one
request, and the next click another replica's. `/tick.svg` is a picture that counts, for many requests at the same time;
`/static/` has pictures without a session; `/state` is the page for programs.
"""

import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qs

from transcoders.demo.page import PRODUCTS, Seen, View, picture, render
from transcoders.sessions.merge import counter
from transcoders.sessions.ports import Store
from transcoders.sessions.session import Session
from transcoders.web import Cookie
from transcoders.web.wsgi import KEY, Environ, Headers, SessionMiddleware, Start

CREW: Final = "HTTP_X_DEMO_CREW"
"""Where a request says which replicas there are; see `balancer`."""
LAST: Final = 12
"""Requests that the session's history keeps."""
_BODY: Final = 4096
"""Bytes of a form that are read at most."""
_TYPES: Final = {"html": "text/html; charset=utf-8", "json": "application/json", "svg": "image/svg+xml"}
Numbers = dict[str, int]
History = list[tuple[float, int, str]]


def site(number: int, store: str | Store, *, cookie: str = "demo", shared: bool = True) -> SessionMiddleware:
    """The shop, as one replica serves it.

    Args:
        number: of the replica, from 1.
        store: where sessions are, a URL or an object.
        cookie: the name of the cookie.
        shared: whether the other replicas use the same store; what the page says of it.

    Raises:
        SpecError: the store's URL is wrong.
    """
    merge = {"count": counter, "cart": _sums, "answered": _sums, "history": _both}
    over = Cookie(name=cookie, secure=False)  # the demo is served without TLS
    return SessionMiddleware(Shop(number, cookie, shared=shared), store, "msgpack", cookie=over, merge=merge)


class Shop:
    """The application within; `environ` has its session.

    Args:
        number: of the replica.
        cookie: the name of the cookie.
        shared: whether other replicas share the sessions.
    """

    def __init__(self, number: int, cookie: str, *, shared: bool) -> None:
        self._number, self._cookie, self._shared = number, cookie, shared

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """Serve a request; see PEP 3333."""
        status, kind, body = self._answer(environ, environ["REQUEST_METHOD"], environ["PATH_INFO"])
        headers: Headers = [
            ("Content-Type", _TYPES[kind]),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Replica", str(self._number)),
        ]
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: Environ, method: str, path: str) -> tuple[str, str, bytes]:
        """Status, kind and body of the response."""
        if path.startswith("/static/"):
            return "200 OK", "svg", picture(self._number)
        session: Session[Any] = environ[KEY]
        lost = not session and f"{self._cookie}=" in environ.get("HTTP_COOKIE", "")
        if path == "/state":
            return "200 OK", "json", json.dumps(self._state(session)).encode()
        if path == "/tick.svg":
            session["count"] = session.get("count", 0) + 1
            self._note(session, "")
            return "200 OK", "svg", picture(self._number)
        done = "looked" if path == "/" else self._do(path, session, environ) if method == "POST" else ""
        if not done:
            return "404 Not Found", "html", b"<p>There is no such page. <a href='/'>Back to the shop</a>"
        self._note(session, done)
        burst = f"{time.time_ns():x}" if path == "/burst" else ""
        return "200 OK", "html", render(self._view(session, environ, lost=lost, burst=burst))

    def _do(self, path: str, session: Session[Any], environ: Environ) -> str:
        """Do what a button asks for; what the history says of it, or nothing when there is no such button."""
        form = parse_qs(
            environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), _BODY)).decode("latin-1")
        )
        match path:
            case "/login":
                session["user"] = form.get("name", [""])[0].strip()[:40] or "Ada"
                session.login(f"user:{session['user']}")
                return "logged in"
            case "/logout":
                session.logout()
                return "logged out"
            case "/cart":
                product = form.get("add", [""])[0]
                if product in PRODUCTS:
                    session["cart"] = {**session.get("cart", {}), product: session.get("cart", {}).get(product, 0) + 1}
                return f"added {product}" if product in PRODUCTS else ""
            case "/count":
                session["count"] = session.get("count", 0) + 1
                return "counted"
            case "/burst":
                return "sent 24 at once"
        return ""

    def _note(self, session: Session[Any], done: str) -> None:
        """Write down in the session who answered."""
        name, answered = str(self._number), session.get("answered", {})
        session["answered"] = {**answered, name: answered.get(name, 0) + 1}
        if done:
            session["history"] = [*session.get("history", []), (time.time(), self._number, done)][-LAST:]

    def _state(self, session: Session[Any]) -> dict[str, Any]:
        """The session, for programs."""
        names = ("user", "cart", "count", "answered")
        return {"replica": self._number, **{name: session[name] for name in names if name in session}}

    def _view(self, session: Session[Any], environ: Environ, *, lost: bool, burst: str) -> View:
        """What the page shows."""
        crew = [part.partition("=") for part in environ.get(CREW, "").split()]
        mark = hashlib.sha256(session.sid.encode()).hexdigest()[:6] if session.sid and not session.renewed else ""
        return View(
            replica=self._number,
            shared=self._shared,
            user=session.get("user"),
            lost=lost,
            cart=session.get("cart", {}),
            count=session.get("count", 0),
            history=[Seen(*one) for one in reversed(session["history"])],
            answered={int(name): times for name, times in sorted(session["answered"].items())},
            crew={int(number): state == "up" for number, _, state in crew if number.isdecimal()},
            burst=burst,
            mark=mark,
        )


def _sums(base: Numbers | None, mine: Numbers, theirs: Numbers | None) -> Numbers:
    """Both changes of a dict of numbers."""
    was, now = base or {}, theirs or {}
    return {name: counter(was.get(name), mine.get(name), now.get(name)) for name in {**now, **mine}}


def _both(base: History | None, mine: History, theirs: History | None) -> History:
    """What either wrote down, in the order of time."""
    new = [one for one in mine if one not in (base or [])]
    return sorted([*(theirs or []), *new])[-LAST:]
