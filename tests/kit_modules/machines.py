"""Machines that share the runs of an embedded engine: what is theirs alone is a folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from live_engine import Live, wait_until
from scaffolded import TYPE

#: Seconds of a lease in these tests: enough for a busy machine to renew in time.
LEASE = 30


@dataclass(slots=True)
class Machines:
    """Machines of their own folders that serve one database.

    Attributes:
        live: the engine of somebody who only looks on.
        servers: the process that serves, by the name of its machine.
    """

    live: Live
    servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def serve(self, name: str) -> None:
        """Let a machine take runs."""
        environment = {
            **os.environ,
            "KIT_MACHINE": name,
            self.live.variable("HOME"): str(self.live.folder / f"home-{name}"),
        }
        flow = self.live.flow("solo")
        self.servers[name] = subprocess.Popen(
            [sys.executable, str(flow), TYPE, "serve"],
            env=environment,
            cwd=flow.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def processes(self, name: str, word: str = "") -> list[int]:
        """The processes of a machine, with a word in their command line."""
        here = self.live.bench.processes(f"KIT_MACHINE={name}")
        return [pid for pid, words in here if word in words and pid in dict(self.live.processes())]

    def executors(self, name: str) -> list[int]:
        """The processes of a machine that drive runs."""
        keepers = self.processes(name, "embedded_keeper")
        return [p for p in self.processes(name, "embedded_executor") if p not in keepers]

    def held(self, run_id: str) -> tuple[int, float]:
        """How often a run has been claimed, and the seconds that are left of the last lease."""
        with self.live.engine._store.database.transaction() as transaction:
            row = transaction.execute(
                "SELECT fence, held_until - seconds() AS remaining FROM run WHERE run_id = ?",
                (run_id,),
            ).fetchone()
        return row["fence"], row["remaining"]

    def power_off(self, name: str) -> None:
        """End everything of a machine at once."""

        def ended() -> bool:
            found = self.processes(name)
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not found

        wait_until(ended, f"{name} is off")

    def close(self) -> None:
        """End every machine; the next test shall not think that one of them serves."""
        for name, server in self.servers.items():
            self.power_off(name)
            server.wait(60)
        with self.live.engine._store.database.transaction() as transaction:
            transaction.execute("DELETE FROM server")
