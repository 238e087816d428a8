"""One run of each construct, told event by event."""

from __future__ import annotations

import pytest
from in_place.identity import parameters_task_id
from in_place.plan import Plan
from in_place.walk import Finished, Handout, Launch, Lost, Origin, State, Stopped, Walker
from walk_flows import Foreach, Gang, Piece, Plain, Split, Switch, compile_flow

START = Plain("start")
NOTHING = Handout()


class Run:
    """A walker, spoken to by task ids."""

    def __init__(self, plan: Plan, origin: dict[str, Origin] | None = None) -> None:
        self.walker = Walker(plan, origin)
        (init,) = self.walker.start()
        self.first = self.done(init.task_id)

    @classmethod
    def of(cls, *body: Piece, **attempts: int) -> Run:
        return cls(compile_flow(body, attempts))

    def done(self, task_id: str, handout: Handout = NOTHING) -> list[Launch]:
        return self.ended(task_id, 0, handout)

    def ended(self, task_id: str, exit_code: int, handout: Handout = NOTHING) -> list[Launch]:
        (launch,) = [a for a in self.walker.under_way if a.task_id == task_id]
        return self.walker.feed(Finished(task_id, launch.attempt, exit_code, handout))


def ids(launches: list[Launch]) -> list[str]:
    return [launch.task_id for launch in launches]


def inputs(launch: Launch) -> list[str]:
    return [ref.task_id for ref in launch.inputs]


def test_a_run_begins_with_init_whose_task_is_the_entry_steps_input() -> None:
    walker = Walker(compile_flow((START,)))

    (init,) = walker.start()
    (start,) = walker.feed(Finished(init.task_id, 0, 0))

    assert init.is_init
    assert init.task_id == parameters_task_id("start") == "t-start-params"
    assert (start.step, start.task_id, inputs(start)) == ("start", "t-start", ["t-start-params"])


def test_linear_steps_follow_each_other_until_the_last_one() -> None:
    run = Run.of(START, Plain("work"))

    assert ids(run.done("t-start")) == ["t-work"]
    assert ids(run.done("t-work")) == ["t-end"]
    assert run.walker.state is State.RUNNING
    assert run.done("t-end") == []
    assert run.walker.state is State.SUCCEEDED


def test_a_flow_of_one_step_ends_with_it() -> None:
    run = Run.of()

    assert ids(run.first) == ["t-end"]
    assert run.done("t-end") == []
    assert run.walker.state is State.SUCCEEDED


def test_a_join_of_branches_takes_the_last_task_of_each_in_the_order_of_the_split() -> None:
    run = Run.of(Split("split", ((Plain("a"), Plain("a2")), (Plain("b"),))))

    assert ids(run.done("t-split")) == ["t-a", "t-b"]
    assert run.done("t-b") == []
    assert ids(run.done("t-a")) == ["t-a2"]
    (join,) = run.done("t-a2")

    assert inputs(join) == ["t-a2", "t-b"]


def test_a_branch_may_lead_straight_to_the_join() -> None:
    run = Run.of(Split("split", ((Plain("a"),), ())))

    assert ids(run.done("t-split")) == ["t-a"]
    (join,) = run.done("t-a")

    assert inputs(join) == ["t-a", "t-split"]


def test_a_foreach_has_one_task_per_item_and_only_its_direct_children_get_the_index() -> None:
    run = Run.of(Foreach("each", (Plain("body"), Plain("body2"))))

    children = run.done("t-each", Handout(width=3))
    assert ids(children) == ["t-body-0", "t-body-1", "t-body-2"]
    assert [child.split_index for child in children] == [0, 1, 2]

    deeper = [run.done(f"t-body-{item}")[0] for item in (2, 0, 1)]
    assert [launch.split_index for launch in deeper] == [None, None, None]
    assert [launch.index for launch in deeper] == [(2,), (0,), (1,)]

    assert run.done("t-body2-2") == run.done("t-body2-0") == []
    (join,) = run.done("t-body2-1")
    assert inputs(join) == ["t-body2-0", "t-body2-1", "t-body2-2"]


