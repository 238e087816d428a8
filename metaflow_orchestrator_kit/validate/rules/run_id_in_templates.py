from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.programs import programs
from metaflow_orchestrator_kit.validate.records import regex
from metaflow_orchestrator_kit.validate.rules.base import Example, Judge, Rule
from metaflow_orchestrator_kit.validate.rules.examples import compiler
from metaflow_orchestrator_kit.validate.rules.flag_values import flag_values
from metaflow_orchestrator_kit.validate.rules.syntax import index, literal

#: What is written before a field that the scheduler fills in, and the field.
_FIELD = r"([\w-]*)(?<!\{)\{{2,4}\s*([\w./'\"()-]+)\s*\}{2,4}"
_WHOLE = regex(rf"^{_FIELD}$")
_IN_LINE = regex(rf"--run-id[ =]+[\"'\\]*{_FIELD}(?=[\"'\\\s]|$)")
_VARIABLE = "METAFLOW_RUN_ID"
_FIX = "Write the id of a run in one place, and use that everywhere."

_Use = tuple[Origin, str, str]


class RunIdInTemplates(Rule):
    """The id of a run is the scheduler's own id, with a prefix here and without one there.

    `init` makes the run under one id, and a step, or a variable of its environment, names another
    one. The step reads parameters of a run that does not exist, or code inside the task that asks
    for its own run finds none.
    """

    code = "MOK864"
    name = "run-id-prefix-differs"
    clauses = ("E10", "F1")
    severity = Severity.ERROR

    VALID = (
        Example("the same everywhere", compiler("""\
        ENV = {"METAFLOW_RUN_ID": "acme-{{workflow.name}}"}
        def step(node):
            return ["python", "flow.py", "step", node, "--run-id", "acme-{{workflow.name}}"]
        """)),
    )  # fmt: skip
    INVALID = (
        Example("a variable without the prefix", compiler("""\
        ENV = {"METAFLOW_RUN_ID": "{{workflow.name}}"}  # <-- here
        def step(node):
            return ["python", "flow.py", "step", node, "--run-id", "acme-{{workflow.name}}"]
        """)),
        Example("a line of a script", compiler("""\
        INIT = "python flow.py init --run-id acme-{{ run.id }} --task-id p"
        def step(node):
            return "python flow.py step %s --run-id {{ run.id }} --task-id t" % node  # <-- here
        """)),
    )  # fmt: skip

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        verdict.not_applicable("no run id is a field that the scheduler fills in")
        prefixes: dict[tuple[str, str], set[str]] = {}
        uses = list(_uses(analysis))
        for place, prefix, name in uses:
            prefixes.setdefault((place.path, name), set()).add(prefix)
        for place, prefix, name in uses:
            longest = max(prefixes[place.path, name], key=len)
            if prefix == longest:
                verdict.ok(place, f"the run is `{longest}{{{{{name}}}}}` here")
                continue
            text = f"the run is `{prefix}{{{{{name}}}}}` here, and elsewhere has `{longest}` before"
            verdict.fail(place, text, _FIX)


def _uses(analysis: Analysis) -> Iterator[_Use]:
    """Where the id of a run is written out with a field of the scheduler's."""
    for program, value in flag_values(analysis, "--run-id"):
        if found := _field(value):
            yield program.place(value), *found
    for program in programs(analysis):
        for mapping in program.nodes(ast.Dict):
            for key, value in zip(mapping.keys, mapping.values, strict=True):
                if literal(key) == _VARIABLE and (found := _field(value)):
                    yield program.place(value), *found
    for module, constant in index(analysis).strings:
        text = str(constant.value)
        for match in _IN_LINE.finditer(text) if "--run-id" in text else ():
            place = analysis.place(module, constant)
            line = place.line + (text[: match.start()].count("\n") if "\n" in text else 0)
            yield Origin(place.path, line, 1, line), match[1], match[2]


def _field(value: ast.expr) -> tuple[str, str] | None:
    text = literal(value)
    found = _WHOLE.match(text) if isinstance(text, str) else None
    return (found[1], re.sub(r"\s", "", found[2])) if found else None
