"""What a command line asks for, as values, and the command line that asks for it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from metaflow_orchestrator_kit import REQUIRED, Cap
from metaflow_orchestrator_kit.compliance.config import Backend
from metaflow_orchestrator_kit.compliance.masking import masked
from metaflow_orchestrator_kit.test.args import ArgumentError, format_list

PROGRAM = "metaflow-orchestrator-test"


def requested_capabilities(capabilities: str | None) -> list[str] | None:
    """The names in ``A,B``, where REQUIRED stands for all that are; None for no text.

    Raises:
        ArgumentError: there is no name in it.
        ValueError: there is no such capability.
    """
    if capabilities is None:
        return None
    names = [name for name in re.split(r"[,\s]+", capabilities) if name]
    if not names:
        raise ArgumentError("--capabilities needs at least one name.")
    found: list[str] = []
    for name in names:
        found += [cap.name for cap in REQUIRED] if name == "REQUIRED" else [Cap.parse(name).name]
    return found


def again(
    config: Path | None,
    backend: Backend,
    deploy_args: Mapping[str, str],
    capabilities: str | None,
    unreachable: Mapping[str, str],
) -> str:
    """The command that does this again, for the messages; secrets are left out."""
    words = [PROGRAM]
    if config is not None:
        words += ["--config", str(config)]
    words += ["--scheduler-type", str(backend.scheduler_type)]
    if deploy_args:
        words += ["--deploy-args", format_list(masked(deploy_args))]
    if capabilities:
        words += ["--capabilities", capabilities]
    for name, value in masked(unreachable).items():
        words += ["--unreachable", f"{name}={value}"]
    return shlex.join(words)
