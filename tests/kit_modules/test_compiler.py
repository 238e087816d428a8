"""What is compiled from real flows by real Metaflow commands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from in_place.plan import Plan, Step
from scaffolded import FLOWS, TYPE, Bench

pytestmark = pytest.mark.slow

HOSTILE = "a b $HOME `x` {{y}} \"q' \\ \n Zoë %s"


@pytest.fixture(scope="module")
def compiled(bench: Bench) -> dict[str, Any]:
    return bench.compiled(
        FLOWS / "everything.py",
        *("--with", "card:type=blank,id=q", "--branch", "mine"),
        create=("--tag", "b", "--tag", "a", "--namespace", "ns", "--max-workers", "3"),
    )


@pytest.fixture(scope="module")
def plan(compiled: dict[str, Any]) -> Plan:
    return Plan.from_dict(compiled)


def parameter(plan: Plan, name: str) -> Any:
    (found,) = [parameter for parameter in plan.parameters if parameter.name == name]
    return found


def test_the_printed_plan_reads_back_as_itself(compiled: dict[str, Any], plan: Plan) -> None:
    assert json.loads(plan.to_json()) == compiled


def test_the_graph_has_every_step_with_its_type_successors_and_join(plan: Plan) -> None:
    shapes = {name: (step.type, step.out, step.join) for name, step in plan.steps.items()}

    assert shapes == {
        "start": ("split", ("left", "right"), "join"),
        "left": ("foreach", ("outer",), "left_join"),
        "outer": ("foreach", ("inner",), "inner_join"),
        "inner": ("linear", ("inner_join",), ""),
        "inner_join": ("join", ("left_join",), ""),
        "left_join": ("join", ("join",), ""),
        "right": ("split-switch", ("case_a", "merge", "right"), ""),
        "case_a": ("linear", ("merge",), ""),
        "merge": ("linear", ("join",), ""),
        "join": ("join", ("end",), ""),
        "end": ("end", (), ""),
    }
    assert (plan.start_step, plan.end_step) == ("start", "end")


def test_a_step_knows_its_attempts_limits_resources_and_variables(plan: Plan) -> None:
    start = plan.steps["start"]

    assert (start.attempts, start.user_retries, start.retry_delay) == (6, 4, 120.0)
    assert start.timeout == 65.0
    assert (start.resources["cpu"], start.resources["memory"]) == (2.0, 1000.0)
    assert start.environment == {"TEXT": "{{x}} $HOME"}
    end = plan.steps["end"]
    assert end == Step("end", "end", decospecs=end.decospecs)


def test_only_decorators_that_the_flow_does_not_bring_along_are_forwarded(plan: Plan) -> None:
    for step in plan.steps.values():
        (spec,) = step.decospecs
        assert spec.startswith("card:")
        assert "type=blank" in spec and "id=q" in spec


def test_a_project_pins_its_branch_in_every_command_and_in_the_name(plan: Plan) -> None:
    options = dict(option for option in plan.options if len(option) == 2)

    assert options["--branch"] == "mine"
    assert ("--production",) not in plan.options
    assert plan.identity.name == "demo.test.mine.Everything"
    assert (plan.identity.project, plan.identity.branch) == ("demo", "test.mine")


def test_production_of_a_project_is_pinned_too(bench: Bench) -> None:
    plan = bench.compiled(FLOWS / "everything.py", "--production", "--branch", "x")

    assert ["--production"] in plan["options"]
    assert plan["identity"]["name"] == "demo.prod.x.Everything"


def test_providers_are_pinned_as_the_deployer_saw_them(plan: Plan, bench: Bench) -> None:
    options = dict(option for option in plan.options if len(option) == 2)

    assert options["--datastore"] == options["--metadata"] == options["--environment"] == "local"
    assert options["--datastore-root"] == str(bench.datastore / ".metaflow")
    assert {"--event-logger", "--monitor"} < set(options)
    assert {("--quiet",), ("--no-pylint",)} < set(plan.options)


def test_configs_are_stored_resolved_and_tasks_get_pointers_to_them(plan: Plan) -> None:
    pointers = json.loads(plan.environment["METAFLOW_FLOW_CONFIG_VALUE"])

    assert pointers == {"settings": "kv.settings"}
    assert plan.configs["user_configs"]["settings"][0] == {
        "project": "demo",
        "text": "{{x}} $HOME",
    }


def test_tasks_run_as_the_owner_in_the_production_namespace(plan: Plan) -> None:
    assert plan.environment["METAFLOW_USER"] == "ada"
    assert plan.environment["METAFLOW_OWNER"] == "ada"
    assert plan.identity.owner == "ada"
    assert plan.namespace == "ns"
    assert plan.tags == ("a", "b")
    assert plan.max_workers == 3


def test_parameters_have_their_types_and_configs_are_none_of_them(plan: Plan) -> None:
    assert {parameter.name: parameter.type for parameter in plan.parameters} == {
        "alpha": "int",
        "Hostile-Text": "str",
        "later": "str",
        "needed": "str",
        "data": "JSON",
        "flag": "bool",
        "ratio": "float",
    }
    assert parameter(plan, "alpha").description == 'It\'s a "count".'
    assert parameter(plan, "Hostile-Text").variable == "hostile"


def test_defaults_are_stored_as_init_takes_them_byte_for_byte(plan: Plan) -> None:
    assert {parameter.name: parameter.default for parameter in plan.parameters} == {
        "alpha": "1",
        "Hostile-Text": HOSTILE,
        "later": "by ada",
        "needed": None,
        "data": '{"k": [1, null]}',
        "flag": "false",
        "ratio": None,
    }
    assert parameter(plan, "needed").required


def test_a_default_that_is_a_function_is_called_once(bench: Bench) -> None:
    flow = bench.flow(
        """
