"""The cookie of a session: what browsers would refuse is refused first, and no header makes reading raise."""

import re
from http.cookies import CookieError, SimpleCookie
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import dump_cookie, parse_cookie

from transcoders import EncodeError, SpecError
from transcoders.sessions import ids
from transcoders.web import Cookie, Parameter, private, vary
from transcoders.web.cookies import CANDIDATES, LONGEST, SIZE

IDS = st.text(ascii_letters + digits + "-_", min_size=ids.LENGTH, max_size=ids.LENGTH)
NAMES = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12)
VALUES = st.text("".join(map(chr, range(0x21, 0x7F))).translate(dict.fromkeys(map(ord, '",;\\'))), max_size=60)
SID = "a" * ids.LENGTH


def attributes(header):
    """The attributes of a Set-Cookie header by name, in lower case."""
    parts = (part.partition("=") for part in header.split("; ")[1:])
    return {name.lower(): value for name, _, value in parts}


# Writing.


def test_defaults_are_safe():
    """A cookie of no settings is for this host, TLS and servers alone, and not sent along by other sites' forms."""
    assert Cookie().set(SID) == f"session={SID}; Path=/; Secure; HttpOnly; SameSite=Lax"


def test_every_attribute_is_written():
    """Each field stands in the header as RFC 6265bis and CHIPS write it."""
    cookie = Cookie(
        name="__Secure-id", path="/shop", domain="example.com", same_site="None", partitioned=True, max_age=3600
    )  # fmt: skip
    assert attributes(cookie.set(SID)) == {
        "max-age": "3600", "domain": "example.com", "path": "/shop", "secure": "", "httponly": "", "partitioned": "",
        "samesite": "None",
    }  # fmt: skip


def test_flags_can_be_left_out():
    """What is switched off is not written."""
    assert Cookie(secure=False, http_only=False, same_site=None).set(SID) == f"session={SID}; Path=/"


@pytest.mark.parametrize(
    ("max_age", "left", "written"),
    [(None, None, None), (60, None, "60"), (60, 30.7, "30"), (60, 90, "60"), (None, 90, "90"), (60, 0.2, "1"),
     (None, 1e12, str(LONGEST))],
)  # fmt: skip
def test_max_age_is_the_lesser(max_age, left, written):
    """A cookie lives as long as its setting says, and not longer than its session; 400 days at most."""
    assert attributes(Cookie(max_age=max_age).set(SID, left)).get("max-age") == written


def test_a_rolling_cookie_is_renewed():
    """Its seconds begin anew when the session is used; a cookie that does not roll, or has none, is left alone."""
    assert Cookie(max_age=60).renews
    assert not Cookie(max_age=60, rolling=False).renews
    assert not Cookie().renews


@pytest.mark.parametrize("cookie", [Cookie(), Cookie(domain="example.com", path="/a"), Cookie(name="__Host-id")])
def test_deleting_names_the_same_cookie(cookie):
    """A browser forgets the cookie of that name, domain and path; the flags stay, or it would refuse the header."""
    header = cookie.delete()
    assert header.startswith(f"{cookie.name}=; ")
    gone, kept = attributes(header), attributes(cookie.set(SID))
    assert gone.pop("max-age") == "0"
    assert gone.pop("expires").endswith("1970 00:00:00 GMT")
    assert gone == kept


@pytest.mark.parametrize(
    "value", ["", "a b", 'a"b', "a,b", "a;b", "a\\b", "é", "a\r\nSet-Cookie: x=y", "\0", "x" * SIZE, None, b"bytes"]
)
def test_no_other_value_gets_into_a_header(value):
    """What is no value of a cookie, or too long for browsers, is an EncodeError, and splits no header."""
    with pytest.raises(EncodeError):
        Cookie().set(value)


# Settings.


@pytest.mark.parametrize("prefix", ["__Host-", "__HOST-", "__Host-Http-", "__host-http-"])
@pytest.mark.parametrize("field", [{"domain": "example.com"}, {"path": "/shop"}, {"secure": False}])
def test_host_prefixes_are_enforced(prefix, field):
    """A name that promises one host is refused without Secure, with another path, or with a domain."""
    assert Cookie(name=f"{prefix}id")
    with pytest.raises(SpecError, match="browsers refuse '__"):
        Cookie(name=f"{prefix}id", **field)


