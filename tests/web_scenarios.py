"""The scenarios of the contract, and what is to come of each; in the order of the table."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests import servers
from tests.asking import Answer
from tests.web_replica import COOKIE, Browser, Replica
from tests.web_rig import Rig, shown, told
from transcoders.sessions.ids import LENGTH
from transcoders.sessions.merge import counter
from transcoders.web import Cookie

Scenario = Callable[[Rig], str]
FORGED = "F" * LENGTH
"""An id that no store has given."""
TIMEOUT = 0.2
"""Seconds that an operation of a store may take, where it is to fail."""


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        title: what it is about, in a few words.
        what: what is done; the outcomes of its steps stand behind it.
        run: does it; the outcome.
        outcome: of each face.
        but: of faces for which it is another, by name; `sync` and `async` stand for all of a kind.
    """

    title: str
    what: str
    run: Scenario
    outcome: str
    but: dict[str, str]

    def outcome_of(self, name: str, kind: str) -> str:
        """The outcome of a face of that name and kind."""
        return self.but.get(name, self.but.get(kind, self.outcome))


ROWS: dict[str, Row] = {}


def scenario(title: str, outcome: str, **but: str) -> Callable[[Scenario], Scenario]:
    """Make a function a row of the table; its docstring says what is done."""

    def enter(run: Scenario) -> Scenario:
        ROWS[run.__name__] = Row(title, " ".join(str(run.__doc__).split()), run, outcome, but)
        return run

    return enter


def steps(*outcomes: object) -> str:
    """The outcomes of several steps."""
    return "; ".join(map(str, outcomes))


def surely(browser: Browser, site: Replica, page: str) -> Answer:
    """The answer when the store is up: again, as its 503 says, where a busy machine took longer than `TIMEOUT`."""
    for _ in range(50):
        answer = browser.get(site, page)
        if answer.status != 503:
            break
    return answer


# What a request costs


@scenario("first visit", "200; 200; 200, cookie set; 1 write")
def first_visit(rig: Rig) -> str:
    """A page without the session, one that looks into it, one that stores something."""
    site, browser = rig.replica(), Browser()
    plain = browser.get(site, "/plain")
    assert not plain.header("vary")
    asked = browser.get(site, "/who")
    assert "Cookie" in asked.header("vary")
    assert rig.tap.asked() == []
    stored = browser.get(site, "/set?color=red")
    assert shown(browser.get(site, "/all")) == {"color": "red"}
    writes = [verb for verb in rig.tap.asked() if verb != "load"]
    return steps(told(plain), told(asked), told(stored), f"{len(writes)} write")


@scenario(
    "page without the session", "200; nothing asked", **{"async": "200; load", "Django, async": "200; nothing asked"}
)
def untouched(rig: Rig) -> str:
    """A browser with a cookie; what the store is asked."""
    site, browser = rig.replica(), Browser()
    browser.get(site, "/set?color=red")
    rig.tap.asked()
    answer = browser.get(site, "/plain")
    assert not answer.header("vary")
    return steps(told(answer), ", ".join(rig.tap.asked()) or "nothing asked")


@scenario("page that only reads", "200; load")
def unmodified(rig: Rig) -> str:
    """It reads a list, and everything else; what the store is asked."""
    site, browser = rig.replica(), Browser()
    browser.get(site, "/cart?tea")
    rig.tap.asked()
    answer = browser.get(site, "/all")
    assert shown(answer) == {"cart": {"items": ["tea"]}}
    assert "Cookie" in answer.header("vary")
    return steps(told(answer), ", ".join(rig.tap.asked()))


@scenario("page that writes", "200; load, save")
def written(rig: Rig) -> str:
    """It counts; what the store is asked."""
    site, browser = rig.replica(), Browser()
    browser.get(site, "/count?n")
    rig.tap.asked()
    return steps(told(browser.get(site, "/count?n")), ", ".join(rig.tap.asked()))


@scenario("nested change", "tea, milk")
def nested(rig: Rig) -> str:
    """A list inside a dict grows in place, twice, and nobody says so; what is stored."""
    site, browser = rig.replica(), Browser()
    for item in ("tea", "milk"):
        browser.get(site, f"/cart?{item}")
    return ", ".join(shown(browser.get(site, "/all"))["cart"]["items"])


@scenario("other replica", "200, cookie set; 200; 200")
def other_replica(rig: Rig) -> str:
    """Login at one process, a page of another, which counts, and the first again."""
    store = rig.sqlite()
    one, two, browser = rig.replica(store), rig.replica(store), Browser()
    login = browser.get(one, "/login?ann")
    seen, counted = browser.get(two, "/who"), browser.get(two, "/count?n")
    assert shown(seen) == "ann"
    assert shown(browser.get(one, "/all")) == {"n": 1, "user": "ann"}
    return steps(told(login), told(seen), told(counted))


# Ids


