"""Two requests write: what they changed apart is kept, what both changed is merged, decided or told, never lost."""

import pytest

from transcoders.errors import Conflict
from transcoders.sessions.merge import counter, union
from transcoders.sessions.saved import Saved


def both(driver, mine, theirs, **attributes):
    """Let one request load a session, another change it, and the first save; its outcome and what is stored then.

    Args:
        driver: the manager.
        mine: changes the session of the first request.
        theirs: changes that of the other.
        attributes: what is in the session before.
    """
    sid = driver.begun(**attributes)
    first = driver.held(sid)
    mine(first)
    with driver.session(sid) as other:
        theirs(other)
    try:
        outcome = driver.save(first)
    except Conflict as error:
        outcome = error
    return outcome, driver.read(sid)


def put(**attributes):
    """Sets attributes, without a look at what was there."""
    return lambda session: session.update(attributes)


def add(by):
    """Reads the counter and sets it anew."""

    def change(session):
        session["n"] = session.get("n", 0) + by

    return change


def append(item):
    """Changes the list in place."""
    return lambda session: session["cart"].append(item)


def remove(name):
    """Removes an attribute."""
    return lambda session: session.pop(name)


POLICIES = ("raise", "theirs", "mine")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (put(a=1), put(b=2), {"a": 1, "b": 2, "cart": []}),
        (put(a=1), append("x"), {"a": 1, "b": 0, "cart": ["x"]}),
        (append("x"), put(b=2, c=3), {"a": 0, "b": 2, "cart": ["x"], "c": 3}),
        (remove("a"), put(b=2), {"b": 2, "cart": []}),
        (put(a=1), remove("b"), {"a": 1, "cart": []}),
        (put(x=1), put(y=2), {"a": 0, "b": 0, "cart": [], "x": 1, "y": 2}),
    ],
)
def test_changes_of_different_attributes_are_both_kept(driven, policy, mine, theirs, expected):
    """Whatever the policy, and whether they were set, changed in place or removed."""
    driver = driven(on_conflict=policy)
    outcome, found = both(driver, mine, theirs, a=0, b=0, cart=[])
    assert outcome is Saved.WRITTEN
    assert found == expected
    assert driver.counters["conflicts"] >= 1
    assert driver.counters["merges"] == 1
    assert driver.counters["conflicts_raised"] == 0


@pytest.mark.parametrize(
    ("mine", "theirs", "kept", "overwritten"),
    [
        (put(n=1), put(n=2), {"n": 2, "cart": []}, {"n": 1, "cart": []}),
        (put(n=1), put(n=True), {"n": True, "cart": []}, {"n": 1, "cart": []}),
        (append("x"), append("y"), {"n": 0, "cart": ["y"]}, {"n": 0, "cart": ["x"]}),
        (put(n=1), remove("n"), {"cart": []}, {"n": 1, "cart": []}),
        (remove("n"), put(n=2), {"n": 2, "cart": []}, {"cart": []}),
    ],
)
def test_a_change_of_the_same_attribute_goes_by_policy(driven, mine, theirs, kept, overwritten):
    """raise: Conflict names it, and theirs stays; theirs: it stays without a word; mine: it is overwritten."""
    outcome, found = both(driven(), mine, theirs, n=0, cart=[])
    assert isinstance(outcome, Conflict)
    assert len(outcome.names) == 1
    assert found == kept
    outcome, found = both(driven(on_conflict="theirs"), mine, theirs, n=0, cart=[])
    assert (outcome, found) == (Saved.WRITTEN, kept)
    outcome, found = both(driven(on_conflict="mine"), mine, theirs, n=0, cart=[])
    assert (outcome, found) == (Saved.WRITTEN, overwritten)


def test_a_conflict_stores_nothing_of_the_request(driven):
    """Attributes that nobody else changed are not stored either; it is counted and told with its names."""
    driver = driven()
    outcome, found = both(driver, put(n=1, a=1), put(n=2), n=0)
    assert isinstance(outcome, Conflict)
    assert outcome.names == ("n",)
    assert found == {"n": 2}
    assert driver.counters["conflicts_raised"] == 1
    conflicts = [event for event in driver.events if event.kind == "conflict"]
    assert [event.detail for event in conflicts] == ["n"]


