"""What a trial of a transcoder found: what it did not carry, what it took beside the one in use, and a verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from transcoders.sessions.distribution import Number


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
        values: attributes that were tried in them.
        failed: of those, how many the candidate did not carry.
        failures: the different failures, the most frequent first; at most MOST.
        ratios: candidate to primary, over saves of which both carried all: `bytes`, `encode`, `decode` and `time`.
            None where there was none.
        numbers: distributions of the same, of one save each, by `primary_` and `candidate_` and `bytes`,
            `encode_seconds`, `decode_seconds`.
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
        if self.failed:
            worst = self.failures[0]
            return (
                f"{self.candidate} failed on {self.failed:,} of {self.values:,} values, stay with {self.primary}: "
                f"{worst.path}: {worst.text} ({worst.times:,} times)."
            )
        size, encode, decode, time = (self.ratios[name] for name in ("bytes", "encode", "decode", "time"))
        if size is None:
            return f"{self.candidate} was not tried yet: no save was looked at that {self.primary} carries."
        return (
            f"{self.candidate} carried all {self.values:,} values of {self.saves:,} saves: {size:.2f} of the bytes and "
            f"{time:.2f} of the time of {self.primary} (encode {encode:.2f}, decode {decode:.2f})."
        )

    def record(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {"verdict": self.verdict} | asdict(self)
