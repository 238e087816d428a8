"""The configuration survives YAML, and a bad one is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metaflow_orchestrator_kit.compliance.config import (
    Backend,
    ConfigError,
    Suite,
    read_backends,
)

VALUES = st.one_of(st.text(max_size=30), st.integers(), st.booleans(), st.none())


@hypothesis_settings(deadline=None)  # the machine may be busy
@given(
    arguments=st.dictionaries(st.text(min_size=1, max_size=10), VALUES, max_size=4),
    decospec=st.one_of(st.none(), st.text(min_size=1, max_size=20)),
)
def test_whatever_is_in_a_deploy_argument_comes_back_from_the_file(
    tmp_path_factory, arguments, decospec
):
    file = tmp_path_factory.mktemp("config") / "ux_test_config.yaml"
    backend = Backend("b", "my-scheduler", decospec=decospec, deploy_args=arguments)
    suite = Suite(backend=backend, directory="/d", token="t", declared=["RETRY"], timeout=2.5)
    suite.save(file)
    assert Suite.load(file) == suite


def write(folder: Path, text: str) -> Path:
    file = folder / "ux_test_config.yaml"
    file.write_text(text)
    return file


def test_metaflows_own_format_is_read_and_backends_without_scheduler_are_left_out(tmp_path):
    file = write(
        tmp_path,
        """
backends:
  - {name: local, scheduler_type: null, cluster: null, decospec: null, enabled: true}
  - name: mine
    scheduler_type: my-scheduler
    cluster: default
    decospec: "kubernetes:image=x"
    deploy_args: {max_workers: 3}
    enabled: true
  - {name: off, scheduler_type: other, enabled: false}
""",
    )
    assert read_backends(file) == [
        Backend("mine", "my-scheduler", "default", "kubernetes:image=x", {"max_workers": 3}, True)
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("backends: [", "not valid YAML"),
        ("[]", "must be a mapping"),
        ("backends: 3", "'backends' must be a list"),
        ("backends: [3]", r"backends\[0\] must be a mapping"),
        ("backends: [{scheduler: x}]", r"backends\[0\]: unknown key 'scheduler'"),
        ("backends: [{scheduler_type: 3}]", "scheduler_type must be text"),
        ("backends: [{scheduler_type: x, deploy_args: [1]}]", "deploy_args must be a mapping"),
        ("backends: [{name: local}]", "no enabled backend has a scheduler_type"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_the_place(tmp_path, text, reason):
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=reason) as refused:
        read_backends(file)
    assert str(file) in str(refused.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_backends(tmp_path / "none.yaml")


def test_a_file_that_the_runner_did_not_write_is_no_suite(tmp_path):
    file = write(tmp_path, "backends: [{name: a, scheduler_type: b}]")
    with pytest.raises(ConfigError, match="no section 'compliance'"):
        Suite.load(file)