def test_what_both_set_alike_is_no_conflict(driven):
    """Two requests that set the theme to dark, without asking what it was, agree."""
    driver = driven()
    outcome, found = both(driver, put(theme="dark", n=1), put(theme="dark"), theme="light")
    assert (outcome, found) == (Saved.WRITTEN, {"theme": "dark", "n": 1})


def test_dicts_in_another_order_are_alike(driven):
    """What both set is compared as values when its bytes differ."""
    driver = driven()
    outcome, found = both(driver, put(d={"a": 1, "b": 2}), put(d={"b": 2, "a": 1}), d={})
    assert outcome is Saved.WRITTEN
    assert found == {"d": {"a": 1, "b": 2}}


@pytest.mark.parametrize("start", [{"n": 5}, {}])
def test_what_both_counted_alike_is_a_conflict(driven, start):
    """Two requests that read a number and make the same of it have counted twice: one of them is told."""
    driver = driven()
    outcome, found = both(driver, add(1), add(1), **start, other=0)
    assert isinstance(outcome, Conflict)
    assert found["n"] == start.get("n", 0) + 1


def test_what_both_appended_alike_is_a_conflict(driven):
    """A list that was changed in place was read."""
    outcome, found = both(driven(), append("x"), append("x"), cart=[])
    assert isinstance(outcome, Conflict)
    assert found == {"cart": ["x"]}


def test_what_both_took_out_is_no_conflict(driven):
    """A message that two pages show once is gone either way."""
    outcome, found = both(driven(), remove("once"), remove("once"), once="saved", n=0)
    assert (outcome, found) == (Saved.WRITTEN, {"n": 0})


def test_counting_after_a_save_in_the_same_request_is_counting(driven):
    """What the request knows from its own first save is read as well."""
    driver = driven()
    sid = driver.begun(theme="x")
    session = driver.held(sid)
    session["n"] = 5
    driver.save(session)
    session["n"] += 1
    with driver.session(sid) as other:
        other["n"] = 6
    with pytest.raises(Conflict):
        driver.save(session)


# ------------------------------------------------------------------------------------------------ merge functions


@pytest.mark.parametrize("start", [{"n": 5}, {}])
@pytest.mark.parametrize(("mine", "theirs"), [(1, 1), (1, 2), (-3, 10)])
def test_counters_add_up(driven, start, mine, theirs):
    """The built-in counter keeps both changes, equal ones too, of a number that was there or was not."""
    driver = driven(merge={"n": counter})
    outcome, found = both(driver, add(mine), add(theirs), **start, other=0)
    assert outcome is Saved.WRITTEN
    assert found["n"] == start.get("n", 0) + mine + theirs


def test_sets_unite(driven):
    """The built-in union keeps what either added, without what either removed."""
    driver = driven("msgpack", merge={"tags": union})

    def mine(session):
        session["tags"] -= {"a"}
        session["tags"] |= {"x"}

    outcome, found = both(driver, mine, lambda s: s.update(tags=s["tags"] | {"y"}), tags={"a", "b"})
    assert outcome is Saved.WRITTEN
    assert found == {"tags": {"b", "x", "y"}}


def test_a_merge_function_sees_all_three_values(driven):
    """As it was loaded, as this request left it, as the other left it; what it returns is stored and seen."""
    seen = []

    def merge(base, mine, theirs):
        seen.append((base, mine, theirs))
        return [*theirs, *mine]

    driver = driven(merge={"cart": merge})
    sid = driver.begun(cart=["a"])
    session = driver.held(sid)
    session["cart"].append("b")
    with driver.session(sid) as other:
        other["cart"].append("c")
    assert driver.save(session) is Saved.WRITTEN
    assert seen == [(["a"], ["a", "b"], ["a", "c"])]
    assert session["cart"] == ["a", "c", "a", "b"] == driver.read(sid)["cart"]


