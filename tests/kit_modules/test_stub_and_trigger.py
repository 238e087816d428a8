"""The stand-in for a flow that is not at hand, and the values of `trigger`."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_place.plan import Identity, Parameter, Plan, Step
from in_place.stub import stub_file, stub_source
from in_place.trigger import given_values

HOSTILE = "'''\"\"\" \\ \n # {x} %s ${HOME} Zoë\0"


def deployed(*parameters: Parameter) -> Plan:
    identity = Identity("name", "MyFlow", "ada", "token")
    return Plan(identity, "s", "s", {"s": Step("s", "end")}, parameters=parameters)


def arguments(source: str) -> dict[str, dict[str, Any]]:
    """What the stand-in passes to each parameter, by its attribute."""
    (flow,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    found = {}
    for node in flow.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            words = {word.arg: word.value for word in node.value.keywords}
            found[ast.unparse(node.targets[0])] = {
                "name": ast.literal_eval(node.value.args[0]),
                "class": ast.unparse(node.value.func),
                **{
                    str(key): ast.unparse(value) if key == "type" else ast.literal_eval(value)
                    for key, value in words.items()
                },
            }
    return found


@settings(deadline=None)
@given(name=st.text(max_size=20), description=st.text(max_size=40))
def test_no_text_of_a_user_becomes_code(name: str, description: str) -> None:
    source = stub_source(deployed(Parameter(name, "p", description=description)))

    passed = arguments(source)["p"]
    assert (passed["name"], passed["help"]) == (name, description)


def test_parameters_keep_their_types_and_only_those_without_a_value_are_required() -> None:
    source = stub_source(
        deployed(
            Parameter("alpha", "a", "int", required=True),
            Parameter("beta", "b", "JSON", required=True, default="{}"),
            Parameter("file", "f", "FilePath", is_text=False, encoding="latin-1"),
            Parameter("odd", "o", "Odd", description=HOSTILE),
        )
    )

    assert arguments(source) == {
        "a": dict(name="alpha", **{"class": "Parameter"}, help="", required=True, type="int"),
        "b": dict(name="beta", **{"class": "Parameter"}, help="", required=False, type="JSONType"),
        "f": {
            **{"name": "file", "class": "IncludeFile", "help": "", "required": False},
            **{"is_text": False, "encoding": "latin-1"},
        },
        "o": dict(name="odd", **{"class": "Parameter"}, help=HOSTILE, required=False, type="str"),
    }


def test_the_stand_in_is_a_file_with_the_name_of_the_flow_inside() -> None:
    path = stub_file(deployed())

    assert "class MyFlow(FlowSpec):" in path.read_text(encoding="utf-8")


def test_values_are_given_by_real_names_and_only_those_that_were_given() -> None:
    plan = deployed(
        Parameter("my-Alpha", "a", "int"),
        Parameter("flag", "f", "bool", default="true"),
        Parameter("data", "d", "JSON"),
        Parameter("left", "l", default="kept"),
    )
    options = {"my_alpha": 3, "flag": False, "data": {"k": None}, "left": None, "other": "x"}

    assert given_values(plan, options) == {
        **{"my-Alpha": "3", "flag": "false", "data": '{"k": null}'},
    }


def test_a_required_parameter_without_any_value_is_asked_for_by_name() -> None:
    plan = deployed(Parameter("my-P", "p", required=True), Parameter("q", "q", default="1"))

    with pytest.raises(ValueError, match=r"'my-P' is required.*trigger\(my_p=\.\.\.\)"):
        given_values(plan, {"my_p": None})
    assert given_values(plan, {"my_p": ""}) == {"my-P": ""}


def test_a_value_that_metaflow_evaluates_late_is_evaluated_once() -> None:
    from metaflow.parameters import DelayedEvaluationParameter

    late = DelayedEvaluationParameter("p", "default", lambda return_str: f"late {return_str}")

    assert given_values(deployed(Parameter("p", "p")), {"p": late}) == {"p": "late True"}
