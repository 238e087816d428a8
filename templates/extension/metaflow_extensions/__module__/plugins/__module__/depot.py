"""What lies in the flow's datastore: code and plan of a deployment, and what tasks have stored.

A machine that runs tasks needs the datastore, and no file of whoever deployed (clauses D11, I3).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import zlib
from gzip import BadGzipFile
from pathlib import Path
from typing import Any

from .package import unpacked
from .plan import Plan, PlanDamaged, RunRequest
from .walk import Finished, Handout, Launch

#: What unpacking says to damaged content. Any other error of a read may be gone at the next one.
_DAMAGE = (BadGzipFile, EOFError, zlib.error)


def open_datastore(flow: str, kind: str, root: str) -> Any:
    """The datastore of a flow, as its deployment pinned it (clauses D10, I1).

    Args:
        flow: name of the flow.
        kind: type of the datastore: local, s3 and so on.
        root: its root.
    """
    from metaflow.datastore import FlowDataStore
    from metaflow.plugins import DATASTORES

    storage = {store.TYPE: store for store in DATASTORES}[kind]
    return FlowDataStore(flow, None, storage_impl=storage, ds_root=root)


def datastore_of(plan: Plan) -> Any:
    """The datastore of a deployed flow."""
    where = _where(plan)
    return open_datastore(where["flow"], where["datastore"], where["root"])


def save_plan(plan: Plan) -> dict[str, str]:
    """Put a plan where machines find it; answer where that is, for :func:`load_plan`."""
    blob = plan.to_json().encode()
    _, key = datastore_of(plan).save_data([blob], len_hint=1)[0]
    return {**_where(plan), "key": key}


def load_plan(where: dict[str, str]) -> Plan:
    """The plan that :func:`save_plan` has put there.

    Raises:
        PlanTooNew: see `Plan.from_dict`.
        PlanDamaged: see `Plan.from_dict`; or what the datastore has cannot be unpacked.
    """
    from metaflow.datastore.exceptions import DataException

    store = open_datastore(where["flow"], where["datastore"], where["root"])
    try:
        ((_, blob),) = store.load_data([where["key"]])
    except DataException as error:
        if not isinstance(error.__context__, _DAMAGE):
            raise
        raise PlanDamaged(
            f"The plan in the datastore is a damaged one ({error.__context__}). "
            "Deploy the flow again."
        ) from error
    return Plan.from_json(blob)


def lay_out(plan: Plan, folder: Path) -> Path:
    """Fetch and unpack the code package of a plan, unless it is there already (clause I3).

    Any number of processes may ask at once; see :func:`.package.unpacked`.

    Args:
        plan: the plan.
        folder: holds a folder for each package, named by its content.

    Returns:
        The folder that tasks run in.
    """
    return unpacked(plan, folder, lambda: package_of(plan))


def package_of(plan: Plan) -> bytes:
    """The code package of a plan, as it was made at `create` (clause I3)."""
    ((_, blob),) = datastore_of(plan).load_data([plan.code.sha])
    return bytes(blob)


def finished_before(plan: Plan, run: RunRequest, launch: Launch) -> Finished | None:
    """The end of an attempt that had succeeded before anybody could take note of it (clause L6).

    A step that has stored everything is not run again: what it decided is among what it stored.

    Returns:
        None when it has not come so far.
    """
    if launch.is_init:
        return None
    from metaflow.datastore.exceptions import DataException

    step = plan.steps[launch.step]
    try:
        stored = datastore_of(plan).get_task_datastore(
            run.run_id, launch.step, launch.task_id, attempt=launch.attempt, mode="r"
        )
    except DataException:
        return None
    if not stored.get("_task_ok"):
        return None
    transition, mappers = stored.get("_transition"), stored.get("_control_mapper_tasks")
    handout = Handout(
        width=stored.get("_foreach_num_splits") if step.is_foreach else None,
        chosen=transition[0][0] if step.is_switch and transition else None,
        mappers=tuple(str(one).split("/")[-1] for one in mappers or ()) if launch.parallel else (),
    )
    return Finished(launch.task_id, launch.attempt, 0, handout)


def _where(plan: Plan) -> dict[str, str]:
    options = dict(option for option in plan.options if len(option) == 2)
    return {
        "flow": plan.identity.flow_name,
        "datastore": options["--datastore"],
        "root": options["--datastore-root"],
    }
