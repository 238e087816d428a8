"""Cases as pytest items: wait for the observation, judge it, say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metaflow_orchestrator_kit.compliance import cases
from metaflow_orchestrator_kit.compliance.cases import elsewhere
from metaflow_orchestrator_kit.compliance.expect import Blocked, ExpectationFailed
from metaflow_orchestrator_kit.compliance.judge import Judge
from metaflow_orchestrator_kit.compliance.lab.client import LabError
from metaflow_orchestrator_kit.compliance.select import Fate, Planned

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.compliance.session import ComplianceSession

PROPERTY = "mok-result"


class CaseFile(pytest.File):
    """A module of ``cases/``."""

    session_of_suite: ComplianceSession

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, suite: ComplianceSession) -> CaseFile:
        """The collector of that module."""
        found: CaseFile = cls.from_parent(parent, path=path)
        found.session_of_suite = suite
        return found

    def collect(self) -> Iterator[CaseItem]:
        """The cases that run or are probed; the others have their verdict already."""
        for planned in self.session_of_suite.plan.planned:
            if _stem(planned.case.module) == self.path.stem and planned.fate in (
                Fate.RUN,
                Fate.PROBE,
            ):
                item: CaseItem = CaseItem.from_parent(self, name=planned.case.id)
                item.planned = planned
                item.suite = self.session_of_suite
                yield item


def _stem(module: str) -> str:
    """The file that the cases of a module are collected from."""
    package, _, name = module.rpartition(".")
    return name if package == cases.__name__ else elsewhere.__name__.rpartition(".")[2]


class CaseItem(pytest.Item):
    """One case."""

    planned: Planned
    suite: ComplianceSession

    def runtest(self) -> None:
        """Judge, note the verdict, and let pytest show it in its own way."""
        judge = Judge(self.suite.suite, self.suite.plan, self.suite.deadline, os.environ)
        result, problem = judge.judge(self.planned)
        self.user_properties.append((PROPERTY, result.to_json()))
        if isinstance(problem, Blocked):
            pytest.skip(f"blocked: {problem}")
        if problem is not None:
            raise problem

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message of a case says it all; a traceback only for the kit's own faults."""
        if isinstance(excinfo.value, (ExpectationFailed, LabError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case is written."""
        line = self.planned.case.check.__code__.co_firstlineno
        return self.path, line - 1, f"{self.planned.case.cap.name}: {self.name}"
