"""The lab lives and dies with those who need it, and says what it saw without loss."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metaflow_orchestrator_kit.compliance.lab import events
from metaflow_orchestrator_kit.compliance.lab.client import Lab, LabError, alive, await_observation
from metaflow_orchestrator_kit.compliance.lab.environment import lab_environment
from metaflow_orchestrator_kit.compliance.lab.live import in_another_process, is_over
from metaflow_orchestrator_kit.compliance.lab.processes import LAB, lingering, marked
from metaflow_orchestrator_kit.compliance.lab.reading import _attempts, plain
from metaflow_orchestrator_kit.compliance.lab.settings import LabSettings
from metaflow_orchestrator_kit.compliance.model import (
    Deployment,
    Failure,
    Observation,
    Residue,
    RunSeen,
    TaskSeen,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)

Metadatum = namedtuple("Metadatum", "name value created_at")


def settings(folder: Path) -> LabSettings:
    token = f"test{os.getpid()}{time.monotonic_ns()}"
    return LabSettings(directory=str(folder), scheduler_type="fakesched", token=token)


def wait_until(what: str, holds, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_lab_is_alive_until_it_is_stopped_and_then_nobody_waits_for_it(tmp_path):
    chosen = settings(tmp_path)
    assert not alive(chosen)
    lab = Lab.start(chosen, lab_environment(os.environ, tmp_path / "root").variables)
    try:
        assert alive(chosen)
    finally:
        lab.stop()
    assert not alive(chosen)
    start = time.monotonic()
    with pytest.raises(LabError, match="ended before it had observed 'linear'"):
        await_observation(chosen, "linear", start + 60)
    assert time.monotonic() - start < 10


@pytest.mark.slow
def test_a_lab_ends_with_the_process_that_started_it(tmp_path):
    chosen = settings(tmp_path)
    script = (
        "import os, sys\n"
        "from metaflow_orchestrator_kit.compliance.lab.client import Lab\n"
        "from metaflow_orchestrator_kit.compliance.lab.settings import LabSettings\n"
        "Lab.start(LabSettings(sys.argv[1], 'fakesched', sys.argv[2]), os.environ)\n"
        "os._exit(0)\n"
    )
    environment = lab_environment(os.environ, tmp_path / "root").variables
    subprocess.run(
        [sys.executable, "-c", script, chosen.directory, chosen.token], env=environment, check=True
    )
    wait_until("the orphaned lab to end", lambda: not alive(chosen))
    wait_until("its processes to end", lambda: not marked(LAB, chosen.token))


@pytest.mark.slow
def test_a_process_that_takes_its_time_to_end_is_not_taken_for_one_that_was_left(tmp_path):
    mark = f"test/{tmp_path}"
    sleeper = [sys.executable, "-c", "import time; time.sleep(5)"]
    with subprocess.Popen(sleeper, env={**os.environ, LAB: mark}) as slow:
        assert lingering(LAB, mark) == []
        slow.kill()


def test_a_wait_for_an_observation_has_a_deadline(tmp_path):
    chosen = settings(tmp_path)
    chosen.save()
    holder = (
        "import fcntl, sys, time\n"
        "file = open(sys.argv[1], 'w')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "alive")], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(LabError, match="Waited too long for the lab to observe 'linear'"):
            await_observation(chosen, "linear", time.monotonic() + 0.3)
    finally:
        process.kill()
        process.wait()


def test_each_start_of_an_attempt_counts_once_though_its_number_is_registered_twice():
    fields = [
        Metadatum("attempt", "0", 10.0),
        Metadatum("attempt", "0", 10.2),
        Metadatum("origin-run-id", "None", 10.2),
        Metadatum("attempt", "1", 20.0),
        Metadatum("attempt", "1", 20.2),
        Metadatum("origin-run-id", "None", 20.2),
    ]
    assert _attempts(fields) == [0, 1]
    assert _attempts([*fields[:3], *(item._replace(value="0") for item in fields[3:5]), fields[5]])
    assert _attempts(fields[:1]) == [0]
    assert _attempts([]) == []


def test_an_attempt_number_that_is_started_twice_is_seen_twice():
    fields = [
        Metadatum("attempt", "0", 10.0),
        Metadatum("origin-run-id", "None", 10.0),
        Metadatum("attempt", "0", 20.0),
        Metadatum("origin-run-id", "None", 20.0),
    ]
    assert _attempts(fields) == [0, 0]


@hypothesis_settings(deadline=None)  # the machine may be busy
@given(JSON)
def test_what_json_can_hold_is_kept_as_it_is(value):
    assert plain(value) == value


@pytest.mark.parametrize("value", [{1: 2}, b"x", {3}, object])
def test_what_json_cannot_hold_is_kept_as_its_repr(value):
    assert plain(value) == {"repr": repr(value)}


def test_tuples_become_lists():
    assert plain((1, ("a", 2))) == [1, ["a", 2]]


def test_an_observation_survives_being_written_and_read():
    task = TaskSeen(
        "start", "t-1", [0, 1], [0], 0, True, True, None, {"x": 1}, "out", "", {}, [], ["r/s/t"],
        1.0, 2.0,
    )  # fmt: skip
    seen = Observation(
        "s",
        error=Failure("wait", "GaveUp", "…"),
        deployment=Deployment("n", "F", "local@/x", {"name": "n"}),
        statuses=[(0.1, None), (2.0, "SUCCEEDED")],
        run=RunSeen("r", ["a"], [], True, True),
        tasks=[task],
        residue=Residue(["f"], []),
    )
    assert Observation.from_json(seen.to_json()) == seen


def test_an_observation_of_another_version_is_refused():
    with pytest.raises(ValueError, match="another version"):
        Observation.from_json({"scenario": "s", "run": {"number": 3}})


@pytest.mark.parametrize("status", ["SUCCEEDED", "Failed", "timed-out", "Error", "cancelled"])
def test_a_terminal_status_is_known_in_the_words_of_many_schedulers(status):
    assert is_over(status)


@pytest.mark.parametrize("status", [None, "RUNNING", "Pending", "queued", ""])
def test_a_status_in_between_is_not_the_end(status):
    assert not is_over(status)


def test_a_call_in_another_process_gives_its_result_or_its_error():
    assert in_another_process(lambda: {"pid": os.getpid()})["pid"] != os.getpid()

    def broken() -> None:
        raise LookupError("no such thing")

    with pytest.raises(RuntimeError, match="LookupError: no such thing"):
        in_another_process(broken)


def test_a_line_of_the_diary_is_read_when_it_is_complete(tmp_path):
    chosen = settings(tmp_path)
    events.write(chosen, "a", "deployed")
    diary = tmp_path / "events.jsonl"
    with diary.open("a") as stream:
        stream.write('{"time": 1, "scen')
    found, position = events.follow(diary, 0)
    assert [(event.scenario, event.what, event.over) for event in found] == [
        ("a", "deployed", False)
    ]
    with diary.open("a") as stream:
        stream.write('ario": "b", "what": "ended", "over": true}\n')
    found, _ = events.follow(diary, position)
    assert [event.scenario for event in found] == ["b"]
    assert events.follow(tmp_path / "none", 0) == ([], 0)
