"""A process that forks on request, and keeps one fork ready ahead."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_place.forks import Request
from live_engine import wait_until

from metaflow_orchestrator_kit import paths

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at processes in /proc, which Linux has"
)

_PLUGINS = paths.templates() / "extension/metaflow_extensions/__module__/plugins"

#: The warm process without Metaflow.
_PROGRAM = """
import socket, sys
sys.path.insert(0, {plugins!r})
from __module__.warm import rehearse, run, serve
main = None
message = serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), rehearse)
if message is not None:
    run(message)
"""

#: What an attempt says of itself.
_FLOW = """
import json, os, signal, sys
print(json.dumps({
    "pid": os.getpid(), "session": os.getsid(0), "group": os.getpgid(0), "parent": os.getppid(),
    "argv": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd(),
    "interrupt": str(signal.getsignal(signal.SIGINT)), "name": __name__, "file": __file__,
    "descriptors": sorted(map(int, os.listdir("/proc/self/fd")))[:-1],
}))
"""


class WarmOne:
    """A process that serves, and whoever asks it."""

    def __init__(self, folder: Path) -> None:
        self.flow = folder / "flow.py"
        self.flow.write_text(_FLOW)
        self.requests, theirs = socket.socketpair()
        self._answers, answering = os.pipe()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", _PROGRAM.format(plugins=str(_PLUGINS))),
                *(str(theirs.fileno()), str(answering)),
            ],
            pass_fds=(theirs.fileno(), answering),
            cwd=folder,
            start_new_session=True,
        )
        theirs.close()
        os.close(answering)
        self._lines = os.fdopen(self._answers)

    def ask(self, *arguments: str, **environment: str) -> bytes:
        """Have an attempt made, to its end; what it has written."""
        end, output = os.pipe()
        message = {"argv": [str(self.flow), *arguments], "environment": environment}
        request = Request(json.dumps(message).encode(), [output, output])
        request.send(self.requests)
        os.close(output)
        with os.fdopen(end, "rb") as file:
            return file.read()

    def attempt(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """The same, of which nothing but its word is heard, its start and its good end."""
        said: dict[str, Any] = json.loads(self.ask(*arguments, **environment))
        assert self.heard() == [said["pid"], None]
        assert self.heard() == [said["pid"], 0]
        return said

    def heard(self) -> list[int | None]:
        """The next answer."""
        answer: list[int | None] = json.loads(self._lines.readline())
        return answer

    def silence(self) -> bool:
        """Whether no more answers come, as nobody is left that could write one."""
        return not self._lines.readline()

    def spare(self) -> int:
        """Its spare, which comes after an attempt."""
        (pid,) = wait_until(lambda: children(self.process.pid), "a spare")
        wait_until(lambda: state(pid) == "S", "the spare waits")
        return int(pid)

    def close(self) -> None:
        """End it."""
        self.requests.close()
        self.process.kill()
        self.process.wait()
        self._lines.close()


def children(pid: int) -> list[int]:
    """The running children of a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(int, listed) if runs(child)]


def state(pid: int) -> str:
    """The state of a process, as a letter (proc(5)); Z when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not collected does not."""
    return state(pid) not in "ZX"


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[WarmOne]:
    warm = WarmOne(tmp_path)
    yield warm
    warm.close()


def test_an_attempt_is_made_by_the_spare_and_is_what_a_fork_at_the_time_is(warm: WarmOne) -> None:
    first = warm.attempt("one", ONE="1", BOTH="first")
    spare = warm.spare()
    second = warm.attempt("two", "words", TWO="2", BOTH="second")

    assert second["pid"] == spare != first["pid"]
    for said in (first, second):
        assert said["session"] == said["group"] == said["pid"]
        assert said["parent"] == warm.process.pid
        assert said["descriptors"] == [0, 1, 2]
        assert "default_int_handler" in said["interrupt"]
        assert said["name"] == "__main__"
        assert said["file"] == str(warm.flow)
        assert said["cwd"] == str(warm.flow.parent)
    assert [one["argv"] for one in (first, second)] == [["one"], ["two", "words"]]
    assert first["environment"] == {"ONE": "1", "BOTH": "first"}
    assert second["environment"] == {"TWO": "2", "BOTH": "second"}


def test_a_spare_is_no_attempt_before_it_is_asked(warm: WarmOne) -> None:
    warm.attempt()
    spare = warm.spare()

    assert os.getsid(spare) == os.getsid(warm.process.pid)
    assert os.getpgid(spare) == os.getpgid(warm.process.pid)


def test_a_flow_that_was_changed_is_run_as_it_is_now(warm: WarmOne) -> None:
    warm.attempt()
    warm.spare()
    warm.flow.write_text("print('changed')")

    assert warm.ask() == b"changed\n"


@pytest.mark.parametrize(
    ("flow", "said"),
    [("if", b"SyntaxError"), ("1 is 1", b"SyntaxWarning"), ("print('fine')", b"fine")],
)
def test_what_compiling_a_flow_says_stands_in_the_log_of_each_attempt(
    warm: WarmOne, flow: str, said: bytes
) -> None:
    warm.flow.write_text(flow)
    for _ in range(2):
        assert said in warm.ask()
        warm.heard()
        warm.heard()
        warm.spare()


def test_a_killed_spare_is_nobodys_loss(warm: WarmOne) -> None:
    warm.attempt()
    spare = warm.spare()
    os.kill(spare, signal.SIGKILL)

    assert warm.attempt()["pid"] != spare
    after = warm.spare()
    assert warm.attempt()["pid"] == after


def test_a_request_larger_than_any_buffer_reaches_the_spare(warm: WarmOne) -> None:
    warm.attempt()
    spare = warm.spare()

    said = warm.attempt(**{f"V{number}": "x" * 100_000 for number in range(20)})

    assert said["pid"] == spare
    assert sum(map(len, said["environment"].values())) == 2_000_000


def _kill(warm: WarmOne) -> None:
    warm.process.kill()


def _close(warm: WarmOne) -> None:
    warm.requests.close()


@pytest.mark.parametrize("end", [_kill, _close])
def test_a_spare_ends_with_the_warm_process(warm: WarmOne, end: Callable[[WarmOne], None]) -> None:
    warm.attempt()
    spare = warm.spare()

    end(warm)

    assert warm.silence()
    warm.process.wait(60)
    wait_until(lambda: not runs(spare), "the end of the spare")


def test_an_interrupt_at_the_terminal_ends_neither_warm_process_nor_spare(warm: WarmOne) -> None:
    warm.attempt()
    spare = warm.spare()

    os.killpg(warm.process.pid, signal.SIGINT)

    assert warm.attempt()["pid"] == spare


def test_attempts_that_come_at_once_are_all_made(warm: WarmOne) -> None:
    warm.attempt()
    spare = warm.spare()
    with Path(os.devnull).open("wb") as null:
        for number in range(5):
            message = {"argv": [str(warm.flow), str(number)], "environment": {}}
            request = Request(json.dumps(message).encode(), [null.fileno()] * 2)
            request.send(warm.requests)

    heard = [warm.heard() for _ in range(10)]

    started = [pid for pid, exit_code in heard if exit_code is None]
    assert len(set(started)) == 5
    assert spare in started
    assert sorted(pid for pid, exit_code in heard if exit_code == 0) == sorted(started)
