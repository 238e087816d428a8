"""What has to be there before anything is run: pytest, the extension, its command group.

As a program (``python -m … TYPE``) it looks at the extension from inside Metaflow and
prints what it found as JSON; the runner does that in a process of its own, because an
extension may fail to import, hang, or print what it likes.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from metaflow_orchestrator_kit.compliance.extension import (
    Extension,
    NoSuchExtension,
    WrongDeclaration,
    find,
)
from metaflow_orchestrator_kit.test.health import datastore_problem, sdk_loaded

INSTALL = "pip install 'metaflow-orchestrator-kit[test]'"

_NEEDED = {"pytest": "pytest", "xdist": "pytest-xdist", "pytest_timeout": "pytest-timeout"}

_PATIENCE = 120

_FLOW = """\
from metaflow import FlowSpec, step


class PreflightFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    PreflightFlow()
"""

_MARK = "metaflow-orchestrator-kit:"


class NotReady(Exception):
    """Something is missing; the message says what, and how to get it."""


def check_packages() -> None:
    """Make sure that what the suite needs beyond the core is installed.

    Raises:
        NotReady: it is not; the message has the command that installs it.
    """
    missing = [name for module, name in _NEEDED.items() if not _installed(module)]
    if missing:
        raise NotReady(f"{' and '.join(missing)} must be installed first:\n    {INSTALL}")


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


@dataclass(frozen=True, slots=True)
class Ready:
    """An installation that flows can be run on."""

    extension: Extension
    loaded: tuple[str, ...]
    """Modules that only the extension requires, and that ``import metaflow`` loads (A6)."""


def check_extension(scheduler_type: str, environment: Mapping[str, str], folder: Path) -> Ready:
    """Make sure that the extension is installed, its commands answer, and data can be stored.

    Raises:
        NotReady: it is not, they do not, or it cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flow = folder / "preflight_flow.py"
    flow.write_text(_FLOW, encoding="utf-8")
    looking = _start([sys.executable, "-m", __name__, scheduler_type], environment, folder)
    guess = scheduler_type.replace("_", "-")
    answers = {
        name: _start(
            [sys.executable, str(flow), "--no-pylint", name, "--help"], environment, folder
        )
        for name in dict.fromkeys((scheduler_type, guess))
    }
    try:
        ready = _ready(scheduler_type, *_finish(looking))
        extension = ready.extension
        answering = answers.get(extension.type)
        if answering is None:
            command = [sys.executable, str(flow), "--no-pylint", extension.type, "--help"]
            answering = answers[extension.type] = _start(command, environment, folder)
        code, output, errors = _finish(answering)
    finally:
        for process in (looking, *answers.values()):
            if process.poll() is None:
                process.kill()
            process.communicate()
    if code != 0:
        raise NotReady(
            f"Deployer(...).{extension.method}() exists, but the command group does not answer: "
            f"'python flow.py {extension.type} --help' ended with code {code} (clauses A5, A7):\n"
            f"{_indent(errors or output)}"
        )
    return ready


def _ready(scheduler_type: str, code: int, output: str, errors: str) -> Ready:
    for line in output.splitlines():
        if line.startswith(_MARK):
            found = json.loads(line[len(_MARK) :])
            if "missing" in found:
                raise NotReady(_missing(scheduler_type, found["missing"], errors))
            if "declaration" in found:
                raise NotReady(f"The declaration cannot be used: {found['declaration']}")
            if found["datastore"]:
                raise NotReady(
                    "The datastore cannot be written and read (clause D10): see "
                    f"METAFLOW_DEFAULT_DATASTORE.\n{_indent(found['datastore'])}"
                )
            values = found["extension"]
            declared = values.pop("declared")
            extension = Extension(**values, declared=None if declared is None else tuple(declared))
            return Ready(extension, tuple(found["loaded"]))
    raise NotReady(
        f"'import metaflow' fails in {sys.executable} (code {code}); an installed extension may "
        f"break it (clauses A1, A2, A6):\n{_indent(errors or output)}"
    )


def _missing(scheduler_type: str, known: str, errors: str) -> str:
    method = scheduler_type.replace("-", "_")
    text = (
        f"No installed extension has the scheduler type '{scheduler_type}': "
        f"Deployer(...).{method}() does not exist in {sys.executable}. {known}\n"
        f"Install the extension into this environment first, for example:\n"
        f"    pip install -e path/to/{method}"
    )
    return f"{text}\nMetaflow said:\n{_indent(errors)}" if errors.strip() else text


def _start(
    command: list[str], environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        output, errors = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise NotReady(f"No answer within {_PATIENCE} s from: {process.args!r}") from None
    return process.returncode, output, errors


def _indent(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(f"    {line}" for line in lines[-25:])


if __name__ == "__main__":
    try:
        seen = find(sys.argv[1])
        loaded_by_metaflow = sdk_loaded(seen.distribution)
        answer = {
            "extension": asdict(seen),
            "loaded": loaded_by_metaflow,
            "datastore": datastore_problem(),
        }
        print(_MARK + json.dumps(answer))
    except WrongDeclaration as problem:
        print(_MARK + json.dumps({"declaration": str(problem)}))
    except NoSuchExtension as problem:
        print(_MARK + json.dumps({"missing": str(problem)}))
