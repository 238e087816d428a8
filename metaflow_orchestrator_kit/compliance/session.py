"""One pytest session of the suite: collects cases as items, keeps the lab, notes verdicts.

With xdist there is one of these in the controller (lab and results) and one in each worker
(items); without, a single one does both.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from metaflow_orchestrator_kit.compliance import cases
from metaflow_orchestrator_kit.compliance.config import ConfigError, Suite
from metaflow_orchestrator_kit.compliance.items import PROPERTY, CaseFile, CaseItem
from metaflow_orchestrator_kit.compliance.lab.client import Lab, wish
from metaflow_orchestrator_kit.compliance.report.results import gather
from metaflow_orchestrator_kit.compliance.report.table import render
from metaflow_orchestrator_kit.compliance.select import Fate
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

CASES = Path(cases.__file__).parent


class ComplianceSession:
    """The plugin object; pytest calls its hooks."""

    def __init__(self, config: pytest.Config, file: str) -> None:
        try:
            self.suite = Suite.load(Path(file))
            self.plan = self.suite.plan()
        except (ConfigError, ValueError) as error:
            raise pytest.UsageError(str(error)) from None
        self.lab: Lab | None = None
        self.leads = not hasattr(config, "workerinput")
        limits = [self.suite.lab().limit(one.case.scenario.timeout) for one in self.plan.planned]
        self.deadline = time.monotonic() + 120 + sum(limits)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Start the lab early: it imports Metaflow while pytest collects."""
        if self.leads and not session.config.getoption("collectonly"):
            self.lab = Lab.start(self.suite.lab(), os.environ)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> CaseFile | None:
        """A module of cases is a file with one item per case."""
        if file_path.parent != CASES or file_path.suffix != ".py" or file_path.stem[0] == "_":
            return None
        return CaseFile.of(parent, file_path, self)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the lab what is needed, after pytest has deselected what it was told to."""
        items = [item for item in session.items if isinstance(item, CaseItem)]
        if items:
            wish(
                self.suite.lab(),
                run=_scenarios(items, Fate.RUN),
                probe=_scenarios(items, Fate.PROBE),
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the verdict as soon as it is known; the run may be interrupted later."""
        if not self.leads:
            return
        result = dict(report.user_properties).get(PROPERTY)
        if report.when == "call" and result is not None:
            self._note(result)
        elif report.failed:
            self._note_failure(report)

    def _note_failure(self, report: pytest.TestReport) -> None:
        """A set-up error, a time limit or a crashed worker: the kit's own fault."""
        planned = self.plan.of(report.nodeid.rpartition("::")[2])
        if planned is not None:
            text = report.longreprtext[-4000:]
            self._note(Result.of(planned.case, Verdict.ERROR, message=text).to_json())

    def _note(self, result: Any) -> None:
        with self.suite.results.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result) + "\n")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End the lab, and with it everything that it started."""
        if self.lab is not None:
            self.lab.stop()
            self.lab = None

    def pytest_unconfigure(self) -> None:
        """The same, when the session did not get as far as its end."""
        self.pytest_sessionfinish()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the table, unless the runner does."""
        if self.leads and self.suite.table:
            terminalreporter.write_line("")
            for line in render(gather(self.plan, self.suite.results), width=80).splitlines():
                terminalreporter.write_line(line)


def _scenarios(items: Iterable[CaseItem], fate: Fate) -> list[str]:
    return [item.planned.case.scenario.id for item in items if item.planned.fate is fate]
