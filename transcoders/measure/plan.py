"""The plan of a study: what is measured, how often, and how long that will take. Measures nothing itself.

The default fits two slow cores in well under two minutes. A payload so large that one pass over its variants would
outlast a timed value gets fewer variants, the same ones for every transcoder; all benchmarks get the same number of
values, because pyperf's comparison is void otherwise.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from transcoders.errors import SpecError
from transcoders.measure.candidate import Candidate, candidate
from transcoders.measure.fingerprint import fingerprint
from transcoders.measure.operations import OPERATIONS
from transcoders.measure.payload import Payload, load
from transcoders.measure.profile import Profile, profile
from transcoders.measure.requests import PARTED, REQUESTS, attributes
from transcoders.measure.via import Via

SPECS = ("json", "msgpack", "cbor", "pickle", "json+zlib", "msgpack+zstd")
PAYLOADS = ("bundled",)
VIA_PAYLOADS = ("bundled:login,flash,cart-5,cart-50,wizard,plain-2k",)
"""What whole requests are measured on by default: fewer, since there is more to measure on each."""
VIA_OPS = ("decode", "encode")
BASELINE = "json"
CONTROLS = ("control-a", "control-b")

_PASS = 64 << 10
"""Bytes that one pass over the variants of a payload stays below, two variants being the least."""
_STARTUP = 0.25
"""Seconds from the start of a worker to its first turn: imports, payloads, round trips. Measured on two cores."""
_TURN = 0.0006
"""Seconds of a turn beside the timed loops."""
_SECONDS_PER_BYTE = 20e-9
"""Of one operation, typical of the codecs here; only for the estimate."""
_SECONDS_PER_REQUEST = 20e-6
"""Of one request beside its calls of the store; only for the estimate."""


@dataclass(frozen=True, slots=True)
class Preset:
    """How much evidence is collected.

    Attributes:
        rounds: processes for each transcoder; the interval is taken over these.
        values: timed values for each process and benchmark: times that the benchmarks are gone through in a round.
        seconds: that a timed value lasts; half of one goes before it and is not counted.
    """

    rounds: int
    values: int
    seconds: float


FAST = Preset(rounds=5, values=2, seconds=0.001)
DEFAULT = Preset(rounds=7, values=4, seconds=0.002)
RIGOROUS = Preset(rounds=15, values=8, seconds=0.004)


@dataclass(frozen=True, slots=True)
class Subject:
    """A payload under study.

    Attributes:
        payload: its name, note and the variants that the loops rotate through. They are loaded once, and every worker
            is sent the same.
        fingerprint: of those variants.
    """

    payload: Payload
    fingerprint: str
    profile: Profile


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run depends on.

    Attributes:
        sources: where the payloads come from, as a reader would name it: of a file the name, not the path.
        baseline: the spec that runs twice more in each round, as `control-a` and `control-b`: ratios refer to the
            mean of these two, and what lies between them is noise.
        cpu: the core that workers are pinned to; None leaves that to the system.
        via: the store that whole requests are measured on; None for no requests.
    """

    candidates: tuple[Candidate, ...]
    baseline: str
    sources: tuple[str, ...]
    subjects: tuple[Subject, ...]
    ops: tuple[str, ...]
    rounds: int
    values: int
    seconds: float
    cpu: int | None
    via: Via | None = None

    @property
    def requests(self) -> tuple[str, ...]:
        """Whole requests and their parts, if they are measured."""
        return (*REQUESTS, *PARTED) if self.via else ()

    @property
    def specs(self) -> tuple[str, ...]:
        """The canonical specs."""
        return tuple(found.spec for found in self.candidates)

    @property
    def slots(self) -> dict[str, str]:
        """What runs in each round: the label of its timing file, and the spec. The controls stand far apart."""
        first, second = CONTROLS
        half = len(self.candidates) // 2
        specs = {spec: spec for spec in self.specs}
        left, right = list(specs)[:half], list(specs)[half:]
        ordered = [first, *left, second, *right]
        return {label: specs.get(label, self.baseline) for label in ordered}

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """The names of what each worker times."""
        return tuple(f"{subject.payload.name}/{op}" for subject in self.subjects for op in (*self.ops, *self.requests))

    def order(self, turn: int) -> list[str]:
        """The labels in a turn: rotated by it, and backwards every other time, so that neighbours change too."""
        labels = list(self.slots)
        start = turn % len(labels)
        rotated = labels[start:] + labels[:start]
        return rotated[::-1] if turn % 2 else rotated

    @property
    def duration(self) -> float:
        """The estimated seconds of the whole run."""
        return len(self.candidates) * self.survey_seconds + self.rounds * self.round_seconds

    @property
    def round_seconds(self) -> float:
        """The estimated seconds of one round."""
        turns = self.values * (self._loops_seconds(1.5) + _TURN * len(self.benchmarks))
        return len(self.slots) * (_STARTUP + turns)

    @property
    def survey_seconds(self) -> float:
        """The estimated seconds to check, size and calibrate one transcoder."""
        return _STARTUP + self._loops_seconds(2.0)

    def _loops_seconds(self, values: float) -> float:
        """The estimated seconds of so many values of every benchmark."""
        codecs = len(self.ops) * sum(map(self._value_seconds, self.subjects))
        return values * (codecs + sum(map(self._request_seconds, self.subjects)))

    def _value_seconds(self, subject: Subject) -> float:
        return max(self.seconds, _SECONDS_PER_BYTE * subject.profile.typical * subject.profile.variants)

    def _request_seconds(self, subject: Subject) -> float:
        """The estimated seconds of a value of every request and part of one."""
        if self.via is None:
            return 0.0
        size = subject.profile.typical
        names = max(len(attributes(value)) for value in subject.payload.variants)
        each = _SECONDS_PER_REQUEST + _SECONDS_PER_BYTE * size / names
        trips = {"read": self.via.trip, "change": 2 * self.via.trip}
        wanted = max(subject.profile.variants, names)
        return sum(max(self.seconds, wanted * (each + trips.get(request, 0.0))) for request in self.requests)


