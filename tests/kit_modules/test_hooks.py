"""What an author's hooks are told, and what their failing means."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from in_place import hooks as module  # type: ignore[import-not-found]
from in_place.hooks import HookCalls, Hooks, load
from in_place.plan import Identity, Plan, RunRequest, Step  # type: ignore[import-not-found]
from in_place.walk import Finished, Launch, State  # type: ignore[import-not-found]
from live_engine import Live, load_engine, wait_until
from scaffolded import TYPE, make_bench

PLAN = Plan(
    Identity("deployed", "Flow", "ada", "token"),
    "start",
    "start",
    {"start": Step("start", "start", resources={"gpu": 1.0})},
)
RUN = RunRequest("run-1", {"alpha": "1"})
INIT = Launch("_parameters", "t-parameters")
ATTEMPT = Launch("start", "t-start", attempt=2)


class Recorder(Hooks):  # type: ignore[misc]
    """Notes what it is told, and fails where it is asked to."""

    def __init__(self, fails: str = "", answer: Mapping[str, str] | None = None) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.threads: set[threading.Thread] = set()
        self.fails = fails
        self.answer = answer

    def _note(self, name: str, *about: Any) -> None:
        self.told.append((name, *about))
        self.threads.add(threading.current_thread())
        if name == self.fails:
            raise ValueError("on purpose")

    def before_run(self, run: Any) -> None:
        self._note("before_run", run.run_id)

    def after_run(self, run: Any, status: str, reason: str) -> None:
        self._note("after_run", run.run_id, status, reason)

    def before_attempt(self, attempt: Any) -> Mapping[str, str] | None:
        self._note("before_attempt", attempt.pathspec, attempt.attempt, dict(attempt.resources))
        return self.answer

    def after_attempt(self, attempt: Any, exit_code: int | None) -> None:
        self._note("after_attempt", attempt.pathspec, attempt.attempt, exit_code)

    def on_status(self, run: Any, status: str) -> None:
        self._note("on_status", status)


class Attempts:
    """Stands where attempts are made: notes their environment, and ends them with a code."""

    def __init__(self, exit_code: int = 0) -> None:
        self.exit_code = exit_code
        self.variables: list[dict[str, str]] = []
        self.forever = False

    async def __call__(
        self, desk: Any, launch: Any, *, repeated: bool, variables: Mapping[str, str]
    ) -> Finished:
        self.variables.append(dict(variables))
        if self.forever:
            await asyncio.Event().wait()
        return Finished(launch.task_id, launch.attempt, self.exit_code)


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Attempts:
    made = Attempts()
    monkeypatch.setattr(module, "make_attempt", made)
    return made


def desk() -> Any:
    fields = dict.fromkeys(("site", "step_command", "facts", "scratch", "starter"))
    return module.Desk(plan=PLAN, run=RUN, worker={"PATH": "/bin"}, **fields)


def make(hooks: Hooks, launch: Launch) -> Finished:
    return asyncio.run(module.attempt(HookCalls(hooks, PLAN, RUN), desk(), launch))


def test_an_attempt_is_told_before_and_after_with_its_identity(attempts: Attempts) -> None:
    hooks, attempts.exit_code = Recorder(answer={"SCRATCH": "/x"}), 7

    answer = make(hooks, ATTEMPT)

    assert answer == Finished("t-start", 2, 7)
    assert attempts.variables == [{"SCRATCH": "/x"}]
    assert hooks.told == [
        ("before_attempt", "Flow/run-1/start/t-start", 2, {"gpu": 1.0}),
        ("after_attempt", "Flow/run-1/start/t-start", 2, 7),
    ]
    assert threading.main_thread() not in hooks.threads


def test_a_run_is_told_when_it_begins_and_when_it_has_ended(attempts: Attempts) -> None:
    hooks = Recorder()

    make(hooks, INIT)
    asyncio.run(HookCalls(hooks, PLAN, RUN).ended(State.STOPPED, "by request"))

    assert hooks.told == [
        ("on_status", "RUNNING"),
        ("before_run", "run-1"),
        ("on_status", "ABORTED"),
        ("after_run", "run-1", "ABORTED", "by request"),
    ]


def test_a_run_that_is_suspended_is_told_so_in_the_order_of_the_changes() -> None:
    hooks = Recorder(fails="on_status")
    calls = HookCalls(hooks, PLAN, RUN)

    async def change() -> None:
        changes = [True, False, True, False]
        await asyncio.gather(*(calls.suspended(suspended) for suspended in changes))

    asyncio.run(change())

    assert hooks.told == [("on_status", "SUSPENDED"), ("on_status", "RUNNING")] * 2


def test_a_clone_runs_nothing_of_the_flow_and_no_hook(attempts: Attempts) -> None:
    hooks = Recorder()
    make(hooks, Launch("start", "t-start", clone_of="t-start"))
    assert (len(attempts.variables), hooks.told) == (1, [])


@pytest.mark.parametrize(("fails", "launch"), [("before_run", INIT), ("before_attempt", ATTEMPT)])
def test_failing_before_is_a_failed_attempt_without_a_process(
    attempts: Attempts, fails: str, launch: Launch
) -> None:
    hooks = Recorder(fails)

    answer = make(hooks, launch)

    assert answer.exit_code == 1
    assert answer.note == f"{fails}: ValueError('on purpose')"
    assert attempts.variables == []
    assert hooks.told[-1][0] == fails


@pytest.mark.parametrize("fails", ["after_attempt", "on_status", "after_run"])
def test_failing_after_changes_nothing_and_is_logged(
    attempts: Attempts, fails: str, capfd: pytest.CaptureFixture[str]
) -> None:
    hooks = Recorder(fails)

    assert make(hooks, INIT).exit_code == 0
    assert make(hooks, ATTEMPT).exit_code == 0
    asyncio.run(HookCalls(hooks, PLAN, RUN).ended(State.SUCCEEDED, ""))

    assert [told[0] for told in hooks.told][-2:] == ["on_status", "after_run"]
    logged = capfd.readouterr().err
    assert f"hook {fails} failed:" in logged
    assert "ValueError: on purpose" in logged


@pytest.mark.parametrize(
    ("answer", "message"),
    [({"METAFLOW_USER": "x"}, "METAFLOW_USER is Metaflow's own"), ({"A": 1}, "have to be text")],
)
def test_variables_that_would_do_harm_are_refused(
    attempts: Attempts, answer: Any, message: str
) -> None:
    found = make(Recorder(answer=answer), ATTEMPT)
    assert (found.exit_code, attempts.variables) == (1, [])
    assert message in found.note


def test_a_hook_that_hangs_counts_as_failed(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.01)
    release = threading.Event()

    class Hanging(Hooks):  # type: ignore[misc]
        def before_attempt(self, attempt: Any) -> None:
            release.wait(60)

    try:
        found = make(Hanging(), ATTEMPT)
    finally:
        release.set()

    assert "before_attempt took longer than 0.01 s" in found.note


def test_an_attempt_that_is_ended_is_torn_down(attempts: Attempts) -> None:
    hooks, attempts.forever = Recorder(), True

    async def end_it() -> None:
        task = asyncio.create_task(module.attempt(HookCalls(hooks, PLAN, RUN), desk(), ATTEMPT))
        while not attempts.variables:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(end_it(), 60))

    assert hooks.told[-1] == ("after_attempt", "Flow/run-1/start/t-start", 2, None)


def test_hooks_that_nobody_wrote_start_no_thread(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "Thread", None)

    assert make(Hooks(), ATTEMPT).exit_code == 0
    assert make(Hooks(), INIT).exit_code == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise OSError('no disk')", "no disk"),
        ("class Mine: ...", "Mine is no Hooks"),
        ("", "Mine"),
    ],
)
def test_hooks_that_cannot_be_loaded_fail_the_run_and_say_why(
    attempts: Attempts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    why: str,
) -> None:
    name = f"hooks_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))

    found = make(load(name, "Mine"), INIT)

    assert found.exit_code == 1
    assert name in found.note and why in found.note


HOOKS = """
import json, os
from .hooks import Hooks


