"""Keeps what became of the mutants, so that a run can be interrupted, resumed and published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mutant import Mutant
from mutants_trial import Outcome, selected


def definition(mutant: Mutant) -> str:
    """Changes with the mutant and with the cases that are judged; a result is of one of these."""
    facts = [repr(mutant), *(case.id for case in selected(mutant))]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def add(file: Path, mutant: Mutant, outcome: Outcome, surroundings: Mapping[str, str]) -> None:
    """Note an outcome; the last one of a mutant counts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    entry = {"definition": definition(mutant), **surroundings, **asdict(outcome)}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")


def read(file: Path, mutants: Iterable[Mutant]) -> dict[str, Outcome]:
    """The outcomes that are still true of these mutants, by mutant."""
    entries: dict[str, dict[str, Any]] = {}
    if file.exists():
        for line in file.read_text("utf-8").splitlines():
            entry = json.loads(line)
            entries[entry["mutant"]] = entry
    return {
        mutant.id: Outcome(entry["mutant"], entry["seconds"], entry["verdicts"], entry["problems"])
        for mutant in mutants
        if (entry := entries.get(mutant.id)) and entry["definition"] == definition(mutant)
    }
