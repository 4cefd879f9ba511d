"""A store as `ports` describes it, in the plainest way: what the explorer steps through.

Nothing here is fast, bounded or safe for threads; every verb is a few lines to be read against the description.
"""

from math import ceil, inf

from tests.clock import VirtualClock
from transcoders.sessions.ports import ETAG, Acquired, Capabilities, Outcome
from transcoders.sessions.stores import wrote

CLAIM = 1.0
"""Seconds in which a lock that was handed over is claimed, before the next in the queue gets it."""


class Model:
    """Records, locks with their queues, and links: plain dictionaries, which tests look into.

    Attributes:
        records: key to the data and its end.
        locks: key to the token of the holder and the end of its time.
        queues: key to the tokens that wait, the first first.
        links: principal to keys and the ends of their time.
    """

    capabilities = Capabilities("model", instant=True)

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.records: dict[str, tuple[bytes, float]] = {}
        self.locks: dict[str, tuple[str, float]] = {}
        self.queues: dict[str, list[str]] = {}
        self.links: dict[str, dict[str, float]] = {}

    def end(self, ttl: int) -> float:
        """When something ends that lives for so many milliseconds from now."""
        return self.clock.tick() + ttl / 1000 if ttl else inf

    def load(self, key, /):
        """See Store.load."""
        data, end = self.records.get(key, (None, 0.0))
        return data if end > self.clock.tick() else None

    def create(self, key, data, ttl, /):
        """See Store.create."""
        there = self.load(key)
        if there is None:
            self.records[key] = data, self.end(ttl)
        return there is None or there == data

    def save(self, key, data, base, ttl, token="", /):
        """See Store.save."""
        outcome = self.compare(key, data, base)
        if outcome is None:
            self.records[key] = data, self.end(ttl)
        self.release(key, token)
        return Outcome.SAVED if outcome is None else outcome

    def compare(self, key, data, base):
        """What keeps the record from being replaced; None when nothing does."""
        there = self.load(key)
        if there is None:
            return Outcome.GONE
        if there[ETAG] == base:
            return None
        return Outcome.SAVED if wrote(there, data) else Outcome.STALE

    def touch(self, key, ttl, token="", /):
        """See Store.touch."""
        data = self.load(key)
        if data is not None:
            self.records[key] = data, self.end(ttl)
        self.release(key, token)
        return data is not None

    def delete(self, key, token="", /):
        """See Store.delete."""
        there = self.load(key) is not None
        self.records.pop(key, None)
        self.release(key, token)
        return there

    def move(self, old, new, data, base, ttl, trail, grace, token="", /):  # noqa: PLR0917 - see Store.move
        """See Store.move."""
        self.release(old, token)
        if (there := self.load(new)) is not None:
            return Outcome.SAVED if wrote(there, data) else Outcome.STALE
        if (there := self.load(old)) is None:
            return Outcome.GONE
        if there[ETAG] != base:
            return Outcome.STALE
        del self.records[old]
        if trail:
            self.records[old] = trail, self.end(grace)
        self.records[new] = data, self.end(ttl)
        return Outcome.SAVED

    def holder(self, key):
        """The token that holds the lock; empty when none does."""
        token, end = self.locks.get(key, ("", 0.0))
        return token if end > self.clock.tick() else ""

    def acquire(self, key, token, ttl, /):
        """See Store.acquire."""
        if self.holder(key) != token and token not in self.queues.get(key, ()):
            self.queues.setdefault(key, []).append(token)
        if not self.holder(key):
            self.hand(key)
        if self.holder(key) == token:
            self.locks[key] = token, self.end(ttl)
            return Acquired(0, self.load(key))
        return Acquired(ceil((self.locks[key][1] - self.clock.tick()) * 1000), None)

    def hand(self, key):
        """Make the first of the queue the holder, for the time of a claim; without a queue there is no lock."""
        self.locks.pop(key, None)
        if queue := self.queues.get(key):
            self.locks[key] = queue.pop(0), self.clock.tick() + CLAIM
        if not self.queues.get(key):
            self.queues.pop(key, None)

    def renew(self, key, token, ttl, /):
        """See Store.renew."""
        held = self.holder(key) == token
        if held:
            self.locks[key] = token, self.end(ttl)
        return held

    def release(self, key, token, /):
        """See Store.release."""
        if token and self.holder(key) == token:
            self.hand(key)
        elif token in self.queues.get(key, ()):
            self.queues[key].remove(token)
            if not self.queues[key]:
                del self.queues[key]

    def watch(self, token, wake, /):
        """Nobody is woken: who waits looks at `holder`."""

    def unwatch(self, token, /):
        """See Store.unwatch."""

    def link(self, principal, key, ttl, /):
        """See Store.link."""
        self.links.setdefault(principal, {})[key] = self.end(ttl)

    def unlink(self, principal, key, /):
        """See Store.unlink."""
        self.links.get(principal, {}).pop(key, None)

    def linked(self, principal, /):
        """See Store.linked."""
        return [key for key, end in self.links.get(principal, {}).items() if end > self.clock.tick()]

    def close(self):
        """The records stay."""

    def state(self):
        """All there is, as something to hash: what has ended is not there."""
        now = self.clock.tick()
        return (
            tuple(sorted((key, data, end) for key, (data, end) in self.records.items() if end > now)),
            tuple(sorted((key, token, end) for key, (token, end) in self.locks.items() if end > now)),
            tuple(sorted((key, *queue) for key, queue in self.queues.items() if queue)),
            tuple(sorted((principal, *sorted(links.items())) for principal, links in self.links.items())),
        )
