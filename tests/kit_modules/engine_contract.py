"""What every engine owes to the rest of an extension; a test class per engine inherits it."""

from __future__ import annotations

import pytest
from live_engine import Live, wait_until


class EngineContract:
    """Promises of an engine. Subclasses say which one."""

    engine: str

    def test_a_run_succeeds_and_the_scheduler_says_so(self, live: Live) -> None:
        run_id = live.start(live.deploy("work"), width=2)

        run = live.finished(run_id)

        assert (run.status, run.reason, run.deployment, run.flow_name) == (
            *("SUCCEEDED", "", "Work", "Work"),
        )
        assert run.finished >= run.created
        assert sorted(live.marked(run_id, "body", "end")) == [(0, 0), (1, 0)]
        assert live.marked(run_id, "end", "begin") == [(None, 0)]

    def test_a_failing_step_fails_the_run_and_is_named(self, live: Live) -> None:
        run_id = live.start(live.deploy("solo"), fail=True)

        run = live.finished(run_id)

        assert run.status == "FAILED"
        assert "step only" in run.reason

    def test_parameters_that_init_refuses_fail_the_run(self, live: Live) -> None:
        run_id = live.start(live.deploy("solo"), hold="perhaps")

        run = live.finished(run_id)

        assert run.status == "FAILED"
        assert "perhaps" in run.reason

    def test_the_same_request_twice_is_one_run(self, live: Live) -> None:
        name, request = live.deploy("solo"), live.request(hold=True)

        live.engine.start(name, request)
        live.engine.start(name, request)
        live.has_begun(request.run_id)
        live.engine.start(name, request)
        live.let_go(request.run_id)

        assert live.finished(request.run_id).status == "SUCCEEDED"
        assert (live.notes(request.run_id) / "begun").read_text() == "0\n"
        live.engine.start(name, request)
        assert live.finished(request.run_id).status == "SUCCEEDED"
        live.no_process_is_left()

    def test_deleting_twice_is_deleting_once_and_runs_stay(self, live: Live) -> None:
        name = live.deploy("solo", name="doomed")
        run_id = live.start(name, hold=True)
        live.has_begun(run_id)

        assert live.engine.delete(name) is True
        assert live.engine.delete(name) is False

        assert live.engine.deployment(name) is None
        assert name not in {plan.identity.name for plan in live.engine.deployments()}
        with pytest.raises(live.module.EngineError, match="no deployment 'doomed'"):
            live.engine.start(name, live.request())
        live.let_go(run_id)
        assert live.finished(run_id).status == "SUCCEEDED"
        assert [run.run_id for run in live.engine.runs(name)] == [run_id]

    def test_deploying_again_replaces_and_changes_no_run_under_way(self, live: Live) -> None:
        name = live.deploy("solo", "--tag", "old", name="replaced")
        run_id = live.start(name, hold=True)
        live.has_begun(run_id)

        live.command("solo", "create", "--tag", "new", name=name)

        assert live.engine.deployment(name).tags == ("new",)
        names = [plan.identity.name for plan in live.engine.deployments()]
        assert names.count(name) == 1
        live.let_go(run_id)
        assert live.finished(run_id).status == "SUCCEEDED"

    def test_terminate_leaves_no_process_and_twice_is_once(self, live: Live) -> None:
        name, request = live.deploy("solo"), live.request(hold=True, child=True)
        live.engine.start(name, request)
        live.has_begun(request.run_id)

        assert live.engine.terminate(request.run_id) is True

        assert live.processes() == []
        run = live.engine.run(request.run_id)
        assert (run.status, bool(run.reason)) == ("ABORTED", True)
        assert live.engine.terminate(request.run_id) is True
        live.engine.start(name, request)
        assert live.engine.run(request.run_id).status == "ABORTED"
        assert live.processes() == []

    def test_a_run_that_was_over_stays_what_it_was_when_terminated(self, live: Live) -> None:
        run_id = live.start(live.deploy("solo"))
        live.finished(run_id)

        assert live.engine.terminate(run_id) is True
        assert live.engine.run(run_id).status == "SUCCEEDED"

    def test_an_unknown_run_is_none_and_cannot_be_terminated(self, live: Live) -> None:
        assert live.engine.run("my-scheduler-unknown") is None
        assert live.engine.terminate("my-scheduler-unknown") is False

    def test_a_step_does_not_leave_children_behind(self, live: Live) -> None:
        run_id = live.start(live.deploy("solo"), child=True)

        assert live.finished(run_id).status == "SUCCEEDED"
        live.no_process_is_left()

    def test_two_runs_go_on_side_by_side(self, live: Live) -> None:
        name = live.deploy("solo")
        one, other = live.start(name, hold=True), live.start(name, hold=True)
        live.has_begun(one)
        live.has_begun(other)

        assert [run.run_id for run in live.engine.runs(name)][:2] == [other, one]
        live.let_go(other)
        assert live.finished(other).status == "SUCCEEDED"
        assert live.engine.run(one).status == "RUNNING"
        live.let_go(one)
        assert live.finished(one).status == "SUCCEEDED"

    def test_no_more_tasks_at_a_time_than_workers(self, live: Live) -> None:
        run_id = live.start(live.deploy("work", "--max-workers", "1", name="narrow"), width=3)

        assert live.finished(run_id).status == "SUCCEEDED"
        events = [mark["event"] for mark in live.marks(run_id) if mark["step"] == "body"]
        assert events == ["begin", "end"] * 3

    def test_a_run_that_takes_too_long_is_ended_and_says_so(self, live: Live) -> None:
        name = live.deploy("solo", "--workflow-timeout", "8", name="hurried")
        run_id = live.start(name, hold=True)

        run = live.finished(run_id)

        assert (run.status, run.reason) == ("ABORTED", "the run took longer than 8 s")
        live.no_process_is_left()

    def test_logs_of_tasks_that_failed_are_stored_like_those_that_succeeded(
        self, live: Live
    ) -> None:
        name = live.deploy("solo")
        runs = [live.start(name, fail=fail) for fail in (True, False)]

        for run_id in runs:
            live.finished(run_id)
            stored = live.bench.datastore / f".metaflow/Solo/{run_id}/only/t-only"
            assert b"said by only" in (stored / "0.task_stdout.log").read_bytes()
            assert b"complained by only" in (stored / "0.task_stderr.log").read_bytes()

    def test_terminating_a_run_that_failed_ends_the_siblings_of_the_failed_task(
        self, live: Live
    ) -> None:
        request = live.request(width=2, hold=True)
        live.let_go(request.run_id, "fail0")
        live.engine.start(live.deploy("work"), request)
        wait_until(
            lambda: len(live.marked(request.run_id, "body", "begin")) == 2, "both items begin"
        )
        live.let_go(request.run_id, "go0")
        wait_until(lambda: live.recorded(request.run_id, "t-body-0"), "the first item fails")
        assert live.engine.run(request.run_id).status == "RUNNING"

        assert live.engine.terminate(request.run_id) is True

        assert live.engine.run(request.run_id).status == "FAILED"
        assert live.processes() == []
        assert live.marked(request.run_id, "body", "end") == []

    def test_a_resumed_run_does_only_what_is_left(self, live: Live) -> None:
        request = live.request(width=2)
        live.let_go(request.run_id, "fail1")
        live.engine.start(live.deploy("work"), request)
        assert live.finished(request.run_id).status == "FAILED"
        (live.notes(request.run_id) / "fail1").unlink()
        again = live.request().run_id

        resumed = live.engine.resumption(again, request.run_id, None)
        live.engine.start("Work", resumed)

        assert live.finished(again).status == "SUCCEEDED"
        begun = live.marks(request.run_id)
        assert [mark["step"] for mark in begun].count("start") == 1
        assert sorted(live.marked(request.run_id, "body", "begin")) == [(0, 0), (1, 0), (1, 0)]
        assert live.marked(request.run_id, "end", "begin") == [(None, 0)]
