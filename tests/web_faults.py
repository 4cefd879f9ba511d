"""Scenarios of what goes wrong: in a page, and in the store, behind a proxy that fails on purpose."""

import time

from tests import servers
from tests.asking import Answer
from tests.web_replica import Browser, Replica
from tests.web_rig import Rig, shown, told
from tests.web_rows import scenario, steps

TIMEOUT = 0.2
"""Seconds that an operation of a store may take, where it is to fail."""


def surely(browser: Browser, site: Replica, page: str) -> Answer:
    """The answer when the store is up: again, as its 503 says, where a busy machine took longer than `TIMEOUT`."""
    for _ in range(50):
        answer = browser.get(site, page)
        if answer.status != 503:
            break
    return answer


@scenario("error in the page", "500; {}; lock free")
def error(rig: Rig) -> str:
    """It stored something before, under a lock; what is stored, and whether the lock is free."""
    site, browser = rig.replica(locking_mode="all"), Browser()
    browser.get(site, "/set?color=red")
    rig.tap.asked()
    answer = browser.get(site, "/error?broken")
    lock = "lock free" if rig.tap.asked() == ["acquire", "release"] else "lock held"
    found = shown(browser.get(site, "/all"))
    assert found.pop("color") == "red"
    return steps(told(answer), found, lock)


@scenario("streamed response", "200, cookie set; begun sent ReadOnly; {'a': 'sent'}")
def streamed(rig: Rig) -> str:
    """It stores something before it begins, and tries again when it has begun."""
    site, browser = rig.replica(), Browser()
    answer = browser.get(site, "/stream?a")
    return steps(told(answer), answer.body.decode(), shown(browser.get(site, "/all")))


@scenario("store down", "200; 503, retry; 503, retry; ann")
def down(rig: Rig) -> str:
    """A page without the session, one that reads, one that writes; then the store is back."""
    proxy, store = rig.proxy()
    site, browser = rig.replica(store, operation_timeout=TIMEOUT), Browser()
    surely(browser, site, "/login?ann")
    proxy.chance(1.0, "drop")
    pages = [told(browser.get(site, page)) for page in ("/plain", "/who", "/set?color=red")]
    proxy.chance(0.0)
    return steps(*pages, shown(surely(browser, site, "/who")))


@scenario("store down before the write", "503, retry; {'user': 'ann'}")
def down_on_write(rig: Rig) -> str:
    """The page has read the session when the store goes; then the store is back."""
    proxy, store = rig.proxy()
    site, browser = rig.replica(store, operation_timeout=TIMEOUT), Browser()
    surely(browser, site, "/login?ann")
    slow = rig.waiting(site, "/slow?late", browser)
    proxy.chance(1.0, "drop")
    site.pages.go.set()
    answer = browser.take(slow.result())
    proxy.chance(0.0)
    return steps(told(answer), shown(surely(browser, site, "/all")))


@scenario("store down at login and logout", "503, retry; 503, retry; ann")
def down_on_logout(rig: Rig) -> str:
    """Neither is done by halves; then the store is back."""
    proxy, store = rig.proxy()
    site, browser = rig.replica(store, operation_timeout=TIMEOUT), Browser()
    surely(browser, site, "/login?ann")
    outcomes = []
    for page in ("/login?bob", "/logout"):
        proxy.chance(1.0, "drop")
        outcomes.append(told(browser.get(site, page)))
        proxy.chance(0.0)
    return steps(*outcomes, shown(surely(browser, site, "/who")))


@scenario("store hung", "503, retry; in time; ann")
def hung(rig: Rig) -> str:
    """It takes the connection and never answers; then it does."""
    proxy, store = rig.proxy()
    site, browser = rig.replica(store, operation_timeout=TIMEOUT), Browser()
    surely(browser, site, "/login?ann")
    proxy.chance(1.0, "stall")
    begin = time.monotonic()
    answer = browser.get(site, "/who")
    took = time.monotonic() - begin
    proxy.chance(0.0)
    proxy.release()
    in_time = "in time" if took < 20 * TIMEOUT else f"after {took:.1f} s"
    return steps(told(answer), in_time, shown(surely(browser, site, "/who")))


@scenario("store down, by policy anonymous", "200; None; 503, retry; ann")
def anonymous(rig: Rig) -> str:
    """With `on_store_failure="anonymous"`, a page that reads and one that writes; then the store is back."""
    proxy, store = rig.proxy()
    site, browser = rig.replica(store, operation_timeout=TIMEOUT, on_store_failure="anonymous"), Browser()
    surely(browser, site, "/login?ann")
    proxy.chance(1.0, "drop")
    read, write = browser.get(site, "/who"), browser.get(site, "/set?color=red")
    proxy.chance(0.0)
    return steps(told(read), shown(read), told(write), shown(surely(browser, site, "/who")))


@scenario("store back, and empty", "200, cookie deleted; None; 200, cookie set; ann")
def back_empty(rig: Rig) -> str:
    """It lost everything: a page that reads, and a login."""
    with servers.running("valkey") as server:
        proxy, store = rig.proxy(server.port)
        site, browser = rig.replica(store), Browser()
        browser.get(site, "/login?ann")
        proxy.cut()
    with servers.running("valkey", "--port", str(server.port)):
        read = browser.get(site, "/who")
        again = browser.get(site, "/login?ann")
        return steps(told(read), shown(read), told(again), shown(browser.get(site, "/who")))
