"""What the embedded scheduler remembers: deployments, runs, and the events of every run.

A run is its events: whoever holds the run may append to them, and nobody else (`embedded_lease`).
No process id is ever noted down, and no order follows from a clock: one may be reused, the other
set back. Every statement is written once, for any :class:`.embedded_database.Database`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from .embedded_database import Database, Sqlite, Transaction
from .embedded_lease import Tenure, must_hold
from .embedded_records import RunRecord, event_from_json, event_to_json, plan_in, readable, record
from .plan import Plan, PlanUnreadable, RunRequest
from .starts import Event as Occurrence
from .starts import complete
from .walk import Event, Finished, Handout, Origin, State


class Store:
    """The scheduler's memory.

    Args:
        home: the scheduler's folder on this machine; it is made when it is not there.
        database: where the rows are; by default a file in that folder.
        environment: the settings, and what drives runs inherits; by default of this process.

    Raises:
        OSError: the folder cannot be made or written.
        StoreError: the database cannot be read or written; every method can raise it.
    """

    def __init__(
        self,
        home: Path,
        database: Database | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.home = home
        self.environment = environment
        home.mkdir(parents=True, exist_ok=True)
        self.database = database or Sqlite(home)

    @property
    def shared(self) -> bool:
        """Whether other machines use the same database."""
        return self.database.shared

    def settle(self) -> None:
        """Prepare for many transactions of this process."""
        self.database.settle()

    def seconds(self) -> float:
        """The time by the clock of the database, since the epoch."""
        with self.database.transaction() as transaction:
            now: float = transaction.execute("SELECT seconds() AS now").fetchone()["now"]
        return now

    def save_deployment(self, plan: Plan, code: Path) -> None:
        """Keep a deployment, in place of an earlier one of the same name (clause J9).

        What the earlier one was waiting for is forgotten; the new one starts waiting now.
        """
        name = plan.identity.name
        with self.database.transaction(one_at_a_time=True) as transaction:
            transaction.execute(
                "INSERT INTO deployment (name, plan, code, created) VALUES (?, ?, ?, seconds())"
                " ON CONFLICT (name) DO UPDATE SET plan = excluded.plan, code = excluded.code,"
                " created = excluded.created",
                (name, plan.to_json(), str(code)),
            )
            _forget(transaction, name)
            if plan.schedule:
                transaction.execute("INSERT INTO scheduled VALUES (?, seconds())", (name,))

    def deployment(self, name: str) -> tuple[Plan, Path] | None:
        """The plan and the code folder of a deployment, or None; raises what `readable` does."""
        with self.database.transaction() as transaction:
            row = transaction.execute("SELECT * FROM deployment WHERE name = ?", (name,)).fetchone()
        return (readable(plan_in(row)), Path(row["code"])) if row else None

    def deployments(self) -> list[Plan | PlanUnreadable]:
        """Every deployment, by name; in place of one that cannot be read, why."""
        with self.database.transaction() as transaction:
            rows = transaction.execute("SELECT name, plan FROM deployment ORDER BY name").fetchall()
        return [plan_in(row) for row in rows]

    def delete_deployment(self, name: str) -> bool:
        """Forget a deployment; its runs stay (clause L4). False when there is none."""
        with self.database.transaction(one_at_a_time=True) as transaction:
            _forget(transaction, name)
            gone = transaction.execute("DELETE FROM deployment WHERE name = ?", (name,)).rowcount
        return bool(gone)

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
        # One at a time: of two events that complete a trigger together, one has to see the other.
        with self.database.transaction(one_at_a_time=True) as transaction:
            new = transaction.execute(
                "INSERT INTO published VALUES (?, seconds()) ON CONFLICT DO NOTHING", (event.id,)
            )
            if not new.rowcount:
                return []
            for found in transaction.execute("SELECT * FROM deployment ORDER BY name").fetchall():
                plan = plan_in(found)
                if isinstance(plan, PlanUnreadable):
                    continue  # Nobody can say what it waits for; the server tells of it.
                if all(trigger.name != event.name for trigger in plan.triggers):
                    continue
                name = plan.identity.name
                transaction.execute(
                    "INSERT INTO seen (deployment, name, event) VALUES (?, ?, ?)"
                    " ON CONFLICT (deployment, name) DO UPDATE SET event = excluded.event",
                    (name, event.name, event.to_json()),
                )
                events = complete(plan.triggers, _seen(transaction, name))
                if events is not None:
                    _forget(transaction, name, schedule=False)
                    made = request(plan, events)
                    _insert_run(transaction, name, plan, Path(found["code"]), made)
                    started.append(made.run_id)
        return started

    def scheduled_until(self, name: str) -> float | None:
        """Up to when the scheduled runs of a deployment have been started; None for no schedule."""
        with self.database.transaction() as transaction:
            row = transaction.execute(
                "SELECT until FROM scheduled WHERE deployment = ?", (name,)
            ).fetchone()
        return row["until"] if row else None

    def schedule_until(self, name: str, until: float) -> None:
        """Note up to when the scheduled runs of a deployment have been started."""
        self._write("UPDATE scheduled SET until = ? WHERE deployment = ?", until, name)

    def open_runs(self) -> list[str]:
        """The ids of the runs for which something is left to do, oldest first."""
        with self.database.transaction() as transaction:
            rows = transaction.execute(
                "SELECT run_id FROM run WHERE closed = 0 ORDER BY place, run_id"
            ).fetchall()
        return [row["run_id"] for row in rows]

    def add_run(self, name: str, plan: Plan, code: Path, request: RunRequest) -> None:
        """Note a run to be made of a deployment; asking twice is asking once."""
        with self.database.transaction() as transaction:
            _insert_run(transaction, name, plan, code, request)

    def run(self, run_id: str) -> RunRecord | None:
        """A run, or None."""
        with self.database.transaction() as transaction:
            row = transaction.execute("SELECT * FROM run WHERE run_id = ?", (run_id,)).fetchone()
        return record(row) if row else None

    def wishes(self, run_id: str) -> tuple[str | None, bool] | None:
        """What was asked of a run under way: the reason to stop it, and whether to suspend it."""
        with self.database.transaction() as transaction:
            row = transaction.execute(
                "SELECT stop_reason, suspended FROM run WHERE run_id = ?", (run_id,)
            ).fetchone()
        return (row["stop_reason"], bool(row["suspended"])) if row else None

    def runs(self, name: str | None = None) -> list[RunRecord]:
        """The runs of a deployment, or all of them, newest first."""
        which, values = ("", ()) if name is None else ("WHERE deployment = ? ", (name,))
        with self.database.transaction() as transaction:
            rows = transaction.execute(
                f"SELECT * FROM run {which}ORDER BY place DESC, run_id DESC", values
            ).fetchall()
        return [record(row) for row in rows]

    def ask_to_stop(self, run_id: str, reason: str) -> None:
        """Leave word that a run is to end; whoever holds it acts on that."""
        self._write(
            "UPDATE run SET stop_reason = ? WHERE run_id = ? AND state = ?",
            *(reason, run_id, State.RUNNING.value),
        )

    def suspend(self, run_id: str, suspended: bool) -> None:
        """Leave word that a run is to pause, or to go on."""
        self._write("UPDATE run SET suspended = ? WHERE run_id = ?", int(suspended), run_id)

    def finish(self, tenure: Tenure, state: State, reason: str) -> None:
        """Note the verdict of a run; the first one stands.

        Raises:
            LeaseLost: somebody else holds the run; nothing is written.
        """
        with self.database.transaction() as transaction:
            must_hold(transaction, tenure)
            transaction.execute(
                "UPDATE run SET state = ?, reason = ?,"
                " finished = CASE WHEN seconds() > created THEN seconds() ELSE created END"
                " WHERE run_id = ? AND state = ?",
                (state.value, reason, tenure.run_id, State.RUNNING.value),
            )

    def close(self, tenure: Tenure) -> None:
        """Note that nothing is left to do for a run.

        Raises:
            LeaseLost: somebody else holds the run; nothing is written.
        """
        with self.database.transaction() as transaction:
            must_hold(transaction, tenure)
            transaction.execute("UPDATE run SET closed = 1 WHERE run_id = ?", (tenure.run_id,))

    def origin(self, run_id: str) -> dict[str, Origin]:
        """The tasks that succeeded in a run, and what each one had decided, by task id.

        A task that the run had itself cloned decided nothing there: its origin did.
        """
        run = self.run(run_id)
        if run is None:
            return {}
        earlier = self.origin(run.request.origin_run_id) if run.request.origin_run_id else {}
        done: dict[str, Origin] = {}
        for event in self.events(run_id):
            if isinstance(event, Finished) and event.exit_code == 0:
                handout = event.handout
                if handout == Handout() and event.task_id in earlier:
                    handout = earlier[event.task_id].handout
                done[event.task_id] = Origin(event.task_id, handout)
        return done

    def append(self, tenure: Tenure, event: Event) -> None:
        """Add to a run's events; the same one twice in a row, after a lost answer, is one.

        Raises:
            LeaseLost: somebody else holds the run; nothing is written.
        """
        body, run_id = event_to_json(event), tenure.run_id
        with self.database.transaction() as transaction:
            must_hold(transaction, tenure)
            last = transaction.execute(
                "SELECT number, body FROM event WHERE run_id = ? ORDER BY number DESC LIMIT 1",
                (run_id,),
            ).fetchone()
            if last is None or last["body"] != body:
                number = last["number"] + 1 if last else 0
                transaction.execute(
                    "INSERT INTO event VALUES (?, ?, ?, seconds())", (run_id, number, body)
                )

    def events(self, run_id: str) -> list[Event]:
        """A run's events, oldest first."""
        with self.database.transaction() as transaction:
            rows = transaction.execute(
                "SELECT body FROM event WHERE run_id = ? ORDER BY number", (run_id,)
            ).fetchall()
        return [event_from_json(row["body"]) for row in rows]

    def _write(self, statement: str, *values: object) -> None:
        with self.database.transaction() as transaction:
            transaction.execute(statement, values)


def _insert_run(
    transaction: Transaction, name: str, plan: Plan, code: Path, request: RunRequest
) -> None:
    transaction.execute(
        "INSERT INTO run (run_id, place, deployment, plan, code, request, state, created)"
        " SELECT ?, coalesce(max(place), -1) + 1, ?, ?, ?, ?, ?, seconds() FROM run WHERE true"
        " ON CONFLICT DO NOTHING",
        (
            *(request.run_id, name, plan.to_json(), str(code)),
            *(json.dumps(asdict(request)), State.RUNNING.value),
        ),
    )


def _forget(transaction: Transaction, name: str, *, schedule: bool = True) -> None:
    """Drop the events that a deployment has seen, and with them its place in its schedule."""
    transaction.execute("DELETE FROM seen WHERE deployment = ?", (name,))
    if schedule:
        transaction.execute("DELETE FROM scheduled WHERE deployment = ?", (name,))


def _seen(transaction: Transaction, name: str) -> dict[str, Occurrence]:
    rows = transaction.execute(
        "SELECT name, event FROM seen WHERE deployment = ?", (name,)
    ).fetchall()
    return {row["name"]: Occurrence.from_json(row["event"]) for row in rows}
