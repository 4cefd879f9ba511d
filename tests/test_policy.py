"""The settings of a manager, and what follows from them."""

import copy
import pickle
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoders import SpecError
from transcoders.sessions.policy import FOREVER, SETTINGS, Policy, over, takes

DAY, YEAR = 86_400, 31_536_000


def test_the_defaults_are_valid():
    """A policy without arguments is one, and equals another."""
    assert Policy() == Policy()
    assert hash(Policy()) == hash(Policy(merge={"n": max}))  # what is not hashable has no part in it


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("locking_mode", "none"), ("locking_mode", "all"), ("locking_mode", "auto"), ("locking_mode", "uriPattern:.*"),
        ("lock_expiration", 0.1), ("lock_expiration", 3600), ("lock_timeout", 0), ("lock_timeout", 3600.0),
        ("max_lock_waiters", 1), ("on_lock_timeout", "read-only"), ("on_lock_timeout", "error"),
        ("operation_timeout", 0.01), ("operation_timeout", 600), ("max_inactive_interval", 0),
        ("max_inactive_interval", 2**32 - 1), ("absolute_timeout", YEAR), ("touch_share", 0), ("touch_share", 1),
        ("rotation_grace", 60), ("on_conflict", "theirs"), ("on_conflict", "mine"), ("merge", {"n": max, "m": min}),
        ("on_undecodable", "raise"), ("on_store_failure", "anonymous"), ("max_active_sessions", 10),
        ("storage_key_prefix", "static:shop, host.hash"), ("request_uri_ignore_pattern", r".*\.css"),
        ("session_attribute_filter", "(user|cart)"), ("enable_statistics", False), ("enabled", False),
    ],
)  # fmt: skip
def test_each_setting_takes_what_it_says(name, value):
    """The ends of every range, and every choice, are taken as they are."""
    assert getattr(Policy(**{name: value}), name) == value


BAD = [
    ("locking_mode", ["", "None", "ALL", "uripattern:/a", "uriPattern:(", 1, None, True]),
    ("lock_expiration", [0, 0.09, 3600.1, float("nan"), float("inf"), "5", None, True]),
    ("lock_timeout", [-1, -0.001, 3601, float("nan"), "1", None, False]),
    ("max_lock_waiters", [0, -1, 2**32, 1.0, "1", None, True]),
    ("on_lock_timeout", ["", "Proceed", "read_only", 1, None, ["error"]]),
    ("operation_timeout", [0, 0.009, 601, float("nan"), "1", None]),
    ("max_inactive_interval", [-1, 2**32, 1.5, 1800.0, float("nan"), "1800", None, True]),
    ("absolute_timeout", [-1, 2**32, 0.0, "1", None]),
    ("touch_share", [-0.001, 1.1, float("nan"), "0.1", None]),
    ("rotation_grace", [-1, 61, "1", None]),
    ("on_conflict", ["", "retry", None, {}]),
    ("merge", [None, [], "counter", {"n": 1}, {"n": "counter"}, {1: max}]),
    ("on_undecodable", ["", "ignore", None]),
    ("on_store_failure", ["", "local", None]),
    ("max_active_sessions", [-1, 1.0, "1", None, 2**32]),
    ("storage_key_prefix", [None, 1, "hots", "static:a b", "static:a:b", "host,,context"]),
    ("request_uri_ignore_pattern", ["(", "*", 1, b"a"]),
    ("session_attribute_filter", ["[", 1, b"a"]),
    ("enable_statistics", [0, 1, None, "true"]),
    ("enabled", [0, 1, None, "true"]),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD for value in values])
def test_each_setting_refuses_what_it_does_not_take(name, value):
    """Wrong types, values beside the range and texts without sense are one error that names the setting."""
    with pytest.raises(SpecError, match=name):
        Policy(**{name: value})


def test_every_setting_is_refused_something():
    """No setting is missing in the tables of this file."""
    assert {name for name, _ in BAD} == set(SETTINGS) == {one.name for one in fields(Policy)}


def test_what_a_setting_takes_is_said():
    """The message holds the type, the range with its unit, and what was found."""
    for name, text in [
        ("lock_expiration", "a number from 0.1 to 3600 (s), not 'x'"),
        ("max_lock_waiters", "a whole number from 1 to 4294967295, not 'x'"),
        ("on_conflict", "'raise' or 'theirs' or 'mine', not 'x'"),
        ("enabled", "True or False, not 'x'"),
        ("merge", "a mapping of attribute names to functions, not 'x'"),
    ]:
        with pytest.raises(SpecError) as told:
            Policy(**{name: "x"})
        assert str(told.value) == f"{name} takes {text}"


def test_every_setting_says_what_it_means_and_takes():
    """Meaning and range of each are there for the table of docs/settings.md."""
    for one in SETTINGS.values():
        assert one.metadata["range"].text
        assert takes(one)


