"""``metaflow-orchestrator-validate``: read an extension, name every clause that it breaks.

Exit codes: 0, nothing is broken (a rule that is *unsure* does not fail: it says what to look at
by hand; with ``--strict`` it counts as a failure); 1, something is; 2, wrong use.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path

CLEAN, FOUND, USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; answers its exit code."""
    parser = _parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    try:
        if options.list_rules:
            return _print(_list_rules(), options.output)
        if options.explain:
            return _explain(options.explain, options.output)
        return _validate(options)
    except BrokenPipeError:
        # The reader went away: nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metaflow-orchestrator-validate",
        description="Read a Metaflow orchestrator extension, without importing it, and name "
        "every clause of the contract that it breaks.",
        epilog="Exit codes: 0 nothing is broken, 1 something is, 2 wrong use. A rule that is "
        "UNSURE does not fail the run; with --strict it does.",
    )
    parser.add_argument("directory", nargs="?", metavar="DIR", help="repository or package folder")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--output", metavar="FILE", help="write there instead of to the terminal")
    parser.add_argument("--explain", metavar="CODE|CLAUSE", help="say what a rule or clause means")
    parser.add_argument("--list-rules", action="store_true", help="list the rules")
    parser.add_argument("--strict", action="store_true", help="count UNSURE as a failure")
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

    from metaflow_orchestrator_kit.validate.findings import Verdict
    from metaflow_orchestrator_kit.validate.render import json as as_json
    from metaflow_orchestrator_kit.validate.render import text as as_text
    from metaflow_orchestrator_kit.validate.runner import validate

    report = validate(directory)
    if options.format == "json":
        rendered = as_json.render(report)
    else:
        rendered = as_text.render(report, _colour(options))
    code = _print(rendered, options.output)
    if code != CLEAN:
        return code
    counts = report.counts
    broken = counts[Verdict.FAIL] or (options.strict and counts[Verdict.UNSURE])
    return FOUND if broken else CLEAN


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


def _list_rules() -> str:
    from metaflow_orchestrator_kit.validate.rules import all_rules

    lines = [
        f"{rule.code}  {rule.name:28} {rule.severity.value:8} {', '.join(rule.clauses)}"
        for rule in all_rules()
    ]
    return "\n".join(lines) + "\n"


def _explain(what: str, output: str | None) -> int:
    from metaflow_orchestrator_kit.validate.rules import all_rules

    asked = what.strip()
    rules = [
        rule
        for rule in all_rules()
        if asked.upper() in (rule.code, *rule.clauses) or asked.lower() == rule.name
    ]
    parts = [
        f"{rule.code} {rule.name} [{', '.join(rule.clauses)}]\n\n{inspect.getdoc(rule)}\n"
        for rule in rules
    ]
    clause = _clause(asked.upper())
    if clause:
        parts.insert(0, clause)
    if not parts:
        return _usage(f"'{what}' is neither a rule nor a clause; see --list-rules.")
    return _print("\n".join(parts), output)


def _clause(identifier: str) -> str | None:
    """The contract's words for a clause, where the contract has it."""
    from metaflow_orchestrator_kit import contract

    try:
        return contract.explain(identifier)
    except (KeyError, ValueError, AttributeError):
        return None


def _usage(message: str) -> int:
    print(message, file=sys.stderr)
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
