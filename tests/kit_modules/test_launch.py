"""How one attempt lives and dies as a process, logs and hand-out included."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from in_place import launch, process
from in_place.command import Site
from in_place.plan import Code, Identity, Plan, RunRequest, Step
from in_place.walk import Finished, Handout, Launch, TaskRef

LAUNCH = Launch("work", "t-work", inputs=(TaskRef("start", "t-start"),))


def desk(folder: Path, program: str, *, timeout: float = 0.0) -> launch.Desk:
    """A desk whose only step is a Python program."""
    (folder / "scratch").mkdir()
    plan = Plan(
        identity=Identity("name", "Flow", "ada", "token"),
        start_step="work",
        end_step="work",
        steps={"work": Step("work", "end", timeout=timeout)},
        options=(("--datastore", "local"), ("--datastore-root", str(folder / "store"))),
        code=Code("flow.py"),
    )
    return launch.Desk(
        plan=plan,
        run=RunRequest("r-1"),
        site=Site(sys.executable, folder),
        step_command=lambda *_: (sys.executable, "-c", program),
        facts={"scheduler-run": "7"},
        scratch=folder / "scratch",
        worker={**os.environ, "PATH": "/usr/bin:/bin"},
        starter=process.Fresh(),
    )


def attempt(folder: Path, program: str, *, timeout: float = 0.0) -> Finished:
    return asyncio.run(launch.attempt(desk(folder, program, timeout=timeout), LAUNCH))


def logged(folder: Path, stream: str) -> bytes:
    """What was stored of a stream, without what Metaflow's log format adds."""
    from metaflow.mflog.mflog import parse

    stored = (folder / f"store/Flow/r-1/work/t-work/0.task_{stream}.log").read_bytes()
    return b"\n".join(line.msg for line in map(parse, stored.splitlines()) if line)


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("program", "exit_code"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("1 / 0", 1),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os._exit(202)", 202),
    ],
)
def test_the_exit_of_the_process_is_the_answer(
    tmp_path: Path, program: str, exit_code: int
) -> None:
    assert attempt(tmp_path, program) == Finished("t-work", 0, exit_code)


def test_what_the_decorator_handed_out_comes_with_the_answer(tmp_path: Path) -> None:
    handout = {"width": 3, "chosen": "x", "mappers": ["a", "b"]}
    target = "open(os.environ['MF_ORCHESTRATOR_HANDOUT'], 'w')"
    program = f"import os; {target}.write({json.dumps(handout)!r})"

    assert attempt(tmp_path, program).handout == Handout(3, "x", ("a", "b"))


def test_a_hand_out_of_an_earlier_process_of_the_attempt_is_forgotten(tmp_path: Path) -> None:
    own = desk(tmp_path, "pass")
    (own.scratch / "t-work.0.handout").write_text('{"width": 9}')

    assert asyncio.run(launch.attempt(own, LAUNCH)).handout == Handout()


def test_room_is_reserved_for_the_hand_out_before_the_process_starts(tmp_path: Path) -> None:
    program = "import os; f = os.environ['MF_ORCHESTRATOR_HANDOUT'] + '.new'; "
    program += "file = open(f, 'r+'); file.write('{\"width\": 3}'); file.close(); "
    program += "assert os.path.getsize(f) == 4096; os.rename(f, f[:-4])"

    assert attempt(tmp_path, program).handout == Handout(width=3)


def test_both_streams_are_stored_with_the_task_whatever_is_in_them(tmp_path: Path) -> None:
    long = 3 * 2**20
    program = (
        "import sys\n"
        f"print('x' * {long})\n"
        "print('Zoë')\n"
        "sys.stdout.buffer.write(b'\\xff\\x00 no text\\n')\n"
        "sys.stdout.flush()\n"
        "sys.stderr.write('no newline at the end')\n"
    )

    assert attempt(tmp_path, program).exit_code == 0
    stdout = logged(tmp_path, "stdout")
    assert stdout.count(b"x") >= long
    assert "Zoë".encode() in stdout
    assert b"\xff\x00 no text" in stdout
    assert logged(tmp_path, "stderr") == b"no newline at the end"


def test_the_process_finds_its_own_interpreter_first_and_reads_nothing(tmp_path: Path) -> None:
    program = "import os, sys; print(os.environ['PATH']); print(repr(sys.stdin.read()))"

    attempt(tmp_path, program)

    path, stdin = logged(tmp_path, "stdout").decode().splitlines()
    assert path == f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert stdin == "''"


def test_a_process_may_take_its_timeout_and_more_before_it_is_killed_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert launch.TIMEOUT_SLACK >= 60  # The signal inside a task has to win by far.
    monkeypatch.setattr(launch, "TIMEOUT_SLACK", 1.0)
    before = time.monotonic()

    answer = attempt(tmp_path, "import time; time.sleep(300)", timeout=1.0)

    assert answer.exit_code == -signal.SIGKILL
    assert time.monotonic() - before >= 2.0


def test_a_step_without_a_timeout_has_no_limit_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "TIMEOUT_SLACK", 0.0)

    assert attempt(tmp_path, "import time; time.sleep(1)").exit_code == 0


CHILD = "import subprocess; print(subprocess.Popen(['sleep', '300']).pid, flush=True)"


