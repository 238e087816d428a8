"""The report as JSON, for machines."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import metaflow_orchestrator_kit
from metaflow_orchestrator_kit.compliance.extension import Extension
from metaflow_orchestrator_kit.compliance.select import Plan
from metaflow_orchestrator_kit.compliance.verdict import Result, count, exit_code

VERSION = 1


def document(
    extension: Extension,
    plan: Plan,
    results: Sequence[Result],
    *,
    backend: Mapping[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """The report; ``version`` changes when a reader would have to."""
    return {
        "version": VERSION,
        "kit": metaflow_orchestrator_kit.__version__,
        "metaflow": extension.metaflow,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "extension": {key: value for key, value in asdict(extension).items() if key != "metaflow"},
        "backend": dict(backend),
        "capabilities": sorted(cap.name for cap in plan.capabilities),
        "declared": plan.declared,
        "partial": any(not result.selected for result in results),
        "seconds": round(seconds, 1),
        "exit_code": int(exit_code(results)),
        "counts": {verdict.value: number for verdict, number in count(results).items()},
        "cases": [result.to_json() for result in results],
    }
