"""How much work the validator does, counted in steps: it grows with the code, and it ends."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.analysis import Analysis, analyse
from metaflow_orchestrator_kit.validate.argv import commands_in
from metaflow_orchestrator_kit.validate.findings import Verdict
from metaflow_orchestrator_kit.validate.generated import readings
from metaflow_orchestrator_kit.validate.model import interpreter
from metaflow_orchestrator_kit.validate.model.values import Origin, text_of
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER, PLUGINS
from metaflow_orchestrator_kit.validate.runner import validate
from metaflow_orchestrator_kit.validate.tokens import tokens_of_text

Write = Callable[..., Path]
BUILDER = """
class Builder{n}:
    def __init__(self, obj):
        self.options = {{"--datastore": obj.flow_datastore.TYPE, "--metadata": obj.metadata.TYPE}}

    def top(self):
        built = ["python", "flow.py"]
        for name, value in self.options.items():
            built += [name, value]
        return built

    def step(self, node, run):
        return self.top() + ["step", node.name, "--run-id", run]
"""
CALLED = """
def options(obj):
    built = ["--quiet"]
    if obj.metadata:
        built += ["--metadata", obj.metadata.TYPE]
    if obj.datastore:
        built += ["--datastore", obj.datastore.TYPE]
    if obj.environment:
        built += ["--environment", obj.environment.TYPE]
    return built

def commands(obj, node, run):
"""


def _analysed(write: Write, text: str) -> Analysis:
    return analyse(write({COMPILER: textwrap.dedent(text)}))


def test_twice_the_code_takes_twice_the_steps(write: Write) -> None:
    small = _analysed(write, "".join(BUILDER.format(n=n) for n in range(20))).steps
    large = _analysed(write, "".join(BUILDER.format(n=n) for n in range(40))).steps
    assert small < large < 2.2 * small


def test_a_function_that_is_called_again_in_the_same_way_is_not_followed_again(
    write: Write,
) -> None:
    line = '    x{n} = options(obj) + ["step", node, "--run-id", run]\n'
    once = _analysed(write, CALLED + line.format(n=0)).steps
    often = _analysed(write, CALLED + "".join(line.format(n=n) for n in range(30)))
    # The line itself takes steps, the function's branches none any more.
    assert often.steps < once + 29 * 15
    assert len([c for c in often.commands if c.kind == "step"]) == 30


def test_mappings_that_grow_into_each_other_end_with_the_budget(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "ENTRY_BUDGET", 3000)
    lines = ["def build(a):", "    env = {'METAFLOW_A': a}", "    more = {a.b: a}"]
    for n in range(40):
        lines += [f"    if a.x{n}:", "        env = {**env, **more}",
                  "    else:", "        more = {**more, **env}"]  # fmt: skip
    analysis = _analysed(write, "\n".join(lines) + "\n")
    assert analysis.steps < 20_000
    assert any("build takes too many steps" in text for text, _ in analysis.lost)


def test_what_was_given_up_is_said_and_never_passes(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "ENTRY_BUDGET", 30)
    body = "".join(f"    x = [x, {n}]\n" for n in range(40))
    text = f"def build(x, run):\n{body}    return ['f.py', 'step', x, '--run-id', run]\n"
    report = validate(write({COMPILER: text}))
    assert any("build takes too many steps to follow" in lost for lost in report.lost)
    retries = next(o for o in report.outcomes if o.code == "MOK006")
    assert retries.verdict is Verdict.UNSURE


def test_a_thousand_files_are_read_and_a_function_in_none_of_them_is_followed(
    write: Write,
) -> None:
    root = write()
    plain = analyse(root).steps
    for n in range(1000):
        (root / PLUGINS / f"part_{n}.py").write_text(f"def f{n}(x):\n    return x + {n}\n")
    analysis = analyse(root)
    assert len(analysis.project.modules) > 1000
    # A definition is a step of its module's top level; its body is nothing to follow.
    assert analysis.steps <= plain + 2 * 1000


def test_of_a_long_script_only_the_lines_that_launch_something_become_words() -> None:
    others = "log.info('a line like any other')\n" * 2000
    launch = "python flow.py --quiet step $NODE --run-id {run}\n"
    text = text_of(f"{others}{launch}{others}", Origin("deploy.sh", 1, 1, 4001))
    words = tokens_of_text(text, {})
    (command,) = commands_in(words, None, {})
    assert [t.text for t in command.tokens] == launch.split()
    assert command.origin.line == 2001
    assert len(words) < 20


@pytest.mark.parametrize(("before", "several"), [("run --all", False), ("run all", True)])
def test_what_a_word_may_be_depends_on_the_line_before(before: str, several: bool) -> None:
    script = f"echo\n{before}\nfi\n$NODES --quiet step x --run-id r\n"
    words = tokens_of_text(text_of(script, Origin("a.sh", 1, 1, 5)), {})
    assert [t.many for t in words if t.text == "$NODES"] == [several]


def test_a_text_that_is_no_program_is_tried_once_for_each_notation_that_it_has() -> None:
    tried = list(readings("{% if x %}\nrun the step\n{% endif %}\n"))
    assert len(tried) == 2, "as it stands, and without the statements of the template"
    assert len(list(readings("run the step\n"))) == 1
