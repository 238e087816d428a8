"""From Metaflow's objects to a :class:`Plan`: everything that is read from a flow is read here.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from metaflow import current
from metaflow.decorators import flow_decorators
from metaflow.exception import MetaflowException
from metaflow.user_configs.config_parameters import dump_config_values

from .compile_commands import environment_of, options_of
from .compile_parameters import parameters_of
from .compile_starts import check_complete, schedule_of, triggers_of
from .compile_steps import step_of
from .parameters import keyword
from .plan import Code, Identity, Plan

#: Decorators that ask for a machine of another kind. Under `step` they would run in place, without
#: a word (clause M2).
_COMPUTE = ("kubernetes", "batch", "slurm", "nvidia", "nvct", "snowpark", "trainium", "inferentia")

#: Decorators that need an interpreter of their own (clause M4).
_ENVIRONMENTS = ("conda", "pypi", "uv")

#: Flow decorators that the scheduler has to act on, and the capability each one needs.
_FLOW_DECORATORS = {
    "schedule": "SCHEDULE",
    "trigger": "EVENT_TRIGGER",
    "trigger_on_finish": "TRIGGER_ON_FINISH",
    "exit_hook": "EXIT_HOOK",
}


class NotSupportedByScheduler(MetaflowException):
    """The flow asks for something that this scheduler cannot do (clause C10)."""

    headline = "Not supported"


def refuse_unsupported(obj: Any, scheduler: str, supported: Iterable[str]) -> None:
    """Refuse, before the scheduler is asked, what it would otherwise silently ignore.

    Args:
        obj: the state of Metaflow's command line.
        scheduler: what the scheduler is called in the message.
        supported: names of the declared capabilities.

    Raises:
        NotSupportedByScheduler: the flow needs a capability that is not declared (clause C10).
        MetaflowException: two parameters have the same name for the command line (clause D6).
    """
    have = frozenset(supported)
    for capability, what in _needs(obj):
        if capability not in have:
            raise NotSupportedByScheduler(f"{what} is not supported by {scheduler}.")
    parameters = [parameter for _, parameter in obj.flow._get_parameters()]
    _refuse_twins(p.name for p in parameters if not p.IS_CONFIG_PARAMETER)


def _refuse_twins(names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(keyword(name), name)
        if twin is not name:
            raise MetaflowException(
                f"Parameters {twin} and {name} are not supported in one flow: names that differ "
                "only in case, or in '-' and '_', are one name for trigger()."
            )


def _needs(obj: Any) -> Iterable[tuple[str, str]]:
    """Every capability that the flow asks for beyond the required ones, with where."""
    for deco in flow_decorators(obj.flow):
        if deco.name in _FLOW_DECORATORS:
            yield _FLOW_DECORATORS[deco.name], f"Flow decorator @{deco.name}"
    for node in obj.graph:
        if node.parallel_step and obj.environment.bootstrap_commands(
            node.name, obj.flow_datastore.TYPE
        ):
            # Metaflow starts the other nodes with `executable(step)` as one word (clause M4).
            environment = f"--environment={obj.environment.TYPE}"
            yield "GANG_IN_AN_ENVIRONMENT", f"@parallel with {environment} (step {node.name})"
        if node.parallel_foreach:
            yield "PARALLEL", f"@parallel (num_parallel in step {node.name})"
        if node.type == "split-switch":
            yield "SWITCH", f"A switch (step {node.name})"
        if node.name in node.out_funcs:
            yield "RECURSIVE_SWITCH", f"A recursive switch (step {node.name})"
        if node.type == "foreach" and any(
            obj.graph[parent].type == "foreach" for parent in node.split_parents
        ):
            yield "NESTED_FOREACH", f"A nested foreach (step {node.name})"
        for deco in node.decorators:
            if deco.name in _ENVIRONMENTS and not deco.attributes.get("disabled"):
                yield "CONDA", f"@{deco.name} (step {node.name})"
            if deco.name in _COMPUTE:
                yield "REMOTE_COMPUTE", f"@{deco.name} (step {node.name})"
    if obj.environment.TYPE in _ENVIRONMENTS:
        # Without a decorator as well: the option alone changes no step's interpreter (clause M4).
        yield "CONDA", f"--environment={obj.environment.TYPE}"


def compile_plan(
    obj: Any,
    *,
    identity: Identity,
    scheduler: str,
    code: Code,
    tags: Iterable[str] = (),
    namespace: str | None = None,
    max_workers: int = 100,
    workflow_timeout: int | None = None,
    warm: bool = True,
) -> Plan:
    """Compile the flow that Metaflow's command line has loaded and decorated (clause D1).

    Args:
        obj: the state of Metaflow's command line, after `start` attached `--with` decorators.
        identity: name, owner and token of the deployment.
        scheduler: the scheduler's TYPE, which tags the runs.
        code: the code package.
        tags: values of `--tag`.
        namespace: value of `--namespace`.
        max_workers: value of `--max-workers`.
        workflow_timeout: value of `--workflow-timeout`, in seconds.
        warm: whether `--no-warm` was not given.
    """
    graph = obj.flow._graph
    parameters = tuple(parameters_of(obj.flow))
    schedule, triggers = schedule_of(obj.flow), triggers_of(obj.flow, parameters)
    check_complete(obj.flow, parameters, schedule, triggers)
    return Plan(
        identity=identity,
        start_step=graph.start_step,
        end_step=graph.end_step,
        steps={node.name: step_of(obj, node, deployed=bool(code.url)) for node in graph},
        options=options_of(obj),
        environment=environment_of(obj, identity, scheduler, code),
        parameters=parameters,
        configs=dump_config_values(obj.flow),
        tags=tuple(sorted(tags)),
        namespace=namespace,
        code=code,
        max_workers=max_workers,
        workflow_timeout=workflow_timeout,
        success_hooks=_hooks(obj, "success_hooks"),
        error_hooks=_hooks(obj, "error_hooks"),
        schedule=schedule,
        triggers=triggers,
        warm=warm,
    )


def _hooks(obj: Any, which: str) -> tuple[str, ...]:
    """The functions of every @exit_hook of the flow, in order (clause K7)."""
    decorators = [deco for deco in flow_decorators(obj.flow) if deco.name == "exit_hook"]
    return tuple(hook for deco in decorators for hook in getattr(deco, which))


def project_of(obj: Any) -> tuple[str | None, str | None, str | None]:
    """`(project, branch, qualified flow name)` of a flow with @project, else three times None."""
    if not any(deco.name == "project" for deco in flow_decorators(obj.flow)):
        return None, None, None
    return current.get("project_name"), current.get("branch_name"), current.get("project_flow_name")


def script_name() -> str:
    """File name of the flow, as it stands in the code package."""
    return Path(sys.argv[0]).name