def test_what_a_process_leaves_running_ends_with_it(tmp_path: Path) -> None:
    assert attempt(tmp_path, CHILD).exit_code == 0

    assert not is_running(int(logged(tmp_path, "stdout")))


def test_a_child_in_a_session_of_its_own_does_not_hold_the_answer_up(tmp_path: Path) -> None:
    before = time.monotonic()
    program = CHILD.replace("'300']", "'300'], start_new_session=True")

    assert attempt(tmp_path, program).exit_code == 0

    assert time.monotonic() - before < 200
    os.kill(int(logged(tmp_path, "stdout")), signal.SIGKILL)


@pytest.mark.parametrize("stubborn", ["nobody", "the children", "everybody"])
def test_giving_an_attempt_up_ends_its_whole_group_politely_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: str
) -> None:
    monkeypatch.setattr(process, "GRACE", 60.0 if stubborn == "the children" else 1.0)
    pids = tmp_path / "pids"
    program = (
        "import os, pathlib, signal, subprocess, time\n"
        f"if {stubborn != 'nobody'}: signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        # None of them holds the output of the attempt, whose end would be waited for as well.
        "out = dict.fromkeys(['stdout', 'stderr'], subprocess.DEVNULL)\n"
        "children = [subprocess.Popen(['sleep', '300'], **out) for _ in range(30)]\n"
        f"if {stubborn != 'everybody'}: signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        f"new = pathlib.Path('{pids}.new')\n"
        "new.write_text(' '.join(map(str, [os.getpid(), *(child.pid for child in children)])))\n"
        f"new.rename('{pids}')\n"
        "time.sleep(300)\n"
    )

    async def give_up() -> None:
        work = asyncio.ensure_future(launch.attempt(desk(tmp_path, program), LAUNCH))
        deadline = time.monotonic() + 60
        while not pids.exists():
            assert time.monotonic() < deadline, "the program did not start within 60 s"
            await asyncio.sleep(0.05)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(give_up())

    assert not any(map(is_running, map(int, pids.read_text().split())))


@pytest.mark.parametrize("patience", [0.0, 0.001, 0.01, 0.05])
def test_an_attempt_can_be_given_up_while_its_process_starts(
    tmp_path: Path, patience: float
) -> None:
    own = desk(tmp_path, "import time; time.sleep(300)")

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(launch.attempt(own, LAUNCH), patience)

    asyncio.run(give_up())

    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    assert not any(b"sleep(300)" in Path(f"/proc/{c}/cmdline").read_bytes() for c in children)


def test_a_program_that_cannot_be_started_is_an_error_of_the_system(tmp_path: Path) -> None:
    async def start() -> None:
        job = process.Job((str(tmp_path / "no-such-python"),), {}, tmp_path)
        await process.Fresh().start(job, 1, 2)

    with pytest.raises(FileNotFoundError):
        asyncio.run(start())


INIT = Launch("_parameters", "t-start-params")

#: Stands for an interpreter and a flow: `init` is killed as often as there are files to remove.
INTERPRETER = f"""#!{sys.executable}
import os, sys
from pathlib import Path
folder = Path(__file__).parent
with (folder / "calls").open("a") as file:
    print("dump" if "dump" in sys.argv else "init", file=file)
if "dump" in sys.argv:
    sys.exit(0 if (folder / "stored").exists() else 1)
if (folder / "store-first").exists():
    (folder / "stored").touch()
for one in folder.glob("kill-*"):
    one.unlink()
    os.kill(os.getpid(), 9)
print("it is wrong", file=sys.stderr)
sys.exit(int((folder / "code").read_text()))
"""


def init(folder: Path, *, kills: int, code: int = 0, repeated: bool = False) -> Finished:
    """Make `init` with an interpreter that does as it is told."""
    python = folder / "python"
    python.write_text(INTERPRETER)
    python.chmod(0o755)
    (folder / "code").write_text(str(code))
    for number in range(kills):
        (folder / f"kill-{number}").touch()
    own = replace(desk(folder, ""), site=Site(str(python), folder))
    return asyncio.run(launch.attempt(own, INIT, repeated=repeated))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "INIT_PAUSES", (0.0, 0.0))


@pytest.mark.usefixtures("impatient")
def test_an_init_that_was_killed_is_made_again(tmp_path: Path) -> None:
    assert init(tmp_path, kills=2) == Finished("t-start-params", 0, 0)
    assert (tmp_path / "calls").read_text().split() == ["init", "dump", "init", "dump", "init"]


@pytest.mark.usefixtures("impatient")
def test_an_init_that_was_killed_after_it_had_stored_the_parameters_is_not(tmp_path: Path) -> None:
    (tmp_path / "store-first").touch()

    assert init(tmp_path, kills=1) == Finished("t-start-params", 0, 0)
    assert (tmp_path / "calls").read_text().split() == ["init", "dump"]


@pytest.mark.usefixtures("impatient")
def test_an_init_that_is_killed_every_time_fails_in_the_end(tmp_path: Path) -> None:
    assert init(tmp_path, kills=9).exit_code == -signal.SIGKILL
    assert (tmp_path / "calls").read_text().split().count("init") == 3


def test_an_init_that_fails_by_itself_is_made_once_and_says_why(tmp_path: Path) -> None:
    assert init(tmp_path, kills=0, code=3) == Finished("t-start-params", 0, 3, note="it is wrong")
    assert (tmp_path / "calls").read_text().split() == ["init"]
