"""The commands that a scheduler launches: `init`, `dump` and `step`, for one attempt.

Argument lists and environments only, no process: whoever starts them, here, in a container or on
another machine, gets the same ones.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .identity import PARAMETERS_STEP, pathspec
from .plan import Plan, RunRequest, Step
from .walk import Launch, TaskRef

#: Names the file into which the internal step decorator writes the hand-out of a task.
HANDOUT_VARIABLE = "MF_ORCHESTRATOR_HANDOUT"

#: Holds the scheduler's own ids as JSON; the internal step decorator files them with the task.
FACTS_VARIABLE = "MF_ORCHESTRATOR_FACTS"

#: Holds the events that started the run as JSON; absent in other runs.
TRIGGERS_VARIABLE = "MF_ORCHESTRATOR_TRIGGERS"

#: Settings of a worker that a task keeps: who may talk to a service is the worker's affair, and how
#: much at a time its machine can do.
_KEPT = (
    "METAFLOW_HOME",
    "METAFLOW_PROFILE",
    "METAFLOW_SERVICE_AUTH_KEY",
    "METAFLOW_SERVICE_HEADERS",
    "METAFLOW_S3_WORKER_COUNT",
)

#: Longest `--input-paths` on a command line, in characters; above it, a file (clause F5).
_INPUT_PATHS_LIMIT = 32_000


@dataclass(frozen=True, slots=True)
class Site:
    """Where a deployment lies on the machine that runs a command.

    Attributes:
        python: the interpreter of the tasks.
        code: folder that the code package was unpacked into; the working directory of the tasks.
        config_file: the resolved configs as a file; None when the flow has none.
        packaged: whether tasks import Metaflow and this extension from the code package, and
            nothing from the worker, because their interpreter is not the worker's (clause M4).
    """

    python: str
    code: Path
    config_file: Path | None = None
    packaged: bool = False


def init_command(plan: Plan, run: RunRequest, launch: Launch, site: Site) -> tuple[str, ...]:
    """The arguments of `init`, which stores the parameters of a run (clauses E2 to E9)."""
    values = [f"--{name}={value}" for name, value in sorted(run.values(plan).items())]
    return (
        *_top_level(plan, site),
        "init",
        *("--run-id", run.run_id),
        *("--task-id", launch.task_id),
        *_tags(plan),
        *values,
    )


def dump_command(plan: Plan, run: RunRequest, launch: Launch, site: Site) -> tuple[str, ...]:
    """The arguments of `dump`, which succeeds when the `init` of a run already did (clause E4)."""
    stored = f"{run.run_id}/{PARAMETERS_STEP}/{launch.task_id}"
    return (*_top_level(plan, site), "dump", "--max-value-size=0", stored)


def step_command(
    plan: Plan,
    run: RunRequest,
    launch: Launch,
    site: Site,
    *,
    internal_decorator: str,
    input_paths_file: Path | None = None,
) -> tuple[str, ...]:
    """The arguments of one attempt of a step (group F, appendix 3).

    Args:
        plan: the compiled flow.
        run: the run.
        launch: the attempt.
        site: where the deployment lies.
        internal_decorator: name of the decorator that hands out width and choice (clause F19).
        input_paths_file: a file that holds :func:`input_paths`, for long lists (clause F5).
    """
    step = plan.steps[launch.step]
    return (
        *_top_level(plan, site),
        *_decospecs(step, internal_decorator),
        *("step", launch.step),
        *("--run-id", run.run_id),
        *("--task-id", launch.task_id),
        *_inputs(run, launch, input_paths_file),
        *("--retry-count", str(launch.attempt)),
        *("--max-user-code-retries", str(step.user_retries)),
        *_position(launch),
        *_tags(plan),
        *(("--namespace", plan.namespace) if plan.namespace is not None else ()),
        *_origin(run, launch),
    )


def input_paths(run: RunRequest, refs: tuple[TaskRef, ...]) -> str:
    """The inputs of a task as `run/step/task`, comma separated, in order (clauses F3, F4)."""
    return ",".join(f"{run.run_id}/{ref.step}/{ref.task_id}" for ref in refs)


def needs_input_paths_file(run: RunRequest, launch: Launch) -> bool:
    """Whether the inputs are too many for a command line (clause F5)."""
    return len(input_paths(run, launch.inputs)) > _INPUT_PATHS_LIMIT


def hook_command(plan: Plan, run: RunRequest, hook: str, site: Site) -> tuple[str, ...]:
    """The arguments that call an exit hook after the end of a run (clause K7)."""
    return (
        site.python,
        *("-m", "metaflow.plugins.exit_hook.exit_hook_script"),
        str(site.code / plan.code.script),
        hook,
        pathspec(plan.identity.flow_name, run.run_id),
    )


def run_environment(plan: Plan, run: RunRequest, worker: Mapping[str, str]) -> dict[str, str]:
    """The environment of everything that is started for a run (group G).

    Args:
        plan: the compiled flow.
        run: the run.
        worker: the environment of the process that starts it. Its METAFLOW_* settings go no
            further, because any of them can be an option in disguise (clause C11).
    """
    inherited = {
        key: value
        for key, value in worker.items()
        if not key.startswith("METAFLOW_") or key in _KEPT
    }
    triggers = {TRIGGERS_VARIABLE: json.dumps(run.triggers)} if run.triggers else {}
    return {**inherited, **plan.environment, **triggers, "METAFLOW_RUN_ID": run.run_id}


def environment(
    plan: Plan,
    run: RunRequest,
    launch: Launch,
    worker: Mapping[str, str],
    *,
    handout: Path,
    facts: Mapping[str, str],
) -> dict[str, str]:
    """The environment of one attempt (group G).

    Args:
        plan: the compiled flow.
        run: the run.
        launch: the attempt.
        worker: the environment of the process that starts it.
        handout: the file that the internal decorator writes to.
        facts: the scheduler's own ids, by name.
    """
    step = plan.steps.get(launch.step)
    own = step.environment if step else {}
    return {
        **run_environment(plan, run, worker),
        # What the deployment pins is not a step's to change.
        **{key: value for key, value in own.items() if key not in plan.environment},
        "METAFLOW_STEP_NAME": launch.step,
        "METAFLOW_TASK_ID": launch.task_id,
        "METAFLOW_RETRY_COUNT": str(launch.attempt),
        HANDOUT_VARIABLE: str(handout),
        FACTS_VARIABLE: json.dumps(dict(facts), sort_keys=True),
    }


def _top_level(plan: Plan, site: Site) -> tuple[str, ...]:
    config = ("--local-config-file", str(site.config_file)) if site.config_file else ()
    options = tuple(word for option in plan.options for word in option)
    return (site.python, str(site.code / plan.code.script), *options, *config)


def _decospecs(step: Step, internal_decorator: str) -> tuple[str, ...]:
    return tuple(f"--with={spec}" for spec in (*step.decospecs, internal_decorator))


def _tags(plan: Plan) -> tuple[str, ...]:
    return tuple(word for tag in plan.tags for word in ("--tag", tag))


def _inputs(run: RunRequest, launch: Launch, file: Path | None) -> tuple[str, ...]:
    if file is not None:
        return ("--input-paths-filename", str(file))
    return ("--input-paths", input_paths(run, launch.inputs))


def _position(launch: Launch) -> tuple[str, ...]:
    """Where the task stands in its foreach, or that it starts a gang (clauses F8, F17)."""
    split = () if launch.split_index is None else ("--split-index", str(launch.split_index))
    return (*split, *(("--ubf-context", "ubf_control") if launch.parallel else ()))


def _origin(run: RunRequest, launch: Launch) -> tuple[str, ...]:
    """What a resumed run takes from its origin (clauses N2, N3)."""
    if run.origin_run_id is None:
        return ()
    words: tuple[str, ...] = ("--clone-run-id", run.origin_run_id)
    if launch.clone_of is not None:
        words += ("--clone-only", f"{run.origin_run_id}/{launch.step}/{launch.clone_of}")
    return words
