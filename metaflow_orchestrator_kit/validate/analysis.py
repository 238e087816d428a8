"""Everything the rules may ask: the project, its commands, environments and events."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from metaflow_orchestrator_kit.validate import argv, env
from metaflow_orchestrator_kit.validate.following import Followed, follow
from metaflow_orchestrator_kit.validate.model.frame import Event
from metaflow_orchestrator_kit.validate.model.values import Cell, Origin, Text, Value
from metaflow_orchestrator_kit.validate.project import Module, Project, load
from metaflow_orchestrator_kit.validate.records import field, record
from metaflow_orchestrator_kit.validate.sources import Problem
from metaflow_orchestrator_kit.validate.templates import read_template


@record(frozen=False)
class Analysis:
    """The facts about an extension. Its code is followed when somebody asks for what comes of it.

    Nobody does in a tree that cannot launch Metaflow, however large it is.
    """

    project: Project
    templates: list[Text] = field(default_factory=list)
    memo: dict[str, object] = field(default_factory=dict)
    """What helpers of the rules have worked out once for all of them."""
    _followed: Followed | None = None

    @property
    def followed(self) -> Followed:
        """What comes of following the code; worked out once."""
        if self._followed is None:
            self._followed = follow(self.project, self.templates)
        return self._followed

    @property
    def commands(self) -> list[argv.Command]:
        return self.followed.commands

    @property
    def environment(self) -> list[env.EnvWrite]:
        return self.followed.environment

    @property
    def events(self) -> list[Event]:
        return self.followed.events

    @property
    def texts(self) -> list[Text]:
        return self.followed.texts

    @property
    def generated(self) -> list[Module]:
        return self.followed.generated

    @property
    def cells(self) -> dict[int, Cell]:
        return self.followed.cells

    @property
    def positions(self) -> dict[Module, Callable[[int, int], Origin]]:
        return self.followed.positions

    @property
    def holes(self) -> dict[Module, dict[str, Value]]:
        return self.followed.holes

    @property
    def filled(self) -> Mapping[str, set[str]]:
        return self.followed.filled

    @property
    def lost(self) -> list[tuple[str, Origin]]:
        """What took too long or went too deep to follow."""
        return self.followed.lost

    @property
    def steps(self) -> int:
        """How much work it was to follow the code; bounded by `interpreter.PROJECT_BUDGET`."""
        return self.followed.steps

    @property
    def is_followed(self) -> bool:
        """Whether anybody has asked for what comes of following the code."""
        return self._followed is not None

    def made_from(self, names: Iterable[str]) -> frozenset[str]:
        """These identifiers, and those from which the fields of that name were filled.

        What one process puts into a plan, another reads from it: ``step.specs`` was made from
        whatever ``Step(specs=...)`` got, wherever that is.
        """
        known: set[str] = set()
        waiting = set(names)
        for _ in range(3):
            known |= waiting
            waiting = set().union(*(self.filled.get(n, set()) for n in waiting)) - known
        return frozenset(known)

    def place(self, module: Module, node: ast.AST) -> Origin:
        """Where *node* was written; for generated code, in the string that it comes from."""
        line = getattr(node, "lineno", 1)
        column = module.column(node)
        mapper = self.positions.get(module)
        if mapper is not None:
            return mapper(line, column)
        return Origin(module.path, line, column, getattr(node, "end_lineno", None) or line)

    def of_kind(self, *kinds: str) -> list[argv.Command]:
        """The commands of these kinds."""
        return [c for c in self.commands if c.kind in kinds]

    def module(self, path: str) -> Module | None:
        """The file of that path, when it is one of the project's modules."""
        return next((m for m in self.project.modules if m.path == path), None)

    def modules(self) -> Iterator[Module]:
        yield from self.project.modules
        yield from self.generated

    def has_code(self) -> bool:
        """Whether there is anything but comments and docstrings."""
        return any(
            not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
            for m in self.project.modules
            for n in m.tree.body
        )

    def calls(self, *names: str) -> list[Event]:
        """Calls of things outside the project, by the last part of their name."""
        return [e for e in self.events if e.kind == "call" and e.name.rpartition(".")[2] in names]


def analyse(directory: Path) -> Analysis:
    """Read the extension(s) under *directory*."""
    project = load(directory)
    return Analysis(project, _templates(project))


def _templates(project: Project) -> list[Text]:
    found: list[Text] = []
    for path in project.templates:
        relative = path.relative_to(project.root).as_posix()
        try:
            found.append(read_template(path, relative))
        except ValueError as error:
            project.problems.append(Problem(relative, str(error)))
    return found
