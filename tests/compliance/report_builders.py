"""A small whole report for the tests of its forms."""

from __future__ import annotations

from typing import Any

from suite_builders import make_case

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.extension import Extension
from metaflow_orchestrator_kit.compliance.known.entries import KnownFailure
from metaflow_orchestrator_kit.compliance.known.judge import judge
from metaflow_orchestrator_kit.compliance.report.document import document
from metaflow_orchestrator_kit.compliance.select import select
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

HOSTILE = "<script>alert('x')</script> ]]> & \x00 | ```` \N{SNOWMAN}"
"""What a scheduler may print; it must not break any form of the report."""

EXTENSION = Extension("my-sched", "metaflow_extensions.my", "my-sched 1.0", ("SWITCH",), "2.19.39")


def run(scenario: str, *, good: bool = True) -> dict[str, Any]:
    """A run of three tasks, of which one was tried twice."""

    def task(
        step: str, index: list[int], *attempts: tuple[float, float | None, bool | None]
    ) -> Any:
        return {
            "step": step,
            "id": f"t-{step}-{'-'.join(map(str, index))}",
            "index": index,
            "attempts": [
                {"number": number, "start": start, "end": end, "successful": successful}
                for number, (start, end, successful) in enumerate(attempts)
            ],
        }

    return {
        "scenario": scenario,
        "flow": "linear",
        "deployment": "linear.x",
        "pathspec": "LinearFlow/my-1",
        "status": "SUCCEEDED" if good else "FAILED",
        "statuses": [[0.1, "PENDING"], [0.4, "RUNNING"], [4.2, "SUCCEEDED" if good else "FAILED"]],
        "error": None,
        "tasks": [
            task("start", [], (0.0, 1.0, True)),
            task("work", [0], (1.2, 2.0, False), (2.1, 3.0, good)),
            task("work", [1], (1.2, None, None)),
        ],
        "output": f"deployed\n{HOSTILE}",
        "files": [f"evidence/scenarios/{scenario}/commands.txt"],
    }


def make_report(
    *results: Result, known: list[KnownFailure] | None = None, **changes: Any
) -> dict[str, Any]:
    """A report of these results; their scenarios were observed where they ran."""
    plan = select(("SWITCH",), None, [make_case(one.case, Cap[one.cap]) for one in results])
    ran = [
        one.scenario
        for one in results
        if one.verdict not in (Verdict.DISABLED, Verdict.NOT_RUN, Verdict.ERROR)
    ]
    made = document(
        EXTENSION,
        plan,
        judge(results, known) if known is not None else judge(results, []),
        backend={"name": "mine", "scheduler_type": "my-sched", "deploy_args": {"key": "***"}},
        seconds=12.34,
        runs=[run(scenario) for scenario in dict.fromkeys(ran)],
        known=known,
    )
    return {**made, **changes}


def result(case: str, verdict: Verdict, message: str = "", cap: Cap = Cap.RETRY) -> Result:
    """A result with an evidence folder."""
    made = make_case(case, cap)
    return Result.of(made, verdict, message=message, evidence=f"evidence/scenarios/{case}")


def mixed() -> dict[str, Any]:
    """A report with every verdict, whose messages are hostile."""
    return make_report(
        result("passes", Verdict.PASSED),
        result("fails", Verdict.FAILED, f"A promise.\n\nobserved    {HOSTILE}"),
        result("refused", Verdict.REFUSED, cap=Cap.PARALLEL),
        result("known", Verdict.FAILED, "observed 1", Cap.CATCH),
        result("fixed", Verdict.PASSED, cap=Cap.CATCH),
        result("blocked", Verdict.BLOCKED, "the scenario failed; see 'fails'"),
        result("disabled", Verdict.DISABLED, "RESUME is not declared", Cap.RESUME),
        result("error", Verdict.ERROR, "LabError: gone", Cap.TIMEOUT),
        result("not-run", Verdict.NOT_RUN, "interrupted", Cap.TIMEOUT),
        known=[
            KnownFailure("known", "observed 1", HOSTILE, "known.yaml:1"),
            KnownFailure("fixed", "observed 2", "upstream", "known.yaml:4"),
        ],
    )
