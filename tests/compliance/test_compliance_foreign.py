"""Other packages bring cases by an entry point, and cannot touch those of the kit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.compliance.case import REGISTRY
from metaflow_orchestrator_kit.compliance.cases import all_cases
from metaflow_orchestrator_kit.compliance.config import Backend, Suite
from metaflow_orchestrator_kit.compliance.foreign import every_case
from metaflow_orchestrator_kit.compliance.select import Fate

HEAD = """\
from pathlib import Path

from metaflow_orchestrator_kit import Cap
from metaflow_orchestrator_kit.compliance.case import REGISTRY, case
from metaflow_orchestrator_kit.compliance.model import Scenario

FLOWS = str(Path(__file__).parent)
"""

GOOD = """
WIDE = Scenario("acme-wide", "wide", folder=FLOWS)


@case("acme-wide-runs", cap=Cap.FOREACH, clauses=("F8",), scenario=WIDE)
def wide_runs(seen, expect):
    \"\"\"A wide foreach runs.\"\"\"
    expect.equal("run", expected=True, observed=seen.run is not None)
"""


@pytest.fixture
def package(tmp_path, monkeypatch) -> Iterator[Callable[[str], None]]:
    """Installs a package ``acme_cases`` with that content; takes it out again."""
    ours = {one.id: one for one in all_cases()}

    def install(text: str) -> None:
        (tmp_path / "acme_cases.py").write_text(HEAD + text)
        info = tmp_path / "acme_cases-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-cases\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[metaflow_orchestrator_kit.cases]\nacme = acme_cases\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))

    yield install
    sys.modules.pop("acme_cases", None)
    REGISTRY.clear()
    REGISTRY.update(ours)


def test_without_such_packages_the_cases_are_those_of_the_kit():
    assert every_case() == all_cases()


def test_their_cases_run_in_addition(package, tmp_path):
    package(GOOD)
    found = every_case()
    assert found[:-1] == all_cases()
    assert found[-1].id == "acme-wide-runs"
    assert Path(found[-1].scenario.folder) == tmp_path
    suite = Suite(Backend("mine", "x"), str(tmp_path), "t", declared=["FOREACH"])
    planned = suite.plan().of("acme-wide-runs")
    assert planned is not None and planned.fate is Fate.RUN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("raise OSError('gone')", "cannot be loaded: gone"),
        ("", "declares no case"),
        (GOOD.replace('"acme-wide-runs"', '"wide-runs"'), "its name must begin with 'acme-'"),
        (GOOD.replace('"acme-wide"', '"linear"'), "has the scenario 'linear'"),
        (GOOD.replace(", folder=FLOWS", ""), "needs folder="),
        (GOOD.replace('"acme-wide-runs"', '"linear-ids"'), "'linear-ids' is declared in"),
        (GOOD + "del REGISTRY['linear-ids']\n", "replaces or removes the case 'linear-ids'"),
        (
            GOOD + "REGISTRY['linear-ids'] = REGISTRY['acme-wide-runs']\n",
            "replaces or removes the case 'linear-ids'",
        ),
    ],
)
def test_what_they_may_not_do_is_refused_by_name(package, text, says):
    package(text)
    with pytest.raises(ValueError, match=r"entry point 'acme' .*\(acme_cases\)") as refusal:
        every_case()
    assert says in str(refusal.value)
