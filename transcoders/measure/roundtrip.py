"""The round trip: whether a payload comes back as it went in. What does not gets no number.

The comparison is stricter than `==`, see `difference`. Whatever a transcoder raises is caught: it is the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transcoders import Transcoder
from transcoders.difference import Difference, difference


@dataclass(frozen=True, slots=True)
class Check:
    """How a payload's round trip went.

    Attributes:
        ok: every variant came back equal and of identical types.
        stable: encoding what came back gives the same bytes, so that comparing bytes finds an unmodified session.
        found: what differed, or the error that was raised; None when it went well.
        variant: in which variant; None when it went well.
    """

    ok: bool
    stable: bool
    found: Difference | str | None = None
    variant: int | None = None


def check(subject: Transcoder[Any], variants: Sequence[object]) -> Check:
    """How the variants survive encode and decode."""
    stable = True
    for number, value in enumerate(variants):
        try:
            data = subject.encode(value)
            back = subject.decode(data)
            stable = stable and subject.encode(back) == data
        except Exception as exc:  # noqa: BLE001 - whatever a transcoder raises is its result here
            return Check(ok=False, stable=False, found=f"{type(exc).__name__}: {exc}", variant=number)
        if differs := difference(value, back):
            return Check(ok=False, stable=stable, found=differs, variant=number)
    return Check(ok=True, stable=stable)
