"""Cases on a foreach of eleven items with a body of two steps."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import course, facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

FANOUT = Scenario("fanout", "fanout", caps=(Cap.FOREACH,), timeout=150, expected=20)

ITEMS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "koi"]


@case("foreach-task-per-item", cap=Cap.FOREACH, clauses=("D3", "F8", "F10"), scenario=FANOUT)
def task_per_item(seen: Observation, expect: Expect) -> None:
    """A foreach runs its body once per item, with the index and the item of the task.

    A width that cannot be read and is then taken for 1 processes the first item only.
    """
    found = facts.tasks(
        seen, expect, "name_it", len(ITEMS), ["the width was not read, or defaulted to 1"]
    )
    expect.equal(
        "index and item of the tasks of 'name_it'",
        expected=[[index, item] for index, item in enumerate(ITEMS)],
        observed=sorted(facts.own(task, "got") for task in found),
        likely=["--split-index is not the task's own"],
    )
    for task in found:
        facts.attempts(seen, expect, task, [0])


@case("foreach-whole-body", cap=Cap.FOREACH, clauses=("F2", "F8"), scenario=FANOUT)
def whole_body(seen: Observation, expect: Expect) -> None:
    """Every step of a foreach body runs for every item, each after its own predecessor.

    Extensions that take the first body step for the whole body drop the others.
    """
    course.reached(seen, "name_it", "foreach-task-per-item")
    found = facts.tasks(seen, expect, "shape_it", len(ITEMS), ["only the first body step is run"])
    expect.equal(
        "what the second body step made of the first one's artifacts",
        expected=[[index, item.upper(), [index, item]] for index, item in enumerate(ITEMS)],
        observed=sorted(facts.own(task, "shaped") for task in found),
        likely=["the input of a body step is the predecessor of another item"],
    )


@case("foreach-join-order", cap=Cap.FOREACH, clauses=("F4", "F9"), scenario=FANOUT)
def join_order(seen: Observation, expect: Expect) -> None:
    """The join of a foreach gets all its inputs, once each, in the order of the items.

    Above four inputs Metaflow loads them together: a wrong count is an error, a wrong order is
    not, and silently changes results. Above ten, indexes that are sorted as text go wrong.
    """
    course.reached(seen, "join", "foreach-whole-body")
    joined = facts.own(facts.one(seen, expect, "join"), "joined")
    expect.equal(
        "index of the inputs of 'join', in the order they came",
        expected=list(range(len(ITEMS))),
        observed=[entry[0] for entry in joined] if isinstance(joined, list) else joined,
        likely=[
            "inputs are listed in the order in which the tasks ended",
            "indexes are sorted as text",
        ],
    )
    facts.ended_well(seen, expect)
