"""From the templates to the files of a project, in memory.

A template is a file of ``templates/extension/`` or of the chosen ``templates/engines/<engine>/``,
which lies over it. ``__module__`` and ``__type__`` in its path are replaced. A file that ends in
``.j2`` is rendered, with ``[[ variable ]]`` and ``[% block %]``, so that ``${{ }}``, f-strings and
JSON need no escaping; any other file is copied byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path, PurePosixPath

from metaflow_orchestrator_kit import __version__, paths
from metaflow_orchestrator_kit.scaffold import record
from metaflow_orchestrator_kit.scaffold.errors import ScaffoldError
from metaflow_orchestrator_kit.scaffold.names import Names
from metaflow_orchestrator_kit.scaffold.ordered import imports_sorted

DEFAULT_ENGINE = "embedded"
METAFLOW_FLOOR = "2.19.23"
PYTHON_FLOOR = "3.10"

_SUFFIX = ".j2"
_PACKAGE = "metaflow_extensions"
#: What tools leave in a template folder of a checkout.
_LEFT_BY_TOOLS = frozenset(
    {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".DS_Store"}
)


class Owner(Enum):
    """Who changes a file once it is written."""

    AUTHOR = "author"
    KIT = "kit"
    """The same in every extension, and replaced by newer versions of the kit."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the user asked for: with the kit's version, the only input of the templates."""

    names: Names
    engine: str = DEFAULT_ENGINE

    def recorded(self) -> Mapping[str, str]:
        """What the record keeps of them."""
        return {"name": self.names.type, "engine": self.engine}

    def variables(self) -> Mapping[str, str]:
        """What templates can use."""
        names = self.names
        return {
            "type": names.type,
            "module": names.module,
            "package": names.package,
            "class_prefix": names.class_prefix,
            "title": names.title,
            "env_prefix": names.env_prefix,
            "distribution": names.distribution,
            "engine": self.engine,
            "kit_version": __version__,
            "metaflow_floor": METAFLOW_FLOOR,
            "python_floor": PYTHON_FLOOR,
        }


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One file of the project, not yet written."""

    path: PurePosixPath
    """Relative to the project."""
    content: bytes
    owner: Owner
    of_engine: bool = False
    """Whether it goes when the author replaces the engine that the project started from."""


@dataclass(frozen=True, slots=True)
class Project:
    """Every file of a project, in the order of their paths, the record included."""

    answers: Answers
    files: tuple[ProjectFile, ...]

    @property
    def engine_file(self) -> PurePosixPath:
        """The file that the author edits."""
        module = self.answers.names.module
        return PurePosixPath(_PACKAGE, module, "plugins", module, f"{module}_engine.py")


def engines(templates: Path | None = None) -> tuple[str, ...]:
    """The engines that a project can start from."""
    folder = (templates or paths.templates()) / "engines"
    found = {entry.name for entry in folder.iterdir() if entry.is_dir()}
    return tuple(sorted(found - _LEFT_BY_TOOLS))


def project(answers: Answers, templates: Path | None = None) -> Project:
    """All files of the project that the answers ask for.

    The same answers give the same bytes.

    Raises:
        ScaffoldError: there is no such engine.
    """
    root = templates or paths.templates()
    known = engines(root)
    if answers.engine not in known:
        raise ScaffoldError(f"There is no engine '{answers.engine}'. Engines: {', '.join(known)}.")
    files = {file.path: file for file in _layer(root / "extension", answers, Owner.KIT)}
    # The author replaces the engine, so nothing that comes with it is the kit's.
    for file in _layer(root / "engines" / answers.engine, answers, Owner.AUTHOR):
        files[file.path] = replace(file, of_engine=True)
    ordered = [files[path] for path in sorted(files)]
    ordered.append(
        ProjectFile(
            path=record.PATH,
            content=record.content(
                answers=answers.recorded(),
                files=[(file.path, file.content, file.owner.value) for file in ordered],
            ),
            owner=Owner.KIT,
        )
    )
    return Project(answers=answers, files=tuple(sorted(ordered, key=lambda file: file.path)))


def _layer(root: Path, answers: Answers, modules: Owner) -> Iterator[ProjectFile]:
    """The files that one template folder gives, and whose the modules in it are."""
    # Imported late: `--help`, and every error about a name, do without it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(root),
        undefined=StrictUndefined,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    variables = answers.variables()
    for source in _sources(root):
        target = str(source)
        for variable in ("module", "type"):
            target = target.replace(f"__{variable}__", variables[variable])
        if target.endswith(_SUFFIX):
            path = PurePosixPath(target.removesuffix(_SUFFIX))
            text = environment.get_template(str(source)).render(variables)
            if path.suffix == ".py":
                text = imports_sorted(text)
            yield ProjectFile(path, text.encode(), Owner.AUTHOR)
        else:
            path = PurePosixPath(target)
            owner = modules if _is_nameless_module(path) else Owner.AUTHOR
            yield ProjectFile(path, (root / source).read_bytes(), owner)


def _sources(root: Path) -> Iterator[PurePosixPath]:
    for source in root.rglob("*"):
        relative = source.relative_to(root)
        if not source.is_file() or _LEFT_BY_TOOLS.intersection(relative.parts):
            continue
        yield PurePosixPath(relative)


def _is_nameless_module(path: PurePosixPath) -> bool:
    """Whether a copied file is a module that says nothing about this scheduler."""
    return path.parts[0] == _PACKAGE and path.suffix == ".py" and path.name != "__init__.py"
