"""From Metaflow's objects to a :class:`Plan`: everything that is read from a flow is read here.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from metaflow import current, metaflow_config
from metaflow.decorators import flow_decorators
from metaflow.exception import MetaflowException
from metaflow.includefile import FilePathClass
from metaflow.parameters import JSONType, deploy_time_eval
from metaflow.user_configs.config_options import ConfigInput
from metaflow.user_configs.config_parameters import dump_config_values

from .compile_starts import check_complete, schedule_of, triggers_of
from .interpreters import interpreter_of
from .plan import Code, Identity, Parameter, Plan, Step, attempts, encode, keyword

#: Metaflow settings that a task needs for clients, cards and files of its own (clause G7). Keys and
#: headers of services are left out: they are secrets, and a worker has its own.
_SETTINGS = (
    "DATASTORE_SYSROOT_S3",
    "DATASTORE_SYSROOT_AZURE",
    "DATASTORE_SYSROOT_GS",
    "DATATOOLS_S3ROOT",
    "DATATOOLS_AZUREROOT",
    "DATATOOLS_GSROOT",
    "DATATOOLS_LOCALROOT",
    "CARD_S3ROOT",
    "CARD_AZUREROOT",
    "CARD_GSROOT",
    "CARD_LOCALROOT",
    "S3_ENDPOINT_URL",
    "S3_SERVER_SIDE_ENCRYPTION",
    "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT",
    "DEFAULT_SECRETS_BACKEND_TYPE",
    "AWS_SECRETS_MANAGER_DEFAULT_REGION",
    "GCP_SECRET_MANAGER_PREFIX",
    "AZURE_KEY_VAULT_PREFIX",
)

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
    parameters = tuple(_parameters(obj.flow))
    schedule, triggers = schedule_of(obj.flow), triggers_of(obj.flow, parameters)
    check_complete(obj.flow, parameters, schedule, triggers)
    return Plan(
        identity=identity,
        start_step=graph.start_step,
        end_step=graph.end_step,
        steps={node.name: _step(obj, node, deployed=bool(code.url)) for node in graph},
        options=_top_level_options(obj),
        environment=_environment(obj, identity, scheduler, code),
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


def _step(obj: Any, node: Any, *, deployed: bool) -> Step:
    decorators = {deco.name: deco for deco in node.decorators}
    tries, user_retries = attempts([deco.step_task_retry_count() for deco in node.decorators])
    retry, timeout = decorators.get("retry"), decorators.get("timeout")
    python, bootstrap = interpreter_of(obj, node.name, deployed=deployed)
    variables = decorators["environment"].attributes["vars"] if "environment" in decorators else {}
    return Step(
        name=node.name,
        type=node.type,
        out=tuple(node.out_funcs),
        join=node.matching_join or "",
        parallel_foreach=bool(node.parallel_foreach),
        attempts=tries,
        user_retries=user_retries,
        # Attributes that came with --with are strings (clause H5).
        retry_delay=60.0 * float(retry.attributes["minutes_between_retries"]) if retry else 0.0,
        timeout=float(timeout.secs) if timeout else 0.0,
        resources=_resources(decorators.get("resources")),
        environment={str(key): str(value) for key, value in sorted((variables or {}).items())},
        decospecs=tuple(_dynamic_decospecs(node)),
        python=python,
        bootstrap=bootstrap,
    )


def _dynamic_decospecs(node: Any) -> Iterable[str]:
    """Decorators that importing the flow does not bring back by itself (clause D9)."""
    wrappers = [*getattr(node, "wrappers", ()), *getattr(node, "config_decorators", ())]
    for deco in [*node.decorators, *wrappers]:
        if not deco.statically_defined and getattr(deco, "inserted_by", None) is None:
            yield deco.make_decorator_spec()


def _resources(deco: Any) -> dict[str, float]:
    if deco is None:
        return {}
    wanted = {key: deco.attributes.get(key) for key in ("cpu", "gpu", "memory", "disk")}
    return {key: float(value) for key, value in wanted.items() if value not in (None, "")}


def _top_level_options(obj: Any) -> tuple[tuple[str, ...], ...]:
    """The options before `init` and `step`, pinned to what `create` saw (clauses D8, D10)."""
    options: dict[str, Any] = {
        "quiet": True,
        "no-pylint": True,
        "metadata": obj.metadata.TYPE,
        "environment": obj.environment.TYPE,
        "datastore": obj.flow_datastore.TYPE,
        "datastore-root": obj.flow_datastore.datastore_root,
        "event-logger": obj.event_logger.TYPE,
        "monitor": obj.monitor.TYPE,
    }
    for deco in flow_decorators(obj.flow):
        options.update(deco.get_top_level_options())
    return tuple(option for name, value in options.items() for option in _option(name, value))


def _option(name: str, value: Any) -> Iterable[tuple[str, ...]]:
    flag = "--" + name.replace("_", "-")
    if value is None or value is False:
        return
    if value is True:
        yield (flag,)
        return
    for item in value if isinstance(value, list | tuple | set) else [value]:
        yield (flag, str(item))


def _environment(obj: Any, identity: Identity, scheduler: str, code: Code) -> dict[str, str]:
    """The variables of every command, the worker's own notwithstanding (clauses G1 to G9)."""
    version = dict(obj.environment.get_environment_info())
    version.update(flow_name=identity.flow_name, production_token=identity.production_token)
    service_url = metaflow_config.SERVICE_INTERNAL_URL
    variables: dict[str, Any] = {
        "METAFLOW_USER": identity.owner,
        "METAFLOW_OWNER": identity.owner,
        "METAFLOW_PRODUCTION_TOKEN": identity.production_token,
        "METAFLOW_DEFAULT_DATASTORE": obj.flow_datastore.TYPE,
        "METAFLOW_DEFAULT_METADATA": obj.metadata.TYPE,
        "METAFLOW_DEFAULT_ENVIRONMENT": obj.environment.TYPE,
        "METAFLOW_SERVICE_URL": service_url,
        "METAFLOW_CODE_URL": code.url,
        "METAFLOW_CODE_SHA": code.sha,
        "METAFLOW_CODE_DS": code.datastore,
        "METAFLOW_CODE_METADATA": code.metadata,
        "METAFLOW_FLOW_NAME": identity.flow_name,
        "METAFLOW_FLOW_FILENAME": code.script,
        "METAFLOW_VERSION": json.dumps(version, sort_keys=True, default=str),
        "PYTHONUNBUFFERED": "1",
        **{f"METAFLOW_{name}": getattr(metaflow_config, name, None) for name in _SETTINGS},
        **obj.metadata.get_runtime_environment(scheduler),
        "USER": identity.owner,
    }
    if obj.flow_datastore.TYPE == "local":
        # The root that Metaflow hands around ends in `.metaflow`; the setting is its parent.
        root = Path(obj.flow_datastore.datastore_root)
        variables["METAFLOW_DATASTORE_SYSROOT_LOCAL"] = str(root.parent)
    configs = dump_config_values(obj.flow).get("user_configs", {})
    if configs:
        # Values stay in the config file; the variable only points there. A resolved value here
        # would go through the user's parser a second time (clause G6).
        pointers = {name: ConfigInput.make_key_name(name) for name in sorted(configs)}
        variables["METAFLOW_FLOW_CONFIG_VALUE"] = json.dumps(pointers)
    return {key: str(value) for key, value in sorted(variables.items()) if value not in (None, "")}


