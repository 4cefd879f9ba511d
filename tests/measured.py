"""Results made up for tests: what a run would hold if each transcoder took exactly what is said here."""

from collections.abc import Mapping
from pathlib import Path

from transcoders.measure.candidate import Candidate, file_name
from transcoders.measure.comparison import Comparison
from transcoders.measure.plan import CONTROLS
from transcoders.measure.results import Measured, Results, Rounds
from transcoders.measure.roundtrip import Check
from transcoders.measure.sizes import Sizes

OPS = ("decode", "encode")
MICRO = 1e-6
FINE = Check(ok=True, stable=True)
PROFILE = {"payload": "a", "variants": "16", "bytes": "100", "types": "1 dict"}


def candidate(spec: str, **traits: bool) -> Candidate:
    """A transcoder that is data only, needs no keys, is not readable, and is read by other languages."""
    usual = {"keyed": False, "data_only": True, "readable": False, "deterministic": True, "cross_language": True}
    return Candidate(spec, **usual | traits)


def rounds(microseconds: float, noise: float = 0.0, count: int = 6) -> Rounds:
    """Rounds of two values each, which swing by that share around the middle."""
    swing = [1 + noise * (1 if number % 2 else -1) for number in range(count)]
    return tuple((microseconds * MICRO * factor, microseconds * MICRO * factor) for factor in swing)


def comparison(
    times: Mapping[str, float],
    *candidates: Candidate,
    sizes: Mapping[str, float] | None = None,
    checks: Mapping[tuple[str, str], Check] | None = None,
    noise: float = 0.0,
    payloads: tuple[str, ...] = ("a", "b"),
) -> Comparison:
    """A run in which each spec takes so many microseconds for each operation, and the controls swing by `noise`."""
    found = {given.spec: given for given in candidates}
    subjects = tuple(found.get(spec) or candidate(spec) for spec in times)
    checks = checks or {}
    checked = {(spec, name): checks.get((spec, name), FINE) for spec in times for name in payloads}
    baseline = next(iter(times))
    labels = {spec: (spec, 0.0) for spec in times} | dict(
        zip(CONTROLS, ((baseline, noise), (baseline, -noise)), strict=True)
    )
    raw = {spec: (sizes or {}).get(spec, 100.0) for spec in times}
    results = Results(
        path=Path("made-up"),
        started="2025-11-22T10:00:00.000+00:00",
        candidates=subjects,
        baseline=baseline,
        sources=("bundled",),
        payloads=tuple(Measured(name, "made up", "0123456789abcdef", PROFILE) for name in payloads),
        ops=OPS,
        rounds=6,
        values=2,
        seconds=0.002,
        cpu=None,
        machine={"cpu_model_name": "Test", "cpu_count": "2"},
        versions={"transcoders": "0"},
        commit=None,
        files={label: file_name(label) for label in labels},
        loops={spec: {f"{name}/{op}": 10 for name in payloads for op in OPS} for spec in times},
        order=({"round": 0, "started": "2025-11-22T10:00:00.000+00:00", "ended": "2025-11-22T10:00:01.000+00:00",
                "workers": list(labels)},),
        times={
            (label, name, op): rounds(times[spec], swing)
            for label, (spec, swing) in labels.items()
            for name in payloads
            for op in OPS
            if checked[spec, name].ok
        },
        sizes={pair: Sizes(raw[pair[0]], 50.0, None, raw[pair[0]] * 4 / 3, fits_cookie=True) for pair in checked},
        checks=checked,
    )  # fmt: skip
    return Comparison(results)