def test_a_policy_keeps_its_merge_functions():
    """A mapping that is changed later changes no policy; a policy can be copied, pickled and replaced."""
    given_ = {"n": max}
    policy = Policy(merge=given_)
    given_["n"] = min
    assert policy.merge == {"n": max}
    assert pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy) == replace(policy, lock_timeout=1.0) == policy


TIMES = [
    # created, idle, absolute, now: milliseconds to live
    (0, 1800, 0, 1000, 1_980_000),
    (0, 0, 0, 1000, FOREVER),
    (100, 0, 600, 200, 500_000),
    (100, 1800, 600, 200, 500_000),
    (100, 60, 86_400, 200, 66_000),
    (100, 60, 600, 700, 1),
    (100, 60, 600, 9_999, 1),
    (100, 60, 600, 699.9996, 1),
    (0, 1, 0, 5, 1_100),
    (0, 2**32 - 1, 0, 0, 4_724_464_024_500),
    (2**32 - 1, 0, 2**32 - 1, 0, (2**33 - 2) * 1000),
]


@pytest.mark.parametrize(("created", "idle", "absolute", "now", "ttl"), TIMES)
def test_how_long_a_record_lives(created, idle, absolute, now, ttl):
    """The idle time and its share, or what is left of the age; never 0, which would be for ever, and never less."""
    assert Policy().ttl(created, idle, absolute, now) == ttl


@given(
    created=st.integers(0, 2**32 - 1), idle=st.integers(0, 2**32 - 1), absolute=st.integers(0, 2**32 - 1),
    now=st.floats(0, 2**33), share=st.floats(0, 1),
)  # fmt: skip
def test_a_record_lives_for_a_while_or_for_ever(created, idle, absolute, now, share):
    """Times to live are positive, FOREVER for sessions without an end alone, and no longer than either limit."""
    ttl = Policy(touch_share=share).ttl(created, idle, absolute, now)
    assert (ttl == FOREVER) == (not idle and not absolute)
    assert ttl >= 0
    assert not idle or ttl <= idle * (1 + share) * 1000
    assert not absolute or ttl <= max(1, (created + absolute - now) * 1000)


@pytest.mark.parametrize(
    ("created", "idle", "absolute", "now", "ttl"),
    [
        (100, 1800, 0, 200, 19_800_000),
        (100, 1800, 600, 200, 500_000),
        (100, 0, 600, 9_999, 1),
        (100, 0, 0, 200, FOREVER),
    ],
)
def test_how_long_a_session_is_noted_under_its_principal(created, idle, absolute, now, ttl):
    """For what is left of its age, or for ten times its idle time, so that it outlives touches that are not noted."""
    assert Policy().link_ttl(created, idle, absolute, now) == ttl


@pytest.mark.parametrize(
    ("share", "idle", "passed", "due"),
    [
        (0.1, 1800, 0, False),
        (0.1, 1800, 179.9, False),
        (0.1, 1800, 180, True),
        (0.1, 1800, 99_999, True),
        (1, 1800, 1799, False),
        (1, 1800, 1800, True),
        (0.1, 0, 99_999, False),
        (0.1, 1800, -5, False),
        (0, 1800, 99_999, False),
    ],
)
def test_when_a_touch_is_due(share, idle, passed, due):
    """After its share of the idle time; never for a session without one, nor when a clock went back."""
    assert Policy(touch_share=share).touch_due(idle, 1000, 1000 + passed) is due


@pytest.mark.parametrize(
    ("share", "passed", "due"), [(0.1, 179, False), (0.1, 180, True), (0, 1799, False), (0, 1800, True)]
)
def test_when_a_note_is_due(share, passed, due):
    """With a touch; where nothing is touched, when the idle time has passed, of which a note lasts ten."""
    assert Policy(touch_share=share).link_due(1800, 1000, 1000 + passed) is due
    assert not Policy(touch_share=share).link_due(0, 1000, 1000 + passed)


@given(share=st.floats(0.001, 1), idle=st.integers(1, YEAR))
def test_a_session_that_is_used_lives_through_its_idle_time(share, idle):
    """Even when the touch was missed by a hair: what lives from the last one covers the idle time from then on."""
    policy = Policy(touch_share=share)
    missed = idle * share * 0.999
    assert not policy.touch_due(idle, 0, missed)
    assert policy.ttl(0, idle, 0, 0) / 1000 >= missed + idle - 0.001


@pytest.mark.parametrize(
    ("created", "absolute", "now", "ended"),
    [(100, 0, 99_999, False), (100, 50, 149.9, False), (100, 50, 150, True), (100, 50, 10, False)],
)
def test_when_a_session_is_over(created, absolute, now, ended):
    """When it has reached its age; never without one."""
    assert over(created, absolute, now) is ended


@pytest.mark.parametrize(("seconds", "milliseconds"), [(5.0, 5000), (0.1, 100), (3600, 3_600_000), (0.2575, 257)])
def test_locks_live_for_milliseconds(seconds, milliseconds):
    """What stores take is the expiration in whole milliseconds."""
    assert Policy(lock_expiration=seconds).lock_ttl == milliseconds
