"""Which requests lock: the modes, what `auto` learns, and what a request is named."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoders import SpecError
from transcoders.sessions import locking as module
from transcoders.sessions.locking import (
    CLEAN,
    LONGEST,
    MOST,
    REMEMBERED,
    Learning,
    Locking,
    locking,
    name,
    path,
    pattern,
)

NOW = 1_000_000.0


def seen(mode: Locking, request: str, *changes: bool, now: float = NOW) -> bool:
    """Whether the request locks after requests of its name changed something, or nothing, in this order."""
    for changed in changes:
        mode.learn(request, changed, now)
    return mode.wants(request, now)


READ, WROTE = False, True
READER = (READ,) * CLEAN


@pytest.mark.parametrize(("mode", "locks"), [("none", False), ("all", True)])
def test_none_and_all_never_learn(mode, locks):
    """Every request locks or none does, whatever requests did before."""
    made = locking(mode)
    assert seen(made, "GET /cart") is locks
    assert seen(made, "GET /cart", *READER * 3) is locks
    assert seen(made, "GET /cart", WROTE) is locks
    assert seen(made, "") is locks


@pytest.mark.parametrize(
    ("regex", "request_", "locks"),
    [
        ("/cart", "GET /cart", True),
        ("/cart", "POST /cart?x=1", True),
        ("/cart", "/cart", True),
        ("/cart", "GET /cart/5", False),
        ("/cart", "GET /shop/cart", False),
        ("/cart.*", "GET /cart/5", True),
        ("POST /cart", "POST /cart?next=/", True),
        ("POST /cart", "GET /cart", False),
        ("POST .*", "POST /anything", True),
        ("(POST|PUT) .*", "GET /anything", False),
        (".*(/path1|/path2).*", "GET /a/path2/b?c", True),
        ("/a|/b", "GET /b", True),
        ("/a|/b", "GET /c", False),
        (".*x=1.*", "GET /cart?x=1", False),
        ("/a b", "GET /a b", True),
        ("", "GET /", False),
    ],
)
def test_patterns_match_paths_as_a_whole(regex, request_, locks):
    """The path alone or behind its method, never the query string; what does not match does not lock, ever."""
    made = locking(f"uriPattern:{regex}")
    assert made.wants(request_, NOW) is locks
    assert seen(made, request_, *READER, WROTE) is locks


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("auot", "did you mean 'auto'"),
        ("AUTO", "did you mean 'auto'"),
        ("", "there is all, auto, none"),
        ("APP", "there is all, auto, none"),
        ("uriPatern:/a", "did you mean 'uriPattern:REGEX'"),
        ("uriPattern:(", "no regular expression"),
        ("uriPattern:*", "locking_mode: '*' is no regular expression: nothing to repeat"),
    ],
)
def test_other_modes_are_refused(mode, told):
    """The error says which modes there are, or what is wrong with the pattern."""
    with pytest.raises(SpecError) as error:
        locking(mode)
    assert told in str(error.value)
    assert "locking_mode" in str(error.value)


def test_a_pattern_names_its_setting():
    """A regular expression is compiled, or the error names the setting that it stands in."""
    assert pattern("any", "a+").fullmatch("aa")
    with pytest.raises(SpecError, match=r"any: '\[' is no regular expression"):
        pattern("any", "[")


@pytest.mark.parametrize(
    ("request_", "named", "where"),
    [
        ("GET /cart", "GET /cart", "/cart"),
        ("GET /cart?a=1", "GET /cart", "/cart"),
        ("GET /cart?a=1?b /c", "GET /cart", "/cart"),
        ("GET /?", "GET /", "/"),
        ("/cart", "/cart", "/cart"),
        ("/a b", "/a b", "/a b"),
        ("GET /a b", "GET /a b", "/a b"),
        ("GET", "GET", "GET"),
        ("shop.views:cart", "shop.views:cart", "shop.views:cart"),
        ("", "", ""),
    ],
)
def test_what_a_request_is_named(request_, named, where):
    """Method and path make the name; the query string is not part of it, nor the method of the path."""
    assert name(request_) == named
    assert path(request_) == where


def test_auto_takes_several_clean_requests_for_a_reader():
    """A name locks until so many of its requests changed nothing, and no sooner."""
    made = locking("auto")
    assert made.wants("GET /cart", NOW)
    for _ in range(CLEAN - 1):
        assert seen(made, "GET /cart", READ)
    assert not seen(made, "GET /cart", READ)
    assert made.wants("GET /other", NOW)
    assert made.wants("POST /cart", NOW)


def test_auto_never_takes_a_writer_for_a_reader():
    """One change locks the name on, however many of its requests change nothing; also one that was known to read."""
    made = locking("auto")
    assert seen(made, "GET /cart", WROTE, *READER * 10)
    assert not seen(made, "GET /news", *READER)
    assert seen(made, "GET /news", WROTE)
    assert seen(made, "GET /news", *READER * 10)


def test_auto_forgets_the_query_string():
    """Names differ by method and path alone, so that a query string neither hides a writer nor fills the memory."""
    made = locking("auto")
    for number in range(CLEAN):
        made.learn(f"GET /news?page={number}", READ, NOW)
    assert not made.wants("GET /news?page=99", NOW)
    made.learn("GET /news?read=5", WROTE, NOW)
    assert made.wants("GET /news?page=1", NOW)


def test_auto_forgets_readers():
    """A reader that was not seen for hours locks again, and has to be seen as often as at first."""
    made = locking("auto")
    assert not seen(made, "GET /cart", *READER)
    assert not made.wants("GET /cart", NOW + REMEMBERED - 1)
    later = NOW + REMEMBERED
    assert made.wants("GET /cart", later)
    assert seen(made, "GET /cart", *READER[1:], now=later)
    assert not seen(made, "GET /cart", READ, now=later)


def test_auto_remembers_readers_that_are_used():
    """A reader that is seen again and again stays one, beyond the hours for which one observation is kept."""
    made = locking("auto")
    assert not seen(made, "GET /cart", *READER)
    for hours in range(1, 40):
        assert not seen(made, "GET /cart", READ, now=NOW + hours * 3600)


def test_auto_forgets_writers():
    """A name that wrote once can be learned anew when it did not write for hours."""
    made = locking("auto")
    assert seen(made, "GET /cart", WROTE)
    soon, late = NOW + REMEMBERED - 1, NOW + REMEMBERED
    assert seen(made, "GET /cart", *READER, now=soon)
    assert not seen(made, "GET /cart", *READER, now=late)


def test_observations_far_apart_do_not_add_up():
    """Clean requests count together only while the earlier ones are remembered."""
    made = locking("auto")
    for times in range(CLEAN * 2):
        assert seen(made, "GET /cart", READ, now=NOW + times * (REMEMBERED + 1))


def test_requests_without_a_name_are_never_known():
    """Nothing is learned of them, so they lock."""
    made = locking("auto")
    assert seen(made, "", *READER)
    assert seen(made, "?a=1", *READER)


def test_long_names_are_never_known():
    """A client can send paths of any length; what remembers them stays small."""
    made = locking("auto")
    fits = "/" + "a" * (LONGEST - 1)
    assert not seen(made, fits, *READER)
    assert seen(made, fits + "a", *READER)


def test_auto_remembers_a_bounded_number_of_names(monkeypatch):
    """The name that was not noted for the longest time makes room: of readers, and of writers."""
    monkeypatch.setattr(module, "MOST", 3)
    made = Learning()
    for number in range(4):
        assert not seen(made, f"GET /{number}", *READER)
    assert [made.wants(f"GET /{number}", NOW) for number in range(4)] == [True, False, False, False]
    for number in range(4):
        made.learn(f"POST /{number}", WROTE, NOW)
    assert not seen(made, "POST /0", *READER)  # forgotten
    assert seen(made, "POST /3", *READER)
    assert MOST == 10_000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, REMEMBERED / 4)), max_size=60))
def test_auto_against_its_law(history):
    """A name is unlocked exactly when nothing wrote under it for so long, and clean requests were enough and close."""
    made, now = Learning(), NOW
    wrote: dict[str, float] = {}
    clean: dict[str, list[float]] = {}
    for called, changed, passed in history:
        now += passed
        made.learn(called, changed, now)
        if changed:
            wrote[called], clean[called] = now, []
        elif now - wrote.get(called, -1e9) >= REMEMBERED:
            clean.setdefault(called, []).append(now)
    for called in "abc":
        if not made.wants(called, now):
            assert len(clean[called]) >= CLEAN
            assert now - wrote.get(called, -1e9) >= REMEMBERED
        elif len(clean.get(called, [])) >= CLEAN:
            gaps = [b - a for a, b in zip([*clean[called]], [*clean[called][1:], now], strict=True)]
            assert max(gaps) >= REMEMBERED / 2


def test_threads_may_learn_at_once(monkeypatch):
    """Requests of many threads, more names than are remembered: nothing raises, and the memory stays bounded."""
    monkeypatch.setattr(module, "MOST", 5)
    made, failed = Learning(), []
    start = threading.Barrier(4)

    def work(thread: int) -> None:
        start.wait()
        try:
            for number in range(3_000):
                made.learn(f"GET /{number % 50}", (number + thread) % 7 == 0, NOW)
                made.wants(f"GET /{number % 13}", NOW)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test looks for
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed
    assert max(len(made._readers), len(made._writers)) <= 5 + len(threads)


def test_a_thread_that_comes_in_between_is_no_error(monkeypatch):
    """Where another one notes something while room is made, the bound is kept by that one."""

    class Changing(dict):
        def __iter__(self):
            raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(module, "MOST", 0)
    seen = Changing()
    module.remember(seen, "GET /", 1.0)
    assert seen == {"GET /": 1.0}
