"""``python -m metaflow_orchestrator_kit.report``: check, compare and show stored reports.

Apart from ``metaflow-orchestrator-test``, because it needs no scheduler, no extension and no
Metaflow: a report is judged where it arrives.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from metaflow_orchestrator_kit.compliance.report import diff as differences
from metaflow_orchestrator_kit.compliance.report import files
from metaflow_orchestrator_kit.compliance.report import matrix as comparison
from metaflow_orchestrator_kit.compliance.report import triage as worksheet
from metaflow_orchestrator_kit.compliance.report import verify as checks
from metaflow_orchestrator_kit.compliance.verdict import Exit

_PROGRAM = "python -m metaflow_orchestrator_kit.report"

_FILE = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Check, compare and show reports of metaflow-orchestrator-test.

    FILE is a report.json, or the folder that has one. Exit codes: 0 all is well, 1 it is not,
    2 a file cannot be read.
    """


@command.command()
@click.argument("file", type=_FILE)
def verify(file: Path) -> None:
    """Is the form right, do the counts add up, is nothing claimed that did not run?"""
    file = _file(file)
    try:
        report = checks.load(file)
        found = checks.problems(report)
    except checks.ReportError as error:
        _refuse(error)
    for problem in found:
        click.echo(f"{file}: {problem}")
    if found:
        sys.exit(Exit.FAILED)
    said = ", ".join(f"{number} {verdict}" for verdict, number in report["counts"].items())
    click.echo(f"{file}: holds together ({said})")


@command.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
def diff(old: Path, new: Path) -> None:
    """What changed; 1 when a case that held no longer does, or one is red that was not."""
    try:
        before, after = checks.load(_file(old)), checks.load(_file(new))
        changes = differences.changes(before, after)
        lines = [*differences.surroundings(before, after), *map(str, changes)]
    except checks.ReportError as error:
        _refuse(error)
    except (KeyError, TypeError, ValueError) as error:
        _refuse(f"One of them is no whole report ({type(error).__name__}: {error}); verify both.")
    click.echo("\n".join(lines) or "No case has another verdict.")
    sys.exit(Exit.FAILED if any(change.kind == "worse" for change in changes) else Exit.PASSED)


@command.command()
@click.argument("file", type=_FILE)
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", required=True
)
def render(file: Path, to: Path) -> None:
    """Write every form of a report into a folder: HTML, JUnit, Markdown, a badge."""
    try:
        report = checks.load(_file(file))
        found = checks.problems(report)
        if found:
            raise checks.ReportError(f"{file}: {found[0]}")
        files.write(report, to)
    except checks.ReportError as error:
        _refuse(error)
    except OSError as error:
        _refuse(f"--to {to}: {error.strerror}.")


@command.command()
@click.argument("reports", type=_FILE, nargs=-1, required=True, metavar="FILE...")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="PAGE")
def matrix(reports: tuple[Path, ...], to: Path | None) -> None:
    """Compare orchestrators, capability by capability; --to writes it as an HTML page."""
    try:
        loaded = [checks.load(_file(one)) for one in reports]
        for file, report in zip(reports, loaded, strict=True):
            found = checks.problems(report)
            if found:
                raise checks.ReportError(f"{file}: {found[0]}")
    except checks.ReportError as error:
        _refuse(error)
    click.echo(comparison.text(loaded))
    if to is not None:
        try:
            to.write_text(comparison.page(loaded), encoding="utf-8")
        except OSError as error:
            _refuse(f"--to {to}: {error.strerror}.")


@command.command()
@click.argument("file", type=_FILE)
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="WORKSHEET")
def triage(file: Path, to: Path | None) -> None:
    """A worksheet of what fails: by likely cause, with a list of known failures to begin with."""
    try:
        report = checks.load(_file(file))
        found = checks.problems(report)
        if found:
            raise checks.ReportError(f"{file}: {found[0]}")
        text = worksheet.triage(report)
        if to is None:
            click.echo(text.rstrip())
        else:
            to.write_text(text, encoding="utf-8")
    except checks.ReportError as error:
        _refuse(error)
    except OSError as error:
        _refuse(f"--to {to}: {error.strerror}.")


def _file(path: Path) -> Path:
    return path / files.REPORT if path.is_dir() else path


def _refuse(message: object) -> None:
    click.echo(f"report: {message}", err=True)
    sys.exit(Exit.USAGE)


def main() -> None:
    """Run the command; the exit code is the outcome."""
    command.main(prog_name=_PROGRAM)


if __name__ == "__main__":
    main()
