from __future__ import annotations

from collections.abc import Iterator, Sequence

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Confidence
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.project import Module
from metaflow_orchestrator_kit.validate.records import record, regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.launch_env import Variables, launches, set_for_itself
from metaflow_orchestrator_kit.validate.rules.script_goes_on import joined_lines
from metaflow_orchestrator_kit.validate.source_lines import HOLE, Line, strings_of

#: What `init` and every step need alike.
_OF_ALL = regex(
    r"METAFLOW_(?:USER|OWNER|PRODUCTION_TOKEN|FLOW_CONFIG_VALUE|RUNTIME_NAME|PROFILE|"
    r"DATASTORE_SYSROOT_[A-Z0-9]+|CODE_(?:URL|SHA|DS|METADATA))"
)
_LAUNCH = regex(r"\b(init|step)\b.*--run-id")
_SET = regex(r"(?:^|[\s;&])(?:export\s+)?(METAFLOW_[A-Z0-9_]+)=")
_SOURCED = regex(
    rf"^\s*(?:\.|source|eval)\s|(?:^|[;&]|\b(?:export|env))\s*{HOLE}(?!\S|\s*=)|"
    rf"{HOLE}\s+\S*python"
)
_PYTHON = regex(r"[\[,]|(?<!\$)\(")
_FIX = "Make the environment of `init` and of every step in one function."


@record()
class _Launch:
    kind: str
    place: Origin
    variables: Variables


class SiblingEnvironment(Rule):
    """One of several processes is started without a variable that the others get.

    `init` and the steps are started in different functions, or by different scripts, and each
    makes its own environment. A variable that was added to one of them is missing in another:
    the configs are not those of the deployment, artifacts go to another folder, the run belongs
    to another user. Often only the entry step, or only a foreach, is wrong.
    """

    code = "MOK976"
    name = "sibling-lacks-variable"
    clauses = ("G1", "G6", "G7")

    VALID = (
        Example("the same variables", compiler("""\
        import os, subprocess
        def init(flow, run, user):
            env = dict(os.environ, METAFLOW_USER=user)
            subprocess.run(["python", flow, "init", "--run-id", run], env=env, check=True)

        def step(flow, name, run, user):
            env = {**os.environ, "METAFLOW_USER": user}
            subprocess.run(["python", flow, "step", name, "--run-id", run], env=env, check=True)
        """)),
        Example("an environment that is made elsewhere", compiler("""\
        import os, subprocess
        def init(flow, run, user):
            env = dict(os.environ, METAFLOW_USER=user)
            subprocess.run(["python", flow, "init", "--run-id", run], env=env, check=True)

        def step(flow, name, run, env):
            subprocess.run(["python", flow, "step", name, "--run-id", run], env=env, check=True)
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a step in the caller's environment", compiler("""\
        import os, subprocess
        def init(flow, run, user):
            env = dict(os.environ, METAFLOW_USER=user)
            subprocess.run(["python", flow, "init", "--run-id", run], env=env, check=True)

        def step(flow, name, run):
            subprocess.run(["python", flow, "step", name, "--run-id", run], check=True)  # <-- here
        """)),
        Example("a script", compiler('''\
        INIT = """#!/bin/sh
        export METAFLOW_USER={user}
        python {flow} --quiet init --run-id {run}
        """
        STEP = """#!/bin/sh
        set -e
        python {flow} --quiet step {step} --run-id {run}  # <-- here
        """
        ''')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no two processes are started whose environments are seen")
        own = frozenset[str]().union(*map(set_for_itself, programs(analysis)))
        for found in _by_file(analysis).values():
            names = frozenset[str]().union(*(one.variables.names for one in found))
            wanted = {name for name in names - own if _OF_ALL.fullmatch(name)}
            for one in found:
                verdict.ok(one.place, "the variables of this process were seen")
                for name in sorted(wanted - one.variables.names) if one.variables.whole else ():
                    verdict.fail(
                        one.place,
                        f"this `{one.kind}` gets no {name}, which others get",
                        _FIX,
                        confidence=Confidence.MEDIUM,
                    )


def _by_file(analysis: Analysis) -> dict[str, list[_Launch]]:
    """The launches of each file: other files may be for other machines."""
    found: dict[str, list[_Launch]] = {}
    for program in programs(analysis):
        for launch in launches(program):
            place = program.place(launch.node)
            found.setdefault(place.path, []).append(_Launch(launch.kind, place, launch.variables))
    for module in analysis.project.modules:
        if "--run-id" in module.source:
            for lines in strings_of(module):
                found.setdefault(module.path, []).extend(_in_script(module, lines))
    return found


def _in_script(module: Module, lines: Sequence[Line]) -> Iterator[_Launch]:
    """What a shell script runs, with what it has set before."""
    names: set[str] = set()
    whole = True
    for line in joined_lines(lines):
        names.update(_SET.findall(line.text))
        command = _LAUNCH.search(line.text)
        begins = line.text[: command.start()] if command else line.text
        whole = whole and not _SOURCED.search(begins.removeprefix(f"{HOLE} {HOLE}"))
        if command and not _PYTHON.search(line.text):
            place = Origin(module.path, line.number, 1, line.number)
            yield _Launch(command[1], place, Variables(frozenset(names), whole))
