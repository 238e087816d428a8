"""What builds interpreters is looked for where Metaflow looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaflow_orchestrator_kit.compliance.tools import tools


def program(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_a_machine_without_either_has_none(tmp_path):
    assert tools({"PATH": str(tmp_path), "HOME": str(tmp_path)}) == []


@pytest.mark.parametrize("name, need", [("uv", "UV"), ("micromamba", "MICROMAMBA")])
def test_a_program_on_the_path_is_found(tmp_path, name, need):
    program(tmp_path / "bin" / name)
    assert tools({"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}) == [need]


def test_the_micromamba_that_metaflow_was_told_of_or_has_fetched_is_found(tmp_path):
    nowhere = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    told = program(tmp_path / "elsewhere" / "mamba")
    assert tools({**nowhere, "METAFLOW_PATH_TO_MICROMAMBA": str(told)}) == ["MICROMAMBA"]
    program(tmp_path / "home" / "micromamba" / "bin" / "micromamba")
    assert tools({**nowhere, "METAFLOW_HOME": str(tmp_path / "home")}) == ["MICROMAMBA"]
    program(tmp_path / ".metaflowconfig" / "micromamba" / "bin" / "micromamba")
    assert tools(nowhere) == ["MICROMAMBA"]
