"""The site that every face serves: a page for each thing that applications do with sessions.

A face has a route `/NAME?VALUE` for each of PAGES, answers with what `show` gives as JSON, and has two routes of its
own: `slow`, which waits between two steps without holding up others, and `stream`, which sends its body in pieces.
`plain` is a page that has no session at all.
"""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from transcoders.errors import SessionError

PATIENCE = 10.0
"""Seconds after which a test that waits has failed."""


class Broken(Exception):  # noqa: N818 - what the page is
    """What the page `error` raises; a driver answers 500 for it, as a server does."""


class Verbs(Protocol):
    """What a framework calls the verbs of sessions; see `tests.web_contract.Face`."""

    def login(self, session: Any, principal: str) -> None:
        """Make it the session of a principal, with a new id."""
        ...

    def logout(self, session: Any) -> None:
        """End it."""
        ...

    def renew(self, session: Any) -> None:
        """Give it a new id."""
        ...


class Pages:
    """The pages of one process' site.

    Attributes:
        entered: set when a request waits in `slow`.
        go: lets it go on.
    """

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs
        self.entered, self.go = threading.Semaphore(0), threading.Event()

    def show(self, page: str, session: Any, value: str) -> str:
        """The body of a page, as JSON; the session is asked for nothing before."""
        return json.dumps(getattr(self, f"_{page}")(session, value))

    def _who(self, session: Any, _value: str) -> object:
        return session.get("user")

    def _all(self, session: Any, _value: str) -> object:
        return {name: session[name] for name in sorted(session)}

    def _set(self, session: Any, value: str) -> object:
        name, _, text = value.partition("=")
        session[name] = text
        return text

    def _cart(self, session: Any, value: str) -> object:
        """Changes what lies inside, in place, and says so to nobody."""
        session.setdefault("cart", {"items": []})["items"].append(value)
        return session["cart"]["items"]

    def _count(self, session: Any, value: str) -> object:
        session[value] = session.get(value, 0) + 1
        return session[value]

    def _login(self, session: Any, value: str) -> object:
        self._verbs.login(session, f"user:{value}")
        session["user"] = value
        return value

    def _logout(self, session: Any, _value: str) -> object:
        self._verbs.logout(session)
        return "out"

    def _bye(self, session: Any, value: str) -> object:
        """Leaves a message for the page behind the logout."""
        self._verbs.logout(session)
        session["message"] = value
        return "out"

    def _renew(self, session: Any, _value: str) -> object:
        self._verbs.renew(session)
        return "new"

    def _error(self, session: Any, value: str) -> object:
        session[value] = session.get(value, "half done")
        raise Broken

    def before(self, session: Any, value: str) -> int:
        """What `slow` does first: it counts the attribute of that name, or asks who is there."""
        session.get("user")
        return int(session.get(value, 0)) if value else 0

    def wait(self) -> None:
        """What `slow` does then, in a thread where that would hold up others."""
        self.entered.release()
        assert self.go.wait(PATIENCE)

    def after(self, session: Any, value: str, seen: int) -> str:
        """What `slow` does last, and its body."""
        if value:
            session[value] = seen + 1
        return json.dumps(session.get("user"))

    def slow(self, session: Any, value: str) -> str:
        """The whole of `slow`, for a framework with a thread for each request."""
        seen = self.before(session, value)
        self.wait()
        return self.after(session, value, seen)

    def stream(self, session: Any, value: str) -> Callable[[], Iterator[bytes]]:
        """What `stream` does before its response begins; gives the body: what can be read, and why nothing is set."""
        session[value] = "sent"

        def pieces() -> Iterator[bytes]:
            yield b"begun "
            yield f"{session[value]} ".encode()
            try:
                session["late"] = True
            except SessionError as error:
                yield type(error).__name__.encode()

        return pieces


PAGES = ("who", "all", "set", "cart", "count", "login", "logout", "bye", "renew", "error")
