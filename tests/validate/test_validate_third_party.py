"""Rules of other distributions, and extensions that bring no scheduler."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metaflow_orchestrator_kit.validate import third_party
from metaflow_orchestrator_kit.validate.cli import main
from metaflow_orchestrator_kit.validate.findings import Verdict
from metaflow_orchestrator_kit.validate.rules.examples import CONFIG, DEPLOYER
from metaflow_orchestrator_kit.validate.runner import validate

Write = Callable[..., Path]
Install = Callable[[str], None]
RULES = '''
from metaflow_orchestrator_kit.validate.rules import Judge, Rule

class TypeShouts(Rule):
    """A deployer is called in capitals.

    Nobody writes it that way. Use small letters.
    """
    code = "ACM001"
    name = "type-shouts"
    clauses = ("A5",)

    def check(self, analysis, verdict):
        verdict.fail(None, "ACME shouts", "Write it small.")

class Crashes(TypeShouts):
    """Crashes.

    Always.
    """
    code = "ACM002"
    name = "always-crashes"

    def check(self, analysis, verdict):
        raise KeyError("acme")

class Taken(TypeShouts):
    """Has the code of another rule.

    So it cannot be told from it.
    """
    code = "ACM001"
    name = "type-shouts-louder"

class OfTheKit(TypeShouts):
    """Has a code of the kit's.

    So it cannot be told from them.
    """
    code = "MOK006"
    name = "type-shouts-most"
'''


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """Puts a distribution with rules on the path, as installing it does."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "acme_rules-1.0.dist-info"

    def install(value: str) -> None:
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{third_party.GROUP}]\nacme = {value}\n")
        (folder / "acme_rules.py").write_text(RULES)
        sys.path.insert(0, str(folder))
        third_party.installed.cache_clear()

    yield install
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.modules.pop("acme_rules", None)
    third_party.installed.cache_clear()


def test_an_installed_rule_is_asked_listed_explained_and_selected(
    install: Install, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    install("acme_rules:TypeShouts")
    assert main([str(write()), "--select", "ACM001", "--format", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["code"], finding["name"]) == ("ACM001", "type-shouts")
    assert main(["--list-rules"]) == 0
    assert "ACM001  type-shouts" in capsys.readouterr().out
    assert main(["--explain", "ACM001"]) == 0
    assert "A deployer is called in capitals." in capsys.readouterr().out
    assert main([str(write()), "--select", "ACM001", "--format", "sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["ACM001"]


def test_a_rule_that_ends_with_an_exception_is_an_error(install: Install, write: Write) -> None:
    install("acme_rules:Crashes")
    outcomes = {o.code: o for o in validate(write()).outcomes}
    assert outcomes["ACM002"].verdict is Verdict.UNSURE
    (finding,) = outcomes["MOK013"].findings
    assert "KeyError" in finding.message
    assert outcomes["MOK002"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("acme_rules:Gone", "cannot be loaded"),
        ("acme_gone:RULES", "cannot be loaded"),
        ("acme_rules:RULES", "cannot be loaded"),
        ("acme_rules:OfTheKit", "has the code 'MOK006'"),
        ("acme_rules:Judge", "is no Rule"),
    ],
)
def test_rules_that_cannot_be_used_are_an_error(
    value: str, said: str, install: Install, write: Write
) -> None:
    install(value)
    outcomes = {o.code: o for o in validate(write()).outcomes}
    (finding,) = outcomes["MOK013"].findings
    assert said in finding.message
    assert value in finding.message


def test_two_rules_of_one_code_are_told_apart_by_refusing_the_second(
    install: Install,
) -> None:
    install("acme_rules:TypeShouts")
    (first,) = third_party.installed().rules
    import acme_rules

    found = third_party.accepted({"'a'": [first, acme_rules.Taken]}, [])
    assert found.rules == (first,)
    assert found.problems == (
        "Taken of the rules 'a' has the code 'ACM001', which 'a' has already",
    )


def test_without_such_rules_nothing_is_said_of_them(write: Write) -> None:
    assert "MOK013" not in {o.code for o in validate(write()).outcomes}


NO_SCHEDULER = {
    DEPLOYER: "",
    CONFIG: 'STEP_DECORATORS_DESC = [("mark", ".acme.mark.Mark")]\n',
    "metaflow_extensions/acme/plugins/acme/mark.py": (
        "from metaflow.decorators import StepDecorator\n"
        "class Mark(StepDecorator):\n    name = 'mark'\n"
        "def first(graph):\n    return graph['start']\n"
    ),
}


def test_an_extension_without_a_scheduler_is_told_so_once(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    report = validate(write(NO_SCHEDULER))
    assert report.findings == []
    assert [o.code for o in report.outcomes if o.verdict is Verdict.UNSURE] == []
    assert sum("no scheduler" in remark for remark in report.remarks) == 1
    assert main([str(write(NO_SCHEDULER))]) == 0
    assert capsys.readouterr().out.count("This extension brings no scheduler") == 1


def test_a_deployer_that_nobody_registered_is_still_found(write: Write) -> None:
    config = {CONFIG: 'STEP_DECORATORS_DESC = [("mark", ".acme.mark.Mark")]\n'}
    outcomes = {o.code: o for o in validate(write(config)).outcomes}
    assert outcomes["MOK002"].verdict is Verdict.FAIL