def test_a_merge_function_decides_nothing_about_removal(driven):
    """Where one side removed the attribute, the policy decides."""
    outcome, found = both(driven(merge={"n": counter}), add(1), remove("n"), n=0)
    assert isinstance(outcome, Conflict)
    assert found == {}


def test_a_merge_function_that_fails_is_a_conflict(driven):
    """Nothing of the request is stored, and its message has the error."""

    def merge(base, mine, theirs):
        raise ZeroDivisionError

    driver = driven(merge={"n": merge})
    sid = driver.begun(n=0)
    session = driver.held(sid)
    session["n"] += 1
    with driver.session(sid) as other:
        other["n"] += 1
    with pytest.raises(Conflict, match="ZeroDivisionError") as caught:
        driver.save(session)
    assert caught.value.names == ("n",)
    assert driver.read(sid) == {"n": 1}


@pytest.mark.parametrize("codec", ["json", "msgpack", "cbor", "pickle"])
def test_every_codec_merges(driven, codec):
    """The same with each of them."""
    outcome, found = both(driven(codec, merge={"n": counter}), add(2), add(3), n=1, other={"k": (1, 2)})
    assert outcome is Saved.WRITTEN
    assert found == {"n": 6, "other": {"k": (1, 2)}}


# ------------------------------------------------------------------------------------------------ more than attributes


def test_a_principal_is_merged_like_an_attribute(driven):
    """One request says whose session it is, the other changes an attribute: both are kept."""
    driver = driven()
    sid = driver.begun(n=0)
    first = driver.held(sid)
    first.principal = "u"
    with driver.session(sid) as other:
        other["n"] = 1
    driver.save(first)
    assert [record.value("n") for record in driver.sessions_of("u")] == [1]


@pytest.mark.parametrize(("policy", "left"), [("raise", "v"), ("theirs", "v"), ("mine", "u")])
def test_two_principals_are_a_conflict(driven, policy, left):
    """The session is not given to one user while its attributes are the other's."""
    driver = driven(on_conflict=policy)
    sid = driver.begun(user="")
    first = driver.held(sid)
    first.principal = first["user"] = "u"
    with driver.session(sid) as other:
        other.principal = other["user"] = "v"
    if policy == "raise":
        with pytest.raises(Conflict):
            driver.save(first)
    else:
        driver.save(first)
    session = driver.held(sid)
    assert (session.principal, session["user"]) == (left, left)
    assert [len(driver.sessions_of(name)) for name in "uv"] == [left == "u", left == "v"]


@pytest.mark.parametrize(("policy", "left"), [("raise", 60), ("theirs", 60), ("mine", 90)])
def test_two_idle_times_are_a_conflict(driven, policy, left):
    """The same for the times of a session."""
    driver = driven(on_conflict=policy)
    sid = driver.begun(n=0)
    first = driver.held(sid)
    first.set_timeout(idle=90)
    with driver.session(sid) as other:
        other.set_timeout(idle=60)
    if policy == "raise":
        with pytest.raises(Conflict) as caught:
            driver.save(first)
        assert caught.value.names == ("idle",)
    else:
        driver.save(first)
    assert driver.held(sid).idle == left


def test_after_a_merge_the_session_shows_what_is_stored(driven):
    """Attributes that the other request wrote are seen, those of this one stay."""
    driver = driven(merge={"n": counter}, on_conflict="theirs")
    sid = driver.begun(n=0, a=0, b=0, c=0)
    session = driver.held(sid)
    _ = session["c"]
    session.update(n=session["n"] + 1, a=1, b=1)
    with driver.session(sid) as other:
        other.update(n=other["n"] + 1, b=2, c=2, d=2)
    driver.save(session)
    assert session.to_dict() == driver.read(sid) == {"n": 2, "a": 1, "b": 2, "c": 2, "d": 2}
    session["n"] += 1
    driver.save(session)
    assert driver.read(sid)["n"] == 3
