"""Sessions in a file that several processes of one machine share: the store that needs no server.

A verb is one statement, or one transaction where it concerns two things; the database decides races. Records are
compared by their etag within the statement that replaces them. Times are those of the clock, in milliseconds since
1970, because processes and restarts share the file.

What has expired is no record any more. It is removed by those who create records, a few at a time: every sixteenth
looks at the next 64 rows, in turn, which keeps what is dead below a part of what lives without an index to maintain.
"""

from collections.abc import Callable
from typing import Final

from transcoders.errors import SpecError
from transcoders.options import Option
from transcoders.sessions.clock import Clock
from transcoders.sessions.layout import LONGEST
from transcoders.sessions.ports import ETAG, Acquired, Capabilities, Outcome
from transcoders.sessions.stores import split, wrote
from transcoders.sessions.stores.sqlite.database import Database, Run
from transcoders.sessions.stores.sqlite.locks import FOR_EVER, Locks

_SWEEP_EVERY: Final = 16
"""Creates of this process between two sweeps."""
_SWEEP: Final = 64
"""Rows that a sweep looks at."""

_LOAD: Final = "SELECT data FROM records WHERE key = ? AND expires > ?"
_HEAD: Final = "SELECT substr(data, 1, ?) FROM records WHERE key = ? AND expires > ?"
_CREATE: Final = (
    "INSERT INTO records (key, expires, data) VALUES (?1, ?2, ?3) ON CONFLICT (key) "
    "DO UPDATE SET expires = iif(expires <= ?4, excluded.expires, expires), data = excluded.data "
    "WHERE expires <= ?4 OR data = excluded.data"
)
_SAVE: Final = "UPDATE records SET data = ?, expires = ? WHERE key = ? AND expires > ? AND substr(data, 5, 8) = ?"
_PUT: Final = "UPDATE records SET data = ?, expires = ? WHERE key = ?"
_TOUCH: Final = "UPDATE records SET expires = ? WHERE key = ? AND expires > ?"
_DELETE: Final = "DELETE FROM records WHERE key = ? AND expires > ?"
_LINK: Final = (
    "INSERT INTO links (principal, key, expires) VALUES (?, ?, ?) ON CONFLICT (principal, key) "
    "DO UPDATE SET expires = excluded.expires"
)
_UNLINK: Final = "DELETE FROM links WHERE principal = ? AND key = ?"
_LINKED: Final = "SELECT key FROM links WHERE principal = ? AND expires > ?"


