"""A bad record has a defined outcome: counted, told, by policy a new session or a typed error, never the last word."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.driving import Driver
from transcoders.errors import (
    DecodeError,
    EncodeError,
    Foreign,
    Malformed,
    Refused,
    Replayed,
    SchemaMismatch,
    Tampered,
    TooLarge,
    TranscoderError,
    Truncated,
    UnknownKey,
)
from transcoders.limits import Limits
from transcoders.sessions import ids, layout

GOOD = {"user": "ann", "cart": [1, 2], "n": 7}
KEYS = [b"k" * 32]


def stored(driver, sid):
    """The bytes of the session."""
    return driver.tap.store.load(ids.key(sid))


def replaced(driver, sid, data):
    """Put other bytes in their place, that never end."""
    driver.tap.store._records[ids.key(sid)] = data, float("inf")


def newer_layout(data):
    """A record of the next layout."""
    return data[:2] + bytes((0x12 + 1,)) + data[3:]


def newer_flag(data):
    """A record with a flag of a later release."""
    return data[:3] + bytes((data[3] | 0x80,)) + data[4:]


BAD = {
    "nothing": (lambda _: b"", (Truncated, Foreign)),
    "one byte": (lambda _: b"\xc1", (Truncated, Foreign)),
    "rubbish": (lambda _: b"\x00\xff" * 40, Foreign),
    "text": (lambda _: b"not a session, but a sentence", Foreign),
    "half": (lambda data: data[: len(data) // 2], (Truncated, Malformed)),
    "header only": (lambda data: data[: layout.SIZE], (Truncated, Malformed)),
    "more behind": (lambda data: data + b"\x00", (Malformed, Truncated)),
    "a newer layout": (newer_layout, Refused),
    "a newer flag": (newer_flag, Refused),
    "no writes": (lambda data: data[:4] + bytes(4) + data[8:], Malformed),
    "a list": (lambda _: b"\xc1T\x01\x01\x00[1]", DecodeError),
    "too large": (lambda data: data + bytes(2_000_000), TooLarge),
}


@pytest.mark.parametrize(("change", "error"), BAD.values(), ids=BAD)
def test_a_bad_record_raises_by_policy(driven, change, error):
    """on_undecodable=raise: one typed error, that shows neither id nor key nor values; counted, and told."""
    driver = driven(on_undecodable="raise")
    sid = driver.begun(**GOOD)
    replaced(driver, sid, change(stored(driver, sid)))
    driver.told()
    with pytest.raises(error) as caught, driver.session(sid) as session:
        _ = session["user"]
    assert driver.counters["undecodable"] == 1
    assert driver.told() == ["undecodable"]
    assert not any(secret in str(caught.value) for secret in (sid, ids.key(sid), "ann"))


@pytest.mark.parametrize(("change", "error"), BAD.values(), ids=BAD)
def test_a_bad_record_begins_a_new_session_by_policy(driven, change, error):
    """on_undecodable=new: the request goes on with a session of its own; the record stays, and no request fails."""
    driver = driven()
    sid = driver.begun(**GOOD)
    replaced(driver, sid, bad := change(stored(driver, sid)))
    driver.told()
    for _ in range(2):
        with driver.session(sid) as session:
            assert not session
            session["user"] = "bob"
        assert session.sid not in {None, sid}
        assert driver.read(session.sid) == {"user": "bob"}
        assert driver.told() == ["undecodable", "created"]
    assert stored(driver, sid) == bad
    assert driver.counters["undecodable"] == 2
    assert driver.counters["ids_unknown"] == 0


def test_the_reason_is_told(driven):
    """The event has the key, the request and the error; neither the id nor a value."""
    driver = driven()
    sid = driver.begun(**GOOD)
    replaced(driver, sid, newer_layout(stored(driver, sid)))
    with driver.session(sid, request="GET /x") as session:
        assert not session
    event = driver.events[-1]
    assert (event.kind, event.key, event.request) == ("undecodable", ids.key(sid), "GET /x")
    assert "upgrade" in event.detail
    assert sid not in str(event)


def test_a_session_that_cannot_be_read_can_be_ended(driven):
    """By its id, whatever stands there: a logout works during a deployment of two releases."""
    driver = driven(rotation_grace=5)
    for grace in (0, 5):
        driver = driven(rotation_grace=grace)
        sid = driver.begun(**GOOD)
        replaced(driver, sid, newer_layout(stored(driver, sid)))
        assert driver.destroy(sid) is True
        assert stored(driver, sid) is None


def test_bytes_that_were_changed_never_give_other_values(driven):
    """Under a seal every flipped bit is noticed: the session is a new one, never a changed one."""
    driver = driven("json+hmac", keys=KEYS)
    sid = driver.begun(**GOOD)
    data = stored(driver, sid)
    for at in range(len(data)):
        replaced(driver, sid, data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
        assert driver.read(sid) is None
    assert driver.counters["undecodable"] == len(data)
    replaced(driver, sid, data)
    assert driver.read(sid) == GOOD


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_any_bytes_at_all_give_a_defined_outcome(kind):
    """Cut, flipped, grown or made up: a new session or the one there was, and no other error than the library's."""
    driver = Driver(kind)
    sid = driver.begun(**GOOD)
    data = stored(driver, sid)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def outcome(draw):
        start = draw.draw(st.integers(0, len(data)))
        replaced(
            driver, sid, data[:start] + draw.draw(st.binary(max_size=40)) + data[start + draw.draw(st.integers(0, 9)) :]
        )
        session = driver.open(sid)
        try:
            for name in session:
                _ = session[name]
            session["added"] = [1]
            driver.save(session)
        except TranscoderError:
            driver.discard(session)

    outcome()
    driver.end()


