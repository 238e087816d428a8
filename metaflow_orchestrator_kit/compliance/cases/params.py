"""Cases on parameters: hostile values, every type, defaults."""

from __future__ import annotations

from typing import Any

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import case
from metaflow_orchestrator_kit.compliance.cases import facts
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import DIRECTORY, Observation, Scenario

HOSTILE: dict[str, str] = {
    "text": "a=b,c;d \\new \\t 'x",
    "quotes": "it's \"quoted\" '\"'\"'",
    "dollar": "$HOME ${PATH} $(id) $$ %PATH%",
    "backtick": "`id` & | > /dev/null; true #",
    "lines": "one\ntwo\n\n three\n",
    "foreign": "Grüße 東京 🚀",
    "braces": "{{x}} {% if y %} {z} %s %(w)d <%= e %> {{=<%",
    "json_text": '{"a": [1, "b\\"c"], "d": null}',
    "padded": "  two blanks on each side  ",
}
"""Strings that shells, templates and serialisers like to change, by parameter."""

TYPED: dict[str, Any] = {
    "count": -7,
    "ratio": 0.000125,
    "flag": False,
    "off": True,
    "spec": {"k": ["it's", "$HOME", None, {"ü": 1.5, "b": False}]},
}

DEFAULTS: dict[str, Any] = {
    "text": "plain",
    "quotes": "",
    "dollar": "$HOME",
    "foreign": "ß",
    "braces": "{{x}} ${y} \"q'",
    "my_word": "dashed",
    "LOUD": "quiet",
    "count": 3,
    "ratio": 0.5,
    "flag": True,
    "off": False,
    "nothing": None,
    "spec": {"a": [1, None, "b"]},
    "parts": ["x", "y"],
    "doc": 'Zeile 1: Grüße\n{{x}} $HOME "q"\n',
    "absent": None,
}

GIVEN_DOC = "given: 東京\n`id` 'q'\n"
FURTHER = {
    **{"parts": "p,q,r", "my_word": "given-word", "loud": "GIVEN LOUD"},
    "doc": f"{DIRECTORY}/params_given.txt",
}

LIMITS: dict[str, Any] = {"timeout": 120, "expected": 9}

GIVEN = Scenario(
    "params_given",
    "params",
    caps=(Cap.RUN_PARAMS,),
    trigger={**HOSTILE, **TYPED, **FURTHER},
    script="trigger_wrongly_first",
    **LIMITS,
)
NOT_GIVEN = Scenario("params_defaults", "params", caps=(Cap.RUN_PARAMS,), **LIMITS)


def _got(seen: Observation, expect: Expect) -> dict[str, Any]:
    """What the start step got; the end step must have seen the same."""
    got = facts.own(facts.one(seen, expect, "start"), "got")
    expect.true("the values that 'start' copied", isinstance(got, dict), observed=got)
    expect.equal(
        "whether 'end' saw the same values as 'start'",
        expected=True,
        observed=facts.own(facts.one(seen, expect, "end"), "same"),
    )
    return dict(got)


@case("params-byte-for-byte", cap=Cap.RUN_PARAMS, clauses=("B4", "D12", "E5", "E6"), scenario=GIVEN)
def byte_for_byte(seen: Observation, expect: Expect) -> None:
    """Text given to trigger() arrives in the task as it was, byte for byte.

    Values pass through shells, templates and serialisers on their way: an apostrophe ends a
    command, $HOME is expanded, {{x}} is rendered, a newline ends a line.
    """
    got = _got(seen, expect)
    for name, value in HOSTILE.items():
        expect.equal(
            f"parameter '{name}' in the task",
            expected=value,
            observed=got.get(name, "<missing>"),
            likely=[
                "trigger's parameters do not reach init: the default was used",
                "the value is pasted into a shell command or a template without quoting",
            ],
        )


@case("params-of-every-type", cap=Cap.RUN_PARAMS, clauses=("C7", "E6"), scenario=GIVEN)
def of_every_type(seen: Observation, expect: Expect) -> None:
    """Integers, floats, booleans (False too), JSON and lists keep their type and value."""
    got = _got(seen, expect)
    for name, value in {**TYPED, "parts": ["p", "q", "r"]}.items():
        expect.equal(
            f"parameter '{name}' in the task",
            expected=[type(value).__name__, value],
            observed=[type(got.get(name)).__name__, got.get(name, "<missing>")],
            likely=[
                "False and None are confused: only None means that nothing was given",
                "JSON is encoded twice, or as Python's repr",
            ],
        )


