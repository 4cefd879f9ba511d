"""What SQLite's errors mean for whoever runs the store: a reason, and whether trying again may help.

Messages name the file and the reason. SQLite's own texts are left out, and with them whatever they may quote.
"""

import sqlite3
from typing import Final, NamedTuple

from transcoders.errors import StoreError

READ_ONLY: Final = "cannot be written by this process: see the permissions of the file and its directory"


class _Reason(NamedTuple):
    """What an error means."""

    text: str
    retryable: bool = False
    unknown: bool = False


_REASONS: Final = {
    "SQLITE_BUSY": _Reason("was kept locked by other processes for {timeout:g} s", retryable=True),
    "SQLITE_LOCKED": _Reason("was kept locked by other connections for {timeout:g} s", retryable=True),
    "SQLITE_PROTOCOL": _Reason("was kept locked by other processes for {timeout:g} s", retryable=True),
    "SQLITE_FULL": _Reason("is full: there is no room on the disk, or below max_mb", retryable=True),
    "SQLITE_IOERR": _Reason("could not be read or written: the disk fails", retryable=True, unknown=True),
    "SQLITE_NOMEM": _Reason("could not be used: there is no memory left", retryable=True),
    "SQLITE_READONLY": _Reason(READ_ONLY),
    "SQLITE_NOTADB": _Reason("is no database of SQLite"),
    "SQLITE_CORRUPT": _Reason(
        "is damaged: stop all that use it, then restore it, or move it away with the files beside it"
    ),
    "SQLITE_CANTOPEN": _Reason("cannot be opened: see the permissions of the file and its directory"),
    "SQLITE_TOOBIG": _Reason("takes no record of that size"),
}
_WAITS: Final = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"}
_HARMLESS: Final = {"SQLITE_FULL", "SQLITE_NOMEM", "SQLITE_TOOBIG", *_WAITS}


def _names(error: sqlite3.Error) -> tuple[str, str]:
    """SQLite's names for the error, extended and primary; empty where it is one of Python's module."""
    name = getattr(error, "sqlite_errorname", "")
    return name, "_".join(name.split("_")[:2])


def waits(error: sqlite3.Error) -> bool:
    """Whether somebody else is writing, and the same statement may succeed in a moment."""
    return _names(error)[1] in _WAITS


def spoils(error: sqlite3.Error) -> bool:
    """Whether the connection, or the file behind it, may be bad after the error."""
    return _names(error)[1] not in _HARMLESS


def failure(error: sqlite3.Error, path: str, timeout: float) -> StoreError:
    """What to raise for an error, about the file at the path, after waiting for so many seconds at most."""
    name, primary = _names(error)
    reason = _REASONS.get(primary) or _Reason(f"failed: {name or type(error).__name__}")
    text = reason.text.format(timeout=timeout)
    return StoreError(f"the SQLite store {path} {text}", retryable=reason.retryable, unknown=reason.unknown)
