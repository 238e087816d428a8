"""What the command prints about an update: what was written, what was kept, what to look at."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import click

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold.update import Fate, Update

_VERBS = {
    Fate.REFRESHED: "refreshed",
    Fate.ADDED: "added",
    Fate.REPLACED: "replaced, you had edited it",
}


def result(update: Update, *, dry_run: bool) -> str:
    """The whole text, styled; the caller strips the colours where they do not belong."""
    lines = [click.style(_headline(update, dry_run), bold=True), *_paragraphs(update, dry_run)]
    return "\n".join(lines) + "\n"


def _headline(update: Update, dry_run: bool) -> str:
    versions = f"metaflow-orchestrator-kit {__version__}"
    if update.before != __version__:
        versions = f"{update.before} to {versions}"
    if not update.changes:
        return f"{update.target} is up to date with metaflow-orchestrator-kit {__version__}"
    verb = "Would update" if dry_run else "Updated"
    with_or_from = "with" if update.before == __version__ else "from"
    count = len(update.with_fate(*_VERBS))
    return (
        f"{verb} {count} file{'' if count == 1 else 's'} of {update.target}, "
        f"{with_or_from} {versions}"
    )


def _paragraphs(update: Update, dry_run: bool) -> Iterator[str]:
    for fate, verb in _VERBS.items():
        for path in update.with_fate(fate):
            yield f"  {path}  {click.style(verb, dim=True)}"
    if update.backup is not None:
        yield ""
        verb = "would be" if dry_run else "is"
        yield f"What you had edited {verb} kept in {update.target / update.backup}"
    edited, others = update.with_fate(Fate.EDITED), update.with_fate(Fate.UNTOUCHED)
    yield ""
    yield (
        f"Kept: {len(edited)} of your files that you have edited, "
        f"and {len(others)} that this kit would write differently now."
        if others
        else f"Kept: all of your files, {len(edited)} of them edited."
    )
    yield from _listed(others)
    if others:
        command = f"metaflow-orchestrator-scaffold --update {shlex.quote(str(update.target))}"
        yield f"To refresh these, too: {command} --untouched"
    if update.changed_by_both:
        yield ""
        yield "You and the kit have both changed these; look what is new in a fresh project:"
        yield from _listed(update.changed_by_both)
    if released := update.with_fate(Fate.RELEASED):
        yield ""
        yield "No longer part of the kit; yours now, remove them when nothing imports them:"
        yield from _listed(released)
    if update.broken:
        yield ""
        yield click.style("These imports find nothing any more:", fg="yellow")
        yield from (f"  {sentence}" for sentence in update.broken)
    if update.changes and not dry_run:
        yield ""
        yield f"Now run: metaflow-orchestrator-validate {shlex.quote(str(update.target))}"


def _listed(paths: Iterable[PurePosixPath]) -> Iterator[str]:
    return (f"  {path}" for path in paths)
