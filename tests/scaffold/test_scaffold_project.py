"""What is generated, from the templates that the kit ships."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold import names, render, write

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[import-not-found, no-redef]

ROOT = Path(__file__).parents[2]
LONGEST = "x" * names.MAX_LENGTH
#: Hyphens, underscores, a digit, the shortest and the longest; words that YAML reads as others.
NAMES = ("my_scheduler", "my-scheduler", "nomad2", "q", "null", "on", LONGEST)
KIT_OWNED = {"plan.py", "walk.py", "command.py", "identity.py", "launch.py"}
LEFT_OVER = re.compile(r"\[\[ ?[a-z_]+|[a-z_] \]\]|\[% ?[a-z]|\[# ", re.MULTILINE)


@pytest.fixture(scope="module", params=NAMES)
def project(request: pytest.FixtureRequest) -> render.Project:
    return render.project(render.Answers(names.parse(request.param)))


def named(project: render.Project, path: str) -> str:
    (found,) = [file.content.decode() for file in project.files if str(file.path) == path]
    return found


def with_suffix(project: render.Project, *suffixes: str) -> dict[str, str]:
    found = {
        str(file.path): file.content.decode()
        for file in project.files
        if file.path.suffix in suffixes
    }
    assert found
    return found


def test_no_placeholder_is_left_over(project: render.Project) -> None:
    for file in project.files:
        assert not re.search(r"__(module|type)__", str(file.path))
        if file.owner is render.Owner.AUTHOR:
            assert not LEFT_OVER.search(file.content.decode()), file.path


def test_every_module_parses_on_the_oldest_python(project: render.Project) -> None:
    for path, text in with_suffix(project, ".py").items():
        ast.parse(text, filename=path, feature_version=(3, 10))


@pytest.mark.parametrize(
    ("name", "ignored"),
    # Which lines are too long, and which imports are broken over lines, follows from the name.
    [("alpha", "E501"), ("my-scheduler", "E501"), ("zeta", "E501"), (LONGEST, "E501,I001")],
)
def test_every_module_is_clean_by_the_rules_of_the_kit(
    name: str, ignored: str, tmp_path: Path
) -> None:
    project = render.project(render.Answers(names.parse(name)))
    write.write(write.plan(project, tmp_path / "project", force=False))
    rules = ["--config", str(ROOT / "pyproject.toml"), "--extend-ignore", ignored]

    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", *rules, str(tmp_path / "project")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_needs_the_kit(project: render.Project) -> None:
    for path, text in with_suffix(project, ".py").items():
        if path.startswith("metaflow_extensions/"):
            assert "import metaflow_orchestrator_kit" not in text, path
            assert "from metaflow_orchestrator_kit" not in text, path


def test_the_namespace_has_no_init(project: render.Project) -> None:
    paths = {str(file.path) for file in project.files}
    assert "metaflow_extensions/__init__.py" not in paths
    module = project.answers.names.module
    assert f"metaflow_extensions/{module}/plugins/__init__.py" not in paths
    assert f"metaflow_extensions/{module}/plugins/mfextinit_{module}.py" in paths


def test_the_shared_modules_are_the_kits_and_byte_for_byte_its_own(project: render.Project) -> None:
    template = ROOT / "templates/extension/metaflow_extensions/__module__/plugins/__module__"
    owned = {
        file.path.name: file.content
        for file in project.files
        if file.owner is render.Owner.KIT and file.path.suffix == ".py"
    }
    assert set(owned) >= KIT_OWNED
    for name, content in owned.items():
        assert content == (template / name).read_bytes()


def test_the_engine_marks_what_the_author_replaces(project: render.Project) -> None:
    assert "# TODO: SCHEDULER API" in named(project, str(project.engine_file))


def test_the_packaging_is_truthful(project: render.Project) -> None:
    kit = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    document = tomllib.loads(named(project, "pyproject.toml"))

    assert document["project"]["name"] == project.answers.names.distribution
    assert document["project"]["requires-python"] == kit["requires-python"]
    floor = [line for line in kit["dependencies"] if line.startswith("metaflow>")]
    metaflow, *of_the_engine = document["project"]["dependencies"]
    assert [metaflow] == floor
    # Every other one is imported by the engine, and by nothing that a task imports (clause A6).
    for requirement in of_the_engine:
        importing = [
            str(path)
            for path, text in with_suffix(project, ".py").items()
            if f"import {re.split('[<>=~]', requirement)[0]}" in text
            or f"from {re.split('[<>=~]', requirement)[0]} " in text
        ]
        assert importing
        assert all("embedded_" in path for path in importing)
    assert document["build-system"]["build-backend"] == "setuptools.build_meta"
    assert document["tool"]["setuptools"]["packages"]["find"]["namespaces"] is True
    extra = document["project"]["optional-dependencies"]["test"]
    assert f"metaflow-orchestrator-kit[test]~={__version__}" in extra


def test_the_backends_have_the_fields_of_metaflows_own_suite(project: render.Project) -> None:
    (backend,) = yaml.safe_load(named(project, "ux_test_config.yaml"))["backends"]
    assert backend == {
        "name": project.answers.names.type,
        "scheduler_type": project.answers.names.type,
        "cluster": None,
        "decospec": None,
        "deploy_args": {},
        "enabled": True,
    }


def test_the_record_and_all_other_json_parse(project: render.Project) -> None:
    for text in with_suffix(project, ".json").values():
        json.loads(text)


def workflow_path(project: render.Project) -> str:
    return f".github/workflows/ux-tests-{project.answers.names.type}.yml"


def test_the_workflow_validates_and_runs_flows_on_push_and_pull_request(
    project: render.Project,
) -> None:
    text = named(project, workflow_path(project))
    document = yaml.safe_load(text)

    # YAML 1.1 reads the key `on` as true.
    assert set(document[True]) == {"push", "pull_request"}
    assert document["name"] == f"UX tests: {project.answers.names.type}"
    (job,) = document["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert "metaflow-orchestrator-validate ." in commands
    assert any(command.startswith("metaflow-orchestrator-test --config") for command in commands)
    python = [entry["python"] for entry in job["strategy"]["matrix"]["include"]]
    assert python[0] == render.PYTHON_FLOOR


def test_the_workflow_may_only_read_and_pins_every_action(project: render.Project) -> None:
    text = named(project, workflow_path(project))
    document = yaml.safe_load(text)

    assert document["permissions"] == {}
    (job,) = document["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    uses = re.findall(r"uses: (.+)", text)
    assert len(uses) == 3
    for action in uses:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@pytest.mark.parametrize("command", [("actionlint",), ("zizmor", "--offline", "--no-progress")])
def test_the_workflow_has_no_finding(command: tuple[str, ...], tmp_path: Path) -> None:
    beside = Path(sys.executable).parent
    program = shutil.which(command[0], path=str(beside)) or shutil.which(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    project = render.project(render.Answers(names.parse("my-scheduler")))
    write.write(write.plan(project, tmp_path / "project", force=False))

    done = subprocess.run(
        [program, *command[1:], str(tmp_path / "project" / workflow_path(project))],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_names_the_files_that_there_are(project: render.Project) -> None:
    module = project.answers.names.module
    text = named(project, "README.md")
    paths = {str(file.path) for file in project.files}
    for mentioned in re.findall(rf"`((?:{module}/)?(?:mfextinit_)?{module}\w*\.py)`", text):
        inside = mentioned if "/" in mentioned or "mfext" in mentioned else f"{module}/{mentioned}"
        assert f"metaflow_extensions/{module}/plugins/{inside}" in paths
