"""Cases on three levels of foreach, with a split between them."""

from __future__ import annotations

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation, Scenario

NESTED = Scenario(
    "nested", "nested", caps=(Cap.NESTED_FOREACH, Cap.FOREACH), timeout=200, expected=34
)

PATHS = [[[["a", "x", 1], ["a", "x", 2]]], [[["b", "y", 3]], [["b", "z", 4], ["b", "z", 5]]]]


@case("nested-index-paths", cap=Cap.NESTED_FOREACH, clauses=("F12",), scenario=NESTED)
def index_paths(seen: Observation, expect: Expect) -> None:
    """Every path of indexes is a task of its own, with the items that lead to it.

    Ids of inner tasks without the outer index let the tasks of different outer items overwrite
    each other.
    """
    for step, number in {"branch": 2, "twig": 3, "leaf": 5}.items():
        facts.tasks(seen, expect, step, number, ["inner ids lack the outer index"])
    expect.equal(
        "paths of items of the leaves",
        expected=[leaf for branch in PATHS for twig in branch for leaf in twig],
        observed=sorted(facts.own(task, "path") for task in seen.step("leaf")),
    )
    expect.equal(
        "paths of indexes of the leaves",
        expected=[[0, 0, 0], [0, 0, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1]],
        observed=[task.index for task in seen.step("leaf")],
    )


@case("nested-joins", cap=Cap.NESTED_FOREACH, clauses=("F9", "F12"), scenario=NESTED)
def joins(seen: Observation, expect: Expect) -> None:
    """Each join runs once per instance of its foreach, with that instance's tasks, in order."""
    for step, number in {"twig_join": 3, "limb_join": 2, "join": 1}.items():
        facts.tasks(seen, expect, step, number, ["a join does not wait for its own foreach"])
    expect.equal(
        "what came together in the outermost join",
        expected=PATHS,
        observed=facts.own(facts.one(seen, expect, "join"), "paths"),
        likely=["a join gets the tasks of another instance"],
    )
    facts.ended_well(seen, expect)


@case("nested-split", cap=Cap.NESTED_FOREACH, clauses=("F7", "F12"), scenario=NESTED)
def split(seen: Observation, expect: Expect) -> None:
    """A split inside a foreach, with a foreach in one half, joins the two halves of each item.

    Joined by the next join that comes, or by the name of the step alone, halves of different
    items meet, or those of the inner foreach.
    """
    for step in ("limb", "bark", "branch_join"):
        facts.tasks(seen, expect, step, 2, ["only one half of a split inside a foreach is run"])
    expect.equal(
        "index, paths of one half and origin of the other, in each task of 'branch_join'",
        expected=[[0, PATHS[0], [0, "a"]], [1, PATHS[1], [1, "b"]]],
        observed=[facts.own(task, "halves") for task in seen.step("branch_join")],
        likely=["the branches of a split are told apart by step, not by step and item"],
    )
