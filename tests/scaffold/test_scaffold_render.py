"""From templates to files, in memory."""

import hashlib
import json
import re
from pathlib import Path

import jinja2
import pytest

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold import names, render
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError

PACKAGE = "metaflow_extensions/my_scheduler/plugins/my_scheduler"


def contents(project: render.Project) -> dict[str, str]:
    return {str(file.path): file.content.decode() for file in project.files}


def test_names_are_put_into_paths_and_texts(project: render.Project) -> None:
    files = contents(project)

    assert sorted(files) == [
        ".github/workflows/ux-tests-my-scheduler.yml",
        ".metaflow-orchestrator-kit.json",
        "README.md",
        f"{PACKAGE}/__init__.py",
        f"{PACKAGE}/my_scheduler_cli.py",
        f"{PACKAGE}/my_scheduler_engine.py",
        f"{PACKAGE}/plan.py",
        f"{PACKAGE}/small_store.py",
    ]
    assert files["README.md"] == "# My Scheduler on small\n"
    assert files[f"{PACKAGE}/my_scheduler_cli.py"] == 'NAME = f"{"my_scheduler"}"\nSMALL = 1\n'
    assert files[str(project.engine_file)] == "class MySchedulerEngine: ...\n"


def test_the_braces_of_other_languages_are_left_alone(project: render.Project) -> None:
    workflow = contents(project)[".github/workflows/ux-tests-my-scheduler.yml"]
    assert workflow == 'on: "${{ github.ref }}"\n'


def test_a_file_without_the_suffix_is_copied_byte_for_byte(project: render.Project) -> None:
    assert contents(project)[f"{PACKAGE}/plan.py"] == "X = '[[ type ]]'\n"


def test_the_engine_lies_over_the_extension(templates: Path) -> None:
    project = render.project(render.Answers(names.parse("x"), "other"), templates)
    assert contents(project)["README.md"] == "# Other\n"


def test_only_nameless_modules_of_the_extension_are_the_kits(project: render.Project) -> None:
    owned = {str(file.path) for file in project.files if file.owner is render.Owner.KIT}
    assert owned == {f"{PACKAGE}/plan.py", ".metaflow-orchestrator-kit.json"}


def test_the_same_answers_give_the_same_bytes(templates: Path) -> None:
    answers = render.Answers(names.parse("nomad2"), "small")
    assert render.project(answers, templates) == render.project(answers, templates)


def test_the_record_has_the_answers_and_a_hash_of_every_other_file(project: render.Project) -> None:
    record = json.loads(contents(project)[".metaflow-orchestrator-kit.json"])

    assert record["version"] == 1
    assert record["kit_version"] == __version__
    assert record["answers"] == {"name": "my-scheduler", "engine": "small"}
    assert record["files"] == {
        str(file.path): {
            "owner": file.owner.value,
            "sha256": hashlib.sha256(file.content).hexdigest(),
        }
        for file in project.files
        if str(file.path) != ".metaflow-orchestrator-kit.json"
    }


def test_an_unknown_engine_is_answered_with_those_that_there_are(templates: Path) -> None:
    with pytest.raises(ScaffoldError, match=r"no engine 'cron'\. Engines: other, small\."):
        render.project(render.Answers(names.parse("x"), "cron"), templates)


def test_a_misspelt_variable_in_a_template_is_an_error(templates: Path) -> None:
    (templates / "extension/README.md.j2").write_text("[[ titel ]]")
    with pytest.raises(jinja2.UndefinedError, match="titel"):
        render.project(render.Answers(names.parse("x"), "small"), templates)


def test_every_variable_of_the_templates_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scaffold.md").read_text()
    (listed,) = [line for line in page.split("\n- ") if line.startswith("Variables: ")]
    variables = render.Answers(names.parse("x")).variables()
    assert re.findall(r"`(\w+)`", listed) == list(variables)
