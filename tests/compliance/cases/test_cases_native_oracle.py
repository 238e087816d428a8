"""No right scheduler fails: Metaflow's own runtime is one, and every case lets it pass.

Left out are the cases that ask what only a deployment has: names, listings, refusals, ids that
the scheduler chooses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.compliance.cases import all_cases, params
from metaflow_orchestrator_kit.compliance.expect import Expect
from metaflow_orchestrator_kit.compliance.model import Observation
from metaflow_orchestrator_kit.paths import compliance_flows

ONLY_DEPLOYED = {
    "linear-ids",
    "linear-tags-on-run",
    "runtime-on-run",
    "linear-attribute-files",
    "init-fails",
    "two-deployments",
    "runs-at-once",
    "long-names",
    "card-stored",
    "params-missing",
    "params-misspelt",
    "params-mistyped",
    "params-computed-default",
    "list-finds-deployment",
    "list-filters-by-flow",
    "list-finds-run",
    "foreign-run-refused",
    "delete-once-and-twice",
    "found-unknown-name",
    "found-by-name",
    "branch-in-name",
    "resources-compiled",
    "pypi-step-has-its-packages",
    "uv-step-has-its-packages",
}

TUNING = json.dumps({"project": "mok_tuned", "colour": "tür kis"})
WITH = ("retry:times=1,minutes_between_retries=0", "catch:var=problem,print_exception=False")


def _given() -> tuple[str, ...]:
    doc = compliance_flows() / "params_given.txt"
    words = {
        **params.HOSTILE,
        "doc": str(doc),
        "parts": "p,q,r",
        "my-Word": "given-word",
        "LOUD": "GIVEN LOUD",
    }
    for name, value in params.TYPED.items():
        words[name] = json.dumps(value) if isinstance(value, dict) else str(value)
    return tuple(word for name, value in words.items() for word in (f"--{name}", value))


@dataclass(frozen=True, slots=True)
class Native:
    """How Metaflow itself runs what a scenario deploys."""

    scenario: str
    flow: str
    options: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()


NATIVE = (
    *(Native(flow, flow) for flow in ("linear", "renamed", "single", "failing", "branches")),
    *(Native(flow, flow) for flow in ("fanout", "retrying", "catching", "timing", "overtime")),
    *(Native(flow, flow) for flow in ("nothing", "winding", "meeting", "faltering")),
    *(Native(flow, flow) for flow in ("resourced", "nested", "switching", "looping", "gang")),
    Native("failing_helped", "failing", ("--with", WITH[0], "--with", WITH[1])),
    Native("params_defaults", "params"),
    Native("params_given", "params", (), _given()),
    Native(
        "settings",
        "settings",
        ("--config-value", "tuning", TUNING, "--config-value", "pairs", "a=10;b=20"),
    ),
    Native("branded", "branded", ("--branch", "feature_x")),
    Native("stubborn", "stubborn"),
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("native", NATIVE, ids=lambda native: native.scenario)
def test_metaflows_own_runtime_passes(native: Native, tmp_path: Path) -> None:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("METAFLOW_")
    }
    environment |= {
        "METAFLOW_USER": "tester",
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path / "root"),
        "HOME": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    (tmp_path / "root").mkdir()
    script = Path(__file__).with_name("native_run.py")
    done = subprocess.run(
        [
            *(sys.executable, str(script), native.flow, str(tmp_path)),
            *(*native.options, "--", *native.parameters),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = Observation.from_json(json.loads((tmp_path / "observation.json").read_text("utf-8")))
    judged = [
        case
        for case in all_cases()
        if case.scenario.id == native.scenario and case.id not in ONLY_DEPLOYED
    ]
    assert judged
    for case in judged:
        case.check(seen, Expect(case.id, case.promise, case.clauses))
