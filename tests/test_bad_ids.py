"""Ids that a client made up: none of them is adopted, reaches a store that it cannot be in, or fails a request."""

import pytest

from transcoders.sessions import ids

IDS = {
    "short": "A" * 42,
    "long": "A" * 44,
    "100 kB": "A" * 100_000,
    "line breaks": "A" * 41 + "\r\n",
    "a line break behind": "A" * 43 + "\n",
    "a header": "A" * 20 + "\r\nSet-Cookie: a=b\r\n",
    "a zero byte": "A" * 42 + "\x00",
    "other digits": "\u0661" * 43,
    "other letters": "Ä" * 43,
    "a path": "../" * 14 + "A",
    "a pattern": "*" * 43,
    "spaces": " " * 43,
    "half a character": "A" * 42 + "\ud800",
    "bytes": b"A" * 43,
    "a number": 7,
    "a list": ["A"],
}


@pytest.mark.parametrize("sid", IDS.values(), ids=IDS)
def test_what_cannot_be_an_id_reaches_no_store(driven, sid):
    """It is counted as malformed, and the request has a new session with an id of its own."""
    driver = driven()
    with driver.session(sid) as session:
        assert not session
        session["n"] = 1
    assert driver.tap.asked() == ["create"]
    assert ids.valid(session.sid)
    assert driver.counters["ids_malformed"] == 1
    assert driver.read(session.sid) == {"n": 1}


def test_an_unknown_id_is_never_adopted(driven):
    """A well-made id that nobody gave out is counted as unknown; what the request stores has another."""
    driver = driven()
    forged = "F" * ids.LENGTH
    for _ in range(2):
        with driver.session(forged) as session:
            assert not session
            session["n"] = 1
        assert session.sid != forged
        assert driver.read(forged) is None
    assert driver.counters["ids_unknown"] == 4
    assert driver.counters["creates"] == 2


def test_the_id_of_an_ended_session_is_as_good_as_none(driven):
    """It is not given to a new session."""
    driver = driven()
    sid = driver.begun(n=0)
    driver.destroy(sid)
    with driver.session(sid) as session:
        session["n"] = 1
    assert session.sid != sid
    assert driver.read(sid) is None


def test_of_several_ids_the_first_that_has_a_session_counts(driven):
    """A browser may send several cookies of one name, of a path or a domain that somebody else sets."""
    driver = driven()
    sid = driver.begun(n=0)
    with driver.session(["rubbish", "F" * 43, sid]) as session:
        assert session["n"] == 0
        assert session.sid == sid
    with driver.session(["F" * 43, sid]) as session:
        assert driver.destroy(session) is True
    assert driver.read(sid) is None
    assert not driver.open(["F" * 43, "rubbish"])


def test_the_store_sees_no_id(driven):
    """Keys are hashes: a dump of the store gives nobody a session."""
    driver = driven()
    sid = driver.begun(n=0)
    seen = repr(driver.tap.store._records)
    assert sid not in seen
    assert ids.key(sid) in seen


@pytest.mark.parametrize("nothing", [None, "", [], ()])
def test_a_request_without_an_id_is_counted_as_such(driven, nothing):
    """However a web framework says that there was no cookie."""
    driver = driven()
    with driver.session(nothing) as session:
        assert not session
    assert driver.counters["requests_without_session"] == 1
    assert driver.counters["ids_malformed"] == 0
