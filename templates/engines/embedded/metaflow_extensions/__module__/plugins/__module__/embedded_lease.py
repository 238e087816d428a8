"""Who may drive a run: one process at a time, wherever it is, and only while it is surely alive.

A run is *held* by the executor that claimed it last. Each claim counts the run's *fence* up, and
whatever an executor writes about a run is written only while the fence is still the one that it
was given: one that was paused, taken for dead and continued can change nothing.

On a database that several machines share, a claim lasts for a *lease*, by the database's clock,
and is renewed; another machine claims a run only after the end of its lease. Long before, in the
middle of it, the kernel kills an executor that has not renewed (SIGALRM), and with it its steps:
neither a cut network nor a process that hangs or was stopped can lead to two copies. On a file of
one machine the lock in the run's folder decides alone, and no clock counts.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .embedded_database import Database, StoreDamaged, StoreError, Transaction
from .embedded_folder import RunFolder

#: Part of a lease after which an executor that could not renew it is dead.
DEAD = 1 / 2

#: Part of a lease after which its keeper ends the steps of an executor that was stopped. Later, so
#: that no live executor ever takes the end of such a step for a failure.
ORPHANED = 5 / 8

#: Part of a lease after which it is renewed.
_RENEWED = 1 / 8


class LeaseLost(Exception):
    """Somebody else drives the run now; what was to be written is not."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """The right to write about a run.

    Attributes:
        run_id: the run.
        fence: how many claims there have been, this one included.
        moved: whether another machine had it before.
    """

    run_id: str
    fence: int
    moved: bool = False


def this_machine(home: Path) -> str:
    """Names those who see the same locks in a folder: the same kernel since its start, same folder.

    Two machines that share a folder, or two containers that look alike, have different names.
    """
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        kernel = socket.gethostname()
    found = home.stat()
    return f"{kernel}/{found.st_dev}/{found.st_ino}"


def claim(
    database: Database, run_id: str, holder: str, seconds: float, *, locked: bool = False
) -> Tenure | None:
    """Try to become the one who drives a run.

    Args:
        database: where the run is.
        run_id: the run.
        holder: this machine.
        seconds: the length of the lease.
        locked: whether the caller has the lock in the folder of the run, so that nothing else
            of this machine drives it, whatever lease that has left.

    Returns:
        None when somebody else drives it, or nothing is left to do for it.
    """
    with database.transaction() as transaction:
        before = transaction.execute(
            "SELECT holder FROM run WHERE run_id = ? AND closed = 0", (run_id,)
        ).fetchone()
        if before is None:
            return None
        won = transaction.execute(
            "UPDATE run SET holder = ?, fence = fence + 1, held_until = seconds() + ?"
            " WHERE run_id = ? AND closed = 0 AND holder = ?"
            " AND (? = 1 OR held_until < seconds() OR holder = ?)",
            (
                *(holder, seconds, run_id, before["holder"]),
                *(int(locked and not database.shared), holder if locked else None),
            ),
        )
        if not won.rowcount:
            return None
        row = transaction.execute("SELECT fence FROM run WHERE run_id = ?", (run_id,)).fetchone()
    return Tenure(run_id, row["fence"], before["holder"] not in ("", holder))


def must_hold(transaction: Transaction, tenure: Tenure) -> None:
    """Make sure that a run cannot be claimed until the end of a transaction.

    Raises:
        LeaseLost: it has been.
    """
    held = transaction.execute(
        "UPDATE run SET fence = fence WHERE run_id = ? AND fence = ?",
        (tenure.run_id, tenure.fence),
    )
    if not held.rowcount:
        raise LeaseLost(f"{tenure.run_id} is driven by somebody else")


def renew(database: Database, tenure: Tenure, seconds: float) -> None:
    """Make a lease last for so long from now.

    Raises:
        LeaseLost: somebody else has claimed the run.
        StoreError: the database cannot be reached.
    """
    with database.transaction() as transaction:
        must_hold(transaction, tenure)
        transaction.execute(
            "UPDATE run SET held_until = seconds() + ? WHERE run_id = ?", (seconds, tenure.run_id)
        )


def held_by(database: Database, holder: str) -> list[str]:
    """The ids of the runs that a machine drives, or has to go on with."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            "SELECT run_id FROM run WHERE closed = 0 AND holder = ? ORDER BY place", (holder,)
        ).fetchall()
    return [row["run_id"] for row in rows]


def unheld(database: Database) -> list[str]:
    """The ids of the runs that nobody drives: new ones, and those of the dead; oldest first."""
    with database.transaction() as transaction:
        rows = transaction.execute(
            "SELECT run_id FROM run WHERE closed = 0 AND held_until < seconds() ORDER BY place"
        ).fetchall()
    return [row["run_id"] for row in rows]


def serve(database: Database, holder: str, seconds: float) -> None:
    """Let others know that a machine takes runs, for so long from now."""
    with database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO server VALUES (?, seconds() + ?)"
            " ON CONFLICT (holder) DO UPDATE SET until = excluded.until",
            (holder, seconds),
        )


def is_served(database: Database) -> bool:
    """Whether any machine takes runs."""
    with database.transaction() as transaction:
        found = transaction.execute("SELECT 1 FROM server WHERE until > seconds()").fetchone()
    return found is not None


class Lease:
    """Keeps a claim alive, and this process only as long as the claim.

    Args:
        database: where the run is.
        tenure: the claim.
        seconds: its length.
        folder: the folder of the run, where its keeper looks for a sign of life.
    """

    def __init__(
        self, database: Database, tenure: Tenure, seconds: float, folder: RunFolder
    ) -> None:
        self._database = database
        self.tenure = tenure
        self._seconds = seconds
        self._folder = folder

    @classmethod
    def take(cls, database: Database, home: Path, run_id: str, seconds: float) -> Lease | None:
        """Claim a run whose lock the caller has; None when somebody else drives it.

        Raises:
            StoreError: the database cannot be reached.
        """
        asked = time.monotonic()
        tenure = claim(database, run_id, this_machine(home), seconds, locked=True)
        if tenure is None:
            return None
        folder = RunFolder.of(home, run_id)
        lease = cls(database, tenure, seconds, folder)
        if tenure.moved:
            folder.forget_handouts()
        if database.shared:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            lease._live_on(asked)
        return lease

    async def during(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something while the lease is renewed.

        Raises:
            LeaseLost: somebody else drives the run; the work has been cancelled.
        """
        if not self._database.shared:
            await work
            return
        tasks = [asyncio.create_task(work), asyncio.create_task(self._renew())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            signal.setitimer(signal.ITIMER_REAL, 0)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._seconds * _RENEWED)
            asked = time.monotonic()
            try:
                renew(self._database, self.tenure, self._seconds)
            except StoreDamaged:
                raise
            except StoreError:
                continue  # It may be there again before the time is up.
            self._live_on(asked)

    def _live_on(self, asked: float) -> None:
        """Put off the death of this process, from the moment before the database was asked."""
        self._folder.show_life(asked)
        left = self._seconds * DEAD - (time.monotonic() - asked)
        signal.setitimer(signal.ITIMER_REAL, max(left, 1e-6))
