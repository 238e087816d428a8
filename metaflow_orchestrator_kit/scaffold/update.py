"""Bringing a project that an older kit generated up to date.

The kit's files are refreshed and the author's are kept. Which is which, and what has been edited
since, the record in the project tells. A file of the kit's that was edited stops the update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold import imports, names, record, render, write
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError
from metaflow_orchestrator_kit.scaffold.record import Entry, Record
from metaflow_orchestrator_kit.scaffold.render import Owner, Project, ProjectFile

#: Where `--force` puts what it replaces: this and a number, in the project's folder.
BACKUP = ".metaflow-orchestrator-kit-backup"


class Fate(Enum):
    """What an update does to one file."""

    ADDED = "added"
    REFRESHED = "refreshed"
    REPLACED = "replaced although it was edited"
    CURRENT = "up to date"
    EDITED = "yours, edited"
    UNTOUCHED = "yours, as it was generated"
    REMOVED = "yours, and you removed it"
    RELEASED = "the kit's no longer, so yours now"


_WRITTEN = frozenset({Fate.ADDED, Fate.REFRESHED, Fate.REPLACED})


@dataclass(frozen=True, slots=True)
class Update:
    """What an update will do; nothing has happened yet.

    Attributes:
        target: the folder of the project.
        before: the version of the kit that wrote the project.
        fates: what happens to each file, by path.
        changed_by_both: the author's files that the author has edited, and the kit since then.
        backup: the folder for what is replaced although it was edited; None when nothing is.
        broken: sentences about imports that find nothing after the update.
        steps: how it is written.
    """

    target: Path
    before: str
    fates: Mapping[PurePosixPath, Fate]
    changed_by_both: tuple[PurePosixPath, ...]
    backup: PurePosixPath | None
    broken: tuple[str, ...]
    steps: write.Plan

    def with_fate(self, *fates: Fate) -> tuple[PurePosixPath, ...]:
        """The files with one of some fates, in order."""
        return tuple(path for path in sorted(self.fates) if self.fates[path] in fates)

    @property
    def changes(self) -> bool:
        """Whether there is anything to write besides the record."""
        return any(fate in _WRITTEN for fate in self.fates.values())


def plan(
    target: Path, *, force: bool = False, untouched: bool = False, templates: Path | None = None
) -> Update:
    """What updating the project in a folder would do.

    Args:
        target: the folder of the project.
        force: replace the kit's files although they were edited, and go back to an older kit.
        untouched: refresh also those of the author's files that nobody has edited.
        templates: the templates to render; the kit's own when left out.

    Raises:
        ScaffoldError: it is no project of the scaffold, or one of a newer kit; or a file of the
            kit's was edited and `force` is not given. The text names the files.
    """
    with write.refusals(target):
        return _plan(target, force, untouched, templates)


def _plan(target: Path, force: bool, untouched: bool, templates: Path | None) -> Update:
    if target.is_symlink():
        raise ScaffoldError(f"{target} is a symbolic link. Name the folder itself.")
    if not target.is_dir():
        raise ScaffoldError(f"{target} is not a folder. Name the folder of a generated project.")
    before = record.read(target)
    if _is_newer(before.kit_version) and not force:
        raise ScaffoldError(
            f"{target} was written by metaflow-orchestrator-kit {before.kit_version}, and this is "
            f"{__version__}. Update the kit; --force goes back to what this one writes."
        )
    project = _project(target, before, templates)
    fates = _fates(target, before, project, untouched)
    edited = tuple(path for path in sorted(fates) if fates[path] is Fate.REPLACED)
    if edited and not force:
        raise ScaffoldError(_refusal(target, edited))
    wanted = {file.path: file for file in project.files}
    files = [wanted[path] for path, fate in fates.items() if fate in _WRITTEN]
    backup = _free(target) if edited else None
    if backup is not None:
        files += [_copy(target, path, backup) for path in edited]
    files.append(_record_after(before, project, fates))
    actions = tuple((file, write.action(target, file)) for file in files)
    return Update(
        target=target,
        before=before.kit_version,
        fates=fates,
        changed_by_both=tuple(_changed_by_both(before, project, fates)),
        backup=backup,
        broken=tuple(imports.broken(target, project, [file.path for file in files])),
        steps=write.Plan(target, actions, ()),
    )


def _project(target: Path, before: Record, templates: Path | None) -> Project:
    """The project as this kit writes it, for the answers that were given then."""
    try:
        answers = render.Answers(names.parse(before.name), before.engine)
        return render.project(answers, templates)
    except (names.NameProblem, ScaffoldError) as error:
        raise ScaffoldError(f"{target / record.PATH}: {error}") from error


def _fates(
    target: Path, before: Record, project: Project, untouched: bool
) -> dict[PurePosixPath, Fate]:
    """What happens to every file that was generated, or would be now."""
    fates: dict[PurePosixPath, Fate] = {}
    for file in project.files:
        if file.path == record.PATH:
            continue
        action = write.action(target, file)
        data = None if action is write.Action.NEW else (target / file.path).read_bytes()
        fate = _fate(file, before.files.get(file.path), data)
        # What comes with the engine has to fit the kit's modules, until the author makes it his.
        if fate is Fate.UNTOUCHED and (untouched or file.of_engine):
            fate = Fate.REFRESHED
        fates[file.path] = fate
    _leave_new_parts_of_a_replaced_engine(project, before, fates)
    for path, entry in before.files.items():
        if path not in fates and entry.owner == Owner.KIT.value and (target / path).is_file():
            fates[path] = Fate.RELEASED
    return fates


def _fate(file: ProjectFile, entry: Entry | None, data: bytes | None) -> Fate:
    """What happens to a file, given what the record says of it and what is in its place."""
    if data == file.content:
        return Fate.CURRENT
    is_the_kits = file.owner is Owner.KIT
    if data is None:
        return Fate.ADDED if is_the_kits or entry is None else Fate.REMOVED
    as_generated = entry is not None and entry.matches(data)
    if is_the_kits:
        return Fate.REFRESHED if as_generated else Fate.REPLACED
    return Fate.UNTOUCHED if as_generated else Fate.EDITED


def _leave_new_parts_of_a_replaced_engine(
    project: Project, before: Record, fates: dict[PurePosixPath, Fate]
) -> None:
    """A newer engine's new files come along only where the engine is still that of the kit."""
    names = (project.engine_file.name, f"{project.answers.engine}_")
    engine = [file.path for file in project.files if file.of_engine]
    ours = [path for path in engine if path in before.files and path.name.startswith(names)]
    if not any(fates[path] in (Fate.CURRENT, Fate.REFRESHED) for path in ours):
        for path in engine:
            if fates[path] is Fate.ADDED and path not in before.files:
                del fates[path]


