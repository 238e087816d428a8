"""The extension(s) under a directory: modules parsed once, names resolved across them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from metaflow_orchestrator_kit.validate.model.values import ClassInfo
from metaflow_orchestrator_kit.validate.modules import (
    NAMESPACE,
    Module,
    assigned_names,
    dotted,
    dotted_name,
    parse_file,
    parse_source,
    record_import,
)
from metaflow_orchestrator_kit.validate.records import field, record, regex
from metaflow_orchestrator_kit.validate.sources import Problem, Skipped, Tree, scan

__all__ = [
    "CONFIG_NAME",
    "NAMESPACE",
    "Extension",
    "Module",
    "Project",
    "assigned_names",
    "dotted",
    "dotted_name",
    "is_config",
    "load",
    "parse_source",
    "record_import",
]

CONFIG_NAME = regex(r"^mfextinit_[a-zA-Z0-9_-]+\.py$")
_CONFIG_PARENTS = 4


@record()
class Extension:
    """One organisation's plugins: the files that register them with Metaflow."""

    organisation: str
    plugins: str
    configs: tuple[Module, ...]
    kind: str  # "extension" (metaflow_extensions/<org>/plugins) or "plugins" (a bare folder)
    unread: tuple[str, ...] = ()


@record(frozen=False)
class Project:
    """Everything read under DIR."""

    root: Path
    modules: list[Module]
    templates: list[Path]
    extensions: list[Extension]
    skipped: list[Skipped]
    problems: list[Problem]
    tree: Tree
    memo: dict[str, object] = field(default_factory=dict)
    """What others have worked out once about these modules."""
    _by_dotted: dict[str, Module] = field(default_factory=dict)
    _by_ending: dict[str, Module | None] = field(default_factory=dict)
    _ancestries: dict[ClassInfo, tuple[ClassInfo, ...]] = field(default_factory=dict)

    def find_module(self, dotted: str, importer: Module | None = None) -> Module | None:
        """The module of that import path: exact, beside the importer, or by unique suffix."""
        if not self._by_dotted:
            self._by_dotted.update({m.dotted: m for m in self.modules})
        found = self._by_dotted.get(dotted)
        if found is not None or not dotted:
            return found
        # The same few names are asked for again and again, and the search reads all modules.
        if dotted not in self._by_ending:
            self._by_ending[dotted] = self._by_suffix(dotted)
        return self._by_ending[dotted]

    def _by_suffix(self, dotted: str) -> Module | None:
        tail = f".{dotted}"
        matches = [m for name, m in self._by_dotted.items() if name.endswith(tail)]
        if len(matches) == 1:
            return matches[0]
        # DIR may be a folder inside the package that the absolute import starts from.
        parts = dotted.split(".")
        for start in range(1, len(parts)):
            rest = ".".join(parts[start:])
            if rest in self._by_dotted and (start >= 2 or parts[0] in (NAMESPACE, "metaflow")):
                return self._by_dotted[rest]
        return None

    def classes(self) -> Iterator[ClassInfo]:
        for module in self.modules:
            yield from module.classes.values()

    def is_subclass(self, cls: ClassInfo, *bases: str) -> bool:
        """Whether *cls* derives, through classes of the project, from one of the named bases."""
        return any(
            base.rpartition(".")[2] in bases for known in self.ancestry(cls) for base in known.bases
        )

    def ancestry(self, cls: ClassInfo) -> tuple[ClassInfo, ...]:
        """The class and its bases within the project, nearest first."""
        known = self._ancestries.get(cls)
        if known is None:
            known = self._ancestries[cls] = tuple(self._bases(cls))
        return known

    def _bases(self, cls: ClassInfo) -> list[ClassInfo]:
        found: list[ClassInfo] = []
        waiting = [cls]
        while waiting:
            current = waiting.pop(0)
            if current in found:
                continue
            found.append(current)
            for base in current.bases:
                parent = self.resolve_class(base, current.module)
                if parent is not None:
                    waiting.append(parent)
        return found

    def resolve_class(self, name: str, module: Module) -> ClassInfo | None:
        head, _, rest = name.partition(".")
        if not rest and name in module.classes:
            return module.classes[name]
        if head in module.imports:
            dotted, attribute = module.imports[head]
            full = f"{dotted}.{attribute}" if attribute else dotted
            full = f"{full}.{rest}" if rest else full
            target = self.find_module(full.rpartition(".")[0], module)
            if target is not None and target is not module:
                return self.resolve_class(full.rpartition(".")[2], target)
        for star in module.stars:
            target = self.find_module(star, module)
            if target is not None and name in target.classes:
                return target.classes[name]
        return None


