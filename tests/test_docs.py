"""The examples in README.md, CONTRIBUTING.md and docs/ do what the text around them says.

Fenced blocks are run in the order of the page, in one folder, as a reader would:

``console``
    Every ``$`` line is run by a shell. The lines after it must come in its output in that order;
    lines that are left out need no mark, the rest of a line may be ``…``, and numbers may differ.
    ``<!-- exit: 1 -->`` before the block says that the last command ends so.
``python``
    Run as a program; a ``text`` block after it is what it prints. ``<!-- file: NAME -->`` before
    the block writes it to that file instead.
``sh``
    For commands of a checkout, which are not run here; make must have the targets.
no language
    The form of a command, or a picture.
``toml``
    Settings of the validator: its own test reads them.
``yaml``
    Parsed; the inputs of our action must be those of action.yml.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>file|exit): (?P<value>\S+) -->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, with the comment before it."""

    language: str
    text: str
    line: int
    note: str | None
    value: str | None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            text.count("\n", 0, found.start("language")) + 1,
            found["note"],
            found["value"],
        )
        for found in BLOCK.finditer(text)
    ]


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, with the lines that are shown of its output."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command, [line for line in shown if line.strip()]


def normal(line: str) -> str:
    return re.sub(r"\d+(\.\d+)*", "0", " ".join(line.split()))


def missing(shown: list[str], output: str) -> str | None:
    """The first line that is not there, in its place."""
    lines = iter([normal(line) for line in output.splitlines()])
    return next((one for one in shown if not any(fits(normal(one), line) for line in lines)), None)


def fits(shown: str, line: str) -> bool:
    return line.startswith(shown[:-1].rstrip()) if shown.endswith("…") else line == shown


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows a page in an empty folder."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert done.returncode == code, f"{command[-1]}: code {done.returncode}\n{done.stdout}"
        return done.stdout


def runs(page: Path) -> bool:
    """Whether the page has something to run."""
    return any(block.language in ("console", "python") for block in blocks(page))


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """With an environment that has the kit, as `pip install` leaves it; no network."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    lent = [folder for folder in sys.path if folder.endswith("-packages")]
    (site / "lent.pth").write_text("\n".join(lent) + "\n")
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    reader = Reader(
        folder,
        {
            "PATH": f"{venv / 'bin'}{os.pathsep}{os.defpath}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "USER": "reader",
            # What pip calls "no" switches build isolation off.
            "PIP_NO_BUILD_ISOLATION": "no",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INDEX": "1",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path / "datastore"),
        },
    )
    # Python up to 3.11 puts a setuptools into each environment that is older than what builds here.
    reader.run("bash", "-c", "rm -rf ../venv/lib/python*/site-packages/setuptools*")
    reader.run("pip", "install", "--no-deps", str(ROOT))
    return reader


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", [*filter(runs, PAGES)], ids=lambda page: page.name)
def test_every_example_does_what_the_page_says(page: Path, reader: Reader) -> None:
    found = blocks(page)
    for block, after in zip(found, [*found[1:], None], strict=False):
        where = f"{page.name}:{block.line}"
        if block.language == "console":
            parts = list(commands(block))
            for number, (command, shown) in enumerate(parts, start=1):
                last = number == len(parts) and block.note == "exit"
                code = int(block.value or 0) if last else 0
                output = reader.run("bash", "-c", command, code=code)
                absent = missing(shown, output)
                assert absent is None, f"{where}: '{absent}' is not in the output of\n{output}"
        elif block.language == "python" and block.note == "file":
            (reader.folder / str(block.value)).write_text(block.text)
        elif block.language == "python":
            output = reader.run("python", "-c", block.text)
            if after is not None and after.language == "text":
                absent = missing(after.text.splitlines(), output)
                assert absent is None, f"{where}: '{absent}' is not in the output of\n{output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_checked(page: Path) -> None:
    known = {"console", "python", "text", "sh", "toml", "yaml"}
    assert {block.language for block in blocks(page)} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_and_its_heading_has_a_target(page: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {path}#{anchor}"


def anchors(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def test_make_has_every_target_that_a_page_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`", page.read_text(), re.M):
            name = "".join(target)
            assert re.search(rf"^{name}:", makefile, re.MULTILINE), f"{page.name}: make {name}"


def test_workflow_examples_are_yaml_and_know_the_inputs_of_the_action() -> None:
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    seen = 0
    for page in PAGES:
        for block in blocks(page):
            if block.language != "yaml":
                continue
            content = yaml.safe_load(block.text)
            for one in content.get("steps", ()):
                if "metaflow-orchestrator-kit@" in one.get("uses", ""):
                    assert set(one["with"]) <= inputs
                    seen += 1
            for one in content.get("repos", ()):
                assert [used["id"] for used in one["hooks"]] == [hook["id"]]
                seen += 1
    assert seen == 2


def test_the_generated_parts_of_the_readme_are_up_to_date(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    readme = importlib.import_module("readme")
    text = readme.README.read_text(encoding="utf-8")
    assert text == readme.filled(text), f"Run: {readme.COMMAND}"


def test_a_line_that_is_not_printed_is_noticed() -> None:
    assert missing(["b 3", "d"], "a\nb  12\nc\nd\n") is None
    assert missing(["d", "b 3"], "a\nb  12\nc\nd\n") == "b 3"
    assert missing(["b …"], "a\nb  12\n") is None
    assert missing(["c …"], "a\nb  12\n") == "c …"
