"""A failed expectation says everything that is needed to go on."""

from __future__ import annotations

import pytest

from metaflow_orchestrator_kit.compliance.expect import Expect, ExpectationFailed


def expectation() -> Expect:
    return Expect(
        case="retry-counts",
        promise="Attempts are numbered from 0.",
        clauses=("H1", "H2"),
        evidence="/somewhere/retry",
        rerun="metaflow-orchestrator-test --select retry-counts",
    )


def test_a_message_has_promise_values_causes_clauses_evidence_and_the_command_to_repeat():
    with pytest.raises(ExpectationFailed) as failed:
        expectation().equal(
            "attempts of 'flaky'",
            expected=[0, 1],
            observed=[1, 2],
            likely=["the scheduler counts from 1", "an attempt was lost"],
        )
    text = str(failed.value)
    for part in (
        "Attempts are numbered from 0.",
        "attempts of 'flaky'",
        "[0, 1]",
        "[1, 2]",
        "1. the scheduler counts from 1",
        "clause H1, clause H2",
        "A constant makes attempts overwrite each other",
        "/somewhere/retry",
        "metaflow-orchestrator-test --select retry-counts",
    ):
        assert part in text


def test_expectations_that_hold_are_counted_and_say_nothing():
    expect = expectation()
    expect.equal("a", expected=1, observed=1)
    expect.true("b", True)
    expect.contains("c", expected="x", observed=["x"])
    expect.at_most("d", limit=2, observed=1.5)
    assert expect.checked == 4


def test_a_missing_value_is_neither_in_a_collection_nor_below_a_limit():
    with pytest.raises(ExpectationFailed):
        expectation().contains("tags", expected="x", observed=None)
    with pytest.raises(ExpectationFailed):
        expectation().at_most("seconds", limit=5, observed=None)
