"""Make a virtual environment with the kit in it, unless it is there already.

python tools/environment.py FOLDER REQUIREMENT...

A requirement is anything that pip takes; ``.[dev]`` is this checkout with its extra, installed
editable. The environment is made anew when pyproject.toml, a requirement, the interpreter or the
place of the checkout has changed since, and otherwise left as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAMP = "installed.json"

# What pip would ask about, or warn of, although nobody can do anything about it here.
_QUIET = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}


def ensure(folder: Path, requirements: Sequence[str], interpreter: str = sys.executable) -> Path:
    """The interpreter of an environment that has the requirements; made if need be.

    Raises:
        subprocess.CalledProcessError: it cannot be made; what pip said has been shown.
    """
    folder = folder.absolute()
    python = folder / "bin" / "python"
    stamp = folder / STAMP
    wanted = _fingerprint(folder, requirements, interpreter)
    if _read(stamp) == wanted and _runs(python):
        print(f"{_short(folder)} is ready", flush=True)
        return python
    print(f"{_short(folder)}: installing {' '.join(requirements)}", flush=True)
    subprocess.run([interpreter, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet"]
    for requirement in requirements:
        install += ["--editable", requirement] if requirement.startswith(".") else [requirement]
    subprocess.run(install, check=True, cwd=ROOT, env={**os.environ, **_QUIET})
    stamp.write_text(wanted)
    return python


def _fingerprint(folder: Path, requirements: Sequence[str], interpreter: str) -> str:
    version = subprocess.run(
        [interpreter, "-c", "import sys; print(sys.version, sys.base_prefix)"],
        check=True,
        capture_output=True,
        text=True,
    )
    content = {
        "folder": str(folder),
        "interpreter": version.stdout.strip(),
        "requirements": list(requirements),
        "pyproject": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(),
    }
    return json.dumps(content, indent=2) + "\n"


def _read(stamp: Path) -> str | None:
    try:
        return stamp.read_text()
    except OSError:
        return None


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def _short(folder: Path) -> str:
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)


def main(arguments: Sequence[str]) -> int:
    """Run the command; the exit code is pip's when it fails."""
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        ensure(Path(arguments[0]), arguments[1:])
    except subprocess.CalledProcessError as error:
        print(f"error: {arguments[0]} could not be set up (see above).", file=sys.stderr)
        return int(error.returncode) or 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
