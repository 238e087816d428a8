"""Small samples of `make crash`, `make load` and `make modes`."""

from __future__ import annotations

import random

import pytest
from comparing_modes import compare
from crashing import Chaos, check, undisturbed
from live_engine import Live
from loading import await_all, deploy, start_all

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_run_that_is_killed_at_random_ends_like_one_that_is_not(live: Live) -> None:
    chaos = Chaos(live, random.Random(7))
    expected = undisturbed(chaos, "crash_linear")

    run_id = chaos.disturb("crash_linear", 6)

    assert chaos.killed.total() > 0
    check(live, "crash_linear", run_id, expected)


def test_runs_of_several_flows_started_at_once_by_several_processes_all_end(live: Live) -> None:
    start_all(live, deploy(live, 2), runs=6, processes=3)

    assert len(await_all(live)) == 6


def test_a_flow_leaves_the_same_with_forked_and_with_fresh_steps(live: Live) -> None:
    attempts, artifacts = compare(live, "single")

    assert attempts == 1
    assert artifacts >= 3
