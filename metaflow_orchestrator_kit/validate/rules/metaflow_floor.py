from __future__ import annotations

import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate import objects
from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.packaging import Line, read_packaging
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule

#: What may be imported since when: (module, name or None for the module itself) -> release.
_SINCE: dict[tuple[str, str | None], tuple[int, ...]] = {
    ("metaflow.runner.deployer", None): (2, 12, 9),
    ("metaflow.runner.deployer_impl", None): (2, 12, 29),
    ("metaflow.runner.utils", "temporary_fifo"): (2, 12, 34),
    ("metaflow", "Config"): (2, 12, 37),
    ("metaflow", "config_expr"): (2, 12, 37),
    ("metaflow.user_configs", None): (2, 12, 37),
    ("metaflow.plugins.exit_hook", None): (2, 15, 19),
    ("metaflow.packaging_sys", None): (2, 16, 0),
    ("metaflow", "UserStepDecorator"): (2, 16, 0),
    ("metaflow.user_decorators", None): (2, 16, 0),
}
_NAME = regex(r"^\s*metaflow\s*(?:\[[^\]]*\])?\s*(.*)$", re.I)


def _requires(text: str) -> dict[str, str]:
    return {"pyproject.toml": f'[project]\nname = "metaflow-acme"\ndependencies = [{text}\n]\n'}


class MetaflowFloorTooLow(Rule):
    """The declared requirement admits a Metaflow in which the extension cannot work.

    pip keeps a Metaflow that satisfies the requirement. With `metaflow>=2.9` that may be one
    without the Deployer API: the extension fails with an ImportError or AttributeError, far from
    the cause, and nobody thinks of the version.

    Declare the first release that has everything you use.
    """

    code = "MOK103"
    name = "metaflow-floor-too-low"
    clauses = ("A10",)
    severity = Severity.WARNING

    VALID = (
        Example("the release that is needed", _requires('"metaflow>=2.12.29"')),
        Example("among others", _requires('\n    "requests",\n    "metaflow[extra] >= 2.16, <3",')),
    )  # fmt: skip
    INVALID = (
        Example("one without deployers", _requires('\n    "metaflow>=2.9",  # <-- here')),
        Example("no release at all", _requires('\n    "metaflow",  # <-- here')),
        Example("not required", _requires('\n    "requests"')),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        project = analysis.project
        packaging = read_packaging(project)
        if packaging is None or not objects.leaves(project, objects.DEPLOYER):
            verdict.not_applicable("there are no requirements to read, or no deployer needs any")
            return
        if packaging.requires is None:
            verdict.unsure(packaging.place, "the requirements are computed, or listed elsewhere")
            return
        floor, why = max(_needed(analysis))
        needed = ".".join(map(str, floor))
        fix = f'Require "metaflow>={needed}" or later.'
        listed = [(line, m[1]) for line in packaging.requires if (m := _NAME.match(line.value))]
        if not listed:
            verdict.fail(packaging.place, f"Metaflow is not required; `{why}` needs {needed}", fix)
        for line, specifier in listed:
            declared = _floor(specifier)
            if declared is None:
                _judge_open(line, specifier, f"`{why}` needs {needed}", fix, verdict)
            elif declared < floor:
                shown = ".".join(map(str, declared))
                verdict.fail(
                    line.origin, f"metaflow {shown} is admitted; `{why}` needs {needed}", fix
                )
            else:
                verdict.ok(line.origin, f"`{why}` needs {needed}, which is required")


def _judge_open(line: Line, specifier: str, why: str, fix: str, verdict: Judge) -> None:
    if "@" in specifier or "==" in specifier:
        verdict.unsure(line.origin, "Metaflow is required from an address or at fixed releases")
    else:
        verdict.fail(line.origin, f"any Metaflow is admitted; {why}", fix)


def _floor(specifier: str) -> tuple[int, ...] | None:
    """The lowest release that a specifier admits."""
    match = re.search(r"(?:>=|~=|>|===?)\s*(\d+(?:\.\d+)*)", specifier.partition(";")[0])
    return tuple(int(p) for p in match[1].split(".")) if match else None


def _needed(analysis: Analysis) -> Iterator[tuple[tuple[int, ...], str]]:
    yield (2, 12, 9), "DeployerImpl"
    for module in analysis.project.modules:
        for base, attribute in module.imports.values():
            for key in ((base, attribute), (base, None), (base.rpartition(".")[0], None)):
                if key in _SINCE:
                    yield _SINCE[key], ".".join(p for p in (base, attribute) if p)
