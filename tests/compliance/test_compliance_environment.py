"""The suite has a datastore of its own, unless the user's is one that a scheduler shares."""

from __future__ import annotations

import json

import pytest

from metaflow_orchestrator_kit.compliance.lab.environment import lab_environment


def test_a_local_datastore_is_replaced_by_the_suites_own_folder(tmp_path):
    given = {
        "HOME": str(tmp_path),
        "USER": "ada",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": "/precious",
        "METAFLOW_DATASTORE": "local",
        "METAFLOW_MY_SCHEDULER_URL": "http://here",
    }
    found = lab_environment(given, tmp_path / "root")
    assert found.isolated
    assert found.user == "ada"
    assert found.variables["METAFLOW_DATASTORE_SYSROOT_LOCAL"] == str(tmp_path / "root")
    assert "METAFLOW_DATASTORE" not in found.variables
    assert found.variables["METAFLOW_MY_SCHEDULER_URL"] == "http://here"


@pytest.mark.parametrize(
    ("key", "value"),
    [("METAFLOW_DEFAULT_DATASTORE", "s3"), ("METAFLOW_DEFAULT_METADATA", "service")],
)
def test_a_remote_datastore_or_metadata_service_is_kept(tmp_path, key, value):
    found = lab_environment({"HOME": str(tmp_path), "USER": "ada", key: value}, tmp_path / "root")
    assert not found.isolated
    assert found.variables[key] == value
    assert "METAFLOW_DATASTORE_SYSROOT_LOCAL" not in found.variables


def test_a_remote_datastore_is_also_seen_in_the_users_profile(tmp_path):
    home = tmp_path / "metaflow"
    home.mkdir()
    (home / "config_prod.json").write_text(json.dumps({"METAFLOW_DEFAULT_DATASTORE": "s3"}))
    given = {"USER": "ada", "METAFLOW_HOME": str(home)}
    assert lab_environment(given, tmp_path).isolated
    assert not lab_environment({**given, "METAFLOW_PROFILE": "prod"}, tmp_path).isolated


@pytest.mark.parametrize("given", [{}, {"USER": "root"}, {"METAFLOW_USER": "", "USER": "root"}])
def test_root_in_a_container_gets_a_user_name_for_the_suite(tmp_path, given):
    found = lab_environment({"HOME": str(tmp_path), **given}, tmp_path)
    assert found.user
    assert found.variables["METAFLOW_USER"] == found.user
