"""Locks in the database: tickets with places. The holder has place 0, those who wait have higher ones.

A ticket in place 0 holds until its time is over. One that waits is good for as long as its owner keeps asking; those of
processes that died are passed over. Whoever releases a lock, or finds it expired, moves the first good ticket to place
0 for the time of a claim, in the step that removed the holder: a queue never stands before an empty place.
"""

from collections.abc import Callable
from typing import Final

from transcoders.sessions.stores.sqlite.database import Database, Row, Run
from transcoders.sessions.stores.sqlite.watcher import Watcher

CLAIM: Final = 1000
"""Milliseconds in which a lock that was handed over is claimed, before the next in the queue gets it."""
PATIENCE: Final = 5000
"""Milliseconds for which a ticket waits after its owner has asked."""
FOR_EVER: Final = 1 << 62
"""The end of what has none."""
_LONGEST: Final = 1 << 31
"""Milliseconds said to those who wait, at most."""

_TAKE: Final = (
    "INSERT INTO tickets (key, place, token, until) VALUES (?1, 0, ?2, ?3) ON CONFLICT (key, place) "
    "DO UPDATE SET until = excluded.until WHERE token = excluded.token AND until > ?4 "
    "RETURNING (SELECT data FROM records WHERE key = ?1 AND expires > ?4)"
)
_HOLDER: Final = "SELECT token, until FROM tickets WHERE key = ? AND place = 0"
_JOIN: Final = "INSERT INTO tickets SELECT ?1, max(place) + 1, ?2, ?3 FROM tickets WHERE key = ?1"
_ASKED: Final = "UPDATE tickets SET until = ? WHERE key = ? AND token = ? AND place > 0"
_FREE: Final = (
    "DELETE FROM tickets WHERE key = ?1 AND place = 0 AND token = ?2 "
    "AND NOT EXISTS (SELECT 1 FROM tickets WHERE key = ?1 AND place > 0)"
)
_LEAVE: Final = "DELETE FROM tickets WHERE key = ? AND token = ? AND place > 0"
_DROP: Final = "DELETE FROM tickets WHERE key = ? AND (place = 0 OR until <= ?)"
_NEXT: Final = (
    "UPDATE tickets SET place = 0, until = ?2 WHERE key = ?1 "
    "AND place = (SELECT min(place) FROM tickets WHERE key = ?1) RETURNING token"
)
_RENEW: Final = "UPDATE tickets SET until = ? WHERE key = ? AND place = 0 AND token = ? AND until > ?"
_ABANDONED: Final = "DELETE FROM tickets WHERE key IN (SELECT key FROM tickets WHERE place = 0 AND until <= ? LIMIT 64)"


class Locks:
    """The locks of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: dict[str, tuple[str, int]] = {}
        self._watcher = Watcher(self._holder)

    def take(self, key: str, token: str, end: int, now: int) -> list[Row]:
        """Take a lock that nobody else holds: a row with the record, or with None; no row when another holds it."""
        return [] if token in self._asked else self._database.returned(_TAKE, (key, token, end, now))

    def acquire(self, key: str, token: str, end: int, now: int) -> int:
        """Take the lock until `end`: 0. Or stand in its queue: the milliseconds until its holder's time is over."""
        if (asked := self._asked.get(token)) is not None:
            rows = self._database.read(_HOLDER, (key,))
            if rows and rows[0][0] != token and rows[0][1] > now and asked[1] > now:
                return min(int(rows[0][1]) - now, _LONGEST)
        with self._database.transaction() as run:
            holder, until = self._settle(run, key, token, end, now)
        if holder == token:
            self._asked.pop(token, None)
            return 0
        self._asked[token] = key, now + PATIENCE // 2
        self._watcher.wake(holder)
        return min(until - now, _LONGEST)

    def _settle(self, run: Run, key: str, token: str, end: int, now: int) -> tuple[str, int]:
        """Take the lock, or a ticket, or keep the one there is; the holder and its time."""
        row = run(_HOLDER, (key,)).fetchone()
        if row is not None and row[1] > now and row[0] != token:
            self._stand(run, key, token, now)
            return str(row[0]), int(row[1])
        if row is not None and row[1] <= now:
            self._stand(run, key, token, now)
            holder = self._hand(run, key, now)
            if holder != token:
                return holder, now + CLAIM
        run("INSERT OR REPLACE INTO tickets VALUES (?, 0, ?, ?)", (key, token, end))
        return token, end

    def _stand(self, run: Run, key: str, token: str, now: int) -> None:
        if not run(_ASKED, (now + PATIENCE, key, token)).rowcount:
            run(_JOIN, (key, token, now + PATIENCE))

    def _hand(self, run: Run, key: str, now: int) -> str:
        """Make the first good ticket the holder in place of the one there is; its token, empty when there is none."""
        run(_DROP, (key, now))
        rows = run(_NEXT, (key, now + CLAIM)).fetchall()
        return str(rows[0][0]) if rows else ""

    def renew(self, key: str, token: str, end: int, now: int) -> bool:
        """Hold the lock until `end`; False when it is not the token's any more."""
        return self._database.change(_RENEW, (end, key, token, now)) == 1

    def release(self, key: str, token: str, now: int) -> None:
        """Hand the lock on if it is the token's, else leave its queue."""
        if not self._database.change(_FREE, (key, token)):
            with self._database.transaction() as run:
                wake = self.release_within(run, key, token, now)
            wake()

    def release_within(self, run: Run, key: str, token: str, now: int) -> Callable[[], None]:
        """Release it within a transaction; what to call after its end."""
        self._asked.pop(token, None)
        if run(_FREE, (key, token)).rowcount:
            return _nobody
        row = run(_HOLDER, (key,)).fetchone()
        if row is None or row[0] != token:
            run(_LEAVE, (key, token))
            return _nobody
        holder = self._hand(run, key, now)
        return lambda: self._watcher.wake(holder)

    def watch(self, token: str, wake: Callable[[], object]) -> None:
        """Have it woken when the lock that the token asked for is handed to it."""
        if asked := self._asked.get(token):
            self._watcher.add(token, asked[0], wake)

    def unwatch(self, token: str) -> None:
        """Forget the token."""
        self._watcher.remove(token)

    def sweep(self, run: Run, now: int) -> None:
        """Remove a few locks that expired long ago, and nobody has asked for since."""
        run(_ABANDONED, (now - 10 * PATIENCE,))

    def close(self) -> None:
        """Stop waking."""
        self._watcher.close()

    def _holder(self, key: str) -> str | None:
        rows = self._database.read(_HOLDER, (key,))
        return str(rows[0][0]) if rows else None


def _nobody() -> None:
    """Nobody is to be woken."""