class MySchedulerHooks(Hooks):
    def note(self, *said):
        with open(os.environ["KIT_NOTES"], "a") as file:
            file.write(json.dumps(said) + "\\n")

    def before_run(self, run):
        self.note("before_run", run.deployment, run.flow_name, run.parameters.get("fail"))
        if run.parameters.get("fail") == "true":
            raise ValueError("no such customer")

    def after_run(self, run, status, reason):
        self.note("after_run", status, reason)

    def on_status(self, run, status):
        self.note("on_status", status)

    def before_attempt(self, attempt):
        self.note("before_attempt", attempt.step, attempt.task_id, attempt.attempt)
        if attempt.attempt == 0:
            raise ValueError("no machine free")
        return {"KIT_LENT": f"machine {attempt.attempt}"}

    def after_attempt(self, attempt, exit_code):
        self.note("after_attempt", attempt.attempt, exit_code)
        raise ValueError("nobody cares")
"""

FLOW = """
import os
from metaflow import FlowSpec, Parameter, retry, step


class Hooked(FlowSpec):
    fail = Parameter("fail", default=False, type=bool)

    @retry(times=1, minutes_between_retries=0)
    @step
    def only(self):
        with open(f"/proc/{os.getppid()}/cmdline") as file:
            parent = "a warm process" if "warm" in file.read() else "the engine"
        print("was lent", os.environ["KIT_LENT"], "by", parent)


