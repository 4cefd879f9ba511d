"""The plain store that the explorer steps through answers like the real one in memory, whatever is asked of both."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock import VirtualClock
from tests.model import Model
from transcoders.sessions.ports import ETAG
from transcoders.sessions.stores.memory import MemoryStore

KEYS = st.sampled_from(["k1", "k2"])
TOKENS = st.sampled_from(["t1", "t2", "t3"])
TOKEN = st.sampled_from(["", "t1", "t2"])
TTL = st.sampled_from([1, 500, 5000, 0])


def record(version: int, write: int) -> bytes:
    """A record without attributes that says which write it is of."""
    return b"\xc1T\x11\x00" + version.to_bytes(4, "big") + write.to_bytes(4, "big") + bytes(17)


RECORDS = st.builds(record, st.integers(1, 2), st.integers(1, 2))
BASES = RECORDS.map(lambda data: data[ETAG])
VERBS = st.one_of(
    st.tuples(st.just("load"), KEYS),
    st.tuples(st.just("create"), KEYS, RECORDS, TTL),
    st.tuples(st.just("save"), KEYS, RECORDS, BASES, TTL, TOKEN),
    st.tuples(st.just("touch"), KEYS, TTL, TOKEN),
    st.tuples(st.just("delete"), KEYS, TOKEN),
    st.tuples(
        st.just("move"), KEYS, st.just("k3"), RECORDS, BASES, TTL, st.sampled_from([b"", record(1, 9)]), TTL, TOKEN
    ),
    st.tuples(st.just("acquire"), KEYS, TOKENS, TTL.filter(bool)),
    st.tuples(st.just("renew"), KEYS, TOKENS, TTL.filter(bool)),
    st.tuples(st.just("release"), KEYS, TOKENS),
    st.tuples(st.just("link"), st.just("p"), KEYS, TTL),
    st.tuples(st.just("unlink"), st.just("p"), KEYS),
    st.tuples(st.just("linked"), st.just("p")),
    st.tuples(st.just("advance"), st.sampled_from([0.001, 0.5, 1.0, 6.0])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(VERBS, max_size=25))
def test_both_give_the_same_answers(verbs):
    """Records, their times, comparisons, locks and their queues, and the sessions of a principal."""
    clock = VirtualClock()
    model, store = Model(clock), MemoryStore(clock=clock)
    for name, *arguments in verbs:
        if name == "advance":
            clock.advance(*arguments)
            continue
        assert getattr(model, name)(*arguments) == getattr(store, name)(*arguments), name
    for key in ("k1", "k2", "k3"):
        assert model.load(key) == store.load(key)