@scenario("login", "200, cookie set; new id; 200, cookie deleted; cart kept")
def login(rig: Rig) -> str:
    """A visitor with a cart logs in; then somebody comes with the old id."""
    site, browser = rig.replica(), Browser()
    browser.get(site, "/cart?tea")
    before = Browser(browser.sid)
    answer = browser.get(site, "/login?ann")
    old = before.get(site, "/who")
    assert shown(old) is None
    found = shown(browser.get(site, "/all"))
    assert found["user"] == "ann"
    kept = "cart kept" if found["cart"]["items"] == ["tea"] else "cart lost"
    return steps(told(answer), "new id" if browser.sid != before.sid else "same id", told(old), kept)


@scenario("new id", "200, cookie set; new id; ann")
def renew(rig: Rig) -> str:
    """Another id for a session that goes on."""
    site, browser = rig.replica(), Browser()
    browser.get(site, "/login?ann")
    sid = browser.sid
    answer = browser.get(site, "/renew")
    assert shown(Browser(sid).get(site, "/who")) is None
    return steps(told(answer), "new id" if browser.sid != sid else "same id", shown(browser.get(site, "/who")))


@scenario("new id, with a grace", "200; ann; 200, cookie deleted; None")
def grace(rig: Rig) -> str:
    """With `rotation_grace=10`, a request that was sent with the old id comes at once, and one comes 11 s later."""
    site, browser = rig.replica(rotation_grace=10), Browser()
    browser.get(site, "/login?ann")
    late = Browser(browser.sid)
    browser.get(site, "/renew")
    soon = late.get(site, "/who")
    rig.clock.advance(11)
    later = late.get(site, "/who")
    assert shown(browser.get(site, "/who")) == "ann"
    return steps(told(soon), shown(soon), told(later), shown(later))


@scenario("logout", "200, cookie deleted; 200, cookie deleted; None")
def logout(rig: Rig) -> str:
    """Then somebody comes with the id, to another process."""
    store = rig.sqlite()
    one, two, browser = rig.replica(store), rig.replica(store), Browser()
    browser.get(one, "/login?ann")
    thief = Browser(browser.sid)
    answer = browser.get(one, "/logout")
    assert browser.sid == ""
    after = thief.get(two, "/who")
    return steps(told(answer), told(after), shown(after))


@scenario("message after logout", "200, cookie set; new id; {'message': 'soon'}; None")
def message(rig: Rig) -> str:
    """Logout leaves a message for the next page, in a session of its own."""
    site, browser = rig.replica(), Browser()
    browser.get(site, "/login?ann")
    sid = browser.sid
    answer = browser.get(site, "/bye?soon")
    new = "new id" if browser.sid not in {sid, ""} else "same id"
    return steps(told(answer), new, shown(browser.get(site, "/all")), shown(Browser(sid).get(site, "/who")))


@scenario("forged id", "200, cookie deleted; 200, cookie set; another id")
def forged(rig: Rig) -> str:
    """An id of the right form that nobody was given, on a page that reads and on one that stores."""
    site = rig.replica()
    read = Browser(FORGED).get(site, "/who")
    browser = Browser(FORGED)
    stored = browser.get(site, "/set?color=red")
    return steps(told(read), told(stored), "adopted" if browser.sid == FORGED else "another id")


@scenario("malformed ids", "200; nothing asked")
def malformed(rig: Rig) -> str:
    """Ids too short, too long, of other characters, with encoded line ends, of 100 kB; what the store is asked."""
    site, outcomes = rig.replica(), set()
    for value in (
        "x", "", FORGED[1:], f"{FORGED}F", "../../etc/passwd*?[a]".ljust(LENGTH, "x"), "é" * LENGTH,
        f"{FORGED[2:]}%0d%0aSet-Cookie:x=y", f"{FORGED}%0d%0a", "F" * 100_000, f'"{FORGED}"',
    ):  # fmt: skip
        answer = site.ask("/who", f"{COOKIE}={value}")
        assert shown(answer) is None
        outcomes.add(told(answer))
    (outcome,) = outcomes
    return steps(outcome, ", ".join(rig.tap.asked()) or "nothing asked")


@scenario("several cookies of the name", "200; ann; same id")
def several(rig: Rig) -> str:
    """A sibling domain has planted others before and behind ours; a page that writes."""
    site, browser = rig.replica(), Browser()
    browser.get(site, "/login?ann")
    sid, others = browser.sid, [f"{COOKIE}={value}" for value in (FORGED, "x")]
    header = "; ".join((*others, f"{COOKIE}={sid}", f"{COOKIE}={'G' * LENGTH}"))
    answer = site.ask("/count?n", header)
    found = shown(browser.get(site, "/all"))
    assert found["n"] == 1
    return steps(told(answer), found["user"], "same id" if browser.sid == sid else "new id")


# Requests at the same time


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


# Time


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


# Failures


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
