"""Files that are huge, nested deeply or many: each is answered, and costs the others nothing.

The whole sizes, ten megabytes of code and five thousand files, are in `make bench-validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.findings import Report, Verdict
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER, PLUGINS
from metaflow_orchestrator_kit.validate.runner import validate

Write = Callable[..., Path]
EXTRA = f"{PLUGINS}/acme/extra.py"
COMMAND = (
    "def command(obj, node, attempt):\n"
    '    return ["python", "f.py", "--environment", obj.environment.TYPE, "step", node,\n'
    '            "--run-id", "r", "--retry-count", str(attempt)]\n'
)
RETRY_COUNT = "MOK006"


def _sees_the_command(report: Report) -> bool:
    """Whether the rule on retry counts has found what it looks for, whatever stands beside it."""
    verdicts = {o.code: o.verdict for o in report.outcomes}
    return verdicts[RETRY_COUNT] is Verdict.PASS


def test_a_string_of_two_megabytes_is_data(write: Write) -> None:
    line = "x" * 9_999 + "\n"
    report = validate(write({COMPILER: COMMAND, EXTRA: f'DATA = """{line * 200}"""\n'}))
    assert _sees_the_command(report)


def test_a_file_that_is_larger_than_any_module_is_a_finding(write: Write) -> None:
    root = write({COMPILER: COMMAND})
    with (root / EXTRA).open("wb") as file:
        file.truncate(21_000_000)
    report = validate(root)
    assert any(f.path == EXTRA and "larger than 20 MB" in f.message for f in report.findings)
    assert _sees_the_command(report)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(f"x = {'(' * 150}1{')' * 150}\n", id="parentheses"),
        pytest.param(f"x = {'[' * 150}{']' * 150}\n", id="lists"),
        pytest.param(f"x = {'(' * 5000}1{')' * 5000}\n", id="more parentheses than Python takes"),
        pytest.param(f"x = {' + '.join(['a'] * 900)}\n", id="a sum"),
        pytest.param(f"x = {' + '.join(['a'] * 20_000)}\n", id="a long sum"),
        pytest.param(f"x = a{'.b()' * 900}\n", id="a chain of calls"),
        pytest.param(f"x = a{'[0]' * 20_000}\n", id="a long chain of items"),
        pytest.param(f"x = {'not ' * 900}a\n", id="negations"),
        pytest.param(f"x = {'lambda: ' * 90}a\n", id="functions"),
        pytest.param(
            "def f(a):\n" + "".join(f"{' ' * (n + 1)}if a.x{n}:\n" for n in range(90))
            + f"{' ' * 91}return a\n",
            id="branches",
        ),
    ],
)  # fmt: skip
def test_deep_nesting_is_read_or_refused_and_hides_nothing_beside_it(
    source: str, write: Write
) -> None:
    report = validate(write({COMPILER: COMMAND, EXTRA: source}))
    assert _sees_the_command(report)


def test_what_is_true_of_one_file_is_said_of_each_of_many(write: Write) -> None:
    root = write({COMPILER: COMMAND})
    folder = root / PLUGINS / "acme"
    for n in range(150):
        (folder / f"part_{n}.py").write_text(f"def wait_{n}(url):\n    return missing_{n}(url)\n")
    report = validate(root)
    named = {f.path for f in report.findings if f.name == "name-not-defined"}
    assert len(named) == 150
    assert _sees_the_command(report)