def plan(  # noqa: PLR0913 - one argument for each option of the command line
    specs: Sequence[str] = SPECS,
    payloads: Sequence[str] = PAYLOADS,
    ops: Sequence[str] = tuple(OPERATIONS),
    *,
    preset: Preset = DEFAULT,
    rounds: int | None = None,
    values: int | None = None,
    baseline: str = BASELINE,
    affinity: int | Literal["auto", "none"] = "auto",
    via: Via | None = None,
) -> Plan:
    """The plan of a study; `rounds` and `values` override the preset's, with `via` whole requests are measured too.

    Raises:
        SpecError: an unknown spec, payload or operation, a name that stands twice, or a number below 1.
        MissingExtra: a spec needs a package that is not installed.
    """
    candidates = tuple({found.spec: found for found in map(candidate, specs)}.values())
    if not candidates:
        raise SpecError("expected a spec or more, such as 'json', found none")
    rounds = preset.rounds if rounds is None else rounds
    values = preset.values if values is None else values
    if min(rounds, values) < 1:
        raise SpecError(f"rounds and values are at least 1, not {rounds} and {values}")
    return Plan(
        candidates=candidates,
        baseline=_baseline(baseline, candidates),
        sources=tuple(_shown(source) for source in payloads),
        subjects=_subjects(payloads),
        ops=_operations(ops),
        rounds=rounds,
        values=values,
        seconds=preset.seconds,
        cpu=_cpu(affinity),
        via=via,
    )


def _baseline(wanted: str, candidates: Sequence[Candidate]) -> str:
    """The wanted baseline if it is under study, else the first spec; a wish other than the default must be met."""
    spec = candidate(wanted).spec
    specs = [found.spec for found in candidates]
    if spec not in specs and wanted != BASELINE:
        raise SpecError(f"the baseline {spec!r} is not among the specs: {', '.join(specs)}")
    return spec if spec in specs else specs[0]


def _operations(ops: Iterable[str]) -> tuple[str, ...]:
    wanted = set(ops)
    if not wanted or not wanted <= OPERATIONS.keys():
        raise SpecError(f"operations are {', '.join(OPERATIONS)}; not {', '.join(sorted(wanted)) or 'none'}")
    return tuple(op for op in OPERATIONS if op in wanted)


def _subjects(sources: Iterable[str]) -> tuple[Subject, ...]:
    subjects = [_subject(payload) for source in dict.fromkeys(sources) for payload in load(source)]
    names = Counter(subject.payload.name for subject in subjects)
    if twice := [name for name, count in names.items() if count > 1]:
        raise SpecError(f"expected each payload once, found {', '.join(twice)} in several sources; rename one")
    if not subjects:
        raise SpecError("expected a payload or more, found none")
    return tuple(subjects)


def _shown(source: str) -> str:
    return Path(source).name if Path(source).suffix in {".json", ".jsonl"} else source


def _subject(payload: Payload) -> Subject:
    size = profile(replace(payload, variants=payload.variants[:1])).typical
    used = replace(payload, variants=payload.variants[: max(2, _PASS // size)])
    return Subject(used, fingerprint(used.variants), profile(used))


def _cpu(affinity: int | Literal["auto", "none"]) -> int | None:
    """The core to pin workers to; the last one, since systems tend to serve interrupts on the first."""
    if not hasattr(os, "sched_setaffinity") or affinity == "none":
        return None
    usable = os.sched_getaffinity(0)
    if affinity == "auto":
        return max(usable) if len(usable) > 1 else None
    if affinity not in usable:
        raise SpecError(f"core {affinity} is not usable here: {', '.join(map(str, sorted(usable)))} are")
    return affinity
