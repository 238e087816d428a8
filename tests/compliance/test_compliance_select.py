"""What runs, what is probed, what is left out, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from suite_builders import make_case

from metaflow_orchestrator_kit.capabilities import OPTIONAL, REQUIRED, Cap
from metaflow_orchestrator_kit.compliance.case import Need
from metaflow_orchestrator_kit.compliance.select import Fate, select

RETRIES = make_case("retry-counts", Cap.RETRY, caps=(Cap.RETRY,))
SWITCHES = make_case("switch-merges", Cap.SWITCH, caps=(Cap.SWITCH,))
ENDS = make_case("terminate-ends", Cap.TERMINATE)
RETRIES_INSIDE = make_case("retry-in-nested", Cap.RETRY, caps=(Cap.RETRY, Cap.NESTED_FOREACH))
CASES = (RETRIES, SWITCHES, ENDS, RETRIES_INSIDE)


def fates(declaration, requested=None, only=()):
    plan = select(declaration, requested, CASES, only)
    return {one.case.id: one.fate for one in plan.planned}


def test_a_declared_capability_runs_and_an_undeclared_one_is_probed_by_its_own_flow():
    found = fates(["RETRY", "TERMINATE"])
    assert found["retry-counts"] is Fate.RUN
    assert found["terminate-ends"] is Fate.RUN
    assert found["switch-merges"] is Fate.PROBE


def test_an_undeclared_capability_that_no_flow_needs_is_disabled_not_probed():
    plan = select(["RETRY"], None, CASES)
    planned = plan.of("terminate-ends")
    assert planned is not None
    assert planned.fate is Fate.DISABLED
    assert "TERMINATE is not declared" in planned.reason


def test_a_case_of_a_declared_capability_is_disabled_when_its_flow_needs_another_one():
    assert fates(["RETRY"])["retry-in-nested"] is Fate.DISABLED
    assert fates(["RETRY", "NESTED_FOREACH"])["retry-in-nested"] is Fate.RUN


def test_required_cases_run_even_when_the_extension_does_not_declare_them():
    assert fates([])["retry-counts"] is Fate.RUN


def test_an_extension_that_declares_nothing_gets_the_required_cases_and_no_probe():
    assert fates(None) == {
        "retry-counts": Fate.RUN,
        "switch-merges": Fate.DISABLED,
        "terminate-ends": Fate.DISABLED,
        "retry-in-nested": Fate.DISABLED,
    }


def test_requested_capabilities_replace_the_declaration():
    found = fates(["RETRY"], requested=[Cap.SWITCH])
    assert found["switch-merges"] is Fate.RUN
    assert found["retry-counts"] is Fate.DISABLED
    assert found["terminate-ends"] is Fate.DISABLED


@pytest.mark.parametrize("name", ["switch-merges", "SWITCH", "switch"])
def test_a_selection_by_case_or_by_capability_leaves_the_rest_unselected(name):
    found = fates([cap.name for cap in Cap], only=[name])
    assert found.pop("switch-merges") is Fate.RUN
    assert set(found.values()) == {Fate.NOT_SELECTED}


def test_a_selection_of_something_unknown_is_refused_with_what_is_close_to_it():
    with pytest.raises(ValueError, match=r"no case and no capability 'retry-count'.*retry-counts"):
        fates(None, only=["retry-count"])


def test_a_declaration_with_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="Unknown capability 'RETRIES'"):
        fates(["RETRIES"])


def test_every_capability_is_either_required_or_optional():
    assert {*REQUIRED, *OPTIONAL} == set(Cap)
    assert not {*REQUIRED} & {*OPTIONAL}


def test_the_first_case_of_the_flows_own_capability_speaks_for_its_scenario():
    general = make_case("chain-runs", Cap.LINEAR_DAG, "shared", caps=(Cap.RETRY,))
    own = make_case("retry-runs", Cap.RETRY, "shared", caps=(Cap.RETRY,))
    brave = make_case("retry-error", Cap.RETRY, "shared", caps=(Cap.RETRY,), sees_errors=True)
    plan = select(None, None, (brave, general, own))
    assert plan.leader(general) is own
    assert plan.leader(own) is own


def test_a_case_that_needs_more_than_a_capability_runs_only_when_it_has_it():
    for need in Need:
        demanding = replace(RETRIES, need=need)
        (without,) = select(["RETRY"], None, [demanding]).planned
        assert without.fate is Fate.DISABLED
        assert without.reason == need.reason
        assert need.reason.startswith("not run: ")
        (granted,) = select(["RETRY"], None, [demanding], granted={need}).planned
        assert granted.fate is Fate.RUN


def test_a_large_case_is_asked_for_by_its_name_but_not_by_its_capability():
    large = replace(RETRIES, need=Need.LARGE)
    assert select(["RETRY"], None, [large], ["retry-counts"]).planned[0].fate is Fate.RUN
    assert select(["RETRY"], None, [large], ["RETRY"]).planned[0].fate is Fate.DISABLED


def test_what_metaflow_fetches_itself_is_asked_for_by_name_too():
    building = replace(RETRIES, need=Need.MICROMAMBA)
    assert select(["RETRY"], None, [building], ["retry-counts"]).planned[0].fate is Fate.RUN


def test_a_name_does_not_make_up_for_what_only_the_user_can_say():
    cut_off = replace(RETRIES, need=Need.UNREACHABLE)
    assert select(["RETRY"], None, [cut_off], ["retry-counts"]).planned[0].fate is Fate.DISABLED
