"""Bringing a project up to date: the kit's files are refreshed, the author's are kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metaflow_orchestrator_kit import __version__
from metaflow_orchestrator_kit.scaffold import names, render, show_update, update, write
from metaflow_orchestrator_kit.scaffold.cli import main
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError

PACKAGE = "metaflow_extensions/my_scheduler/plugins/my_scheduler"
TEMPLATE = "metaflow_extensions/__module__/plugins/__module__"
PLAN = f"{PACKAGE}/plan.py"
CLI = f"{PACKAGE}/my_scheduler_cli.py"
ENGINE = f"{PACKAGE}/my_scheduler_engine.py"
STORE = f"{PACKAGE}/small_store.py"
RECORD = ".metaflow-orchestrator-kit.json"


@dataclass(frozen=True, slots=True)
class Kit:
    """A kit whose templates can change after a project was written."""

    templates: Path
    folder: Path

    def scaffold(self) -> None:
        answers = render.Answers(names.parse("my-scheduler"), "small")
        project = render.project(answers, self.templates)
        write.write(write.plan(project, self.folder, force=False))

    def changes(self, template: str, text: str) -> None:
        place = self.templates / template
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def plan(self, *, force: bool = False, untouched: bool = False) -> update.Update:
        return update.plan(self.folder, force=force, untouched=untouched, templates=self.templates)

    def update(self, *, force: bool = False, untouched: bool = False) -> update.Update:
        planned = self.plan(force=force, untouched=untouched)
        write.write(planned.steps)
        return planned

    def text(self, path: str) -> str:
        return (self.folder / path).read_text()

    def edit(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def template(self, path: str) -> str:
        return (self.templates / path).read_text()

    def record(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.text(RECORD))
        return found

    def tree(self) -> Mapping[str, bytes]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


@pytest.fixture
def kit(templates: Path, tmp_path: Path) -> Kit:
    kit = Kit(templates, tmp_path / "project")
    kit.scaffold()
    return kit


def test_a_project_of_this_kit_stays_as_it_is(kit: Kit) -> None:
    before = kit.tree()

    planned = kit.update()

    assert not planned.changes
    assert kit.tree() == before


def test_kit_owned_files_are_refreshed_and_the_authors_are_kept(kit: Kit) -> None:
    kit.changes(f"extension/{TEMPLATE}/plan.py", "X = 2\n")
    kit.changes(f"extension/{TEMPLATE}/__module___cli.py.j2", "NEW = 1\n")
    kit.changes(f"extension/{TEMPLATE}/walk.py", "Y = 1\n")
    kit.edit("README.md", "mine")
    before = kit.text(CLI)

    planned = kit.update()

    assert kit.text(PLAN) == "X = 2\n"
    assert kit.text(f"{PACKAGE}/walk.py") == "Y = 1\n"
    assert kit.text(CLI) == before
    assert kit.text("README.md") == "mine"
    said = {str(path): fate for path, fate in planned.fates.items()}
    assert said[PLAN] is update.Fate.REFRESHED
    assert said[f"{PACKAGE}/walk.py"] is update.Fate.ADDED
    assert said[CLI] is update.Fate.UNTOUCHED
    assert said["README.md"] is update.Fate.EDITED
    assert planned.backup is None


def test_updating_twice_is_updating_once(kit: Kit) -> None:
    kit.changes(f"extension/{TEMPLATE}/plan.py", "X = 2\n")
    kit.update()
    after = kit.tree()

    assert not kit.update().changes
    assert kit.tree() == after


def test_an_edited_kit_owned_file_stops_everything_and_is_named(kit: Kit) -> None:
    kit.changes(f"extension/{TEMPLATE}/walk.py", "Y = 1\n")
    kit.edit(PLAN, "X = 'edited'\n")
    before = kit.tree()

    with pytest.raises(ScaffoldError, match=rf"(?s){PLAN}.*Nothing was written.*--force"):
        kit.update()

    assert kit.tree() == before


def test_force_replaces_an_edited_file_and_keeps_a_copy_each_time(kit: Kit) -> None:
    for number in (1, 2):
        kit.edit(PLAN, f"X = 'edited {number}'\n")

        planned = kit.update(force=True)

        assert str(planned.backup) == f".metaflow-orchestrator-kit-backup-{number}"
        assert kit.text(f"{planned.backup}/{PLAN}") == f"X = 'edited {number}'\n"
        assert kit.text(PLAN) == kit.template(f"extension/{TEMPLATE}/plan.py")


def test_an_edit_that_the_kit_has_made_too_is_no_edit(kit: Kit) -> None:
    kit.changes(f"extension/{TEMPLATE}/plan.py", "X = 2\n")
    kit.edit(PLAN, "X = 2\n")

    assert not kit.update().changes
    kit.changes(f"extension/{TEMPLATE}/plan.py", "X = 3\n")
    kit.update()
    assert kit.text(PLAN) == "X = 3\n"


def test_a_file_of_the_authors_in_the_place_of_a_new_one_of_the_kits_is_not_lost(kit: Kit) -> None:
    kit.changes(f"extension/{TEMPLATE}/walk.py", "Y = 1\n")
    kit.edit(f"{PACKAGE}/walk.py", "MINE = 1\n")

    with pytest.raises(ScaffoldError, match=r"walk\.py"):
        kit.update()
    planned = kit.update(force=True)

    assert kit.text(f"{planned.backup}/{PACKAGE}/walk.py") == "MINE = 1\n"


def test_a_kit_owned_file_that_was_removed_comes_back(kit: Kit) -> None:
    (kit.folder / PLAN).unlink()

    kit.update()

    assert kit.text(PLAN) == kit.template(f"extension/{TEMPLATE}/plan.py")


def test_untouched_files_of_the_author_are_refreshed_when_asked_for(kit: Kit) -> None:
    kit.changes(f"extension/{TEMPLATE}/__module___cli.py.j2", "NEW = 1\n")
    kit.changes("extension/README.md.j2", "# New\n")
    kit.edit("README.md", "mine")
    kit.update()
    assert kit.text(CLI) != "NEW = 1\n"

    planned = kit.update(untouched=True)

    assert kit.text(CLI) == "NEW = 1\n"
    assert kit.text("README.md") == "mine"
    assert [str(path) for path in planned.changed_by_both] == ["README.md"]


def test_an_engine_that_was_replaced_does_not_come_back(kit: Kit) -> None:
    kit.edit(ENGINE, "class MyOwn: ...\n")
    (kit.folder / STORE).unlink()
    kit.changes(f"engines/small/{TEMPLATE}/small_server.py", "NEW = 1\n")

    kit.update(untouched=True)

    assert kit.text(ENGINE) == "class MyOwn: ...\n"
    assert not (kit.folder / STORE).exists()
    assert not (kit.folder / PACKAGE / "small_server.py").exists()


def test_an_engine_that_nobody_has_touched_is_the_kits_and_comes_along(kit: Kit) -> None:
    kit.changes(f"engines/small/{TEMPLATE}/small_store.py", "STORE = 2\n")
    kit.changes(f"engines/small/{TEMPLATE}/small_server.py", "NEW = 1\n")
    kit.edit(ENGINE, "class Edited: ...\n")

    kit.update()

    assert kit.text(STORE) == "STORE = 2\n"
    assert kit.text(f"{PACKAGE}/small_server.py") == "NEW = 1\n"
    assert kit.text(ENGINE) == "class Edited: ...\n"


def test_a_new_file_for_the_author_is_added(kit: Kit) -> None:
    kit.changes(f"extension/{TEMPLATE}/__module___hooks.py.j2", "HOOKS = 1\n")

    kit.update()

    assert kit.text(f"{PACKAGE}/my_scheduler_hooks.py") == "HOOKS = 1\n"


def test_a_file_that_the_kit_has_no_more_becomes_the_authors(kit: Kit) -> None:
    (kit.templates / f"extension/{TEMPLATE}/plan.py").unlink()

    planned = kit.update()

    assert [str(path) for path in planned.with_fate(update.Fate.RELEASED)] == [PLAN]
    assert (kit.folder / PLAN).exists()
    files = kit.record()["files"]
    assert isinstance(files, dict) and files[PLAN]["owner"] == "author"


def test_imports_that_find_nothing_any_more_are_named(kit: Kit) -> None:
    kit.edit(f"{PACKAGE}/extra.py", "from .plan import X, Y as Z\nfrom .small_store import W\n")
    kit.changes(f"extension/{TEMPLATE}/plan.py", "Y = 2\n")

    planned = kit.plan()

    assert planned.broken == ("extra.py imports X from plan.py, which has no such name.",)
    assert "extra.py imports X" in show_update.result(planned, dry_run=True)


def test_the_record_tells_the_kit_that_updated_last(kit: Kit) -> None:
    kit.edit(RECORD, kit.text(RECORD).replace(f'"{__version__}"', '"0.0.9"'))
    kit.changes(f"extension/{TEMPLATE}/plan.py", "X = 2\n")

    planned = kit.update()

    assert planned.before == "0.0.9"
    assert kit.record()["kit_version"] == __version__
    assert f"from 0.0.9 to metaflow-orchestrator-kit {__version__}" in show_update.result(
        planned, dry_run=False
    )


def test_a_project_of_a_newer_kit_is_left_alone(kit: Kit) -> None:
    kit.edit(RECORD, kit.text(RECORD).replace(f'"{__version__}"', '"99.1"'))

    with pytest.raises(ScaffoldError, match=r"metaflow-orchestrator-kit 99\.1"):
        kit.update()
    kit.update(force=True)
    assert kit.record()["kit_version"] == __version__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "cannot be understood"),
        ("[]", "cannot be understood"),
        ('{"version": 1}', "cannot be understood"),
        ('{"version": 2}', "version 2, and this kit .* reads version 1"),
        (
            '{"version": 1, "kit_version": "0.1", "files": {}, '
            '"answers": {"name": "../evil", "engine": "small"}}',
            "it is a path",
        ),
        (
            '{"version": 1, "kit_version": "0.1", "files": {}, '
            '"answers": {"name": "x", "engine": "gone"}}',
            "no engine 'gone'",
        ),
    ],
)
def test_a_record_that_is_of_no_use_is_named(kit: Kit, text: str, message: str) -> None:
    kit.edit(RECORD, text)
    before = kit.tree()

    with pytest.raises(ScaffoldError, match=f"{RECORD}.*{message}"):
        kit.update()

    assert kit.tree() == before


def test_a_file_that_cannot_be_written_leaves_all_as_it_was(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.changes(f"extension/{TEMPLATE}/plan.py", "X = 2\n")
    kit.changes(f"extension/{TEMPLATE}/walk.py", "Y = 1\n")
    before, replace = kit.tree(), Path.replace

    def fail_at_the_record(source: Path, target: Path) -> Path:
        if target.name == RECORD and ".metaflow-orchestrator-scaffold-" in str(source):
            monkeypatch.undo()
            raise OSError(28, "No space left on device")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_record)
    with pytest.raises(ScaffoldError, match=r"No space left on device\. Nothing was written"):
        kit.update()

    assert kit.tree() == before


def test_a_link_in_the_place_of_a_file_is_not_followed(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text("theirs")
    (kit.folder / PLAN).unlink()
    (kit.folder / PLAN).symlink_to(tmp_path / "elsewhere.py")

    with pytest.raises(ScaffoldError, match="plain file"):
        kit.update(force=True)

    assert (tmp_path / "elsewhere.py").read_text() == "theirs"


def scaffold(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project of this kit in it, which an older one seems to have written."""
    monkeypatch.chdir(home)
    assert scaffold("my-scheduler").exit_code == 0
    folder = home / "my-scheduler"
    record = json.loads((folder / RECORD).read_text())
    outdated = b"# As it was.\n"
    (folder / PLAN).write_bytes(outdated)
    record["files"][PLAN]["sha256"] = update.record.entry("kit", outdated).sha256
    record["kit_version"] = "0.1.9"
    (folder / RECORD).write_text(json.dumps(record))
    return home


