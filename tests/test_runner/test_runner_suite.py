"""The runner deploys and runs flows, says what it saw, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from runner_support import BAD, GOOD, command, environment, on_fake, select

from metaflow_orchestrator_kit.compliance.lab.processes import LAB, marked
from metaflow_orchestrator_kit.compliance.report.verify import problems

pytestmark = pytest.mark.slow


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def verdicts(folder: Path) -> dict[str, str]:
    return {one["case"]: one["verdict"] for one in report(folder)["cases"] if one["selected"]}


@pytest.fixture
def green(tmp_path) -> Path:
    """The report folder of a green run of a few cases."""
    folder = tmp_path / "report"
    finished = on_fake(
        *select(*GOOD),
        "--report-dir",
        str(folder),
        "--deploy-args",
        "priority=3,queue=a:b@c",
        cwd=tmp_path,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert f"{len(GOOD)} passed, 0 failed" in finished.stdout
    assert "Partial:" in finished.stdout
    return folder


def test_a_green_run_reports_every_case_and_what_was_tested(green):
    found = report(green)
    assert found["version"] == 1
    assert found["exit_code"] == 0
    assert found["partial"] is True
    assert found["extension"]["type"] == "fakesched"
    assert found["extension"]["declared"] is None
    assert sum(found["counts"].values()) == len(found["cases"])
    assert verdicts(green) == dict.fromkeys(GOOD, "passed")
    for name in ("junit.xml", "report.html", "summary.md", "badge.json"):
        assert (green / name).exists()
    assert problems(found) == []
    (linear,) = found["runs"]
    assert linear["tasks"][0]["step"] == "start"
    assert all(task["attempts"][0]["successful"] for task in linear["tasks"])
    create = json.loads(
        next((green / "evidence" / "datastore").rglob("fakesched/*.json")).read_text()
    )
    assert create["priority"] == 3


def test_a_run_leaves_its_report_and_no_temporary_files(green):
    assert [left.name for left in green.parent.iterdir()] == ["report"]
    assert not list((green / "evidence").glob("scenarios/*/tmp"))


def test_verdicts_are_the_same_in_one_process_and_in_two(tmp_path):
    found = []
    for number in ("0", "2"):
        folder = tmp_path / f"n{number}"
        finished = on_fake(
            *select(*GOOD, BAD), "--report-dir", str(folder), "--", "-n", number, cwd=tmp_path
        )
        assert finished.returncode == 1, finished.stdout + finished.stderr
        observed = list((folder / "evidence" / "observations").glob("*.json"))
        assert len(observed) == 1, "the cases share one observation"
        found.append(verdicts(folder))
    assert found[0] == found[1] == {**dict.fromkeys(GOOD, "passed"), BAD: "failed"}


def test_a_failure_is_told_with_its_clause_and_evidence_and_the_evidence_is_kept(tmp_path):
    finished = on_fake(*select(BAD), cwd=tmp_path)
    assert finished.returncode == 1
    assert f"FAILED {BAD}" in finished.stdout
    assert "clause E1" in finished.stdout
    assert f"--select {BAD}" in finished.stdout
    evidence = Path(finished.stdout.rpartition("Evidence: ")[2].strip())
    assert (evidence / "observations" / "linear.json").exists()


def known(tmp_path, *entries: tuple[str, str]) -> tuple[str, str]:
    """The option with a list of these cases and messages."""
    lines = [f"- {{case: {case}, message: '{text}', reason: upstream}}\n" for case, text in entries]
    (tmp_path / "known.yaml").write_text("".join(lines))
    return "--known-failures", "known.yaml"


def test_a_failure_that_is_known_is_no_news(tmp_path):
    listed = known(tmp_path, (BAD, "clause E1"))
    finished = on_fake(*select(*GOOD, BAD), *listed, "--report-dir", "report", cwd=tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert f"{len(GOOD)} passed, 0 failed, 0 refused, 1 known-failure" in finished.stdout
    found = report(tmp_path / "report")
    assert problems(found) == []
    assert found["known_failures"]["entries"][0]["case"] == BAD
    assert verdicts(tmp_path / "report")[BAD] == "known-failure"


def test_a_list_of_known_failures_that_is_not_true_is_red(tmp_path):
    listed = known(tmp_path, (GOOD[0], "x"), (BAD, "another message"), ("none", "x"))
    finished = on_fake(*select(*GOOD, BAD), *listed, cwd=tmp_path)
    assert finished.returncode == 1
    assert "1 failed" in finished.stdout and "1 fixed" in finished.stdout
    said = finished.stdout.partition("Not as the list of known failures says:")[2]
    assert f"'{GOOD[0]}' does not fail any more" in said
    assert f"'{BAD}' fails with another message than 'another message'" in said
    assert "'none' matches nothing" in said


def test_a_suite_in_which_nothing_ran_is_not_a_pass(tmp_path):
    finished = on_fake("--capabilities", "SWITCH", *select("RETRY"), cwd=tmp_path)
    assert finished.returncode == 3, finished.stdout + finished.stderr
    assert "0 passed, 0 failed" in finished.stdout


def test_secrets_among_the_deploy_arguments_do_not_stay_in_the_evidence(tmp_path):
    finished = on_fake(
        *select(BAD),
        *("--report-dir", "report", "--deploy-arg", "access_key=hush-hush"),
        cwd=tmp_path,
    )
    assert finished.returncode == 1
    report_text = (tmp_path / "report" / "report.json").read_text()
    assert "***" in report_text
    for name in ("ux_test_config.yaml", "settings.json"):
        assert "hush-hush" not in (tmp_path / "report" / "evidence" / name).read_text()


def test_cases_deselected_by_pytest_are_not_run_and_not_a_pass(tmp_path):
    finished = on_fake(*select(*GOOD), "--", "-k", GOOD[0], cwd=tmp_path)
    assert finished.returncode == 1
    assert "1 passed, 0 failed" in finished.stdout


def test_wrong_pytest_arguments_are_a_usage_error(tmp_path):
    finished = on_fake(*select(GOOD[0]), "--", "--no-such-option", cwd=tmp_path)
    assert finished.returncode == 2
    assert "no-such-option" in finished.stdout + finished.stderr


def test_a_flow_that_the_scheduler_refuses_fails_once_and_shows_its_reason(tmp_path):
    finished = on_fake("--capabilities", "PARALLEL", cwd=tmp_path)
    assert finished.returncode == 1
    assert "@parallel is not supported by the fake scheduler" in finished.stdout


def test_a_scenario_whose_time_is_over_says_what_it_was_doing(tmp_path):
    finished = on_fake(*select(GOOD[0]), "--timeout", "3", cwd=tmp_path)
    assert finished.returncode == 1
    assert "GaveUp: " in finished.stdout
    assert "in the phase" in finished.stdout or "Waited" in finished.stdout


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def started(
    tmp_path, *arguments: str, in_background: bool = False
) -> tuple[subprocess.Popen[str], str]:
    """A runner whose lab is at work, and the lab's token."""
    folder = tmp_path / "report"
    words = ["--scheduler-type", "fakesched", *select(*GOOD), "--report-dir", str(folder)]
    process = subprocess.Popen(
        command(*words, *arguments),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # As a shell without job control starts what ends in `&`.
        preexec_fn=_ignore_interrupts if in_background else None,
    )
    diary = folder / "evidence" / "events.jsonl"
    deadline = time.monotonic() + 120
    while not (diary.exists() and "triggered" in diary.read_text()):
        assert time.monotonic() < deadline, "waited for the lab to trigger a flow"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    return process, json.loads((folder / "evidence" / "settings.json").read_text())["token"]


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGINT, "0"), (signal.SIGINT, "2"), (signal.SIGTERM, "0")]
)
def test_ctrl_c_ends_everything_that_was_started_and_still_shows_the_table(
    tmp_path, number, workers
):
    process, token = started(tmp_path, *(["--", "-n", workers] if workers != "0" else []))
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode in (1, 3)
    assert "capability " in output
    assert marked(LAB, token) == []


def test_a_run_in_the_background_ends_when_it_is_told_to(tmp_path):
    process, token = started(tmp_path, in_background=True)
    process.terminate()
    output, _ = process.communicate(timeout=120)
    assert process.returncode in (1, 3)
    assert "capability " in output
    assert marked(LAB, token) == []


def test_a_lab_that_dies_is_a_clear_error_and_not_a_hang(tmp_path):
    process, token = started(tmp_path)
    lab = [one for one in marked(LAB, token) if "compliance.lab" in one.command]
    leader = min(lab, key=lambda one: one.pid)
    subprocess.run(["/bin/kill", "-KILL", str(leader.pid)], check=True)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "The lab ended before it had observed 'linear'" in output
    assert "1 error" in output
    assert "2 blocked" in output
    assert marked(LAB, token) == []
