"""Which files under a directory are the extension's own, and their text.

Tests, virtual environments, build outputs and vendored code say nothing about what the extension
does; they are left out, and listed. A file that cannot be read is a `Problem`, never silence.
"""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterator
from pathlib import Path

from metaflow_orchestrator_kit.validate.records import record

MAX_BYTES = 20_000_000
MAX_DEPTH = 40

_SKIPPED_DIRECTORIES = {
    "tests": "tests",
    "test": "tests",
    "testing": "tests",
    "docs": "documentation",
    "doc": "documentation",
    "examples": "examples",
    "example": "examples",
    "benchmarks": "benchmarks",
    "node_modules": "vendored",
    "vendor": "vendored",
    "_vendor": "vendored",
    "vendored": "vendored",
    "third_party": "vendored",
    "site-packages": "virtual environment",
    "venv": "virtual environment",
    "virtualenv": "virtual environment",
    "build": "build output",
    "dist": "build output",
    "__pycache__": "build output",
    "__pypackages__": "virtual environment",
}
_SKIPPED_ENDINGS = {".egg-info": "build output", ".dist-info": "build output", ".egg": "vendored"}
_SKIPPED_FILES = {"setup.py", "noxfile.py", "tasks.py", "conftest.py", "fabfile.py"}
TEMPLATE_ENDINGS = (".j2", ".jinja", ".jinja2", ".mustache", ".tmpl", ".tpl", ".sh", ".bash")
TEXT_ENDINGS = (*TEMPLATE_ENDINGS, ".yaml", ".yml")


@record()
class Skipped:
    """A path that was left out, and why."""

    path: str
    reason: str


@record()
class Problem:
    """A file that should have been read and could not be."""

    path: str
    message: str
    line: int = 1
    column: int = 1


@record(frozen=False)
class Tree:
    """The files of a directory, relative paths in sorted order."""

    root: Path
    python: list[Path]
    templates: list[Path]
    directories: list[Path]
    skipped: list[Skipped]
    problems: list[Problem]


def scan(root: Path) -> Tree:
    """List the files under *root*, or the single file that *root* is."""
    tree = Tree(root, [], [], [], [], [])
    if root.is_file():
        tree.python.append(root)
        tree.root = root.parent
        return tree
    for _ in _walk(tree, root, 0):
        pass
    return tree


def _walk(tree: Tree, directory: Path, depth: int) -> Iterator[None]:
    yield
    where = directory.relative_to(tree.root).as_posix()
    if depth > MAX_DEPTH:
        tree.problems.append(Problem(where, f"nested deeper than {MAX_DEPTH} directories"))
        return
    try:
        entries = sorted(os.scandir(directory), key=lambda e: e.name)
    except OSError as error:
        tree.problems.append(Problem(where, f"cannot be listed: {error.strerror or error}"))
        return
    tree.directories.append(directory)
    below: list[Path] = []
    for entry in entries:
        path = Path(entry.path)
        relative = path.relative_to(tree.root).as_posix()
        try:
            is_directory = entry.is_dir()
            is_file = entry.is_file()
        except OSError as error:
            tree.problems.append(Problem(relative, f"cannot be read: {error.strerror or error}"))
            continue
        if is_directory:
            reason = _why_skip_directory(entry, directory)
            if reason is None:
                below.append(path)
            elif reason:
                tree.skipped.append(Skipped(relative, reason))
        elif entry.is_symlink() and not is_file:
            if entry.name.endswith(".py"):
                tree.problems.append(Problem(relative, "is a symbolic link that leads nowhere"))
        elif is_file and entry.name.endswith(".py"):
            if _is_test_or_tool(entry.name, directory):
                tree.skipped.append(Skipped(relative, "test or build tool"))
            else:
                tree.python.append(path)
        elif is_file and entry.name.endswith(TEXT_ENDINGS):
            tree.templates.append(path)
    for path in below:
        yield from _walk(tree, path, depth + 1)


def _why_skip_directory(entry: os.DirEntry[str], parent: Path) -> str | None:
    """Why a directory is left out; "" for one that is not worth a word, None to enter it."""
    if entry.name.startswith("."):
        return ""
    if entry.is_symlink():
        return "symbolic link"
    if parent.name == "metaflow_extensions":
        # The organisation's name is free: one called "test" is not a test.
        return None
    for ending, reason in _SKIPPED_ENDINGS.items():
        if entry.name.endswith(ending):
            return reason
    if os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):  # noqa: PTH110, PTH118
        return "virtual environment"
    return _SKIPPED_DIRECTORIES.get(entry.name)


def _is_test_or_tool(name: str, parent: Path) -> bool:
    if name in _SKIPPED_FILES:
        return "metaflow_extensions" not in parent.parts or name == "conftest.py"
    return name.startswith("test_") or name.endswith("_test.py")


def read(path: Path) -> str:
    """The text of a Python file, decoded as Python would (BOM, PEP 263).

    Raises:
        ValueError: it cannot be read or decoded; the message says why.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"is larger than {MAX_BYTES // 1_000_000} MB")
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error
    if b"\0" in data:
        raise ValueError("contains NUL bytes, so Python cannot import it")
    try:
        return data.decode(encoding_of(data))
    except LookupError as error:
        raise ValueError(f"has no usable encoding: {error}") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"is not valid {error.encoding} (byte 0x{data[error.start]:02x} in line {line}); "
            "save it as UTF-8 or declare its encoding"
        ) from error


def encoding_of(data: bytes) -> str:
    """What the first two lines declare; UTF-8 when they declare nothing."""
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError as error:
        if b"coding" in b"".join(data.splitlines()[:2]):
            raise LookupError(str(error)) from error
        return "utf-8"
