"""Gives each scenario its own copy of a flow, under a class name of its own."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.model import DIRECTORY, UNIQUE
from metaflow_orchestrator_kit.paths import compliance_flows

_CLASS = re.compile(r"^class\s+(\w+)\s*\(\s*FlowSpec\s*\)\s*:", re.MULTILINE)


def scenario_token(token: str, scenario: str) -> str:
    """A short word, unique for a scenario of an invocation; good in any name."""
    return "x" + hashlib.sha256(f"{token}/{scenario}".encode()).hexdigest()[:8]


def copy_flow(stem: str, folder: Path, word: str, source: Path | None = None) -> Path:
    """Copy a flow and what it needs into the folder; the path of the copied flow file.

    Args:
        stem: of the flow file.
        folder: where the copy goes.
        word: becomes part of the name of the class.
        source: the folder that has the flow; None for the flows that the kit ships.

    The class gets ``word`` as a suffix: two deployments of one flow, of two scenarios or two
    invocations, must not replace each other in the scheduler.

    Raises:
        FileNotFoundError: there is no such flow.
        ValueError: the file does not hold exactly one flow class.
    """
    source = source or compliance_flows()
    folder.mkdir(parents=True, exist_ok=True)
    text = (source / f"{stem}.py").read_text("utf-8")
    names = _CLASS.findall(text)
    if len(names) != 1:
        raise ValueError(f"{stem}.py must hold one 'class X(FlowSpec):', it holds {len(names)}.")
    for file in sorted(source.iterdir()):
        if file.is_file() and _travels(file, stem):
            shutil.copyfile(file, folder / file.name)
    target = folder / f"{stem}.py"
    renamed = re.sub(rf"\b{names[0]}\b", f"{names[0]}{word.capitalize()}", text)
    target.write_text(renamed, encoding="utf-8")
    return target


def copy_beside(flow_file: Path, suffix: str, change: tuple[str, str]) -> Path:
    """Copy a flow to a file beside it, under a class name of its own; the path of the copy.

    Args:
        flow_file: with one flow class.
        suffix: goes behind the name of the class, and names the file in lower case.
        change: a part of the text, which is there once, and what stands in its place.
    """
    text, (old, new) = flow_file.read_text("utf-8"), change
    assert text.count(old) == 1, old
    (name,) = _CLASS.findall(text)
    target = flow_file.with_name(f"{suffix.lower()}.py")
    target.write_text(text.replace(old, new).replace(name, f"{name}{suffix}"), encoding="utf-8")
    return target


def _travels(file: Path, stem: str) -> bool:
    if file.stem == stem:
        return True
    return file.suffix != ".py" or not _CLASS.search(file.read_text("utf-8"))


def fill_in(keywords: Mapping[str, Any], *, word: str, folder: Path) -> dict[str, Any]:
    """The keywords, with the placeholders of :mod:`..model` replaced in every string."""

    def fill(value: Any) -> Any:
        match value:
            case str():
                return value.replace(UNIQUE, word).replace(DIRECTORY, str(folder))
            case dict():
                return {key: fill(item) for key, item in value.items()}
            case list() | tuple():
                return type(value)(fill(item) for item in value)
            case _:
                return value

    return {key: fill(value) for key, value in keywords.items()}