@case("params-included-file", cap=Cap.RUN_PARAMS, clauses=("B4", "E6"), scenario=GIVEN)
def included_file(seen: Observation, expect: Expect) -> None:
    """The content of a file that is given for an IncludeFile is in the task, text as it was.

    The file is the caller's: no task can see its path. One that is not given is None.
    """
    got = _got(seen, expect)
    for name, value in {"doc": GIVEN_DOC, "absent": None}.items():
        expect.equal(
            f"included file '{name}' in the task",
            expected=value,
            observed=got.get(name, "<missing>"),
            likely=["the path is handed on in place of what trigger made of the file"],
        )


@case("params-of-any-name", cap=Cap.RUN_PARAMS, clauses=("C7", "D6"), scenario=GIVEN)
def of_any_name(seen: Observation, expect: Expect) -> None:
    """Parameters with hyphens and capital letters in their names arrive like the others.

    click hands them over as lower case with underscores, init takes the parameter's own name,
    and the attribute in the flow may be a third spelling.
    """
    got = _got(seen, expect)
    for name, value in {"my_word": "given-word", "LOUD": "GIVEN LOUD"}.items():
        expect.equal(
            f"parameter with the attribute '{name}' in the task",
            expected=value,
            observed=got.get(name, "<missing>"),
            likely=["looked up by param.name instead of its lower-case, underscored form"],
        )


@case("params-defaults", cap=Cap.RUN_PARAMS, clauses=("D6", "E6"), scenario=NOT_GIVEN)
def defaults(seen: Observation, expect: Expect) -> None:
    """Parameters that trigger() does not give have the defaults of the flow; None stays None."""
    got = _got(seen, expect)
    for name, value in DEFAULTS.items():
        expect.equal(
            f"parameter '{name}' in the task",
            expected=value,
            observed=got.get(name, "<missing>"),
            likely=["None became the text 'None'", "defaults are quoted otherwise than values"],
        )


@case("params-computed-default", cap=Cap.RUN_PARAMS, clauses=("D6",), scenario=NOT_GIVEN)
def computed_default(seen: Observation, expect: Expect) -> None:
    """A default that is a function is evaluated once, while deploying.

    init replaces function defaults by None: who does not evaluate them at create loses them.
    """
    assert seen.deployment is not None
    expect.equal(
        "parameter 'stamp', which tells where it was computed",
        expected=f"{seen.deployment.flow_name} in create",
        observed=_got(seen, expect).get("stamp"),
        likely=["deploy_time_eval() is not called for the defaults at create"],
    )


@case("params-misspelt", cap=Cap.RUN_PARAMS, clauses=("B6",), scenario=GIVEN)
def misspelt(seen: Observation, expect: Expect) -> None:
    """A parameter that the flow does not have is refused by trigger(), before a run starts.

    Where trigger takes free-form key=value pairs, a misspelt name is accepted and dropped.
    """
    _refused(seen, expect, "misspelt")


@case("params-mistyped", cap=Cap.RUN_PARAMS, clauses=("B6",), scenario=GIVEN)
def mistyped(seen: Observation, expect: Expect) -> None:
    """A value of the wrong type is refused by trigger(), before a run starts."""
    _refused(seen, expect, "mistyped")


@case("params-missing", cap=Cap.RUN_PARAMS, clauses=("B6", "C7"), scenario=GIVEN)
def missing(seen: Observation, expect: Expect) -> None:
    """trigger() without a parameter that is required is refused, before a run starts."""
    _refused(seen, expect, "missing", "trigger() without a parameter that is required")


def _refused(seen: Observation, expect: Expect, how: str, what: str = "") -> None:
    outcome = seen.extra.get(how, {})
    expect.true(
        what or f"trigger() with a {how} parameter",
        "error" in outcome,
        expected="an exception",
        observed=outcome,
        likely=["trigger lacks @parameters.add_custom_parameters(deploy_mode=False)"],
    )
