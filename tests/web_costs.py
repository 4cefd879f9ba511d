"""Scenarios of single requests: what they see, and what they cost."""

from tests.web_replica import Browser
from tests.web_rig import Rig, shown, told
from tests.web_rows import scenario, steps


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
