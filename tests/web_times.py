"""Scenarios of time: how long a session lives, and what its cookie says of that."""

from typing import Any

from tests.web_replica import COOKIE, Browser
from tests.web_rig import Rig, shown, told
from tests.web_rows import scenario, steps
from transcoders.web import Cookie


@scenario("idle", "ann; 200, cookie deleted; None")
def idle(rig: Rig) -> str:
    """With `max_inactive_interval=100`, pages 60 s apart, then none for 200 s."""
    site, browser = rig.replica(max_inactive_interval=100), Browser()
    browser.get(site, "/login?ann")
    for _ in range(5):
        rig.clock.advance(60)
        alive = shown(browser.get(site, "/who"))
    rig.clock.advance(200)
    over = browser.get(site, "/who")
    return steps(alive, told(over), shown(over))


@scenario("age", "100 s; ann; 200, cookie deleted; None")
def absolute(rig: Rig) -> str:
    """With `absolute_timeout=100`, what the cookie says, and pages 30 s apart."""
    site, browser = rig.replica(absolute_timeout=100), Browser()
    age = _age(browser.get(site, "/login?ann"))
    for _ in range(3):
        rig.clock.advance(30)
        alive = shown(browser.get(site, "/who"))
    rig.clock.advance(30)
    over = browser.get(site, "/who")
    return steps(age, alive, told(over), shown(over))


@scenario("rolling cookie", "3600 s; 200; 200, cookie set; 3600 s; load, touch")
def rolling(rig: Rig) -> str:
    """With `max_age=3600`, pages that read: at once, and when the end is due to be put off."""
    cookie = Cookie(name=COOKIE, max_age=3600)
    site, browser = rig.replica(cookie=cookie, max_inactive_interval=3600), Browser()
    age, soon = _age(browser.get(site, "/login?ann")), browser.get(site, "/who")
    rig.clock.advance(1800)
    rig.tap.asked()
    later = browser.get(site, "/who")
    asked = [verb for verb in rig.tap.asked() if verb != "link"]
    return steps(age, told(soon), told(later), _age(later), ", ".join(asked))


def _age(answer: Any) -> str:
    """What the cookie says of its time."""
    (header,) = [value for name, value in answer.headers if name == "set-cookie"]
    (age,) = [part.partition("=")[2] for part in header.split("; ") if part.startswith("Max-Age=")]
    return f"{age} s"
