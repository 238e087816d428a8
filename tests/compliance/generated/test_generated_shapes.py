"""Random shapes are reproducible, of what is supported, and flows that Metaflow accepts."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from metaflow_orchestrator_kit import REQUIRED, Cap
from metaflow_orchestrator_kit.compliance.generated.cases import random_cases, write_flow
from metaflow_orchestrator_kit.compliance.generated.draw import draw
from metaflow_orchestrator_kit.compliance.generated.shape import (
    End,
    Foreach,
    Loop,
    Parameter,
    Shape,
    Split,
    Step,
    Switch,
    Tries,
    blocks,
    capabilities,
    size,
)
from metaflow_orchestrator_kit.compliance.generated.shrink import shrink, smaller
from metaflow_orchestrator_kit.compliance.generated.source import source

SEEDS = range(12)


def accepted(shape: Shape, folder: Path, name: str) -> None:
    """Metaflow's own checks let the flow pass; they raise otherwise."""
    from metaflow.graph import FlowGraph
    from metaflow.lint import linter

    file = write_flow(shape, name, folder)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Metaflow looks the source of the class up there
    try:
        spec.loader.exec_module(module)
        (flow,) = (
            value
            for value in vars(module).values()
            if isinstance(value, type) and value.__module__ == name
        )
        linter.run_checks(FlowGraph(flow))
    finally:
        del sys.modules[name]


def test_a_seed_gives_the_same_flow_every_time():
    for seed in SEEDS:
        assert draw(seed, set(Cap)) == draw(seed, list(Cap))


def test_seeds_give_different_flows_of_every_kind():
    shapes = [draw(seed, set(Cap)) for seed in range(80)]
    assert len({source(shape, "x") for shape in shapes}) > 60
    found = [block for shape in shapes for block in blocks(shape.body)]
    assert {type(block) for block in found} == {Step, Split, Foreach, Switch, Loop}
    assert {block.end for block in found if isinstance(block, Step)} == set(End)


@pytest.mark.parametrize(
    "supported", [set(REQUIRED), {Cap.LINEAR_DAG}, {Cap.LINEAR_DAG, Cap.SWITCH}], ids=len
)
def test_only_what_is_supported_is_drawn(supported):
    for seed in SEEDS:
        assert set(capabilities(draw(seed, supported))) <= supported


def test_metaflow_accepts_the_flows(tmp_path):
    for seed in SEEDS:
        accepted(draw(seed, set(Cap)), tmp_path, f"random_flow_{seed}")


def test_metaflow_accepts_what_they_shrink_to(tmp_path):
    candidates = [one for seed in range(6) for one in smaller(draw(seed, set(Cap)))]
    for number, shape in enumerate(candidates[::12]):
        accepted(shape, tmp_path, f"smaller_flow_{number}")


def test_the_cases_of_a_seed_do_not_depend_on_how_many_there_are(tmp_path):
    one, two = (random_cases(number, 5, set(Cap), tmp_path) for number in (1, 2))
    assert one[0].id == two[0].id == "random-flow-5"
    assert one[0].scenario.trigger == two[0].scenario.trigger
    assert one[0].again == "--random-flows 1 --seed 5"


def test_a_flow_can_be_read():
    shape = Shape(
        (Foreach((Step(Tries(1, 1)),), None), Step(end=End.CAUGHT)),
        (Parameter("count", 1, 3),),
        bare=True,
    )
    assert (
        source(shape, "small")
        == '''\
"""A flow of random shape.

python small.py run --count 3
"""

from metaflow import FlowSpec, Parameter, catch, current, retry, step


class Small(FlowSpec):
    """Every step adds itself to the trail that led to it."""

    count = Parameter("count", default=1)

    @step
    def start(self):
        self.trail = ["start"]
        self.items_1 = list(range(self.count))
        self.next(self.step_3, foreach="items_1")

    @retry(times=1, minutes_between_retries=0)
    @step
    def step_3(self):
        self.trail = [*self.trail, f"step_3 {self.input}"]
        self.attempt = current.retry_count
        if current.retry_count < 1:
            raise ValueError("not yet")
        self.next(self.join_1)

    @step
    def join_1(self, inputs):
        self.trail = [*(one.trail for one in inputs), "join_1"]
        self.next(self.step_2)

    @catch(var="problem_2", print_exception=False)
    @step
    def step_2(self):
        self.trail = [*self.trail, "step_2"]
        self.attempt = current.retry_count
        raise ValueError("as the flow wants it")
        self.next(self.end)

    @step
    def end(self):
        self.trail = [*self.trail, "end"]


if __name__ == "__main__":
    Small()
'''
    )


def nested(shape: Shape) -> bool:
    """Whether there is a foreach of more than one item inside another one."""
    return any(
        isinstance(outer, Foreach)
        and any(isinstance(one, Foreach) and (one.width or 2) > 1 for one in blocks(outer.body))
        for outer in blocks(shape.body)
    )


def test_a_shape_that_goes_wrong_shrinks_to_what_matters():
    found = [draw(seed, set(Cap)) for seed in range(40)]
    for shape in [one for one in found if nested(one)][:4]:
        outcome = shrink(
            shape, lambda batch: [nested(one) for one in batch], tries=500, at_a_time=4
        )
        assert not outcome.exhausted
        assert outcome.shape.body == (Foreach((Foreach((Step(),), 2),), 1),)
        assert outcome.shape.parameters == ()


def test_shrinking_ends_after_the_tries_it_was_given():
    tried: list[Shape] = []

    def wrong(batch):
        tried.extend(batch)
        return [True] * len(batch)

    shape = max((draw(seed, set(Cap)) for seed in SEEDS), key=size)
    outcome = shrink(shape, wrong, tries=5, at_a_time=2)
    assert len(tried) == outcome.tries <= 5
    assert size(outcome.shape) < size(shape)


def test_a_shape_without_a_smaller_one_that_goes_wrong_stays_as_it_is():
    shape = draw(3, set(Cap))
    outcome = shrink(shape, lambda batch: [False] * len(batch), tries=1000, at_a_time=8)
    assert outcome.shape == shape
    assert not outcome.exhausted


def test_every_smaller_shape_is_smaller_or_left_out():
    for seed in SEEDS:
        shape = draw(seed, set(Cap))
        outcome = shrink(shape, lambda batch: [True] * len(batch), tries=1000, at_a_time=1)
        assert size(outcome.shape) <= 2
