"""What the embedded scheduler remembers: deployments, runs, and the events of every run.

One SQLite file in one folder. A run is its events: whoever holds the run's *lease* (a file lock,
which the kernel releases when its holder dies, however it dies) may append to them. No process id
is ever noted down, and no order follows from a clock: one may be reused, the other set back.
"""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .embedded_folder import alone
from .plan import Plan, RunRequest
from .starts import Event as Occurrence
from .starts import complete
from .walk import Event, Finished, Handout, Lost, Origin, State, Stopped

#: Version of the tables below. Another one's are not read.
_VERSION = 2

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS deployment (
    name TEXT PRIMARY KEY, plan TEXT NOT NULL, code TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS run (
    run_id TEXT PRIMARY KEY, deployment TEXT NOT NULL, plan TEXT NOT NULL, code TEXT NOT NULL,
    request TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    stop_reason TEXT, suspended INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, finished REAL,
    closed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS event (
    run_id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (run_id, number));
CREATE TABLE IF NOT EXISTS published (id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS seen (
    deployment TEXT NOT NULL, name TEXT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (deployment, name));
CREATE TABLE IF NOT EXISTS scheduled (deployment TEXT PRIMARY KEY, until REAL NOT NULL);
PRAGMA user_version = {_VERSION};
"""

#: Seconds that a writer waits for another one.
_BUSY = 60.0


class StoreError(OSError):
    """The scheduler's memory cannot be read or written now; the message says what to do."""

    def __str__(self) -> str:
        return f"The embedded scheduler cannot use {self.filename}: {self.strerror}."


class StoreDamaged(StoreError):
    """Its file is no database of this version, and waiting will not make it one."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it was asked for, and how it stands.

    Attributes:
        request: what was asked for.
        deployment: the name under which it was deployed at that time.
        plan: the plan it runs under, whatever has been deployed since.
        code: folder of the deployment's code.
        state: running, or the verdict.
        reason: why it failed or was stopped.
        stop_reason: set once somebody has asked to end it.
        suspended: whether no more of its tasks are to start for now.
        created: seconds since the epoch.
        finished: seconds since the epoch; None while it runs.
        closed: whether nothing is left to do for it: it is over and its exit hooks were called.
    """

    request: RunRequest
    deployment: str
    plan: Plan
    code: Path
    state: State
    reason: str
    stop_reason: str | None
    suspended: bool
    created: float
    finished: float | None
    closed: bool


class Store:
    """The scheduler's memory, in a folder of its own.

    Args:
        home: the folder; it is made when it is not there.

    Raises:
        OSError: the folder cannot be made or written.
        StoreError: the file cannot be read or written; every method can raise it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self._database = home / "scheduler.sqlite"
        self._anchor: sqlite3.Connection | None = None
        with self._open() as database:
            if not _has_schema(database):
                with alone(home / "scheduler.lock"):
                    _lay_out(database)

    def settle(self) -> None:
        """Prepare for many transactions of this process.

        The last connection that closes tidies the file up, with several waits for the disk: one
        that stays open spares each transaction that.
        """
        with self._open():
            self._anchor = sqlite3.connect(self._database)
            _has_schema(self._anchor)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction; a connection must not cross a fork.

        Raises:
            StoreError: the file is locked for too long, or cannot be written.
            StoreDamaged: it is no database, or one of another version.
        """
        try:
            database = sqlite3.connect(self._database, timeout=_BUSY)
            with contextlib.closing(database), database:
                database.row_factory = sqlite3.Row
                yield database
        except sqlite3.DatabaseError as error:
            raise _explained(error, self._database) from error

    def save_deployment(self, plan: Plan, code: Path) -> None:
        """Keep a deployment, in place of an earlier one of the same name (clause J9).

        What the earlier one was waiting for is forgotten; the new one starts waiting now.
        """
        name, now = plan.identity.name, time.time()
        row = (name, plan.to_json(), str(code), now)
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO deployment VALUES (?, ?, ?, ?)", row)
            _forget(database, name)
            if plan.schedule:
                database.execute("INSERT INTO scheduled VALUES (?, ?)", (name, now))

    def deployment(self, name: str) -> tuple[Plan, Path] | None:
        """The plan and the code folder of a deployment, or None."""
        with self._open() as database:
            row = database.execute("SELECT * FROM deployment WHERE name = ?", (name,)).fetchone()
        return (Plan.from_json(row["plan"]), Path(row["code"])) if row else None

    def deployments(self) -> list[Plan]:
        """Every deployment, by name."""
        with self._open() as database:
            rows = database.execute("SELECT plan FROM deployment ORDER BY name").fetchall()
        return [Plan.from_json(row["plan"]) for row in rows]

    def delete_deployment(self, name: str) -> bool:
        """Forget a deployment; its runs stay (clause L4). False when there is none."""
        with self._open() as database:
            _forget(database, name)
            cursor = database.execute("DELETE FROM deployment WHERE name = ?", (name,))
            return cursor.rowcount > 0

    def publish(
        self, event: Occurrence, request: Callable[[Plan, list[Occurrence]], RunRequest]
    ) -> list[str]:
        """Note an event, and every run that it starts, in one transaction.

        Args:
            event: what happened. One that was published before starts nothing.
            request: makes the request for a run of a deployment for which all events are there.

        Returns:
            The ids of the runs to be made.
        """
        started = []
        with self._open() as database:
            row = (event.id, time.time())
            if not database.execute("INSERT OR IGNORE INTO published VALUES (?, ?)", row).rowcount:
                return []
            for found in database.execute("SELECT * FROM deployment ORDER BY name").fetchall():
                plan = Plan.from_json(found["plan"])
                if all(trigger.name != event.name for trigger in plan.triggers):
                    continue
                name = plan.identity.name
                seen = (name, event.name, event.to_json())
                database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", seen)
                events = complete(plan.triggers, _seen(database, name))
                if events is not None:
                    _forget(database, name, schedule=False)
                    made = request(plan, events)
                    _insert_run(database, name, plan, Path(found["code"]), made)
                    started.append(made.run_id)
        return started

    def scheduled_until(self, name: str) -> float | None:
        """Up to when the scheduled runs of a deployment have been started; None for no schedule."""
        with self._open() as database:
            row = database.execute(
                "SELECT until FROM scheduled WHERE deployment = ?", (name,)
            ).fetchone()
        return row["until"] if row else None

    def schedule_until(self, name: str, until: float) -> None:
        """Note up to when the scheduled runs of a deployment have been started."""
        with self._open() as database:
            database.execute("UPDATE scheduled SET until = ? WHERE deployment = ?", (until, name))

    def open_runs(self) -> list[str]:
        """The ids of the runs for which something is left to do."""
        with self._open() as database:
            rows = database.execute("SELECT run_id FROM run WHERE NOT closed").fetchall()
        return [row["run_id"] for row in rows]

    def add_run(self, name: str, plan: Plan, code: Path, request: RunRequest) -> None:
        """Note a run to be made of a deployment; asking twice is asking once."""
        with self._open() as database:
            _insert_run(database, name, plan, code, request)

    def run(self, run_id: str) -> RunRecord | None:
        """A run, or None."""
        with self._open() as database:
            row = database.execute("SELECT * FROM run WHERE run_id = ?", (run_id,)).fetchone()
        return _record(row) if row else None

    def wishes(self, run_id: str) -> tuple[str | None, bool] | None:
        """What was asked of a run under way: the reason to stop it, and whether to suspend it."""
        with self._open() as database:
            row = database.execute(
                "SELECT stop_reason, suspended FROM run WHERE run_id = ?", (run_id,)
            ).fetchone()
        return (row["stop_reason"], bool(row["suspended"])) if row else None

    def runs(self, name: str | None = None) -> list[RunRecord]:
        """The runs of a deployment, or all of them, newest first."""
        with self._open() as database:
            rows = database.execute(
                "SELECT * FROM run WHERE ? IS NULL OR deployment = ? ORDER BY rowid DESC",
                (name, name),
            ).fetchall()
        return [_record(row) for row in rows]

    def ask_to_stop(self, run_id: str, reason: str) -> None:
        """Leave word that a run is to end; whoever holds its lease acts on it."""
        with self._open() as database:
            database.execute(
                "UPDATE run SET stop_reason = ? WHERE run_id = ? AND state = ?",
                (reason, run_id, State.RUNNING.value),
            )

    def finish(self, run_id: str, state: State, reason: str) -> None:
        """Note the verdict of a run; the first one stands."""
        with self._open() as database:
            database.execute(
                "UPDATE run SET state = ?, reason = ?, finished = max(created, ?)"
                " WHERE run_id = ? AND state = ?",
                (state.value, reason, time.time(), run_id, State.RUNNING.value),
            )

    def suspend(self, run_id: str, suspended: bool) -> None:
        """Leave word that a run is to pause, or to go on."""
        with self._open() as database:
            database.execute("UPDATE run SET suspended = ? WHERE run_id = ?", (suspended, run_id))

    def close(self, run_id: str) -> None:
        """Note that nothing is left to do for a run."""
        with self._open() as database:
            database.execute("UPDATE run SET closed = 1 WHERE run_id = ?", (run_id,))

    def origin(self, run_id: str) -> dict[str, Origin]:
        """The tasks that succeeded in a run, and what each one had decided, by task id.

        A task that the run had itself cloned decided nothing there: its origin did.
        """
        record = self.run(run_id)
        if record is None:
            return {}
        earlier = self.origin(record.request.origin_run_id) if record.request.origin_run_id else {}
        done: dict[str, Origin] = {}
        for event in self.events(run_id):
            if isinstance(event, Finished) and event.exit_code == 0:
                handout = event.handout
                if handout == Handout() and event.task_id in earlier:
                    handout = earlier[event.task_id].handout
                done[event.task_id] = Origin(event.task_id, handout)
        return done

    def append(self, run_id: str, event: Event) -> None:
        """Add to a run's events. Only the holder of its lease may."""
        with self._open() as database:
            database.execute(
                "INSERT INTO event SELECT ?, coalesce(max(number), -1) + 1, ?, ?"
                " FROM event WHERE run_id = ?",
                (run_id, json.dumps(_to_dict(event)), time.time(), run_id),
            )

    def events(self, run_id: str) -> list[Event]:
        """A run's events, oldest first."""
        with self._open() as database:
            rows = database.execute(
                "SELECT body FROM event WHERE run_id = ? ORDER BY number", (run_id,)
            ).fetchall()
        return [_from_dict(json.loads(row["body"])) for row in rows]


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


def _has_schema(database: sqlite3.Connection) -> bool:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError(f"its tables have version {version}, not {_VERSION}")
    return bool(version)


def _lay_out(database: sqlite3.Connection) -> None:
    """Make the tables, unless somebody else just did, or was killed in the middle of it."""
    if not _has_schema(database):
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(_SCHEMA)


def _insert_run(
    database: sqlite3.Connection, name: str, plan: Plan, code: Path, request: RunRequest
) -> None:
    row = {
        "run_id": request.run_id,
        "deployment": name,
        "plan": plan.to_json(),
        "code": str(code),
        "request": json.dumps(asdict(request)),
        "state": State.RUNNING.value,
        "created": time.time(),
    }
    columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
    database.execute(f"INSERT OR IGNORE INTO run ({columns}) VALUES ({values})", row)


def _forget(database: sqlite3.Connection, name: str, *, schedule: bool = True) -> None:
    """Drop the events that a deployment has seen, and with them its place in its schedule."""
    database.execute("DELETE FROM seen WHERE deployment = ?", (name,))
    if schedule:
        database.execute("DELETE FROM scheduled WHERE deployment = ?", (name,))


def _seen(database: sqlite3.Connection, name: str) -> dict[str, Occurrence]:
    rows = database.execute("SELECT name, event FROM seen WHERE deployment = ?", (name,)).fetchall()
    return {row["name"]: Occurrence.from_json(row["event"]) for row in rows}


def _record(row: sqlite3.Row) -> RunRecord:
    return RunRecord(
        request=RunRequest.from_dict(json.loads(row["request"])),
        deployment=row["deployment"],
        plan=Plan.from_json(row["plan"]),
        code=Path(row["code"]),
        state=State(row["state"]),
        reason=row["reason"],
        stop_reason=row["stop_reason"],
        suspended=bool(row["suspended"]),
        created=row["created"],
        finished=row["finished"],
        closed=bool(row["closed"]),
    )


def _to_dict(event: Event) -> dict[str, Any]:
    return {"kind": type(event).__name__, **asdict(event)}


def _from_dict(data: dict[str, Any]) -> Event:
    fields = dict(data)
    match fields.pop("kind"):
        case "Finished":
            return Finished(**{**fields, "handout": Handout.from_dict(fields["handout"])})
        case "Lost":
            return Lost(**fields)
        case "Stopped":
            return Stopped(**fields)
        case other:
            raise ValueError(f"Event of unknown kind {other!r}: written by a newer version?")
