"""Scenarios of ids: given, changed, ended, forged and planted."""

from tests.web_replica import COOKIE, Browser
from tests.web_rig import Rig, shown, told
from tests.web_rows import scenario, steps
from transcoders.sessions.ids import LENGTH

FORGED = "F" * LENGTH
"""An id that no store has given."""


@scenario("login", "200, cookie set; new id; 200; cart kept")
def login(rig: Rig) -> str:
    """A visitor with a cart logs in; a page under way comes with the old id, and leaves the new cookie alone."""
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
