"""Scenarios of requests at the same time, in one process or in two."""

from typing import Any

from tests.web_replica import Browser
from tests.web_rig import Rig, shown, told
from tests.web_rows import scenario, steps
from transcoders.sessions.merge import counter


@scenario("parallel tabs, different attributes", "200; 200; {'a': 1, 'b': 1}")
def disjoint(rig: Rig) -> str:
    """Two requests at two processes read, and write when both have read."""
    return _parallel(rig, "a", "b")


@scenario("parallel tabs, same attribute", "200; 409; {'n': 1}")
def same(rig: Rig) -> str:
    """Both count from the same number."""
    return _parallel(rig, "n", "n")


@scenario("parallel tabs, the last wins", "200; 200; {'n': 1}")
def mine(rig: Rig) -> str:
    """The same with `on_conflict="mine"`."""
    return _parallel(rig, "n", "n", on_conflict="mine")


@scenario("parallel tabs, a counter", "200; 200; {'n': 2}")
def merged(rig: Rig) -> str:
    """The same with `merge={"n": counter}`."""
    return _parallel(rig, "n", "n", merge={"n": counter})


@scenario("parallel tabs, with locks", "200; 200; {'n': 2}")
def locked(rig: Rig) -> str:
    """With `locking_mode="all"`, a request comes while another that counts is under way."""
    store = rig.proxy()[1]
    settings: dict[str, Any] = {"locking_mode": "all", "lock_timeout": 10.0}
    one, two, browser = rig.replica(store, **settings), rig.replica(store, **settings), Browser()
    browser.get(one, "/set?color=red")
    first = rig.waiting(one, "/slow?n", browser)
    second = two.begin("/count?n", browser.cookie)
    one.pages.go.set()
    outcomes = told(first.result()), told(second.result())
    found = shown(browser.get(one, "/all"))
    return steps(*outcomes, {"n": found["n"]})


@scenario("lock not to be had", "503, retry; 200")
def lock_timeout(rig: Rig) -> str:
    """With `on_lock_timeout="error"`, a request comes while another holds the lock for longer than it may wait."""
    store = rig.proxy()[1]
    site, browser = rig.replica(store, locking_mode="all", lock_timeout=0.05, on_lock_timeout="error"), Browser()
    browser.get(site, "/set?color=red")
    first = rig.waiting(site, "/slow?n", browser)
    second = browser.get(site, "/count?n")
    site.pages.go.set()
    return steps(told(second), told(first.result()))


@scenario(
    "logout while a page that writes is under way", "200, cookie deleted; 409; None",
    **dict.fromkeys(("Django", "Django, async"), "200, cookie deleted; 400; None"),  # its SessionInterrupted
)  # fmt: skip
def logout_and_writer(rig: Rig) -> str:
    """The page has read the session, and stores something after the logout; then somebody comes with the id."""
    return _logout(rig, "late")


@scenario("logout while a page that reads is under way", "200, cookie deleted; 200; None")
def logout_and_reader(rig: Rig) -> str:
    """The same with a page that stores nothing."""
    return _logout(rig, "")


@scenario("too many sessions", "503, retry; 200")
def too_many(rig: Rig) -> str:
    """With `max_active_sessions=1`, a request comes while another is under way."""
    site, browser = rig.replica(max_active_sessions=1), Browser()
    browser.get(site, "/login?ann")
    first = rig.waiting(site, "/slow", browser)
    second = browser.get(site, "/who")
    site.pages.go.set()
    return steps(told(second), told(first.result()))


def _parallel(rig: Rig, first: str, second: str, **settings: Any) -> str:
    store = rig.sqlite()
    one, two, browser = rig.replica(store, **settings), rig.replica(store, **settings), Browser()
    browser.get(one, "/set?color=red")
    requests = rig.waiting(one, f"/slow?{first}", browser), rig.waiting(two, f"/slow?{second}", browser)
    one.pages.go.set()
    before = told(requests[0].result())
    two.pages.go.set()
    after = told(requests[1].result())
    found = shown(browser.get(one, "/all"))
    assert found.pop("color") == "red"
    return steps(before, after, found)


def _logout(rig: Rig, attribute: str) -> str:
    store = rig.sqlite()
    one, two, browser = rig.replica(store), rig.replica(store), Browser()
    browser.get(one, "/login?ann")
    thief = Browser(browser.sid)
    slow = rig.waiting(one, f"/slow?{attribute}", browser)
    out = browser.get(two, "/logout")
    one.pages.go.set()
    return steps(told(out), told(slow.result()), shown(thief.get(two, "/who")))
