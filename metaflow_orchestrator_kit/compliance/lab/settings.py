"""What a lab is told when it starts, and where its files are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.model import Scenario, Via


@dataclass(frozen=True, slots=True)
class LabSettings:
    """One lab: a folder, a scheduler, and how to deploy to it."""

    directory: str
    scheduler_type: str
    token: str
    """Unique for this invocation: part of flow names, and the mark of its processes."""
    deploy_args: dict[str, Any] = field(default_factory=dict)
    decospecs: list[str] = field(default_factory=list)
    slots: int = 4
    """How many scenarios are observed at a time."""
    timeout: float | None = None
    """Overrides the time limit of every scenario."""
    isolated: bool = True
    """Whether the datastore is the lab's own; if not, deployments are deleted at the end."""
    unreachable: dict[str, str] = field(default_factory=dict)
    """What cuts the scheduler off: variables, in capital letters, and deploy arguments."""

    @property
    def path(self) -> Path:
        """The lab's folder."""
        return Path(self.directory)

    def scenario_folder(self, scenario: str) -> Path:
        """The folder that keeps the evidence of one scenario."""
        return self.path / "scenarios" / scenario

    def observation(self, scenario: str) -> Path:
        """The file that appears, complete, when the scenario has been observed."""
        return self.path / "observations" / f"{scenario}.json"

    def limit(self, own: float) -> float:
        """The time limit of a scenario whose own one is given."""
        return own if self.timeout is None else self.timeout

    def save(self) -> None:
        """Write the settings into the folder, where the lab reads them."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("scenarios", "observations"):
            (self.path / name).mkdir(exist_ok=True)
        write_atomically(self.path / "settings.json", asdict(self))

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> LabSettings:
        """The settings of the lab in that folder."""
        return cls(**json.loads((Path(directory) / "settings.json").read_text("utf-8")))


def save_scenarios(settings: LabSettings, found: Iterable[Scenario]) -> None:
    """Tell the lab of scenarios that no module declares; before it starts."""
    settings.path.mkdir(parents=True, exist_ok=True)
    plain = [
        {**asdict(one), "caps": [cap.name for cap in one.caps], "via": one.via.value}
        for one in found
    ]
    write_atomically(settings.path / "scenarios.json", plain)


def scenarios(settings: LabSettings) -> dict[str, Scenario]:
    """The scenarios that :func:`save_scenarios` wrote, by their ids."""
    return {
        one["id"]: Scenario(
            **{**one, "caps": tuple(map(Cap.parse, one["caps"])), "via": Via(one["via"])}
        )
        for one in read_json(settings.path / "scenarios.json") or ()
    }


def write_atomically(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    """Write JSON so that a reader sees all of it or nothing."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(value), encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """The JSON in a file, None when it is not there."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
