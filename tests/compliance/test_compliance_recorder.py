"""What a deployer command has said last is not lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from metaflow.runner import deployer_impl, utils
from metaflow.runner.subprocess_manager import CommandManager

from metaflow_orchestrator_kit.compliance.lab import recorder


def test_an_error_has_what_was_printed_after_the_command_had_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (utils, deployer_impl):
        monkeypatch.setattr(module, "handle_timeout", utils.handle_timeout)
    recorder.install()
    with utils.temporary_fifo() as (_, descriptor):
        command = CommandManager(["sh", "-c", "(sleep 0.5; echo last words >&2) & exit 3"])
        command.run(show_output=False)
        with pytest.raises(RuntimeError, match="last words"):
            utils.handle_timeout(descriptor, command, 60)
        command.cleanup()


def test_what_was_answered_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (utils, deployer_impl):
        monkeypatch.setattr(module, "handle_timeout", utils.handle_timeout)
    recorder.install()
    with utils.temporary_fifo() as (path, descriptor):
        command = CommandManager(["sh", "-c", f'echo \'{{"name": "x"}}\' > {path}'])
        command.run(show_output=False)
        utils.handle_timeout(descriptor, command, 60)
        command.sync_wait()
        command.cleanup()
    assert recorder.last() == {"name": "x"}


def test_commands_are_kept_for_the_evidence_without_their_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in (utils, deployer_impl):
        monkeypatch.setattr(module, "handle_timeout", utils.handle_timeout)
    monkeypatch.setattr(recorder, "_file", None)
    recorder.install()
    recorder.keep_commands(tmp_path)
    environment = {"PATH": os.environ["PATH"], "METAFLOW_TOKEN": "hush", "GITHUB_PAT": "hush"}
    with utils.temporary_fifo() as (path, descriptor):
        words = ["sh", "-c", f"echo {{}} > {path}", "sh", "--password", "hush"]
        command = CommandManager(words, env=environment, cwd=str(tmp_path))
        command.run(show_output=False)
        utils.handle_timeout(descriptor, command, 60)
        command.sync_wait()
        command.cleanup()
    text = (tmp_path / recorder.COMMANDS).read_text()
    assert "hush" not in text
    told = json.loads(text)
    assert told["command"] == [*words[:-1], "***"]
    assert told["environment"] == {"METAFLOW_TOKEN": "***", "PATH": os.environ["PATH"]}
