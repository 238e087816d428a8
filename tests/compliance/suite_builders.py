"""Small cases and results for the tests of the suite itself."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import Case
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict


def make_case(
    id: str, cap: Cap, scenario: str = "", caps: tuple[Cap, ...] = (), sees_errors: bool = False
) -> Case:
    """A case that expects nothing."""

    def check(seen: Observation, expect: Expect) -> None:
        """A promise."""

    made = Scenario(scenario or id, "linear", caps=caps)
    return Case(id, cap, ("E1",), made, check, sees_errors)


def make_result(verdict: Verdict, *, cap: Cap = Cap.RETRY, selected: bool = True) -> Result:
    """A result with that verdict."""
    case = make_case(f"case-{verdict.value}", cap)
    return Result.of(case, verdict, selected=selected)
