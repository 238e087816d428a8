"""A flow, compiled into data.

A :class:`Plan` says everything that a scheduler has to know to run a flow: the graph, how often
each step is tried, the options and the environment of every command. It is plain data: it
serialises to JSON, the same flow gives the same bytes, and reading it back needs no Metaflow.
Engines store it with the deployment and never look at the flow again.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .parameters import Parameter
from .parameters import encode as encode  # Engines of older kits take it from here.
from .starts import Schedule, Trigger

#: Version of the serialised form. A reader refuses a newer one.
VERSION = 3

#: Fields of a step that JSON would give back as lists.
_TUPLES = ("out", "decospecs", "bootstrap")


class PlanUnreadable(ValueError):
    """A stored plan cannot be read here; the message says why, and what to do."""


class PlanTooNew(PlanUnreadable):
    """It was written by a newer version of these modules: others may be able to read it."""


class PlanDamaged(PlanUnreadable):
    """What should be a plan is none, or not all of it: nobody can read it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the graph, as the scheduler sees it.

    Attributes:
        name: its name in the flow.
        type: Metaflow's node type: start, linear, split, foreach, split-switch, join or end.
        out: names of the steps that can follow, in the order of `self.next`.
        join: for a split or foreach, the step that closes it; empty otherwise.
        parallel_foreach: whether it opens a @parallel gang instead of a list of items.
        attempts: how many attempts there are at most, fallbacks included (appendix 4).
        user_retries: value of `--max-user-code-retries` on every attempt (clause H2).
        retry_delay: seconds between attempts (clause H5).
        timeout: seconds that @timeout allows for one attempt, 0 for no limit (clause H7).
        resources: what @resources asks for: cpu, gpu, memory (MB), disk (MB) (clause M1).
        environment: the variables of @environment, after configs were resolved (clause G8).
        decospecs: values of `--with` for this step (clause D9).
        python: how the interpreter of its environment is called, where it has one of its own
            (clause M4); empty for that of the worker.
        bootstrap: shell commands that make that interpreter, in a folder with the whole code
            package; none where it was made at `create`.
    """

    name: str
    type: str
    out: tuple[str, ...] = ()
    join: str = ""
    parallel_foreach: bool = False
    attempts: int = 1
    user_retries: int = 0
    retry_delay: float = 0.0
    timeout: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    decospecs: tuple[str, ...] = ()
    python: str = ""
    bootstrap: tuple[str, ...] = ()

    @property
    def is_join(self) -> bool:
        """Only the node type tells: merges of a switch have several parents too (clause D4)."""
        return self.type == "join"

    @property
    def is_foreach(self) -> bool:
        """Whether it opens one arm per item."""
        return self.type == "foreach"

    @property
    def is_switch(self) -> bool:
        """Whether it chooses one of its successors at run time."""
        return self.type == "split-switch"

    @property
    def is_recursive(self) -> bool:
        """Whether it can choose itself (clause D5)."""
        return self.name in self.out


@dataclass(frozen=True, slots=True)
class Code:
    """The code package of the deployment (clauses G5, I3).

    Attributes:
        script: file name of the flow inside the package.
        url: where the package is in the datastore.
        sha: its content hash.
        metadata: how Metaflow unpacks it.
        datastore: type of the datastore that holds it.
    """

    script: str
    url: str = ""
    sha: str = ""
    metadata: str = ""
    datastore: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose deployment it is and where it belongs (clause J6)."""

    name: str
    flow_name: str
    owner: str
    production_token: str
    token_prefix: str = ""
    project: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled flow.

    Attributes:
        identity: name, owner, token, project and branch of the deployment.
        start_step: the entry step, whatever its name (clause D2).
        end_step: the last step, whatever its name.
        steps: every step by name.
        options: top-level options of every command, as `(flag, value...)` (clauses D8, D10).
        environment: variables of every command (group G).
        parameters: the flow's parameters, in the order of their definition.
        configs: resolved configs as Metaflow's local config file holds them (clause D7).
        tags: tags of the run and its tasks (clause E8).
        namespace: value of `--namespace` of every step, None to leave it to the token.
        code: the code package.
        max_workers: tasks of one run that may run at a time (clause L7).
        workflow_timeout: seconds that a whole run may take, None for no limit (clause L7).
        success_hooks: functions to call after a run that succeeded, by name (clause K7).
        error_hooks: functions to call after a run that did not.
        schedule: when it runs by itself.
        triggers: the events that together start a run.
        warm: whether attempts may be forked from a process that has imported Metaflow.
    """

    identity: Identity
    start_step: str
    end_step: str
    steps: Mapping[str, Step]
    options: tuple[tuple[str, ...], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    configs: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    namespace: str | None = None
    code: Code = Code("flow.py")
    max_workers: int = 100
    workflow_timeout: int | None = None
    success_hooks: tuple[str, ...] = ()
    error_hooks: tuple[str, ...] = ()
    schedule: Schedule | None = None
    triggers: tuple[Trigger, ...] = ()
    warm: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-serialisable data, with its version."""
        return {"version": VERSION, **asdict(self)}

    def to_json(self, indent: int | None = None) -> str:
        """The plan as JSON: the same plan gives the same text."""
        return json.dumps(self.to_dict(), sort_keys=True, indent=indent, ensure_ascii=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The plan that :meth:`to_dict` described.

        Raises:
            PlanTooNew: it was written by a newer version of these modules.
            PlanDamaged: it is no plan.
        """
        try:
            fields = dict(data)
            version = fields.pop("version")
            if not isinstance(version, int):
                raise TypeError(f"version {version!r}")
            if version <= VERSION:
                return cls._read(fields)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PlanDamaged(
                f"This is no plan, or a damaged one ({error!r}). Deploy the flow again."
            ) from error
        raise PlanTooNew(
            f"This plan has version {version}; this extension reads up to {VERSION}. "
            "Update the extension, or deploy the flow under another name."
        )

    @classmethod
    def _read(cls, fields: dict[str, Any]) -> Plan:
        fields["identity"] = Identity(**fields["identity"])
        fields["code"] = Code(**fields["code"])
        fields["steps"] = {
            name: Step(**{**step, **{key: tuple(step.get(key, ())) for key in _TUPLES}})
            for name, step in fields["steps"].items()
        }
        fields["parameters"] = tuple(Parameter(**p) for p in fields["parameters"])
        fields["options"] = tuple(tuple(option) for option in fields["options"])
        for name in ("tags", "success_hooks", "error_hooks"):
            fields[name] = tuple(fields.get(name, ()))
        if fields.get("schedule"):
            fields["schedule"] = Schedule(**fields["schedule"])
        fields["triggers"] = tuple(Trigger(**trigger) for trigger in fields.get("triggers", ()))
        return cls(**fields)

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """The plan that :meth:`to_json` wrote.

        Raises:
            PlanTooNew: see :meth:`from_dict`.
            PlanDamaged: see :meth:`from_dict`.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise PlanDamaged(
                f"This is no plan, or a damaged one ({error}). Deploy the flow again."
            ) from error
        return cls.from_dict(data)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run of a deployment.

    Attributes:
        run_id: the Metaflow run id, known before the run starts (clause E10).
        parameters: values given at trigger time, by parameter name, as `init` takes them.
        origin_run_id: the run that this one resumes, if any (clause N3).
        rerun: a step whose tasks are run again although they succeeded in the origin.
        triggers: the events that started it, as `current.trigger` shows them (clause K5).
    """

    run_id: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    origin_run_id: str | None = None
    rerun: str | None = None
    triggers: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunRequest:
        """The request that `dataclasses.asdict` described, also after a detour through JSON."""
        return cls(**{**data, "triggers": tuple(data.get("triggers", ()))})

    def values(self, plan: Plan) -> dict[str, str]:
        """Every parameter that `init` gets: what was given, else the deploy-time default.

        Parameters without a value are left out (clause E6).
        """
        defaults = {p.name: p.default for p in plan.parameters if p.default is not None}
        return {**defaults, **self.parameters}
