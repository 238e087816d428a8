"""Make the changes that findings carry: in memory, as a diff, or in the files themselves."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from metaflow_orchestrator_kit.validate.findings import Edit, Finding, Fix, Report
from metaflow_orchestrator_kit.validate.records import field, record, regex, replace
from metaflow_orchestrator_kit.validate.runner import validate_as
from metaflow_orchestrator_kit.validate.settings import Settings
from metaflow_orchestrator_kit.validate.sources import encoding_of, read

_MAX_ROUNDS = 10
_LINE = regex(r"[^\r\n]*(?:\r\n|\r|\n|$)")


class FixError(OSError):
    """A file could not be written; the message says which, and that it is as it was."""


@record()
class Change:
    """A file as it is and as it would be, and what that repairs."""

    path: str
    before: str
    after: str
    findings: tuple[Finding, ...]


@record(frozen=False)
class _File:
    text: str
    fixes: list[tuple[Finding, Fix]] = field(default_factory=list)


def repair(directory: Path, settings: Settings, unsafe: bool) -> Report:
    """Write every fix, as often as one makes room for another; answers what is left then.

    Raises:
        FixError: a file cannot be written.
    """
    findings = 0
    paths: set[str] = set()
    for _ in range(_MAX_ROUNDS):
        report = validate_as(directory, settings)
        made = changes(root_of(report), fixable(report, unsafe))
        if not made:
            break
        write(root_of(report), made)
        findings += sum(len(change.findings) for change in made)
        paths.update(change.path for change in made)
    else:
        report = validate_as(directory, settings)
    if not findings:
        return with_remark(report)
    said = f"Fixed {_counted(findings, 'finding')} in {_counted(len(paths), 'file')}."
    return with_remark(replace(report, remarks=(*report.remarks, said)))


def with_remark(report: Report) -> Report:
    """The report, with how many of its findings could be repaired."""
    safe, every = len(fixable(report, unsafe=False)), len(fixable(report, unsafe=True))
    if not every:
        return report
    said = f"{_counted(every, 'finding')} can be fixed: {safe} with --fix"
    if every > safe:
        said += f", {every - safe} with --fix --unsafe-fixes"
    return replace(report, remarks=(*report.remarks, f"{said}. --diff shows the changes."))


def root_of(report: Report) -> Path:
    """The folder that the paths of findings start from."""
    root = Path(report.directory)
    return root.parent if root.is_file() else root


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def fixable(report: Report, unsafe: bool) -> Sequence[Finding]:
    """The findings of *report* that can be repaired, those by unsafe fixes only with *unsafe*."""
    return [f for f in report.findings if f.fix is not None and (unsafe or f.fix.safe)]


def changes(root: Path, findings: Iterable[Finding]) -> list[Change]:
    """What the fixes of *findings* make of the files below *root*; nothing is written.

    Of fixes that touch the same text the first one is made. What would no longer parse as Python
    is left as it is.
    """
    files: dict[str, _File] = {}
    for finding in findings:
        paths = {edit.path for edit in finding.fix.edits} if finding.fix else set()
        if finding.fix is None or len(paths) != 1:
            continue
        (path,) = paths
        if path not in files:
            try:
                files[path] = _File(read(root / path))
            except ValueError:
                continue
        files[path].fixes.append((finding, finding.fix))
    made = (_change(path, file) for path, file in sorted(files.items()))
    return [change for change in made if change is not None]


def _change(path: str, file: _File) -> Change | None:
    taken: list[tuple[int, int]] = []
    wanted: list[tuple[int, int, str]] = []
    repaired: list[Finding] = []
    starts = _starts(file.text)
    for finding, fix in file.fixes:
        spans = [_span(starts, edit) for edit in fix.edits]
        if any(span is None for span in spans):
            continue
        known = [s for s in spans if s is not None]
        if set(zip(known, (e.text for e in fix.edits), strict=True)) <= {
            ((a, b), text) for a, b, text in wanted
        }:
            repaired.append(finding)
            continue
        if any((a < d and c < b) or (a, b) == (c, d) for a, b in known for c, d in taken):
            continue
        taken.extend(known)
        wanted.extend((a, b, e.text) for (a, b), e in zip(known, fix.edits, strict=True))
        repaired.append(finding)
    after = file.text
    for begin, end, text in sorted(wanted, reverse=True):
        after = after[:begin] + text + after[end:]
    if after == file.text or not _parses(path, after):
        return None
    return Change(path, file.text, after, tuple(repaired))


def _starts(text: str) -> list[int]:
    """Where each line begins."""
    return [match.start() for match in _LINE.finditer(text)]


def _lines(text: str) -> list[str]:
    return [line for line in _LINE.findall(text) if line]


def _span(starts: Sequence[int], edit: Edit) -> tuple[int, int] | None:
    if not 0 < edit.line <= edit.end_line <= len(starts):
        return None
    return starts[edit.line - 1] + edit.column - 1, starts[edit.end_line - 1] + edit.end_column - 1


def _parses(path: str, text: str) -> bool:
    if not path.endswith(".py"):
        return True
    try:
        ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def diff(made: Iterable[Change]) -> str:
    """The changes as a unified diff."""
    import difflib

    pieces: list[str] = []
    for change in made:
        lines = difflib.unified_diff(
            _lines(change.before),
            _lines(change.after),
            f"a/{change.path}",
            f"b/{change.path}",
        )
        for line in lines:
            pieces.append(line)
            if not line.endswith("\n"):
                pieces.append("\n\\ No newline at end of file\n")
    return "".join(pieces)


def write(root: Path, made: Iterable[Change]) -> None:
    """Write each file at once: it is the old one or the new one, whatever happens meanwhile.

    Raises:
        FixError: a file cannot be written, or is no longer what was read; it is as it was.
    """
    for change in made:
        path = (root / change.path).resolve()
        try:
            data = path.read_bytes()
            encoding = encoding_of(data)
            if data.decode(encoding) != change.before:
                raise FixError(f"'{change.path}' has changed meanwhile, so it is left as it is.")
            _replace(path, change.after.encode(encoding))
        except (OSError, ValueError, LookupError) as error:
            if isinstance(error, FixError):
                raise
            why = getattr(error, "strerror", None) or error
            raise FixError(f"Cannot write '{change.path}': {why}; it is as it was.") from error


def _replace(path: Path, data: bytes) -> None:
    import tempfile  # Late, as `difflib`: a run without --fix needs neither.

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(stat.S_IMODE(path.stat().st_mode))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
