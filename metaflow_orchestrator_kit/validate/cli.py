"""``metaflow-orchestrator-validate``: read an extension, name every clause that it breaks.

Exit codes: 0, nothing is broken (a rule that is *unsure* does not fail: it says what to look at
by hand; with ``--strict`` it counts as a failure); 1, something is; 2, wrong use.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from metaflow_orchestrator_kit.validate.records import replace

if TYPE_CHECKING:
    from metaflow_orchestrator_kit.validate.findings import Report
    from metaflow_orchestrator_kit.validate.settings import Settings

CLEAN, FOUND, USAGE = 0, 1, 2
FORMATS = ("text", "json", "sarif", "github", "junit")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; answers its exit code."""
    parser = _parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    try:
        if options.list_rules:
            return _list_rules(options.output)
        if options.explain:
            return _explain(options.explain, options.output)
        return _validate(options)
    except BrokenPipeError:
        # The reader went away: nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN


def command() -> NoReturn:
    """Run the command as all that this process does: it ends at once, whatever is in memory.

    Syntax trees are hardly ever garbage. Looking for some in them, and freeing them one by one
    at the end, takes a tenth of a run.
    """
    gc.disable()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    os._exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metaflow-orchestrator-validate",
        description="Read a Metaflow orchestrator extension, without importing it, and name "
        "every clause of the contract that it breaks.",
        epilog="Exit codes: 0 nothing is broken, 1 something is, 2 wrong use. A rule that is "
        "UNSURE does not fail the run; with --strict it does. With --diff, 1 means that there are "
        "changes. SELECTOR is the code or name of a "
        "rule, a clause such as H1, or a group of clauses such as H; several are separated by "
        "commas. [tool.metaflow-orchestrator-kit] in pyproject.toml may have select, ignore, "
        "min-confidence, strict and baseline; the command line comes first.",
    )
    parser.add_argument("directory", nargs="?", metavar="DIR", help="repository or package folder")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("--output", metavar="FILE", help="write there instead of to the terminal")
    for name, text in (("select", "ask only these rules"), ("ignore", "do not ask these rules")):
        parser.add_argument(f"--{name}", metavar="SELECTOR", action="append", help=text)
    parser.add_argument(
        "--min-confidence",
        choices=("low", "medium", "high"),
        help="less certain findings make a rule UNSURE",
    )
    parser.add_argument("--fix", action="store_true", help="repair what has a certain fix")
    parser.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="with --fix or --diff: also what chooses something for you, such as a timeout",
    )
    parser.add_argument(
        "--diff", action="store_true", help="show what --fix would change, and write nothing"
    )
    parser.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    parser.add_argument("--baseline", metavar="FILE", help="let the findings recorded there pass")
    parser.add_argument(
        "--write-baseline",
        action="store_true",
        help="record all that is found now in the baseline, and exit with 0",
    )
    parser.add_argument("--explain", metavar="CODE|CLAUSE", help="say what a rule or clause means")
    parser.add_argument("--list-rules", action="store_true", help="list the rules")
    strict = "count UNSURE as a failure"
    parser.add_argument("--strict", action=argparse.BooleanOptionalAction, help=strict)
    parser.add_argument("--no-color", action="store_true", help="no colours, on a terminal too")
    return parser


