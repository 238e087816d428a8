"""Known failures: what is listed and true is let through, and every lie of the list is red."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from suite_builders import make_case

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.config import ConfigError
from metaflow_orchestrator_kit.compliance.known.entries import KnownFailure, parse, read
from metaflow_orchestrator_kit.compliance.known.judge import judge
from metaflow_orchestrator_kit.compliance.known.update import fragment, store, update
from metaflow_orchestrator_kit.compliance.verdict import Exit, Result, Verdict

FILE = Path("known.yaml")

MESSAGE = """\
Ids are the scheduler's own.

looked at   the ids of the run
expected    contains 'x'
observed    [1, 2]
contract    clause E1"""

LIST = """\
# Our list.
- case: a
  message: observed [1, 2]  # integers
  reason: https://example.org/issues/1

# The next one is odd.
- case: b
  message: >-
    observed
    nothing
  # asked upstream
  reason: not ours
"""


def result(case: str, verdict: Verdict, message: str = "", selected: bool = True) -> Result:
    made = Result.of(make_case(case, Cap.RETRY), verdict, message=message)
    return replace(made, selected=selected)


def entry(case: str, message: str = "observed [1, 2]") -> KnownFailure:
    return KnownFailure(case, message, "because", "known.yaml:1")


def test_a_case_that_fails_as_listed_is_a_known_failure_and_the_run_is_green():
    judged = judge([result("a", Verdict.FAILED, MESSAGE)], [entry("a")])
    assert judged.results[0].verdict is Verdict.KNOWN_FAILURE
    assert "because (known.yaml:1)" in judged.results[0].message
    assert judged.problems == []
    assert judged.exit_code is Exit.PASSED


@pytest.mark.parametrize(
    ("one", "listed", "verdict", "said"),
    [
        (result("a", Verdict.FAILED, MESSAGE), [], Verdict.FAILED, "'a' fails and is not listed"),
        (result("a", Verdict.PASSED), [entry("a")], Verdict.FIXED, "does not fail any more"),
        (result("a", Verdict.REFUSED), [entry("a")], Verdict.FIXED, "does not fail any more"),
        (
            result("a", Verdict.FAILED, MESSAGE),
            [entry("a", "observed 7")],
            Verdict.FAILED,
            "fails with another message than 'observed 7'",
        ),
        (result("a", Verdict.PASSED), [entry("z")], Verdict.PASSED, "matches nothing"),
        (result("a", Verdict.DISABLED), [entry("a")], Verdict.DISABLED, "did not run: disabled"),
        (result("a", Verdict.NOT_RUN), [entry("a")], Verdict.NOT_RUN, "did not run: not-run"),
        (result("a", Verdict.ERROR, MESSAGE), [entry("a")], Verdict.ERROR, "did not run: error"),
    ],
)
def test_every_difference_between_list_and_run_is_red_and_said_in_one_line(
    one, listed, verdict, said
):
    good = result("good", Verdict.PASSED)
    judged = judge([good, one], listed)
    assert judged.results[1].verdict is verdict
    (line,) = judged.problems
    assert said in line
    assert "\n" not in line
    assert judged.exit_code is Exit.FAILED


def test_a_case_that_was_not_selected_is_not_judged():
    judged = judge(
        [result("a", Verdict.NOT_RUN, selected=False), result("b", Verdict.PASSED)], [entry("a")]
    )
    assert judged.problems == []
    assert judged.exit_code is Exit.PASSED


def test_a_list_never_makes_a_pass_of_a_run_in_which_nothing_ran():
    assert judge([result("a", Verdict.DISABLED)], [entry("a")]).exit_code is Exit.NOTHING_RAN


def test_white_space_in_a_fragment_does_not_matter():
    assert KnownFailure("a", "observed   [1,\n 2]", "r").covers(MESSAGE)
    assert not KnownFailure("a", "observed [1,2]", "r").covers(MESSAGE)


def test_a_list_is_read_with_the_line_of_each_entry(tmp_path):
    file = tmp_path / "known.yaml"
    file.write_text(LIST)
    first, second = read(file)
    assert (first.case, first.message) == ("a", "observed [1, 2]")
    assert first.place == f"{file}:2"
    assert (second.message, second.reason) == ("observed nothing", "not ours")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1", "must be a list"),
        ("- a", "known.yaml:1: an entry has the keys"),
        ("[", "not valid YAML"),
        ("- case: a\n  reason: x", "known.yaml:1: an entry needs 'message'"),
        ("- message: a\n  reason: x", "an entry needs 'case'"),
        ("- case: a\n  message: m", "'a' has no reason"),
        ("- case: a\n  message: m\n  reason:", "'a' has no reason"),
        ("- case: a\n  mesage: m", "known.yaml:2: the key 'mesage' is not one of"),
        ("- case: a\n  case: b", "known.yaml:2: the key 'case' comes twice"),
        ("- case: [a]\n  message: m", "'case' must be text"),
        (LIST + "- {case: a, message: m, reason: r}", "'a' is listed already, at"),
    ],
)
def test_a_bad_list_is_refused_with_the_line(tmp_path, text, said):
    file = tmp_path / "known.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_missing_list_is_refused_and_says_what_writes_one(tmp_path):
    with pytest.raises(ConfigError, match="--update-known-failures writes it"):
        read(tmp_path / "none.yaml")


def test_an_empty_list_or_one_of_comments_has_no_entries(tmp_path):
    assert parse("# none\n", FILE) == parse("", FILE) == []


def test_an_update_of_a_true_list_changes_nothing():
    results = [
        result("a", Verdict.FAILED, MESSAGE),
        result("b", Verdict.FAILED, "observed nothing"),
        result("c", Verdict.PASSED),
    ]
    made = update(LIST, FILE, results)
    assert made.text == LIST
    assert str(made) == "0 added, 0 changed, 0 removed"


def test_an_update_keeps_comments_and_reasons():
    results = [
        result("a", Verdict.FAILED, "observed 7"),
        result("b", Verdict.FAILED, MESSAGE),
        result("c", Verdict.FAILED, 'observed "x": {}'),
    ]
    made = update(LIST, FILE, results)
    assert (made.added, made.changed, made.removed) == (1, 2, 0)
    for kept in ("# Our list.", "# integers", "# The next one", "# asked upstream", "issues/1"):
        assert kept in made.text
    assert [
        (one.entry.case, one.entry.message, one.entry.reason) for one in parse(made.text, FILE)
    ] == [
        ("a", "observed 7", "https://example.org/issues/1"),
        ("b", "observed [1, 2]", "not ours"),
        ("c", 'observed "x": {}', ""),
    ]


def test_an_update_takes_out_what_is_fixed_and_nothing_around_it():
    results = [result("a", Verdict.PASSED), result("b", Verdict.FAILED, "observed nothing")]
    made = update(LIST, FILE, results)
    assert made.text == LIST.replace(LIST[LIST.index("- case: a") : LIST.index("\n# The")], "")


def test_an_update_keeps_the_entry_of_a_case_that_did_not_apply():
    made = update(LIST, FILE, [result("a", Verdict.DISABLED), result("b", Verdict.DISABLED)])
    assert made.text == LIST


def test_an_update_writes_a_list_where_there_is_none_and_it_has_to_be_completed(tmp_path):
    file = tmp_path / "known.yaml"
    store(update("", file, [result("a", Verdict.FAILED, MESSAGE)]).text, file)
    assert file.read_text().startswith("# Cases that fail, and why.")
    with pytest.raises(ConfigError, match="'a' has no reason"):
        read(file)
    assert [one.name for one in tmp_path.iterdir()] == ["known.yaml"]


def test_a_list_that_cannot_be_edited_is_refused_rather_than_spoilt():
    text = "[{case: a, message: m, reason: r}, {case: b, message: m, reason: r}]\n"
    with pytest.raises(ConfigError, match="cannot be updated"):
        update(text, FILE, [result("b", Verdict.FAILED, "m")])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (MESSAGE, "observed [1, 2]"),
        (MESSAGE.replace("[1, 2]", "'1795316853420041'"), "looked at the ids of the run"),
        ("observed\n    a line\n    more", "observed a line"),
        ("something /tmp/x odd", "something /tmp/x odd"),
        ("", "no message"),
    ],
)
def test_the_fragment_avoids_what_differs_every_time(message, expected):
    assert fragment(message) == expected
    assert KnownFailure("a", fragment(message), "r").covers(message or "no message")
