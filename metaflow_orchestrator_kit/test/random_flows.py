"""Random flows in a run of the suite: written before it, made smaller after it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from metaflow_orchestrator_kit.compliance.case import Case
from metaflow_orchestrator_kit.compliance.config import Suite
from metaflow_orchestrator_kit.compliance.generated.cases import GROUP, random_case, write_flow
from metaflow_orchestrator_kit.compliance.generated.draw import draw
from metaflow_orchestrator_kit.compliance.generated.shape import Shape, blocks
from metaflow_orchestrator_kit.compliance.generated.shrink import shrink
from metaflow_orchestrator_kit.compliance.grammar import several
from metaflow_orchestrator_kit.compliance.judge import Judge
from metaflow_orchestrator_kit.compliance.lab.client import Lab, wish
from metaflow_orchestrator_kit.compliance.lab.settings import save_scenarios
from metaflow_orchestrator_kit.compliance.select import Fate, Plan, Planned
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

TRIES = 40
"""How many smaller flows are tried at most, unless the user says otherwise."""

_MOST = 3
"""So many of the flows that differ are made smaller; they often have one cause."""


def write_flows(suite: Suite, plan: Plan) -> None:
    """Write the flow files of the plan, and tell the lab of them."""
    cases = _random(plan)
    for case in cases:
        write_flow(_shape(case, plan), case.scenario.flow, suite.flows)
    save_scenarios(suite.lab(), [case.scenario for case in cases])


def summary(plan: Plan, results: Sequence[Result]) -> str:
    """What became of the random flows, in a sentence; empty where there were none."""
    names = {case.id for case in _random(plan)}
    own = [result for result in results if result.case in names and result.selected]
    if not own:
        return ""
    same = sum(result.verdict is Verdict.PASSED for result in own)
    return f"Random flows: {same} of {len(own)} ran as Metaflow's own runtime runs them."


def shrink_failures(
    suite: Suite,
    plan: Plan,
    results: Sequence[Result],
    environment: Mapping[str, str],
    say: Callable[[str], None],
    *,
    tries: int = TRIES,
) -> list[Result]:
    """The results, with the smallest flow that was found for each random one that differs."""
    found = list(results)
    names = {case.id: case for case in _random(plan)}
    wrong = [
        place
        for place, result in enumerate(found)
        if result.case in names and result.verdict is Verdict.FAILED
    ]
    for place in wrong[:_MOST]:
        case = names[found[place].case]
        say(f"\n{case.id} differs; looking for a smaller flow that does, {_tries(tries)} at most")
        try:
            trial = _Trial(suite, plan, case, environment, {_shape(case, plan): found[place]})
            found[place] = _shrunk(trial, found[place], tries, say)
        except KeyboardInterrupt:
            say("Interrupted: the flows stay as large as they are.")
            break
    return found


def _random(plan: Plan) -> list[Case]:
    return [one.case for one in plan.planned if one.case.group == GROUP and one.fate is Fate.RUN]


def _tries(number: int) -> str:
    return several(number, "try", "tries")


def _shape(case: Case, plan: Plan) -> Shape:
    return draw(int(case.id.rpartition("-")[2]), plan.capabilities)


def _shrunk(trial: _Trial, result: Result, tries: int, say: Callable[[str], None]) -> Result:
    suite, case = trial.suite, trial.case
    shape = _shape(case, trial.plan)
    outcome = shrink(shape, trial, tries=tries, at_a_time=suite.slots)
    small, large = (sum(1 for _ in blocks(one.body)) for one in (outcome.shape, shape))
    file = write_flow(outcome.shape, f"{case.scenario.flow}_smallest", suite.flows)
    more = ", and there may be a smaller one" if outcome.exhausted else ""
    size = several(large, "block", "blocks")
    say(f"{case.id}: from {size} to {small}, after {_tries(outcome.tries)}{more}")
    smallest = trial.results[outcome.shape]
    text = (
        f"{smallest.message}\n"
        f"flow        {file}\n"
        f"            the smallest of {outcome.tries} tries{more}; as it was drawn:\n"
        f"            {suite.flows / case.scenario.flow}.py"
    )
    return replace(result, message=text, evidence=smallest.evidence)


@dataclass(slots=True)
class _Trial:
    """Tries shapes out, each batch in a lab of its own."""

    suite: Suite
    plan: Plan
    case: Case
    environment: Mapping[str, str]
    results: dict[Shape, Result]
    batches: int = 0

    def __call__(self, shapes: Sequence[Shape]) -> list[bool]:
        self.batches += 1
        folder = Path(self.suite.directory) / "smaller" / f"{self.case.id}-{self.batches}"
        suite = replace(
            self.suite,
            directory=str(folder),
            token=secrets.token_hex(6),
            select=[],
            random_flows=0,
        )
        cases = [self._case(shape, number, suite) for number, shape in enumerate(shapes)]
        lab = suite.lab()
        save_scenarios(lab, [case.scenario for case in cases])
        wish(lab, run=[case.scenario.id for case in cases])
        limit = sum(lab.limit(case.scenario.timeout) for case in cases)
        running = Lab.start(lab, self.environment)
        try:
            planned = tuple(Planned(case, Fate.RUN) for case in cases)
            judge = Judge(suite, replace(self.plan, planned=planned), time.monotonic() + limit + 60)
            for shape, one in zip(shapes, planned, strict=True):
                self.results[shape], _ = judge.judge(one)
        finally:
            running.stop()
        return [self.results[shape].verdict is Verdict.FAILED for shape in shapes]

    def _case(self, shape: Shape, number: int, suite: Suite) -> Case:
        name = f"{self.case.scenario.flow}_try_{self.batches}_{number}"
        write_flow(shape, name, suite.flows)
        case = random_case(shape, name, suite.flows, again=self.case.again)
        return replace(case, id=self.case.id)
