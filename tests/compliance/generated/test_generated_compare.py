"""Two runs of one flow are compared by what they have in common, and a difference is told."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from metaflow_orchestrator_kit.compliance.expect import Expect, ExpectationFailed
from metaflow_orchestrator_kit.compliance.generated.cases import TAGS, agrees
from metaflow_orchestrator_kit.compliance.model import Observation, RunSeen, TaskSeen


def task(step: str, id: str, *, index=(), parents=(), attempts=(0,), **artifacts) -> TaskSeen:
    return TaskSeen(
        step=step,
        id=id,
        index=list(index),
        attempts=list(attempts),
        current_attempt=attempts[-1],
        successful=True,
        finished=True,
        exception=None,
        artifacts=artifacts,
        stdout="",
        stderr="",
        metadata={},
        tags=[],
        parents=list(parents),
        created_at=float(len(id)),
        finished_at=None,
    )


def tasks(prefix: str, run: str) -> list[TaskSeen]:
    """A foreach of two items, with ids of the scheduler's own."""
    return [
        task("start", f"{prefix}1", trail=["start"]),
        task("body", f"{prefix}2", index=[0], parents=[f"{run}/start/{prefix}1"], at=0),
        task("body", f"{prefix}3", index=[1], parents=[f"{run}/start/{prefix}1"], at=1),
        task(
            "join",
            f"{prefix}4",
            parents=[f"{run}/body/{prefix}2", f"{run}/body/{prefix}3"],
            trail=[0, 1],
        ),
    ]


def run(id: str, **changes) -> RunSeen:
    good = RunSeen(id, user_tags=[*TAGS], system_tags=[], successful=True, finished=True)
    return replace(good, **changes)


def judge(observed: list[TaskSeen], seen: RunSeen | None = None, native: dict | None = None) -> str:
    """The message of the case; empty when the runs agree."""
    if native is None:
        native = {
            "code": 0,
            "output": "",
            "run": asdict(run("17")),
            "tasks": [asdict(one) for one in tasks("", "17")],
        }
    observation = Observation(
        "random-flow-1", run=seen or run("s-1"), tasks=observed, extra={"native": native}
    )
    try:
        agrees(observation, Expect("random-flow-1", "It agrees.", ("F7",)))
    except ExpectationFailed as failure:
        return str(failure)
    return ""


def test_ids_of_runs_and_tasks_may_differ():
    assert judge(tasks("t-", "s-1")) == ""


def test_a_missing_task_is_told_before_what_follows_from_it():
    found = judge([one for one in tasks("t-", "s-1") if one.id != "t-3"])
    assert "tasks: how many of each step" in found
    assert "{'body[1]': 1}" in found and "{'body[1]': 0}" in found
    assert "differs, too: the tasks before of join" in found


def test_the_order_of_a_joins_inputs_is_seen_in_its_artifacts():
    observed = tasks("t-", "s-1")
    observed[3] = replace(observed[3], artifacts={"trail": [1, 0]})
    found = judge(observed)
    assert "artifacts of join" in found
    assert "{'trail': [0, 1]}" in found and "{'trail': [1, 0]}" in found
    assert "another order than the items" in found


def test_attempts_are_compared_task_by_task():
    observed = tasks("t-", "s-1")
    observed[2] = replace(observed[2], attempts=[0, 1])
    assert "attempts of body[1]" in judge(observed)


def test_parents_are_compared_by_what_they_are_and_not_by_their_ids():
    observed = tasks("t-", "s-1")
    observed[3] = replace(observed[3], parents=["s-1/body/t-2", "s-1/body/t-2"])
    found = judge(observed)
    assert "the tasks before of join" in found
    assert "['body[0]', 'body[1]']" in found and "['body[0]', 'body[0]']" in found


def test_parents_that_the_client_cannot_tell_are_no_difference():
    observed = [replace(one, parents=None) for one in tasks("t-", "s-1")]
    assert judge(observed) == ""


def test_the_text_of_an_exception_counts_and_the_files_it_names_do_not():
    def caught(file: str, text: str) -> dict:
        return {"repr": f"Exception('{text}') with traceback:\n  File {file}\nValueError: {text}"}

    native = {
        "code": 0,
        "output": "",
        "run": asdict(run("17")),
        "tasks": [asdict(task("start", "1", problem=caught("/a/flow.py", "x")))],
    }
    assert judge([task("start", "t-1", problem=caught("/b/flow.py", "x"))], native=native) == ""
    found = judge([task("start", "t-1", problem=caught("/a/flow.py", "y"))], native=native)
    assert "artifacts of start" in found


def test_tags_that_were_given_must_be_there_and_others_may():
    assert judge(tasks("t-", "s-1"), run("s-1", user_tags=[*TAGS, "more"])) == ""
    assert "tags of the run" in judge(tasks("t-", "s-1"), run("s-1", user_tags=[TAGS[0]]))


def test_a_run_that_fails_where_it_should_not_is_told_first():
    found = judge(tasks("t-", "s-1")[:2], run("s-1", successful=False))
    assert "whether the run succeeds; expected is what 'python flow.py run' does" in found


def test_a_flow_that_metaflow_itself_does_not_run_is_the_kits_own_fault():
    with pytest.raises(RuntimeError, match="made no run of the flow"):
        judge(tasks("t-", "s-1"), native={"code": 1, "output": "no such option"})