def test_inner_tasks_carry_the_outer_index_and_each_outer_item_has_a_join_of_its_own() -> None:
    run = Run.of(Foreach("outer", (Foreach("inner", (Plain("body"),)),)))
    run.done("t-outer", Handout(width=2))

    assert ids(run.done("t-inner-1", Handout(width=2))) == ["t-body-1-0", "t-body-1-1"]
    assert ids(run.done("t-inner-0", Handout(width=1))) == ["t-body-0-0"]
    run.done("t-body-1-1")
    (second,) = run.done("t-body-1-0")
    assert (second.task_id, inputs(second)) == ("t-inner_join-1", ["t-body-1-0", "t-body-1-1"])
    (first,) = run.done("t-body-0-0")
    assert (first.task_id, inputs(first)) == ("t-inner_join-0", ["t-body-0-0"])

    run.done("t-inner_join-1")
    (outer,) = run.done("t-inner_join-0")
    assert inputs(outer) == ["t-inner_join-0", "t-inner_join-1"]


def test_a_switch_runs_the_chosen_case_and_its_merge_takes_that_one_input() -> None:
    run = Run.of(Switch("which", ((Plain("a"),), (Plain("b"),))), Plain("merge"))

    assert ids(run.done("t-which", Handout(chosen="b"))) == ["t-b"]
    (merge,) = run.done("t-b")

    assert inputs(merge) == ["t-b"]


def test_a_switch_may_skip_to_the_merge_which_takes_the_switch_itself_as_input() -> None:
    run = Run.of(Switch("which", ((Plain("a"),), ())), Plain("merge"))

    (merge,) = run.done("t-which", Handout(chosen="merge"))

    assert inputs(merge) == ["t-which"]


def test_a_switch_inside_a_branch_adds_no_input_to_the_join() -> None:
    switch = Switch("which", ((Plain("a"),), (Plain("b"),)))
    run = Run.of(Split("split", ((switch, Plain("merge")), (Plain("c"),))))
    run.done("t-split")
    run.done("t-which", Handout(chosen="a"))
    run.done("t-a")
    run.done("t-c")

    (join,) = run.done("t-merge")

    assert inputs(join) == ["t-merge", "t-c"]


def test_every_item_of_a_foreach_takes_its_own_case() -> None:
    switch = Switch("which", ((Plain("a"),), (Plain("b"),)))
    run = Run.of(Foreach("each", (switch, Plain("merge"))))
    run.done("t-each", Handout(width=2))

    assert ids(run.done("t-which-0", Handout(chosen="b"))) == ["t-b-0"]
    assert ids(run.done("t-which-1", Handout(chosen="a"))) == ["t-a-1"]


def test_a_recursive_switch_is_a_new_task_each_turn_fed_by_the_one_before() -> None:
    run = Run.of(START, Switch("loop", ((),), recursive=True), Plain("after"))

    assert ids(run.done("t-start")) == ["t-loop-r0"]
    (second,) = run.done("t-loop-r0", Handout(chosen="loop"))
    assert (second.task_id, inputs(second)) == ("t-loop-r1", ["t-loop-r0"])
    (after,) = run.done("t-loop-r1", Handout(chosen="after"))
    assert inputs(after) == ["t-loop-r1"]


def test_a_recursion_right_inside_a_foreach_gets_the_item_on_every_turn() -> None:
    loop = Switch("loop", ((),), recursive=True)
    run = Run.of(Foreach("each", (loop, Plain("after"))))
    run.done("t-each", Handout(width=2))

    (second,) = run.done("t-loop-1-r0", Handout(chosen="loop"))

    assert (second.task_id, second.index, second.split_index) == ("t-loop-1-r1", (1,), 1)


def test_a_gang_is_its_control_task_and_the_join_takes_all_nodes() -> None:
    run = Run.of(Gang("gang"))

    (control,) = run.done("t-gang")
    assert (control.step, control.split_index, control.parallel) == ("gang_node", 0, True)
    nodes = (control.task_id, f"{control.task_id}_node_1", f"{control.task_id}_node_2")
    (join,) = run.done(control.task_id, Handout(mappers=nodes))

    assert inputs(join) == list(nodes)


def test_a_failed_attempt_is_followed_by_the_next_one_after_the_delay() -> None:
    run = Run.of(START, Plain("work"), work=3)
    run.done("t-start")

    (second,) = run.ended("t-work", 1)
    (third,) = run.ended("t-work", -9)

    assert [(a.attempt, a.delay) for a in (second, third)] == [(1, 60.0), (2, 60.0)]
    assert ids(run.done("t-work")) == ["t-end"]


def test_the_run_fails_when_the_last_attempt_did_and_says_which_one() -> None:
    run = Run.of(START, Plain("work"), work=2)
    run.done("t-start")

    run.ended("t-work", 1)

    assert run.ended("t-work", 7) == []
    assert run.walker.state is State.FAILED
    assert run.walker.reason == "step work (task t-work) ended with exit code 7"


