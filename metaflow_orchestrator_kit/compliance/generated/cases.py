"""Random flows as cases: what becomes of them is part of the table, the report, the exit code."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.case import Case
from metaflow_orchestrator_kit.compliance.expect import Expect, Words
from metaflow_orchestrator_kit.compliance.generated.compare import Run, differences
from metaflow_orchestrator_kit.compliance.generated.draw import draw
from metaflow_orchestrator_kit.compliance.generated.shape import Shape, capabilities
from metaflow_orchestrator_kit.compliance.generated.source import source
from metaflow_orchestrator_kit.compliance.model import Observation, RunSeen, Scenario, TaskSeen

GROUP = "RANDOM_FLOWS"
"""Selects all of them."""

TAGS = ("random-flow", "zufällig")

_LIMIT = 600.0
"""A run of Metaflow's own takes seconds; on a machine with much else to do, minutes."""


def random_case(shape: Shape, name: str, folder: Path, again: str = "") -> Case:
    """The case of a shape whose flow file is ``folder/name.py``.

    It counts for the most demanding of the capabilities that the flow needs.
    """
    caps = capabilities(shape)
    scenario = Scenario(
        name.replace("_", "-"),
        name,
        caps=tuple(cap for cap in caps if not cap.required),
        deploy={"tags": list(TAGS)},
        trigger={one.name: one.given for one in shape.parameters if one.given is not None},
        script="run_natively_too",
        timeout=_LIMIT,
        expected=15,
        folder=str(folder),
    )
    return Case(
        id=scenario.id,
        cap=caps[0],
        clauses=caps[0].clauses,
        scenario=scenario,
        check=agrees,
        group=GROUP,
        again=again,
    )


def random_cases(number: int, seed: int, supported: Collection[Cap], folder: Path) -> list[Case]:
    """As many cases as that, from that seed on; the same everywhere for the same arguments."""
    return [
        random_case(
            draw(one, supported),
            f"random_flow_{one}",
            folder,
            again=f"--random-flows 1 --seed {one}",
        )
        for one in range(seed, seed + number)
    ]


def write_flow(shape: Shape, name: str, folder: Path) -> Path:
    """Write the flow file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.py"
    file.write_text(source(shape, name), encoding="utf-8")
    return file


def agrees(seen: Observation, expect: Expect) -> None:
    """A flow of random shape runs as Metaflow's own runtime runs it.

    Tasks, attempts, what came before each, artifacts and tags are compared with those of
    ``python flow.py run`` on the same file.
    """
    native = seen.extra.get("native", {})
    if "run" not in native or seen.run is None:
        output = native.get("output", "it was never started")
        raise RuntimeError(f"'python flow.py run' made no run of the flow:\n{output}")
    expected = Run(RunSeen(**native["run"]), [TaskSeen(**task) for task in native["tasks"]])
    found = list(differences(expected, Run(seen.run, seen.tasks), TAGS))
    expect.checked += 1
    if not found:
        return
    first, *others = found
    also = [f"differs, too: {one.what}" for one in others]
    expect.fail(
        f"{first.what}; expected is what 'python flow.py run' does",
        expected=first.expected if not isinstance(first.expected, str) else Words(first.expected),
        observed=first.observed,
        likely=[*first.likely, *also],
    )