if __name__ == "__main__":
    Hooked()
"""


@pytest.fixture
def hooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """An extension of its own, with hooks in it."""
    bench = make_bench(tmp_path / "hooked")
    package = bench.project / "metaflow_extensions/my_scheduler/plugins/my_scheduler"
    (package / "my_scheduler_hooks.py").write_text(HOOKS)
    live = Live(bench, load_engine(bench), tmp_path)
    notes = {"KIT_NOTES": str(tmp_path / "notes")}
    for name, value in {**bench.environment, **notes, **dict([live.mark.split("=", 1)])}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "flow.py").write_text(FLOW)
    yield live
    live.close()


@pytest.mark.slow
def test_hooks_of_a_generated_extension_surround_real_runs(hooked: Live, tmp_path: Path) -> None:
    def ask(*words: str, code: int = 0) -> str:
        done = hooked.bench.run(tmp_path / "flow.py", "--quiet", TYPE, *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def told() -> list[list[Any]]:
        # The verdict is on record before the last hooks are told of it.
        notes = tmp_path / "notes"
        wait_until(lambda: '["after_run"' in notes.read_text(), "the last hook is called")
        lines = [json.loads(line) for line in notes.read_text().splitlines()]
        notes.unlink()
        return lines

    ask("create", "--no-warm")
    ask("trigger", "--run-id-file", str(tmp_path / "id"), "--wait")
    run_id = (tmp_path / "id").read_text()
    hooked.runs.append(run_id)

    assert told() == [
        ["on_status", "RUNNING"],
        ["before_run", "Hooked", "Hooked", "false"],
        ["before_attempt", "only", "t-only", 0],
        ["before_attempt", "only", "t-only", 1],
        ["after_attempt", 1, 0],
        ["on_status", "SUCCEEDED"],
        ["after_run", "SUCCEEDED", ""],
    ]
    assert ask("logs", run_id, "only").strip() == "was lent machine 1 by the engine"

    ask("trigger", "--run-id-file", str(tmp_path / "id"), "--fail", "true", "--wait", code=3)
    hooked.runs.append((tmp_path / "id").read_text())
    status, begun, failed, after = told()
    assert (status, begun[3], failed) == (["on_status", "RUNNING"], "true", ["on_status", "FAILED"])
    assert after[:2] == ["after_run", "FAILED"]
    assert "no such customer" in after[2]
    assert hooked.engine.deployment("Hooked").warm is False

    request = hooked.request()
    request = replace(request, parameters={"fail": "true"})
    store = hooked.engine._store
    store.add_run("Hooked", *store.deployment("Hooked"), request)
    hooked.engine.suspend(request.run_id, True)
    hooked.engine.run(request.run_id)
    notes = tmp_path / "notes"
    wait_until(lambda: notes.exists() and "SUSPENDED" in notes.read_text(), "it is suspended")
    assert json.loads(notes.read_text()) == ["on_status", "SUSPENDED"]
    hooked.engine.suspend(request.run_id, False)
    hooked.finished(request.run_id)
    assert told()[1] == ["on_status", "RUNNING"]
    hooked.no_process_is_left()