def test_init_is_tried_once() -> None:
    walker = Walker(compile_flow((START,)))
    walker.start()

    assert walker.feed(Finished("t-start-params", 0, 1)) == []
    assert walker.state is State.FAILED
    assert walker.reason == "init (task t-start-params) ended with exit code 1"


def test_siblings_of_a_failed_task_finish_but_nothing_follows_them() -> None:
    run = Run.of(Split("split", ((Plain("a"), Plain("a2")), (Plain("b"),))))
    run.done("t-split")

    assert run.ended("t-b", 1) == []
    assert run.walker.state is State.RUNNING
    assert run.done("t-a") == []
    assert run.walker.state is State.FAILED


def test_terminating_a_failed_run_ends_the_siblings_and_it_stays_failed() -> None:
    run = Run.of(Split("split", ((Plain("a"),), (Plain("b"),))))
    run.done("t-split")
    run.ended("t-b", 1)

    run.walker.feed(Stopped("by request"))

    assert run.walker.under_way == ()
    assert run.walker.state is State.FAILED


def test_a_stopped_run_says_why() -> None:
    run = Run.of(START)

    assert run.walker.feed(Stopped("by request")) == []
    assert (run.walker.state, run.walker.reason) == (State.STOPPED, "by request")


def test_a_lost_attempt_after_the_failure_of_a_sibling_is_not_repeated() -> None:
    run = Run.of(Split("split", ((Plain("a"),), (Plain("b"),))))
    run.done("t-split")
    run.ended("t-b", 1)

    assert run.walker.feed(Lost("t-a", 0)) == []
    assert run.walker.state is State.FAILED


@pytest.mark.parametrize(
    ("piece", "task_id", "handout", "said"),
    [
        (Foreach("each", (Plain("a"),)), "t-each", Handout(), "how many items"),
        (Foreach("each", (Plain("a"),)), "t-each", Handout(width=0), "how many items"),
        (Switch("sw", ((Plain("a"),), ())), "t-sw", Handout(), "None as the next step"),
        (Switch("sw", ((Plain("a"),), ())), "t-sw", Handout(chosen="q"), "'q' as the next step"),
        (Gang("gang"), "t-gang_node-0", Handout(), "the tasks of its gang"),
    ],
)
def test_a_task_that_hands_out_nothing_fails_the_run_instead_of_guessing(
    piece: Foreach | Switch | Gang, task_id: str, handout: Handout, said: str
) -> None:
    run = Run.of(piece)
    if isinstance(piece, Gang):
        run.done("t-gang")

    assert run.done(task_id, handout) == []
    assert run.walker.state is State.FAILED
    assert said in run.walker.reason


def test_a_resumed_run_clones_up_to_the_first_task_that_had_failed() -> None:
    succeeded = ("t-each-params", "t-each", "t-body-0", "t-body-2")
    origin = {
        name: Origin(name, Handout(width=3) if name == "t-each" else Handout())
        for name in succeeded
    }
    run = Run(compile_flow((Foreach("each", (Plain("body"),)),)), origin)
    children = run.done("t-each")  # Cloned: what it had decided comes from the origin.

    assert [child.clone_of for child in children] == ["t-body-0", None, "t-body-2"]
    for child in children:
        following = run.done(child.task_id)
    assert [(a.task_id, a.clone_of) for a in following] == [("t-each_join", None)]


def test_nothing_is_cloned_when_the_parameters_are_not() -> None:
    run = Run(compile_flow((START, Plain("work"))), {"t-start": Origin("t-start")})

    assert [launch.clone_of for launch in (*run.first, *run.done("t-start"))] == [None, None]


def test_a_cloned_gang_is_cloned_node_by_node() -> None:
    nodes = ("t-gang_node-0", "t-gang_node-0_node_1")
    origin = {name: Origin(name) for name in ("t-gang-params", "t-gang")}
    origin[nodes[0]] = Origin(nodes[0], Handout(mappers=nodes))
    run = Run(compile_flow((Gang("gang"),)), origin)

    launches = run.done("t-gang")

    assert [(a.task_id, a.clone_of, a.parallel) for a in launches] == [
        (nodes[0], nodes[0], False),
        (nodes[1], nodes[1], False),
    ]
    assert run.done(nodes[1]) == []
    (join,) = run.done(nodes[0])
    assert inputs(join) == list(nodes)
