"""How long the validator takes, against starting Python and parsing the same files.

    python benchmarks/validate_speed.py [--lines 5000,20000,100000] [--times 3] [--limit 300]
        [--extremes]

Both are whole processes, and the shortest of several runs counts: once on a fresh scaffold, then
on extensions of so many lines that are made for this. Prints the ratio, whose goal is 2.5, and the
time for each line, which should not grow with the size. A run that has not ended after --limit
seconds is said to be over; nothing waits longer. Processor time is measured, but other work
on the machine still falsifies it: the load is shown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# It runs from a checkout where nothing is installed, too.
sys.path.insert(0, str(ROOT))

from metaflow_orchestrator_kit.validate.rules.examples import (  # noqa: E402
    CONFIG,
    PLUGINS,
    cli,
    with_files,
)
from metaflow_orchestrator_kit.validate.sources import scan  # noqa: E402

TARGET = 2.5
#: Seconds after which a run is not repeated.
LONG = 10.0
FLOOR = """\
import ast, sys
for path in open(sys.argv[1], encoding="utf-8").read().splitlines():
    with open(path, encoding="utf-8") as file:
        ast.parse(file.read())
"""
#: Commands, helpers, classes and text, as extensions have them; {n} makes each another one.
BLOCK = '''
class Builder{n}:
    """Builds the commands of the part {n}."""

    TEMPLATE = "python {{flow}} --quiet step {{step}} --run-id {{run}}"

    def __init__(self, obj, flow, retries=0):
        self.obj = obj
        self.flow = flow
        self.retries = retries
        self.options = {{"--datastore": obj.flow_datastore.TYPE, "--quiet": None}}

    def top(self):
        built = ["python", self.flow]
        for name, value in self.options.items():
            built.append(name)
            if value is not None:
                built.append(str(value))
        return built

    def step(self, node, run_id, attempt):
        environment = {{"METAFLOW_RUN_{n}": run_id}}
        command = self.top() + ["step", node.name, "--run-id", run_id]
        if node.type == "foreach":
            command += ["--split-index", str(node.index)]
        elif attempt > {n}:
            command.extend(["--tag", f"attempt:{{attempt}}"])
        command += ["--retry-count", str(attempt)]
        return command, environment

    def describe(self, node):
        lines = []
        for parent in sorted(node.in_funcs):
            lines.append("%s after %s" % (node.name, parent))
        return "\\n".join(lines) or "nothing before {n}"
'''


def synthetic(root: Path, lines: int) -> None:
    """Write an extension of about so many lines, in modules of some 300."""
    for path, text in with_files(cli("")).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    size = BLOCK.count("\n")
    count = max(lines // size, 1)
    for start in range(0, count, 300 // size):
        blocks = range(start, min(start + 300 // size, count))
        text = "".join(BLOCK.format(n=n) for n in blocks)
        (root / PLUGINS / "acme" / f"part_{start}.py").write_text(text, encoding="utf-8")


def shortest(
    command: list[str], folder: Path, times: int, limit: float, fine: tuple[int, ...] = (0,)
) -> float:
    """The processor time, in seconds, of the fastest of so many runs; infinite past the limit.

    What takes long is not repeated: it is not the noise that makes it long.
    """
    # Byte code is there, as for a package that is installed, whatever the environment says.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    best = float("inf")
    for _ in range(times):
        before = os.times()
        try:
            done = subprocess.run(
                command, stdout=subprocess.DEVNULL, env=environment, timeout=limit
            )
        except subprocess.TimeoutExpired:
            return best
        after = os.times()
        if done.returncode not in fine:
            sys.exit(f"{' '.join(command[:4])} ended with {done.returncode}")
        spent = after.children_user + after.children_system
        best = min(best, spent - before.children_user - before.children_system)
        if best > LONG:
            break
    return best


def compare(name: str, root: Path, folder: Path, times: int, limit: float) -> float:
    """Print and answer how many times as long as the floor the validator takes on *root*."""
    files = scan(root).python
    lines = sum(len(path.read_bytes().splitlines()) for path in files)
    listed = folder / "files.txt"
    listed.write_text("\n".join(map(str, files)), encoding="utf-8")
    floor = shortest([sys.executable, "-c", FLOOR, str(listed)], folder, times, limit)
    module = "metaflow_orchestrator_kit.validate"
    taken = shortest([sys.executable, "-m", module, str(root)], folder, times, limit, (0, 1))
    head = f"{name:12} {lines:7} lines  floor {floor:6.2f} s  validate "
    if taken == float("inf"):
        print(f"{head}had not ended after {limit:.0f} s", flush=True)
        return taken
    ratio = taken / floor
    verdict = "as it should be" if ratio <= TARGET else f"over the goal of {TARGET}"
    print(
        f"{head}{taken:6.2f} s  {taken / max(lines, 1) * 1e6:5.0f} us a line  "
        f"ratio {ratio:5.1f}  {verdict}",
        flush=True,
    )
    return ratio


def extremes(folder: Path) -> Iterator[tuple[str, Path]]:
    """Extensions that are odd in size rather than in kind."""
    large = folder / "large"
    synthetic(large, 300)
    size = len(BLOCK.format(n=1))
    text = "".join(BLOCK.format(n=n) for n in range(10_000_000 // size))
    (large / PLUGINS / "acme" / "ten_megabytes.py").write_text(text, encoding="utf-8")
    yield "10 MB file", large
    many = folder / "many"
    synthetic(many, 300)
    for n in range(5000):
        path = many / PLUGINS / "acme" / f"folder_{n // 100}" / f"small_{n}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"def small_{n}(x):\n    return x + {n}\n", encoding="utf-8")
    yield "5,000 files", many


def main() -> int:
    """Run the benchmark; the exit code is 1 where a ratio is over the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", default="5000,20000,100000", help="sizes, by commas")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300, help="seconds for a single run")
    parser.add_argument("--extremes", action="store_true", help="a 10 MB file and 5,000 files too")
    options = parser.parse_args()
    started = time.monotonic()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; processor time is shown")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scaffold = folder / "my_scheduler"
        subprocess.run(
            [sys.executable, "-m", "metaflow_orchestrator_kit.scaffold", scaffold.name],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        given = options.times, options.limit
        ratios = [compare("scaffold", scaffold, folder, *given)]
        for lines in map(int, options.lines.split(",")):
            made = folder / f"made{lines}"
            synthetic(made, lines)
            assert (made / CONFIG).is_file()
            ratios.append(compare("synthetic", made, folder, *given))
        if options.extremes:
            for kind, made in extremes(folder):
                compare(kind, made, folder, *given)
    print(f"took {time.monotonic() - started:.0f} s")
    return int(max(ratios) > TARGET)


if __name__ == "__main__":
    sys.exit(main())
