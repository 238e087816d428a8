"""The installed Metaflow, read from its source without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from metaflow_orchestrator_kit.validate.records import field, record

_DYNAMIC = {"globals", "setattr", "exec"}


@record(frozen=False)
class Host:
    """Metaflow's package folder; answers None where only running the code could tell."""

    root: Path
    version: str
    _names: dict[str, tuple[set[str], bool]] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)

    def file(self, module: str) -> Path | None:
        """The source file of a module ``metaflow.a.b``."""
        base = self.root.joinpath(*module.split(".")[1:])
        for candidate in (base / "__init__.py", base.with_suffix(".py")):
            if module.partition(".")[0] == "metaflow" and candidate.is_file():
                return candidate
        return None

    def exists(self, module: str) -> bool:
        """Whether there is such a module, or folder of modules."""
        if module.partition(".")[0] != "metaflow":
            return False
        return self.file(module) is not None or self.root.joinpath(*module.split(".")[1:]).is_dir()

    def defines(self, module: str, name: str) -> bool | None:
        """Whether the module's source binds *name*; None when it binds names as it runs."""
        if module not in self._names:
            if self._is_plain(module, name):
                return True
            self._names[module] = self._read(module)
        names, is_complete = self._names[module]
        if name in names or (name.startswith("__") and name.endswith("__")):
            return True
        return False if is_complete else None

    def _is_plain(self, module: str, name: str) -> bool:
        """Whether a line says at once that the module binds *name*: parsing takes far longer."""
        path = self.file(module)
        if module not in self._texts:
            try:
                self._texts[module] = path.read_text(encoding="utf-8") if path else ""
            except (OSError, ValueError):
                self._texts[module] = ""
        line = rf"^(?:(?:async )?def|class) {re.escape(name)}\b|^{re.escape(name)} = "
        return re.search(line, self._texts[module], re.MULTILINE) is not None

    def has(self, module: str, name: str) -> bool | None:
        """Whether ``from module import name`` works."""
        if name == "*" or self.exists(f"{module}.{name}"):
            return True
        if _comes_from_extensions(module):
            return None
        if self.file(module) is None:
            return None if self.exists(module) else False
        return self.defines(module, name)

    def _read(self, module: str) -> tuple[set[str], bool]:
        """The names that a module's source binds, and whether there can be no others."""
        names: set[str] = set()
        path = self.file(module)
        if path is None:
            return names, False
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            return names, False
        is_complete = True
        for node in _top_level(tree):
            match node:
                case (
                    ast.FunctionDef(name=name)
                    | ast.AsyncFunctionDef(name=name)
                    | ast.ClassDef(name=name)
                ):
                    names.add(name)
                case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                    is_complete &= all(a.name != "*" for a in aliases)
                    names.update(a.asname or a.name.partition(".")[0] for a in aliases)
                case _:
                    used = {n.id: n.ctx for n in _at_import(node) if isinstance(n, ast.Name)}
                    is_complete &= _DYNAMIC.isdisjoint(used)
                    names.update(n for n, ctx in used.items() if isinstance(ctx, ast.Store))
        return names, is_complete and "__getattr__" not in names


def _at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that run at import: no bodies of functions and classes."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(current))


def _comes_from_extensions(module: str) -> bool:
    """Other extensions add to these packages, by name and as they load."""
    return bool(re.match(r"metaflow\.(extension_support|metaflow_current|plugins\.cards)", module))


def _top_level(tree: ast.Module) -> list[ast.stmt]:
    """The statements that run at import, those of ``if``, ``try``, ``for`` and ``with`` too."""
    found: list[ast.stmt] = []
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try):
            for name in ("body", "orelse", "finalbody"):
                waiting.extend(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                waiting.extend(handler.body)
    return found


@lru_cache(maxsize=1)
def host() -> Host | None:
    """The Metaflow that is installed for this interpreter, if there is one."""
    try:
        import importlib.util  # Late: it is slow to import.

        spec = importlib.util.find_spec("metaflow")
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    return Host(root, _version(root))


def _version(root: Path) -> str:
    try:
        found = re.search(
            r"metaflow_version\s*=\s*[\"']([^\"']+)", (root / "version.py").read_text("utf-8")
        )
    except OSError:
        found = None
    return found[1] if found else "(installed)"
