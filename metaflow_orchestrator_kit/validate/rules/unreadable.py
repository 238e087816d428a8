from __future__ import annotations

from metaflow_orchestrator_kit.validate.analysis import Analysis
from metaflow_orchestrator_kit.validate.findings import Severity
from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.rules.base import Judge, Rule


class UnreadableSource(Rule):
    """A file of the extension cannot be read or parsed.

    What cannot be read cannot be judged, and Python will not import it either. Fix the file, or
    take it out of the package.
    """

    code = "MOK000"
    name = "unreadable-source"
    clauses = ("A4",)
    severity = Severity.ERROR

    def check(self, analysis: Analysis, verdict: Judge) -> None:
        for problem in analysis.project.problems:
            verdict.fail(
                Origin(problem.path, problem.line, problem.column, problem.line),
                problem.message,
                "Fix the file: nothing in it could be checked.",
            )
        if not verdict.findings:
            verdict.not_applicable("every file could be read")
