"""The machine and the versions under which a run was made. No host name, no user, no path."""

import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from transcoders.measure import timings

_PACKAGES = (
    "transcoders",
    "cbor2",
    "msgpack",
    "ormsgpack",
    "orjson",
    "msgspec",
    "zstandard",
    "lz4",
    "pyperf",
)
_FACTS = ("cpu_model_name", "cpu_count", "cpu_freq", "platform", "python_implementation", "python_version")


def machine() -> dict[str, str]:
    """What the machine is, in pyperf's terms."""
    known = timings.metadata()
    return {fact: str(known[fact]) for fact in _FACTS if fact in known}


def versions(packages: Sequence[str] = _PACKAGES) -> dict[str, str]:
    """The installed version of each package that takes part; those that are not installed are left out."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """The git commit of this library, `-dirty` when files differ from it; None outside a clone."""
    here = Path(__file__)
    # An environment may lie inside somebody else's clone: that commit says nothing about this library.
    tracked = _git("ls-files", "--error-unmatch", here.name, at=here.parent)
    return _git("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*", at=here.parent) if tracked else None


def _git(*arguments: str, at: Path) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=at, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603, S607
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
