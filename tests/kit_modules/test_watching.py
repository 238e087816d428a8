"""Commands that look at runs, with real flows: as somebody at a terminal, and as a script."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live_engine import Live, wait_until
from scaffolded import PATIENCE, TYPE

pytestmark = pytest.mark.slow


class Terminal:
    """A command in a terminal of 80 columns, and all that it has written there."""

    def __init__(self, live: Live, flow: Path, *words: str, **variables: str) -> None:
        self._master, slave = pty.openpty()
        size = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, str(flow), "--quiet", "--no-pylint", TYPE, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, **live.bench.environment, **size, **variables},
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def shows(self, pattern: str) -> bool:
        """Whether something has been written by now."""
        while select.select([self._master], [], [], 0.05)[0]:
            try:
                piece = os.read(self._master, 65536)
            except OSError:  # The other end is closed.
                break
            if not piece:
                break
            self.text += piece.decode()
        return bool(re.search(pattern, self.text))

    def ended(self) -> int:
        """Wait for the command; its exit code."""
        wait_until(lambda: self.shows("$^") or self.process.poll() is not None, "the command ends")
        self.shows("$^")
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@contextmanager
def terminal(live: Live, flow: str, *words: str, **variables: str) -> Iterator[Terminal]:
    opened = Terminal(live, live.flow(flow), *words, **variables)
    try:
        yield opened
    finally:
        opened.close()


def only_run(live: Live, name: str) -> str:
    """The id of the run that a command has started."""
    (run,) = wait_until(lambda: list(live.engine.runs(name)), "the run is started")
    live.runs.append(run.run_id)
    run_id: str = run.run_id
    return run_id


def test_a_run_is_shown_live_on_a_terminal_and_the_code_says_how_it_ended(live: Live) -> None:
    name = live.deploy("solo", name="watched")
    notes = live.folder / "notes"
    notes.mkdir()
    options = ("--folder", str(notes), "--hold", "true")

    with terminal(live, "solo", "--name", name, "trigger", *options, "--wait") as screen:
        run_id = only_run(live, name)
        wait_until(lambda: screen.shows(r"\nonly +1 +1 +0 +0 +1 "), "the step is shown as running")
        (notes / "go").touch()
        code = screen.ended()

    assert code == 0
    assert re.search(r"\nonly +1 +0 +1 +0 +1 ", screen.text)
    assert re.search(r"\x1b\[\d+A\x1b\[J", screen.text)
    assert f"Solo/{run_id} \x1b[32mSUCCEEDED\x1b[0m after " in screen.text
    plain = re.sub(r"\x1b\[[0-9]*[A-Za-z]", "", screen.text)
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= 80


def test_ctrl_c_leaves_the_run_alone_and_it_can_be_watched_again(live: Live) -> None:
    name = live.deploy("solo", name="left")
    run_id = live.start(name, hold=True, fail=True)
    live.has_begun(run_id)
    watch = ("--name", name, "status", "--watch", run_id)

    with terminal(live, "solo", *watch, NO_COLOR="1") as screen:
        wait_until(lambda: screen.shows(r"\nonly +1 +1 "), "the step is shown as running")
        os.kill(screen.process.pid, signal.SIGINT)
        assert screen.ended() == 130
    assert f"Solo/{run_id} goes on." in screen.text
    assert f"`{TYPE} status --watch {run_id}`" in screen.text
    assert "\x1b[3" not in screen.text

    assert live.engine.run(run_id).status == "RUNNING"
    live.let_go(run_id)
    live.finished(run_id)
    done = live.bench.run(live.flow("solo"), "--quiet", TYPE, *watch)
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert re.fullmatch(r" +\d+:\d\d only/t-only attempt 0 failed after \d+\.\d s", lines[0])
    assert re.fullmatch(rf"Solo/{run_id} FAILED after \d+:\d\d: step only .*", lines[1])
    assert "\x1b" not in done.stdout


TALKING = """
import os, sys
from metaflow import FlowSpec, Parameter, card, current, retry, secrets, step

INLINE = {"type": "inline", "id": "word", "options": {"env_vars": {"WORD": "swordfish"}}}


class Talking(FlowSpec):
    wait = Parameter("wait", default="-")

    @step
    def start(self):
        self.items = ["a", "b"]
        self.next(self.body, foreach="items")

    @retry(times=1, minutes_between_retries=0)
    @step
    def body(self):
        print(f"{self.input} of attempt {current.retry_count}, {self.wait}")
        print(f"{self.input} complains", file=sys.stderr)
        if self.input == "b" and current.retry_count == 0:
            raise ValueError("planned")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @card(type="blank")
    @secrets(sources=[INLINE])
    @step
    def end(self):
        print("the word is", os.environ["WORD"])


if __name__ == "__main__":
    Talking()
"""


def test_runs_and_logs_can_be_read_and_a_parameter_of_the_flow_may_be_called_wait(
    live: Live,
) -> None:
    flow = live.folder / "talking.py"
    flow.write_text(TALKING)

    def ask(*words: str, code: int = 0) -> list[str]:
        done = live.bench.run(flow, "--quiet", TYPE, *words)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return [line.rstrip() for line in (done.stderr if code else done.stdout).splitlines()]

    before = time.time()
    ask("create")
    ask("trigger", "--wait", "for nobody")
    run_id = only_run(live, "Talking")
    assert live.finished(run_id).status == "SUCCEEDED"

    assert ask("logs", run_id, "body") == [
        "[t-body-0] a of attempt 0, for nobody",
        "[t-body-1] b of attempt 1, for nobody",
    ]
    assert ask("logs", run_id, "body", "--attempt", "1") == [
        "[t-body-1] b of attempt 1, for nobody"
    ]
    failed = ask("logs", run_id, "body/t-body-1", "--attempt", "0", "--stderr")
    assert failed[0] == "b complains"
    assert "ValueError: planned" in failed
    for words, message in (
        (("nope",), "There is no step nope"),
        (("body/t-9",), "There is no task body/t-9"),
        (("start/t-start", "--attempt", "7"), "has no attempt 7; attempts so far: 0 to 0."),
    ):
        assert message in "\n".join(ask("logs", run_id, *words, code=1))

    assert ask("logs", run_id, "end") == ["the word is swordfish"]
    cards = live.bench.datastore / f".metaflow/mf.cards/Talking/runs/{run_id}"
    assert len(list(cards.rglob("steps/end/tasks/t-end/cards/blank-*.html"))) == 1
    (listed,) = ask("runs")
    started = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(rf"{run_id}  SUCCEEDED  {started} +\d+:\d\d", listed)
    document = json.loads(ask("list-runs", "--json")[0])
    (run,) = document["runs"]
    assert document["version"] == 1
    assert (run["run_id"], run["status"], run["reason"]) == (run_id, "SUCCEEDED", "")
    assert before - 1 < run["created"] < run["finished"]
    assert ask("runs", "--state", "failed") == []
