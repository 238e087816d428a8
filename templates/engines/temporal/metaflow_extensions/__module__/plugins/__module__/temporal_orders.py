"""What workflows and activities are told, as plain data that travels through Temporal.

Nothing here talks to anybody: it is imported inside workflows, which have to be deterministic.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .parameters import encode
from .plan import Plan, RunRequest, Step
from .starts import Event, parameters_of, run_id_for
from .walk import Finished, Handout, Launch, TaskRef

#: Names that stand in Temporal's histories: renaming one breaks the runs under way.
RUN, START, LISTEN, AFTERWARDS, DEPLOYMENT = (
    f"metaflow-{what}" for what in ("run", "start", "listen", "end", "deployment")
)
ATTEMPT, ORIGIN, ENDED, HOOK = (
    f"metaflow-{what}" for what in ("attempt", "origin", "ended", "hook")
)

#: Version of what is said below. A worker refuses a newer one.
VERSION = 1

#: Events in a history after which a run goes on in a new one. A server ends a workflow at 51,200.
HISTORY = 10_000

#: Attempts of one run that may be under way at a time; a server allows 2,000.
MOST = 1_000

#: Bytes, compressed, above which only the outline of a plan travels. A server warns from 512 KiB,
#: and refuses more than 2 MiB; the plan stands in the history of every run.
LARGE = 200_000

#: Bytes of a compressed outline that still fit into what a server takes at a time.
LARGEST = 1_500_000

#: Kind of the failure of an activity whose plan is newer than its worker.
TOO_NEW = "TOO_NEW"


@dataclass(frozen=True, slots=True)
class Order:
    """A run to be made, or to be gone on with.

    Attributes:
        plan: the compiled flow, as `Plan.to_dict` gives it, or its :func:`outline`.
        reference: where all of the plan is in the datastore; activities read that.
        request: the run, as `asdict` of a `RunRequest` gives it.
        deployment: name of the deployment.
        scheduler: the type of this extension, with which run ids begin.
        queue: Temporal's task queue of the deployment.
        heartbeat: seconds of silence after which an attempt counts as lost.
        routes: the queue's suffix for steps that go to workers of their own, by step.
        created: when the run was asked for, in seconds since the epoch.
        events: what has happened so far, in its order, for a run that goes on.
        due: when attempts that wait for a retry are due, by task id.
        suspended: whether no more tasks start for now.
        origin: what the resumed run had done, as :func:`done` gives it; None if not read yet.
        history: events in Temporal's history after which the run goes on in a new one.
        whole: whether `plan` is all of the plan.
        version: of this description.
    """

    plan: dict[str, Any]
    reference: dict[str, str]
    request: dict[str, Any]
    deployment: str
    scheduler: str
    queue: str
    heartbeat: float
    routes: dict[str, str] = field(default_factory=dict)
    created: float = 0.0
    events: list[dict[str, Any]] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)
    suspended: bool = False
    origin: dict[str, dict[str, Any]] | None = None
    history: int = HISTORY
    whole: bool = True
    version: int = VERSION

    def memo(self) -> dict[str, Any]:
        """What listings show of a run or a deployment; servers allow little of it."""
        return {
            "deployment": self.deployment,
            "flow": self.plan["identity"]["flow_name"],
            "created": self.created,
            "events": [trigger["name"] for trigger in self.plan.get("triggers", ())],
        }


@dataclass(frozen=True, slots=True)
class Work:
    """One thing for an activity to do for a run.

    Attributes:
        reference: where the plan is in the datastore.
        request: the run.
        deployment: name of the deployment.
        heartbeat: seconds of silence after which it counts as lost.
        launch: the attempt to be made, for :data:`ATTEMPT`.
        hook: the function to call, for :data:`HOOK`.
        number: its place among the hooks.
        state: how the run has ended, for :data:`ENDED`.
        reason: why it did not succeed.
    """

    reference: dict[str, str]
    request: dict[str, Any]
    deployment: str
    heartbeat: float
    launch: dict[str, Any] = field(default_factory=dict)
    hook: str = ""
    number: int = 0
    state: str = ""
    reason: str = ""


def outline(plan: Plan) -> Plan:
    """A plan without what only commands and tasks read, which can be large."""
    steps = {name: replace(step, environment={}, decospecs=()) for name, step in plan.steps.items()}
    parameters = tuple(replace(one, default=None, description="") for one in plan.parameters)
    return replace(
        plan, steps=steps, parameters=parameters, configs={}, options=(), environment={}, tags=()
    )


def travelling(plan: Plan) -> tuple[Plan, bool]:
    """What of a plan travels through Temporal, and whether that is all of it.

    Raises:
        ValueError: the graph alone is too large.
    """
    if _size(plan) <= LARGE:
        return plan, True
    light = outline(plan)
    if (size := _size(light)) > LARGEST:
        raise ValueError(
            f"The graph of '{plan.identity.name}' has {size} bytes, compressed; Temporal takes "
            f"{LARGEST}. Split the flow."
        )
    return light, False


def _size(plan: Plan) -> int:
    return len(zlib.compress(plan.to_json().encode()))


def launch_from(data: dict[str, Any]) -> Launch:
    """The attempt that `asdict` described."""
    inputs = tuple(TaskRef(**ref) for ref in data["inputs"])
    return Launch(**{**data, "inputs": inputs, "index": tuple(data["index"])})


def to_dict(event: Finished) -> dict[str, Any]:
    """The end of an attempt as data."""
    return {**asdict(event), "handout": event.handout.to_dict()}


def finished_from(data: dict[str, Any]) -> Finished:
    """The end of an attempt that :func:`to_dict` described."""
    return Finished(**{**data, "handout": Handout.from_dict(data["handout"])})


def request_for(scheduler: str, plan: Plan, events: Sequence[Event]) -> RunRequest:
    """The run that events start; the same events ask for the same run (clauses K3, K6)."""
    types = {parameter.name: parameter.type for parameter in plan.parameters}
    encoded = {
        name: encode(value, types[name])
        for name, value in parameters_of(plan.triggers, events).items()
    }
    return RunRequest(
        run_id_for(scheduler, plan.identity.name, *(event.id for event in events)),
        {name: value for name, value in encoded.items() if value is not None},
        triggers=tuple(event.facts() for event in events),
    )


_ROUTE = re.compile(r"\s*([\w-]+)\s*:\s*(cpu|gpu|memory|disk)\s*>=\s*([\d.]+)\s*")


def routed(routes: str, steps: Sequence[Step]) -> dict[str, str]:
    """Which steps go to workers of their own, by what they ask for (clause M1).

    Args:
        routes: `NAME: RESOURCE >= NUMBER`, with `;` between; the first that holds decides.
            A worker that is started with `--route NAME` takes these steps, and only these.
        steps: the steps of a flow.

    Raises:
        ValueError: a route cannot be read.
    """
    parsed = []
    for text in filter(str.strip, routes.split(";")):
        match = _ROUTE.fullmatch(text)
        if match is None:
            raise ValueError(f"Route '{text.strip()}': write it as NAME: RESOURCE >= NUMBER.")
        parsed.append((match[1], match[2], float(match[3])))
    found = {}
    for step in steps:
        for name, resource, least in parsed:
            if step.resources.get(resource, 0.0) >= least:
                found[step.name] = name
                break
    return found
