"""Cases as pytest items: wait for the observation, judge it, say so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect, ExpectationFailed, Words
from metaflow_orchestrator_kit.compliance.lab.client import LabError, await_observation
from metaflow_orchestrator_kit.compliance.lab.settings import read_json
from metaflow_orchestrator_kit.compliance.model import Failure, Observation
from metaflow_orchestrator_kit.compliance.select import Fate, Planned
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.compliance.session import ComplianceSession

PROPERTY = "mok-result"

_REFUSAL = "not supported"

_PHASES = {
    "deploy": "is deployed: create() returns",
    "from_deployment": "is found by its deployment's name: from_deployment() returns",
    "trigger": "is triggered: trigger() returns",
    "wait": "reaches a terminal status",
    "read": "can be read with the Metaflow client",
}


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
            if planned.case.module.rpartition(".")[2] == self.path.stem and planned.fate in (
                Fate.RUN,
                Fate.PROBE,
            ):
                item: CaseItem = CaseItem.from_parent(self, name=planned.case.id)
                item.planned = planned
                item.suite = self.session_of_suite
                yield item


class CaseItem(pytest.Item):
    """One case."""

    planned: Planned
    suite: ComplianceSession

    def runtest(self) -> None:
        """Judge, note the verdict, and let pytest show it in its own way."""
        start = time.monotonic()
        verdict, message, evidence = Verdict.ERROR, "", ""
        try:
            seen = await_observation(
                self.suite.suite.lab(), self.planned.case.scenario.id, self.suite.deadline
            )
            evidence = seen.evidence
            verdict = self._judge(seen)
        except ExpectationFailed as failure:
            verdict, message = Verdict.FAILED, str(failure)
            raise
        except Blocked as reason:
            verdict, message = Verdict.BLOCKED, str(reason)
            pytest.skip(f"blocked: {reason}")
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise
        finally:
            result = Result.of(
                self.planned.case,
                verdict,
                message=message,
                evidence=evidence,
                seconds=round(time.monotonic() - start, 3),
            )
            self.user_properties.append((PROPERTY, result.to_json()))

    def _judge(self, seen: Observation) -> Verdict:
        case = self.planned.case
        expect = Expect(
            case=case.id,
            promise=case.promise,
            clauses=case.clauses,
            evidence=seen.evidence,
            rerun=f"{self.suite.suite.again} --select {case.id}".strip(),
        )
        if self.planned.fate is Fate.PROBE:
            return _judge_refusal(case.cap.name, seen, expect)
        if seen.error is not None and not case.sees_errors:
            self._judge_error(seen.error, seen, expect)
        case.check(seen, expect)
        if not expect.checked:
            raise RuntimeError(f"Case '{case.id}' has expected nothing, so it proves nothing.")
        return Verdict.PASSED

    def _judge_error(self, error: Failure, seen: Observation, expect: Expect) -> None:
        case = self.planned.case
        if error.phase not in _PHASES:
            raise LabError(f"{error.type}: {error.message}")
        leader = self.suite.plan.leader(case)
        if leader is not case:
            raise Blocked(
                f"the scenario '{seen.scenario}' failed in its phase '{error.phase}'; "
                f"see '{leader.id}'"
            )
        self._judge_ground(error)
        expect.fail(
            f"the flow '{case.scenario.flow}' in the scenario '{seen.scenario}'",
            expected=Words(f"it {_PHASES[error.phase]}"),
            observed=_told(seen),
            likely=[f"see output.log in the evidence; the phase was '{error.phase}'"],
        )

    def _judge_ground(self, error: Failure) -> None:
        """Where not even the plain flow gets that far, it alone is red: that is to mend first."""
        ground = self.suite.plan.ground
        lab = self.suite.suite.lab()
        if ground is None or ground.scenario.id == self.planned.case.scenario.id:
            return
        wanted = read_json(lab.path / "wanted.json") or {}
        if ground.scenario.id not in wanted.get("run", ()):  # pytest was told to leave it out
            return
        plain = await_observation(lab, ground.scenario.id, self.suite.deadline)
        if plain.error is not None and plain.error.phase == error.phase:
            raise Blocked(
                f"the plain flow of '{ground.scenario.id}' failed in its phase '{error.phase}', "
                f"too; see '{ground.id}'"
            )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message of a case says it all; a traceback only for the kit's own faults."""
        if isinstance(excinfo.value, (ExpectationFailed, LabError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case is written."""
        line = self.planned.case.check.__code__.co_firstlineno
        return self.path, line - 1, f"{self.planned.case.cap.name}: {self.name}"


def _judge_refusal(cap: str, seen: Observation, expect: Expect) -> Verdict:
    """A flow that needs what is not declared must be refused when it is deployed (C10)."""
    expect.clauses = ("C10", *expect.clauses)
    expect.promise = f"{cap} is not declared, so a flow that needs it is refused at deploy time."
    # Metaflow builds the exception's text from log files that may not be flushed yet, so the
    # command's own output counts as well.
    refused = (
        seen.error is not None
        and seen.error.phase == "deploy"
        and _REFUSAL in f"{seen.error.message}\n{seen.output}".lower()
    )
    if not refused:
        expect.fail(
            f"create() of the flow in the scenario '{seen.scenario}'",
            expected=Words(f"an exception whose text contains '{_REFUSAL}'"),
            observed=Words("it was accepted") if seen.error is None else _told(seen),
            likely=[
                f"the extension supports {cap}: add it to SUPPORTED_CAPABILITIES",
                "create() does not look for it and lets the flow go wrong later",
            ],
        )
    return Verdict.REFUSED


def _told(seen: Observation) -> Words:
    """The error of a scenario, with the last of what the commands printed where it matters."""
    assert seen.error is not None
    text = f"{seen.error.type}: {seen.error.message}".strip()
    if seen.error.phase in ("deploy", "trigger", "from_deployment") and seen.output.strip():
        last = "\n".join(seen.output.strip().splitlines()[-12:])
        if last not in text:
            text += f"\n{last}"
    return Words(text)
