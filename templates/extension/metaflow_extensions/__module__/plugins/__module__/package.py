"""The code package: built at `create`, unpacked where tasks run (clauses I3, I4).

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

from metaflow.exception import MetaflowException
from metaflow.package import MetaflowPackage
from metaflow.packaging_sys import ContentType

from .compiler import script_name
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


def unpack(plan: Plan, package: bytes, folder: Path) -> None:
    """Lay a deployment out for tasks of this machine.

    Only the user's files: Metaflow and this extension are installed here already.

    Args:
        plan: the compiled flow.
        package: what :func:`build` made.
        folder: a folder to be made.
    """
    folder.mkdir(parents=True)
    wanted = ContentType.USER_CONTENT.value | ContentType.MODULE_CONTENT.value
    MetaflowPackage.cls_extract_into(
        plan.code.metadata, BytesIO(package), str(folder), content_types=wanted
    )
    if root := _local_root(plan):
        # Cards go to the `.metaflow` that is nearest to the task, and are looked for in the root.
        (folder / ".metaflow").symlink_to(root)


def folder_name(plan: Plan) -> str:
    """A name for the folder of an unpacked package; another one where its tasks would differ."""
    root = hashlib.sha256(_local_root(plan).encode()).hexdigest()[:8]
    return f"{plan.code.sha}-{root}"


def _local_root(plan: Plan) -> str:
    """The root of the datastore, when it is a folder; empty otherwise."""
    options = dict(option for option in plan.options if len(option) == 2)
    return options["--datastore-root"] if options.get("--datastore") == "local" else ""
