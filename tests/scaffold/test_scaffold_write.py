"""All of the files or none, and never anybody else's."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from metaflow_orchestrator_kit.scaffold import names, render, write
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError

README = PurePosixPath("README.md")


def tree(folder: Path) -> Mapping[str, str]:
    """Everything below a folder: its files with their text, links and folders by what they are."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "(folder)" if path.is_dir() else path.read_text()
    return found


def put(project: render.Project, target: Path, *, force: bool = False) -> write.Plan:
    plan = write.plan(project, target, force=force)
    write.write(plan)
    return plan


def assert_complete(project: render.Project, target: Path) -> None:
    for file in project.files:
        assert (target / file.path).read_bytes() == file.content


def test_a_new_folder_holds_exactly_the_project(project: render.Project, home: Path) -> None:
    put(project, home / "new")

    assert_complete(project, home / "new")
    files = {name for name, text in tree(home / "new").items() if text != "(folder)"}
    assert files == {str(file.path) for file in project.files}
    assert [path.name for path in home.iterdir()] == ["new"]


def test_a_new_folder_is_as_open_as_any_other(project: render.Project, home: Path) -> None:
    (home / "other").mkdir()
    put(project, home / "new")
    assert (home / "new").stat().st_mode == (home / "other").stat().st_mode


def test_missing_parents_are_created(project: render.Project, home: Path) -> None:
    put(project, home / "a" / "b" / "new")
    assert_complete(project, home / "a" / "b" / "new")


def test_an_empty_folder_is_filled_and_stays_the_same_folder(
    project: render.Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = home.stat().st_ino
    monkeypatch.chdir(home)

    put(project, Path())

    assert_complete(project, home)
    assert home.stat().st_ino == before


def test_a_folder_that_is_not_empty_is_refused(project: render.Project, home: Path) -> None:
    (home / "notes.txt").write_text("mine")
    before = tree(home)

    with pytest.raises(ScaffoldError, match=r"not empty.*--force"):
        put(project, home)

    assert tree(home) == before


def test_force_replaces_generated_files_and_keeps_all_others(
    project: render.Project, home: Path
) -> None:
    put(project, home)
    (home / README).write_text("edited")
    (home / "notes.txt").write_text("mine")
    (home / ".git").mkdir()
    (home / ".git" / "HEAD").write_text("ref")

    plan = put(project, home, force=True)

    assert_complete(project, home)
    assert (home / "notes.txt").read_text() == "mine"
    assert (home / ".git" / "HEAD").read_text() == "ref"
    assert plan.kept == (".git/", "notes.txt")
    actions = {file.path: action for file, action in plan.actions}
    assert actions.pop(README) is write.Action.REPLACED
    assert set(actions.values()) == {write.Action.UNCHANGED}


def test_force_does_not_mix_two_extensions_in_one_folder(
    project: render.Project, templates: Path, home: Path
) -> None:
    put(project, home)
    before = tree(home)
    other = render.project(render.Answers(names.parse("nomad2"), "small"), templates)

    with pytest.raises(ScaffoldError, match="holds the extension 'my-scheduler'"):
        put(other, home, force=True)

    assert tree(home) == before


@pytest.mark.parametrize("force", [False, True])
def test_a_link_to_a_folder_is_refused(project: render.Project, home: Path, force: bool) -> None:
    (home / "real").mkdir()
    (home / "link").symlink_to("real")
    before = tree(home)

    with pytest.raises(ScaffoldError, match="symbolic link"):
        put(project, home / "link", force=force)

    assert tree(home) == before


def test_a_broken_link_is_refused(project: render.Project, home: Path) -> None:
    (home / "link").symlink_to("nowhere")
    with pytest.raises(ScaffoldError, match="symbolic link"):
        put(project, home / "link")


@pytest.mark.parametrize("force", [False, True])
def test_a_file_in_place_of_the_folder_is_refused(
    project: render.Project, home: Path, force: bool
) -> None:
    (home / "file").write_text("mine")
    with pytest.raises(ScaffoldError, match="is a file"):
        put(project, home / "file", force=force)
    assert tree(home) == {"file": "mine"}


def test_a_file_in_place_of_a_parent_is_refused(project: render.Project, home: Path) -> None:
    (home / "file").write_text("mine")
    with pytest.raises(ScaffoldError, match="not a folder"):
        put(project, home / "file" / "new")
    assert tree(home) == {"file": "mine"}


def test_a_link_in_place_of_a_generated_file_is_not_followed(
    project: render.Project, home: Path
) -> None:
    outside = home / "outside.md"
    outside.write_text("mine")
    target = home / "project"
    target.mkdir()
    (target / README).symlink_to(outside)
    before = tree(home)

    with pytest.raises(ScaffoldError, match=r"README\.md has to be a plain file"):
        put(project, target, force=True)

    assert tree(home) == before


def test_a_linked_folder_inside_the_project_is_not_followed(
    project: render.Project, home: Path
) -> None:
    (home / "outside").mkdir()
    target = home / "project"
    target.mkdir()
    (target / ".github").symlink_to(home / "outside")
    before = tree(home)

    with pytest.raises(ScaffoldError, match=r"\.github has to be a folder"):
        put(project, target, force=True)

    assert tree(home) == before


def test_a_folder_in_place_of_a_generated_file_is_refused(
    project: render.Project, home: Path
) -> None:
    (home / README).mkdir()
    with pytest.raises(ScaffoldError, match="has to be a plain file"):
        put(project, home, force=True)
    assert tree(home) == {"README.md": "(folder)"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_parent_that_is_not_writable_is_refused(project: render.Project, home: Path) -> None:
    home.chmod(0o555)
    with pytest.raises(ScaffoldError, match="not writable"):
        put(project, home / "new")
    assert tree(home) == {}


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system without writing")
def test_a_file_system_that_refuses_is_one_sentence(project: render.Project) -> None:
    with pytest.raises(ScaffoldError, match=r"^Cannot write /proc/new: .+ Nothing was written\.$"):
        put(project, Path("/proc/new"))


def test_a_name_too_long_for_the_file_system_is_one_sentence(
    project: render.Project, home: Path
) -> None:
    with pytest.raises(ScaffoldError, match="name too long"):
        put(project, home / ("x" * 300))
    assert tree(home) == {}


def test_a_new_folder_does_not_appear_when_a_file_cannot_be_written(
    project: render.Project, home: Path
) -> None:
    bad = render.ProjectFile(PurePosixPath("z" * 300), b"", render.Owner.AUTHOR)
    failing = replace(project, files=(*project.files, bad))

    with pytest.raises(ScaffoldError, match="Nothing was written"):
        put(failing, home / "a" / "new")

    assert tree(home) == {}


def test_what_was_replaced_comes_back_when_a_later_file_cannot_be_moved(
    project: render.Project, home: Path
) -> None:
    (home / README).write_text("mine")
    plan = write.plan(project, home, force=True)
    last, _ = plan.actions[-1]
    # It comes between the check and the writing, and a file cannot replace a folder.
    (home / last.path).mkdir(parents=True)
    before = tree(home)

    with pytest.raises(ScaffoldError, match="Nothing was written"):
        write.write(plan)

    assert tree(home) == before