from metaflow import FlowSpec, Parameter, step

def counted(context):
    with open("calls", "a") as file:
        file.write("x")
    return "v"

class Once(FlowSpec):
    p = Parameter("p", default=counted)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Once()
"""
    )

    assert bench.compiled(flow)["parameters"][0]["default"] == "v"
    assert (flow.parent / "calls").read_text() == "x"
    assert {path.name for path in flow.parent.iterdir()} <= {"flow.py", "calls", "__pycache__"}


def test_the_same_flow_compiles_to_the_same_bytes(bench: Bench) -> None:
    arguments = ("--branch", "mine", TYPE, "create", "--only-json")
    outputs = []
    for seed in ("1", "2"):
        seeded = Bench(bench.root, {"PYTHONHASHSEED": seed})
        done = seeded.run(FLOWS / "everything.py", *arguments)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)

    assert outputs[0] == outputs[1]


RENAMED = """
from metaflow import FlowSpec, step

class Renamed(FlowSpec):
    @step(start=True)
    def begin(self):
        self.next(self.finish)

    @step(end=True)
    def finish(self):
        pass

if __name__ == "__main__":
    Renamed()
"""

SINGLE = """
from metaflow import FlowSpec, step

class Single(FlowSpec):
    @step
    def only(self):
        pass

if __name__ == "__main__":
    Single()
"""


@pytest.mark.parametrize(
    ("source", "start", "end"), [(RENAMED, "begin", "finish"), (SINGLE, "only", "only")]
)
def test_the_first_and_last_step_may_have_any_name_and_be_one(
    bench: Bench, source: str, start: str, end: str
) -> None:
    plan = Plan.from_dict(bench.compiled(bench.flow(source)))

    assert (plan.start_step, plan.end_step) == (start, end)
    assert plan.steps[end].out == ()
    assert not any("--branch" in option or "--production" in option for option in plan.options)
    assert "METAFLOW_FLOW_CONFIG_VALUE" not in plan.environment
