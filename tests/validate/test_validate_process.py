"""The command as a process, which ends without freeing what it holds; and what runs remember."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.model.memory import Memory
from metaflow_orchestrator_kit.validate.modules import parse_source
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER
from metaflow_orchestrator_kit.validate.source_lines import strings_of

COMMANDS = """\
def step_{n}(node):
    return ["python", "flow.py", "step", node.name, "--run-id", "r", "--task-id", "{n}"]
"""
STRINGS = '''\
"""A docstring,
of two lines."""
ONE = "one line"
TEMPLATE = """first
second"""
LISTED = ["a = 1", "b = 2", "c = 3"]
PAIR = ["a = 1", "b = 2"]
SUM = LISTED + " x"
def write(out):
    out.append("import sys")
    out.append("sys.exit()")
    print("nothing")
'''


def test_the_process_prints_as_much_as_the_function_and_ends_with_its_code(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = write({COMPILER: "".join(COMMANDS.format(n=n) for n in range(30))})
    code = main([str(root), "--format", "json"])
    told = capsys.readouterr().out
    assert code == 1
    module = "metaflow_orchestrator_kit.validate"
    done = subprocess.run(
        [sys.executable, "-m", module, str(root), "--format", "json"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, told, "")


def test_strings_of_several_lines_are_found_and_no_others() -> None:
    found = strings_of(parse_source(STRINGS, "a.py", "a"))
    lines = [[(line.text, line.number) for line in string] for string in found]
    assert lines == [
        [("first", 4), ("second", 5)],
        [("a = 1", 6), ("b = 2", 6), ("c = 3", 6)],
        [(" mok_hole", 8), (" x", 8)],
        [("import sys", 10), ("sys.exit()", 11)],
    ]


def test_equal_keys_share_a_seal_and_others_do_not() -> None:
    memory = Memory()
    first, second, third = object(), object(), object()
    seal = memory.seal(first, ("list", (1, 2)), 3)
    assert memory.seal(second, ("list", (1, 2)), 3) is seal
    assert memory.seal(third, ("list", (1, 3)), 3) is not seal
    assert memory.sealed(second) == (seal, 3)
    memory.forget()
    assert memory.sealed(first) is None