def _parameters(flow: Any) -> Iterable[Parameter]:
    for variable, parameter in flow._get_parameters():
        if not parameter.IS_CONFIG_PARAMETER:
            yield _parameter(variable, parameter)


def _parameter(variable: str, parameter: Any) -> Parameter:
    kind = parameter.kwargs.get("type")
    file_kind = isinstance(kind, FilePathClass)
    if file_kind or kind is JSONType or isinstance(kind, type(JSONType)):
        type_name = str(kind.name)
    else:
        type_name = kind.__name__ if isinstance(kind, type) else "str"
    return Parameter(
        name=parameter.name,
        variable=variable,
        type=type_name,
        description=parameter.kwargs.get("help") or "",
        required=bool(parameter.kwargs.get("required", False)),
        # Evaluated now: at run time `init` would replace a function by None (clause D6).
        default=encode(deploy_time_eval(parameter.kwargs.get("default")), type_name),
        is_text=getattr(kind, "_is_text", True) if file_kind else True,
        encoding=(getattr(kind, "_encoding", None) or "utf-8") if file_kind else "utf-8",
    )


def project_of(obj: Any) -> tuple[str | None, str | None, str | None]:
    """`(project, branch, qualified flow name)` of a flow with @project, else three times None."""
    if not any(deco.name == "project" for deco in flow_decorators(obj.flow)):
        return None, None, None
    return current.get("project_name"), current.get("branch_name"), current.get("project_flow_name")


def script_name() -> str:
    """File name of the flow, as it stands in the code package."""
    return Path(sys.argv[0]).name
