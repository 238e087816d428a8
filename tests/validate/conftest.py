"""Small extensions on disk, and what the validator says of them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate.findings import Outcome
from metaflow_orchestrator_kit.validate.model.interpreter import Interpreter
from metaflow_orchestrator_kit.validate.rules.examples import COMPILER, with_files
from metaflow_orchestrator_kit.validate.runner import validate

Write = Callable[..., Path]
Judge = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _mistakes_of_the_model_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interpreter, "raise_errors", True)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes an extension: the usual files, and these in their place."""

    def write(files: dict[str, str] | None = None) -> Path:
        for path, text in with_files(files or {}).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def judge(write: Write) -> Judge:
    """The outcome of one rule on an extension whose compiler has this text."""

    def judge(code: str, compiler: str, **more: str) -> Outcome:
        files = {COMPILER: textwrap.dedent(compiler)}
        for name, text in more.items():
            files[f"metaflow_extensions/acme/plugins/acme/{name}.py"] = textwrap.dedent(text)
        outcomes = {o.code: o for o in validate(write(files)).outcomes}
        assert "MOK000" not in outcomes, outcomes["MOK000"].findings
        return outcomes[code]

    return judge
