"""From an observation to a verdict; the same for pytest's items and for whoever else asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from metaflow_orchestrator_kit.compliance.case import Case
from metaflow_orchestrator_kit.compliance.config import Suite
from metaflow_orchestrator_kit.compliance.evidence import lay_out
from metaflow_orchestrator_kit.compliance.expect import Blocked, Expect, ExpectationFailed, Words
from metaflow_orchestrator_kit.compliance.lab.client import LabError, alive, await_observation
from metaflow_orchestrator_kit.compliance.lab.settings import read_json
from metaflow_orchestrator_kit.compliance.model import Failure, Observation, Scenario
from metaflow_orchestrator_kit.compliance.select import GROUND, Fate, Plan, Planned
from metaflow_orchestrator_kit.compliance.telling import end_of, likely_causes, told
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

_REFUSAL = "not supported"

_TRIGGER = "linear-trigger-returns"
"""The case that is red where trigger() waits for the end of the run."""

_FOUND = "found-by-name"
"""The case that is red where ``from_deployment()`` raises."""

_STATUS = "failing-status"
"""The case that is red where a run that has failed never gets a terminal status."""

_ENDLESS = (_STATUS, "init-fails")
"""The cases that are about a status that never comes."""

_PHASES = {
    "deploy": "is deployed: create() returns",
    "from_deployment": "is found by its deployment's name: from_deployment() returns",
    "trigger": "is triggered: trigger() returns",
    "wait": "reaches a terminal status",
    "read": "can be read with the Metaflow client",
}


@dataclass(frozen=True, slots=True)
class Judge:
    """Waits for observations of a running lab and judges cases by them."""

    suite: Suite
    plan: Plan
    deadline: float
    """On the monotonic clock; nothing is waited for beyond it."""
    environ: Mapping[str, str] | None = None
    """Of the suite's processes; where it is given, the evidence of failures is laid out."""

    def judge(self, planned: Planned) -> tuple[Result, Exception | None]:
        """The verdict on a case that runs or is probed, and the exception behind it, if any."""
        start = time.monotonic()
        verdict, message, evidence = Verdict.ERROR, "", ""
        problem: Exception | None = None
        try:
            seen = await_observation(self.suite.lab(), planned.case.scenario.id, self.deadline)
            evidence = seen.evidence
            verdict = self._verdict(planned, seen)
        except ExpectationFailed as failure:
            verdict, message, problem = Verdict.FAILED, str(failure), failure
        except Blocked as reason:
            verdict, message, problem = Verdict.BLOCKED, str(reason), reason
        except Exception as error:
            message, problem = f"{type(error).__name__}: {error}", error
            first = self._first_unseen() if isinstance(error, LabError) else None
            if first is not None and first.id != planned.case.id:  # its last words once are enough
                verdict, message = Verdict.BLOCKED, f"the lab itself has ended; see '{first.id}'"
                problem = Blocked(message)
        result = Result.of(
            planned.case,
            verdict,
            message=message,
            evidence=evidence,
            seconds=round(time.monotonic() - start, 3),
        )
        return result, problem

    def _first_unseen(self) -> Case | None:
        """The first case that a dead lab has left without an observation; None if it lives."""
        lab = self.suite.lab()
        if alive(lab):
            return None
        wanted = read_json(lab.path / "wanted.json") or {}
        return next(
            (
                one.case
                for one in self.plan.planned
                if one.case.scenario.id in (*wanted.get("run", ()), *wanted.get("probe", ()))
                and one.fate in (Fate.RUN, Fate.PROBE)
                and not lab.observation(one.case.scenario.id).exists()
            ),
            None,
        )

    def _verdict(self, planned: Planned, seen: Observation) -> Verdict:
        case = planned.case
        expect = Expect(
            case=case.id,
            promise=case.promise,
            clauses=case.clauses,
            evidence=seen.evidence,
            rerun=" ".join(filter(None, (self.suite.again, case.again, f"--select {case.id}"))),
            lay_out=self._lay_out(seen, case.scenario),
        )
        if planned.fate is Fate.PROBE:
            return _judge_refusal(case.cap.name, seen, expect)
        if self._ran_inside(seen, case):
            if case.sees_errors or case.scenario.script is not None or not seen.tasks:
                raise Blocked(f"trigger() ran the flow itself, and raised; see '{_TRIGGER}'")
            seen = replace(seen, error=None, final_status="FAILED")  # that is how it tells so
        if seen.error is not None and seen.error.phase == "from_deployment":
            self._judge_found(planned)
        if seen.error is not None and not case.judges(seen.error.phase):
            self._judge_error(planned, seen.error, seen, expect)
        elif seen.error is not None and seen.error.phase in _PHASES:
            self._judge_ground(planned, seen.error)
            if case.id not in _ENDLESS:
                self._judge_status(seen.error)
            self._judge_flow(case, seen.error, seen)
        case.check(seen, expect)
        if not expect.checked:
            raise RuntimeError(f"Case '{case.id}' has expected nothing, so it proves nothing.")
        return Verdict.PASSED

    def _lay_out(self, seen: Observation, scenario: Scenario) -> Callable[[], Sequence[str]] | None:
        environ = self.environ
        return None if environ is None else lambda: lay_out(seen, scenario, environ)

    def _judge_found(self, planned: Planned) -> None:
        """Where a deployment is not found by its name, the case of that alone is red."""
        if planned.case.id != _FOUND and self._running(_FOUND) is not None:
            raise Blocked(f"the deployment was not found by its name; see '{_FOUND}'")

    def _judge_error(
        self, planned: Planned, error: Failure, seen: Observation, expect: Expect
    ) -> None:
        case = planned.case
        if error.phase not in _PHASES:
            raise LabError(f"{error.type}: {error.message}")
        leader = self.plan.leader(case)
        if leader is not case:
            raise Blocked(
                f"the scenario '{seen.scenario}' failed in its phase '{error.phase}'; "
                f"see '{leader.id}'"
            )
        self._judge_ground(planned, error)
        self._judge_status(error)
        self._judge_flow(case, error, seen)
        expect.fail(
            f"the flow '{case.scenario.flow}' in the scenario '{seen.scenario}'",
            expected=Words(f"it {_PHASES[error.phase]}"),
            observed=told(seen),
            likely=likely_causes(error, seen),
        )

    def _ran_inside(self, seen: Observation, of: Case) -> bool:
        """Whether trigger() raised because it ran the flow itself, and the run failed.

        That is one fault, of which a case of its own tells; what the tasks did is another matter.
        Without a run it may have been the trigger itself that failed, which is told then, unless
        the case is about a run that ends before Metaflow sees it.
        """
        returns = self._running(_TRIGGER)
        if seen.error is None or seen.error.phase != "trigger" or returns is None:
            return False
        if not of.sees_errors if seen.run is None else seen.run.successful:
            return False
        plain = self._plain(seen.scenario)
        if plain is None or plain.error is not None:
            return False
        try:
            returns.check(plain, Expect(returns.id, returns.promise, returns.clauses))
        except ExpectationFailed:
            return True
        return False

    def _judge_status(self, error: Failure) -> None:
        """Where no failed run gets a terminal status, one that was waited for in vain may be one.

        What its tasks did can only be judged once it is known that nothing more will come.
        """
        case = self._running(_STATUS)
        if error.phase != "wait" or case is None:
            return
        failing = self._seen(case.scenario.id)
        if failing is not None and failing.error is not None and failing.error.phase == "wait":
            raise Blocked(
                f"the run got no terminal status in time, and one that fails gets none; "
                f"see '{_STATUS}'"
            )

    def _judge_flow(self, of: Case, error: Failure, seen: Observation) -> None:
        """A flow that cannot be deployed, or not be triggered, is one fault in all its scenarios.

        So is an error that several flows end with. The first scenario tells of it, but nobody
        tells of the plainest flow's.
        """
        if error.phase not in ("deploy", "trigger") or of.scenario.id == GROUND:
            return
        end = end_of(seen)
        for one in self.plan.planned:
            if one.case.scenario is of.scenario:
                return
            other = one.case.scenario
            same = other.flow == of.scenario.flow
            if one.fate is not Fate.RUN or one.case.sees_errors or not (same or end):
                continue
            told = self._seen(other.id)
            if told is None or told.error is None or told.error.phase != error.phase:
                continue
            if same or end_of(told) == end:
                what = f"the flow '{other.flow}'" if same else "another flow, with the same words,"
                raise Blocked(
                    f"{what} failed in its phase '{error.phase}' in the scenario "
                    f"'{other.id}', too; see '{self.plan.leader(one.case).id}'"
                )

    def _running(self, case_id: str) -> Case | None:
        """The case of that id, if it runs."""
        found = self.plan.of(case_id)
        return found.case if found is not None and found.fate is Fate.RUN else None

    def _plain(self, scenario: str) -> Observation | None:
        """What was seen of the plainest flow, for another scenario; None where it does not run."""
        ground = self.plan.ground
        if ground is None or ground.scenario.id == scenario:
            return None
        return self._seen(ground.scenario.id)

    def _seen(self, scenario: str) -> Observation | None:
        """What was seen of another scenario that runs; None where it does not."""
        lab = self.suite.lab()
        wanted = read_json(lab.path / "wanted.json") or {}
        if scenario not in wanted.get("run", ()):  # pytest was told to leave it out
            return None
        return await_observation(lab, scenario, self.deadline)

    def _judge_ground(self, planned: Planned, error: Failure) -> None:
        """Where not even the plain flow gets that far, it alone is red: that is to mend first."""
        ground, plain = self.plan.ground, self._plain(planned.case.scenario.id)
        if ground is None or plain is None:
            return
        if plain.error is not None and plain.error.phase == error.phase:
            raise Blocked(
                f"the plain flow of '{ground.scenario.id}' failed in its phase '{error.phase}', "
                f"too; see '{ground.id}'"
            )


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
            observed=Words("it was accepted") if seen.error is None else told(seen),
            likely=[
                f"the extension supports {cap}: add it to SUPPORTED_CAPABILITIES",
                "create() does not look for it and lets the flow go wrong later",
            ],
        )
    return Verdict.REFUSED
