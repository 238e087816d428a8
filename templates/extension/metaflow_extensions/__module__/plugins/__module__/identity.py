"""Names: deployments, runs, tasks and tokens, each derived in one place only.

Two commands that derive the same name in two ways disagree one day; so `create`, `trigger`,
`terminate` and the tasks themselves all ask here.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import Any

#: The pseudo step under which `init` stores the parameters.
PARAMETERS_STEP = "_parameters"

#: Longest deployment name in characters, hash suffix included.
MAX_NAME = 120

_UNSAFE = re.compile(r"[^A-Za-z0-9_.@+-]")


@dataclass(frozen=True, slots=True)
class DeploymentName:
    """What a flow is called on the scheduler.

    Attributes:
        name: the identifier that `from_deployment` takes.
        token_prefix: where its production token is filed (clause J5).
        is_project: whether it comes from @project, and therefore from the branch.
        modified: whether the scheduler's rules changed the name that the user would expect.
    """

    name: str
    token_prefix: str
    is_project: bool
    modified: bool


def deployment_name(
    flow_name: str,
    *,
    given: str | None = None,
    project: str | None = None,
    branch: str | None = None,
    project_flow_name: str | None = None,
) -> DeploymentName:
    """Name a deployment (clauses C1, J1, J5).

    Args:
        flow_name: name of the flow class.
        given: value of `--name`.
        project: `current.project_name`, for flows with @project.
        branch: `current.branch_name`, for flows with @project.
        project_flow_name: `current.project_flow_name`, for flows with @project.

    Raises:
        ValueError: `--name` was given for a flow with @project, whose name is its branch's.
    """
    if project_flow_name:
        if given:
            raise ValueError(
                f"--name {given} is not supported for flow {flow_name}: it has @project, "
                "which names the deployment. Leave --name out, or use --branch."
            )
        name = sanitise(project_flow_name)
        prefix = _project_prefix(f"{project}.{branch}")
        return DeploymentName(name, prefix, True, name != project_flow_name)
    wanted = given or flow_name
    name = sanitise(wanted)
    return DeploymentName(name, name.lower(), False, name != wanted)


def sanitise(name: str) -> str:
    """A name that the scheduler accepts; a changed one ends in a hash of the whole original.

    The hash keeps two names apart that differ only in what was replaced or cut off
    (clauses J1, J8).
    """
    clean = _UNSAFE.sub("-", name)
    if clean == name and len(name) <= MAX_NAME:
        return name
    # A shell hands bytes that are no text over as surrogates.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{clean[: MAX_NAME - 11]}-{digest}"


def _project_prefix(project_branch: str) -> str:
    digest = hashlib.sha1(project_branch.encode("utf-8"), usedforsecurity=False).digest()
    return "mfprj-" + base64.b32encode(digest).decode("ascii")[:16].lower()


def new_run_id(prefix: str) -> str:
    """A fresh run id: the prefix, and an execution id of the scheduler (clause E1)."""
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


def check_run_id(prefix: str, run_id: str) -> str:
    """The run id itself, when it has the prefix of this scheduler (clause J7).

    Raises:
        ValueError: it has not; the message says what a run id looks like.
    """
    if not re.fullmatch(re.escape(prefix) + r"-[A-Za-z0-9_.-]+", run_id):
        raise ValueError(
            f"Run id '{run_id}' is not one of this scheduler's: they look like "
            f"{prefix}-0123456789abcdef. `list-runs` shows them."
        )
    return run_id


def task_id(step: str, index: tuple[int, ...], iteration: int | None) -> str:
    """The id of a task: its step, its foreach indices, its turn in a recursion.

    It never parses as an integer, which Metaflow would not register; it is the same for
    every attempt; it differs between any two tasks of a run (clauses F2, F12, F15).
    """
    turn = [] if iteration is None else [f"r{iteration}"]
    return "-".join(["t", step, *map(str, index), *turn])


def is_task_of(identifier: str, step: str) -> bool:
    """Whether :func:`task_id` made an id for that step. Names of steps have no hyphen."""
    return identifier.split("-")[:2] == ["t", step]


def parameters_task_id(start_step: str) -> str:
    """The id of the `_parameters` task, which follows from the entry task's (clause E3)."""
    return f"{task_id(start_step, (), None)}-params"


def pathspec(flow_name: str, run_id: str) -> str:
    """`Flow/run`, as Metaflow's client takes it (clause B8)."""
    return f"{flow_name}/{run_id}"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose deployment it is, and the token that lets others in."""

    owner: str
    token: str


def claim(
    name: DeploymentName,
    user: str,
    existing: Ownership | None,
    *,
    authorize: str | None = None,
    given_token: str | None = None,
    generate_new_token: bool = False,
) -> Ownership:
    """Decide who owns a deployment after `create`, and under which token (clause J5).

    Args:
        name: what is deployed.
        user: who deploys.
        existing: the owner and token of the deployment that would be replaced.
        authorize: value of `--authorize`: the production token of a deployment of another's.
        given_token: value of `--new-token`.
        generate_new_token: whether `--generate-new-token` was given.

    Raises:
        PermissionError: the deployment is somebody else's and the token is not the right one.
        ValueError: `--new-token` was given for a flow with @project, or is malformed.
    """
    from metaflow.plugins.aws.step_functions.production_token import (
        load_token,
        new_token,
        store_token,
    )

    authorise_or_raise(name, user, existing, authorize)
    previous = existing.token if existing else load_token(name.token_prefix)
    if given_token:
        if name.is_project:
            raise ValueError(
                "--new-token is not supported for flows with @project: all flows of a branch "
                "share one token. Use --generate-new-token."
            )
        token = _bare(given_token)
    elif previous is None or generate_new_token:
        token = new_token(name.token_prefix, previous)
        if token is None:
            raise ValueError(
                f"The production token of '{name.name}' cannot be renewed, because its form is "
                "not Metaflow's own. Give one with --new-token."
            )
    else:
        token = previous
    remember(store_token, name.token_prefix, token)
    return Ownership(user, token)


def authorise_or_raise(
    name: DeploymentName, user: str, existing: Ownership | None, authorize: str | None
) -> None:
    """Let the owner through, and whoever knows the production token (clauses C9, J5).

    Raises:
        PermissionError: neither; the message says how to get in.
    """
    from metaflow.plugins.aws.step_functions.production_token import load_token

    if existing is None or existing.owner == user:
        return
    known = _bare(authorize) if authorize else load_token(name.token_prefix)
    if known != existing.token:
        raise PermissionError(
            f"Incorrect production token: deployment '{name.name}' belongs to "
            f"{existing.owner}. Ask them for its token and pass it with --authorize."
        )


def remember(store_token: Any, prefix: str, token: str) -> None:
    """Cache a token beside Metaflow's own, where that place can be written.

    It is a convenience for the next `create` of another user; the deployment itself keeps the
    token. A container's home is often read-only, and that must not stop a deployment.
    """
    try:
        store_token(prefix, token)
    except OSError:
        return


def _bare(token: str) -> str:
    return token.removeprefix("production:")
