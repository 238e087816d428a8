"""The files beside a red verdict: what was compiled, commanded, printed and reported.

The lab keeps the raw material of every scenario (``observations/``, and in the scenario's own
folder the flow, the ledger, ``commands.jsonl`` and ``output.log``); here a person can read it.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.lab.recorder import COMMANDS
from metaflow_orchestrator_kit.compliance.masking import MASK
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

_ATTRIBUTE_FILE = "--deployer-attribute-file"
_ONLY_JSON = "--only-json"
_PATIENCE = 90

_FILES = ("compiled.txt", "commands.txt", "environment.txt", "status.txt", "output.log", "logs")


@dataclass(frozen=True, slots=True)
class _Launched:
    """A command of the deployer, or an attempt as it saw itself."""

    title: str
    words: Sequence[str]
    environment: Mapping[str, str]


def lay_out(seen: Observation, scenario: Scenario, environ: Mapping[str, str]) -> list[str]:
    """Write what was seen of a scenario into its folder; the names of the files, best first.

    Args:
        seen: what was seen.
        scenario: of which.
        environ: in which the suite deploys; the flow is compiled once more there.
    """
    if not seen.evidence:
        return []
    folder = Path(seen.evidence)
    recorded = _recorded(folder)
    launched = [*_commands(recorded), *_attempts(seen)]
    texts = {
        "commands.txt": _blocks((one.title, shlex.join(one.words)) for one in launched),
        "environment.txt": _blocks(
            (one.title, "\n".join(f"{name}={one.environment[name]}" for name in one.environment))
            for one in launched
        ),
        "status.txt": _statuses(seen),
        **_logs(seen),
    }
    for name, text in texts.items():
        if text:
            file = folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    _compile(folder, recorded, {**environ, **scenario.top.get("env", {})})
    return laid_out(folder)


def laid_out(folder: Path) -> list[str]:
    """What :func:`lay_out` has written to a scenario's folder, best first."""
    return [name for name in _FILES if (folder / name).exists()]


def _commands(recorded: Sequence[dict[str, Any]]) -> Iterator[_Launched]:
    for one in recorded:
        action = next((word for word in ("create", "trigger") if word in one["command"]), "command")
        yield _Launched(f"{action}, in {one['cwd']}", one["command"], one["environment"])


def _recorded(folder: Path) -> list[dict[str, Any]]:
    try:
        lines = (folder / COMMANDS).read_text("utf-8").splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines]


def _attempts(seen: Observation) -> Iterator[_Launched]:
    """From the ledger, which has failed attempts too, or else from the artifacts of tasks."""
    witnesses: list[Any] = [*seen.ledger]
    witnesses = witnesses or [task.artifacts.get("seen") for task in seen.tasks]
    told = set()
    for one in witnesses:
        if not isinstance(one, dict) or not isinstance(one.get("argv"), list):
            continue
        title = f"step {one.get('step')}, task {one.get('task_id')}, attempt {one.get('attempt')}"
        if title not in told:  # an attempt may have recorded several events
            told.add(title)
            yield _Launched(title, one["argv"], one.get("environment") or {})


def _statuses(seen: Observation) -> str:
    told: list[tuple[float | None, str | None]] = [
        *seen.statuses,
        (seen.run_visible_after, "(the run is in Metaflow's metadata)"),
        (seen.terminal_after, "(over)"),
    ]
    known = sorted((at, str(what)) for at, what in told if at is not None)
    return "".join(f"{at:8.1f} s  {what}\n" for at, what in known)


def _logs(seen: Observation) -> dict[str, str]:
    return {
        f"logs/{task.step}-{task.id.replace('/', '_')}.{stream}": text
        for task in seen.tasks
        for stream, text in (("stdout", task.stdout), ("stderr", task.stderr))
    }


def _blocks(parts: Iterator[tuple[str, str]]) -> str:
    return "\n".join(f"# {title}\n{text}\n" for title, text in parts)


def _compile(folder: Path, recorded: Sequence[dict[str, Any]], environ: Mapping[str, str]) -> None:
    """Ask the extension once more what it makes of the flow, without deploying it."""
    command = next((one for one in recorded if _ATTRIBUTE_FILE in one["command"]), None)
    file = folder / "compiled.txt"
    if command is None or "create" not in command["command"]:
        return
    try:
        stream = file.open("x", encoding="utf-8")
    except FileExistsError:
        return
    with stream:
        stream.write(_compiled(command, environ))


def _compiled(command: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    words = list(command["command"])
    place = words.index(_ATTRIBUTE_FILE)
    words[place : place + 2] = [_ONLY_JSON]
    told = f"# {shlex.join(words)}\n"
    if MASK in " ".join(words):
        return f"{told}# not run: it has a secret, which is not kept\n"
    try:
        done = subprocess.run(
            words,
            cwd=command["cwd"],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{told}# {error}\n"
    if done.returncode != 0:
        return f"{told}# exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return told + done.stdout