def _changed_by_both(
    before: Record, project: Project, fates: Mapping[PurePosixPath, Fate]
) -> Iterator[PurePosixPath]:
    """The edited files of the author that the kit would write differently than it did then."""
    for file in project.files:
        if fates.get(file.path) is Fate.EDITED and not _was(before, file):
            yield file.path


def _was(before: Record, file: ProjectFile) -> bool:
    entry = before.files.get(file.path)
    return entry is not None and entry.matches(file.content)


def _refusal(target: Path, edited: tuple[PurePosixPath, ...]) -> str:
    listing = "".join(f"\n  {target / path}" for path in edited)
    which = "This file belongs" if len(edited) == 1 else "These files belong"
    return (
        f"{which} to the kit, and not as the kit wrote it:{listing}\n"
        "Nothing was written. Move what you changed to a file of yours, or use --force, which "
        f"replaces what is listed and keeps a copy in {target / _free(target)}."
    )


def _copy(target: Path, path: PurePosixPath, backup: PurePosixPath) -> ProjectFile:
    return ProjectFile(backup / path, (target / path).read_bytes(), Owner.AUTHOR)


def _free(target: Path) -> PurePosixPath:
    """A name for the backup that nothing has yet."""
    number = 1
    while (target / f"{BACKUP}-{number}").exists():
        number += 1
    return PurePosixPath(f"{BACKUP}-{number}")


def _record_after(
    before: Record, project: Project, fates: Mapping[PurePosixPath, Fate]
) -> ProjectFile:
    """The record: what was written now, and what was generated then of all that is kept.

    So the next update still tells the author's untouched files from edited ones.
    """
    files: dict[PurePosixPath, Entry] = {}
    for path, entry in before.files.items():
        released = fates.get(path) is Fate.RELEASED
        files[path] = Entry(Owner.AUTHOR.value, entry.sha256) if released else entry
    for file in project.files:
        if fates.get(file.path) in (*_WRITTEN, Fate.CURRENT):
            files[file.path] = record.entry(file.owner.value, file.content)
    content = record.serialised(project.answers.recorded(), files)
    return ProjectFile(record.PATH, content, Owner.KIT)


def _is_newer(version: str) -> bool:
    """Whether another version of the kit is newer than this one; what is no number is not."""
    try:
        return _numbers(version) > _numbers(__version__)
    except ValueError:
        return False


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+")[0].split("."))
