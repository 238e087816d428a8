"""Run the fast tests on the oldest and on the newest Python and Metaflow that are supported.

python tools/matrix.py [PYTEST ARGUMENT...]

An interpreter that is not on this machine cannot be tested here; what is skipped is said at the
end, and does not fail the run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from environment import ROOT, ensure


@dataclass(frozen=True, slots=True)
class Lane:
    """A combination to test: a Python, as ``3.10``, and what pip is told about Metaflow."""

    name: str
    python: str
    metaflow: str


def lanes(pyproject: str) -> tuple[Lane, ...]:
    """Both ends of what pyproject.toml supports.

    Raises:
        ValueError: the text names no Python versions, or no oldest Metaflow.
    """
    pythons = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', pyproject)
    floor = re.search(r'"metaflow>=([\d.]+)"', pyproject)
    if not pythons or floor is None:
        raise ValueError("pyproject.toml names no Python versions or no oldest Metaflow")
    return (
        Lane("oldest", pythons[0], f"metaflow=={floor[1]}"),
        Lane("newest", pythons[-1], "metaflow"),
    )


def interpreter(version: str) -> str | None:
    """An interpreter of that version which runs, or None: on the path, else pyenv's or uv's."""
    return next((path for path in _candidates(version) if _is(path, version)), None)


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    for folder in os.get_exec_path():
        yield str(Path(folder) / f"python{version}")
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    uv = home / ".local" / "share" / "uv" / "python"
    for found in (*pyenv.glob(f"{version}.*"), *uv.glob(f"cpython-{version}.*")):
        yield str(found / "bin" / "python3")


def _is(path: str, version: str) -> bool:
    code = "import ensurepip, venv, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-c", code], capture_output=True, text=True)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def run(lane: Lane, python: str, arguments: Sequence[str]) -> int:
    """Test one combination; the exit code is that of the part that failed, or 0."""
    print(f"\n== {lane.name}: Python {lane.python}, {lane.metaflow}", flush=True)
    folder = ROOT / ".venv-matrix" / lane.name
    try:
        inside = ensure(folder, [".[dev]", lane.metaflow], python)
    except subprocess.CalledProcessError as error:
        return int(error.returncode) or 1
    command = [str(inside), "-m", "pytest", "-q", "-m", "not slow", *arguments]
    return subprocess.run(command, cwd=ROOT).returncode


def main(arguments: Sequence[str]) -> int:
    """Run every lane, then say what became of each."""
    outcomes: list[tuple[Lane, str]] = []
    failed = False
    for lane in lanes((ROOT / "pyproject.toml").read_text(encoding="utf-8")):
        python = interpreter(lane.python)
        if python is None:
            outcomes.append((lane, f"SKIPPED: there is no Python {lane.python} here"))
            continue
        code = run(lane, python, arguments)
        failed = failed or code != 0
        outcomes.append((lane, "passed" if code == 0 else f"FAILED with code {code}"))
    print()
    for lane, outcome in outcomes:
        print(f"{lane.name}: Python {lane.python}, {lane.metaflow}: {outcome}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
