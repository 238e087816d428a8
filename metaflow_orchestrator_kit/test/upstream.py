"""Metaflow's own UX tests, run from a checkout against the extension, as part of the outcome.

The checkout stays as it is: the tests are copied, with a configuration that names the backend.
"""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import yaml

from metaflow_orchestrator_kit.compliance.config import Suite
from metaflow_orchestrator_kit.compliance.lab.processes import (
    LAB,
    end_group,
    end_marked,
    hear_interrupts,
)
from metaflow_orchestrator_kit.compliance.masking import masked
from metaflow_orchestrator_kit.compliance.report.document import git_state
from metaflow_orchestrator_kit.compliance.select import UPSTREAM, UPSTREAM_CASE
from metaflow_orchestrator_kit.compliance.verdict import RED, Result, Verdict

_PATIENCE = 3600.0
"""Seconds for all tests of a module."""

_PATIENCE_OF_TEST = 600.0
_WHOLE = "whole"
"""Stands for all tests of a module that cannot be told apart."""

_INTERRUPTED = "interrupted"
_REFUSALS = ("not supported", "not yet supported")


class NoCheckout(ValueError):
    """The folder has no such tests; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A checkout of Metaflow, and the test modules to run."""

    checkout: Path
    modules: tuple[str, ...]
    tests: tuple[str, ...] = ()
    """Names of the only ones to run, as results have them; empty for all of the modules."""

    @property
    def folder(self) -> Path:
        """Where the checkout has its UX tests."""
        return self.checkout / "test" / "ux"

    def file(self, module: str) -> Path:
        """The file of a test module."""
        return self.folder / "core" / f"test_{module}.py"

    def wanted(self) -> tuple[str, ...]:
        """What runs: the modules' files, or single tests in pytest's notation, in order."""
        if not self.tests:
            return tuple(f"core/test_{module}.py" for module in self.modules)
        named = {_scenario(module) + "-": module for module in self.modules}
        found = []
        for test in self.tests:
            prefix = next((one for one in named if test.startswith(one)), None)
            if prefix is None:
                known = ", ".join(self.modules)
                raise NoCheckout(f"--select {test}: of none of the modules {known}.")
            name = test.removeprefix(prefix).replace("-", "_")
            file = f"core/test_{named[prefix]}.py"
            found.append(file if name == _WHOLE else f"{file}::test_{name}")
        return tuple(found)

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
        self.wanted()

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
    blocked = ""
    try:
        for module in upstream.modules:
            chosen = [one for one in upstream.wanted() if one.startswith(f"core/test_{module}.py")]
            if not chosen:
                continue
            if blocked:
                verdict = Verdict.NOT_RUN if blocked == _INTERRUPTED else Verdict.BLOCKED
                results.append(_result(module, _WHOLE, verdict, blocked))
                continue
            say(f"Metaflow's own test_{module}.py …")
            found, blocked = _run(module, chosen, work, suite, environment)
            results += found
            say(f"    {_counted(found)}")
            if blocked == _INTERRUPTED:
                say("Interrupted: what is left of Metaflow's own tests does not run.")
    finally:
        end_marked(LAB, suite.token, patience=1.0)
        backend["deploy_args"] = masked(suite.backend.deploy_args)
        config.write_text(yaml.safe_dump({"backends": [backend]}), encoding="utf-8")
    again = f"{suite.again} --metaflow-src {shlex.quote(str(upstream.checkout))}"
    return [_with_command(result, again) for result in results]


