"""A scaffolded extension on the import path of real Metaflow processes; nothing is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.scaffold import names, render, write

FLOWS = Path(__file__).parent / "flows"
TYPE = "my-scheduler"

#: Seconds for one Metaflow command, on a machine that has other things to do.
PATIENCE = 200


@dataclass(frozen=True, slots=True)
class Bench:
    """A scaffolded extension, and everything that its commands write.

    Attributes:
        root: the folder of the bench.
        variables: more environment for every command.
    """

    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def home(self) -> Path:
        """Where the embedded engine keeps its state."""
        return self.root / "home"

    @property
    def datastore(self) -> Path:
        return self.root / "datastore"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command: none of the caller's Metaflow settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("METAFLOW_")}
        return {
            **inherited,
            "PYTHONPATH": str(self.project),
            "METAFLOW_USER": "ada",
            "METAFLOW_HOME": str(self.root / "no-config"),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(self.datastore),
            "METAFLOW_MY_SCHEDULER_HOME": str(self.home),
            "KIT_BENCH": str(self.root),
            **self.variables,
        }

    def flow(self, source: str, name: str = "flow.py") -> Path:
        """A flow file of its own folder."""
        folder = self.root / "flows" / f"{len(list(self.root.glob('flows/*')))}"
        folder.mkdir(parents=True)
        path = folder / name
        path.write_text(source, encoding="utf-8")
        return path

    def run(
        self, flow: Path, *arguments: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`python flow.py ...`, from the folder of the flow."""
        return subprocess.run(
            [sys.executable, str(flow), *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=self.environment,
            cwd=cwd or flow.parent,
            stdin=subprocess.DEVNULL,
        )

    def compiled(self, flow: Path, *top: str, create: tuple[str, ...] = ()) -> dict[str, Any]:
        """The plan of a flow, by `create --only-json`."""
        done = self.run(flow, *top, TYPE, "create", "--only-json", *create)
        assert done.returncode == 0, done.stdout + done.stderr
        plan: dict[str, Any] = json.loads(done.stdout)
        return plan

    def processes(self, mark: str = "") -> Iterator[tuple[int, str]]:
        """Every process with a mark in its environment that has not ended.

        Args:
            mark: `NAME=value`; by default, whatever this bench led to.
        """
        sought = (mark or f"KIT_BENCH={self.root}").encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                marked = sought in (entry / "environ").read_bytes().split(b"\0")
                dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if marked and not dead:
                yield int(entry.name), words


def make_bench(root: Path, engine: str = "embedded") -> Bench:
    """Scaffold an extension into a new bench."""
    project = render.project(render.Answers(names.parse(TYPE), engine))
    write.write(write.plan(project, root / "project", force=False))
    return Bench(root)
