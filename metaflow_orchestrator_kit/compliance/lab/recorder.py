"""Keeps what deployer commands answer and print, on its way to Metaflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.masking import masked_command, masked_variables

COMMANDS = "commands.jsonl"
"""The file of a scenario with the deployer's commands, in the order they were started."""

_SHOWN = ("METAFLOW", "MOK_", "PYTHON", "PATH", "HOME", "USER", "TMPDIR", "TZ", "LANG")
"""How the variables begin that are kept; others are nobody's business."""

_contents: list[str] = []
_file: Path | None = None

_PATIENCE = 30.0
"""Seconds that the output of a command that has ended may take to be copied."""


def install() -> None:
    """Listen to Metaflow's own reading of the attribute file; before any extension imports it."""
    import metaflow.runner.deployer_impl as implementation
    import metaflow.runner.utils as utils

    read = utils.handle_timeout

    def handle_timeout(
        attribute_file_fd: int, command_obj: Any, *arguments: Any, **keywords: Any
    ) -> Any:
        _keep_command(command_obj)
        try:
            content = read(attribute_file_fd, command_obj, *arguments, **keywords)
        except (RuntimeError, FileNotFoundError) as error:
            _wait_for_output(command_obj)
            raise RuntimeError(utils.make_process_error_message(command_obj)) from error
        _contents.append(content)
        return content

    utils.handle_timeout = handle_timeout
    implementation.handle_timeout = handle_timeout


def keep_commands(folder: Path) -> None:
    """From now on, write every deployer command of this process and its forks to that folder."""
    global _file
    _file = folder / COMMANDS


def _keep_command(command_obj: Any) -> None:
    if _file is None:
        return
    told = {
        "command": masked_command([str(word) for word in command_obj.command]),
        "cwd": str(command_obj.cwd),
        "environment": _shown(command_obj.env),
    }
    with _file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(told) + "\n")


def _shown(variables: Mapping[str, str]) -> dict[str, str]:
    return masked_variables(
        {name: variables[name] for name in sorted(variables) if name.startswith(_SHOWN)}
    )


def _wait_for_output(command_obj: Any) -> None:
    """Wait until all that a command has printed is in the files that its error is made from.

    Metaflow makes the message as soon as the command has ended, while threads still copy its last
    words, or have not even made the files yet: what a refusal says is lost then, now and again.
    """
    if command_obj.process.poll() is not None:
        for thread in (command_obj.stdout_thread, command_obj.stderr_thread):
            thread.join(_PATIENCE)


def last() -> dict[str, Any]:
    """The object that was written last; empty when nothing was, or no object."""
    try:
        value = json.loads(_contents[-1])
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
