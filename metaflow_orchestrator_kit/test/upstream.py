"""Metaflow's own UX tests, run from a checkout against the extension, as part of the outcome.

The checkout stays as it is: the tests are copied, with a configuration that names the backend.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import yaml

from metaflow_orchestrator_kit.compliance.config import Suite
from metaflow_orchestrator_kit.compliance.lab.processes import LAB, end_group, end_marked
from metaflow_orchestrator_kit.compliance.masking import masked
from metaflow_orchestrator_kit.compliance.report.document import git_state
from metaflow_orchestrator_kit.compliance.report.verify import UPSTREAM
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict

_PATIENCE = 3600.0
_REFUSALS = ("not supported", "not yet supported")


class NoCheckout(ValueError):
    """The folder has no such tests; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A checkout of Metaflow, and the test modules to run."""

    checkout: Path
    modules: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the checkout has its UX tests."""
        return self.checkout / "test" / "ux"

    def file(self, module: str) -> Path:
        """The file of a test module."""
        return self.folder / "core" / f"test_{module}.py"

    def check(self) -> None:
        """Make sure that there is what is to be run.

        Raises:
            NoCheckout: there is not.
        """
        if not (self.folder / "conftest.py").is_file():
            raise NoCheckout(
                f"--metaflow-src {self.checkout}: no test/ux/conftest.py in there; give a checkout "
                "of Metaflow's repository (what is installed from the index has no tests)."
            )
        known = sorted(
            file.stem.removeprefix("test_") for file in (self.folder / "core").glob("test_*.py")
        )
        for module in self.modules:
            if not self.file(module).is_file():
                raise NoCheckout(
                    f"--test-modules: {self.folder / 'core'} has no test_{module}.py; "
                    f"it has {', '.join(known) or 'none'}."
                )

    def section(self) -> dict[str, Any]:
        """What a report says about where the tests come from."""
        return {"modules": list(self.modules), "git": git_state(self.checkout)}


def run_upstream(
    upstream: Upstream, suite: Suite, environment: Mapping[str, str], say: Callable[[str], None]
) -> list[Result]:
    """The results of the tests; one more, an error, for each module that gave none."""
    work = Path(suite.directory) / "metaflow_ux"
    shutil.copytree(upstream.folder, work, ignore=shutil.ignore_patterns("__pycache__"))
    backend = {
        "name": "mok",
        "scheduler_type": suite.backend.scheduler_type,
        "cluster": suite.backend.cluster,
        "decospec": suite.backend.decospec,
        "deploy_args": suite.backend.deploy_args,
        "enabled": True,
    }
    config = work / "ux_test_config.yaml"
    config.write_text(yaml.safe_dump({"backends": [backend]}, sort_keys=False), encoding="utf-8")
    results: list[Result] = []
    try:
        for module in upstream.modules:
            say(f"Metaflow's own test_{module}.py …")
            found = _run(module, work, suite, environment)
            results += found
            say(f"    {_counted(found)}")
    except KeyboardInterrupt:
        say("Interrupted: what is left of Metaflow's own tests does not run.")
        done = {result.scenario for result in results}
        results += [
            _result(module, "whole", Verdict.NOT_RUN, "interrupted")
            for module in upstream.modules
            if _scenario(module) not in done
        ]
    finally:
        end_marked(LAB, suite.token, patience=1.0)
        backend["deploy_args"] = masked(suite.backend.deploy_args)
        config.write_text(yaml.safe_dump({"backends": [backend]}), encoding="utf-8")
    return results


def _run(module: str, work: Path, suite: Suite, environment: Mapping[str, str]) -> list[Result]:
    report, log = work / f"{module}.xml", work / f"{module}.log"
    variables = {key: value for key, value in environment.items() if key != "PYTEST_ADDOPTS"}
    # Without a profile of the user's, the tests would ask for that of Metaflow's development stack.
    variables.setdefault("METAFLOW_HOME", str(Path.home() / ".metaflowconfig"))
    variables.setdefault("METAFLOW_PROFILE", "")
    command = [
        *(sys.executable, "-m", "pytest", f"core/test_{module}.py", "-q", "--tb=short"),
        *("-p", "no:cacheprovider", "--exec-mode", "deployer", "--only-backend", "mok"),
        f"--junitxml={report}",
    ]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=work,
            env={**variables, LAB: suite.token},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout=suite.timeout or _PATIENCE)
        except subprocess.TimeoutExpired:
            pass  # what has no verdict then is an error below
        finally:
            end_group(process.pid, patience=2.0)
            process.wait()
    found = list(_read(report, module, str(work))) if report.exists() else []
    if not found:
        last = "\n".join(log.read_text("utf-8", errors="replace").strip().splitlines()[-25:])
        text = f"test_{module}.py gave no results (pytest ended with {process.returncode}):\n{last}"
        return [_result(module, "whole", Verdict.ERROR, text, evidence=str(work))]
    return found


def _read(report: Path, module: str, evidence: str) -> Iterator[Result]:
    for test in Xml.parse(report).getroot().iter("testcase"):
        verdict, message = _verdict(test)
        name = str(test.get("name", "")).replace("[mok-deployer]", "")
        seconds = float(test.get("time") or 0.0)
        yield _result(module, name, verdict, message, evidence=evidence, seconds=seconds)


def _verdict(test: Xml.Element) -> tuple[Verdict, str]:
    for kind, verdict in (("failure", Verdict.FAILED), ("error", Verdict.ERROR)):
        found = test.find(kind)
        if found is not None:
            return verdict, f"{found.get('message', '')}\n{found.text or ''}".strip() or kind
    skipped = test.find("skipped")
    if skipped is None:
        return Verdict.PASSED, ""
    reason = str(skipped.get("message", ""))
    refused = any(words in reason.lower() for words in _REFUSALS)
    return (Verdict.REFUSED if refused else Verdict.DISABLED), reason


def _result(
    module: str,
    name: str,
    verdict: Verdict,
    message: str = "",
    *,
    evidence: str = "",
    seconds: float = 0.0,
) -> Result:
    return Result(
        case=f"metaflow-ux-{module}-{name.removeprefix('test_')}".replace("_", "-"),
        cap=UPSTREAM,
        clauses=(),
        scenario=_scenario(module),
        promise=f"Metaflow's own {name} of test/ux/core/test_{module}.py passes.",
        required=False,
        verdict=verdict,
        message=message,
        seconds=seconds,
        evidence=evidence,
    )


def _scenario(module: str) -> str:
    return f"metaflow-ux-{module}"


def _counted(results: list[Result]) -> str:
    verdicts = [result.verdict.value for result in results]
    return ", ".join(f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts))
