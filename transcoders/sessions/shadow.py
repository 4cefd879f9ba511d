"""A shadow: a candidate transcoder beside the one in use, tried on what live sessions hold before it is switched to.

    manager = SessionManager(store, Shadow("json", "msgpack+zstd", share=0.05))
    manager.shadow.report().verdict

The manager reads and writes with the primary alone. After a share of its saves both encode and decode the same
attributes once more, in turn of who is first, and what the candidate gives back is compared with what went in. That
costs the request twice its encoding and decoding and no more: whatever the candidate raises is noted, never raised.
Values are not kept; failures are noted by path, in words that hold no value beyond what an error says.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Final, get_type_hints

from transcoders.difference import Difference, difference
from transcoders.errors import EncodeError, SpecError
from transcoders.fidelity import ROOT, path
from transcoders.pipeline import Transcoder, transcoder
from transcoders.sessions.distribution import BYTES, Distribution, Number
from transcoders.sessions.stored import scalar

MOST: Final = 100
"""Failures that are told apart; further ones are counted only."""
_LONGEST: Final = 200
"""Characters of an error that are kept."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What the candidate did not carry.

    Attributes:
        path: where, as `$.cart[3].when`.
        step: `encode`, `decode` or `compare`.
        text: what happened.
        times: how often.
    """

    path: str
    step: str
    text: str
    times: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was found so far.

    Attributes:
        primary: the spec in use.
        candidate: the spec that was tried.
        saves: saves that were looked at.
        values: attributes that were tried in them; short scalars need no transcoder.
        failed: of those, how many the candidate did not carry.
        failures: the different failures, the most frequent first; at most MOST.
        ratios: candidate to primary, of the values that were carried: `bytes`, `encode`, `decode`, `time`. None when
            there is none.
        numbers: distributions of the same, by `primary_` and `candidate_` and `bytes`, `encode_seconds`,
            `decode_seconds`.
    """

    primary: str
    candidate: str
    saves: int
    values: int
    failed: int
    failures: tuple[Failure, ...]
    ratios: Mapping[str, float | None]
    numbers: Mapping[str, Mapping[str, Number | None]]

    @property
    def verdict(self) -> str:
        """A sentence that says whether the candidate can be switched to, and what that would bring."""
        if not self.values:
            return f"{self.candidate} was not tried yet: no attribute was saved that needs a transcoder."
        if self.failed:
            worst = self.failures[0]
            return (
                f"{self.candidate} failed on {self.failed:,} of {self.values:,} values, stay with {self.primary}: "
                f"{worst.path}: {worst.text} ({worst.times:,} times)."
            )
        share = {name: f"{ratio:.2f}" for name, ratio in self.ratios.items() if ratio is not None}
        return (
            f"{self.candidate} carried all {self.values:,} values of {self.saves:,} saves: {share['bytes']} of the "
            f"bytes and {share['time']} of the time of {self.primary} "
            f"(encode {share['encode']}, decode {share['decode']})."
        )

    def record(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {"verdict": self.verdict} | asdict(self)


class _Failed(Exception):  # noqa: N818 - an answer, not a failure of the shadow
    """A value was not carried: the step, where in the value, and why."""


class _Side:
    """One of the two: its transcoder, and what it took."""

    def __init__(self, subject: Transcoder[Any], typed: Mapping[str, Transcoder[Any]]) -> None:
        self.subject, self._typed = subject, typed
        self.reset()

    def reset(self) -> None:
        """Forget what it took."""
        self.sizes, self.encodes, self.decodes = Distribution(BYTES), Distribution(), Distribution()

    def carry(self, name: str, value: object) -> "_Trip":
        """The value's way there and back; raises _Failed for whatever the transcoder raises."""
        subject, step = self._typed.get(name, self.subject), "encode"
        try:
            begin = perf_counter()
            data = subject.encode(value)
            turn, step = perf_counter(), "decode"
            back = subject.decode(data)
            end = perf_counter()
        except Exception as error:  # a codec or a type may be anybody's
            inside = error.path[1:] if isinstance(error, EncodeError) else ""
            raise _Failed(step, inside, f"{type(error).__name__}: {error}"[:_LONGEST]) from error
        return _Trip(len(data), turn - begin, end - turn, back)

    def note(self, trip: "_Trip") -> None:
        """Add what a trip took."""
        self.sizes.add(trip.size)
        self.encodes.add(trip.encode)
        self.decodes.add(trip.decode)

    def numbers(self) -> Iterator[tuple[str, dict[str, Number | None]]]:
        """The distributions, summed up, by name."""
        yield "bytes", self.sizes.summary()
        yield "encode_seconds", self.encodes.summary()
        yield "decode_seconds", self.decodes.summary()


@dataclass(frozen=True, slots=True)
class _Trip:
    size: int
    encode: float
    decode: float
    back: object


class Shadow:
    """Two transcoders: one in use, and one that is tried.

    Args:
        primary: the transcoder in use, or its config string.
        candidate: the one to try.
        share: of the saves that are looked at, from 0 to 1.
        schema: the type of the session, where it has one; both are config strings then.
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
        schema: Any = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if type(share) not in {int, float} or not 0 <= share <= 1:
            raise SpecError(f"share takes a number from 0 to 1, not {share!r}")
        self._share, self._chance = share, chance
        self._primary, self._candidate = (_side(one, schema) for one in (primary, candidate))
        self.primary = self._primary.subject
        self.reset()

    def reset(self) -> None:
        """Forget what was found."""
        self._primary.reset()
        self._candidate.reset()
        self._saves = self._values = self._failed = 0
        self._failures: dict[tuple[str, str, str], int] = {}

    def observe(self, values: Mapping[str, object]) -> None:
        """Look at what a request saved, or not, as the share has it; it never raises.

        Args:
            values: attributes by name, as the application has them.
        """
        if self._chance() >= self._share:
            return
        self._saves += 1
        try:
            for name, value in [*values.items()]:
                if not scalar(value):
                    self._try(name, value)
        except Exception as error:  # noqa: BLE001 - a trial must not harm what it tries
            self._note("$", "compare", f"{type(error).__name__}: {error}"[:_LONGEST])

    def _try(self, name: str, value: object) -> None:
        at, sides = path((ROOT, name, 1)), (self._primary, self._candidate)
        trips: dict[_Side, _Trip] = {}
        for side in sides if random.getrandbits(1) else sides[::-1]:
            try:
                trips[side] = side.carry(name, value)
            except _Failed as failed:
                if side is self._primary:
                    return  # another thread changes the value, perhaps; nothing is said about the candidate
                step, inside, text = failed.args
                self._values += 1
                self._note(at + inside, step, text)
                return
        self._values += 1
        if found := difference(value, trips[self._candidate].back, at):
            self._note(found.path, "compare", _words(found))
            return
        for side in sides:
            side.note(trips[side])

    def _note(self, where: str, step: str, text: str) -> None:
        self._failed += 1
        key = where[:_LONGEST], step, text
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


def _side(given: str | Transcoder[Any], schema: Any) -> _Side:
    if schema is None:
        return _Side(transcoder(given) if isinstance(given, str) else given, {})
    if not isinstance(given, str):
        raise SpecError("with schema=, both transcoders are config strings (keys by env=NAME)")
    hints = get_type_hints(schema, include_extras=True)
    return _Side(transcoder(given), {name: transcoder(given, schema=hint) for name, hint in hints.items()})


def _words(found: Difference) -> str:
    """What differs, without the values."""
    expected, back = (text.partition(" ")[0] for text in (found.expected, found.found))
    if expected == "a":
        return "a member did not come back"
    return f"{expected} came back as {back if back != expected else f'another {back}'}"


def _ratio(first: list[Distribution], second: list[Distribution]) -> float | None:
    whole = sum(one.total for one in first)
    return sum(one.total for one in second) / whole if whole else None
