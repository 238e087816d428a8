"""The interpreter of a step whose environment has one of its own: @conda, @pypi, uv (clause M4).

Metaflow's environment says which one that is, and how it is made. It is made at `create` where that
can be: for @conda and @pypi with a datastore on the deployer's disk. Otherwise the first attempt
that needs it makes it, on the machine where it runs, in a folder with the whole code package.

This file belongs to the kit: `metaflow-orchestrator-scaffold --update` replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .command import Site
from .plan import Plan, Step
from .process import Fresh, Job
from .supervise import last_words, supervised

#: Variables that speak of the interpreter of the process that starts tasks, and of no other one.
_OF_THE_WORKER = frozenset(
    {
        "CONDA_DEFAULT_ENV",
        "CONDA_PREFIX",
        "PYTHONHOME",
        "PYTHONPATH",
        "UV_PROJECT_ENVIRONMENT",
        "VIRTUAL_ENV",
    }
)

#: Seconds between two looks at whether somebody else has made the interpreter.
_LOOK = 0.1

#: The commands of an environment are made for a shell that has these two functions.
_SHELL = 'set -e\nmflog() { echo "$@"; }\nflush_mflogs() { :; }\n'

#: Run by the interpreter, once it is made: where it is.
_WHERE = "import pathlib, sys; pathlib.Path('.interpreter').write_text(sys.executable)"


_NO_MICROMAMBA = """\
--environment={type} needs micromamba, which makes the environments of the steps. It is not on \
this machine, and Metaflow could not fetch it. Install it, or name it with \
METAFLOW_PATH_TO_MICROMAMBA, and deploy again."""

_NO_UV = " uv is not on this machine: install it, for instance with `pip install uv`."


class NotMade(Exception):
    """A step cannot run, because its environment could not be made; the message says why."""


@contextlib.contextmanager
def told_what_is_missing(environment: Any) -> Iterator[None]:
    """Make environments in this block, as packing the code does for @conda and @pypi.

    Raises:
        MetaflowException: the program that makes them is missing; the message says how to get it.
    """
    from metaflow.exception import MetaflowException

    try:
        yield
    except MetaflowException as error:
        solver = getattr(environment, "solvers", {}).get("conda")
        # Without a program of the user's, Metaflow fetches one, and remembers here where it is.
        if solver is None or solver._bin is not None:
            raise
        raise MetaflowException(_NO_MICROMAMBA.format(type=environment.TYPE)) from error


def interpreter_of(obj: Any, step: str, *, deployed: bool) -> tuple[str, tuple[str, ...]]:
    """How the interpreter of a step is called, and what makes it (clause M4).

    Args:
        obj: the state of Metaflow's command line.
        step: name of the step.
        deployed: whether the environments were made, as packing the code does; else nothing is
            asked that only a made one could answer.

    Returns:
        Both are empty for a step without an interpreter of its own. Nothing makes one that is
        there already.
    """
    environment, datastore = obj.environment, obj.flow_datastore.TYPE
    commands = environment.bootstrap_commands(step, datastore)
    if not commands:
        return "", ()
    if deployed and datastore == "local" and hasattr(environment, "interpreter"):
        return environment.interpreter(step), ()
    return environment.executable(step), tuple(commands)


async def site_of(
    plan: Plan, step: str, site: Site, variables: Mapping[str, str], log: Path
) -> Site:
    """Where and under which interpreter a step runs on this machine; it is made when it is not yet.

    What is not a step of the flow, such as `init`, runs as the first step does.

    Args:
        plan: the compiled flow.
        step: name of the step.
        site: where the deployment lies.
        variables: the environment in which the interpreter is made.
        log: beside it, with `.stdout` and `.stderr` at the end, is what making it has printed.

    Raises:
        NotMade: it cannot be made, or is gone.
    """
    wanted = plan.steps.get(step) or plan.steps[plan.start_step]
    if not wanted.python:
        return site
    home = site.code.with_name(f"{site.code.name}-{_digest(wanted)}")
    home.mkdir(exist_ok=True)
    record = home / "interpreter.json"
    if not record.exists():
        async with _alone(home / "lock"):
            if not record.exists():
                await _make(plan, wanted, site, variables, home, log)
    made = json.loads(record.read_text(encoding="utf-8"))
    if not Path(made["python"]).exists():
        raise NotMade(
            f"The interpreter of step {wanted.name}, {made['python']}, is not on this machine: "
            f"deploy {plan.identity.name} again, from here."
        )
    return replace(site, python=made["python"], code=Path(made["code"]), packaged=True)


def without_own(worker: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker, without what would lead another interpreter to its packages."""
    return {key: value for key, value in worker.items() if key not in _OF_THE_WORKER}


def surroundings(plan: Plan, site: Site, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment, with what is where on this machine."""
    from .package import with_unpacked

    found = with_unpacked(plan, site.code, environment, whole=site.packaged)
    if site.packaged:
        found["PYTHONNOUSERSITE"] = "1"
    # The path of the interpreter comes first: @parallel starts its nodes as plain `python`.
    found["PATH"] = os.pathsep.join([str(Path(site.python).parent), found.get("PATH", os.defpath)])
    return found


def _digest(step: Step) -> str:
    """Names an interpreter: steps with the same one share it."""
    return hashlib.sha256("\n".join((step.python, *step.bootstrap)).encode()).hexdigest()[:8]


async def _make(
    plan: Plan, step: Step, site: Site, variables: Mapping[str, str], home: Path, log: Path
) -> None:
    """Make an interpreter, in a folder that nobody has used, and note where it is.

    What is left of one that was killed over it can still be written to by its last processes.
    """
    from .depot import package_of
    from .package import unpack

    code = Path(tempfile.mkdtemp(dir=home)) / "code"
    try:
        package = await asyncio.to_thread(package_of, plan)
        await asyncio.to_thread(unpack, plan, package, code, whole=True)
        python = step.python
        if step.bootstrap:
            python = await _bootstrap(plan, step, replace(site, code=code), variables, log)
    except BaseException:
        shutil.rmtree(code.parent, ignore_errors=True)
        raise
    fresh = home / "interpreter.new"
    fresh.write_text(json.dumps({"python": python, "code": str(code)}), encoding="utf-8")
    fresh.rename(home / "interpreter.json")


async def _bootstrap(
    plan: Plan, step: Step, site: Site, variables: Mapping[str, str], log: Path
) -> str:
    """Have the environment's own commands make its interpreter; answer where it is."""
    script = _SHELL + "\n".join((*step.bootstrap, f'exec {step.python} -c "{_WHERE}"'))
    environment = surroundings(plan, replace(site, packaged=True), without_own(variables))
    exit_code = await supervised(Fresh(), Job(("bash", "-c", script), environment, site.code), log)
    if exit_code != 0:
        said = last_words(log, "stderr") or last_words(log, "stdout") or f"exit code {exit_code}"
        hint = ""
        if "uv run" in step.python and shutil.which("uv", path=environment["PATH"]) is None:
            hint = _NO_UV
        raise NotMade(f"The environment of step {step.name} could not be made: {said}.{hint}")
    return (site.code / ".interpreter").read_text(encoding="utf-8")


@contextlib.asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    """Wait until no other process is in such a block."""
    with path.open("w") as file:
        while not _locked(file.fileno()):
            await asyncio.sleep(_LOOK)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