@pytest.mark.parametrize(
    ("prefix", "field"),
    [("__Secure-", "secure"), ("__secure-", "secure"), ("__Http-", "secure"), ("__Http-", "http_only"),
     ("__Host-Http-", "http_only")],
)  # fmt: skip
def test_secure_and_http_prefixes_are_enforced(prefix, field):
    """A name that promises Secure or HttpOnly is refused without."""
    assert Cookie(name=f"{prefix}id", **({"domain": "example.com", "path": "/a"} if "Host" not in prefix else {}))
    with pytest.raises(SpecError, match=f"set {field}=True"):
        Cookie(name=f"{prefix}id", **{field: False})


@pytest.mark.parametrize("field", [{"partitioned": True}, {"same_site": "None"}])
def test_cross_site_cookies_are_secure(field):
    """Browsers take a cookie for other sites' pages over TLS alone."""
    with pytest.raises(SpecError, match="not secure: set secure=True"):
        Cookie(secure=False, **field)


@pytest.mark.parametrize(
    "field",
    [
        {"name": ""}, {"name": "a b"}, {"name": "a=b"}, {"name": "a;b"}, {"name": "é"}, {"name": None}, {"name": "a\n"},
        {"path": "shop"}, {"path": "/a;b"}, {"path": "/\r\nX: y"}, {"path": "/é"}, {"path": ""}, {"path": None},
        {"path": "/" * 1025}, {"domain": ""}, {"domain": "a b"}, {"domain": "exämple.com"}, {"domain": "a..b"},
        {"domain": "example.com; Path=/"}, {"domain": "-a.com"}, {"domain": 5}, {"domain": "a." * 127},
        {"same_site": "lax"}, {"same_site": False}, {"max_age": 0}, {"max_age": -1}, {"max_age": True},
        {"max_age": LONGEST + 1}, {"max_age": 1.5}, {"secure": 1}, {"http_only": "yes"}, {"partitioned": None},
        {"rolling": 0},
    ],
    ids=str,
)  # fmt: skip
def test_bad_settings_are_told(field):
    """A field of another kind is a SpecError that names it, what it takes and what it was."""
    with pytest.raises(SpecError, match=rf"^{next(iter(field))} of a cookie takes .*, not "):
        Cookie(**field)


def test_the_longest_settings_leave_room():
    """Name, path and domain at their longest leave room for an id in what browsers store."""
    cookie = Cookie(name="n" * 256, path="/" + "p" * 1023, domain=".".join(["a" * 60] * 4), max_age=LONGEST)
    assert len(cookie.set(SID)) < SIZE


# Reading.


def test_the_id_is_found_among_others():
    """The cookie of the name is read, whatever stands around it."""
    for header in (
        f"session={SID}",
        f"a=b; session={SID}; c=d",
        f"a=b;session = {SID} ",
        f";;session={SID};;",
        f"x; session={SID}",
    ):
        assert Cookie().candidates(header) == [SID]
        assert Cookie().candidates(header.encode()) == [SID]


