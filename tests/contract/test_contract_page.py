"""``docs/contract.md`` is what the data says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.contract import load
from metaflow_orchestrator_kit.contract.__main__ import main
from metaflow_orchestrator_kit.contract.page import COMMAND, page

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "contract.md"


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == page(), f"Run: {COMMAND}"


def test_the_documented_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == page()


def test_every_clause_can_be_linked_to() -> None:
    text = page()
    assert [id for id in load() if f'<a id="{id.lower()}"></a>' not in text] == []


def test_every_link_inside_the_page_has_its_target() -> None:
    text = page()
    anchors = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in re.findall(r"^## (.+)$", text, re.MULTILINE):
        anchors.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    assert set(re.findall(r"\(#([^)]+)\)", text)) - anchors == set()


def test_the_page_escapes_what_markdown_would_swallow() -> None:
    prose = re.sub(r"`[^`]*`|<a id=\"\w+\"></a>|<!--.*?-->", "", page())
    assert re.findall(r"(?<!\\)<\w", prose) == []
