"""Several reports are compared on one page, and one report becomes a worksheet."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser

import yaml
from report_builders import HOSTILE, make_report, mixed, result

from metaflow_orchestrator_kit import Cap
from metaflow_orchestrator_kit.compliance.known.entries import parse
from metaflow_orchestrator_kit.compliance.report.matrix import page, rows, text
from metaflow_orchestrator_kit.compliance.report.triage import group, observed, triage
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict


def failed(case: str, said: str, likely: str = "", cap: Cap = Cap.RETRY) -> Result:
    message = f"A promise.\n\nlooked at   it\nexpected    1\nobserved    {said}\n"
    message += f"likely\n    1. {likely}\n" if likely else ""
    return result(case, Verdict.FAILED, message + f"again       kit --select {case}", cap)


def test_a_row_per_capability_and_a_cell_per_report():
    one = make_report(result("a", Verdict.PASSED), result("b", Verdict.REFUSED, cap=Cap.PARALLEL))
    two = make_report(result("a", Verdict.FAILED, "no"), result("c", Verdict.PASSED))
    two["extension"] = {**two["extension"], "notes": {"PARALLEL": "not yet: https://e.org/1"}}
    found = {row.name: row.cells for row in rows([one, two])}
    assert [cell.word for cell in found["RETRY"]] == ["yes", "failed"]
    assert [cell.text for cell in found["RETRY"]] == ["1 of 1", "1 of 2"]
    assert [cell.word for cell in found["PARALLEL"]] == ["refused", ""]
    assert found["PARALLEL"][1].text == "not yet: https://e.org/1"
    assert "RETRY              required yes            failed" in text([one, two])


def test_the_page_stands_alone_and_survives_what_schedulers_print():
    made = mixed()
    made["extension"] = {**made["extension"], "distribution": HOSTILE}
    found = page([made, make_report(result("a", Verdict.PASSED))])
    assert "<script" not in found and "http" not in found.partition("<body>")[0]

    class Columns(HTMLParser):
        number = 0

        def handle_starttag(self, tag, attrs):
            self.number += (tag, ("scope", "col")) in [(tag, one) for one in attrs]

    parser = Columns()
    parser.feed(found)
    assert parser.number == 3


def report_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metaflow_orchestrator_kit.report", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_commands_read_stored_reports_and_refuse_others(tmp_path):
    one, bad = tmp_path / "one.json", tmp_path / "bad.json"
    one.write_text(json.dumps(make_report(failed("a", "2"))))
    bad.write_text(json.dumps({**make_report(result("a", Verdict.PASSED)), "exit_code": 1}))
    compared = report_command("matrix", str(one), str(one), "--to", str(tmp_path / "m.html"))
    assert compared.returncode == 0, compared.stderr
    assert "capability" in compared.stdout
    assert (tmp_path / "m.html").read_text().startswith("<!doctype html>")
    assert "- [ ] `a`" in report_command("triage", str(one)).stdout
    refused = report_command("matrix", str(one), str(bad))
    assert refused.returncode == 2
    assert "exit_code" in refused.stderr


def test_failures_with_one_cause_are_one_group_whatever_their_paths_and_numbers():
    groups = group(
        [
            failed("a", "OSError: /tmp/x17/a is gone after 3 s"),
            failed("b", "OSError: /tmp/y99/b is gone after 4 s"),
            failed("c", "[0]", "the counter is constant"),
            result("d", Verdict.BLOCKED, "see 'a'"),
        ]
    )
    assert [[one.case for one in found.results] for found in groups] == [["a", "b"], ["c"]]
    assert groups[1].cause == "the counter is constant"


def test_what_was_observed_is_the_error_and_not_the_way_to_it():
    message = (
        "A promise.\n\nobserved\n    RuntimeError: Error executing: 'python flow.py'\n"
        "      File x.py, line 1\n    KeyError: 'start'\nlikely\n    1. see output.log"
    )
    assert observed(message) == "KeyError: 'start'"
    assert observed("only this") == "only this"


def test_the_worksheet_ends_with_a_list_that_the_runner_reads(tmp_path):
    sheet = triage(make_report(failed("a", 'say "no"'), result("b", Verdict.BLOCKED, "x: see 'a'")))
    assert "## 1. " in sheet and "## Blocked: 1 case says nothing yet" in sheet
    assert "Again: `kit --select a`" in sheet
    listed = sheet.partition("```yaml\n")[2].partition("```")[0]
    entries = [one.entry for one in parse(listed, tmp_path / "known.yaml")]
    assert [(one.case, one.message) for one in entries] == [
        ("a", 'observed say "no"'),
        ("b", "x: see 'a'"),
    ]
    assert [one["reason"] for one in yaml.safe_load(listed)] == [None, None]


def test_a_worksheet_of_a_green_report_says_so():
    assert "Nothing fails" in triage(make_report(result("a", Verdict.PASSED)))
