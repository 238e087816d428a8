"""Stands in for micromamba where it is not to be had: makes its environments with `venv` and pip.

    python tests/kit_modules/standing_in_for_micromamba.py ROOT ARGUMENTS...

It answers the calls that Metaflow makes, so that everything above them is the real thing: what
Metaflow resolves, pip's downloads, the interpreter that a step gets. What comes from a channel of
conda elsewhere comes from the package index here. ROOT holds the environments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_CHANNEL = "https://channel.invalid/linux-64/"
PLATFORM = "linux-64"


def main(root: Path, arguments: list[str]) -> int:
    """Answer one call on standard output, as JSON."""
    options = dict(
        word.split("=", 1) for word in arguments if word.startswith("--") and "=" in word
    )
    match arguments[:2]:
        case ["config", "list"]:
            answer: object = {
                "channels": ["conda-forge"],
                "envs_dirs": [str(root / "envs")],
                "pkgs_dirs": [str(root / "pkgs")],
                "platform": PLATFORM,
            }
        case ["env", "list"]:
            made = root.glob("envs/metaflow/*/*/made")
            answer = {"envs": [str(marker.parent) for marker in made]}
        case ["list", _]:
            python = ".".join(map(str, sys.version_info[:3]))
            answer = [{"name": "python", "version": python}]
        case ["run", _]:
            prefix, program = Path(arguments[2]), arguments[3]
            return subprocess.call([str(prefix / "bin" / program), *arguments[4:]])
        case ["create", _] if "--dry-run" in arguments:
            specs = [word for word in arguments[1:] if not word.startswith("-")]
            answer = {"actions": {"LINK": [{"url": _CHANNEL + spec} for spec in specs]}}
        case ["create", _] if "--download-only" in arguments:
            answer = {}
        case ["create", _]:
            _make(
                Path(options.get("--prefix") or arguments[arguments.index("--prefix") + 1]),
                arguments,
            )
            answer = {}
        case _:
            print(f"not a call that Metaflow makes: {arguments}", file=sys.stderr)
            return 2
    print(json.dumps(answer))
    return 0


def _make(prefix: Path, arguments: list[str]) -> None:
    """An environment with what the addresses name: `python`, and packages of the index."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    quiet = {"env": environment, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([sys.executable, "-m", "venv", str(prefix)], **quiet)  # type: ignore[call-overload]
    specs = [word.removeprefix(_CHANNEL) for word in arguments if word.startswith(_CHANNEL)]
    wanted = [spec.replace("==>", ">") for spec in specs if not spec.startswith("python=")]
    if wanted:
        pip = [str(prefix / "bin/python"), "-m", "pip", "install", "--quiet", *wanted]
        subprocess.run(pip, **quiet)  # type: ignore[call-overload]
    (prefix / "made").touch()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