def _run(
    module: str, chosen: Sequence[str], work: Path, suite: Suite, environment: Mapping[str, str]
) -> tuple[list[Result], str]:
    """The results of a module, and why those that follow need not be tried; mostly nothing."""
    report, log = work / f"{module}.xml", work / f"{module}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            _command(chosen, report, suite),
            cwd=work,
            env=_variables(environment, suite),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=hear_interrupts,
        )
        stopped = _wait(process)
    found = list(read_results(report, module, str(work))) if report.exists() else []
    last = "\n".join(log.read_text("utf-8", errors="replace").strip().splitlines()[-25:])
    if stopped == _INTERRUPTED:
        return [*found, _result(module, _WHOLE, Verdict.NOT_RUN, stopped)], stopped
    if stopped or not found:
        why = stopped or f"gave no results (pytest ended with {process.returncode})"
        text = f"test_{module}.py {why}:\n{last}"
        found.append(_result(module, _WHOLE, Verdict.ERROR, text, evidence=str(work)))
    if process.returncode == pytest.ExitCode.USAGE_ERROR:  # their conftest.py cannot be loaded
        return found, f"pytest cannot start there; see {found[-1].case}"
    return found, ""


def _command(chosen: Sequence[str], report: Path, suite: Suite) -> list[str]:
    limit = suite.timeout or _PATIENCE_OF_TEST
    return [
        *(sys.executable, "-m", "pytest", *chosen, "-q", "--tb=short", f"--timeout={limit:g}"),
        *("-p", "no:cacheprovider", "--exec-mode", "deployer", "--only-backend", "mok"),
        f"--junitxml={report}",
    ]


def _variables(environment: Mapping[str, str], suite: Suite) -> dict[str, str]:
    variables = {key: value for key, value in environment.items() if key != "PYTEST_ADDOPTS"}
    # Without a profile of the user's, the tests would ask for that of Metaflow's development stack.
    variables.setdefault("METAFLOW_HOME", str(Path.home() / ".metaflowconfig"))
    variables.setdefault("METAFLOW_PROFILE", "")
    return {**variables, LAB: suite.token}


def _wait(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end; why it was ended before, if it was, with its results so far written."""
    try:
        process.wait(timeout=_PATIENCE)
        return ""
    except subprocess.TimeoutExpired:
        return f"did not end within {_PATIENCE:g} s"
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
                process.wait(timeout=20)
        end_group(process.pid, patience=2.0)
        process.wait()


def _with_command(result: Result, again: str) -> Result:
    """A red result that says which command runs it again."""
    if result.verdict not in RED:
        return result
    text = f"{result.message}\nagain       {again} --select {result.case}"
    return replace(result, message=text)


def read_results(report: Path, module: str, evidence: str) -> Iterator[Result]:
    """The results of the tests in a JUnit file, which pytest wrote for a module."""
    for test in Xml.parse(report).getroot().iter("testcase"):
        verdict, message = _verdict(test)
        name = str(test.get("name", "")).replace("[mok-deployer]", "")
        if name.endswith(f"core.test_{module}"):  # the file could not be imported
            name = _WHOLE
        seconds = float(test.get("time") or 0.0)
        yield _result(module, name, verdict, message, evidence=evidence, seconds=seconds)


def _verdict(test: Xml.Element) -> tuple[Verdict, str]:
    for kind, verdict in (("failure", Verdict.FAILED), ("error", Verdict.ERROR)):
        found = test.find(kind)
        if found is not None:
            text = f"{found.get('message', '')}\n{found.text or ''}".strip() or kind
            return (Verdict.REFUSED if _refused_by_create(text) else verdict), text
    skipped = test.find("skipped")
    if skipped is None:
        return Verdict.PASSED, ""
    reason = str(skipped.get("message", ""))
    return (Verdict.REFUSED if _says_refusal(reason) else Verdict.DISABLED), reason


def _refused_by_create(text: str) -> bool:
    """Whether a test fails by a refusal for which it is not prepared, as that of @conda."""
    raised = "\n".join(line for line in text.splitlines() if line.startswith("E "))
    return " in _create\n" in text and _says_refusal(raised)


def _says_refusal(text: str) -> bool:
    return any(words in text.lower() for words in _REFUSALS)


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
        case=f"{_scenario(module)}-{name.removeprefix('test_')}".replace("_", "-"),
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
    return f"{UPSTREAM_CASE}{module}"


def _counted(results: list[Result]) -> str:
    verdicts = [result.verdict.value for result in results]
    return ", ".join(f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts))
