"""Each scenario gets its own copy of a flow, which no other one can collide with."""

from __future__ import annotations

import ast

import pytest

from metaflow_orchestrator_kit.compliance.cases import all_cases
from metaflow_orchestrator_kit.compliance.lab.flows import copy_flow, fill_in, scenario_token


@pytest.mark.parametrize("stem", sorted({case.scenario.flow for case in all_cases()}))
def test_a_copied_flow_has_one_class_of_its_own_name_and_is_valid_code(tmp_path, stem):
    first = copy_flow(stem, tmp_path / "a", scenario_token("one", stem))
    second = copy_flow(stem, tmp_path / "b", scenario_token("two", stem))
    assert class_name(first.read_text()) != class_name(second.read_text())


def class_name(source: str) -> str:
    names = [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and ast.unparse(node.bases[0]) == "FlowSpec"
    ]
    assert len(names) == 1
    assert source.count(names[0]) >= 2  # the class, and the call at the end
    return names[0]


def test_only_the_flow_itself_and_what_is_no_flow_travels(tmp_path):
    copied = copy_flow("linear", tmp_path, "x1")
    flows = [file.name for file in tmp_path.glob("*.py") if "(FlowSpec)" in file.read_text()]
    assert flows == [copied.name]
    assert (tmp_path / "witness.py").exists()


def test_placeholders_are_replaced_in_every_string_and_nothing_else_is(tmp_path):
    given = {"branch": "b-<unique>", "many": ["<dir>/x", 3], "more": {"k": ("<unique>",)}}
    assert fill_in(given, word="w1", folder=tmp_path) == {
        "branch": "b-w1",
        "many": [f"{tmp_path}/x", 3],
        "more": {"k": ("w1",)},
    }
