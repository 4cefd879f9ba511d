"""What a URL of a Redis store means, what is wrong with one, and that no message shows its password."""

import pytest

from transcoders.errors import SpecError
from transcoders.sessions.stores.redis import connect
from transcoders.sessions.stores.redis.url import Target, parse

SECRET = "hush-hush"


def seen(url: str) -> tuple:
    """What is in a URL."""
    found = parse(url)
    where = found.path or (found.host, found.port)
    return where, found.db, found.username, found.password, found.secure


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", (("localhost", 6379), 0, "", "", False)),
        ("redis:", (("localhost", 6379), 0, "", "", False)),
        ("valkey://cache", (("cache", 6379), 0, "", "", False)),
        ("redis://cache:7000/3", (("cache", 7000), 3, "", "", False)),
        ("redis://cache/?db=4", (("cache", 6379), 4, "", "", False)),
        ("redis://cache/3?db=4", (("cache", 6379), 3, "", "", False)),
        ("redis://:pass@cache", (("cache", 6379), 0, "", "pass", False)),
        ("redis://user:p%2Fa%23s%40s%3F@cache", (("cache", 6379), 0, "user", "p/a#s@s?", False)),
        ("REDISS://user@cache", (("cache", 6379), 0, "user", "", True)),
        ("valkeys://cache?verify=no", (("cache", 6379), 0, "", "", True)),
        ("redis://[::1]:7000", (("::1", 7000), 0, "", "", False)),
        ("unix:///run/redis.sock", ("/run/redis.sock", 0, "", "", False)),
        ("redis+unix://user:pass@/run/a%20b?db=2", ("/run/a b", 2, "user", "pass", False)),
        ("valkey+unix:///run/x", ("/run/x", 0, "", "", False)),
    ],
)
def test_urls(url, expected):
    """Server, database, user and password stand where other clients have them."""
    assert seen(url) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redi://cache", "a store at 'redi' is none of these; did you mean 'redis'"),
        ("redis://cache?timout=5", "'redis' has no option 'timout'; did you mean 'timeout'?"),
        ("redis://cache?timeout=5", "option 'timeout' takes a whole number from 10 to 600000, not '5'"),
        ("redis://cache?timeout=x", "option 'timeout' takes a whole number"),
        ("redis://cache?protocol=4", "option 'protocol' takes one of 2, 3, not '4'"),
        ("redis://cache?wait=1&wait=2", "option 'wait' is given twice"),
        ("redis://cache?ca=x", "option 'ca' is for TLS: write rediss://"),
        ("unix:///run/x?verify=no", "option 'verify' is for TLS"),
        ("redis://cache/sessions", "expected the number of a database behind the host"),
        ("redis://cache/-1", "expected the number of a database"),
        ("redis://cache/1/2", "expected the number of a database"),
        ("redis://cache:port", "expected redis://user:password@host:port/database"),
        ("redis://cache:70000", "expected redis://user:password@host:port/database"),
        ("redis://cache#0", "expected redis://user:password@host:port/database"),
        ("unix://run/redis.sock", "with three slashes"),
        ("unix://", "with three slashes"),
        (f"redis://user:{SECRET}/1@cache", "is written percent-encoded"),
        (f"redis://user:{SECRET}#1@cache", "is written percent-encoded"),
        (f"redis://user:{SECRET}?1@cache", "is written percent-encoded"),
        (f"redis://user:[{SECRET}@cache", "is written percent-encoded"),
        (f"redis://user:{SECRET}@cache:port", "is written percent-encoded"),
        (f"redis://user:{SECRET}@cache?timeout=x", "option 'timeout' takes"),
        (f"redis://user:{SECRET}@cache/x", "expected the number of a database"),
    ],
)
def test_what_is_wrong_with_a_url(url, message):
    """One typed error says what was expected; neither it nor what led to it holds the password."""
    with pytest.raises(SpecError) as caught:
        parse(url)
    assert message in str(caught.value)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_url_wins_over_the_timeout_of_the_settings():
    """Seconds of the settings hold where the URL is silent."""
    assert parse("redis://cache", 2.5).number("timeout") == 2500
    assert parse("redis://cache?timeout=300", 2.5).number("timeout") == 300


@pytest.mark.parametrize("asynchronous", [False, True])
def test_nothing_shows_the_password(asynchronous):
    """Neither a port nor a target shows user or password, and to make one connects to nothing."""
    url = f"redis://someone:{SECRET}@cache.invalid:7000/2"
    for shown in (connect(url, asynchronous=asynchronous), parse(url)):
        assert "cache.invalid" in repr(shown)
        assert "someone" not in repr(shown) + str(shown)
        assert SECRET not in repr(shown) + str(shown)


@pytest.mark.parametrize(
    ("url", "shown"), [("redis://[::1]", "[::1]:6379"), ("redis://h", "h:6379"), ("unix:///r/s", "/r/s")]
)
def test_a_target_is_named_in_messages(url, shown):
    """By host and port, or by path."""
    assert str(parse(url)) == shown
    assert isinstance(parse(url), Target)
