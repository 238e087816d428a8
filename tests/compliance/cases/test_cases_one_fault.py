"""One fault that shows in many scenarios is red once: no scheduler, a trigger() that runs flows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from good import GOOD
from made import of_step

from metaflow_orchestrator_kit.compliance.cases import all_cases
from metaflow_orchestrator_kit.compliance.config import Backend, Suite
from metaflow_orchestrator_kit.compliance.expect import Expect, ExpectationFailed
from metaflow_orchestrator_kit.compliance.judge import Judge
from metaflow_orchestrator_kit.compliance.lab.client import wish
from metaflow_orchestrator_kit.compliance.lab.settings import write_atomically
from metaflow_orchestrator_kit.compliance.model import Failure, Observation
from metaflow_orchestrator_kit.compliance.verdict import Verdict

CASES = {case.id: case for case in all_cases()}

RAISED = Failure("trigger", "RuntimeError", "Error executing: flow.py sched trigger")


def raised(scenario: str, **fields: object) -> Observation:
    """The scenario, of which trigger() has told nothing but an exception."""
    told = {"error": RAISED, "final_status": None, "statuses": [], "pathspec": None}
    return replace(GOOD[scenario], scenario=scenario, **{**told, **fields})


def verdicts(
    folder: Path,
    *cases: str,
    seen: Observation,
    returns: bool = True,
    plain: Failure | None = None,
    wanted: Sequence[str] = (),
    beside: Sequence[Observation] = (),
) -> list[Verdict]:
    """The verdicts on cases of one scenario, where trigger() returns at once or at the end.

    ``plain`` is what went wrong with the plainest flow, if anything; ``beside`` was seen as well.
    """
    suite = Suite(Backend("sched", "sched"), str(folder), "t")
    plan, lab = suite.plan(), suite.lab()
    lab.save()
    linear = GOOD["linear"]
    if not returns:
        waited = replace(linear, seconds={"trigger": 40.0}, statuses=[(0.1, "SUCCEEDED")])
        linear = of_step("hold", artifacts={**linear.step("hold")[0].artifacts, "released": False})(
            waited
        )
    for one in (replace(linear, scenario="linear", error=plain), seen, *beside):
        write_atomically(lab.observation(one.scenario), one.to_json())
    wish(lab, run=wanted or ["linear", seen.scenario, *(one.scenario for one in beside)])
    judge = Judge(suite, plan, time.monotonic() + 60)
    planned = [plan.of(case) for case in cases]
    return [judge.judge(one)[0].verdict for one in planned if one is not None]


def test_what_its_tasks_did_is_judged_and_what_it_did_not_tell_is_blocked(tmp_path):
    assert verdicts(
        tmp_path, "failing-stops", "failing-status", seen=raised("failing"), returns=False
    ) == [Verdict.PASSED, Verdict.BLOCKED]


def test_an_exception_is_word_enough_that_the_run_has_failed(tmp_path):
    seen = raised("nothing")
    assert verdicts(tmp_path, "foreach-of-nothing", seen=seen, returns=False) == [Verdict.PASSED]


def test_where_trigger_returns_for_other_flows_its_exception_is_red(tmp_path):
    assert verdicts(
        tmp_path, "failing-stops", "failing-status", seen=raised("failing"), returns=True
    ) == [Verdict.FAILED, Verdict.FAILED]


def test_a_run_whose_tasks_were_never_registered_says_nothing_of_them(tmp_path):
    seen = raised("failing", tasks=[])
    assert verdicts(tmp_path, "failing-stops", seen=seen, returns=False) == [Verdict.BLOCKED]


@pytest.mark.parametrize("scenario", ["branches", "fanout"])
def test_without_a_run_the_trigger_has_failed_before_the_run(tmp_path, scenario):
    case = {"branches": "branches-run-once", "fanout": "foreach-task-per-item"}[scenario]
    seen = raised(scenario, tasks=[], run=None)
    assert verdicts(tmp_path, case, seen=seen, returns=False) == [Verdict.FAILED]


def test_without_a_scheduler_the_plain_flow_alone_is_red(tmp_path):
    down = Failure("deploy", "RuntimeError", "Connection refused")
    seen = raised("branded_found", error=down, tasks=[], run=None)
    cases = ("found-by-name", "found-without-flow-file", "found-keeps-branch")
    found = verdicts(tmp_path, *cases, seen=seen, plain=down)
    assert found == [Verdict.BLOCKED] * 3
    assert verdicts(tmp_path, "linear-runs-in-order", seen=seen, plain=down) == [Verdict.FAILED]


def test_what_fails_in_another_phase_than_the_plain_flow_is_red_too(tmp_path):
    seen = raised("failing", error=RAISED, tasks=[], run=None)
    down = Failure("read", "MetaflowNotFound", "no such run")
    assert verdicts(tmp_path, "failing-status", seen=seen, plain=down) == [Verdict.FAILED]


def test_a_deployment_that_is_not_found_is_one_fault(tmp_path):
    lost = Failure("from_deployment", "ValueError", "no such deployment")
    seen = raised("branded_found", error=lost, tasks=[], run=None)
    cases = ("found-by-name", "found-without-flow-file", "found-keeps-branch")
    found = verdicts(tmp_path, *cases, seen=seen)
    assert found == [Verdict.FAILED, Verdict.BLOCKED, Verdict.BLOCKED]


def test_a_dead_lab_says_its_last_words_once(tmp_path):
    cases = ("branches-run-once", "branches-join-inputs", "failing-stops", "failing-status")
    seen = raised("failing", error=None)
    (tmp_path / "lab").mkdir()
    found = verdicts(tmp_path / "lab", *cases, seen=seen, wanted=["branches", "failing"])
    assert found[:2] == [Verdict.ERROR, Verdict.BLOCKED]
    assert Verdict.ERROR not in found[2:], "what was observed is judged"


def test_a_slow_trigger_does_not_wait_where_the_run_goes_on_after_it(tmp_path):
    linear = GOOD["linear"]
    hold = replace(linear.step("hold")[0], artifacts={**linear.step("hold")[0].artifacts})
    hold.artifacts["released"] = False
    tasks = [hold if one.step == "hold" else one for one in linear.tasks]
    slow = replace(linear, seconds={"trigger": 35.0}, tasks=tasks)
    CASES["linear-trigger-returns"].check(
        slow, Expect("linear-trigger-returns", "It returns.", ("C6",))
    )


def test_a_run_that_failed_inside_the_trigger_before_metaflow_saw_it_is_blocked(tmp_path):
    seen = raised("unready", tasks=[], run=None)
    assert verdicts(tmp_path, "init-fails", seen=seen, returns=False) == [Verdict.BLOCKED]
    assert verdicts(tmp_path, "init-fails", seen=seen, returns=True) == [Verdict.FAILED]


@pytest.mark.parametrize("case", ["failing-status", "init-fails"])
def test_a_likely_cause_is_one_of_what_has_happened(case):
    found = CASES[case]
    for phase, cause in {"trigger": "waits for the end of the run", "wait": "the status"}.items():
        seen = raised(found.scenario.id, error=replace(RAISED, phase=phase))
        with pytest.raises(ExpectationFailed) as told:
            found.check(seen, Expect(case, found.promise, found.clauses))
        assert f"1. {cause}" in str(told.value) or f"or {cause}" in str(told.value)


def test_where_no_failed_run_ever_ends_that_alone_is_red(tmp_path):
    endless = Failure("wait", "GaveUp", "Waited for a terminal status.")
    seen = raised("retrying", error=endless)
    cases = ("retry-count", "retry-same-task")
    failing = raised("failing", error=endless)
    found = verdicts(tmp_path, *cases, seen=seen, beside=[failing])
    assert found == [Verdict.BLOCKED, Verdict.BLOCKED]
    found = verdicts(tmp_path, "failing-status", "failing-stops", seen=failing)
    assert found == [Verdict.FAILED, Verdict.BLOCKED]


def test_where_a_failed_run_does_end_one_that_does_not_is_red(tmp_path):
    endless = Failure("wait", "GaveUp", "Waited for a terminal status.")
    seen = raised("retrying", error=endless)
    good = raised("failing", error=None)
    found = verdicts(tmp_path, "retry-count", "retry-same-task", seen=seen, beside=[good])
    assert found == [Verdict.FAILED, Verdict.BLOCKED]


@pytest.mark.parametrize("phase", ["deploy", "trigger", "wait", "read"])
def test_what_stops_the_plain_flow_is_not_told_again(tmp_path, phase):
    unreachable = Failure(phase, "ConnectionError", "the datastore cannot be reached")
    seen = raised("branches", error=unreachable, tasks=[], run=None)
    found = verdicts(tmp_path, "branches-run-once", seen=seen, plain=unreachable)
    assert found == [Verdict.BLOCKED]


def test_a_failed_run_that_cannot_be_read_is_told_as_one_whose_init_failed(tmp_path):
    lost = Failure("read", "MetaflowNotFound", "no such run")
    case = CASES["linear-runs-in-order"]
    for status, told in (("FAILED", True), ("SUCCEEDED", False)):
        seen = raised("linear", error=lost, final_status=status, tasks=[], run=None)
        suite = Suite(Backend("sched", "sched"), str(tmp_path / status), "t")
        suite.lab().save()
        write_atomically(suite.lab().observation("linear"), seen.to_json())
        wish(suite.lab(), run=["linear"])
        planned = suite.plan().of(case.id)
        assert planned is not None
        result, _ = Judge(suite, suite.plan(), time.monotonic() + 60).judge(planned)
        assert ("before Metaflow had seen it" in result.message) is told


def test_a_flow_that_cannot_be_deployed_is_one_fault_in_all_its_scenarios(tmp_path):
    refused = Failure("deploy", "RuntimeError", "SyntaxError: invalid syntax")
    given = raised("params_given", error=refused, tasks=[], run=None)
    defaults = raised("params_defaults", error=refused, tasks=[], run=None)
    cases = ("params-byte-for-byte", "params-included-file", "params-defaults")
    found = verdicts(tmp_path, *cases[:2], seen=given, beside=[defaults])
    assert found == [Verdict.FAILED, Verdict.BLOCKED]
    assert verdicts(tmp_path, cases[2], seen=defaults, beside=[given]) == [Verdict.BLOCKED]


def test_a_flow_that_fails_in_one_of_its_scenarios_only_is_told_there(tmp_path):
    refused = Failure("trigger", "ValueError", "Unknown argument")
    seen = raised("params_defaults", error=refused, tasks=[], run=None)
    good = raised("params_given", error=None)
    assert verdicts(tmp_path, "params-defaults", seen=seen, beside=[good]) == [Verdict.FAILED]


CRASHED = """Error executing: '/venv/python {file} sched create':
    Internal error
    Traceback (most recent call last):
      File "/venv/sched/cli.py", line 12, in create
        plan = read(graph, "{flow}")
      File "/venv/sched/graph.py", line {line}, in read
        node = nodes["start"]
               ~~~~~^^^^^^^^^
    KeyError: 'start'
