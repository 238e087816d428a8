"""From verdicts to an outcome: known failures are told apart, the report is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from metaflow_orchestrator_kit.compliance.config import Backend
from metaflow_orchestrator_kit.compliance.extension import Extension
from metaflow_orchestrator_kit.compliance.grammar import several
from metaflow_orchestrator_kit.compliance.known.entries import KnownFailure, parse, read, text_of
from metaflow_orchestrator_kit.compliance.known.judge import Judged, judge
from metaflow_orchestrator_kit.compliance.known.update import store, update
from metaflow_orchestrator_kit.compliance.masking import masked
from metaflow_orchestrator_kit.compliance.report import files
from metaflow_orchestrator_kit.compliance.report.document import document
from metaflow_orchestrator_kit.compliance.report.runs import runs
from metaflow_orchestrator_kit.compliance.report.triage import triage as worksheet
from metaflow_orchestrator_kit.compliance.select import Plan
from metaflow_orchestrator_kit.compliance.verdict import Result, Verdict
from metaflow_orchestrator_kit.test.preflight import NotReady

UPDATE = "--update-known-failures"


@dataclass(frozen=True, slots=True)
class Known:
    """The list of known failures, and whether to write it anew."""

    file: Path
    update: bool

    def check(self) -> None:
        """Make sure, before anything runs, that the list can be used.

        Raises:
            ConfigError: it cannot.
        """
        if not self.update:
            read(self.file)
        elif self.file.exists():
            parse(text_of(self.file), self.file)

    def judge(self, results: Sequence[Result], say: Callable[[str], None]) -> Judged:
        """Hold the results against the list, which is written anew before if that is asked for.

        Raises:
            ConfigError: the list cannot be read or written.
        """
        if self.update:
            self._update(results, say)
        judged = judge(results, self.entries())
        unsaid = [one for one in self.entries() if not one.reason]
        return replace(
            judged,
            problems=[
                *judged.problems,
                *(f"{one.place}: '{one.case}' needs a reason: fill it in" for one in unsaid),
            ],
        )

    def entries(self) -> list[KnownFailure]:
        """The entries as they are now; reasons may be missing after an update."""
        if not self.file.exists():
            return []
        return [one.entry for one in parse(text_of(self.file), self.file)]

    def _update(self, results: Sequence[Result], say: Callable[[str], None]) -> None:
        missing = [one for one in results if one.verdict in (Verdict.NOT_RUN, Verdict.ERROR)]
        if missing:
            cases = several(len(missing), "case", "cases")
            say(f"{self.file} stays as it is: {cases} did not run or went wrong.")
            return
        text = text_of(self.file) if self.file.exists() else ""
        made = update(text, self.file, results)
        if made.text != text:
            store(made.text, self.file)
        say(f"{self.file}: {made}")


def write_report(
    folder: Path | None,
    extension: Extension,
    plan: Plan,
    judged: Judged,
    *,
    backend: Backend,
    seconds: float,
    known: Known | None,
    upstream: Mapping[str, Any] | None = None,
    triage: Path | None = None,
) -> None:
    """Write the report; its evidence is below the same folder, and named from there.

    Args:
        folder: of the report; None for the worksheet alone.
        extension: what was tested.
        plan: what was to happen.
        judged: what happened.
        backend: what it was tested on.
        seconds: how long it took.
        known: the list of known failures.
        upstream: where Metaflow's own tests came from.
        triage: the file for a worksheet of what fails.

    Raises:
        NotReady: it cannot be written.
    """
    plain = {**asdict(backend), "deploy_args": masked(backend.deploy_args)}
    results = judged.results
    if folder is not None:
        results = [replace(one, evidence=_relative(one.evidence, folder)) for one in results]
    content = document(
        extension,
        plan,
        replace(judged, results=results),
        backend=plain,
        seconds=seconds,
        runs=[] if folder is None else runs(plan, folder / "evidence"),
        known=None if known is None else known.entries(),
        upstream=upstream,
    )
    if triage is not None:
        try:
            triage.write_text(worksheet(content), encoding="utf-8")
        except OSError as error:
            raise NotReady(f"--triage {triage}: {error.strerror}.") from None
    if folder is None:
        return
    try:
        files.write(content, folder)
    except OSError as error:
        raise NotReady(f"--report-dir {folder}: {error.strerror}.") from None


def _relative(evidence: str, folder: Path) -> str:
    path = Path(evidence)
    if evidence and path.is_relative_to(folder.resolve()):
        return path.relative_to(folder.resolve()).as_posix()
    return evidence
