"""The code package: built at `create`, unpacked where tasks run (clauses I3, I4).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from metaflow.exception import MetaflowException
from metaflow.package import MetaflowPackage
from metaflow.packaging_sys import ContentType

from .interpreters import told_what_is_missing
from .plan import Code, Plan


def build(obj: Any) -> tuple[Code, bytes]:
    """Pack the flow with all that it imports from its folder, and upload the package.

    Args:
        obj: the state of Metaflow's command line.

    Returns:
        Where the package is, and its bytes for a scheduler whose tasks run on this machine.

    Raises:
        MetaflowException: the package cannot be made or uploaded.
    """
    from .compiler import script_name

    with told_what_is_missing(obj.environment):
        package = MetaflowPackage(
            obj.flow, obj.environment, obj.echo, suffixes=obj.package_suffixes, flow_datastore=None
        )
    blob = package.blob
    if blob is None:
        raise MetaflowException(
            f"The code package of {obj.flow.name} could not be made; the line above says why."
        )
    url, sha = obj.flow_datastore.save_data([blob], len_hint=1)[0]
    code = Code(
        script=script_name(),
        url=url,
        sha=sha,
        metadata=package.package_metadata,
        datastore=obj.flow_datastore.TYPE,
    )
    return code, blob


def unpacked(plan: Plan, folder: Path, read: Callable[[], bytes]) -> Path:
    """The unpacked code package of a plan, for tasks of this machine (clauses I3, I4).

    Any number of processes may ask at once: each unpacks aside, and the first one to be done puts
    its folder in place, whole, as the folder of all.

    Args:
        plan: the compiled flow.
        folder: holds a folder for each package, named by its content.
        read: the package; called when it is not unpacked yet.

    Returns:
        The folder that tasks run in.
    """
    target = folder / folder_name(plan)
    if not target.exists():
        package = read()
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.name}."
        with tempfile.TemporaryDirectory(prefix=prefix, dir=folder) as aside:
            fresh = Path(aside) / "code"
            unpack(plan, package, fresh)
            try:
                fresh.rename(target)
            except OSError:
                if not target.is_dir():  # Else somebody was faster, with the same content.
                    raise
    return target


def unpack(plan: Plan, package: bytes, folder: Path, *, whole: bool = False) -> None:
    """Lay a deployment out for tasks of this machine.

    Where tasks use the deployer's own disk, only the user's files: Metaflow and this extension are
    installed there already. Elsewhere, and for an interpreter that has neither, all of it,
    Metaflow, this extension and what Metaflow notes of the package (`INFO`) included: tasks then
    run exactly what was deployed (clause A9).

    Args:
        plan: the compiled flow.
        package: what :func:`build` made.
        folder: a folder to be made.
        whole: whether the interpreter of the tasks has neither.
    """
    folder.mkdir(parents=True)
    root = _local_root(plan)
    files = ContentType.USER_CONTENT | ContentType.MODULE_CONTENT
    wanted = int(files if root and not whole else ContentType.ALL_CONTENT)
    MetaflowPackage.cls_extract_into(
        plan.code.metadata, BytesIO(package), str(folder), content_types=wanted
    )
    if root:
        # Cards go to the `.metaflow` that is nearest to the task, and are looked for in the root.
        (folder / ".metaflow").symlink_to(root)


def with_unpacked(
    plan: Plan, folder: Path, environment: Mapping[str, str], *, whole: bool = False
) -> dict[str, str]:
    """An environment in which an unpacked package is what is imported (clause I3).

    Args:
        plan: the compiled flow.
        folder: what :func:`unpack` made.
        environment: the environment otherwise.
        whole: as for :func:`unpack`.
    """
    found = dict(environment)
    if whole or not _local_root(plan):
        variables = MetaflowPackage.get_post_extract_env_vars(plan.code.metadata, str(folder))
        for name, value in variables.items():
            if name.endswith(":"):
                found[name[:-1]] = value
            else:
                found[name] = os.pathsep.join(filter(None, (value, found.get(name))))
    return found


def folder_name(plan: Plan) -> str:
    """A name for the folder of an unpacked package; another one where its tasks would differ."""
    root = hashlib.sha256(_local_root(plan).encode()).hexdigest()[:8]
    return f"{plan.code.sha}-{root}"


def _local_root(plan: Plan) -> str:
    """The root of the datastore, when it is a folder; empty otherwise."""
    options = dict(option for option in plan.options if len(option) == 2)
    return options["--datastore-root"] if options.get("--datastore") == "local" else ""
