"""The requests that nearly every use of a session sends, packed by hand, which takes half of what hiredis does.

A form is a request with holes, filled by `%`: before each text of varying length stands how long it is. The names of a
session's keys differ in a letter, so that its key is encoded, and counted, once.
"""

from typing import Final

from transcoders.sessions.stores.redis import scripts
from transcoders.sessions.stores.redis.scripts import CLAIM, Script

_BRIEFLY: Final = 60_000
"""Milliseconds that the staged record of a session for ever lasts."""
_NAMED: Final = len("tc:r:{}")
"""What the name of a key is longer than the key."""
_STAGED: Final = _NAMED + len(":00000000")
"""The same for that of a staged record, which ends with the id of its write."""

_HOLE: Final = b"$%d\r\n%b\r\n"
_RECORD: Final = b"$%d\r\ntc:r:{%b}\r\n"
_BESIDE: Final = b"$%d\r\ntc:s:{%b}:%b\r\n"
_LOCK: Final = b"$%d\r\ntc:l:{%b}\r\n"
_QUEUE: Final = b"$%d\r\ntc:q:{%b}\r\n"
_CLAIM: Final = _HOLE % (len(str(CLAIM)), b"%d" % CLAIM)


def _script(sha: str, keys: tuple[bytes, ...], *arguments: bytes) -> bytes:
    """The form of a call, which has less than ten keys."""
    words = 3 + len(keys) + len(arguments)
    start = b"*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n%d\r\n" % (words, sha.encode(), len(keys))
    return start + b"".join(keys + arguments)


_GET: Final = b"*2\r\n$3\r\nGET\r\n" + _RECORD
_SET: Final = b"*5\r\n$3\r\nSET\r\n" + _BESIDE + _HOLE + b"$2\r\nPX\r\n" + _HOLE
_SET_LOCK: Final = b"*6\r\n$3\r\nSET\r\n" + _LOCK + _HOLE + b"$2\r\nNX\r\n$2\r\nPX\r\n" + _HOLE
_ACQUIRE: Final = _SET_LOCK + _GET + b"*2\r\n$6\r\nEXISTS\r\n" + _QUEUE
_FREE: Final = (_LOCK, _QUEUE)
_SAVES, _COMMITS = scripts.FLAGGED.save.sha, scripts.FLAGGED.commit.sha
_SAVE: Final = _script(_SAVES, (_RECORD,), _HOLE, _HOLE, _HOLE)
_SAVE_FREE: Final = _script(_SAVES, (_RECORD, *_FREE), _HOLE, _HOLE, _HOLE, _HOLE, _CLAIM)
_COMMIT: Final = _SET + _script(_COMMITS, (_RECORD, _BESIDE), _HOLE, _HOLE)
_COMMIT_FREE: Final = _SET + _script(_COMMITS, (_RECORD, _BESIDE, *_FREE), _HOLE, _HOLE, _HOLE, _CLAIM)
_RELEASE: Final = _script("%b", _FREE, _HOLE, _CLAIM)


def load(key: str) -> bytes:
    """`GET`: the record."""
    k = key.encode()
    return _GET % (len(k) + _NAMED, k)


def acquire(key: str, token: str, ttl: int) -> bytes:
    """`SET NX`, `GET`, `EXISTS`: the lock where it is free, the record, and whether anybody waits."""
    k, owner, t = key.encode(), token.encode(), b"%d" % ttl
    size = len(k) + _NAMED
    return _ACQUIRE % (size, k, len(owner), owner, len(t), t, size, k, size, k)


def save(key: str, data: bytes, base: bytes, ttl: int, token: str) -> bytes:
    """The script `save`; with a token, it frees the lock too."""
    k, t = key.encode(), b"%d" % ttl
    size = len(k) + _NAMED
    if not token:
        return _SAVE % (size, k, len(base), base, len(data), data, len(t), t)
    o = token.encode()
    return _SAVE_FREE % (size, k, size, k, size, k, len(base), base, len(data), data, len(t), t, len(o), o)


def commit(key: str, data: bytes, base: bytes, ttl: int, token: str) -> bytes:
    """`SET`, which puts the record beside the one that is there, and the script `commit`, which renames it."""
    k, t, wid, s = key.encode(), b"%d" % ttl, data[8:12].hex().encode(), b"%d" % (ttl or _BRIEFLY)
    size, beside = len(k) + _NAMED, len(k) + _STAGED
    put = beside, k, wid, len(data), data, len(s), s
    if not token:
        return _COMMIT % (*put, size, k, beside, k, wid, len(base), base, len(t), t)
    o = token.encode()
    return _COMMIT_FREE % (*put, size, k, beside, k, wid, size, k, size, k, len(base), base, len(t), t, len(o), o)


def release(script: Script, key: str, token: str) -> bytes:
    """The script `release`, in the form that the server knows."""
    k, o = key.encode(), token.encode()
    size = len(k) + _NAMED
    return _RELEASE % (script.sha.encode(), size, k, size, k, len(o), o)
