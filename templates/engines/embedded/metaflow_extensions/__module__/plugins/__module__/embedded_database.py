"""Where the embedded scheduler keeps its rows: one SQLite file, or a PostgreSQL database.

`embedded_store` writes each statement once; what differs between the two stands behind
:class:`Database`. SQLite is here; `embedded_postgres` is imported when a setting names one.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from .embedded_folder import alone

#: Version of the tables below. Another one's are not read.
VERSION = 3

#: The tables, in words that both databases know. `seconds()` is the database's own clock.
TABLES = """
CREATE TABLE IF NOT EXISTS deployment (
    name TEXT PRIMARY KEY, plan TEXT NOT NULL, code TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL);
CREATE TABLE IF NOT EXISTS run (
    run_id TEXT PRIMARY KEY, place BIGINT NOT NULL, deployment TEXT NOT NULL, plan TEXT NOT NULL,
    code TEXT NOT NULL, request TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    stop_reason TEXT, suspended INTEGER NOT NULL DEFAULT 0, created DOUBLE PRECISION NOT NULL,
    finished DOUBLE PRECISION, closed INTEGER NOT NULL DEFAULT 0, holder TEXT NOT NULL DEFAULT '',
    fence INTEGER NOT NULL DEFAULT 0, held_until DOUBLE PRECISION NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS run_place ON run (place);
CREATE INDEX IF NOT EXISTS run_open ON run (place) WHERE closed = 0;
CREATE TABLE IF NOT EXISTS event (
    run_id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, number));
CREATE TABLE IF NOT EXISTS published (id TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL);
CREATE TABLE IF NOT EXISTS seen (
    deployment TEXT NOT NULL, name TEXT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (deployment, name));
CREATE TABLE IF NOT EXISTS scheduled (deployment TEXT PRIMARY KEY, until DOUBLE PRECISION NOT NULL);
CREATE TABLE IF NOT EXISTS server (holder TEXT PRIMARY KEY, until DOUBLE PRECISION NOT NULL);
"""

#: Seconds that a writer waits for another one.
_BUSY = 60.0


class StoreError(OSError):
    """The scheduler's memory cannot be read or written now; the message says what to do."""

    def __str__(self) -> str:
        return f"The embedded scheduler cannot use {self.filename}: {self.strerror}."


class StoreDamaged(StoreError):
    """Its tables are not there, or of another version, and waiting will not change that."""


class Transaction(Protocol):
    """Statements that come true together or not at all."""

    def execute(self, statement: str, values: Sequence[object] = ()) -> Any:
        """Make a statement, with a `?` for each value: text, numbers and None only.

        Returns:
            A cursor of the database's own: `fetchone`, `fetchall`, `rowcount`; a row gives a
            value by the name of its column.
        """


class Database(Protocol):
    """Rows that outlive every process.

    Attributes:
        shared: whether other machines use it, too, so that no lock of this one decides anything.
    """

    shared: bool

    def transaction(self, *, one_at_a_time: bool = False) -> AbstractContextManager[Transaction]:
        """Begin a transaction; the end of the block commits it, an exception undoes it.

        Args:
            one_at_a_time: whether no other transaction of that kind may go on beside it.

        Raises:
            StoreError: the database cannot be reached, or cannot be written now.
            StoreDamaged: it has not the tables of this version.
        """

    def settle(self) -> None:
        """Prepare for many transactions of this process."""


class Sqlite:
    """One file, for the processes of one machine.

    Args:
        folder: where the file is; its tables are made when they are not there.

    Raises:
        StoreError: it cannot be used; see :class:`Database`.
    """

    shared = False

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.sqlite"
        self._anchor: sqlite3.Connection | None = None
        with self._open() as database:
            if not _has_tables(database):
                with alone(folder / "scheduler.lock"):
                    _lay_out(database)

    def settle(self) -> None:
        """Keep a connection open.

        The last connection that closes tidies the file up, with several waits for the disk: one
        that stays open spares each transaction that.
        """
        with self._open():
            self._anchor = sqlite3.connect(self._file)
            _has_tables(self._anchor)

    @contextlib.contextmanager
    def transaction(self, *, one_at_a_time: bool = False) -> Iterator[Transaction]:
        """Begin a transaction; see :class:`Database`."""
        with self._open() as database:
            if one_at_a_time:
                database.execute("BEGIN IMMEDIATE")
            yield database

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction; a connection must not cross a fork."""
        try:
            database = sqlite3.connect(self._file, timeout=_BUSY)
            with contextlib.closing(database), database:
                database.row_factory = sqlite3.Row
                database.create_function("seconds", 0, lambda: time.time())
                yield database
        except sqlite3.DatabaseError as error:
            raise _explained(error, self._file) from error


def _explained(error: sqlite3.DatabaseError, file: Path) -> StoreError:
    """What an error of SQLite means for the scheduler, and what to do."""
    said = str(error)
    if isinstance(error, sqlite3.OperationalError) and "no such table" not in said:
        if "locked" in said:
            said = f"another program has kept it locked for {_BUSY:.0f} s; end that program"
        elif "full" in said or "I/O" in said:
            said += "; make room on its disk, and runs go on by themselves"
        return StoreError(errno.EAGAIN, said, str(file))
    said += (
        f" (if {file.name} is damaged or outdated, move it away: "
        "it holds deployments and the list of runs, not what the runs have computed)"
    )
    return StoreDamaged(errno.EIO, said, str(file))


def _has_tables(database: sqlite3.Connection) -> bool:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, VERSION):
        raise sqlite3.DatabaseError(f"its tables have version {version}, not {VERSION}")
    return bool(version)


def _lay_out(database: sqlite3.Connection) -> None:
    """Make the tables, unless somebody else just did, or was killed in the middle of it."""
    if not _has_tables(database):
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(f"{TABLES} PRAGMA user_version = {VERSION};")
