"""What the runner prints beside progress: what it will do, and the outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metaflow_orchestrator_kit.compliance.config import Backend
from metaflow_orchestrator_kit.compliance.extension import Extension
from metaflow_orchestrator_kit.compliance.grammar import several, unselected
from metaflow_orchestrator_kit.compliance.known.judge import Judged
from metaflow_orchestrator_kit.compliance.report.table import render
from metaflow_orchestrator_kit.compliance.select import UPSTREAM, Fate, Plan
from metaflow_orchestrator_kit.test.preflight import Ready


@dataclass(slots=True)
class Screen:
    """Where to and how it is printed."""

    say: Callable[[str], None]
    colour: bool


def headline(backend: Backend, extension: Extension, plan: Plan) -> str:
    """What is tested, and how much of it."""
    said = "declared" if plan.declared else "taken for supported"
    fates = Counter(one.fate for one in plan.planned)
    return (
        f"{extension.distribution or extension.module} · type {extension.type} · "
        f"Metaflow {extension.metaflow} · backend {backend.name}\n"
        f"{several(len(plan.capabilities), 'capability is', 'capabilities are')} {said}; "
        f"{several(fates[Fate.RUN], 'case runs', 'cases run')}, "
        f"{several(fates[Fate.PROBE], 'probes', 'probe')} for a refusal"
    )


def show(
    judged: Judged,
    evidence: Path | None,
    screen: Screen,
    notes: Mapping[str, str],
    *remarks: str,
) -> None:
    """The table, what is not as the list of known failures says, and where the evidence is."""
    screen.say(f"\n{render(judged.results, colour=screen.colour, notes=notes)}")
    if judged.problems:
        screen.say("Not as the list of known failures says:")
        for problem in judged.problems:
            screen.say(f"  {problem}")
    for remark in filter(None, remarks):
        screen.say(remark)
    left_out = sum(not result.selected and result.required for result in judged.results)
    if left_out:
        screen.say(unselected(left_out, "required"))
    if evidence is not None:
        screen.say(f"Evidence: {evidence}")


def show_doctor(ready: Ready, backend: Backend, isolated: bool, screen: Screen) -> None:
    """That all is there."""
    extension = ready.extension
    kind = "a local one of the suite's own" if isolated else "the configured one"
    declared = extension.declared
    what = "nothing; the required ones are tested" if declared is None else len(declared)
    screen.say(
        f"ok    packages    what the suite needs is installed\n"
        f"ok    extension   {extension.distribution or extension.module}, type {extension.type}, "
        f"Metaflow {extension.metaflow}\n"
        f"ok    commands    python flow.py {extension.type} answers\n"
        f"ok    datastore   {kind} is written and read\n"
        f"      declares    {what}"
    )
    if ready.loaded:
        screen.say(
            f"note  imports     'import metaflow' loads {', '.join(ready.loaded)}; a task in whose "
            "environment that is missing cannot start (clause A6)"
        )


def show_plan(plan: Plan, screen: Screen, upstream: Sequence[str] = ()) -> None:
    """What would happen to every case, and to Metaflow's own tests."""
    for one in plan.planned:
        reason = f"  ({one.reason})" if one.reason else ""
        screen.say(f"{one.fate.value:<13}{one.case.cap.name:<18}{one.case.id}{reason}")
    for test in upstream:
        screen.say(f"{Fate.RUN.value:<13}{UPSTREAM:<18}{test}")
    screen.say(
        ", ".join(f"{sum(p.fate is fate for p in plan.planned)} {fate.value}" for fate in Fate)
    )