# ------------------------------------------------------------------------------------------------ other applications


def test_a_record_under_another_key_is_not_read(driven):
    """Another application's seal, or none: no session, and not an empty one without a word."""
    driver = driven("json+hmac", keys=KEYS, on_undecodable="raise")
    sid = driver.begun(**GOOD)
    for keys, error in (([b"x" * 32], (Tampered, UnknownKey)), ([b"x" * 32, *KEYS], None)):
        other = driven("json+hmac", keys=keys, tap=driver.tap, clock=driver.clock, on_undecodable="raise")
        if error is None:
            assert other.read(sid) == GOOD
        else:
            with pytest.raises(error):
                other.held(sid)
    plain = driven("json", tap=driver.tap, clock=driver.clock, on_undecodable="raise")
    with pytest.raises(Refused):
        plain.held(sid)


def test_a_record_of_another_session_is_not_read(driven):
    """What somebody moved in the store, to become somebody else, is noticed by the seal."""
    driver = driven("json+hmac", keys=KEYS, on_undecodable="raise")
    sid, other = driver.begun(user="ann"), driver.begun(user="root")
    replaced(driver, sid, stored(driver, other))
    with pytest.raises(Replayed):
        driver.held(sid)


def test_a_prefix_keeps_applications_apart(driven):
    """An id of one application is of no session in another, on the same store and without a seal."""
    driver = driven(storage_key_prefix="static:shop")
    other = driven(tap=driver.tap, clock=driver.clock, storage_key_prefix="static:admin")
    sid = driver.begun(**GOOD)
    assert other.read(sid) is None
    assert driver.read(sid) == GOOD
    assert other.counters["ids_unknown"] == 1


# ------------------------------------------------------------------------------------------------ one bad attribute


TEN = {f"a{n}": [n] for n in range(10)}


