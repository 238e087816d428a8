"""Many processes that lay the same code package out at the same moment, again and again.

    python tests/kit_modules/laying_out.py PLAN FOLDER

The import path has the extension whose plan it is. A program of its own, because it forks.
"""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path
from typing import Any

from metaflow_extensions.my_scheduler.plugins.my_scheduler.depot import lay_out
from metaflow_extensions.my_scheduler.plugins.my_scheduler.package import unpacked
from metaflow_extensions.my_scheduler.plugins.my_scheduler.plan import Plan

PROCESSES, ROUNDS = 4, 4

#: Seconds for which a process waits for the others.
PATIENCE = 400


def lay_out_again_and_again(plan: Plan, folder: Path, start: Any, files: list[str]) -> None:
    """Find, in each round, a folder that is whole as soon as it is there."""
    for number in range(ROUNDS):
        start.wait(PATIENCE)
        code = lay_out(plan, folder / str(number))
        assert files_of(code) == files, f"round {number}: {files_of(code)}"


def files_of(code: Path) -> list[str]:
    """What lies in a folder, with the sizes of files."""
    return sorted(
        f"{path.relative_to(code)} {path.stat().st_size if path.is_file() else ''}"
        for path in code.rglob("*")
    )


def nobody_has_it() -> bytes:
    """Stands for a package that is not to be fetched again."""
    raise AssertionError("the package is asked for although it is unpacked")


def main(plan: Plan, folder: Path) -> None:
    """Start all processes, and see that each has succeeded and that nothing else is left."""
    expected = files_of(lay_out(plan, folder / "expected"))
    assert any(line.startswith(plan.code.script) for line in expected), expected
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(PROCESSES)
    arguments = (plan, folder, start, expected)
    processes = [
        fork.Process(target=lay_out_again_and_again, args=arguments) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE)
        process.kill()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    for number in range(ROUNDS):
        (code,) = (folder / str(number)).iterdir()
        assert unpacked(plan, code.parent, nobody_has_it) == code
    print(f"{PROCESSES} processes, {ROUNDS} rounds, {len(expected)} files")


if __name__ == "__main__":
    main(Plan.from_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
