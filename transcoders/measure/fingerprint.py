"""Fingerprints: a short digest of a payload's values, so that two runs can tell whether they measured the same thing.

Equal values of identical types give the same digest in every process: sets are sorted, dicts keep their order.
"""

import hashlib
from collections.abc import Iterable
from typing import Any


def fingerprint(values: Iterable[object]) -> str:
    """The first 16 hex digits of a SHA-256 over the values."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(_text(value).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()[:16]


def _text(value: Any) -> str:
    name = type(value).__name__
    if isinstance(value, dict):
        return f"{name}({','.join(f'{_text(key)}:{_text(item)}' for key, item in value.items())})"
    if isinstance(value, list | tuple):
        return f"{name}({','.join(map(_text, value))})"
    if isinstance(value, set | frozenset):
        return f"{name}({','.join(sorted(map(_text, value)))})"
    if hasattr(value, "tobytes"):
        return f"{name} {value.tobytes().hex()}"  # an array, whose repr may be cut short
    return f"{name} {value!r}"
