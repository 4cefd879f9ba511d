"""What a person sees: Chromium clicks through the shop, behind nginx and in the demo, and pictures are kept of it."""

from collections import Counter
from contextlib import ExitStack

import pytest

from tests.chromium import browsing
from tests.web_servers import Nginx, store, web
from transcoders.cli.demonstrating import Request, demonstrating

PICTURES = """
const [number, done] = arguments;
const load = (name) => new Promise((good, bad) => {
  const picture = new Image();
  picture.onload = () => good(picture.naturalWidth);
  picture.onerror = bad;
  picture.src = `/static/${name}.svg?v=${number}`;
});
Promise.all([load('tea'), load('honey')]).then(done, () => done([]));
"""
"""Asks for two pictures of the page, with a query string, and waits for them."""


@pytest.fixture(scope="module")
def browser():
    """One browser for all, with a new profile."""
    with browsing() as opened:
        yield opened


def seen(browser):
    """Who answered, who is logged in, and whether the session was unknown; as the page has it."""
    replica, user, lost = (browser.attribute(".hero", f"data-{name}") for name in ("replica", "user", "lost"))
    return int(replica), user, lost == "1"


def clicked(browser, times):
    """What so many clicks on `Next request` showed."""
    found = []
    for _ in range(times):
        browser.click(".big")
        found.append(seen(browser))
    return found


def replica(stack, number, store, *, shared=True):
    """A gunicorn process with the shop."""
    begun = web("wsgi", f"transcoders.demo.site:site({number}, {store!r}, shared={shared})")
    stack.callback(begun.stop)
    return begun


def test_behind_nginx_the_login_stays(browser):
    """Forty pages with pictures alternate; two replicas become four, one is killed; then out is out everywhere."""
    url = store()
    with ExitStack() as stack:
        begun = [replica(stack, number, url) for number in (1, 2, 3, 4)]
        ports = [one.ready().port for one in begun]
        nginx = stack.enter_context(Nginx(ports[:2]))
        browser.open(f"http://127.0.0.1:{nginx.port}/")
        assert seen(browser)[1:] == ("", False)
        browser.type("input[name=name]", "Grace")
        browser.click("#login")
        browser.click("button[value=tea]")
        before = browser.driver.get_cookie("demo")
        pages = []
        for number in range(40):
            pages += clicked(browser, 1)
            assert len(browser.driver.execute_async_script(PICTURES, number)) == 2
        assert {page[1:] for page in pages} == {("Grace", False)}
        assert Counter(page[0] for page in pages) == {1: 20, 2: 20}
        assert browser.driver.get_cookie("demo")["value"] == before["value"]
        browser.shot("nginx-two-replicas")

        nginx.serve(ports)
        pages = clicked(browser, 12)
        assert {page[1:] for page in pages} == {("Grace", False)}
        assert {page[0] for page in pages} == {1, 2, 3, 4}
        browser.click("form[action='/burst'] button")
        assert (
            browser.count("[...document.querySelectorAll('.burst img')].filter((one) => one.naturalWidth).length") == 24
        )
        browser.shot("nginx-four-replicas")
        clicked(browser, 1)
        assert browser.attribute(".count", "data-count") == "24"

        begun[1].stop()
        pages = clicked(browser, 9)
        assert {page[1:] for page in pages} == {("Grace", False)}
        assert {page[0] for page in pages} == {1, 3, 4}
        browser.click("form[action='/logout'] button")
        out = seen(browser)
        assert out[1] == ""
        pages = clicked(browser, 6)
        assert {page[1] for page in pages} == {""}
        assert {page[0] for page in pages} == {1, 3, 4}
        browser.driver.add_cookie(before)
        assert clicked(browser, 1)[0][1:] == ("", True)
        browser.shot("nginx-logged-out")


def test_behind_nginx_without_shared_sessions_nobody_stays_in(browser):
    """The same shop with a memory for each replica: ten logins, and the next page of each is a logout."""
    with ExitStack() as stack:
        begun = [replica(stack, number, "memory:", shared=False) for number in (1, 2)]
        nginx = stack.enter_context(Nginx([one.ready().port for one in begun]))
        browser.open(f"http://127.0.0.1:{nginx.port}/")
        logouts = 0
        for _ in range(10):
            browser.click("#login")
            assert seen(browser)[1] == "Ada"
            logouts += clicked(browser, 1)[0][1:] == ("", True)
        assert logouts == 10
        browser.shot("nginx-without")


def test_the_demo_is_run_from_its_page(browser):
    """In the demo, replicas are added, killed and started by clicks, down to none, and Ada stays logged in."""
    with demonstrating(Request(replicas=2, store=None, without=False, port=0)) as running:
        browser.open(running.address)
        browser.shot("demo-first")
        for button in ("#login", "button[value=tea]", "button[value=honey]", "button[value=tea]"):
            browser.click(button)
        browser.click("form[action='/demo/scale/4'] button")
        clicked(browser, 4)
        browser.click("form[action='/count'] button")
        browser.click("form[action='/demo/stop/2'] button")
        pages = clicked(browser, 5)
        assert {page[1:] for page in pages} == {("Ada", False)}
        assert {page[0] for page in pages} == {1, 3, 4}
        browser.click("form[action='/burst'] button")
        browser.shot("demo")
        for number in (1, 3, 4):
            browser.click(f"form[action='/demo/stop/{number}'] button")
        browser.shot("demo-nobody")
        browser.click("form[action='/demo/start/2'] button")
        assert seen(browser) == (2, "Ada", False)
        assert browser.attribute(".count", "data-count") == "25"


def test_the_demo_without_shared_sessions(browser):
    """In its twin, the page behind a login says that nobody is logged in."""
    with demonstrating(Request(replicas=2, store=None, without=True, port=0)) as running:
        browser.open(running.address)
        browser.click("#login")
        assert seen(browser)[1] == "Ada"
        browser.shot("demo-without-first")
        assert clicked(browser, 1)[0][1:] == ("", True)
        browser.shot("demo-without")
