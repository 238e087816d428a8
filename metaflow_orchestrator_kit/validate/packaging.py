"""How the extension is built and what it requires: pyproject.toml, setup.cfg, setup.py."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from metaflow_orchestrator_kit.validate.model.values import Origin
from metaflow_orchestrator_kit.validate.project import NAMESPACE, Project
from metaflow_orchestrator_kit.validate.records import record, regex

_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_TABLE = regex(r"^\s*\[+\s*([^\[\]]+?)\s*\]+\s*(?:#.*)?$")
_STRING = regex(r"""(["'])(.*?)\1""")
_MAX_BYTES = 2_000_000


@record()
class Line:
    """A value in one of the files, and where it stands."""

    value: str
    origin: Origin


@record()
class Packaging:
    """What was found; ``requires`` is None where the requirements are computed or not listed."""

    files: tuple[str, ...]
    backend: Line | None
    requires: tuple[Line, ...] | None
    text: str
    place: Origin


def read_packaging(project: Project) -> Packaging | None:
    """The packaging files at DIR, or of the repository that DIR is the extension's folder of."""
    folder = _folder(project)
    if folder is None:
        return None
    texts = {n: t for n in _FILES if (t := _text(folder / n)) is not None}
    prefix = "../" * len(project.root.resolve().relative_to(folder).parts)
    paths = {n: f"{prefix}{n}" for n in texts}
    pyproject = texts.get("pyproject.toml", "")
    lines = pyproject.splitlines()
    tables = _tables(lines)
    backend: Line | None = None
    for number, line in tables.get("build-system", []):
        match = re.match(r"""\s*build-backend\s*=\s*["']([^"']+)["']""", line)
        if match:
            backend = Line(match[1], _at(paths["pyproject.toml"], number))
    requires = _of_project(tables, paths.get("pyproject.toml", ""))
    if requires is None and "setup.cfg" in texts:
        requires = _of_setup_cfg(texts["setup.cfg"], paths["setup.cfg"])
    if requires is None and "setup.py" in texts:
        requires = _of_setup_py(texts["setup.py"], paths["setup.py"])
    named = next(iter(paths.values()))
    return Packaging(
        tuple(paths.values()), backend, requires, "\n".join(texts.values()), _at(named, 1)
    )


def _folder(project: Project) -> Path | None:
    """DIR itself, or the folder above it that holds the files, where DIR is only the package."""
    current = project.root.resolve()
    inside = NAMESPACE in current.parts or (current / "plugins").is_dir()
    for _ in range(7):
        if any((current / name).is_file() for name in _FILES):
            return current
        if not inside or (NAMESPACE not in current.parts[:-1] and current.name not in (
            NAMESPACE, "src"
        )):  # fmt: skip
            return None
        current = current.parent
    return None


def _text(path: Path) -> str | None:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None


def _at(path: str, line: int) -> Origin:
    return Origin(path, line, 1, line)


def _tables(lines: list[str]) -> dict[str, list[tuple[int, str]]]:
    """The lines of each table of a TOML file, with their numbers."""
    tables: dict[str, list[tuple[int, str]]] = {}
    current = ""
    for number, line in enumerate(lines, 1):
        match = _TABLE.match(line)
        if match and "=" not in line:
            current = match[1].replace('"', "")
        else:
            tables.setdefault(current, []).append((number, line))
    return tables


def _of_project(tables: dict[str, list[tuple[int, str]]], path: str) -> tuple[Line, ...] | None:
    poetry = tables.get("tool.poetry.dependencies")
    if poetry is not None:
        found = []
        for number, line in poetry:
            match = re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=\s*(.+)", line)
            if match:
                version = _STRING.search(match[2])
                text = version[2] if version else ""
                found.append(Line(f"{match[1]} {text.replace('^', '>=')}", _at(path, number)))
        return tuple(found)
    table = tables.get("project")
    if table is None or any(re.match(r"\s*dynamic\s*=.*dependencies", t) for _, t in table):
        return None
    found, inside = [], False
    for number, line in table:
        rest = line.split(" #")[0]
        if not inside:
            match = re.match(r"\s*dependencies\s*=\s*\[(.*)", rest)
            if match is None:
                continue
            inside, rest = True, match[1]
        if rest.lstrip().startswith("#"):
            continue
        found.extend(Line(m[2], _at(path, number)) for m in _STRING.finditer(rest))
        if re.search(r"\]\s*,?\s*$", _STRING.sub("", rest)):
            break
    return tuple(found)


def _of_setup_cfg(text: str, path: str) -> tuple[Line, ...] | None:
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        match = re.match(r"install_requires\s*=\s*(.*)", line)
        if match is None:
            continue
        found = [Line(match[1], _at(path, number))] if match[1].strip() else []
        for further, entry in enumerate(lines[number:], number + 1):
            if entry.strip() and not entry.startswith((" ", "\t")):
                break
            if entry.strip() and not entry.strip().startswith("#"):
                found.append(Line(entry.strip(), _at(path, further)))
        return tuple(found)
    return None


def _of_setup_py(text: str, path: str) -> tuple[Line, ...] | None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = {
        t.id: n.value
        for n in tree.body
        if isinstance(n, ast.Assign)
        for t in n.targets
        if isinstance(t, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not _is_setup(node.func):
            continue
        given = {k.arg: k.value for k in node.keywords}
        value = given.get("install_requires")
        if value is None:
            return () if None not in given else None
        value = names.get(value.id) if isinstance(value, ast.Name) else value
        if isinstance(value, ast.List | ast.Tuple):
            texts = [e for e in value.elts if isinstance(e, ast.Constant)]
            return tuple(
                Line(e.value, _at(path, e.lineno)) for e in texts if isinstance(e.value, str)
            )
        return None
    return None


def _is_setup(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name == "setup"
