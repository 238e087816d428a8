"""What lies in the flow's datastore: the plan of a deployment, for workers anywhere.

A deployment's code package is there already; so a worker needs no file of whoever deployed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from .launch import Desk
from .package import folder_name, unpack
from .plan import Code, Plan
from .walk import Finished, Handout, Launch


def save_plan(plan: Plan) -> dict[str, str]:
    """Put a plan where workers find it; answer where that is, for :func:`load_plan`."""
    options = dict(option for option in plan.options if len(option) == 2)
    where = {
        "flow": plan.identity.flow_name,
        "datastore": options["--datastore"],
        "root": options["--datastore-root"],
    }
    blob = plan.to_json().encode()
    _, key = _datastore(where).save_data([blob], len_hint=1)[0]
    return {**where, "key": key}


def load_plan(where: dict[str, str]) -> Plan:
    """The plan that :func:`save_plan` has put there."""
    ((_, blob),) = _datastore(where).load_data([where["key"]])
    return Plan.from_json(blob.decode())


def lay_out(where: dict[str, str], plan: Plan, folder: Path) -> Path:
    """Unpack the code package of a plan into a folder of its own, unless it is there already.

    Args:
        where: where the plan is; its code is in the same datastore.
        plan: the plan.
        folder: holds a folder for each package, named by its content.
    """
    code: Code = plan.code
    target = folder / folder_name(plan)
    if not target.exists():
        ((_, blob),) = _datastore(where).load_data([code.sha])
        fresh = folder / f".{target.name}"
        shutil.rmtree(fresh, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        unpack(plan, blob, fresh)
        fresh.rename(target)
    return target


def finished_before(desk: Desk, where: dict[str, str], launch: Launch) -> Finished | None:
    """The end of an attempt that had succeeded before its worker could say so (clause L6).

    A step that has stored everything is not run again: what it decided is among what it stored.

    Returns:
        None when it has not come so far.
    """
    if launch.is_init:
        return None
    from metaflow.datastore.exceptions import DataException

    run_id, step = desk.run.run_id, desk.plan.steps[launch.step]
    try:
        stored = _datastore(where).get_task_datastore(
            run_id, launch.step, launch.task_id, attempt=launch.attempt, mode="r"
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


def _datastore(where: dict[str, str]) -> Any:
    from metaflow.datastore import FlowDataStore
    from metaflow.plugins import DATASTORES

    storage = {store.TYPE: store for store in DATASTORES}[where["datastore"]]
    return FlowDataStore(where["flow"], None, storage_impl=storage, ds_root=where["root"])
