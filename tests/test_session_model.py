"""A session against a dict: whatever is done to both in whatever order, they hold the same, now and after each save."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.golden_records import KEY, NOW, OTHER
from tests.strategies import session_values
from tests.values import same
from transcoders import transcoder
from transcoders.sessions.session import Session
from transcoders.sessions.wire import Wire

NAMES = st.sampled_from(["a", "b", "cart", "漢字", "x" * 255])
SMALL = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=140)
LONG = st.integers(30, 900).map(lambda size: [f"row {number}" for number in range(size)])
SHORT = st.lists(SMALL, max_size=3) | st.dictionaries(st.text(max_size=3), SMALL, max_size=3)
VALUES = st.one_of(SMALL, SHORT, SHORT, LONG, LONG, session_values())
MUTABLE = (list, dict, bytearray)
SPECS = ["json", "msgpack+hmac", "cbor+zstd", "pickle+zlib+aesgcm+blake2"]


class Model(RuleBasedStateMachine):
    """Requests over one stored session."""

    spec = ""

    @initialize(values=st.dictionaries(NAMES, LONG | SHORT, min_size=2))
    def begin(self, values: dict[str, Any]) -> None:
        """A new session, or one that is stored already and has a tail."""
        secret = [b"k" * 32] if "hmac" in self.spec or "aesgcm" in self.spec else []
        self.wire: Wire[Any] = Wire(transcoder(self.spec, keys=secret))
        self.session: Session[Any] = Session(self.wire, record=self.wire.blank(KEY, NOW, 60, 0))
        self.session.update(copy.deepcopy(values))
        self.now, self.key = NOW, KEY
        self.expected, self.stored = values, {}
        self.save(0, settle=False, move=False)

    @rule(name=NAMES, value=VALUES)
    def put(self, name: str, value: object) -> None:
        """Set an attribute."""
        self.session[name] = value
        self.expected[name] = copy.deepcopy(value)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        """Delete an attribute; both say the same when there is none."""
        gone = self.expected.pop(name, None)
        assert same(self.session.pop(name, None), gone)

    @precondition(lambda self: any(type(value) in MUTABLE for value in self.expected.values()))
    @rule(place=st.integers(0, 9), value=SMALL)
    def change(self, place: int, value: object) -> None:
        """Change an attribute in place."""
        names = [name for name, value in self.expected.items() if type(value) in MUTABLE]
        name = names[place % len(names)]
        for one in (self.session[name], self.expected[name]):
            if type(one) is list:
                one.append(value)
            elif type(one) is dict:
                one["changed"] = value
            else:
                one.extend(b"changed")

    @rule(name=NAMES)
    def read(self, name: str) -> None:
        """Read an attribute."""
        assert (name in self.session) == (name in self.expected)
        if name in self.expected:
            assert same(self.session[name], self.expected[name])

    @rule()
    def clear(self) -> None:
        """Delete everything."""
        self.session.clear()
        self.expected.clear()

    @rule(seconds=st.integers(0, 100), settle=st.booleans(), move=st.booleans())
    def save(self, seconds: int, *, settle: bool, move: bool) -> None:
        """Store what changed, and go on, or begin the next request; under another key perhaps."""
        self.now += seconds
        self.key = (OTHER if self.key == KEY else KEY) if move else self.key
        changes = self.session.changes()
        if not changes:
            assert same(self.stored, {name: self.expected[name] for name in self.stored})
            assert self.stored.keys() == self.expected.keys()
        record = self.wire.read(self.session.record.build(changes, self.now, key=self.key), self.key)
        if settle:
            self.session.settle(record)
            assert self.session.changes() == {}
        else:
            self.session = Session(self.wire, record=record)
        self.stored = copy.deepcopy(self.expected)

    @precondition(lambda self: self.stored)
    @rule()
    def forget(self) -> None:
        """Give a request up: nothing of it is stored."""
        self.session = Session(self.wire, record=self.session.record)
        self.expected = copy.deepcopy(self.stored)

    @rule()
    def look(self) -> None:
        """Read everything; reading changes nothing."""
        before = self.session.changes()
        found = self.session.to_dict()
        assert found.keys() == self.expected.keys()
        assert all(same(value, self.expected[name]) for name, value in found.items())
        assert self.session.changes() == before

    @invariant()
    def names(self) -> None:
        """Names and their number are those of the dict, without a look at a value."""
        if hasattr(self, "session"):
            assert set(self.session) == self.expected.keys()
            assert len(self.session) == len(self.expected)


@pytest.mark.parametrize("spec", SPECS)
def test_a_session_holds_what_a_dict_holds(spec):
    """Random requests over one session, saved, given up, moved and read again."""
    machine = type(f"Model of {spec}", (Model,), {"spec": spec}).TestCase
    machine.settings = settings(
        max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine().runTest()
