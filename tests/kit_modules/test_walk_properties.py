"""What holds for every run of every flow, whatever order the answers come in."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_place.walk import (
    DO_NOT_RETRY,
    Finished,
    Handout,
    Launch,
    Lost,
    State,
    Stopped,
    Walker,
)
from walk_flows import Body, bodies, compile_flow
from walk_model import Fate, Model, Task
from walk_player import Exits, Player

many = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "kit"))
seeds = st.integers(0, 2**32)


PARTS = ("", "_join", "_node")


def unreliable(seed: int) -> tuple[Fate, dict[str, int]]:
    """A fate, and between one and six attempts for each step."""
    dice = random.Random(seed)
    kinds = ("plain", "split", "foreach", "gang", "switch")
    names = [f"{kind}{n}{part}" for kind in kinds for n in range(30) for part in PARTS]
    return Fate(seed), {name: dice.randint(1, 6) for name in names}


def failing(fate: Fate, attempts: dict[str, int], *, for_good: bool) -> Exits:
    """Exit codes: attempts fail as fate has it, or some of them for good."""

    def exits(task: Task, launch: Launch) -> int:
        if launch.is_init:
            return 0
        if for_good and fate.dooms(task):
            return 1
        failures = min(fate.failures(task), attempts.get(launch.step, 1) - 1)
        return 1 if launch.attempt < failures else 0

    return exits


@many
@given(bodies(), seeds)
def test_every_task_runs_once_with_exactly_its_inputs_in_order(body: Body, seed: int) -> None:
    fate = Fate(seed)

    player = Player(compile_flow(body), fate, seed=seed).play()

    assert player.walker.state is State.SUCCEEDED
    assert player.walked() == Model(fate).run(body)
    assert len(player.launched) == len(player.tasks)


@many
@given(bodies(), seeds)
def test_ids_are_unique_and_not_integers_and_fit_into_a_pathspec(body: Body, seed: int) -> None:
    player = Player(compile_flow(body), Fate(seed), seed=seed).play()

    assert max(Counter(player.tasks.values()).values()) == 1
    for identifier in player.tasks:
        assert not set(identifier) & set("/,:! ")
        with pytest.raises(ValueError):
            int(identifier)


@many
@given(bodies(), seeds, seeds)
def test_the_order_of_the_answers_changes_nothing_but_the_order(
    body: Body, seed: int, other: int
) -> None:
    plan, fate = compile_flow(body), Fate(seed)

    one, two = Player(plan, fate, seed=seed).play(), Player(plan, fate, seed=other).play()

    assert {launch.task_id: launch for launch in one.launched} == {
        launch.task_id: launch for launch in two.launched
    }


@many
@given(bodies(), seeds)
def test_attempts_count_from_zero_without_gaps_and_stay_within_the_plan(
    body: Body, seed: int
) -> None:
    fate, attempts = unreliable(seed)
    plan = compile_flow(body, attempts)

    player = Player(plan, fate, failing(fate, attempts, for_good=False), seed).play()

    assert player.walker.state is State.SUCCEEDED
    assert player.walked() == Model(fate).run(body)
    for identifier, task in player.tasks.items():
        tries = [launch for launch in player.launched if launch.task_id == identifier]
        assert [launch.attempt for launch in tries] == list(range(len(tries)))
        allowed = 1 if tries[0].is_init else plan.steps[task.step].attempts
        assert len(tries) <= allowed
        assert [launch.delay for launch in tries] == [0.0] + [60.0] * (len(tries) - 1)
        assert len({(a.inputs, a.index, a.split_index, a.parallel) for a in tries}) == 1


@many
@given(bodies(), seeds)
def test_nothing_is_launched_once_a_task_has_failed_and_its_siblings_finish(
    body: Body, seed: int
) -> None:
    fate, attempts = unreliable(seed)
    exits = failing(fate, attempts, for_good=True)
    expected = Model(fate).run(body)
    player = Player(compile_flow(body, attempts), fate, exits, seed)
    failed = False

    while player.walker.under_way:
        assert player.walker.state is State.RUNNING
        before = set(player.walker.under_way)
        following = player.answer()
        last = player.events[-1]
        failed = failed or (isinstance(last, Finished) and last.exit_code != 0 and not following)
        if failed:
            assert not following
            assert set(player.walker.under_way) < before

    assert player.walker.state is (State.FAILED if failed else State.SUCCEEDED)
    assert bool(player.walker.reason) is failed
    assert player.walked().items() <= expected.items()
    for place in player.walked().values():
        for task in place.inputs:
            assert task.node or task == Task("_parameters") or task in expected


@many
@given(bodies(), seeds)
def test_a_process_that_forbids_retries_gets_none(body: Body, seed: int) -> None:
    attempts = dict.fromkeys((f"plain{n}" for n in range(30)), 6)

    def exits(task: Task, launch: Launch) -> int:
        return DO_NOT_RETRY if launch.step.startswith("plain") else 0

    player = Player(compile_flow(body, attempts), Fate(seed), exits, seed).play()

    assert {launch.attempt for launch in player.launched} == {0}
    met = any(launch.step.startswith("plain") for launch in player.launched)
    assert player.walker.state is (State.FAILED if met else State.SUCCEEDED)


@many
@given(bodies(), seeds)
def test_the_events_so_far_bring_a_new_walker_into_the_same_state(body: Body, seed: int) -> None:
    fate, attempts = unreliable(seed)
    plan = compile_flow(body, attempts)
    player = Player(plan, fate, failing(fate, attempts, for_good=True), seed)
    seen = [(player.walker.state, player.walker.reason, player.walker.under_way)]
    while player.walker.under_way:
        player.answer()
        seen.append((player.walker.state, player.walker.reason, player.walker.under_way))

    for length, state in enumerate(seen):
        again = Walker(plan)
        under_way = again.replay(player.events[:length])
        assert (again.state, again.reason, under_way) == state
        assert again.under_way == under_way


@many
@given(bodies(), seeds)
def test_what_is_told_twice_or_too_late_changes_nothing(body: Body, seed: int) -> None:
    fate, attempts = unreliable(seed)
    player = Player(
        compile_flow(body, attempts), fate, failing(fate, attempts, for_good=True), seed
    )
    dice = random.Random(seed)

    while player.walker.under_way:
        player.answer()
        before = (player.walker.state, player.walker.reason, player.walker.under_way)
        old = dice.choice(player.events)
        assert isinstance(old, Finished)
        for stale in (
            old,
            Finished(old.task_id, old.attempt, 1 - old.exit_code, Handout(7, "end", ("x",))),
            Lost(old.task_id, old.attempt),
            Finished(old.task_id, 99, 0),
            Lost("t-nowhere", 0),
        ):
            assert player.walker.feed(stale) == []
        assert (player.walker.state, player.walker.reason, player.walker.under_way) == before


@many
@given(bodies(), seeds)
def test_a_lost_attempt_is_made_again_under_its_own_number(body: Body, seed: int) -> None:
    fate, attempts = unreliable(seed)
    exits = failing(fate, attempts, for_good=False)
    plan = compile_flow(body, attempts)
    player, dice = Player(plan, fate, exits, seed), random.Random(seed)

    while player.walker.under_way:
        if dice.random() < 0.4:
            lost = dice.choice(player.walker.under_way)
            (again,) = player.feed(Lost(lost.task_id, lost.attempt))
            assert (again.task_id, again.attempt, again.inputs, again.delay) == (
                *(lost.task_id, lost.attempt, lost.inputs),
                0.0,
            )
        player.answer()

    assert player.walker.state is State.SUCCEEDED
    assert player.walked() == Model(fate).run(body)


@many
@given(bodies(), seeds, st.integers(0, 30))
def test_stopping_a_run_ends_everything_at_any_moment(body: Body, seed: int, moment: int) -> None:
    fate, attempts = unreliable(seed)
    player = Player(
        compile_flow(body, attempts), fate, failing(fate, attempts, for_good=True), seed
    )
    for _ in range(moment):
        if player.walker.under_way:
            player.answer()
    going_on = player.walker.under_way
    failed, over = bool(player.walker.reason), player.walker.state
    verdict = State.FAILED if failed else State.STOPPED if going_on else over

    assert player.feed(Stopped("by request")) == []

    assert player.walker.under_way == ()
    assert player.walker.state is verdict
    for launch in going_on:
        assert player.walker.feed(Finished(launch.task_id, launch.attempt, 0)) == []


def nodes(fate: Fate, control: Task) -> list[Task]:
    """The tasks of a gang that its control task starts."""
    return [replace(control, node=number) for number in range(1, fate.width(control))]


@many
@given(bodies(), seeds, seeds)
def test_a_resumed_run_clones_what_succeeded_on_cloned_inputs_and_runs_the_rest(
    body: Body, seed: int, order: int
) -> None:
    fate, attempts = unreliable(seed)
    plan = compile_flow(body, attempts)
    first = Player(plan, fate, failing(fate, attempts, for_good=True), seed).play()

    resumed = Player(plan, fate, seed=order, origin=first.succeeded).play()

    assert resumed.walker.state is State.SUCCEEDED
    expected = Model(fate).run(body)
    assert {task: place for task, place in resumed.walked().items() if not task.node} == expected
    cloned = {Task("_parameters")}
    succeeded = {first.tasks[identifier] for identifier in first.succeeded}
    for task, place in expected.items():
        inputs = {Task(ref.step, ref.index, ref.turn) for ref in place.inputs}
        if task in succeeded and inputs <= cloned:
            cloned.add(task)
    copies = {resumed.tasks[launch.task_id] for launch in resumed.launched if launch.clone_of}
    assert {task for task in copies if not task.node} == cloned
    controls = {task for task in copies if expected.get(task) and expected[task].control}
    assert {task for task in copies if task.node} == {
        node for control in controls for node in nodes(fate, control)
    }
    for launch in resumed.launched:
        assert launch.clone_of in (None, launch.task_id)