def test_the_command_updates_a_folder_or_the_current_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = scaffold("--update", "my-scheduler")

    assert result.exit_code == 0
    assert result.output.startswith("Updated 1 file of my-scheduler, from 0.1.9 to ")
    assert f"  {PLAN}  refreshed\n" in result.output
    assert "class Plan" in (here / "my-scheduler" / PLAN).read_text()
    monkeypatch.chdir(here / "my-scheduler")
    assert scaffold("--update").output.startswith(". is up to date with ")


def test_a_dry_run_says_the_same_and_writes_nothing(here: Path) -> None:
    result = scaffold("--update", "my-scheduler", "--dry-run")

    assert result.exit_code == 0
    assert result.output.startswith("Would update 1 file of my-scheduler, from 0.1.9 to ")
    assert (here / "my-scheduler" / PLAN).read_text() == "# As it was.\n"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_the_command_refuses_an_edited_file_with_code_2(here: Path, dry: list[str]) -> None:
    walk = here / "my-scheduler" / PACKAGE / "walk.py"
    walk.write_text("# mine\n")

    result = scaffold("--update", "my-scheduler", *dry)

    assert result.exit_code == 2
    assert f"my-scheduler/{PACKAGE}/walk.py" in result.stderr
    assert result.stdout == ""
    assert walk.read_text() == "# mine\n"
    assert (here / "my-scheduler" / PLAN).read_text() == "# As it was.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--update", "nowhere"], "nowhere is not a folder"),
        (["--update"], "is missing, so nothing says what was generated into ."),
        (["--update", ""], "DIR is empty"),
        (["--update", "my-scheduler", "x"], "what is 'x'?"),
        (["--update", "my-scheduler", "--engine", "embedded"], "what is '--engine embedded'?"),
        (["x", "--untouched"], "--untouched needs --update"),
    ],
)
def test_wrong_use_of_update_is_one_error(here: Path, arguments: list[str], message: str) -> None:
    result = scaffold(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("Error: ") == 1
    assert result.stdout == ""