def _validate(options: argparse.Namespace) -> int:
    if options.directory is None:
        return _usage("Which directory? metaflow-orchestrator-validate DIR")
    directory = Path(options.directory)
    if not directory.exists():
        return _usage(f"There is no directory '{directory}'.")
    if not directory.is_dir() and directory.suffix != ".py":
        return _usage(f"'{directory}' is neither a directory nor a Python file.")

    from metaflow_orchestrator_kit.validate import fixing
    from metaflow_orchestrator_kit.validate.baseline import BaselineError, write_baseline
    from metaflow_orchestrator_kit.validate.findings import Verdict
    from metaflow_orchestrator_kit.validate.runner import validate_as
    from metaflow_orchestrator_kit.validate.selection import UnknownSelectorError
    from metaflow_orchestrator_kit.validate.settings import SettingsError

    try:
        settings = _settings(options, directory)
        if options.write_baseline and settings.baseline is None:
            return _usage("Where should the baseline be written? Add --baseline FILE.")
        if options.write_baseline and (options.fix or options.diff):
            return _usage(
                "--write-baseline records what is there: run it without --fix and --diff."
            )
        if options.fix and not options.diff:
            report = fixing.repair(directory, settings, options.unsafe_fixes)
        else:
            report = validate_as(directory, settings, known=not options.write_baseline)
            report = report if options.diff else fixing.with_remark(report)
        if options.diff:
            return _diff(report, options)
        if options.write_baseline and settings.baseline is not None:
            count = write_baseline(settings.baseline, report)
            findings = "1 finding" if count == 1 else f"{count} findings"
            return _print(f"Wrote {settings.baseline} ({findings})\n", None)
    except (SettingsError, UnknownSelectorError, BaselineError, fixing.FixError) as error:
        return _usage(str(error))
    code = _print(_rendered(report, options), options.output)
    if code != CLEAN:
        return code
    counts = report.counts
    broken = counts[Verdict.FAIL] or (settings.strict and counts[Verdict.UNSURE])
    return FOUND if broken else CLEAN


def _diff(report: Report, options: argparse.Namespace) -> int:
    """Print the changes that --fix would make; 1 when there are any, as for findings."""
    from metaflow_orchestrator_kit.validate import fixing

    found = fixing.fixable(report, options.unsafe_fixes)
    text = fixing.diff(fixing.changes(fixing.root_of(report), found))
    code = _print(text, options.output)
    return code if code != CLEAN else FOUND if text else CLEAN


def _settings(options: argparse.Namespace, directory: Path) -> Settings:
    """What the author's pyproject says, with what the command line says instead."""
    from metaflow_orchestrator_kit.validate.findings import Confidence
    from metaflow_orchestrator_kit.validate.settings import read_settings, split

    settings = read_settings(directory)
    if options.select is not None:
        settings = replace(settings, select=split(options.select))
    if options.ignore is not None:
        settings = replace(settings, ignore=split(options.ignore))
    if options.min_confidence is not None:
        settings = replace(settings, min_confidence=Confidence(options.min_confidence))
    if options.strict is not None:
        settings = replace(settings, strict=options.strict)
    if options.baseline is not None:
        settings = replace(settings, baseline=Path(options.baseline))
    return settings


def _rendered(report: Report, options: argparse.Namespace) -> str:
    # A run pays for the start of its own renderer only.
    match options.format:
        case "json":
            from metaflow_orchestrator_kit.validate.render import json

            return json.render(report, options.statistics)
        case "sarif":
            from metaflow_orchestrator_kit.validate.render import sarif
            from metaflow_orchestrator_kit.validate.runner import everything

            return sarif.render(report, everything())
        case "github":
            from metaflow_orchestrator_kit.validate.render import github

            return github.render(report)
        case "junit":
            from metaflow_orchestrator_kit.validate.render import junit

            return junit.render(report)
        case _:
            from metaflow_orchestrator_kit.validate.render import text

            return text.render(report, _colour(options), options.statistics)


def _colour(options: argparse.Namespace) -> bool:
    wanted = not options.no_color and not options.output and not os.environ.get("NO_COLOR")
    return wanted and sys.stdout.isatty()


def _print(text: str, output: str | None) -> int:
    if output is None:
        # File names need not be printable in the terminal's encoding.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
        return CLEAN
    try:
        Path(output).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        return _usage(f"Cannot write '{output}': {error.strerror or error}")
    return CLEAN


def _list_rules(output: str | None) -> int:
    from metaflow_orchestrator_kit.validate.pages import listing

    return _print(listing(), output)


def _explain(what: str, output: str | None) -> int:
    from metaflow_orchestrator_kit.contract import UnknownClause
    from metaflow_orchestrator_kit.validate.pages import explain

    try:
        return _print(explain(what), output)
    except UnknownClause as error:
        return _usage(f"'{what}' is neither a rule (see --list-rules) nor a clause. {error}")


def _usage(message: str) -> int:
    print(message, file=sys.stderr)
    return USAGE


if __name__ == "__main__":
    command()
