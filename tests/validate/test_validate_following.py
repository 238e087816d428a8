"""What the validator does not follow, because nothing asks for what would come of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.analysis import analyse
from metaflow_orchestrator_kit.validate.rules.examples import CONFIG, DEPLOYER, PLUGINS
from metaflow_orchestrator_kit.validate.runner import NO_SCHEDULER, validate
from metaflow_orchestrator_kit.validate.scope import is_other_extension
from metaflow_orchestrator_kit.validate.selection import UNREADABLE

Write = Callable[..., Path]
#: No deployer is registered, and none is defined.
PLAIN = {DEPLOYER: "", CONFIG: 'STEP_DECORATORS_DESC = [("acme", ".acme.deco.Deco")]\n'}
HELPER = f"{PLUGINS}/acme/deco.py"


@pytest.mark.parametrize(
    "text",
    [
        "class Deco:\n    def say(self):\n        return ['--verbose', self]\n",
        "class Deco:\n    '''Runs --before init.'''\n    def say(self):\n        return 'a step'\n",
    ],
    ids=["no sub-command", "no option"],
)
def test_code_that_cannot_launch_metaflow_is_not_followed(write: Write, text: str) -> None:
    analysis = analyse(write({**PLAIN, HELPER: text}))
    assert is_other_extension(analysis)
    assert not analysis.is_followed


@pytest.mark.parametrize("sub", ["'init'", "'in' 'it'", "f'init'"])
def test_a_scheduler_without_a_deployer_is_known_by_what_it_launches(
    write: Write, sub: str
) -> None:
    text = f"def build(run):\n    return ['f.py', {sub}, '--run-id', run, '--task-id', 't']\n"
    root = write({**PLAIN, HELPER: text})
    analysis = analyse(root)
    assert not is_other_extension(analysis)
    assert analysis.is_followed
    assert validate(root).remarks == ()


def test_an_option_whose_name_is_added_later_may_launch_metaflow(write: Write) -> None:
    text = "def build(run):\n    words = ['f.py', 'init']\n    for k in ('run-id', 'task-id'):\n"
    text += "        words.append('--' + k)\n        words.append(run)\n    return words\n"
    assert not is_other_extension(analyse(write({**PLAIN, HELPER: text})))


def test_what_a_template_launches_makes_a_scheduler_too(write: Write) -> None:
    template = "python flow.py init --run-id {{ run }} --task-id t\n"
    root = write({**PLAIN, f"{PLUGINS}/acme/run.sh": template})
    assert not is_other_extension(analyse(root))


def test_an_unreadable_template_is_told_where_nothing_is_followed(write: Write) -> None:
    root = write({**PLAIN, HELPER: "x = 1\n"})
    (root / PLUGINS / "acme" / "run.sh").write_bytes(b"\xff\xfe\x80")
    report = validate(root)
    assert NO_SCHEDULER in report.remarks
    assert [f.code for f in report.findings if f.path.endswith("run.sh")] == [UNREADABLE]
