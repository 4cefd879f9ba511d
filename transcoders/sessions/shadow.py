"""A shadow: a candidate transcoder beside the one in use, tried on what live sessions hold before it is switched to.

    shadow = Shadow("json", "msgpack+zstd", share=0.05)
    manager = SessionManager(store, shadow)
    shadow.report().verdict

The manager reads and writes with the primary alone. After a share of its saves both make a record of the attributes at
hand and read it again, now one first, now the other, and what the candidate gives back is compared with what went in.
That costs the request this time and nothing else: whatever the candidate raises is noted, never raised. Values are not
kept; failures are noted by path, in words that hold no value beyond what an error says.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from transcoders.difference import Difference, difference
from transcoders.errors import EncodeError, SpecError
from transcoders.fidelity import ROOT, path
from transcoders.pipeline import Transcoder, transcoder
from transcoders.sessions.attribute import Attribute
from transcoders.sessions.declared import Declared
from transcoders.sessions.distribution import BYTES, Distribution, Number
from transcoders.sessions.record import Record, Stored
from transcoders.sessions.trial import Failure, Report
from transcoders.sessions.wire import Wire

MOST: Final = 100
"""Failures that are told apart; further ones are counted only."""
_LONGEST: Final = 200
"""Characters of a path and of an error that are kept."""
_KEY: Final = "shadow"
"""What records are sealed for that nobody stores."""
_NONE: Final[Mapping[str, Attribute]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Lost:
    """What was not carried: the attribute, empty for all of them, and what a Failure says."""

    name: str
    path: str
    step: str
    text: str

    @classmethod
    def of(cls, name: str, step: str, error: Exception) -> "_Lost":
        """What an error says of an attribute."""
        where = error.path if isinstance(error, EncodeError) else path((ROOT, name, 1)) if name else "$"
        return cls(name, where[:_LONGEST], step, f"{type(error).__name__}: {str(error).removeprefix(f'{where}: ')}")


class _Trip(NamedTuple):
    """What became of a record of some attributes: its size, the seconds, what came back, and what did not."""

    size: int
    encode: float
    decode: float
    back: dict[str, object]
    lost: list[_Lost]


class _Side:
    """One of the two: its transcoder, and what it took."""

    def __init__(self, given: str | Transcoder[Any]) -> None:
        self._transcoder = transcoder(given) if isinstance(given, str) else given
        self._wire: Wire[Any] = Wire(self._transcoder)
        self._declared: dict[str, Declared] = {}
        self.reset()

    @property
    def subject(self) -> Transcoder[Any]:
        """The transcoder."""
        return self._transcoder

    def reset(self) -> None:
        """Forget what it took."""
        self.sizes, self.encodes, self.decodes = Distribution(BYTES), Distribution(), Distribution()

    def carry(self, values: Mapping[str, object], declared: Mapping[str, Attribute]) -> _Trip:
        """The way of the values into a record and out of it; whatever is raised is what was not carried."""
        blank, lost = self._blank(declared), list[_Lost]()
        changes: dict[str, Stored] = {}
        back: dict[str, object] = {}
        begin = perf_counter()
        for name, value in values.items():
            try:
                changes[name] = blank.encode(name, value)
            except Exception as error:  # noqa: BLE001 - a codec or a type may be anybody's
                lost.append(_Lost.of(name, "encode", error))
        try:
            data = blank.build(changes, 0)
            turn = perf_counter()
            record = blank.read(data, _KEY)
        except Exception as error:  # noqa: BLE001
            return _Trip(0, 0, 0, {}, [*lost, _Lost.of("", "encode", error)])
        for name in changes:
            try:
                back[name] = record.value(name)
            except Exception as error:  # noqa: BLE001
                lost.append(_Lost.of(name, "decode", error))
        return _Trip(len(data), turn - begin, perf_counter() - turn, back, lost)

    def _blank(self, declared: Mapping[str, Attribute]) -> Record:
        """The record of a new session, whose attributes have these types."""
        blank = self._wire.blank(_KEY, 0, 0, 0)
        if not declared:
            return blank
        chains, limits, own = self.subject.chains, self.subject.limits, self._declared
        for name, one in declared.items():
            if name not in own or own[name].hint != one.hint:
                own[name] = Declared(chains, limits, one.hint)
        return blank.declared({name: own[name] for name in declared})

    def note(self, trip: _Trip) -> None:
        """Add what a trip took."""
        self.sizes.add(trip.size)
        self.encodes.add(trip.encode)
        self.decodes.add(trip.decode)

    def numbers(self) -> Iterator[tuple[str, dict[str, Number | None]]]:
        """The distributions, summed up, by name."""
        yield "bytes", self.sizes.summary()
        yield "encode_seconds", self.encodes.summary()
        yield "decode_seconds", self.decodes.summary()


class Shadow:
    """Two transcoders: one in use, and one that is tried.

    Args:
        primary: the transcoder in use, or its config string.
        candidate: the one to try.
        share: of the saves that are looked at, from 0 to 1.
        chance: gives numbers from 0 to 1; a save is looked at when its number is below the share.

    Attributes:
        primary: the transcoder in use.

    Raises:
        SpecError: a config string is wrong, or the share is out of its range.
    """

    def __init__(
        self,
        primary: str | Transcoder[Any],
        candidate: str | Transcoder[Any],
        share: float = 1.0,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if type(share) not in {int, float} or not 0 <= share <= 1:
            raise SpecError(f"share takes a number from 0 to 1, not {share!r}")
        self._share, self._chance = share, chance
        self._primary, self._candidate = _Side(primary), _Side(candidate)
        self.primary = self._primary.subject
        self.reset()

    def reset(self) -> None:
        """Forget what was found."""
        self._primary.reset()
        self._candidate.reset()
        self._saves = self._values = self._failed = 0
        self._failures: dict[tuple[str, str, str], int] = {}

    def observe(self, values: Mapping[str, object], declared: Mapping[str, Attribute] = _NONE) -> None:
        """Look at what a request saved, or not, as the share has it; it never raises.

        Args:
            values: attributes by name, as the application has them.
            declared: those that have a declared type, as the record has them.
        """
        if self._chance() >= self._share:
            return
        try:
            self._try(dict(values), declared)
        except Exception as error:  # noqa: BLE001 - a trial must not harm what it tries
            self._note(_Lost.of("", "compare", error))

    def _try(self, values: Mapping[str, object], declared: Mapping[str, Attribute]) -> None:
        sides = (self._primary, self._candidate)
        trips = {side: side.carry(values, declared) for side in (sides if random.getrandbits(1) else sides[::-1])}
        used, tried = trips[self._primary], trips[self._candidate]
        self._saves += 1
        if not used.size:
            return  # nothing is said about the candidate: another thread changes the values, perhaps
        self._values += len(used.back)
        lost = [one for one in tried.lost if not one.name or one.name in used.back]
        both = [name for name in tried.back if name in used.back]
        found = [(name, difference(values[name], tried.back[name], path((ROOT, name, 1)))) for name in both]
        lost += [_Lost(name, one.path, "compare", _words(one)) for name, one in found if one is not None]
        for one in lost:
            self._note(one)
        if not lost and not used.lost:
            for side, trip in trips.items():
                side.note(trip)

    def _note(self, lost: _Lost) -> None:
        self._failed += 1
        key = lost.path[:_LONGEST], lost.step, lost.text[:_LONGEST]
        if key in self._failures or len(self._failures) < MOST:
            self._failures[key] = self._failures.get(key, 0) + 1

    def report(self) -> Report:
        """What was found so far."""
        first, second = self._primary, self._candidate
        failures = sorted((Failure(*key, times) for key, times in self._failures.items()), key=lambda one: -one.times)
        encode, decode = _ratio([first.encodes], [second.encodes]), _ratio([first.decodes], [second.decodes])
        time = _ratio([first.encodes, first.decodes], [second.encodes, second.decodes])
        return Report(
            primary=str(first.subject.spec),
            candidate=str(second.subject.spec),
            saves=self._saves,
            values=self._values,
            failed=self._failed,
            failures=tuple(failures),
            ratios={"bytes": _ratio([first.sizes], [second.sizes]), "encode": encode, "decode": decode, "time": time},
            numbers={
                f"{side}_{name}": numbers
                for side, one in (("primary", first), ("candidate", second))
                for name, numbers in one.numbers()
            },
        )


def _words(found: Difference) -> str:
    """What differs, without the values."""
    expected, back = (text.partition(" ")[0] for text in (found.expected, found.found))
    if expected == "a":
        return "a member did not come back"
    return f"{expected} came back as {back if back != expected else f'another {back}'}"


def _ratio(first: list[Distribution], second: list[Distribution]) -> float | None:
    whole = sum(one.total for one in first)
    return sum(one.total for one in second) / whole if whole else None
