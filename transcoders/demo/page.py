"""The demo's page: what it shows, as HTML that needs nothing but itself. Every text in it is escaped here."""

import time
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

PRODUCTS: Final = {"tea": "Green tea", "honey": "Lime honey", "cup": "Blue cup"}
"""What the shop sells."""
COLORS: Final = ("#2457d6", "#c2410c", "#0f7b5f", "#9333a8", "#a16207", "#0e7490", "#be123c", "#4d5562")
"""A colour for each replica; there are as many replicas at most."""
BURST: Final = 24
"""Pictures that are asked for at once."""
_CODE: Final = {
    True: ("Two lines share the sessions of an application:", "redis://localhost"),
    False: (
        "The two lines of the shop; with the URL of a store in the place of memory:, sessions are shared:",
        "memory:",
    ),
}
"""What the page says of the code, and the store in it."""
_SHARED: Final = (
    "A login that stays",
    """A balancer hands each request to the next replica. The replicas share their sessions, so whichever of them
    answers, it knows you. Log in, click around, and watch the number change while the login stays.""",
)
_ALONE: Final = (
    "A login that vanishes",
    """A balancer hands each request to the next replica. Here every replica keeps its sessions to itself, in its own
    memory, as web servers do by default. Log in, and click once more: the next replica has never heard of you.""",
)


class Seen(NamedTuple):
    """A request of the session's history: when, in seconds since 1970; the number of the replica; what was done."""

    at: float
    replica: int
    done: str


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What the page shows.

    Attributes:
        replica: who answers.
        shared: whether the replicas share their sessions.
        user: who is logged in.
        lost: whether the browser sent a session that is not known here.
        cart: products and how many.
        count: the counter.
        history: the last requests, newest first.
        answered: how many requests of the session each replica answered.
        crew: the replicas, and whether they run; empty when nobody said.
        burst: a word that makes the URLs of many pictures new; empty for no pictures.
        mark: a few characters that tell one session id from another; empty while it is changing.
    """

    replica: int
    shared: bool
    user: str | None = None
    lost: bool = False
    cart: dict[str, int] = field(default_factory=dict)
    count: int = 0
    history: list[Seen] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)
    crew: dict[int, bool] = field(default_factory=dict)
    burst: str = ""
    mark: str = ""


def render(view: View) -> bytes:
    """The page."""
    title, words = _SHARED if view.shared else _ALONE
    return _whole(
        title,
        words,
        hero=_hero(view),
        main=_you(view) + _cart(view) + _counter(view),
        side=_history(view) + crew_card(view.crew),
        shared=view.shared,
    )


def nobody(crew: dict[int, bool], *, shared: bool) -> bytes:
    """The page of a balancer that has no replica to ask."""
    hero = '<div class="hero lost"><p><b>Nobody is there.</b> Start a replica below.</p></div>'
    words = "Sessions are in the store, not in the replicas: start one, and what you had is there again."
    if not shared:
        words = "What they kept in memory is gone with them."
    return _whole("All replicas are stopped", words, hero=hero, main=crew_card(crew), side="", shared=shared)


def picture(number: int) -> bytes:
    """A square in the colour of a replica, with its number; SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><rect width="28" height="28" rx="6" '
        f'fill="{_color(number)}"/><text x="14" y="19.5" fill="#fff" font-family="system-ui,sans-serif" font-size="15" '
        f'font-weight="700" text-anchor="middle">{number}</text></svg>'
    ).encode()


def crew_card(crew: dict[int, bool]) -> str:
    """The replicas, with buttons to stop and to start them."""
    if not crew:
        return ""
    rows = "".join(
        f'<li class="up">{_chip(number)}<span>running</span>{_button(f"/demo/stop/{number}", "Stop")}</li>'
        if up
        else f'<li class="down">{_chip(number)}<span>stopped</span>{_button(f"/demo/start/{number}", "Start")}</li>'
        for number, up in crew.items()
    )
    more = [("2", "Scale to 2"), ("4", "Scale to 4")]
    scale = "".join(_button(f"/demo/scale/{size}", text) for size, text in more if sum(crew.values()) != int(size))
    note = "To stop is to kill: no goodbye, as when a machine goes down."
    return _card("Replicas", f'<ul class="crew">{rows}</ul><div class="row">{scale}</div><p class="note">{note}</p>')


