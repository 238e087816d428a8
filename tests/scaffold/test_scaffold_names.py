"""What an extension can be called, and what follows from the name."""

import json
import keyword
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metaflow_orchestrator_kit.scaffold.names import MAX_LENGTH, NameProblem, Names, parse, suggest
from metaflow_orchestrator_kit.scaffold.reserved import RESERVED

VALID = st.from_regex(r"[a-z][a-z0-9]{0,5}([-_][a-z0-9]{1,5}){0,3}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "module", "prefix", "title", "distribution"),
    [
        (
            "my_scheduler",
            "my_scheduler",
            "MyScheduler",
            "My Scheduler",
            "metaflow-my-scheduler",
        ),
        (
            "my-scheduler",
            "my_scheduler",
            "MyScheduler",
            "My Scheduler",
            "metaflow-my-scheduler",
        ),
        ("nomad2", "nomad2", "Nomad2", "Nomad2", "metaflow-nomad2"),
        ("a", "a", "A", "A", "metaflow-a"),
        ("x-2", "x_2", "X2", "X 2", "metaflow-x-2"),
    ],
)
def test_all_names_follow_from_one(
    text: str, module: str, prefix: str, title: str, distribution: str
) -> None:
    names = parse(text)

    assert names.type == text
    assert names.module == module
    assert names.package == f"metaflow_extensions.{module}.plugins.{module}"
    assert names.class_prefix == prefix
    assert names.title == title
    assert names.env_prefix == module.upper()
    assert names.distribution == distribution


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        ("", "empty", "my-scheduler"),
        ("  ", "empty", "my-scheduler"),
        ("../evil", "path", "evil"),
        ("a/b", "path", "a-b"),
        ("a\\b", "path", "a-b"),
        ("..", "path", "my-scheduler"),
        ("123abc", "begin with a letter", "my-123abc"),
        ("_private", "begin with a letter", "private"),
        ("-x", "begin with a letter", "x"),
        ("class", "Python keyword", "my-class"),
        ("My Scheduler", "upper-case", "my-scheduler"),
        ("MyScheduler", "upper-case", "my-scheduler"),
        ("my scheduler", "' ' is not", "my-scheduler"),
        ("it's", '"\'" is not', "it-s"),
        ('"quoted"', "'\"' is not", "quoted"),
        ("two\nlines", "'\\n' is not", "two-lines"),
        ("a.b", "'.' is not", "a-b"),
        ("{{x}}", "'{' is not", "x"),
        ("schédule", "'é' is not an ASCII", "my-schedule"),
        ("日本", "'日' is not an ASCII", "my-scheduler"),
        ("two--dashes", "stand alone", "two-dashes"),
        ("mixed-_up", "stand alone", "mixed-up"),
        ("trailing-", "stand alone", "trailing"),
        ("trailing_", "stand alone", "trailing"),
        ("x" * 41, "41 characters", "x" * 37),
        ("argo-workflows", "plugin of that name", "my-argo-workflows"),
        ("argo_workflows", "plugin of that name", "my_argo_workflows"),
        ("airflow", "plugin of that name", "my-airflow"),
        ("step-functions", "plugin of that name", "my-step-functions"),
        ("kubernetes", "plugin of that name", "my-kubernetes"),
        ("batch", "plugin of that name", "my-batch"),
        ("retry", "step decorator", "my-retry"),
        ("schedule", "flow decorator", "my-schedule"),
        ("local", "provider of that name", "my-local"),
        ("run", "command of every flow", "my-run"),
        ("plugins", "metaflow_extensions/plugins/", "my-plugins"),
        ("env", "attribute of that name", "my-env"),
        ("deployment", "from_deployment", "my-deployment"),
        ("orchestrator-kit", "another project", "my-orchestrator-kit"),
        ("metaflow", "METAFLOW_", "my-metaflow"),
    ],
)
def test_a_bad_name_is_refused_with_the_reason_and_a_name_that_works(
    text: str, reason: str, suggestion: str
) -> None:
    with pytest.raises(NameProblem) as problem:
        parse(text)

    assert reason in str(problem.value)
    assert problem.value.suggestion == suggestion
    assert str(problem.value).endswith(f"A name that works: {suggestion}")


@given(st.text() | VALID | st.sampled_from(sorted(RESERVED)))
@example("\ud800")
@example("İ")
@example("ß" * 60)
@example("1" * 1000)
@example("my-class")
def test_whatever_is_typed_the_answer_is_a_valid_name_or_a_suggestion_that_is(text: str) -> None:
    try:
        names = parse(text)
    except NameProblem as problem:
        names = parse(problem.suggestion)
        assert "\n" not in str(problem).removesuffix(f"\nA name that works: {names.type}")

    check_every_derived_name(names)


@given(VALID)
def test_a_valid_name_suggests_itself(text: str) -> None:
    assert parse(suggest(text)).type == suggest(text)
    if suggest(text) != text:
        with pytest.raises(NameProblem):
            parse(text)


def check_every_derived_name(names: Names) -> None:
    assert names.module.isidentifier()
    assert not keyword.iskeyword(names.module)
    assert names.module not in RESERVED
    assert names.class_prefix.isidentifier()
    assert names.env_prefix.isidentifier()
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", names.distribution)
    # Metaflow's own patterns: of the configuration module, and the name that pip normalises to.
    assert re.fullmatch(r"mfextinit_[a-zA-Z0-9_-]+\.py", f"mfextinit_{names.module}.py")
    assert len(names.type) <= MAX_LENGTH


NAMES_OF_METAFLOW = """
import json
import metaflow.cli
from metaflow import Deployer, plugins
from metaflow._vendor import click
from metaflow.extension_support import _extension_points

kinds = (
    "CLIS", "TRAMPOLINE_CLIS", "STEP_DECORATORS", "FLOW_DECORATORS", "ENVIRONMENTS",
    "METADATA_PROVIDERS", "DATASTORES", "DEPLOYER_IMPL_PROVIDERS",
)
names = {name for kind in kinds for name, _ in getattr(plugins, kind + "_DESC")}
names |= set(metaflow.cli.start.list_commands(click.Context(metaflow.cli.start)))
names |= set(vars(Deployer("flow.py")))
names |= {point.split(".")[0] for point in _extension_points}
print(json.dumps(sorted(names)))
"""


@pytest.mark.slow
def test_every_name_that_the_installed_metaflow_uses_is_reserved(tmp_path: Path) -> None:
    # An empty search path leaves out the extensions that are installed beside it.
    environment = {**os.environ, "METAFLOW_EXTENSIONS_SEARCH_DIRS": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", NAMES_OF_METAFLOW],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    taken = {name.replace("-", "_") for name in json.loads(done.stdout)}
    assert "argo_workflows" in taken
    assert taken - set(RESERVED) == set()
