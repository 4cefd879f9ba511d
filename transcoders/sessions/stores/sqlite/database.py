"""A file of SQLite that processes and threads share: two connections, opened when needed, closed before a fork.

One connection writes, for one thread after the other; whoever only reads takes it too while nobody writes, because its
pages are at hand, and the other one otherwise: in WAL mode nobody who reads waits for one who writes. Waiting for
another process is done here and not by SQLite, whose pauses grow to 100 ms; it ends after the time that an operation
may take.

SQLite keeps in the process's memory which locks of a file the process has. A child would believe that it had those of
its parent and take none of its own, so no connection is open while a process forks. For the same reason a file that
may be open is never opened and closed beside SQLite, which would drop the process's locks.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from transcoders.errors import StoreError
from transcoders.sessions import forks
from transcoders.sessions.stores.sqlite.reasons import READ_ONLY, failure, spoils, waits

T = TypeVar("T")
Row = tuple[Any, ...]
Run = Callable[..., sqlite3.Cursor]

APPLICATION: Final = 0x74635353
"""What the head of the file has in its field for the application: `tcSS`."""
VERSION: Final = 1
SCHEMA: Final = (
    "CREATE TABLE records (key TEXT NOT NULL PRIMARY KEY, expires INTEGER NOT NULL, data BLOB NOT NULL)",
    """CREATE TABLE links (
        principal TEXT NOT NULL, key TEXT NOT NULL, expires INTEGER NOT NULL, UNIQUE (principal, key))""",
    """CREATE TABLE tickets (
        key TEXT NOT NULL, place INTEGER NOT NULL, token TEXT NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (key, place)) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
_PAUSE: Final = 0.0005
"""Seconds between two tries while another process writes; a write takes a tenth of that."""
_JOURNAL: Final = 16 << 20
"""Bytes that the write-ahead log keeps on the disk after it was longer for a while."""
_OPENING: Final = threading.Lock()
_ROWCOUNT: Final[Callable[[sqlite3.Cursor], int]] = attrgetter("rowcount")