def load(directory: Path) -> Project:
    """Read and index the extension(s) under *directory* (or a single ``.py`` file)."""
    tree = scan(directory)
    problems = list(tree.problems)
    modules: list[Module] = []
    for path in tree.python:
        module = parse_file(path, tree.root, problems)
        if module is not None:
            modules.append(module)
    extensions = _extensions(tree, modules, problems)
    return Project(tree.root, modules, tree.templates, extensions, tree.skipped, problems, tree)


def _extensions(tree: Tree, modules: list[Module], problems: list[Problem]) -> list[Extension]:
    found: dict[str, list[Module]] = {}
    kinds: dict[str, tuple[str, str]] = {}
    broken: dict[str, list[str]] = {}
    for directory in tree.directories:
        relative = directory.relative_to(tree.root)
        absolute = directory.resolve().parts
        if len(absolute) >= 3 and absolute[-1] == "plugins" and absolute[-3] == NAMESPACE:
            kinds[relative.as_posix()] = (absolute[-2], "extension")
    for module in modules:
        folder = PurePosixPath(module.path).parent.as_posix()
        if is_config(module, kinds.get(folder) is not None):
            found.setdefault(folder, []).append(module)
            kinds.setdefault(folder, ((tree.root / folder).resolve().parent.name, "plugins"))
    for problem in problems:
        path = PurePosixPath(problem.path)
        if CONFIG_NAME.match(path.name):
            broken.setdefault(path.parent.as_posix(), []).append(problem.path)
            kinds.setdefault(path.parent.as_posix(), (path.parent.parent.name, "plugins"))
    if not kinds and modules:
        above = _config_above(tree.root, problems)
        if above is not None:
            return [above]
    return [
        Extension(org, folder, tuple(found.get(folder, [])), kind, tuple(broken.get(folder, [])))
        for folder, (org, kind) in sorted(kinds.items())
    ]


def is_config(module: Module, in_plugins: bool) -> bool:
    """Whether a module registers plugins: by its name, or as the ``__init__`` of plugins."""
    name = PurePosixPath(module.path).name
    if name.startswith("mfextinit_"):
        return bool(CONFIG_NAME.match(name))
    if name != "__init__.py":
        return False
    assigned = {n for n in assigned_names(module.tree) if n.endswith("_DESC")}
    return bool(assigned) if not in_plugins else bool(assigned) or bool(module.tree.body)


def _config_above(root: Path, problems: list[Problem]) -> Extension | None:
    """The registration of a package folder that DIR lies in: an mfextinit file or a plugins
    ``__init__`` a few levels up."""
    current = root.resolve()
    for _ in range(_CONFIG_PARENTS):
        current = current.parent
        try:
            candidates = [p for p in current.glob("mfextinit_*.py") if CONFIG_NAME.match(p.name)]
        except OSError:
            return None
        init = current / "__init__.py"
        if not candidates and current.name == "plugins" and init.is_file():
            candidates = [init]
        if candidates:
            found: list[Module] = []
            for path in sorted(candidates):
                module = parse_file(path, current, problems)
                if module is not None and (
                    module.path != "__init__.py" or is_config(module, False)
                ):
                    below = root.resolve().relative_to(current).parts
                    module.path = "../" * len(below) + path.name
                    module.outside = True
                    module.dotted = "\0" + ".".join(below)
                    found.append(module)
            if found:
                return Extension(current.parent.name, current.name, tuple(found), "above")
            return None
        if not (current / "__init__.py").is_file() and current.name != "plugins":
            return None
    return None
