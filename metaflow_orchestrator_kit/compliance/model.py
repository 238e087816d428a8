"""What the suite does (:class:`Scenario`) and what it saw (:class:`Observation`).

Both are plain values. A scenario is declared next to the cases that need it; an observation
is written by the lab as JSON and read back by every case, in whichever process it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap

UNIQUE = "<unique>"
"""In a string of ``top``, ``deploy`` or ``trigger``: replaced by a token of this scenario."""

DIRECTORY = "<dir>"
"""Likewise: replaced by the folder that the scenario's flow file was copied to."""

LEDGER = "MOK_LEDGER"
"""Environment variable, set while deploying: the folder in which attempts leave a record.

A task on another host need not see it. A flow takes it as the deploy-time default of a
parameter, and writes nothing when the folder does not exist."""

RELEASE = "release"
"""The file in the ledger folder that appears once ``trigger()`` has returned."""


class Via(Enum):
    """How a deployed flow is triggered."""

    DEPLOYED = "deployed"
    """By the object that ``create()`` returned."""
    FROM_DEPLOYMENT = "from_deployment"
    """By ``from_deployment(name)`` in a fresh process, in another directory."""


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One flow, deployed and triggered once in a named way; cases share what was seen."""

    id: str
    flow: str
    """Stem of the file in ``compliance_flows``, or in ``folder``."""
    caps: tuple[Cap, ...] = ()
    """What the flow itself needs. One of them undeclared: deploying it is a probe."""
    top: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of ``Deployer(flow, **top)``."""
    deploy: Mapping[str, Any] = field(default_factory=dict)
    """Further keywords of ``.create()``; the kit adds the deploy arguments of the user."""
    trigger: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of ``.trigger()``."""
    via: Via = Via.DEPLOYED
    script: str | None = None
    """A function of ``lab/actions.py`` that does the part after deploying in another way."""
    before: str | None = None
    """A function of ``lab/actions.py`` that makes ready what the flow needs to be deployed."""
    timeout: float = 180.0
    """Seconds after which the wait for the end of the run is given up."""
    expected: float = 10.0
    """Roughly how long it takes; the long ones are started first."""
    folder: str = ""
    """Where the flow file is, for flows that the kit does not ship."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a scenario could not be carried through."""

    phase: str
    """``deploy``, ``trigger``, ``wait``, ``read``, or ``lab`` (the kit's own fault)."""
    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What ``create()`` said about the deployed flow."""

    name: str | None
    flow_name: str | None
    metadata: str | None
    attributes: dict[str, Any] = field(default_factory=dict)
    """What the attribute file of ``create`` held."""
    trigger_attributes: dict[str, Any] = field(default_factory=dict)
    """What the attribute file of ``trigger`` held."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """The run, as the Metaflow client shows it after the end."""

    id: str
    user_tags: list[str]
    system_tags: list[str]
    successful: bool
    finished: bool
    parameters_tasks: list[str] = field(default_factory=list)
    """The ids of the tasks of ``_parameters``: one, however often the entry step is tried."""


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """One task, as the Metaflow client shows it after the end of the run."""

    step: str
    id: str
    index: list[int]
    """The position in each foreach around the task, outermost first."""
    attempts: list[int]
    """The attempt numbers that were registered, in the order they were."""
    current_attempt: int | None
    successful: bool
    finished: bool
    exception: str | None
    artifacts: dict[str, Any]
    """Values as JSON; what JSON cannot hold is ``{"repr": "..."}``."""
    stdout: str
    stderr: str
    metadata: dict[str, str]
    """The latest value of each metadata field."""
    tags: list[str]
    parents: list[str] | None
    """Pathspecs ``run/step/task``; None where the client could not tell."""
    created_at: float | None
    finished_at: float | None
    attempt_times: list[tuple[int, float, float | None, bool | None]] = field(default_factory=list)
    """Number, start, end and success of each attempt; end and success None where it left none."""


@dataclass(frozen=True, slots=True)
class Residue:
    """What was left behind some seconds after the end of the run."""

    files: list[str] = field(default_factory=list)
    """Files that appeared beside the flow file or in the working directory."""
    processes: list[str] = field(default_factory=list)
    """``pid command`` of processes started by the scenario that still run."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that was seen of one scenario."""

    scenario: str
    evidence: str = ""
    """The folder that keeps it: flow file, logs, this observation."""
    error: Failure | None = None
    deployment: Deployment | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    """How long the calls took: ``deploy``, ``trigger``."""
    pathspec: str | None = None
    """What the trigger returned: ``FlowName/run-id``."""
    statuses: list[tuple[float, str | None]] = field(default_factory=list)
    """Changes of ``TriggeredRun.status``: seconds after the trigger, value."""
    run_visible_after: float | None = None
    """Seconds after the trigger until ``TriggeredRun.run`` was not None."""
    terminal_after: float | None = None
    """Seconds after the trigger until the run had ended."""
    final_status: str | None = None
    run: RunSeen | None = None
    tasks: list[TaskSeen] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    """What attempts wrote to the ledger folder, failed ones too, in the order of time."""
    residue: Residue = field(default_factory=Residue)
    extra: dict[str, Any] = field(default_factory=dict)
    """What a special action saw."""
    output: str = ""
    """What the deploy and trigger commands printed."""

    def step(self, name: str) -> list[TaskSeen]:
        """The tasks of a step, ordered by their foreach index; empty where it has none."""
        found = [task for task in self.tasks if task.step == name]
        return sorted(found, key=lambda task: (task.index, task.created_at or 0.0))

    def one(self, name: str) -> TaskSeen | None:
        """The only task of a step; None where there is none, or more than one."""
        found = self.step(name)
        return found[0] if len(found) == 1 else None

    def entries(self, step: str) -> list[dict[str, Any]]:
        """What the attempts of one step wrote to the ledger (key ``step``), in order."""
        return [entry for entry in self.ledger if entry.get("step") == step]

    def __iter__(self) -> Iterator[TaskSeen]:
        return iter(self.tasks)

    def to_json(self) -> dict[str, Any]:
        """The observation as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Observation:
        """The observation that :meth:`to_json` described.

        Raises:
            ValueError: a required key is missing, so it was written by another version.
        """
        known = {item.name for item in fields(cls)}
        plain = {key: item for key, item in value.items() if key in known}
        try:
            if plain.get("error"):
                plain["error"] = Failure(**plain["error"])
            if plain.get("deployment"):
                plain["deployment"] = Deployment(**plain["deployment"])
            if plain.get("run"):
                plain["run"] = RunSeen(**plain["run"])
            plain["tasks"] = [TaskSeen(**task) for task in plain.get("tasks", ())]
            plain["residue"] = Residue(**plain.get("residue", {}))
            plain["statuses"] = [(at, status) for at, status in plain.get("statuses", ())]
            return cls(**plain)
        except TypeError as error:
            raise ValueError(f"An observation of another version of the kit: {error}.") from None
