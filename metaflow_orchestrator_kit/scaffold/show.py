"""What the command prints: the tree of the project, the file to edit, the next commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from metaflow_orchestrator_kit.scaffold.render import Owner, Project, ProjectFile
from metaflow_orchestrator_kit.scaffold.write import Action, Plan

_MOST_KEPT = 5


def result(plan: Plan, project: Project, *, dry_run: bool) -> str:
    """The whole text, styled; the caller strips the colours where they do not belong."""
    lines = [_headline(plan, dry_run), "", *_tree(plan, project)]
    if plan.kept:
        shown = ", ".join(plan.kept[:_MOST_KEPT])
        more = len(plan.kept) - _MOST_KEPT
        lines += ["", f"Kept: {shown}" + (f" and {more} more" if more > 0 else "")]
    if not dry_run:
        lines += ["", *_next(plan.target, project)]
    return "\n".join(lines) + "\n"


def _headline(plan: Plan, dry_run: bool) -> str:
    actions = [action for _, action in plan.actions]
    verb = "Would write" if dry_run else "Wrote"
    written = len(actions) - actions.count(Action.UNCHANGED)
    text = f"{verb} {written} file{'' if written == 1 else 's'} to {plan.target}"
    replaced = actions.count(Action.REPLACED)
    unchanged = actions.count(Action.UNCHANGED)
    if replaced or unchanged:
        text += f" ({replaced} replaced, {unchanged} unchanged)"
    return click.style(text, bold=True)


@dataclass(slots=True)
class _Folder:
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """From a file's name to the note beside it."""


def _tree(plan: Plan, project: Project) -> list[str]:
    root = _Folder()
    for file, action in plan.actions:
        folder = root
        for part in file.path.parts[:-1]:
            folder = folder.folders.setdefault(part, _Folder())
        folder.files[file.path.name] = _note(file, action, project)
    rows = list(_rows(root, indent=1))
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {note}".rstrip() for name, note in rows]


def _rows(folder: _Folder, indent: int) -> Iterator[tuple[str, str]]:
    margin = "  " * indent
    for name, inside in sorted(folder.folders.items()):
        # A folder that holds one folder and nothing else shares its line.
        while not inside.files and len(inside.folders) == 1:
            ((only, inside),) = inside.folders.items()
            name = f"{name}/{only}"
        yield f"{margin}{name}/", ""
        yield from _rows(inside, indent + 1)
    for name, note in sorted(folder.files.items()):
        yield f"{margin}{name}", note


_NOTES: Mapping[Action, str] = {
    Action.NEW: "",
    Action.REPLACED: "replaced",
    Action.UNCHANGED: "unchanged",
}


def _note(file: ProjectFile, action: Action, project: Project) -> str:
    notes = [_NOTES[action]]
    if file.path == project.engine_file:
        notes.append(click.style("<- the file to edit", fg="green"))
    elif file.owner is Owner.KIT:
        notes.append(click.style("kit-owned", dim=True))
    return ", ".join(filter(None, notes))


def _next(target: Path, project: Project) -> list[str]:
    names = project.answers.names
    folder = shlex.quote(str(target))
    # `pip install name` would ask the package index; `./name` is the folder.
    installed = folder if target.is_absolute() else shlex.quote(f"./{target}")
    commands = (
        ("pip install -e " + installed, "Metaflow then knows it"),
        (f"metaflow-orchestrator-validate {folder}", "reads the code"),
        (f"metaflow-orchestrator-test --scheduler-type {names.type}", "runs flows on it"),
    )
    width = max(len(command) for command, _ in commands)
    return [
        f"It works as it is. Replace, one method at a time, each TODO: SCHEDULER API in\n"
        f"  {target / project.engine_file}",
        "",
        "Next:",
        *(
            f"  {command:<{width}}  {click.style('# ' + why, dim=True)}"
            for command, why in commands
        ),
    ]
