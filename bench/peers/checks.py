"""Checks before the clock starts: what was put in comes back, and what does not have the model's types is refused.

Wrong input is written by the pipeline itself, for a sibling of the model in which one field has another type: so it
comes in the pipeline's own wire format, maps, arrays or tags. Where no sibling can be written, the model's own class is
filled with the wrong value, if it lets itself.
"""

import warnings
from datetime import UTC, datetime
from functools import cache
from typing import Any

from bench.peers.kinds import model, names, recast
from bench.peers.pipeline import Pipeline
from bench.peers.values import PAYLOADS
from bench.race import Decode, Encode
from transcoders.difference import Difference, difference

SUBJECT = next(payload for payload in PAYLOADS if payload.name == "small")
"""The payload whose fields are altered: it has one of each type in question."""
WRONG: tuple[tuple[str, str, Any, object], ...] = (
    ("str for int", "user_id", str, "48213377"),
    ("bool for int", "user_id", bool, True),
    ("float for int", "user_id", float, 1.0),
    ("null for int", "user_id", int | None, None),
    ("int for bool", "mfa", int, 1),
    ("int for str", "locale", int, 5),
    ("null for str", "locale", str | None, None),
    ("int for an element", "flags", list[int], [1, 2]),
    ("no datetime", "last_seen", str, "yesterday"),
)
"""What it is, field, type and value of the sibling."""


def returned(encode: Encode, decode: Decode, value: object) -> Difference | None:
    """Where the value and what comes back of it part, in value or in type, at any depth.

    Two times of one instant are the same if both are aware: peers have their own classes for UTC.
    """
    return difference(_open(value), _open(decode(encode(value))))


@cache
def accepted(pipeline: Pipeline, kind: str) -> tuple[str, ...]:
    """What a pipeline reads though it does not have the model's types; what cannot be tried counts as read."""
    made = model(SUBJECT.model, kind)
    encode, decode = pipeline.make(made)
    value = SUBJECT.variants()[0]
    return tuple(wrong[0] for wrong in WRONG if not _refuses(decode, _written(pipeline, kind, encode, value, wrong)))


def _refuses(decode: Decode, data: bytes | None) -> bool:
    if data is None:
        return False
    try:
        decode(data)
    except Exception:  # noqa: BLE001 - each library has errors of its own
        return True
    return False


def _written(
    pipeline: Pipeline, kind: str, encode: Encode, value: object, wrong: tuple[str, str, Any, object]
) -> bytes | None:
    """The wrong value in the pipeline's own format, or None if it cannot be brought to write it."""
    _, name, hint, content = wrong
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            write, _ = pipeline.make(model(SUBJECT.model, kind, (name, hint)))
            return write(recast(value, kind, (name, hint, content)))
        except Exception:  # noqa: BLE001 - such as pickle, which wants an importable class
            filled = recast(value, kind)
        try:
            setattr(filled, name, content)
            return encode(filled)
        except Exception:  # noqa: BLE001 - it checks what it writes, which says nothing of what it reads
            return None


def _open(value: Any) -> Any:
    """The value with its records as dicts that name their class, and its aware times in one zone."""
    if isinstance(value, list):
        return [_open(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if fields := names(type(value)):
        return {"class": id(type(value))} | {name: _open(getattr(value, name)) for name in fields}
    return value
