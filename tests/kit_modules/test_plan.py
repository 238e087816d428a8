"""A plan as data, the arithmetic of attempts, and parameter values as `init` takes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_place import compile_steps
from in_place import plan as plans
from in_place.parameters import encode
from in_place.plan import (
    Code,
    Identity,
    Parameter,
    Plan,
    PlanDamaged,
    PlanTooNew,
    RunRequest,
    Step,
)
from in_place.starts import Schedule, Trigger

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
words = st.lists(text, max_size=3).map(tuple)
numbers = st.floats(0, 1e9, allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
steps = st.builds(
    Step,
    name=text,
    type=st.sampled_from(["start", "linear", "split", "foreach", "split-switch", "join", "end"]),
    out=words,
    join=text,
    parallel_foreach=st.booleans(),
    attempts=st.integers(1, 6),
    user_retries=st.integers(0, 5),
    retry_delay=numbers,
    timeout=numbers,
    resources=st.dictionaries(text, numbers, max_size=2),
    environment=st.dictionaries(text, text, max_size=2),
    decospecs=words,
)
parameters = st.builds(
    Parameter,
    name=text,
    variable=text,
    type=text,
    description=text,
    required=st.booleans(),
    default=st.none() | text,
    is_text=st.booleans(),
    encoding=text,
)
identities = st.builds(Identity, text, text, text, text, text, text, text)
random_plans = st.builds(
    Plan,
    identity=identities,
    start_step=text,
    end_step=text,
    steps=st.dictionaries(text, steps, max_size=3),
    options=st.lists(words, max_size=3).map(tuple),
    environment=st.dictionaries(text, text, max_size=3),
    parameters=st.lists(parameters, max_size=2).map(tuple),
    configs=st.dictionaries(text, values, max_size=2),
    tags=words,
    namespace=st.none() | text,
    code=st.builds(Code, text, text, text, text, text),
    max_workers=st.integers(1),
    workflow_timeout=st.none() | st.integers(1),
    success_hooks=words,
    error_hooks=words,
    schedule=st.none() | st.builds(Schedule, text, text),
    triggers=st.lists(
        st.builds(Trigger, text, text, st.dictionaries(text, text, max_size=2)), max_size=2
    ).map(tuple),
)


def small(**fields: Any) -> Plan:
    identity = Identity("name", "Flow", "ada", "token")
    return Plan(identity, "start", "end", {"start": Step("start", "end")}, **fields)


@settings(deadline=None)
@given(random_plans)
def test_reading_a_plan_back_gives_the_same_plan_and_the_same_bytes(plan: Plan) -> None:
    again = Plan.from_json(plan.to_json())

    assert again == plan
    assert again.to_json() == plan.to_json()
    assert Plan.from_json(plan.to_json(indent=2)) == plan


def test_the_order_in_which_a_plan_was_put_together_does_not_show() -> None:
    one = small(environment={"A": "1", "B": "2"}, configs={"x": 1, "y": 2})
    two = small(environment={"B": "2", "A": "1"}, configs={"y": 2, "x": 1})

    assert one.to_json() == two.to_json()


def test_text_that_is_not_ascii_stays_readable() -> None:
    assert "Zoë" in small(tags=("Zoë",)).to_json()


def test_a_plan_of_a_newer_version_is_refused_and_the_message_says_what_to_do() -> None:
    data = {**small().to_dict(), "version": plans.VERSION + 1, "steps": "of another shape"}

    with pytest.raises(PlanTooNew, match="Update the extension, or deploy the flow under an"):
        Plan.from_dict(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "1"},
        {"version": None},
        {"steps": {"start": {"type": "end"}}},
        {"steps": []},
        {"identity": None},
        {"parameters": [1]},
        {"unheard_of": 1},
    ],
)
def test_a_damaged_plan_is_told_apart_from_a_newer_one(changes: dict[str, Any]) -> None:
    with pytest.raises(PlanDamaged, match="Deploy the flow again"):
        Plan.from_dict({**small().to_dict(), **changes})


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda _: "", lambda _: "[1]"])
def test_text_that_is_no_plan_is_a_damaged_one(change: Callable[[str], str]) -> None:
    with pytest.raises(PlanDamaged, match="Deploy the flow again"):
        Plan.from_json(change(small().to_json()))


def test_bytes_that_are_no_text_are_a_damaged_plan() -> None:
    with pytest.raises(PlanDamaged, match="Deploy the flow again"):
        Plan.from_json(b"\xff\xfe\xfd")


def test_a_run_gets_given_values_before_defaults_and_nothing_for_none() -> None:
    plan = small(
        parameters=(
            Parameter("alpha", "alpha", "int", default="1"),
            Parameter("beta", "beta", default=None),
            Parameter("my-Gamma", "gamma", default="g"),
            Parameter("empty", "empty", default=""),
        )
    )

    assert RunRequest("r-1", {"alpha": "5"}).values(plan) == {
        **{"alpha": "5", "my-Gamma": "g"},
        "empty": "",
    }


@pytest.mark.parametrize(
    ("decorators", "attempts", "user_retries"),
    [
        ([], 1, 0),
        ([(0, 0)], 1, 0),
        ([(3, 0)], 4, 3),  # @retry
        ([(0, 3)], 4, 0),  # @catch
        ([(2, 0), (0, 3)], 6, 2),  # @retry(times=2) and @catch
        ([(4, 0), (0, 3)], 6, 4),  # capped: 1 + 4 + 3 would be 8
        ([(5, 0)], 6, 5),
        ([(9, 0)], 6, 5),  # capped
        ([(1, 0), (3, 0)], 4, 3),  # the maximum, not the sum
        ([(1, 2), (3, 1)], 6, 3),  # element by element
        ([(None, None)], 1, 0),
        ([(4, 0), (None, None), (0, 3)], 1, 0),  # an opt-out wins, wherever it stands
    ],
)
def test_attempts_are_the_maximum_of_retries_and_fallbacks_and_at_most_six(
    decorators: list[tuple[int | None, int | None]], attempts: int, user_retries: int
) -> None:
    assert compile_steps.attempts(decorators) == (attempts, user_retries)


@pytest.mark.parametrize(
    ("value", "type_name", "encoded"),
    [
        (None, "str", None),
        (None, "JSON", None),
        ("", "str", ""),
        ("None", "str", "None"),
        (True, "bool", "true"),
        (False, "bool", "false"),
        (0, "int", "0"),
        (1.5, "float", "1.5"),
        (1e-09, "float", "1e-09"),
        ("a b $HOME `x` {{y}} \"q' \n Zoë", "str", "a b $HOME `x` {{y}} \"q' \n Zoë"),
        ('{"a": 1}', "JSON", '{"a": 1}'),  # text already: not encoded again
        ({"a": [1, None, True]}, "JSON", '{"a": [1, null, true]}'),
        ([1, "x"], "JSON", '[1, "x"]'),
        (3, "JSON", "3"),
        (True, "JSON", "true"),
    ],
)
def test_values_are_encoded_once(value: object, type_name: str, encoded: str | None) -> None:
    assert encode(value, type_name) == encoded


@settings(deadline=None)
@given(st.dictionaries(text, values, max_size=3) | st.lists(values, max_size=3))
def test_json_values_survive_encoding(value: object) -> None:
    encoded = encode(value, "JSON")

    assert encoded is not None
    assert json.loads(encoded) == value


@pytest.mark.parametrize(
    ("name", "keyword"), [("alpha", "alpha"), ("my-Param", "my_param"), ("UPPER", "upper")]
)
def test_a_parameter_is_given_to_trigger_in_lower_case_with_underscores(
    name: str, keyword: str
) -> None:
    assert Parameter(name, "x").keyword == keyword