class TestOneBadAttribute:
    """One of eleven attributes cannot be decoded; the other ten have nothing to do with it."""

    @pytest.fixture
    def pair(self, driven):
        """A manager, and the id of a session in which `bad` was written by a codec that it does not read."""
        other = driven("cbor", accept=["json"])
        sid = other.begun(bad={"x": [1]}, n=0)
        driver = driven("json", tap=other.tap, clock=other.clock)
        with driver.session(sid) as session:
            session.update(TEN)
        return driver, sid, other

    def test_the_ten_work_and_the_bad_one_raises_when_it_is_touched(self, pair):
        """With its name in the message; however often it is asked."""
        driver, sid, _other = pair
        session = driver.held(sid)
        assert {name: session[name] for name in TEN} == TEN
        assert "bad" in session
        assert len(session) == 12
        for _ in range(2):
            with pytest.raises(DecodeError, match="bad"):
                _ = session["bad"]
        driver.discard(session)

    def test_it_survives_when_it_is_not_touched(self, pair):
        """Its bytes go along with every write, by whoever; the process that reads it reads it."""
        driver, sid, other = pair
        for n in range(3):
            with driver.session(sid) as session:
                session["n"] += 1
                session["a0"].append(n)
        assert other.held(sid)["bad"] == {"x": [1]}

    def test_it_survives_when_touching_it_was_caught(self, pair):
        """An error that the application handled leaves it as it was, and the rest is stored."""
        driver, sid, other = pair
        with driver.session(sid) as session:
            with pytest.raises(DecodeError):
                _ = session["bad"]
            session["n"] += 1
        assert (other.held(sid)["bad"], other.held(sid)["n"]) == ({"x": [1]}, 1)

    def test_it_survives_a_rotation_and_a_merge(self, pair):
        """In whatever way the record is written anew."""
        driver, sid, other = pair
        late = driver.held(sid)
        late["a1"] = "mine"
        with driver.session(sid) as session:
            session["a2"] = "theirs"
        driver.save(late)
        with driver.session(sid) as session:
            sid = driver.rotate(session)
        found = other.held(sid)
        assert (found["bad"], found["a1"], found["a2"]) == ({"x": [1]}, "mine", "theirs")

    def test_it_can_be_replaced_and_removed(self, pair):
        """Setting and deleting need no decoding."""
        driver, sid, _other = pair
        with driver.session(sid) as session:
            session["bad"] = "good"
        assert driver.held(sid)["bad"] == "good"
        with driver.session(sid) as session:
            del session["bad"]
        assert driver.read(sid) == {**TEN, "n": 0}


def test_an_attribute_that_does_not_fit_its_declared_type_raises_alone(driven):
    """The others of the schema are read; what is wrong is said with its path."""
    from dataclasses import dataclass, field

    @dataclass
    class Shop:
        user: str = ""
        cart: list[int] = field(default_factory=list)

    driver = driven("json")
    sid = driver.begun(user="ann", cart=["x"])
    typed = driven("json", tap=driver.tap, clock=driver.clock, schema=Shop)
    session = typed.held(sid)
    assert session["user"] == "ann"
    with pytest.raises((SchemaMismatch, DecodeError), match="cart"):
        _ = session["cart"]
    typed.discard(session)
    assert driver.read(sid) == {"user": "ann", "cart": ["x"]}


# ------------------------------------------------------------------------------------------------ too large


def test_an_oversized_session_is_refused_where_it_is_saved(driven):
    """EncodeError with both sizes; what was stored before stays, and the session can be made smaller and saved."""
    driver = driven(limits=Limits(size=2000))
    sid = driver.begun(n=0)
    session = driver.held(sid)
    session["n"] = 1
    session["blob"] = "x" * 3000
    with pytest.raises(EncodeError, match="2000"):
        driver.save(session)
    assert driver.read(sid) == {"n": 0}
    session["blob"] = "x" * 100
    driver.save(session)
    assert driver.read(sid) == {"n": 1, "blob": "x" * 100}


def test_many_small_attributes_are_too_many(driven):
    """The limit is one of the whole record too."""
    driver = driven(limits=Limits(size=2000))
    session = driver.open()
    session.update({f"a{n}": "x" * 100 for n in range(30)})
    with pytest.raises(EncodeError):
        driver.save(session)
    assert driver.tap.asked() == []


def test_a_value_that_no_session_holds_is_refused_with_its_path(driven):
    """Nothing is stored, not the other changes either."""
    driver = driven()
    sid = driver.begun(n=0)
    session = driver.open(sid)
    session.update(n=1, cart=[1, object()])
    with pytest.raises(EncodeError, match=r"\$\.cart\[1\]"):
        driver.save(session)
    assert driver.read(sid) == {"n": 0}