@pytest.mark.parametrize(
    "header",
    [
        "", ";", "=", "session", "session=", f"Session={SID}", f"xsession={SID}", f"session={SID}x",
        f"session={SID[1:]}", f'session="{SID}"', f"session={SID}=", f"session={'é' * 43}",
        f"a=b, session={SID}", f"session%3D{SID}",
        f"session={SID}\r\nX: y", f"session=\0{SID}", f"session\n={SID}", f"xx\nsession={SID}", "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_id_is_no_candidate(header):
    """Another name, another length, quotes, control characters: nothing of that reaches a store."""
    assert Cookie().candidates(header) == []


def test_quotes_hide_nothing():
    """A header is split where browsers put semicolons, so a quoted value hides no cookie."""
    other = "b" * ids.LENGTH
    assert Cookie().candidates(f'x="; session={SID}; y="; session={other}') == [SID, other]


def test_several_of_one_name_are_all_candidates():
    """All of them in the browser's order, each once, and not more than are worth a look into the store."""
    many = [f"{number:0>43}" for number in range(20)]
    header = "; ".join(f"session={one}" for one in (*many[:3], "none", *many))
    assert Cookie().candidates(header) == many[:CANDIDATES]


@pytest.mark.parametrize(
    "piece", ["session=", ";", " ", "=", "session", "; session=x", ' ";', "session;", "\t", "é", "session =", "\0", SID]
)
def test_huge_headers_are_read_at_once(piece):
    """100 kB of anything take the time of looking at each byte a few times."""
    header = piece * (100_000 // len(piece))
    assert Cookie().candidates(header) == []
    assert Cookie().candidates(f"{header}; session={SID}")[-1:] == [SID]


@given(st.text() | st.binary())
def test_no_header_raises(header):
    """Whatever a header holds, candidates are ids."""
    assert all(map(ids.valid, Cookie(name="a").candidates(header)))


@given(name=NAMES, sid=IDS, others=st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_others_write_is_read(name, sid, others):
    """A header of any cookies, as a browser joins them, gives back the id."""
    others.pop(name, None)
    pairs = [*(f"{key}={value}" for key, value in others.items()), f"{name}={sid}"]
    for header in ("; ".join(pairs), ";".join(reversed(pairs))):
        assert Cookie(name=name).candidates(header) == [sid]
        assert parse_cookie(header)[name] == sid


@given(
    name=NAMES.filter(lambda name: name[0] != "$"),  # such names were attributes in RFC 2965
    sid=IDS,
    age=st.none() | st.integers(1, LONGEST),
    site=st.sampled_from(["Strict", "Lax", "None", None]),
)
def test_others_read_what_is_written(name, sid, age, site):
    """The standard library and Werkzeug read the value and the attributes that were written."""
    header = Cookie(name=name, max_age=age, same_site=site).set(sid)
    pair = header.partition(";")[0]
    assert parse_cookie(pair)[name] == sid
    try:
        morsel = SimpleCookie(header)[name]
    except CookieError:  # it knows no names such as `path`
        return
    assert (morsel.value, morsel["path"], morsel["secure"], morsel["httponly"]) == (sid, "/", True, True)
    assert (morsel["max-age"], morsel["samesite"]) == (str(age or ""), site or "")


def test_werkzeug_writes_the_same():
    """Flask's own function writes the same attributes for the same settings."""
    for site in ("Strict", "Lax", "None"):
        cookie = Cookie(domain="example.com", path="/a", same_site=site, max_age=60, partitioned=site == "None")
        theirs = dump_cookie(
            "session", SID, domain="example.com", path="/a", secure=True, httponly=True, samesite=site, max_age=60,
            sync_expires=False, partitioned=site == "None",
        )  # fmt: skip
        assert attributes(cookie.set(SID)) == attributes(theirs)


# Vary.


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "Cookie"), ("Accept", "Accept, Cookie"), ("cookie", "cookie"), ("Accept, COOKIE", "Accept, COOKIE"),
     ("*", "*"), (" ", "Cookie")],
)  # fmt: skip
def test_vary_names_the_cookie_once(before, after):
    """A cache is told that the response depends on the cookie, once."""
    assert vary(before) == after
    assert re.fullmatch(r"[^\r\n]*", after)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "private"), ("max-age=60", "max-age=60, private"), ("public, max-age=60", "public, max-age=60, private"),
     ("Private", "Private"), ("no-store", "no-store"), ("max-age=0, NO-STORE", "max-age=0, NO-STORE"),
     ('private="x-header"', 'private="x-header", private'), ("no-cache", "no-cache, private"), (" ", "private")],
)  # fmt: skip
def test_caches_are_told_whose_it_is(before, after):
    """A response that sets an id is kept by no shared cache, whatever else is said to caches."""
    assert private(before) == after


# Ids in URLs.


@pytest.mark.parametrize(
    ("query", "found"),
    [(f"sid={SID}", [SID]), (f"a=b&sid={SID}&c", [SID]), (f"a=b&sid={SID}&sid=x&sid={'b' * 43}", [SID, "b" * 43]),
     (f"xsid={SID}", []), (f"sid={SID}x", []), (f"a=sid={SID}", []), (f"sid=%61{SID[1:]}", []), ("", []), ("sid", []),
     (f"SID={SID}", []), (f"sid={SID}\r\n", []), (f"sid={SID};a", []), ("\ud800", [])],
)  # fmt: skip
def test_ids_are_found_in_queries(query, found):
    """The parameter of the name, as the application wrote it; nothing else is an id."""
    assert Parameter("sid").candidates(query) == found
    assert Parameter("sid").candidates(query.encode(errors="surrogatepass")) == found


@given(st.text() | st.binary())
def test_no_query_raises(query):
    """Whatever a query holds, candidates are ids, and not more than are worth a look."""
    found = Parameter("a").candidates(query)
    assert all(map(ids.valid, found))
    assert len(found) <= CANDIDATES


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a&b", "é", None, "a" * 300])
def test_parameters_have_names(name):
    """A name that would have to be encoded is a SpecError at start-up."""
    with pytest.raises(SpecError, match="a parameter's name is of letters"):
        Parameter(name)