"""

REFUSED = """Error executing: '/venv/python {file} sched create':
    Scheduler error:
    No deployment named '{line}' found for flow '{flow}'.
"""


@pytest.mark.parametrize("text", [CRASHED, REFUSED])
@pytest.mark.parametrize(("line", "second"), [(7, Verdict.BLOCKED), (8, Verdict.FAILED)])
def test_an_error_that_two_flows_end_with_is_one_fault(tmp_path, text, line, second):
    def failed(scenario: str, flow: str, line: int) -> Observation:
        told = text.format(file=f"/e/{scenario}/flow.py", flow=flow, line=line)
        error = Failure("deploy", "RuntimeError", told)
        return raised(scenario, error=error, tasks=[], run=None, evidence=f"/e/{scenario}")

    first = failed("renamed", "MokRenamedXf234e6b7", 7)
    seen = failed("single", "MokSingleXd2edd618", line)
    assert verdicts(tmp_path, "single-step", seen=seen, beside=[first]) == [second]
    found = verdicts(tmp_path, "renamed-start-and-end", seen=first, beside=[seen])
    assert found == [Verdict.FAILED]


def test_that_two_flows_took_too_long_is_not_one_fault(tmp_path):
    late = Failure("deploy", "GaveUp", "The scenario's 120 s are over.")
    first = raised("renamed", error=late, tasks=[], run=None)
    seen = raised("single", error=late, tasks=[], run=None)
    assert verdicts(tmp_path, "single-step", seen=seen, beside=[first]) == [Verdict.FAILED]


@pytest.mark.parametrize(
    ("phase", "verdict"), [("trigger", Verdict.BLOCKED), ("read", Verdict.FAILED)]
)
def test_a_case_that_looks_at_errors_of_some_phases_leaves_the_others_to_the_first(
    tmp_path, phase, verdict
):
    lost = Failure(phase, "RuntimeError", "No deployment named 'mok' found.")
    seen = raised("settings", error=lost, tasks=[], run=None)
    assert verdicts(tmp_path, "config-values", seen=seen) == [verdict]


@pytest.mark.parametrize("case", ["max-workers", "failing-status", "init-fails"])
def test_who_looks_at_errors_is_not_red_for_a_status_that_never_comes_unless_it_is_about_it(
    tmp_path, case
):
    endless = Failure("wait", "GaveUp", "Waited for a terminal status.")
    seen = raised(CASES[case].scenario.id, error=endless)
    failing = raised("failing", error=endless)
    expected = Verdict.BLOCKED if case == "max-workers" else Verdict.FAILED
    assert verdicts(tmp_path, case, seen=seen, beside=[failing]) == [expected]


@pytest.mark.parametrize("phase", ["deploy", "wait"])
def test_an_option_is_missing_only_where_create_has_said_so(phase):
    found = CASES["max-workers"]
    seen = raised("limited", error=Failure(phase, "ValueError", "Unknown argument"))
    with pytest.raises(ExpectationFailed) as told:
        found.check(seen, Expect(found.id, found.promise, found.clauses))
    assert ("create has no option --max-workers" in str(told.value)) is (phase == "deploy")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("HTTPConnectionPool(host='localhost', port=6789): [Errno 111] Connection refused", True),
        ("httpx.ConnectError: All connection attempts failed", True),
        ("KeyError: 'start'", False),
    ],
)
def test_a_refused_connection_is_told_as_a_scheduler_that_does_not_run(tmp_path, said, told):
    down = Failure("deploy", "RuntimeError", said)
    seen = raised("linear", error=down, tasks=[], run=None)
    suite = Suite(Backend("sched", "sched"), str(tmp_path), "t")
    suite.lab().save()
    write_atomically(suite.lab().observation("linear"), seen.to_json())
    wish(suite.lab(), run=["linear"])
    planned = suite.plan().of("linear-runs-in-order")
    assert planned is not None
    result, _ = Judge(suite, suite.plan(), time.monotonic() + 60).judge(planned)
    assert ("1. the scheduler is not running" in result.message) is told
