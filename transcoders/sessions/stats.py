"""Statistics: what a manager counts and measures, kept in this process, cheap enough to be always on.

The names are those of `events.COUNTERS` and `events.DISTRIBUTIONS`; others are taken as they come, so that a store may
have numbers of its own. A count takes some 50 ns, a measurement 150, two at once 200. Like those of `distribution`,
counters need no lock of their own under the interpreter's.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from transcoders.sessions.distribution import BYTES, SECONDS, Distribution, Number, pair
from transcoders.sessions.events import COUNTERS, DISTRIBUTIONS

Summary = dict[str, Number | None]
Snapshot = dict[str, dict[str, int] | dict[str, Summary] | dict[str, float | None]]


class Rate(NamedTuple):
    """A share: of some counters or sums in a whole.

    Attributes:
        text: what it is the share of.
        parts: the names whose numbers are added up.
        whole: the names whose numbers make the whole; those of the parts are among them, or what they are a part of.
    """

    text: str
    parts: tuple[str, ...]
    whole: tuple[str, ...]


RATES: Final = {
    "access": Rate(
        "requests that asked their session for anything",
        ("requests_without_change", "requests_with_change"),
        ("requests_without_change", "requests_with_change", "requests_without_access"),
    ),
    "change": Rate(
        "requests that changed their session, of those that asked it for anything",
        ("requests_with_change",),
        ("requests_without_change", "requests_with_change"),
    ),
    "unknown": Rate(
        "ids without a record, of those that could have had one", ("ids_unknown",), ("ids_unknown", "loads")
    ),
    "locked": Rate("locks had at once or after waiting, of those wanted", ("locks",), ("locks", "lock_timeouts")),
    "conflict": Rate(
        "writes that found a newer record", ("conflicts",), ("conflicts", "saves", "creates", "rotations")
    ),
    "decoded": Rate(
        "bytes decoded, of those loaded; the rest is what laziness saved", ("decoded_bytes",), ("loaded_bytes",)
    ),
    "encoded": Rate(
        "bytes encoded, of those saved; the rest was copied as it stood", ("encoded_bytes",), ("saved_bytes",)
    ),
}
"""The shares that a snapshot gives."""


class Statistics:
    """The numbers of a manager; a Probe.

    Attributes:
        counts: the counters by name, for whoever counts by himself: `counts["loads"] += 1` takes half of a call.
    """

    __slots__ = ("_adds", "_distributions", "counts")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(COUNTERS, 0)
        self._distributions = {name: _distribution(name) for name in DISTRIBUTIONS}
        self._adds = {name: one.add for name, one in self._distributions.items()}

    def reset(self) -> None:
        """Begin anew: every counter is 0, and every distribution empty. Who holds a part of them goes on using it."""
        for name in self.counts:
            self.counts[name] = 0
        for one in self._distributions.values():
            one.reset()

    def adder(self, name: str, /) -> Callable[[Number], None]:
        """What adds to the distribution of that name."""
        return self._adds.get(name) or self._new(name).add

    def pair(self, times: str, sizes: str, /) -> Callable[[float, int], None]:
        """What adds seconds to one distribution and bytes to another, of what has both."""
        return pair(self._distributions[times], self._distributions[sizes])

    def count(self, name: str, by: int = 1, /) -> None:
        """Add to a counter."""
        try:
            self.counts[name] += by
        except KeyError:
            self.counts[name] = by

    def measure(self, name: str, value: Number, /) -> None:
        """Add to a distribution: seconds, or bytes where the name ends with `_bytes`."""
        try:
            add = self._adds[name]
        except KeyError:
            add = self._new(name).add
        add(value)

    def _new(self, name: str) -> Distribution:
        one = self._distributions.setdefault(name, _distribution(name))
        self._adds[name] = one.add
        return one

    @property
    def counters(self) -> dict[str, int]:
        """The counters by name, as they are now."""
        return self.counts.copy()

    @property
    def distributions(self) -> dict[str, Distribution]:
        """The distributions by name; they go on changing."""
        return dict(self._distributions)

    def merge(self, other: "Statistics") -> None:
        """Add the numbers of another one, of another process perhaps: Statistics can be pickled."""
        for name, by in other.counters.items():
            self.count(name, by)
        for name, one in other.distributions.items():
            (self._distributions.get(name) or self._new(name)).merge(one)

    def snapshot(self) -> Snapshot:
        """The numbers now, as JSON holds them.

        Returns:
            `counters` by name; `distributions` by name, each with `count total min mean max p50 p90 p99`; `rates` by
            name, shares from 0 to 1. What would be a number of nothing is None.
        """
        distributions = self.distributions
        numbers: dict[str, Number] = {**self.counters, **{name: one.total for name, one in distributions.items()}}
        return {
            "counters": self.counters,
            "distributions": {name: one.summary() for name, one in distributions.items()},
            "rates": {name: _share(rate, numbers) for name, rate in RATES.items()},
        }


class Silent(Statistics):
    """Numbers that nobody asks for, for `enable_statistics = false`: what is told of them stays 0."""

    __slots__ = ()

    @property
    def counters(self) -> dict[str, int]:
        """Zeros."""
        return dict.fromkeys(COUNTERS, 0)

    def count(self, _name: str, _by: int = 1, /) -> None:
        """Nothing is counted."""

    def measure(self, _name: str, _value: Number, /) -> None:
        """Nothing is measured."""

    def adder(self, _name: str, /) -> Callable[[Number], None]:
        """What adds nothing."""
        return _nothing

    def pair(self, _times: str, _sizes: str, /) -> Callable[[float, int], None]:
        """What adds nothing."""
        return _nothing


def _nothing(_value: Number, _size: int = 0, /) -> None:
    """Nothing is added."""


def _distribution(name: str) -> Distribution:
    return Distribution(BYTES if name.endswith("_bytes") else SECONDS)


def _share(rate: Rate, numbers: dict[str, Number]) -> float | None:
    part = sum(numbers[name] for name in rate.parts)
    whole = sum(numbers[name] for name in rate.whole)
    return part / whole if whole else None
