"""Metaflow's own UX tests are run from a checkout and become part of the outcome."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runner_support import GOOD, on_fake, select

from metaflow_orchestrator_kit.compliance.report.verify import problems
from metaflow_orchestrator_kit.test.upstream import NoCheckout, Upstream, read_results

CONFTEST = '''\
"""The options, marks and fixtures that Metaflow's tests have, without their dependencies."""

from pathlib import Path

import pytest
import yaml


def pytest_addoption(parser):
    parser.addoption("--exec-mode")
    parser.addoption("--only-backend")


@pytest.fixture
def backend(request):
    assert request.config.getoption("--exec-mode") == "deployer"
    document = yaml.safe_load(Path(__file__).with_name("ux_test_config.yaml").read_text())
    name = request.config.getoption("--only-backend")
    return next(one for one in document["backends"] if one["name"] == name)
'''

TESTS = """\
from pathlib import Path

import pytest
from metaflow import Deployer

FLOW = str(Path(__file__).parent / "flows" / "hello.py")


def test_deploys(backend):
    implementation = getattr(Deployer(FLOW), backend["scheduler_type"])()
    assert implementation.create(**backend["deploy_args"]).flow_name == "HelloFlow"


def test_fails(backend):
    assert backend["scheduler_type"] == "another"


def test_refused(backend):
    pytest.skip("fakesched: nested foreach is not supported")


def test_elsewhere(backend):
    pytest.skip("needs a cluster")
"""

FLOW = """\
from metaflow import FlowSpec, step


class HelloFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    HelloFlow()
"""


def checkout(tmp_path: Path) -> Path:
    """A checkout in the form of Metaflow's repository, with tests of the same form."""
    core = tmp_path / "metaflow" / "test" / "ux" / "core"
    (core / "flows").mkdir(parents=True)
    (core.parent / "conftest.py").write_text(CONFTEST)
    (core.parent / "pytest.ini").write_text("[pytest]\n")
    (core / "test_basic.py").write_text(TESTS)
    (core / "test_empty.py").write_text("import no_such_module\n")
    (core / "flows" / "hello.py").write_text(FLOW)
    return tmp_path / "metaflow"


def test_what_is_missing_is_named_before_anything_runs(tmp_path):
    with pytest.raises(NoCheckout, match=r"no test/ux/conftest\.py"):
        Upstream(tmp_path, ("basic",)).check()
    with pytest.raises(NoCheckout, match=r"has no test_dag\.py; it has basic, empty"):
        Upstream(checkout(tmp_path), ("basic", "dag")).check()


def _failing(name: str, place: str, said: str) -> str:
    text = f"core/test_basic.py:9: in {name}\nmetaflow/deployer_impl.py:175: in {place}\nE   {said}"
    return f'<testcase name="{name}[mok-deployer]"><failure message="m">{text}</failure></testcase>'


def test_a_refusal_by_create_is_one_also_where_the_test_is_not_prepared_for_it(tmp_path):
    refusal = "@conda (step end) is not supported by My Scheduler."
    tests = [
        _failing("test_hello_conda", "_create", refusal),
        _failing("test_later", "trigger", refusal),
        _failing("test_broken", "_create", "KeyError: 'start'"),
    ]
    (tmp_path / "basic.xml").write_text(f"<testsuite>{''.join(tests)}</testsuite>")
    found = [
        (result.case, result.verdict.value)
        for result in read_results(tmp_path / "basic.xml", "basic", "")
    ]
    assert found == [
        ("metaflow-ux-basic-hello-conda", "refused"),
        ("metaflow-ux-basic-later", "failed"),
        ("metaflow-ux-basic-broken", "failed"),
    ]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_their_verdicts_are_merged_with_those_of_the_cases(tmp_path):
    source = checkout(tmp_path)
    finished = on_fake(
        *("--metaflow-src", str(source), "--test-modules", "basic,empty"),
        *("--report-dir", "report", "--triage", "sheet.md", *select(GOOD[0])),
        cwd=tmp_path,
        patience=1100,
    )
    assert finished.returncode == 1, finished.stdout + finished.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert problems(report) == []
    found = {one["case"]: one["verdict"] for one in report["cases"] if one["cap"] == "METAFLOW_UX"}
    assert found == {
        "metaflow-ux-basic-deploys": "passed",
        "metaflow-ux-basic-fails": "failed",
        "metaflow-ux-basic-refused": "refused",
        "metaflow-ux-basic-elsewhere": "disabled",
        "metaflow-ux-empty-whole": "error",
    }
    assert report["upstream"]["modules"] == ["basic", "empty"]
    assert "METAFLOW_UX" in finished.stdout
    assert "no_such_module" in finished.stdout
    assert "`metaflow-ux-basic-fails`" in (tmp_path / "sheet.md").read_text()
    unchanged = sorted(file.name for file in (source / "test" / "ux").iterdir())
    assert unchanged == ["conftest.py", "core", "pytest.ini"], "the checkout stays as it was"


def test_a_folder_that_is_no_checkout_is_wrong_use(tmp_path):
    finished = on_fake("--metaflow-src", str(tmp_path), cwd=tmp_path)
    assert finished.returncode == 2
    assert "no test/ux/conftest.py" in finished.stderr


def test_single_tests_are_named_as_in_the_results(tmp_path):
    source = checkout(tmp_path)
    assert Upstream(source, ("basic", "empty")).wanted() == (
        "core/test_basic.py",
        "core/test_empty.py",
    )
    named = Upstream(source, ("basic",), ("metaflow-ux-basic-from-it", "metaflow-ux-basic-whole"))
    assert named.wanted() == ("core/test_basic.py::test_from_it", "core/test_basic.py")
    with pytest.raises(NoCheckout, match="metaflow-ux-dag-foreach: of none of the modules basic"):
        Upstream(source, ("basic",), ("metaflow-ux-dag-foreach",)).check()


def test_to_select_them_needs_a_checkout(tmp_path):
    for name in ("METAFLOW_UX", "metaflow-ux-basic-fails"):
        finished = on_fake("--select", name, cwd=tmp_path)
        assert finished.returncode == 2
        assert f"--select {name} needs --metaflow-src" in finished.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_they_run_alone_one_of_them_too_and_say_how_again(tmp_path):
    source = checkout(tmp_path)
    one = ("--select", "metaflow-ux-basic-fails")
    finished = on_fake(
        *("--metaflow-src", str(source), "--test-modules", "basic", "--report-dir", "report", *one),
        cwd=tmp_path,
        patience=1100,
    )
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert f"--metaflow-src {source} --select metaflow-ux-basic-fails" in finished.stdout
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert problems(report) == []
    ran = [case["case"] for case in report["cases"] if case["verdict"] != "not-run"]
    assert ran == ["metaflow-ux-basic-fails"]
    words = ("--metaflow-src", str(source), "--test-modules", "basic", "--list")
    listed = on_fake(*words, *one, cwd=tmp_path)
    assert "core/test_basic.py::test_fails" in listed.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_where_their_fixtures_cannot_be_loaded_one_module_says_so(tmp_path):
    source = checkout(tmp_path)
    (source / "test" / "ux" / "conftest.py").write_text("import no_such_module\n")
    finished = on_fake(
        *("--metaflow-src", str(source), "--test-modules", "basic,empty"),
        *("--report-dir", "report", "--select", "METAFLOW_UX"),
        cwd=tmp_path,
        patience=1100,
    )
    assert finished.returncode == 1, finished.stdout + finished.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    found = {one["case"]: one for one in report["cases"] if one["cap"] == "METAFLOW_UX"}
    assert found["metaflow-ux-basic-whole"]["verdict"] == "error"
    assert "no_such_module" in found["metaflow-ux-basic-whole"]["message"]
    assert found["metaflow-ux-empty-whole"]["verdict"] == "blocked"
    assert "see metaflow-ux-basic-whole" in found["metaflow-ux-empty-whole"]["message"]