class SqliteStore:
    """A store in a file.

    Args:
        path: the file; it is made when it is not there, in a directory that is.
        timeout: seconds that an operation may wait for other writers.
        synchronous: `normal`, where a crash of the machine may undo the last moments, or `full`, where it does not.
        max_mb: size of the file at most, in MiB; 0 for no limit.
        clock: the time; the machine's own when there is none.

    Raises:
        StoreError: the file cannot be used, and why.
    """

    options: Final = (
        Option("timeout", "int", None, "milliseconds that an operation may wait for other writers", 10, 600_000),
        Option("synchronous", "choice", "normal", "what survives a power cut", choices=("normal", "full")),
        Option("max_mb", "int", 0, "size of the file at most, in MiB; 0 for no limit", 0, 1 << 20),
    )
    capabilities: Final = Capabilities("sqlite", recheck=0.25)

    def __init__(
        self,
        path: str,
        *,
        timeout: float = 1.0,
        synchronous: str = "normal",
        max_mb: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self._clock = (clock or Clock()).now
        full = synchronous == "full"
        self._database = Database(path, timeout=timeout, full_sync=full, max_bytes=max_mb << 20)
        self._locks = Locks(self._database)
        self._created, self._swept = 0, {"records": 0, "links": 0}

    def _now(self) -> int:
        return int(self._clock() * 1000)

    # ------------------------------------------------------------------------------------------------ records

    def load(self, key: str, /) -> bytes | None:
        """The record; None when there is none, or its time is over."""
        rows = self._database.read(_LOAD, (key, self._now()))
        return rows[0][0] if rows else None

    def create(self, key: str, data: bytes, ttl: int, /) -> bool:
        """Store a record where there is none; False when there is another one. A repeated create is True."""
        now = self._now()
        self._created += 1
        if self._created % _SWEEP_EVERY == 0:
            self._sweep(now)
        return self._database.change(_CREATE, (key, _end(now, ttl), data, now)) == 1

    def save(self, key: str, data: bytes, base: bytes, ttl: int, token: str = "", /) -> Outcome:
        """Replace the record whose etag is `base`; with a token, also release its lock, whatever the outcome."""
        now = self._now()
        if self._change(key, token, now, _SAVE, (data, _end(now, ttl), key, now, base)):
            return Outcome.SAVED
        rows = self._database.read(_HEAD, (LONGEST, key, now))
        if not rows:
            return Outcome.GONE
        return Outcome.SAVED if wrote(rows[0][0], data) else Outcome.STALE

    def touch(self, key: str, ttl: int, token: str = "", /) -> bool:
        """Give the record a new time to live; False when there is none. With a token, also release its lock."""
        now = self._now()
        return self._change(key, token, now, _TOUCH, (_end(now, ttl), key, now)) == 1

    def delete(self, key: str, token: str = "", /) -> bool:
        """Remove the record; False when there was none. With a token, also release its lock."""
        now = self._now()
        return self._change(key, token, now, _DELETE, (key, now)) == 1

    def move(  # noqa: PLR0913, PLR0917 - see Store.move
        self, old: str, new: str, data: bytes, base: bytes, ttl: int, trail: bytes, grace: int, token: str = "", /
    ) -> Outcome:
        """Put the record under a new key and remove the old one, whose etag is `base`, in one step. See Store.move."""
        now, wake = self._now(), None
        with self._database.transaction() as run:
            if token:
                wake = self._locks.release_within(run, old, token, now)
            outcome = self._may_move(run, old, new, data, base, now)
            if outcome is None:
                outcome = Outcome.SAVED
                if trail:
                    run(_PUT, (trail, _end(now, grace), old))
                else:
                    run(_DELETE, (old, now))
                run(_CREATE, (new, _end(now, ttl), data, now))
        if wake is not None:
            wake()
        return outcome

    def _may_move(  # noqa: PLR0913, PLR0917 - what move is given
        self, run: Run, old: str, new: str, data: bytes, base: bytes, now: int
    ) -> Outcome | None:
        """None when nothing is against it, else what became of it."""
        if there := run(_HEAD, (LONGEST, new, now)).fetchone():
            return Outcome.SAVED if wrote(there[0], data) else Outcome.STALE
        there = run(_HEAD, (LONGEST, old, now)).fetchone()
        if there is None:
            return Outcome.GONE
        return None if there[0][ETAG] == base else Outcome.STALE

    def _change(self, key: str, token: str, now: int, sql: str, parameters: tuple[object, ...]) -> int:
        if not token:
            return self._database.change(sql, parameters)
        with self._database.transaction() as run:
            changed = run(sql, parameters).rowcount
            wake = self._locks.release_within(run, key, token, now)
        wake()
        return changed

    def _sweep(self, now: int) -> None:
        """Remove what has expired among the next rows of each table."""
        with self._database.transaction() as run:
            for table, after in self._swept.items():
                sql = f"SELECT rowid, expires FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {_SWEEP}"  # noqa: S608
                rows = run(sql, (after,)).fetchall()
                for rowid, expires in rows:
                    if expires <= now:
                        run(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))  # noqa: S608 - one of two names
                self._swept[table] = rows[-1][0] if len(rows) == _SWEEP else 0
            self._locks.sweep(run, now)

    # ------------------------------------------------------------------------------------------------ locks

    def acquire(self, key: str, token: str, ttl: int, /) -> Acquired:
        """Take the lock of the key, or join the queue of those who wait for it, and read the record with it."""
        now = self._now()
        end = _end(now, ttl)
        if taken := self._locks.take(key, token, end, now):
            return Acquired(0, taken[0][0])
        wait = self._locks.acquire(key, token, end, now)
        return Acquired(wait, None if wait else self.load(key))

    def renew(self, key: str, token: str, ttl: int, /) -> bool:
        """Hold the lock for so long from now; False when it is not the token's any more."""
        now = self._now()
        return self._locks.renew(key, token, _end(now, ttl), now)

    def release(self, key: str, token: str, /) -> None:
        """Hand the lock on if it is the token's, and leave the queue if it waits there."""
        self._locks.release(key, token, self._now())

    def watch(self, token: str, wake: Callable[[], object], /) -> None:
        """Have `wake` called, by any thread, when the lock is handed to the token; until `unwatch`."""
        self._locks.watch(token, wake)

    def unwatch(self, token: str, /) -> None:
        """Forget the token."""
        self._locks.unwatch(token)

    # ------------------------------------------------------------------------------------------------ principals

    def link(self, principal: str, key: str, ttl: int, /) -> None:
        """Note that the record under the key is a session of the principal, for so long."""
        self._database.change(_LINK, (principal, key, _end(self._now(), ttl)))

    def unlink(self, principal: str, key: str, /) -> None:
        """Forget that."""
        self._database.change(_UNLINK, (principal, key))

    def linked(self, principal: str, /) -> list[str]:
        """The keys noted for a principal; those whose time is over are left out, ended ones may be among them."""
        return [key for (key,) in self._database.read(_LINKED, (principal, self._now()))]

    def close(self) -> None:
        """Stop waking those who wait, and close the file."""
        self._locks.close()
        self._database.close()


def _end(now: int, ttl: int) -> int:
    return min(now + ttl, FOR_EVER) if ttl else FOR_EVER


def connect(url: str, /, *, asynchronous: bool, clock: Clock, operation_timeout: float) -> SqliteStore:  # noqa: ARG001
    """The store in the file that the URL names: `sqlite:sessions.db`, `sqlite:~/sessions.db`, `sqlite:///srv/sessions.db`.

    Raises:
        SpecError: the URL names no file, or has an unknown option.
        StoreError: the file cannot be used, and why.
    """
    place, given = split(url, SqliteStore.options)
    if place.startswith("//"):
        host, slash, path = place[2:].partition("/")
        if host or not slash:
            raise SpecError(
                "expected sqlite:///path with three slashes, or sqlite:path; found a host, and a file has none"
            )
        place = f"/{path}"
    if place == ":memory:":
        raise SpecError(
            "sqlite::memory: would be another database for each connection; write memory: for a store in memory"
        )
    if not place or place.endswith("/") or "\0" in place:
        raise SpecError("expected the path of a file, as in sqlite:sessions.db; found none")
    timeout = int(given["timeout"]) / 1000 if "timeout" in given else operation_timeout
    synchronous, most = str(given["synchronous"]), int(given["max_mb"])
    return SqliteStore(place, timeout=timeout, synchronous=synchronous, max_mb=most, clock=clock)
