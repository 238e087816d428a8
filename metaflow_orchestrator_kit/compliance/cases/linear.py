"""Cases on a chain of three steps; the middle one still runs when trigger() must be back."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance import words
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

STEPS = ("start", "hold", "end")
TAGS = ["mok-tag", "grün tag"]

LINEAR = Scenario(
    "linear", "linear", caps=(Cap.LINEAR_DAG,), deploy={"tags": TAGS}, timeout=120, expected=9
)


@case("linear-runs-in-order", cap=Cap.LINEAR_DAG, clauses=("F3", "F6", "F20"), scenario=LINEAR)
def runs_in_order(seen: Observation, expect: Expect) -> None:
    """Every step of a chain runs once, after the one before, with its artifacts."""
    facts.once(seen, expect, *STEPS)
    expect.equal(
        "the steps that handed their artifacts on to 'end'",
        expected=list(STEPS),
        observed=facts.own(facts.one(seen, expect, "end"), "trail"),
        likely=["--input-paths does not name the task before"],
    )
    order = [facts.one(seen, expect, step) for step in STEPS]
    for before, after in pairwise(order):
        if before.finished_at and after.created_at:
            expect.true(
                f"when '{after.step}' was registered",
                after.created_at >= before.finished_at - 1.0,
                expected=f"after '{before.step}' had finished",
                observed=f"{before.finished_at - after.created_at:.1f} s before that",
            )
        if after.parents is not None and seen.run is not None:
            expect.equal(
                f"parents of '{after.step}', by Metaflow's client",
                expected=[f"{seen.run.id}/{before.step}/{before.id}"],
                observed=after.parents,
            )


@case("linear-run-succeeds", cap=Cap.LINEAR_DAG, clauses=("E2", "L1"), scenario=LINEAR)
def run_succeeds(seen: Observation, expect: Expect) -> None:
    """A run whose steps succeed ends as succeeded, for the scheduler and for Metaflow.

    A status that is only derived from the Metaflow run says nothing before the run exists, and
    a status that only the scheduler knows may say "succeeded" before the last step has ended.
    """
    facts.ended_well(seen, expect)
    expect.true(
        "the status of the run while it went on",
        not any(words.is_bad(status) for _, status in seen.statuses),
        expected="never a failure",
        observed=seen.statuses,
    )


@case("linear-ids", cap=Cap.LINEAR_DAG, clauses=("E1", "E3", "F2"), scenario=LINEAR)
def ids(seen: Observation, expect: Expect) -> None:
    """Run and task ids are no integers, hold no separator, and are unique in the run.

    Metaflow registers an id only when int(id) fails: with the id "1" all artifacts are written,
    every command exits with 0, and the client shows no step at all.
    """
    assert seen.run is not None
    for step in STEPS:
        facts.one(seen, expect, step, ["the task ids are integers, so no task was registered"])
    named = {"run id": seen.run.id}
    named |= {f"task id of _parameters, {id}": id for id in seen.run.parameters_tasks}
    named |= {f"task id of {task.step}": task.id for task in seen.tasks}
    for what, id in named.items():
        expect.true(
            what,
            not _is_integer(id) and not re.search(r"[/,:!\s]", id),
            expected="not an integer, and without / , : ! and blanks",
            observed=id,
            likely=["a counter, or the scheduler's number, is used as it is: give it a prefix"],
        )
    used = Counter(task.id for task in seen.tasks)
    expect.equal(
        "task ids of the run that are used twice",
        expected=[],
        observed=sorted(id for id, times in used.items() if times > 1),
        likely=["the id does not depend on the step"],
    )
    expect.equal(
        "number of tasks of _parameters", expected=1, observed=len(seen.run.parameters_tasks)
    )


@case("linear-one-pathspec", cap=Cap.LINEAR_DAG, clauses=("B8", "C4", "E10"), scenario=LINEAR)
def one_pathspec(seen: Observation, expect: Expect) -> None:
    """The pathspec that trigger() gives is the one that the tasks use; the metadata is named.

    Ids made up in the deployer differ from those that tasks derive: triggered.run stays None.
    """
    assert seen.deployment is not None and seen.run is not None
    expect.equal(
        "pathspec of the triggered run",
        expected=f"{seen.deployment.flow_name}/{seen.run.id}",
        observed=seen.pathspec,
    )
    for step in STEPS:
        expect.equal(
            f"current.run_id in '{step}'",
            expected=seen.run.id,
            observed=facts.own(facts.one(seen, expect, step), "seen", "run_id"),
        )
    expect.true(
        "metadata of the deployed flow",
        bool(re.match(r"^[a-z]+@", seen.deployment.metadata or "")),
        expected="provider@location, as obj.metadata.metadata_str() gives it",
        observed=seen.deployment.metadata,
        likely=["the attribute file says '{}' or nothing for metadata"],
    )


@case("linear-attribute-files", cap=Cap.LINEAR_DAG, clauses=("C3", "C4"), scenario=LINEAR)
def attribute_files(seen: Observation, expect: Expect) -> None:
    """create and trigger answer through the FIFO that they are given: one JSON object each.

    A key that is missing there is None in the objects that the user holds, and shows much later.
    """
    assert seen.deployment is not None
    name, flow = seen.deployment.name, seen.deployment.flow_name
    likely = ["the keys of the attribute file are others than Metaflow reads"]
    created, given = seen.deployment.attributes, seen.deployment.trigger_attributes
    # The name is what from_deployment() takes; the object may show people another one.
    expect.equal(
        "name and flow_name in the attribute file of create",
        expected={"name": created.get("name") or name, "flow_name": flow},
        observed={key: created.get(key) for key in ("name", "flow_name")},
        likely=likely,
    )
    expect.true(
        "name in the attribute file of trigger",
        given.get("name") in (created["name"], name),
        expected=created["name"],
        observed=given.get("name"),
        likely=likely,
    )
    expect.equal(
        "pathspec in the attribute file of trigger",
        expected=seen.pathspec,
        observed=given.get("pathspec"),
        likely=likely,
    )
    for key, value in {"create": created, "trigger": given}.items():
        expect.true(
            f"metadata in the attribute file of {key}",
            bool(re.match(r"^[a-z]+@", str(value.get("metadata")))),
            expected="provider@location, as obj.metadata.metadata_str() gives it",
            observed=value.get("metadata"),
            likely=likely,
        )


@case("linear-trigger-returns", cap=Cap.LINEAR_DAG, clauses=("C6",), scenario=LINEAR)
def trigger_returns(seen: Observation, expect: Expect) -> None:
    """trigger() returns as soon as the scheduler has accepted the run, not when the run ends.

    The call waits for the command's exit and for the end of its output: a child that inherits
    stdout holds it for as long as it lives, however early the attribute file was written.
    """
    released = facts.own(facts.one(seen, expect, "hold"), "released")
    took = seen.seconds.get("trigger")
    # A slow command is no waiting one: the run went on after it.
    went_on = len(seen.statuses) > 1 and not words.is_over(seen.statuses[0][1])
    expect.true(
        "trigger(), while the step 'hold' waits for its return for at most 20 s",
        released is True or (took is not None and took < 15) or went_on,
        expected="it returns before 'hold' gives up",
        observed=f"it returned after {took} s, and 'hold' was not released",
        likely=[
            "trigger executes the run itself",
            "the executor inherits stdout or stderr: start it with all three redirected",
        ],
    )


@case("linear-visible", cap=Cap.LINEAR_DAG, clauses=("B9", "F2", "G7", "L3"), scenario=LINEAR)
def visible(seen: Observation, expect: Expect) -> None:
    """Run and tasks can be seen with Metaflow's client while they run, also from inside.

    An extension that registers its tasks after the run breaks cards, current.task and tags; one
    that exports the datastore root with ".metaflow" breaks every client call in user code.
    """
    hold = facts.one(seen, expect, "hold", ["the task ids are integers: nothing is registered"])
    client = facts.own(hold, "client")
    client = client if isinstance(client, dict) else {"error": client}
    expect.equal(
        "error of Metaflow's client inside the running step 'hold'",
        expected=None,
        observed=client.get("error"),
        likely=[
            "the task id is an integer, so the running task was never registered",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL or METAFLOW_DEFAULT_METADATA is not set in tasks",
        ],
    )
    expect.equal(
        "steps of the run, seen from inside 'hold'",
        expected=["hold", "start"],
        observed=client.get("steps"),
    )
    expect.true(
        "when triggered.run was first found, and when the run had ended",
        seen.run_visible_after is not None
        and seen.run_visible_after < (seen.terminal_after or float("inf")),
        expected="found before the end",
        observed=f"{seen.run_visible_after} s and {seen.terminal_after} s after the trigger",
    )


@case("linear-tags-on-run", cap=Cap.LINEAR_DAG, clauses=("E8",), scenario=LINEAR)
def tags_on_run(seen: Observation, expect: Expect) -> None:
    """Tags given at deploy are tags of the run, so that Flow.runs(tag) finds it.

    A run's tags are those of its first registration: given to the steps only, they are lost.
    """
    assert seen.run is not None
    for tag in TAGS:
        expect.contains(
            "user tags of the run",
            expected=tag,
            observed=seen.run.user_tags,
            likely=["--tag is passed to step, not to init"],
        )


@case("runtime-on-run", cap=Cap.LINEAR_DAG, clauses=("G4",), scenario=LINEAR)
def runtime_on_run(seen: Observation, expect: Expect) -> None:
    """The run is tagged with the scheduler that it runs on, and not as one of a laptop.

    Without METAFLOW_RUNTIME_NAME in the environment of init, production looks like development.
    """
    assert seen.run is not None
    runtime = [tag for tag in seen.run.system_tags if tag.startswith("runtime:")]
    expect.true(
        "system tags of the run that name what it runs on",
        bool(runtime) and "runtime:dev" not in runtime,
        expected="runtime:<the scheduler>",
        observed=runtime,
        likely=["metadata.get_runtime_environment(...) is not part of the tasks' environment"],
    )


@case("linear-no-files", cap=Cap.LINEAR_DAG, clauses=("I4",), scenario=LINEAR)
def no_files(seen: Observation, expect: Expect) -> None:
    """Nothing is written beside the flow file, or into the directory one happens to be in.

    What create says that it has written is its result, as where a scheduler reads files.
    """
    said = {word.strip(".") for word in re.split(r"[\s'\"/]+", f"{seen.output} {seen.deployment}")}
    expect.equal(
        "files that appeared, and of which create says nothing",
        expected=[],
        observed=[file for file in seen.residue.files if Path(file).name not in said],
        likely=["a relative path, or the folder of the flow file, is used for the engine's files"],
    )


@case("linear-no-processes", cap=Cap.LINEAR_DAG, clauses=("C6", "H8"), scenario=LINEAR)
def no_processes(seen: Observation, expect: Expect) -> None:
    """No process of the deployment or of the run is left when the run is over."""
    expect.equal(
        "processes that still run",
        expected=[],
        observed=seen.residue.processes,
        likely=["the executor waits for work for ever", "a child was not reaped"],
    )


@case("linear-logs", cap=Cap.TASK_LOGS, clauses=("L5",), scenario=LINEAR)
def logs(seen: Observation, expect: Expect) -> None:
    """What a step prints is stored with its task, both streams, whatever the characters."""
    task = facts.one(seen, expect, "hold")
    likely = ["the step command is not wrapped in mflog: it stores no logs by itself"]
    expect.contains(
        "Task.stdout", expected="mok-out: grün 東京", observed=task.stdout, likely=likely
    )
    expect.contains("Task.stderr", expected="mok-err: rot", observed=task.stderr, likely=likely)


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True