def _hero(view: View) -> str:
    told, kind = "You are not logged in.", ""
    if view.user is not None:
        told, kind = (
            f"It knows you: <b>{_text(view.user)}</b>.{'' if view.shared else ' No other replica does.'}",
            " known",
        )
    elif view.lost:
        told, kind = "It does not know the session that your browser sent. <b>You are logged out.</b>", " lost"
    return (
        f'<div class="hero{kind}" data-replica="{view.replica}" data-user="{_text(view.user or "")}" '
        f'data-lost="{int(view.lost)}">'
        f'<span class="who" style="background:{_color(view.replica)}">{view.replica}</span>'
        f"<div><h2>Replica {view.replica} answered</h2><p>{told}</p></div>"
        '<form action="/"><button class="big">Next request</button></form></div>'
    )


def _you(view: View) -> str:
    mark = f'<p class="note">Session <code>{view.mark}</code>, a fingerprint of its id.</p>' if view.mark else ""
    if view.user is None:
        form = (
            '<form method="post" action="/login" class="row"><input name="name" value="Ada" aria-label="Name" '
            'maxlength="40" autocomplete="off"><button class="main" id="login">Log in</button></form>'
        )
        return _card("You", form + mark)
    return _card(
        "You", f'<div class="row"><b class="name">{_text(view.user)}</b>{_button("/logout", "Log out")}</div>' + mark
    )


def _cart(view: View) -> str:
    rows = "".join(
        f"<li><span>{name}</span><b>{view.cart.get(key, 0)}</b>"
        f'<form method="post" action="/cart"><button name="add" value="{key}">Add</button></form></li>'
        for key, name in PRODUCTS.items()
    )
    return _card("Your cart", f'<ul class="cart">{rows}</ul>')


def _counter(view: View) -> str:
    buttons = _button("/count", "Add 1") + _button("/burst", f"{BURST} requests at once")
    body = f'<div class="row"><b class="count" data-count="{view.count}">{view.count}</b>{buttons}</div>'
    if view.burst:
        squares = "".join(
            f'<img src="/tick.svg?{view.burst}-{number}" width="28" height="28" alt="">' for number in range(BURST)
        )
        words = "Each square was a request that added 1, many at the same time, and shows who answered. "
        words += f"None is lost: the next page counts {view.count + BURST}." if view.shared else "Each began a session."
        body += f'<div class="burst">{squares}</div><p class="note">{words}</p>'
    return _card("A counter", body)


def _history(view: View) -> str:
    rows = "".join(
        f"<li>{_chip(one.replica)}<span>{_text(one.done)}</span><time>{_clock(one.at)}</time></li>"
        for one in view.history
    )
    total = sum(view.answered.values())
    shares = "".join(
        f'<i style="flex:{times};background:{_color(number)}" title="replica {number}: {times}">{times}</i>'
        for number, times in view.answered.items()
    )
    words = f"{total} request{'s' * (total != 1)} in this session, by replica"
    return _card("What this session saw", f'<ol class="history">{rows}</ol><div class="shares">{shares}</div>'
                 f'<p class="note">{words}</p>')  # fmt: skip


def _card(title: str, body: str) -> str:
    return f"<section><h3>{title}</h3>{body}</section>"


def _button(action: str, text: str) -> str:
    return f'<form method="post" action="{action}"><button>{text}</button></form>'


def _chip(number: int) -> str:
    return f'<em style="background:{_color(number)}">{number}</em>'


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _color(number: int) -> str:
    return COLORS[(number - 1) % len(COLORS)]


def _text(text: str) -> str:
    return escape(text, quote=True)


def _whole(title: str, words: str, *, shared: bool, **parts: str) -> bytes:
    html, css = _files()
    code, store = _CODE[shared]
    return html.substitute(parts, title=title, words=words, code=code, store=store, css=css).encode()


@cache
def _files() -> tuple[Template, str]:
    here = Path(__file__)
    return Template(here.with_suffix(".html").read_text("utf-8")), here.with_suffix(".css").read_text("utf-8")