class Database:
    """The file; it is made, for its owner alone, when it is not there.

    Args:
        path: where it is.
        timeout: seconds that an operation may wait for other writers.
        full_sync: whether a write is on the disk before it counts, so that a power cut loses none.
        max_bytes: size of the file at most; 0 for no limit.

    Raises:
        StoreError: it cannot be used, and why.
    """

    def __init__(self, path: str, *, timeout: float, full_sync: bool, max_bytes: int) -> None:
        self.path = str(Path(path).expanduser().absolute())
        self._timeout, self._full_sync, self._max_bytes = timeout, full_sync, max_bytes
        self._closed = False
        self._begin()
        forks.watch(self)
        self.read("SELECT 1", ())  # what is wrong with the file is told now

    def _begin(self) -> None:
        self._writer, self._reader = _Line(), _Line()

    # ------------------------------------------------------------------------------------------------ statements

    def read(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        """The rows that a SELECT gives.

        Raises:
            StoreError: it could not be read.
        """
        line, until = self._writer, 0.0
        if not line.mutex.acquire(blocking=False):
            line = self._reader
            until = self._take(line)
        try:
            return self._run(line.connection or self._open(line, until), sql, parameters, until).fetchall()
        except sqlite3.Error as error:
            raise self._failed(line, error) from None
        finally:
            line.mutex.release()

    def change(self, sql: str, parameters: Sequence[object]) -> int:
        """How many rows a statement changed, which stands on its own.

        Raises:
            StoreError: nothing was changed; or perhaps, where the error says that it is unknown.
        """
        return self._write(sql, parameters, _ROWCOUNT)

    def returned(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        """The rows that a statement returns which changes some, as `change` does."""
        return self._write(sql, parameters, sqlite3.Cursor.fetchall)

    def _write(self, sql: str, parameters: Sequence[object], result: Callable[[sqlite3.Cursor], T]) -> T:
        line = self._writer
        until = self._take(line)
        try:
            return result(self._run(line.connection or self._open(line, until), sql, parameters, until))
        except sqlite3.Error as error:
            raise self._failed(line, error) from None
        finally:
            line.mutex.release()

    def transaction(self) -> "Transaction":
        """Several statements in one step: `with … as run: run(sql, parameters)`; none takes effect when one fails."""
        return Transaction(self)

    def begin(self) -> Run:
        """Become the one who writes; see `transaction`."""
        line = self._writer
        until = self._take(line)
        try:
            connection = line.connection or self._open(line, until)
            self._run(connection, "BEGIN IMMEDIATE", (), until)
        except sqlite3.Error as error:
            told = self._failed(line, error)
            line.mutex.release()
            raise told from None
        except BaseException:
            line.close()  # it may have begun
            line.mutex.release()
            raise
        return connection.execute

    def end(self, error: BaseException | None) -> None:
        """Have it take effect, or, after an error, none of it; see `transaction`."""
        line = self._writer
        connection = line.connection
        try:
            if connection is not None and error is None:
                connection.execute("COMMIT")
        except sqlite3.Error as failed:
            error = failed
        try:
            if connection is not None and error is not None:
                with suppress(sqlite3.Error):
                    connection.rollback()
            if isinstance(error, sqlite3.Error):
                raise self._failed(line, error) from None
        finally:
            line.mutex.release()

    def _take(self, line: "_Line") -> float:
        """Take the connection; the moment until which the operation may wait, 0 when it has not waited yet."""
        if line.mutex.acquire(blocking=False):
            return 0.0
        until = time.monotonic() + self._timeout
        if not line.mutex.acquire(timeout=self._timeout):
            raise StoreError(f"the SQLite store {self.path} was kept locked by other threads for {self._timeout:g} s")
        return until

    def _run(
        self, connection: sqlite3.Connection, sql: str, parameters: Sequence[object], until: float
    ) -> sqlite3.Cursor:
        while True:
            try:
                return connection.execute(sql, parameters)
            except sqlite3.Error as error:
                until = until or time.monotonic() + self._timeout
                if not waits(error) or time.monotonic() >= until:
                    raise
            time.sleep(_PAUSE)

    def _failed(self, line: "_Line", error: sqlite3.Error) -> StoreError:
        """What to raise; where the file or the connection may be bad, it is opened anew by whoever comes next."""
        if spoils(error):
            line.close()
            if line is self._writer:
                with self._reader.mutex:
                    self._reader.close()
        return failure(error, self.path, self._timeout)

    # ------------------------------------------------------------------------------------------------ connections

    def _open(self, line: "_Line", until: float) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"the SQLite store {self.path} is closed", retryable=False)
        with _OPENING:
            self._make()
            connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection, until)
            except BaseException:
                connection.close()
                raise
        line.connection = connection
        return connection

    def _make(self) -> None:
        """Make an empty file that only its owner may read; SQLite gives the files beside it the same permissions."""
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            if not os.access(self.path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
                raise StoreError(f"the SQLite store {self.path} {READ_ONLY}", retryable=False) from None
        except OSError as error:
            reason = (
                f"cannot be made: {error.strerror}; its directory must exist, and this process may have to write there"
            )
            raise StoreError(f"the SQLite store {self.path} {reason}", retryable=False) from None

    def _prepare(self, connection: sqlite3.Connection, until: float) -> None:
        def pragma(text: str) -> Any:
            return self._run(connection, f"PRAGMA {text}", (), until).fetchone()

        new = self._is_new(connection, until)
        if not new:
            self._check(pragma("application_id")[0], pragma("user_version")[0])
        pragma(f"synchronous = {'full' if self._full_sync else 'normal'}")
        if pragma("journal_mode = wal")[0] != "wal":
            raise StoreError(f"the SQLite store {self.path} is on a file system without shared memory", retryable=False)
        if new:
            self._run(connection, "BEGIN IMMEDIATE", (), until)
            for statement in SCHEMA if self._is_new(connection, until) else ():  # another process may have been faster
                connection.execute(statement)
            connection.execute("COMMIT")
        for setting in ("trusted_schema = off", f"journal_size_limit = {_JOURNAL}"):
            pragma(setting)
        if self._max_bytes:
            pragma(f"max_page_count = {max(1, self._max_bytes // pragma('page_size')[0])}")

    def _is_new(self, connection: sqlite3.Connection, until: float) -> bool:
        sql = (
            "SELECT (SELECT application_id FROM pragma_application_id) = 0 AND NOT EXISTS (SELECT 1 FROM sqlite_master)"
        )
        return bool(self._run(connection, sql, (), until).fetchone()[0])

    def _check(self, application: int, version: int) -> None:
        if application != APPLICATION:
            raise StoreError(f"the SQLite store {self.path} is a database of another application", retryable=False)
        if version > VERSION:
            raise StoreError(f"the SQLite store {self.path} is of a newer release of transcoders", retryable=False)

    # ------------------------------------------------------------------------------------------------ ends

    def close(self) -> None:
        """Close the connections; whoever asks for something after that is told."""
        with self._writer.mutex, self._reader.mutex:
            self._closed = True
            self._writer.close()
            self._reader.close()

    def before_fork(self) -> None:
        """Close the connections, and keep others from opening them until the fork is done."""
        for line in (self._writer, self._reader):
            line.mutex.acquire()
            line.close()

    def resume(self) -> None:
        """Go on, in the parent."""
        for line in (self._reader, self._writer):
            line.mutex.release()

    def after_fork(self) -> None:
        """Go on, in the child."""
        self._begin()


class _Line:
    """A connection, while there is one, and whose turn it is to use it."""

    __slots__ = ("connection", "mutex")

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the connection; the mutex is held."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


class Transaction:
    """Several statements in one step."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Run:
        """What runs a statement."""
        return self._database.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or undo."""
        self._database.end(error)
