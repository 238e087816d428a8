"""Write the parts of README.md that are generated: ``python tools/readme.py``.

They stand between ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
COMMAND = "python tools/readme.py"


def capabilities() -> str:
    """The table of capabilities, as the kit's data has it."""
    from metaflow_orchestrator_kit import Cap

    lines = ["| capability | | promise | clauses |", "| --- | --- | --- | --- |"]
    for cap in Cap:
        kind = "required" if cap.required else "optional"
        links = ", ".join(f"[{id}](docs/contract.md#{id.lower()})" for id in cap.clauses)
        lines.append(f"| `{cap.name}` | {kind} | {cap.sentence} | {links} |")
    return "\n".join(lines)


def tree() -> str:
    """What the scaffold prints."""
    command = [sys.executable, "-m", "metaflow_orchestrator_kit.scaffold", "my_scheduler"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    return f"```text\n{done.stdout.rstrip()}\n```"


PARTS = {"capabilities": capabilities, "tree": tree}


def filled(text: str) -> str:
    """The text with all its generated parts made anew."""
    for name, make in PARTS.items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        before, opened, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not opened or not closed:
            raise ValueError(f"README.md has no place for '{name}'")
        text = f"{before}{begin}{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
