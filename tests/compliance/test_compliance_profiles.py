"""A profile for one scenario: with what is configured anyway, and away from the user's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.compliance.lab.profiles import MARK, make_profile


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home of Metaflow's configuration, with two profiles."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "config.json").write_text('{"METAFLOW_A": "plain"}', encoding="utf-8")
    (own / "config_work.json").write_text('{"METAFLOW_A": "work"}', encoding="utf-8")
    monkeypatch.setenv("METAFLOW_HOME", str(own))
    monkeypatch.delenv("METAFLOW_PROFILE", raising=False)
    return own


def _made(folder: Path) -> dict[str, str]:
    make_profile("mine", folder / "made")
    found: dict[str, str] = json.loads((folder / "made" / "config_mine.json").read_text("utf-8"))
    return found


def test_the_profile_has_what_is_configured_and_a_mark(home: Path, tmp_path: Path) -> None:
    assert _made(tmp_path) == {"METAFLOW_A": "plain", MARK: "mine"}
    assert not (home / "config_mine.json").exists()


def test_a_profile_of_the_users_is_what_it_starts_from(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METAFLOW_PROFILE", "work")
    assert _made(tmp_path)["METAFLOW_A"] == "work"


def test_nothing_needs_to_be_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METAFLOW_HOME", str(tmp_path / "nowhere"))
    assert _made(tmp_path) == {MARK: "mine"}
