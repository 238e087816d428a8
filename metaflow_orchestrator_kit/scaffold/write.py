"""Writing a project: all of its files or none.

Everything is checked first, then written into a staging folder on the same file system, and only
then moved to its place. What fails half-way is undone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from metaflow_orchestrator_kit.scaffold import record
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError
from metaflow_orchestrator_kit.scaffold.render import Project, ProjectFile

_STAGING = ".metaflow-orchestrator-scaffold-"


class Action(Enum):
    """What writing does to one file."""

    NEW = "new"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to a folder; nothing has happened yet."""

    target: Path
    actions: tuple[tuple[ProjectFile, Action], ...]
    kept: tuple[str, ...]
    """What is in the project's folders already and is none of its files."""


def plan(project: Project, target: Path, *, force: bool) -> Plan:
    """What writing the project into ``target`` would do.

    Raises:
        ScaffoldError: it cannot be written there, or only with ``force``.
    """
    with refusals(target):
        return _plan(project, target, force)


def _plan(project: Project, target: Path, force: bool) -> Plan:
    if target.is_symlink():
        raise ScaffoldError(f"{target} is a symbolic link. Name the folder itself.")
    if not target.exists():
        _check_ancestor(target)
        return Plan(target, tuple((file, Action.NEW) for file in project.files), ())
    if not target.is_dir():
        raise ScaffoldError(f"{target} is a file. Name a folder that does not exist yet.")
    if any(target.iterdir()) and not force:
        raise ScaffoldError(
            f"{target} exists and is not empty. Name another folder, or use --force, which "
            "replaces the files that the scaffold generates and keeps all others."
        )
    name = project.answers.names.type
    recorded = record.recorded_name(target)
    if recorded not in (None, name):
        raise ScaffoldError(
            f"{target} holds the extension '{recorded}'. Name another folder for '{name}'."
        )
    actions = tuple((file, action(target, file)) for file in project.files)
    return Plan(target, actions, _others(target, project.files))


def write(plan: Plan) -> None:
    """Do it, or raise and leave everything as it was.

    Raises:
        ScaffoldError: the file system refused; says which path and why.
    """
    with refusals(plan.target):
        if plan.target.exists():
            _write_into(plan)
        else:
            _write_new(plan)


def _write_new(plan: Plan) -> None:
    """A folder that does not exist appears complete, in one rename, missing parents included."""
    target = plan.target.parent.resolve() / plan.target.name
    first_missing = target
    while not first_missing.parent.exists():
        first_missing = first_missing.parent
    with _staging(first_missing.parent) as staging:
        # One level down, because the staging folder itself is private to its owner.
        staged = staging / "new"
        _write_all(staged / target.relative_to(first_missing), [file for file, _ in plan.actions])
        staged.rename(first_missing)


def _write_into(plan: Plan) -> None:
    """Files go to their places one after another; what was there comes back on failure."""
    changed = [(file, action) for file, action in plan.actions if action is not Action.UNCHANGED]
    with _staging(plan.target) as staging:
        _write_all(staging / "new", [file for file, _ in changed])
        done: list[tuple[Path, Path | None]] = []
        folders: list[Path] = []
        try:
            for number, (file, action) in enumerate(changed):
                place = plan.target / file.path
                folders += _make_folders(place.parent)
                backup = None
                if action is Action.REPLACED:
                    backup = staging / f"old-{number}"
                    shutil.copy2(place, backup)
                (staging / "new" / file.path).replace(place)
                done.append((place, backup))
        except BaseException:
            for place, backup in reversed(done):
                if backup is None:
                    place.unlink(missing_ok=True)
                else:
                    backup.replace(place)
            for folder in reversed(folders):
                folder.rmdir()
            raise


def _write_all(folder: Path, files: list[ProjectFile]) -> None:
    for file in files:
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)


def _make_folders(folder: Path) -> list[Path]:
    """Create a folder; which ones were missing, outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    missing.reverse()
    for path in missing:
        path.mkdir()
    return missing


@contextmanager
def _staging(beside: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def refusals(target: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ScaffoldError(f"Cannot write {target}: {reason}. Nothing was written.") from error


def _check_ancestor(target: Path) -> None:
    """The nearest folder that exists above the target has to be a folder that takes files."""
    ancestor = target.parent.resolve()
    while not os.path.lexists(ancestor):
        ancestor = ancestor.parent
    if not ancestor.is_dir():
        raise ScaffoldError(f"{ancestor} is not a folder, so {target} cannot be created.")
    if not os.access(ancestor, os.W_OK | os.X_OK):
        raise ScaffoldError(f"{ancestor} is not writable, so {target} cannot be created.")


def action(target: Path, file: ProjectFile) -> Action:
    """What happens to one file of an existing folder.

    Raises:
        ScaffoldError: something other than a plain file, in plain folders, is in its place.
    """
    for depth in range(1, len(file.path.parts)):
        folder = target.joinpath(*file.path.parts[:depth])
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise ScaffoldError(f"{folder} has to be a folder. Move it away, or write elsewhere.")
    place = target / file.path
    if not os.path.lexists(place):
        return Action.NEW
    if place.is_symlink() or not place.is_file():
        raise ScaffoldError(f"{place} has to be a plain file. Move it away, or write elsewhere.")
    return Action.UNCHANGED if place.read_bytes() == file.content else Action.REPLACED


def _others(target: Path, files: tuple[ProjectFile, ...]) -> tuple[str, ...]:
    """What is in the folders of the project and is not of it; folders with a slash at the end."""
    ours = {file.path for file in files}
    folders = {folder for path in ours for folder in path.parents}
    found = []
    for folder in folders:
        if (target / folder).is_dir():
            for entry in (target / folder).iterdir():
                path = folder / entry.name
                if path not in ours and path not in folders:
                    found.append(f"{path}/" if entry.is_dir() else str(path))
    return tuple(sorted(found))
